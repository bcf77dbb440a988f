"""Tokenise documents and pack them into memory-mapped blocks of one context length.

    blocks/
      tokens.npy      [blocks, context] uint16 or uint32
      starts.npy      first position of each document in its block, block after block, int32
      bounds.npy      where a block's starts begin in `starts`, int64 [blocks + 1]
      used.npy        positions that carry tokens (the rest is padding), int32 [blocks]
      blocks.json     context, seed, counts; written last: its presence says that the folder is whole

A document longer than the context is cut into pieces of its length, each a document of its own in the block. Pieces
are packed by best-fit decreasing, which uses more than 99% of the positions at 8k; order and content are a pure
function of documents and seed. Attention must not cross a start and position ids restart there: `positions` and
`segments` give both.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from in2x.artifact import write_json
from in2x.errors import In2xError
from in2x.language.kernels import kernel
from in2x.records import Document

META = "blocks.json"
Tokens = NDArray[np.unsignedinteger[Any]]


class PackedBlocks:
    """Reader of a folder of packed blocks; blocks are read from disk as they are asked for."""

    def __init__(self, folder: Path) -> None:
        try:
            self.meta: dict[str, Any] = json.loads((folder / META).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            raise In2xError("no packed blocks here", file=folder, mend="pack the documents again") from None
        self.context = int(self.meta["context"])
        self._tokens: Tokens = np.load(folder / "tokens.npy", mmap_mode="r")
        self._starts = np.load(folder / "starts.npy", mmap_mode="r")
        self._bounds = np.load(folder / "bounds.npy")
        self._used = np.load(folder / "used.npy")

    def __len__(self) -> int:
        """Number of blocks."""
        return len(self._used)

    def block(self, i: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`(tokens [context], starts [documents])` of block `i`; behind `used(i)` the tokens are padding."""
        tokens = np.asarray(self._tokens[i], np.int64)
        return tokens, np.asarray(self._starts[self._bounds[i] : self._bounds[i + 1]], np.int64)

    def used(self, i: int) -> int:
        """How many positions of block `i` carry tokens."""
        return int(self._used[i])

    def documents(self, i: int) -> int:
        """How many documents block `i` holds."""
        return int(self._bounds[i + 1] - self._bounds[i])

    def segments(self, i: int) -> NDArray[np.int64]:
        """For each position the document it belongs to, 0, 1, 2 ..., and -1 for padding, int64 `[context]`."""
        segments = np.zeros(self.context, np.int64)
        segments[self.block(i)[1][1:]] = 1
        segments = np.cumsum(segments)
        segments[self.used(i) :] = -1
        return segments

    def positions(self, i: int) -> NDArray[np.int64]:
        """Position ids that restart at each document (and at the padding), int64 `[context]`."""
        starts = self.block(i)[1]
        borders = np.append(starts, self.used(i)) if self.used(i) < self.context else starts
        lengths = np.diff(np.append(borders, self.context))
        positions: NDArray[np.int64] = np.arange(self.context) - np.repeat(borders, lengths)
        return positions


@kernel
def _best_fit(lengths: NDArray[np.int64], order: NDArray[np.int64], context: int) -> tuple[Any, Any, int]:
    """Best-fit over items in the given order: `(bin, offset)` of each item and the number of bins.

    Bins with room r hang in a list under r; a tree of bits over 0 .. context finds the smallest r >= length.
    """
    size = 1
    while size < context + 1:
        size *= 2
    tree = np.zeros(2 * size, np.uint8)
    head = np.full(context + 1, -1, np.int64)
    link = np.full(len(lengths), -1, np.int64)
    bins = np.zeros(len(lengths), np.int64)
    offsets = np.zeros(len(lengths), np.int64)
    count = 0
    for item in order:
        length = lengths[item]
        node = size + length
        if not tree[node]:  # climb to a right neighbour that holds a bin
            while node > 1 and (node & 1 or not tree[node + 1]):
                node >>= 1
            node = node + 1 if node > 1 else 0
        if node:
            while node < size:
                node = 2 * node if tree[2 * node] else 2 * node + 1
            room = node - size
            target = head[room]
            head[room] = link[target]
            if head[room] < 0:
                leaf = node
                tree[leaf] = 0
                leaf >>= 1
                while leaf >= 1:
                    tree[leaf] = tree[2 * leaf] | tree[2 * leaf + 1]
                    leaf >>= 1
        else:
            target, room = count, context
            count += 1
        bins[item], offsets[item] = target, context - room
        room -= length
        if room > 0:
            link[target] = head[room]
            head[room] = target
            leaf = size + room
            while leaf >= 1 and not tree[leaf]:
                tree[leaf] = 1
                leaf >>= 1
    return bins, offsets, count


def pack(
    documents: Iterable[Tokens | list[int]], context: int, out: Path, *, vocabulary: int, pad: int = 0, seed: int = 0
) -> PackedBlocks:
    """Pack tokenised documents into `out` (made anew unless it is already whole for the same context and seed).

    Args:
        documents: token ids of each document; empty ones are passed over.
        context: tokens a block.
        vocabulary: all ids are below; decides between uint16 and uint32.
        pad: id that fills the rest of a block.
        seed: decides the order of blocks, and of equally long documents.

    Raises:
        In2xError: there is no token to pack, or the disk is full.
    """
    if (out / META).exists():
        found = PackedBlocks(out)
        if (found.context, found.meta["seed"]) == (context, seed):
            return found
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write(documents, context, partial, np.uint16 if vocabulary <= 1 << 16 else np.uint32, pad, seed)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise In2xError(
            f"the blocks cannot be written ({error.strerror})", file=out, mend="free space on the disk"
        ) from None
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    return PackedBlocks(out)


def _write(
    documents: Iterable[Tokens | list[int]], context: int, folder: Path, dtype: Any, pad: int, seed: int
) -> None:
    lengths_list: list[int] = []
    with (folder / "stream.bin").open("wb") as stream:
        for tokens in documents:
            if len(tokens):
                lengths_list.append(len(tokens))
                stream.write(np.asarray(tokens, dtype).data)
    if not lengths_list:
        raise In2xError("there is no token to pack", file=folder.parent, mend="check the data view of this phase")
    whole = np.array(lengths_list, np.int64)
    pieces = -(-whole // context)
    first = np.concatenate(([0], np.cumsum(pieces)[:-1]))
    inside = np.arange(int(pieces.sum())) - np.repeat(first, pieces)
    begins = np.repeat(np.concatenate(([0], np.cumsum(whole)[:-1])), pieces) + inside * context
    lengths = np.minimum(context, np.repeat(whole, pieces) - inside * context)
    rng = np.random.default_rng([seed, 0xB10C])
    order = rng.permutation(len(lengths))
    order = order[np.argsort(-lengths[order], kind="stable")]
    bins, offsets, count = _best_fit(lengths, order, context)
    place = rng.permutation(count)[bins]
    by_place = np.lexsort((offsets, place))
    stream_tokens = np.memmap(folder / "stream.bin", dtype, mode="r")
    blocks = np.lib.format.open_memmap(folder / "tokens.npy", "w+", dtype, (count, context))
    blocks[:] = pad
    for item in by_place:
        to, begin, length = offsets[item], begins[item], lengths[item]
        blocks[place[item], to : to + length] = stream_tokens[begin : begin + length]
    blocks.flush()
    del blocks, stream_tokens
    (folder / "stream.bin").unlink()
    used = np.bincount(place, weights=lengths, minlength=count).astype(np.int32)
    bounds = np.concatenate(([0], np.cumsum(np.bincount(place, minlength=count)))).astype(np.int64)
    np.save(folder / "starts.npy", offsets[by_place].astype(np.int32))
    np.save(folder / "bounds.npy", bounds)
    np.save(folder / "used.npy", used)
    total = int(lengths.sum())
    write_json(folder / META, {
        "context": context, "seed": seed, "blocks": int(count), "documents": len(whole), "pieces": len(lengths),
        "tokens": total, "used_share": total / (count * context), "pad": pad,
    })  # fmt: skip


def tokenise(tokenizer: Any, documents: Iterable[Document], workers: int | None = None) -> Iterator[Tokens | list[int]]:
    """Token ids of each document, in order: begin-of-text where the tokenizer has one, the text, end-of-text.

    Args:
        tokenizer: a transformers tokenizer.
        documents: streamed.
        workers: processes that share the work once it is worth starting them; None: one for each processor.

    Raises:
        In2xError: the tokenizer has no end-of-text token, so that documents could not be told apart.
    """
    if tokenizer.eos_token_id is None:
        raise In2xError("the tokenizer has no end-of-text token", mend="set eos_token in its tokenizer_config.json")
    stream = iter(documents)
    batches = iter(lambda: [document.text for document in islice(stream, BATCH)], [])
    for texts in islice(batches, ALONE):
        yield from _tokenised(tokenizer, texts)
    workers = len(os.sched_getaffinity(0)) if workers is None else workers
    if workers == 1:
        for texts in batches:
            yield from _tokenised(tokenizer, texts)
    elif (first := next(batches, None)) is not None:
        # Not forked: threads of torch and of the tokenizer may hold locks.
        with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (tokenizer,)) as pool:
            waiting: deque[Future[list[Tokens]]] = deque()
            for texts in chain([first], batches):
                waiting.append(pool.submit(_arrays, texts))
                if len(waiting) > 4 * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()


BATCH, ALONE = 256, 64
"""Documents that are tokenised at a time, and after how many such batches further processes are started."""
_worker: Any = None


def _begin(tokenizer: Any) -> None:
    """Of a worker: keep the tokenizer; its threads would only stand in each other's way."""
    global _worker
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _worker = tokenizer


def _arrays(texts: list[str]) -> list[Tokens]:
    return [np.asarray(ids, np.uint32) for ids in _tokenised(_worker, texts)]


def _tokenised(tokenizer: Any, texts: list[str]) -> Iterator[list[int]]:
    end, begin = int(tokenizer.eos_token_id), tokenizer.bos_token_id
    head = [] if begin is None or begin == end else [int(begin)]
    for ids in _encode(tokenizer, texts):
        yield [*head, *ids, end]


def _encode(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        ids: list[list[int]] = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return ids
    # The same ids in half the time: transformers' call also keeps offsets, words and masks of every token.
    backend.no_truncation()
    backend.no_padding()
    return [found.ids for found in backend.encode_batch_fast(texts, add_special_tokens=False)]


def pack_documents(
    tokenizer: Any, documents: Iterable[Document], context: int, out: Path, seed: int = 0, workers: int | None = None
) -> PackedBlocks:
    """`tokenise`, then `pack`: the same blocks whatever the number of workers.

    Padding is the tokenizer's pad token, or else its end-of-text token.
    """
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    tokens = tokenise(tokenizer, documents, workers)
    return pack(tokens, context, out, vocabulary=len(tokenizer), pad=int(pad or 0), seed=seed)
