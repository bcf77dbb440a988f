"""How well a metric agrees with people: Pearson, Spearman, Kendall tau-b, pairwise accuracy with calibrated ties.

All take tables [segments, systems], NaN where there is no score; a cell counts where both tables have one.
Sources: pairwise accuracy of systems (Kocmi et al. 2021); accuracy with tie calibration (Deutsch et al. 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from in2x.errors import In2xError
from in2x.metrics.significance import Floats, Statistics, ratio


@dataclass(frozen=True)
class Agreement:
    """Agreement at one level over `n` pairs of numbers (systems, or segments)."""

    pearson: float
    spearman: float
    kendall: float
    accuracy: float
    """Share of pairs ordered as people order them: over systems plainly, over segments with calibrated ties."""
    n: int


def system_level(metric: Floats, human: Floats) -> Agreement:
    """Agreement of the systems' means, over the cells that both tables have."""
    metric, human = _common(metric, human)
    kept = ~np.isnan(human).all(axis=0)
    a, b = np.nanmean(metric[:, kept], axis=0), np.nanmean(human[:, kept], axis=0)
    if len(a) < 3:
        raise In2xError(f"only {len(a)} systems have scores in both", mend="give at least three")
    above, beside = np.triu_indices(len(a), 1)
    agree = np.sign(a[above] - a[beside]) == np.sign(b[above] - b[beside])
    return Agreement(*_three(a, b), float(agree.mean()), len(a))


def segment_level(metric: Floats, human: Floats) -> Agreement:
    """Agreement over all segments of all systems (pooled); accuracy compares systems on the same segment."""
    metric, human = _common(metric, human)
    kept = ~np.isnan(human)
    if kept.sum() < 3:
        raise In2xError(f"only {int(kept.sum())} segments have scores in both", mend="give at least three")
    return Agreement(*_three(metric[kept], human[kept]), tie_calibrated_accuracy(metric, human)[0], int(kept.sum()))


def tie_calibrated_accuracy(metric: Floats, human: Floats) -> tuple[float, float]:
    """(accuracy, epsilon): pairs of systems on one segment, metric gaps <= epsilon counting as ties.

    A pair is right when both order it alike, or both call it a tie. Epsilon is the one that serves the metric best, so
    that a metric without ties is not punished for being fine-grained, nor one with many rewarded.
    """
    metric, human = _common(metric, human)
    above, beside = np.triu_indices(metric.shape[1], 1)
    gap, truth = metric[:, above] - metric[:, beside], human[:, above] - human[:, beside]
    there = ~np.isnan(gap) & ~np.isnan(truth)
    gap, truth = gap[there], truth[there]
    if not len(gap):
        return float("nan"), 0.0
    order = np.argsort(np.abs(gap), kind="stable")
    size, truth, sign = np.abs(gap)[order], truth[order], np.sign(gap)[order]
    # With epsilon at the k-th gap the first k + 1 pairs are ties, the rest are ordered.
    tied = np.concatenate([[0], np.cumsum(truth == 0)])
    ordered = (sign == np.sign(truth)) & (truth != 0)
    right = tied + np.concatenate([np.cumsum(ordered[::-1])[::-1], [0]])
    # Epsilon can only stand between different gaps; a gap of 0 is always a tie.
    allowed = np.concatenate([[size[0] > 0], np.append(size[1:] > size[:-1], True)])
    best = int(np.argmax(np.where(allowed, right, -1)))
    return float(right[best] / len(gap)), float(size[best - 1]) if best else 0.0


def _common(metric: Floats, human: Floats) -> tuple[Floats, Floats]:
    if metric.shape != human.shape:
        raise In2xError(f"tables of {metric.shape} and {human.shape} segments x systems", mend="align them first")
    missing = np.isnan(metric) | np.isnan(human)
    return np.where(missing, np.nan, metric), np.where(missing, np.nan, human)


def _three(a: Floats, b: Floats) -> tuple[float, float, float]:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan"), float("nan"), float("nan")
    return (float(stats.pearsonr(a, b).statistic), float(stats.spearmanr(a, b).statistic),
            float(stats.kendalltau(a, b, variant="b").statistic))  # fmt: skip


def pearson_by_group(metric: Floats, human: Floats, groups: Sequence[str]) -> Statistics:
    """Pearson over all segments of all systems, as statistics of one row a group (document), for paired tests.

    Args:
        groups: the document of each segment.
    """
    metric, human = _common(metric, human)
    kept = ~np.isnan(human)
    # Centred once: sums of squares of raw scores would cancel.
    x = np.where(kept, metric - np.nanmean(metric), 0.0)
    y = np.where(kept, human - np.nanmean(human), 0.0)
    sums = np.stack([t.sum(axis=1) for t in (kept.astype(float), x, y, x * x, y * y, x * y)], axis=1)
    return Statistics(_grouped(sums, groups), _pearson, "pearson")


def _pearson(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n)))


def accuracy_by_group(metric: Floats, human: Floats, groups: Sequence[str]) -> Statistics:
    """Tie-calibrated accuracy (epsilon of the whole table) as statistics of one row a group, for paired tests."""
    metric, human = _common(metric, human)
    epsilon = tie_calibrated_accuracy(metric, human)[1]
    above, beside = np.triu_indices(metric.shape[1], 1)
    gap, truth = metric[:, above] - metric[:, beside], human[:, above] - human[:, beside]
    there = ~np.isnan(gap) & ~np.isnan(truth)
    said = np.where(np.abs(gap) <= epsilon, 0.0, np.sign(gap))
    sums = np.stack([(there & (said == np.sign(truth))).sum(axis=1), there.sum(axis=1)], axis=1).astype(float)
    rows = _grouped(sums, groups)
    return ratio(rows[:, 0], rows[:, 1])


def _grouped(rows: Floats, groups: Sequence[str]) -> Floats:
    """Sums of the rows of each group, groups in order of first meeting."""
    names = {name: i for i, name in enumerate(dict.fromkeys(groups))}
    found = np.zeros((len(names), rows.shape[1]))
    np.add.at(found, [names[g] for g in groups], rows)
    return found
