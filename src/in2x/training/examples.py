"""Instructions as token sequences: asked as `in2x.chat.render` says, loss on the answer only.

    table/
      tokens.npy     all sequences end to end, int32 [tokens]
      offsets.npy    where each begins, int64 [examples + 1]
      starts.npy     index of the first answer token in each, int32 [examples]

The table is memory-mapped, so its size is bounded by the disk.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from in2x.chat.render import answered_tokens
from in2x.errors import In2xError
from in2x.records import Instruction
from in2x.training.batches import Example

CHUNK = 1024


def chat_examples(
    tokenizer: PreTrainedTokenizerBase,
    instructions: Iterable[Instruction],
    *,
    max_tokens: int = sys.maxsize,
    refused: dict[str, str] | None = None,
) -> Iterator[Example]:
    """One example per instruction that has an answer; those longer than `max_tokens` are left out.

    Args:
        tokenizer: with a chat template.
        instructions: streamed.
        max_tokens: of prompt and answer.
        refused: gets the id of each instruction that the chat template refuses, with the reason; it is set aside.

    Raises:
        In2xError: as `in2x.chat.render.answered_tokens` does, where `refused` is None.
    """
    with_answer = (i for i in instructions if i.answer)
    while chunk := list(islice(with_answer, CHUNK)):
        for head, tail in _answered(tokenizer, chunk, refused):
            if tail and len(head) + len(tail) <= max_tokens:
                yield Example(head + tail, len(head))


def _answered(
    tokenizer: PreTrainedTokenizerBase, chunk: Sequence[Instruction], refused: dict[str, str] | None
) -> list[tuple[list[int], list[int]]]:
    try:
        return answered_tokens(tokenizer, [i.messages for i in chunk], [i.answer or "" for i in chunk])
    except In2xError as error:
        if refused is None:
            raise
        if len(chunk) == 1:
            refused[chunk[0].id] = error.what
            return []
        half = len(chunk) // 2
        return [*_answered(tokenizer, chunk[:half], refused), *_answered(tokenizer, chunk[half:], refused)]


def said_of(refused: dict[str, str]) -> str:
    """One sentence on what a chat template refused, with the first id and reason."""
    name, why = next(iter(refused.items()))
    return f"{len(refused):,} instruction(s) set aside, the first {name}: {why}"


class ExampleTable(Sequence[Example]):
    """Examples on disk."""

    def __init__(self, folder: Path) -> None:
        """Open a table that `write` finished."""
        self._tokens = np.load(folder / "tokens.npy", mmap_mode="r")
        self._offsets = np.load(folder / "offsets.npy")
        self._starts = np.load(folder / "starts.npy")

    def __len__(self) -> int:
        """Number of examples."""
        return len(self._starts)

    def __getitem__(self, index: int) -> Example:  # type: ignore[override]
        """The example with this number."""
        tokens = self._tokens[self._offsets[index] : self._offsets[index + 1]]
        return Example(tokens.tolist(), int(self._starts[index]))

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each example, int64 [examples]."""
        return np.diff(self._offsets)

    @property
    def answered(self) -> np.ndarray:
        """Tokens of each that carry loss, int64 [examples]."""
        answered: np.ndarray = self.lengths - self._starts
        return answered

    @classmethod
    def write(cls, folder: Path, examples: Iterable[Example]) -> ExampleTable:
        """Write `examples` to `folder`, beside and renamed; a finished folder is taken as it is."""
        if not folder.exists():
            partial = folder.with_name(folder.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            lengths: list[int] = []
            starts: list[int] = []
            with (partial / "stream.bin").open("wb") as stream:
                for example in examples:
                    stream.write(np.asarray(example.tokens, np.int32).data)
                    lengths.append(len(example.tokens))
                    starts.append(example.answer_start)
            raw = np.fromfile(partial / "stream.bin", np.int32)
            np.save(partial / "tokens.npy", raw)
            np.save(partial / "offsets.npy", np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int64))
            np.save(partial / "starts.npy", np.asarray(starts, np.int32))
            (partial / "stream.bin").unlink()
            partial.rename(folder)
        return cls(folder)
