"""Intervals and tests for any metric that is a function of sums over segments.

A corpus metric (BLEU, chrF, TER, a mean, a share) is `aggregate(sum of one row per segment)`. With the rows at hand a
resample of the test set is a weighted sum, so a thousand resamples are one matrix product and no text is looked at
twice. Everything is deterministic in `seed`; two systems compared with one seed see the same resamples.

Sources: bootstrap (Koehn 2004), approximate randomisation (Riezler and Maxwell 2005).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from in2x.errors import In2xError

Floats = NDArray[np.float64]
SEED = 12345
"""Default seed of resampling (our choice)."""


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of one system on one test set.

    Attributes:
        rows: one row per segment, shape [segments, k].
        aggregate: sums, shape [..., k] -> the metric, shape [...]; must be vectorised over leading axes.
        signature: how to reproduce the metric.
    """

    rows: Floats
    aggregate: Callable[[Floats], Floats]
    signature: str = ""

    @property
    def value(self) -> float:
        """The metric on the whole test set."""
        return float(self.aggregate(self.rows.sum(axis=0)))

    @property
    def segments(self) -> Floats:
        """The metric of every segment by itself, shape [segments]."""
        return self.aggregate(self.rows)

    def __len__(self) -> int:
        """Number of segments."""
        return len(self.rows)


def _ratio(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def ratio(numerators: Sequence[float] | Floats, denominators: Sequence[float] | Floats) -> Statistics:
    """A share over segments that count differently: sum of numerators / sum of denominators (NaN where that is 0)."""
    return Statistics(np.stack([np.asarray(numerators, float), np.asarray(denominators, float)], axis=1), _ratio)


def mean(values: Sequence[float] | Floats) -> Statistics:
    """The mean of one value per segment (learned metrics, judge scores)."""
    values = np.asarray(values, float)
    return ratio(values, np.ones_like(values))


@dataclass(frozen=True)
class Interval:
    """A value with its confidence interval, over `n` segments."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """System a against system b on the same segments: `difference` = a - b, with interval and two-sided p-value."""

    difference: float
    low: float
    high: float
    p: float
    n: int
    test: str


def _resampled(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Blocks of bootstrap weights, shape [block, n]: how often each segment was drawn. At most ~32 MB a block."""
    rng = np.random.default_rng(seed)
    block = max(1, min(resamples, 4_000_000 // max(n, 1)))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        draws = rng.integers(0, n, size=(size, n)) + np.arange(size)[:, None] * n
        yield np.bincount(draws.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def bootstrap(stats: Statistics, *, resamples: int = 1000, confidence: float = 0.95, seed: int = SEED) -> Interval:
    """The percentile bootstrap interval of `stats` over segments.

    Raises:
        In2xError: there are no segments.
    """
    n = len(stats)
    if n == 0:
        raise In2xError("there are no segments to score", mend="give at least one")
    values = np.concatenate([stats.aggregate(w @ stats.rows) for w in _resampled(n, resamples, seed)])
    low, high = _percentiles(values, confidence)
    return Interval(stats.value, low, high, n)


def _percentiles(values: Floats, confidence: float) -> tuple[float, float]:
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    tail = 50 * (1 - confidence)
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def _same_segments(a: Statistics, b: Statistics) -> int:
    if len(a) != len(b):
        raise In2xError(f"paired systems have {len(a)} and {len(b)} segments", mend="score both on the same test set")
    if len(a) == 0:
        raise In2xError("there are no segments to compare", mend="give at least one")
    return len(a)


def paired_bootstrap(
    a: Statistics, b: Statistics, *, resamples: int = 1000, confidence: float = 0.95, seed: int = SEED
) -> Comparison:
    """Compare a with b over common resamples; p is the share of centred resamples at least as far from 0 as a - b."""
    n = _same_segments(a, b)
    blocks = [a.aggregate(w @ a.rows) - b.aggregate(w @ b.rows) for w in _resampled(n, resamples, seed)]
    values = np.concatenate(blocks)
    values = values[~np.isnan(values)]
    difference = a.value - b.value
    low, high = _percentiles(values, confidence)
    extreme = int(np.sum(np.abs(values - difference) >= abs(difference) - 1e-12))
    return Comparison(difference, low, high, (extreme + 1) / (len(values) + 1), n, f"paired bootstrap, {resamples}")
