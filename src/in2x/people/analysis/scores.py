"""Scores of systems: raw means, and standard scores by annotator, since one gives 75 where another gives 100."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from in2x.evaluate.human import HumanScore


@dataclass(frozen=True)
class Usual:
    """How one annotator uses the scale."""

    mean: float
    deviation: float
    n: int


def usual_scores(scores: Sequence[HumanScore]) -> dict[str, Usual]:
    """Mean and deviation (n - 1) of every annotator."""
    by: dict[str, list[float]] = {}
    for s in scores:
        by.setdefault(s.annotator, []).append(s.score)
    return {a: Usual(float(np.mean(x)), float(np.std(x, ddof=1)) if len(x) > 1 else 0.0, len(x)) for a, x in by.items()}


def standardised(scores: Sequence[HumanScore]) -> list[HumanScore]:
    """(score - mean) / deviation, both of the annotator; who gave one score throughout has said nothing: 0."""
    usual = usual_scores(scores)

    def z(s: HumanScore) -> float:
        u = usual[s.annotator]
        return (s.score - u.mean) / u.deviation if u.deviation > 1e-12 else 0.0

    return [replace(s, score=z(s)) for s in scores]


def system_means(
    scores: Sequence[HumanScore], weights: Mapping[str, float] | None = None
) -> dict[str, tuple[float, int]]:
    """System -> (mean over all its judgements, how many), in order of first meeting.

    Args:
        weights: by annotator (1 without); what weighs 0 is counted in no mean.
    """
    sums: dict[str, list[float]] = {}
    for s in scores:
        weight = 1.0 if weights is None else weights.get(s.annotator, 1.0)
        row = sums.setdefault(s.system, [0.0, 0.0, 0.0])
        row[0] += weight * s.score
        row[1] += weight
        row[2] += weight > 0
    return {name: (total / weight if weight else float("nan"), int(n)) for name, (total, weight, n) in sums.items()}
