"""Do annotators agree? Krippendorff's alpha for scores and answers, F1 over characters for marked spans.

alpha = 1 - observed / expected disagreement over pairs of values of one unit (Krippendorff 2011, "Computing
Krippendorff's alpha-reliability"): a unit with m values gives each of its m (m - 1) ordered pairs the weight
1 / (m - 1), units with fewer than two values are left out. It is 1 for full agreement, 0 for chance, and not defined
where all values are the same. The interval resamples units (our choice: the textbook's resamples pairs, which takes
pairs of one unit for independent).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from in2x.metrics.significance import SEED, Floats

Level = Literal["nominal", "ordinal", "interval"]
Unit = Hashable


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha with a 95% interval; all are NaN where nothing was judged twice or nothing differs."""

    value: float
    low: float
    high: float
    level: Level
    units: int
    """Units with two values or more."""
    values: int
    """Values in these units."""


def alpha(units: Mapping[Unit, Sequence[Hashable]], level: Level, *, resamples: int = 1000, seed: int = SEED) -> Alpha:
    """Agreement on `units`: unit -> the values that different annotators gave it.

    Args:
        level: "nominal" (answers), "ordinal" (ranked answers) or "interval" (scores); the last two need numbers.
        resamples: bootstrap resamples of units; 0 leaves the interval out (NaN).
    """
    paired = [list(values) for values in units.values() if len(values) > 1]
    counts, metric = _coincidences(paired, level)
    value = float(_alpha(counts.sum(axis=0)[None], metric)[0]) if paired else float("nan")
    low = high = float("nan")
    if paired and resamples:
        weights = np.random.default_rng(seed).multinomial(len(paired), np.full(len(paired), 1 / len(paired)), resamples)
        drawn = (weights.astype(float) @ counts.reshape(len(paired), -1)).reshape(resamples, *counts.shape[1:])
        found = _alpha(drawn, metric)
        found = found[~np.isnan(found)]
        if len(found):
            low, high = (float(x) for x in np.percentile(found, [2.5, 97.5]))
    return Alpha(value, low, high, level, len(paired), sum(map(len, paired)))


def _coincidences(units: Sequence[Sequence[Hashable]], level: Level) -> tuple[Floats, Floats | None]:
    """Coincidences of each unit [units, k, k] over the k distinct values, and the squared distances [k, k].

    Interval values may all differ: instead of a table of k x k the four sums that their distance needs, [units, 1, 4]:
    (observed disagreement, sum of values, sum of their squares, how many), and no distances. Ordinal distances depend
    on the counts: they are empty here.
    """
    if level == "interval":
        rows = []
        for unit in units:
            x = np.asarray(unit, float)
            m = len(x)
            observed = 2 * (m * (x**2).sum() - x.sum() ** 2) / (m - 1)
            rows.append([[observed, x.sum(), (x**2).sum(), m]])
        return np.array(rows, float).reshape(len(units), 1, 4), None
    names = sorted({v for unit in units for v in unit}) if level == "ordinal" else []  # type: ignore[type-var]
    names = names or list(dict.fromkeys(v for unit in units for v in unit))
    place = {v: i for i, v in enumerate(names)}
    counts = np.zeros((len(units), len(names), len(names)))
    for number, unit in enumerate(units):
        have = np.zeros(len(names))
        for v, times in Counter(unit).items():
            have[place[v]] = times
        counts[number] = (np.outer(have, have) - np.diag(have)) / (len(unit) - 1)
    if level == "nominal":
        return counts, 1 - np.eye(len(names))
    return counts, np.zeros((0, 0))


def _alpha(counts: Floats, metric: Floats | None) -> Floats:
    """Alpha of each of [n, ...] coincidences."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if metric is None:
            observed, total, squares, n = np.moveaxis(counts[:, 0], -1, 0)
            expected = 2 * (n * squares - total**2) / (n - 1)
            # What is 0 but for rounding is no disagreement to divide by.
            return np.asarray(np.where(expected > 1e-9 * np.maximum(squares, 1), 1 - observed / expected, np.nan))
        margin = counts.sum(axis=2)
        n = margin.sum(axis=1)
        if metric.size:
            squared = np.broadcast_to(metric, counts.shape)
        else:  # ordinal: (values from c to k, the ends by half) squared
            up = np.cumsum(margin, axis=1) - margin / 2
            squared = (up[:, :, None] - up[:, None, :]) ** 2
        observed = (counts * squared).sum(axis=(1, 2))
        expected = (margin[:, :, None] * margin[:, None, :] * squared).sum(axis=(1, 2)) / (n - 1)
        return np.asarray(np.where(expected > 0, 1 - observed / expected, np.nan))


Span = tuple[int, int]


@dataclass(frozen=True)
class Overlap:
    """F1 over characters of spans that two people marked in one text, over all pairs; 1 where neither marked any."""

    f1: float
    low: float
    high: float
    pairs: int
    empty: int
    """Pairs in which neither marked anything; `f1` leaves them out."""


def characters(spans: Iterable[Span]) -> set[int]:
    """The places that spans (half open) cover; an empty one covers none."""
    return {place for start, end in spans for place in range(start, end)}


def span_overlap(
    texts: Mapping[Unit, Sequence[Iterable[Span]]], *, resamples: int = 1000, seed: int = SEED
) -> Overlap:  # fmt: skip
    """How far spans of different annotators overlap.

    F1 = 2 |A and B| / (|A| + |B|) with sums over all pairs of annotators of all texts (so a long span counts for more
    than a short one); the interval resamples texts.

    Args:
        texts: text -> the spans of each annotator who judged it, also of those who marked none.
    """
    rows, empty, pairs = [], 0, 0
    for said in texts.values():
        marked = [characters(spans) for spans in said]
        both = whole = 0
        for i, one in enumerate(marked):
            for other in marked[:i]:
                pairs += 1
                empty += not one and not other
                both += len(one & other)
                whole += len(one) + len(other)
        if whole:
            rows.append((2.0 * both, float(whole)))
    if not rows:
        return Overlap(float("nan"), float("nan"), float("nan"), pairs, empty)
    sums = np.array(rows)
    weights = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), resamples)
    drawn = weights @ sums
    low, high = (float(x) for x in np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5]))
    total = sums.sum(axis=0)
    return Overlap(float(total[0] / total[1]), low, high, pairs, empty)
