"""Intervals that hold where documents, not segments, are what was drawn.

scores    the bootstrap-t over documents; for fewer than `FEW` of them, which resample into next to nothing, Student's t
          with (documents - 1) degrees of freedom on the same linearised error
shares    values within 0 and 1, of which many are the same: Wilson's interval with as many values as the error over
          documents is worth (Korn and Graubard 1998), and t for z; it stays within 0 and 1

Segments of a document are alike (on WMT24 en-ja the differences of two systems correlate by .27 inside one),
so an interval over segments is too narrow, and a percentile interval over few documents as well. Here each resample of
documents is studentised by its own linearised error (Efron and Tibshirani 1993, 12.5; Cameron, Gelbach and Miller 2008
for clusters). `benchmarks/people_coverage.py` counts how often the intervals hold the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from in2x.metrics.significance import SEED, Floats

FEW = 12
"""Documents below which nothing is resampled (our choice, by the benchmark)."""


@dataclass(frozen=True)
class Mean:
    """A mean over segments with a 95% interval over documents (NaN for a single document)."""

    value: float
    low: float
    high: float
    error: float
    """Standard error over documents."""
    n: int
    """Segments."""
    documents: int


def by_document(values: Floats, documents: Sequence[str]) -> Floats:
    """(sum, count) of the values that are there, one row a document: [documents, 2]."""
    there = ~np.isnan(values)
    names = {name: i for i, name in enumerate(dict.fromkeys(d for d, t in zip(documents, there, strict=True) if t))}
    rows = np.zeros((len(names), 2))
    for value, document in zip(values[there], [d for d, t in zip(documents, there, strict=True) if t], strict=True):
        rows[names[document]] += (value, 1.0)
    return rows


def _studentised(sums: Floats, squares: tuple[Floats, Floats, Floats], count: int) -> tuple[Floats, Floats]:
    """Mean and its error from sums over documents: of (sum, n) and of (sum^2, sum n, n^2)."""
    total, n = sums[..., 0], sums[..., 1]
    value = total / n
    ss, sn, nn = squares
    residual = np.maximum(ss - 2 * value * sn + value**2 * nn, 0.0)
    return value, np.sqrt(count / (count - 1) * residual) / n


def mean_by_documents(
    values: Floats, documents: Sequence[str], *, resamples: int = 2000, confidence: float = 0.95, seed: int = SEED
) -> Mean:  # fmt: skip
    """The mean of `values` (one a segment, NaN left out) with a bootstrap-t interval over documents.

    A difference of two systems is the mean of its paired differences. Without `resamples` it is Student's t.
    """
    rows = by_document(values, documents)
    count, n = len(rows), int(rows[:, 1].sum())
    nan = float("nan")
    if n == 0:
        return Mean(nan, nan, nan, nan, 0, 0)
    products = np.stack([rows[:, 0] ** 2, rows[:, 0] * rows[:, 1], rows[:, 1] ** 2], axis=1)
    if count < 2:
        return Mean(float(rows[:, 0].sum() / n), nan, nan, nan, n, count)
    value, error = _studentised(rows.sum(axis=0), tuple(products.sum(axis=0)), count)
    if count < FEW or error == 0 or not resamples:
        reach = float(stats.t.isf((1 - confidence) / 2, count - 1) * error)
        return Mean(float(value), float(value) - reach, float(value) + reach, float(error), n, count)
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples).astype(float)
    means, errors = _studentised(weights @ rows, tuple(np.moveaxis(weights @ products, -1, 0)), count)
    # A resample next to without spread (documents that happen to be alike) has no t of its own.
    some = errors > 0.05 * error
    t = (means[some] - value) / errors[some]
    tail = 50 * (1 - confidence)
    lower, upper = np.percentile(t, [tail, 100 - tail])
    return Mean(float(value), float(value - upper * error), float(value - lower * error), float(error), n, count)


def share_by_documents(values: Floats, documents: Sequence[str], *, confidence: float = 0.95) -> Mean:
    """The mean of values within 0 and 1, with an interval within 0 and 1."""
    plain = mean_by_documents(values, documents, resamples=0)
    if plain.n == 0 or plain.documents < 2:
        return plain
    p, count = plain.value, plain.documents
    z = float(stats.t.isf((1 - confidence) / 2, count - 1))
    worth = p * (1 - p) / plain.error**2 if plain.error > 0 and 0 < p < 1 else float(plain.n)
    scale = 1 + z**2 / worth
    middle = (p + z**2 / (2 * worth)) / scale
    reach = z * np.sqrt(p * (1 - p) / worth + z**2 / (4 * worth**2)) / scale
    return Mean(p, max(0.0, float(middle - reach)), min(1.0, float(middle + reach)), plain.error, plain.n, count)


def t_test(values: Floats, documents: Sequence[str]) -> float:
    """One-sided p-value of "the mean is above 0", documents as clusters: t with (documents - 1) degrees of freedom."""
    rows = by_document(values, documents)
    count = len(rows)
    if count < 2:
        return float("nan")
    products = (float((rows[:, 0] ** 2).sum()), float((rows[:, 0] * rows[:, 1]).sum()), float((rows[:, 1] ** 2).sum()))
    value, error = _studentised(rows.sum(axis=0), products, count)  # type: ignore[arg-type]
    if error == 0:
        return 0.0 if value > 0 else 1.0
    return float(stats.t.sf(value / error, count - 1))
