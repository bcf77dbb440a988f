"""How many segments must people judge to tell two systems apart?

A paired test of a difference d on n segments that both systems were judged on has the error s sqrt(D / n), where s is
the deviation of the paired differences and D = 1 + (m - 1) r the design effect of documents of m segments whose
differences correlate by r (Kish 1965). A one-sided test at level a finds d with the chance Phi(d / error - z_a), so

    n = D s^2 (z_a + z_power)^2 / d^2

Documents of unequal size cost more: then m is not their mean size but sum m^2 / sum m. Both are told, because a new
campaign can cut its documents evenly (on WMT24 en-ja: 1.6 against 2.7).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from in2x.metrics.significance import SEED, Floats
from in2x.people.analysis.intervals import t_test

ALPHA = 0.05
"""Level of the one-sided test (as WMT)."""
POWER = 0.8


@dataclass(frozen=True)
class Spread:
    """What differences of two systems on one segment look like."""

    deviation: float
    """Standard deviation of the paired differences."""
    correlation: float
    """Of two segments of one document."""
    even: float
    """Segments a document, plain mean."""
    uneven: float
    """sum m^2 / sum m: the mean size of the document that a segment stands in."""

    def design_effect(self, *, uneven: bool = False) -> float:
        """How many segments are worth one that stands alone, for documents of the mean size or as uneven as these."""
        return 1 + ((self.uneven if uneven else self.even) - 1) * max(self.correlation, 0.0)


def spread_of(differences: Floats, documents: Sequence[str]) -> Spread | None:
    """The spread of one pair of systems (NaN left out); None for fewer than two documents or segments that all agree.

    The correlation is that of a one-way analysis of variance with unequal groups (Donner 1986).
    """
    there = ~np.isnan(differences)
    gap = differences[there]
    names, place = np.unique(np.array(documents, dtype=object)[there].astype(str), return_inverse=True)
    n, count = len(gap), len(names)
    if count < 2 or n < 3 or not gap.std():
        return None
    sizes = np.bincount(place)
    uneven = float((sizes**2).sum() / n)
    correlation = 0.0
    if n > count:
        means = np.bincount(place, gap) / sizes
        between = float((sizes * (means - gap.mean()) ** 2).sum()) / (count - 1)
        within = float(((gap - means[place]) ** 2).sum()) / (n - count)
        usual = (n - uneven) / (count - 1)
        total = between + (usual - 1) * within
        correlation = (between - within) / total if total > 0 else 0.0
    return Spread(float(gap.std(ddof=1)), correlation, n / count, uneven)


def usual_spread(table: Floats, documents: Sequence[str]) -> Spread | None:
    """The median over all pairs of systems (columns of `table`); None where no pair has one."""
    found = [spread_of(table[:, i] - table[:, j], documents) for i, j in combinations(range(table.shape[1]), 2)]
    rows = [(s.deviation, s.correlation, s.even, s.uneven) for s in found if s is not None]
    return Spread(*(float(x) for x in np.median(np.array(rows), axis=0))) if rows else None


def needed(spread: Spread, effect: float, *, uneven: bool = False, alpha: float = ALPHA, power: float = POWER) -> int:
    """Segments judged for each of two systems to find a difference of `effect` with the chance `power`."""
    z = stats.norm.isf(alpha) + stats.norm.ppf(power)
    return math.ceil(float(spread.design_effect(uneven=uneven) * (spread.deviation * z / effect) ** 2))


def chance(spread: Spread, effect: float, segments: int, *, uneven: bool = False, alpha: float = ALPHA) -> float:
    """The power of `segments` judged segments a system for a difference of `effect`.

    The test has documents - 1 degrees of freedom, so the chance is that of the noncentral t.
    """
    size = spread.uneven if uneven else spread.even
    documents = max(2.0, segments / spread.even)
    error = spread.deviation * math.sqrt((1 + (size - 1) * max(spread.correlation, 0.0)) / segments)
    return float(stats.nct.sf(stats.t.isf(alpha, documents - 1), documents - 1, effect / error))


def simulated(
    spread: Spread, effect: float, segments: int, *, runs: int = 1000, alpha: float = ALPHA, seed: int = SEED
) -> float:
    """Share of `runs` simulated campaigns whose test over documents finds a planted difference of `effect`.

    Documents have `spread.even` segments on average, sizes next to each other; differences are normal with the
    deviation and correlation of `spread`.
    """
    chosen = np.random.default_rng(seed)
    sizes = even_sizes(segments, spread.even)
    documents = [str(d) for d, size in enumerate(sizes) for _ in range(size)]
    place = np.repeat(np.arange(len(sizes)), sizes)
    r = max(spread.correlation, 0.0)
    found = 0
    for _ in range(runs):
        shared = chosen.normal(size=len(sizes))[place] * math.sqrt(r)
        own = chosen.normal(size=segments) * math.sqrt(1 - r)
        found += t_test(effect + spread.deviation * (shared + own), documents) < alpha
    return found / runs


def even_sizes(segments: int, mean: float) -> list[int]:
    """Sizes of documents that hold `segments` and differ by one at most."""
    documents = max(2, round(segments / mean))
    return [segments // documents + (d < segments % documents) for d in range(documents)]
