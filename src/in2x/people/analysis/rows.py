"""From judgements to the plain rows that are computed with: which count, and what each says as a number.

Scores of systems come from roles "real" and "reference" (a hidden human system) alone. Repeats, practice and controls
(degraded copies, wrong documents, copies of the source) measure the annotator, never a system.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from in2x.evaluate.human import HumanScore
from in2x.people.model import CANNOT_TELL, RANK, SCORE, SPANS, Judgement

COUNTED = frozenset({"real", "reference"})


def counted(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Those that say something of a system."""
    return [j for j in judgements if j.role in COUNTED and j.system]


def number(judgement: Judgement) -> float | None:
    """The value as a number, higher is better: a score, minus the weight of spans, the worth of an answer.

    None for ranks, "cannot tell" and answers without worth.
    """
    if judgement.dimension == RANK or judgement.value is None or judgement.value == CANNOT_TELL:
        return None
    if judgement.dimension in (SCORE, SPANS):
        return float(judgement.value)
    return judgement.worth


def scored(judgements: Iterable[Judgement], dimension: str) -> list[HumanScore]:
    """One row a judgement in `dimension` that is a number, of those that count."""
    rows = []
    for j in counted(judgements):
        value = number(j) if j.dimension == dimension else None
        if value is not None:
            rows.append(HumanScore(j.system, j.segment, j.document, value, j.annotator))
    return rows


def questions(judgements: Iterable[Judgement]) -> list[str]:
    """Names of the questions answered, in order of first meeting."""
    return list(dict.fromkeys(j.dimension for j in judgements if j.dimension not in (SCORE, SPANS, RANK)))


def main_dimension(judgements: Sequence[Judgement]) -> str:
    """What systems are ranked by: scores, else spans, else the first question with worths, else ranks."""
    have = {j.dimension for j in counted(judgements) if number(j) is not None}
    for dimension in (SCORE, SPANS, *questions(judgements)):
        if dimension in have:
            return dimension
    return RANK
