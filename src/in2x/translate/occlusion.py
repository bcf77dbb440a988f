"""Which words of a translation stand for which of the source, as the model in this process has it: by occlusion.

Words of the source are left out of the question; the words of the translation that the model would then no longer
expect stand for them. It needs one pass for the question and one for each pair of tags, no training, no attention
weights of a chosen layer (our choice), and works for any causal model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch

from in2x.chat.placeholders import layout
from in2x.chat.source import Source
from in2x.formats.document import Text
from in2x.inference.scoring import token_logprobs
from in2x.translate.engine import LocalBackend
from in2x.translate.projection import Span, cuts

LEAST = 0.3
"""Share of the largest loss of a word from which a word belongs to the stretch (our choice)."""


def hints(backend: LocalBackend, source: Source, text: Text, words: str) -> dict[int, Span]:
    """For each pair of tags in `text` where its words stand in the translation `words`; for `projected`.

    Args:
        backend: the model that translated.
        source: what it was asked; its text is replaced by that of `text`.
        text: the source with its tags.
        words: the translation, without placeholders.
    """
    found = layout(text)
    pairs = [holder for holder in found.holders if holder.pair]
    ids = backend.tokenizer(words, add_special_tokens=False, return_offsets_mapping=True)
    if not pairs or not ids["input_ids"]:
        return {}
    plain = replace(source, tagged=False)
    asked = [found.body, *(found.body[: h.start] + found.body[h.end :] for h in pairs)]
    rows = [backend.profile.encode(backend.tokenizer, replace(plain, text=one)) for one in asked]
    scores = token_logprobs(backend.model, rows, ids["input_ids"])
    losses = (scores[0] - scores[1:]).clamp_(min=0)
    bounds = list(pairwise(cuts(words, source.target_lang)))
    spans: dict[int, Span] = {}
    for holder, lost in zip(pairs, losses, strict=True):
        by_word = _by_word(lost, ids["offset_mapping"], bounds)
        if any(by_word):
            first, last = _stretch(by_word)
            spans[holder.number] = bounds[first][0], bounds[last][1]
    return spans


def _by_word(lost: torch.Tensor, offsets: Sequence[Span], bounds: Sequence[Span]) -> list[float]:
    """What each word of the translation loses: the sum over its tokens, by where they begin."""
    found = [0.0] * len(bounds)
    word = 0
    for value, (start, _) in zip(lost.tolist(), offsets, strict=True):
        while word + 1 < len(bounds) and start >= bounds[word][1]:
            word += 1
        found[word] += value
    return found


def _stretch(losses: Sequence[float]) -> Span:
    """First and last word of the stretch that loses most beyond `LEAST` of the largest loss a word."""
    floor = LEAST * max(losses)
    best, best_at, total, first = float("-inf"), (0, 0), 0.0, 0
    for n, value in enumerate(losses):
        if total <= 0:
            total, first = 0.0, n
        total += value - floor
        if total > best:
            best, best_at = total, (first, n)
    return best_at
