"""The vocabulary against a language: bytes a token, and more tokens for the target language.

Extension is byte-pair encoding carried on: the base tokenizer cuts the text, and the most frequent neighbours are
merged until the wanted number of tokens is reached (Sennrich et al. 2016). New merges stand behind the old ones, so a
text that uses none of them is cut as before. A new token's embedding is the mean of those of the base tokens it
replaces, in the input and in the output matrix (our choice, after Hewitt 2021, who takes the mean of all tokens).
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from in2x.errors import In2xError

Merge = tuple[str, str]


def bytes_per_token(tokenizer: PreTrainedTokenizerBase, texts: Iterable[tuple[str, str]]) -> dict[str, float]:
    """UTF-8 bytes a token, by language.

    Args:
        texts: (language, text), streamed.
    """
    size: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for lang, text in texts:
        size[lang] += len(text.encode("utf-8"))
        tokens[lang] += len(tokenizer.encode(text, add_special_tokens=False, verbose=False))
    return {lang: size[lang] / tokens[lang] for lang in sorted(size) if tokens[lang]}


def extend(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str], count: int) -> dict[str, list[int]]:
    """Add up to `count` tokens for `texts` to a BPE tokenizer, in place.

    Fewer are added where no further pair occurs twice. The result is a pure function of the arguments: ties go to the
    pair that sorts first.

    Returns:
        the ids of the base tokens that each new token stands for, by new token.

    Raises:
        In2xError: the tokenizer is not a BPE tokenizer of the `tokenizers` library.
    """
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    state = json.loads(backend.to_str()) if backend is not None else {}
    if state.get("model", {}).get("type") != "BPE":
        raise In2xError("only a byte-pair tokenizer can be extended", file=tokenizer.name_or_path,
                        mend="set pretrain.new_tokens to 0")  # fmt: skip
    words = _words(backend, texts)
    pieces = {word: [backend.id_to_token(i) for i in ids] for word, (_, ids) in words.items()}
    merges = _merge([(pieces[word], n) for word, (n, _) in words.items()], count, set(state["model"]["vocab"]))
    base = tokenizer.get_vocab()
    parts: dict[str, list[int]] = {}
    for left, right in merges:
        parts[left + right] = [*parts.get(left, [base.get(left, -1)]), *parts.get(right, [base.get(right, -1)])]
    start = max(base.values()) + 1
    model = state["model"]
    as_text = bool(model["merges"]) and isinstance(model["merges"][0], str)
    for k, token in enumerate(parts):
        model["vocab"][token] = start + k
    model["merges"] += [f"{a} {b}" if as_text else [a, b] for a, b in merges]
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(state, ensure_ascii=False))
    return parts


def _words(backend: Tokenizer, texts: Iterable[str]) -> dict[str, tuple[int, list[int]]]:
    """How often each pre-token occurs and the ids it is cut into; those of one token have nothing to merge."""
    counts: Counter[str] = Counter()
    for text in texts:
        if backend.normalizer is not None:
            text = backend.normalizer.normalize_str(text)
        counts.update(word for word, _ in backend.pre_tokenizer.pre_tokenize_str(text))
    found = {}
    for word, n in counts.items():
        ids = [token.id for token in backend.model.tokenize(word)]
        if len(ids) > 1:
            found[word] = (n, ids)
    return found


def _merge(words: list[tuple[list[str], int]], count: int, known: set[str]) -> list[Merge]:
    """The merges that BPE makes next, most frequent pair first; pairs that only spell a known token are passed over."""
    pairs: Counter[Merge] = Counter()
    where: dict[Merge, set[int]] = defaultdict(set)
    for k, (parts, n) in enumerate(words):
        for pair in itertools.pairwise(parts):
            pairs[pair] += n
            where[pair].add(k)
    heap = [(-n, pair) for pair, n in pairs.items()]
    heapq.heapify(heap)
    merges: list[Merge] = []
    while len(merges) < count and heap:
        negative, best = heapq.heappop(heap)
        if -negative != pairs.get(best, 0):
            continue  # the count has changed since: another entry holds the new one
        if -negative < 2:
            break
        joined = best[0] + best[1]
        if joined in known:
            continue
        merges.append(best)
        known.add(joined)
        changed: set[Merge] = set()
        for k in where.pop(best):
            parts, n = words[k]
            for pair in itertools.pairwise(parts):
                pairs[pair] -= n
                changed.add(pair)
            merged: list[str] = []
            for part in parts:
                if merged and (merged[-1], part) == best:
                    merged[-1] = joined
                else:
                    merged.append(part)
            words[k] = (merged, n)
            for pair in itertools.pairwise(merged):
                pairs[pair] += n
                where[pair].add(k)
                changed.add(pair)
        for pair in changed:
            heapq.heappush(heap, (-pairs[pair], pair))
    return merges


@torch.no_grad()
def grow(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, parts: dict[str, list[int]]) -> None:
    """Give `model` rows for the new tokens of `extend`, each the mean of its base tokens' rows, in place.

    Args:
        parts: what `extend` returned.
    """
    size = int(model.get_input_embeddings().weight.shape[0])
    rows = {token: int(tokenizer.convert_tokens_to_ids(token)) for token in parts}
    if (needed := max(rows.values(), default=-1) + 1) > size:  # many models carry spare rows
        model.resize_token_embeddings(needed, mean_resizing=False)
    matrices: list[Any] = [model.get_input_embeddings().weight]
    output = model.get_output_embeddings()
    if output is not None and output.weight is not matrices[0]:
        matrices.append(output.weight)
    for token, ids in parts.items():
        for weight in matrices:
            weight[rows[token]] = weight[ids].float().mean(dim=0).to(weight.dtype)
