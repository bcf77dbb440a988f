"""Rank clusters: which systems can be told apart, by one-sided Wilcoxon signed-rank tests on common segments.

As in the WMT findings: systems are ordered by mean; a line is drawn under a system when it and all above it are
significantly better than each one below. The rank range of a system is 1 + those significantly better .. N - those
significantly worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from in2x.errors import In2xError
from in2x.metrics.significance import Floats

ALPHA = 0.05
"""The organisers' level (WMT24, WMT25)."""


@dataclass(frozen=True)
class Placed:
    """One system in the ranking."""

    system: str
    mean: float
    cluster: int
    """1 is best."""
    first: int
    last: int
    """Rank range."""
    n: int


def better(a: Floats, b: Floats) -> float:
    """p-value of "a is better than b" over the segments that both have (1 where there is no difference)."""
    gap = a - b
    gap = gap[~np.isnan(gap)]
    if not np.any(gap):
        return 1.0
    return float(stats.wilcoxon(gap, alternative="greater").pvalue)


def rank_clusters(values: Floats, systems: Sequence[str], *, alpha: float = ALPHA) -> list[Placed]:
    """Order systems by mean and cluster them.

    Args:
        values: [segments, systems], higher is better, NaN where there is no score.

    Raises:
        In2xError: a system has no score at all.
    """
    means = [float(np.nanmean(column)) if not np.isnan(column).all() else float("nan") for column in values.T]
    for system, value in zip(systems, means, strict=True):
        if np.isnan(value):
            raise In2xError(f"{system} has no score", mend="leave it out")
    order = sorted(range(len(systems)), key=lambda i: (-means[i], systems[i]))
    count = len(order)
    wins = np.zeros((count, count), dtype=bool)
    for i in range(count):
        for j in range(count):
            if i != j:
                wins[i, j] = better(values[:, order[i]], values[:, order[j]]) < alpha
    return [
        Placed(systems[index], means[index], cluster, 1 + int(wins[:, place].sum()), count - int(wins[place].sum()),
               int((~np.isnan(values[:, index])).sum()))
        for place, (index, cluster) in enumerate(zip(order, parted(wins), strict=True))
    ]  # fmt: skip


def parted(wins: NDArray[np.bool_]) -> list[int]:
    """Cluster of each system, best first, for `wins` [systems, systems]: whether one is significantly better."""
    clusters = [1] * len(wins)
    for place in range(1, len(wins)):
        clusters[place] = clusters[place - 1] + bool(wins[:place, place:].all())
    return clusters
