"""The nearest of many centres by matrix products, and coarse cells (k-means) that cut a space into parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]
SAMPLE = 64
"""Points per coarse cell that the k-means sees."""
PRODUCTS = 1 << 24
"""Products of points and centres held at once (64 MB)."""


def half_norms(centres: Floats) -> Floats:
    """[k]: half the squared length of each centre."""
    halves: Floats = 0.5 * np.einsum("kd,kd->k", centres, centres)
    return halves


def nearest(points: Floats, centres: Floats, half: Floats | None = None) -> Ints:
    """int64 [n]: the nearest row of `centres` [k, d] for each point [n, d] (squared Euclidean).

    By matrix products; in float64 by differences, which lose no digits where the points are far from the origin.
    `half` are the `half_norms` of the centres, where the caller has them.
    """
    block = max(16, min(4096, PRODUCTS // len(centres)))
    out = np.empty(len(points), np.int64)
    if points.dtype == np.float64 or centres.dtype == np.float64:
        for start in range(0, len(points), block):
            out[start : start + block] = cdist(points[start : start + block], centres, "sqeuclidean").argmin(axis=1)
        return out
    half = half_norms(centres) if half is None else half
    for start in range(0, len(points), block):
        products = points[start : start + block] @ centres.T
        np.subtract(half, products, out=products)
        out[start : start + block] = products.argmin(axis=1)
    return out


def nearest_two(points: Floats, centres: Floats, half: Floats) -> Ints:
    """int64 [n, 2]: the two nearest rows of `centres` [k, d] for each point [n, d], the nearest first; where there is
    but one, it stands twice. `half` are the `half_norms` of the centres."""
    block = max(16, min(4096, PRODUCTS // len(centres)))
    out = np.empty((len(points), 2), np.int64)
    for start in range(0, len(points), block):
        products = points[start : start + block] @ centres.T
        np.subtract(half, products, out=products)
        rows = np.arange(len(products))
        first = products.argmin(axis=1)
        products[rows, first] = np.inf
        out[start : start + block, 0] = first
        out[start : start + block, 1] = products.argmin(axis=1) if len(centres) > 1 else first
    return out


def nearest_of_many(points: Floats, centres: Floats) -> Ints:
    """int64 [n]: a near row of `centres` [k, d] for each point [n, d]: the nearest of those in the nearest coarse cell.

    Work grows with n times the square root of k, where `nearest` takes n times k.
    """
    if len(centres) < 4096:
        return nearest(points, centres)
    cells = coarse_cells(centres[:: 1 + len(centres) // 65_536], round(len(centres) ** 0.5))
    out = np.empty(len(points), np.int64)
    inside = grouped(nearest(centres, cells), len(cells))
    filled = np.array([len(rows) > 0 for rows in inside])
    asked = nearest(points, cells[filled])
    for rows, members in zip(grouped(asked, int(filled.sum())), (m for m in inside if len(m)), strict=True):
        if len(rows):
            out[rows] = members[nearest(points[rows], centres[members])]
    return out


def coarse_cells(sample: Floats, count: int, rounds: int = 4) -> Floats:
    """[<= count, d] of the type of `sample`: centres of a k-means on it, deterministic (seeded by every n-th point)."""
    count = min(count, len(sample))
    centres = sample[np.linspace(0, len(sample) - 1, count).astype(np.int64)].copy()
    for _ in range(rounds):
        labels = nearest(sample, centres)
        order = np.argsort(labels, kind="stable")
        _, starts = np.unique(labels[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts, axis=0)
        centres = (sums / np.diff([*starts, len(sample)])[:, None]).astype(sample.dtype)
    return np.ascontiguousarray(centres)


def cells_for(points: int) -> int:
    """Number of coarse cells for `points`: 1 below 20,000, 64 at 100,000, growing with the square root.

    A point is compared with all cells and with the clusters of one: with the square root both grow alike.
    """
    return 1 if points < 20_000 else round(64 * max(1.0, points / 100_000) ** 0.5)


def grouped(labels: Ints, count: int) -> list[Ints]:
    """For each of `count` labels the indices that carry it, in order."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.searchsorted(labels[order], np.arange(1, count)))
