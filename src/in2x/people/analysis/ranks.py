"""Which systems can be told apart: clusters by one-sided Wilcoxon tests, all pairs or neighbours, plain or by Holm.

The tests are those of the WMT findings (`evaluate/clusters.py`). Findings differ in which pairs are tested: WMT25 tests
neighbours in the ranking, others all pairs; and none corrects for the number of tests, which Holm's step-down does
(family-wise error). All four are told, by name, so that nobody has to guess. Wilcoxon takes segments for independent;
`p_documents` is the t-test with documents as clusters, for who doubts that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from in2x.evaluate.clusters import ALPHA, better, parted, rank_clusters
from in2x.evaluate.human import ScoreTable
from in2x.metrics.significance import Floats
from in2x.people.analysis.intervals import Mean, mean_by_documents, t_test

TEST = "one-sided Wilcoxon signed-rank test on segments that both systems were judged on"


@dataclass(frozen=True)
class Place:
    """One system in the ranking, best first."""

    system: str
    mean: float
    """Mean over segments (repeated judgements of one segment averaged first)."""
    n: int
    """Segments."""
    cluster: int
    """All pairs; 1 is best."""
    first: int
    last: int
    """Rank range, all pairs."""
    cluster_holm: int
    cluster_neighbours: int
    cluster_neighbours_holm: int


@dataclass(frozen=True)
class Pair:
    """A system against one below it."""

    better: str
    worse: str
    difference: Mean
    """Of the segments that both have, with its interval over documents."""
    p: float
    p_holm: float
    """Corrected over all pairs."""
    p_documents: float
    neighbours: bool


@dataclass(frozen=True)
class Ranking:
    """Systems and pairs, best first."""

    places: list[Place]
    pairs: list[Pair]
    alpha: float
    test: str = TEST


def holm(p: Sequence[float]) -> list[float]:
    """p-values corrected by Holm's step-down."""
    found, least = [0.0] * len(p), 0.0
    for place, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        least = max(least, min(1.0, (len(p) - place) * p[i]))
        found[i] = least
    return found


def rank(table: ScoreTable, *, alpha: float = ALPHA) -> Ranking:
    """Rank the systems of `table` [segments, systems]. Raises In2xError where a system has no score."""
    placed = rank_clusters(table.values, table.systems, alpha=alpha)
    column = {name: i for i, name in enumerate(table.systems)}
    count = len(placed)
    values: list[Floats] = [table.values[:, column[p.system]] for p in placed]
    up = [(i, j) for i in range(count) for j in range(i + 1, count)]
    p = [better(values[i], values[j]) for i, j in up]
    corrected = holm(p)
    wins = np.zeros((count, count), dtype=bool)
    for (i, j), value in zip(up, corrected, strict=True):
        wins[i, j] = value < alpha
    beside = [value for (i, j), value in zip(up, p, strict=True) if j == i + 1]
    pairs = []
    for (i, j), value, by_holm in zip(up, p, corrected, strict=True):
        gap = values[i] - values[j]
        pairs.append(Pair(placed[i].system, placed[j].system, mean_by_documents(gap, table.documents), value, by_holm,
                          t_test(gap, table.documents), j == i + 1))  # fmt: skip
    lists = zip(placed, parted(wins), _steps(beside, alpha), _steps(holm(beside), alpha), strict=True)
    return Ranking([Place(one.system, one.mean, one.n, one.cluster, one.first, one.last, *clusters)
                    for one, *clusters in lists], pairs, alpha)  # fmt: skip


def _steps(p: Sequence[float], alpha: float) -> list[int]:
    """Clusters where a line is drawn under each system that is better than its neighbour."""
    clusters = [1]
    for value in p:
        clusters.append(clusters[-1] + (value < alpha))
    return clusters
