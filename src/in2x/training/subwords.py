"""Subword dropout: the same text in other pieces on every pass, so that few pairs are not learnt by heart.

BPE-dropout (Provilkov et al. 2020) leaves merges out while a text is encoded. Here tokens that were encoded once are
taken apart again, each into the two that were merged into it, with the same probability at every level (our choice):
what comes out is a segmentation that dropout could have made, it needs no text, and it is a pure function of the seed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import numpy as np
from transformers import PreTrainedTokenizerBase

from in2x.chat.placeholders import PLACEHOLDER
from in2x.errors import In2xError
from in2x.training.batches import Example


def merged_from(tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """For each token the two it was merged from, or -1 twice where it is a byte, a control token or a placeholder.

    Returns:
        int32 [vocabulary, 2].

    Raises:
        In2xError: the tokenizer is not a byte-pair encoding with its merges at hand.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    model = json.loads(backend.to_str())["model"] if backend is not None else {}
    if model.get("type") != "BPE":
        raise In2xError("sft.subword_dropout takes merges apart, and the tokenizer has none",
                        mend="set it to 0, or use a model with a byte-pair encoding")  # fmt: skip
    parts = np.full((len(tokenizer), 2), -1, np.int32)
    number: dict[str, int] = model["vocab"]
    for merge in model["merges"]:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        whole = number.get(left + right)
        if whole is not None and parts[whole, 0] < 0 and not PLACEHOLDER.fullmatch(left + right):
            parts[whole] = number[left], number[right]
    return parts


def taken_apart(tokens: np.ndarray, parts: np.ndarray, share: float, draw: np.random.Generator) -> np.ndarray:
    """`tokens` with each taken apart with probability `share`, and so its parts again.

    Args:
        tokens: [T].
        parts: of `merged_from`.
        share: in [0, 1).
        draw: advanced by one number for each token looked at.

    Returns:
        int32 [T or more]; decodes to the same text.
    """
    tokens = np.asarray(tokens, np.int32)
    fresh = np.ones(len(tokens), bool)
    while (apart := fresh & (parts[tokens, 0] >= 0)).any():
        apart[apart] = draw.random(int(apart.sum())) < share
        if not apart.any():
            break
        times = 1 + apart
        first = np.cumsum(times) - times
        grown = np.repeat(tokens, times)
        grown[first[apart]], grown[first[apart] + 1] = parts[tokens[apart]].T
        tokens, fresh = grown, np.repeat(apart, times)
    return tokens


def respelt(
    examples: Iterable[Example], parts: np.ndarray, share: float, draw: np.random.Generator, max_tokens: int
) -> Iterator[Example]:
    """Each example in other pieces, prompt and answer apart; as it was where it would have more than `max_tokens`."""
    for example in examples:
        whole = np.asarray(example.tokens, np.int32)
        head = taken_apart(whole[: example.answer_start], parts, share, draw)
        tail = taken_apart(whole[example.answer_start :], parts, share, draw)
        if len(head) + len(tail) > max_tokens:
            yield example
        else:
            yield Example([*head.tolist(), *tail.tolist()], len(head))
