"""Answers to a practice item held against the known ones: right or wrong by dimension, with the words to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from in2x.people.fold import CandidateState, ItemState
from in2x.people.model import RANK, SCORE, SPANS, Item, Known


def feedback(item: Item, state: ItemState) -> list[dict[str, Any]]:
    """One entry for each known answer, as in `POST /api/practice/ITEM`."""
    return list(_entries(item, state))


def _entries(item: Item, state: ItemState) -> Iterator[dict[str, Any]]:
    for known in item.known:
        candidate = known.candidate or item.candidates[0].id
        right = _right(known, candidate, state)
        yield {"dimension": known.dimension, "candidate": candidate, "right": right, "words": dict(known.feedback)}


def _right(known: Known, candidate: str, state: ItemState) -> bool:
    said = state.candidates.get(candidate, CandidateState())
    if known.dimension == SPANS:
        hit = all(
            any(s.side == side and s.start < end and start < s.end for s in said.spans)
            for start, end, side in known.spans
        )
        return hit and not (known.none and said.spans)
    if known.dimension in (SCORE, RANK):
        value = said.score if known.dimension == SCORE else state.rank.get(candidate)
        least, most = known.least, known.most
        return value is not None and (least is None or value >= least) and (most is None or value <= most)
    return said.answers.get(known.dimension) in known.choices
