"""BIRCH (Zhang, Ramakrishnan & Livny 1996) with BETULA features, for tens of millions of points.

What differs from the textbook, and why:

* **Cells.** One tree over everything is slow (every insertion walks through memory) and inaccurate (an early split
  parts a cluster for good). So the space is first cut into a few coarse cells (k-means on a sample), each cell has a
  small tree of its own that stays in the cache, and cells are worked on by all cores.
* **Merge across borders** (`joining`). The leaf features of all cells are joined, heaviest first: what a border cut, or
  what was split off before its cluster had found its centre, comes together again. The same step merges the shards of
  many machines (`merge`).
* **Reach.** A point far from a heavy cluster's centroid hardly changes its radius, so the radius rule alone lets heavy
  clusters swallow their light neighbours. What joins a cluster must also lie within `reach` thresholds of its centroid.
* **Second pass.** Labels come from the finished clusters, not from the moment of insertion.

Points are taken relative to an origin (the mean of the first batch) and in units of the threshold (a power of two near
it, so that nothing is rounded): neither a shift nor a change of unit changes anything. Work is done in float32; points
farther from the origin than `FLOAT32` thresholds are worked on in float64, those beyond `FLOAT64` are refused.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from numbers import Integral
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import ThreadpoolController

from in2x.process import give_back
from in2x.selection.cells import (
    SAMPLE,
    Floats,
    Ints,
    cells_for,
    coarse_cells,
    grouped,
    half_norms,
    nearest,
    nearest_two,
)
from in2x.selection.cftree import CFTree, Features
from in2x.selection.joining import join

CHUNK = 400_000_000
"""Bytes of points worked on at once: many points a cell, so that a cell's tree is fetched from memory seldom."""
FLOAT32, FLOAT64 = 2.0**10, 2.0**45
"""Largest coordinate, in thresholds, whose distances are right to a hundredth of a threshold: by matrix products in
float32, by differences in float64."""
T = TypeVar("T")
R = TypeVar("R")


class Birch(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """Cluster points into balls of a bounded radius.

    Args:
        threshold: largest radius of a cluster at insertion: root mean squared distance of its points from their
            centroid. In the units of the data.
        branching_factor: most entries of a tree node (at least 2).
        cells: number of coarse cells; "auto" is `cells_for` the points of the first batch (who streams batches and
            knows how many points will come gives `cells_for(all)`).
        max_subclusters: memory bound: when the leaf features outgrow it, the threshold rises by `growth` and the
            features are inserted anew; None is no bound.
        growth: factor of the threshold at such a rebuild.
        reach: largest root mean squared distance, in thresholds, of what joins a cluster from its centroid; 1.3 suits
            embeddings of tens of dimensions and more, whose clusters have nearly all points at one distance from the
            centroid (our choice, by `benchmarks/birch.py`). Infinite is the rule of Zhang et al.
        compute_labels: give `labels_` (a second pass over the data) in `fit`.
        n_jobs: threads; None is one per core.

    Attributes:
        subcluster_centers_: float [k, d], centroids of the clusters.
        counts_: int64 [k], points per cluster as inserted.
        radii_: float64 [k], root mean squared distance from the centroid.
        subcluster_labels_: int64 [k], 0 .. k-1 (there is no global agglomeration step: the clusters are the result).
        labels_: int64 [n], cluster of each point of the last `fit` or `partial_fit` batch.
        threshold_: the threshold in the end (larger than `threshold` after a rebuild).
        n_features_in_: d.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        branching_factor: int = 50,
        *,
        cells: int | str = "auto",
        max_subclusters: int | None = None,
        growth: float = 1.1,
        reach: float = 1.3,
        compute_labels: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.threshold = threshold
        self.branching_factor = branching_factor
        self.cells = cells
        self.max_subclusters = max_subclusters
        self.growth = growth
        self.reach = reach
        self.compute_labels = compute_labels
        self.n_jobs = n_jobs

    # -- the estimator interface -------------------------------------------------------------------------------

    def fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Cluster X [n, d] (may be memory-mapped) from scratch.

        Raises:
            ValueError: NaN, no rows, bad parameters, points too far apart for their distances to be told.
        """
        data = self._validated(X, reset=True)
        self._start(data)
        return self._finish(data, self._insert(data))

    def partial_fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Add X [n, d] to what was clustered before; `labels_` are those of X."""
        data, cells = self._add(X)
        return self._finish(data, cells)

    def add(self, X: npt.ArrayLike) -> Self:
        """Like `partial_fit`, but the clusters are made by `join`, once, when the last batch is in."""
        self._add(X)
        return self

    def predict(self, X: npt.ArrayLike) -> Ints:
        """int64 [n]: the cluster of each row of X [n, d]: the nearest centre among those of its coarse cell."""
        check_is_fitted(self, "subcluster_centers_")
        data = self._validated(X, reset=False)
        return self._predict(data)

    def predict_two(self, X: npt.ArrayLike) -> Ints:
        """int64 [n, 2]: the cluster of each row of X [n, d] as `predict` gives it, and the next nearest."""
        check_is_fitted(self, "subcluster_centers_")
        data = self._validated(X, reset=False)
        chunks = self._chunks(data)
        return np.concatenate([self._label(points, nearest(points, self._cells), two=True) for points in chunks])

    # -- clusters ----------------------------------------------------------------------------------------------

    def features(self) -> Features:
        """The clusters as features in the coordinates of the data: what a shard hands to `merge`."""
        check_is_fitted(self, "subcluster_centers_")
        spreads = self._features.spreads * self._unit**2
        return Features(self._features.weights, self.subcluster_centers_, spreads)

    def merge(self, parts: Sequence[Features]) -> Self:
        """Become the clustering of the union of `parts`, each the `features()` of one shard of the data.

        `part_labels_` then holds for each part the new cluster of each of its clusters.
        """
        features = Features.join(list(parts))
        self.n_features_in_ = features.means.shape[1]
        self._start(features.means)
        means, spreads = self._centred(features.means), features.spreads / self._unit**2
        owners = nearest(means, self._cells)
        held = []
        for tree, rows in zip(self._trees, grouped(owners, len(self._trees)), strict=True):
            tree.insert(means, rows, features.weights[rows], spreads[rows])
            held.append(rows)
        self._join()
        self.part_labels_ = np.split(self._predict(features.means), np.cumsum([len(part) for part in parts])[:-1])
        return self

    def join(self) -> Self:
        """Leaf features of all cells -> clusters (`subcluster_centers_` and its companions).

        The trees are given up on the way, so that their centres are not held twice: nothing can be added afterwards.
        """
        self._join(last=True)
        return self

    # -- inside ------------------------------------------------------------------------------------------------

    def _validated(self, X: npt.ArrayLike, reset: bool) -> npt.NDArray[Any]:
        if not self.threshold > 0:
            raise ValueError(f"threshold must be above 0, got {self.threshold!r}")
        if self.branching_factor < 2:
            raise ValueError(f"branching_factor must be at least 2, got {self.branching_factor!r}")
        if not self.reach > 0:
            raise ValueError(f"reach must be above 0, got {self.reach!r}")
        if not self.growth > 1:
            raise ValueError(f"growth must be above 1, got {self.growth!r}")
        if self.cells != "auto" and not (isinstance(self.cells, Integral) and self.cells >= 1):
            raise ValueError(f"cells must be 'auto' or a whole number of at least 1, got {self.cells!r}")
        data: npt.NDArray[Any] = validate_data(self, X, reset=reset, dtype=[np.float32, np.float64], order="C")
        return data

    def _add(self, X: npt.ArrayLike) -> tuple[npt.NDArray[Any], list[Ints]]:
        first = not hasattr(self, "_trees")
        if not first and not self._trees:
            raise ValueError("the clusters are joined: fit anew, or add before `join`")
        data = self._validated(X, reset=first)
        if first:
            self._start(data)
        return data, self._insert(data)

    def _start(self, data: npt.NDArray[Any]) -> None:
        self._dtype = data.dtype
        count = int(self.cells) if isinstance(self.cells, Integral) else cells_for(len(data))
        step = max(1, len(data) // (count * SAMPLE))
        sample = np.asarray(data[::step])
        # In the type of the data: a float32 point minus a float32 origin near it is exact, and needs no wide copy.
        self._origin = sample.mean(axis=0, dtype=np.float64).astype(data.dtype)
        self._unit = 2.0 ** round(math.log2(self.threshold))
        self._working: npt.DTypeLike = np.float32
        self._trees: list[CFTree] = []
        self._cells = np.zeros((1, data.shape[1]), np.float32)
        centred = self._centred(sample)
        self._cells = coarse_cells(centred, count) if count > 1 else self._cells
        self.threshold_ = float(self.threshold)
        self._trees = [self._tree(data.shape[1], 64) for _ in self._cells]

    def _tree(self, dimension: int, capacity: int) -> CFTree:
        threshold = self.threshold_ / self._unit
        return CFTree(dimension, threshold, self.branching_factor, capacity, self.reach, self._working)

    def _centred(self, part: npt.NDArray[Any]) -> Floats:
        """`part` from the origin, in units; all that is worked on goes on in float64 where it lies far out.

        Raises:
            ValueError: it lies so far out that distances of a threshold cannot be told.
        """
        with np.errstate(over="ignore"):
            away = part - self._origin
            farthest = max(float(away.max()), -float(away.min())) / self._unit
        if farthest > FLOAT64:
            raise ValueError(
                f"the points lie up to {farthest * self._unit:.3g} from their centre, and distances of the threshold "
                f"{self.threshold:.3g} cannot be told there: it may be {FLOAT64:.0e} thresholds at most"
            )
        if farthest > FLOAT32 and self._working == np.float32:
            self._working = np.float64
            self._cells = self._cells.astype(np.float64)
            for tree in self._trees:
                tree.widen()
        points: Floats = away.astype(self._working, copy=False)
        if self._unit != 1:
            points /= points.dtype.type(self._unit)
        return points

    def _chunks(self, data: npt.NDArray[Any]) -> Iterator[Floats]:
        rows = max(1024, CHUNK // (4 * data.shape[1]))
        for start in range(0, len(data), rows):
            yield self._centred(data[start : start + rows])

    def _parallel(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        workers = self.n_jobs or len(os.sched_getaffinity(0))
        if workers == 1 or len(items) == 1:
            return [work(item) for item in items]
        # The threads here are the parallel ones: products that start threads of their own in each would queue up.
        with ThreadpoolController().limit(limits=1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
            return list(pool.map(work, items))

    def _insert(self, data: npt.NDArray[Any]) -> list[Ints]:
        """Insert `data`; returns the coarse cell of every point, chunk by chunk."""
        cells = []
        for points in self._chunks(data):
            cells.append(nearest(points, self._cells))
            owners = grouped(cells[-1], len(self._cells))

            def work(cell: int, points: Floats = points, owners: list[Ints] = owners) -> None:
                if len(owners[cell]):
                    self._trees[cell].insert(points, owners[cell])

            self._parallel(work, range(len(self._cells)))
            if self.max_subclusters is not None:
                while sum(tree.leaves for tree in self._trees) > self.max_subclusters:
                    self._rebuild()
        return cells

    def _rebuild(self) -> None:
        self.threshold_ *= self.growth

        def work(cell: int) -> CFTree:
            old = self._trees[cell].features()
            tree = self._tree(old.means.shape[1], max(64, len(old) // 2))
            tree.insert(old.means, None, old.weights, old.spreads)
            return tree

        self._trees = self._parallel(work, range(len(self._trees)))

    def _join(self, *, last: bool = False) -> None:
        """Make the clusters, and for each cell the list of those that it must look at. The `last` time trees go."""
        sizes, trees = [tree.leaves for tree in self._trees], list(self._trees)
        leaves = Features.empty(sum(sizes), trees[0].means.shape[1], trees[0].means.dtype)
        if last:
            self._trees = []
        for number, stop in enumerate(np.cumsum(sizes).tolist()):
            leaves.put(stop - sizes[number], trees[number].features())
            if last:
                trees[number] = self._tree(1, 1)
        del trees
        give_back()
        if len(sizes) == 1 and math.isinf(self.reach):
            joined, owner = leaves, np.arange(len(leaves))
        else:
            joined, owner = join(leaves, partial(self._tree, leaves.means.shape[1]), self._parallel)
        del leaves
        give_back()
        cell_of_leaf = np.repeat(np.arange(len(sizes)), sizes)
        members = (np.unique(owner[rows]) for rows in grouped(cell_of_leaf, len(sizes)))
        everything = np.arange(len(joined))
        self._members = [rows if len(rows) else everything for rows in members]
        self._near = [joined.means[rows] for rows in self._members]
        self._near_half = [half_norms(centres) for centres in self._near]
        wide = np.result_type(joined.means, self._origin)
        # in place where nothing else needs them: they are the largest thing here
        centres = np.multiply(joined.means, self._unit, out=joined.means if wide == joined.means.dtype else None,
                              dtype=wide)  # fmt: skip
        centres += self._origin
        self.subcluster_centers_ = centres.astype(self._dtype, copy=False)
        self.subcluster_labels_ = np.arange(len(joined), dtype=np.int64)
        self.counts_ = np.round(joined.weights).astype(np.int64)
        self.radii_ = joined.radii * self._unit
        self._features = Features(joined.weights, self.subcluster_centers_, joined.spreads)

    def _finish(self, data: npt.NDArray[Any], cells: list[Ints]) -> Self:
        self._join()
        if self.compute_labels:
            parts = zip(self._chunks(data), cells, strict=True)
            self.labels_ = np.concatenate([self._label(points, owners) for points, owners in parts])
        return self

    def _predict(self, data: npt.NDArray[Any]) -> Ints:
        chunks = self._chunks(data)
        return np.concatenate([self._label(points, nearest(points, self._cells)) for points in chunks])

    def _label(self, points: Floats, cells: Ints, *, two: bool = False) -> Ints:
        out = np.empty((len(points), 2) if two else len(points), np.int64)
        groups = grouped(cells, len(self._cells))

        def work(cell: int) -> None:
            rows = groups[cell]
            if len(rows):
                search = nearest_two if two else nearest
                found = search(points[rows], self._near[cell], self._near_half[cell])
                out[rows] = self._members[cell][found]

        self._parallel(work, range(len(self._cells)))
        return out
