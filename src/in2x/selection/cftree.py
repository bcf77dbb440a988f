"""The CF-tree of BIRCH in flat arrays, with BETULA's numerically stable cluster features.

A cluster feature is (n, mean, S): weight, centroid, and sum of squared deviations from it (Lang & Schubert 2020),
never the linear and square sums of Zhang et al. 1996, whose difference cancels when data lie far from the origin. All
features, of leaves and of inner nodes, are rows of the same arrays; a node is a list of feature numbers. A leaf
feature keeps its number for life, so the number is the label of a point at insertion.

Where a `reach` is set, a leaf feature of `HEAVY` points is looked at directly, before the tree: in many dimensions what
joins nothing lies equally far from everything, and among millions of such leaves the way down by the centroids of nodes
misses the cluster that a point belongs to. What joins a heavy feature does not pass the nodes above it.

    mean   float [capacity, d]       weight, spread  float64 [capacity]     child  int64 [capacity], -1 at a leaf
    entries int64 [nodes, branching + 1]             size   int64 [nodes]   is_leaf bool [nodes]

The kernels stop and report when an array is full; `CFTree.insert` then enlarges it and goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

# Sums may be reordered (vectorised); NaN and infinity stay honest.
FAST = {"reassoc", "contract", "nsz", "arcp"}
MAX_DEPTH = 64
HEAVY, MOST_HEAVY = 32.0, 64
"""Weight of a leaf feature that is looked at directly, and how many of them a tree has at most (our choice: a node's
worth of distances)."""

ROOT, FEATURES, NODES, LEAVES, DIRECT = 0, 1, 2, 3, 4
"""Places in the state vector: root node, features in use, nodes in use, leaf features in use, heavy ones noted."""


@njit(cache=True, nogil=True, fastmath=FAST, inline="always")  # type: ignore[untyped-decorator]
def _distance(a, b):  # type: ignore[no-untyped-def]
    total = a.dtype.type(0)
    for k in range(a.shape[0]):
        step = a[k] - b[k]
        total += step * step
    return total


@njit(cache=True, nogil=True, fastmath=FAST)  # type: ignore[untyped-decorator]
def _nearest(point, mean, entries, size):  # type: ignore[no-untyped-def]
    best, best_distance = 0, point.dtype.type(np.inf)
    for j in range(size):
        distance = _distance(point, mean[entries[j]])
        if distance < best_distance:
            best, best_distance = j, distance
    return best, best_distance


@njit(cache=True, nogil=True, fastmath=FAST)  # type: ignore[untyped-decorator]
def _absorb(feature, point, weight, spread, distance, means, weights, spreads):  # type: ignore[no-untyped-def]
    """Merge (weight, point, spread), at squared `distance`, into `feature`."""
    total = weights[feature] + weight
    spreads[feature] += spread + distance * weights[feature] * weight / total
    row = means[feature]
    step = row.dtype.type(weight / total)
    for k in range(row.shape[0]):
        row[k] += step * (point[k] - row[k])
    weights[feature] = total


@njit(cache=True, nogil=True, fastmath=FAST)  # type: ignore[untyped-decorator]
def _joins(feature, weight, spread, distance, weights, spreads, threshold2, reach2):  # type: ignore[no-untyped-def]
    """Whether (weight, spread), at squared `distance`, may be merged into `feature`."""
    total = weights[feature] + weight
    merged = spreads[feature] + spread + distance * weights[feature] * weight / total
    # How far the lighter of the two lies from the heavier, whatever their weights.
    lighter = spread / weight if weight <= weights[feature] else spreads[feature] / weights[feature]
    return merged <= threshold2 * total and distance + lighter <= reach2


@njit(cache=True, nogil=True, fastmath=FAST)  # type: ignore[untyped-decorator]
def absorb_near(  # type: ignore[no-untyped-def]
    means, weights, spreads, rows, targets, threshold2, reach2
):  # fmt: skip
    """Merge each of the features `rows` into its target, another of the features, where it may, in order; bool [rows]:
    which were."""
    taken = np.zeros(rows.shape[0], np.bool_)
    for i in range(rows.shape[0]):
        row, target = rows[i], targets[i]
        distance = np.float64(_distance(means[row], means[target]))
        if _joins(target, weights[row], spreads[row], distance, weights, spreads, threshold2, reach2):
            _absorb(target, means[row], weights[row], spreads[row], distance, means, weights, spreads)
            taken[i] = True
    return taken


@njit(cache=True, nogil=True, fastmath=FAST)  # type: ignore[untyped-decorator]
def _summarise(target, entries, size, means, weights, spreads):  # type: ignore[no-untyped-def]
    """Make feature `target` the union of the `size` features in `entries`."""
    first = entries[0]
    means[target] = means[first]
    weights[target] = weights[first]
    spreads[target] = spreads[first]
    for j in range(1, size):
        other = entries[j]
        distance = _distance(means[other], means[target])
        _absorb(target, means[other], weights[other], spreads[other], distance, means, weights, spreads)


@njit(cache=True, nogil=True, fastmath=FAST)  # type: ignore[untyped-decorator]
def _split(node, other, means, entries, sizes, is_leaf):  # type: ignore[no-untyped-def]
    """Move the half of `node`'s entries that is nearer to the second of its two farthest entries to `other`."""
    size = sizes[node]
    seed_a, seed_b, widest = 0, 1, means.dtype.type(-1)
    for a in range(size):
        for b in range(a + 1, size):
            distance = _distance(means[entries[node, a]], means[entries[node, b]])
            if distance > widest:
                seed_a, seed_b, widest = a, b, distance
    feature_a, feature_b = entries[node, seed_a], entries[node, seed_b]
    kept, moved = 0, 0
    for j in range(size):
        feature = entries[node, j]
        if feature == feature_a:
            stay = True
        elif feature == feature_b:
            stay = False
        else:
            stay = _distance(means[feature], means[feature_a]) <= _distance(means[feature], means[feature_b])
        if stay:
            entries[node, kept] = feature
            kept += 1
        else:
            entries[other, moved] = feature
            moved += 1
    sizes[node], sizes[other] = kept, moved
    is_leaf[other] = is_leaf[node]


@njit(cache=True, nogil=True, fastmath=FAST)  # type: ignore[untyped-decorator]
def _insert(  # type: ignore[no-untyped-def]
    points, rows, begin, in_weights, in_spreads, threshold2, reach2, branching,
    means, weights, spreads, child, entries, sizes, is_leaf, state, labels, heavy,
):  # fmt: skip
    """Insert `points[rows[begin:]]`; returns how many of `rows` are in when it stops (all, or short of space)."""
    path_node = np.empty(MAX_DEPTH, np.int64)
    path_entry = np.empty(MAX_DEPTH, np.int64)
    path_distance = np.empty(MAX_DEPTH, np.float64)
    for i in range(begin, rows.shape[0]):
        # One insertion makes at most one leaf feature, one feature and node per level, and a new root with two.
        if state[FEATURES] + MAX_DEPTH + 2 > means.shape[0] or state[NODES] + MAX_DEPTH + 1 > sizes.shape[0]:
            return i
        point = points[rows[i]]
        weight, spread = in_weights[i], in_spreads[i]
        direct, near = -1, np.float64(np.inf)
        if state[DIRECT] > 0:
            j, distance = _nearest(point, means, heavy, state[DIRECT])
            if _joins(heavy[j], weight, spread, np.float64(distance), weights, spreads, threshold2, reach2):
                direct, near = heavy[j], np.float64(distance)
        node, depth = state[ROOT], 0
        while not is_leaf[node]:
            j, distance = _nearest(point, means, entries[node], sizes[node])
            feature = entries[node, j]
            path_node[depth], path_entry[depth], path_distance[depth] = node, j, distance
            depth += 1
            node = child[feature]
        if direct >= 0:
            j, distance = _nearest(point, means, entries[node], sizes[node])
            feature = entries[node, j]
            if near <= distance or not _joins(
                feature, weight, spread, np.float64(distance), weights, spreads, threshold2, reach2
            ):
                _absorb(direct, point, weight, spread, near, means, weights, spreads)
                labels[i] = direct
                continue
        for step in range(depth):
            feature = entries[path_node[step], path_entry[step]]
            _absorb(feature, point, weight, spread, path_distance[step], means, weights, spreads)
        absorbed = False
        if sizes[node] > 0:
            j, distance = _nearest(point, means, entries[node], sizes[node])
            feature = entries[node, j]
            if _joins(feature, weight, spread, np.float64(distance), weights, spreads, threshold2, reach2):
                before = weights[feature]
                _absorb(feature, point, weight, spread, np.float64(distance), means, weights, spreads)
                if before < HEAVY <= weights[feature] and state[DIRECT] < heavy.shape[0]:
                    heavy[state[DIRECT]] = feature
                    state[DIRECT] += 1
                labels[i] = feature
                absorbed = True
        if absorbed:
            continue
        feature = state[FEATURES]
        state[FEATURES] += 1
        state[LEAVES] += 1
        means[feature] = point
        weights[feature], spreads[feature], child[feature] = weight, spread, -1
        entries[node, sizes[node]] = feature
        sizes[node] += 1
        labels[i] = feature
        if weight >= HEAVY and state[DIRECT] < heavy.shape[0]:
            heavy[state[DIRECT]] = feature
            state[DIRECT] += 1
        while sizes[node] > branching:
            other = state[NODES]
            state[NODES] += 1
            _split(node, other, means, entries, sizes, is_leaf)
            new = state[FEATURES]
            state[FEATURES] += 1
            _summarise(new, entries[other], sizes[other], means, weights, spreads)
            child[new] = other
            if depth == 0:
                first = state[FEATURES]
                state[FEATURES] += 1
                _summarise(first, entries[node], sizes[node], means, weights, spreads)
                child[first] = node
                root = state[NODES]
                state[NODES] += 1
                is_leaf[root] = False
                entries[root, 0], entries[root, 1] = first, new
                sizes[root] = 2
                state[ROOT] = root
                break
            depth -= 1
            parent = path_node[depth]
            _summarise(entries[parent, path_entry[depth]], entries[node], sizes[node], means, weights, spreads)
            entries[parent, sizes[parent]] = new
            sizes[parent] += 1
            node = parent
    return rows.shape[0]


def _longer(array: npt.NDArray[Any], used: int, more: int) -> npt.NDArray[Any]:
    """`array` with `more` rows of room behind. Only the `used` rows are written: what is never touched takes no
    memory."""
    longer = np.empty((len(array) + more, *array.shape[1:]), array.dtype)
    longer[:used] = array[:used]
    return longer


@dataclass(frozen=True)
class Features:
    """Cluster features: what a shard of the data amounts to, and all that must travel to merge it with others.

    Attributes:
        weights: float64 [k], number of points (or their weight).
        means: float32 or float64 [k, d].
        spreads: float64 [k], sum of squared distances of the points from the mean.
    """

    weights: npt.NDArray[np.float64]
    means: npt.NDArray[np.floating[Any]]
    spreads: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Number of features."""
        return len(self.weights)

    @property
    def radii(self) -> npt.NDArray[np.float64]:
        """float64 [k]: root mean squared distance of the points from their mean."""
        radii: npt.NDArray[np.float64] = np.sqrt(self.spreads / np.maximum(self.weights, 1e-300))
        return radii

    @staticmethod
    def empty(count: int, dimension: int, dtype: npt.DTypeLike) -> Features:
        """Room for `count` features, to be `put` there."""
        return Features(np.empty(count), np.empty((count, dimension), dtype), np.empty(count))

    def put(self, first: int, part: Features) -> None:
        """Put the features of `part` to the places from `first` on."""
        for mine, given in ((self.weights, part.weights), (self.means, part.means), (self.spreads, part.spreads)):
            mine[first : first + len(part)] = given

    @staticmethod
    def join(parts: list[Features]) -> Features:
        """All features of `parts`, one list after the other."""
        return Features(
            np.concatenate([p.weights for p in parts]),
            np.concatenate([p.means for p in parts]),
            np.concatenate([p.spreads for p in parts]),
        )


class CFTree:
    """One CF-tree.

    Args:
        dimension: of the points.
        threshold: largest radius (root mean squared distance from the centroid) of a leaf feature.
        branching: most entries of a node, at least 2.
        capacity: leaf features to make room for at first.
        reach: largest root mean squared distance, in thresholds, of what is added to a leaf feature from its centroid
            (of the lighter of the two from the heavier). Our choice: the radius alone (reach infinite, as in Zhang et
            al. 1996) lets a heavy feature swallow anything light, however far, since its radius hardly changes.
        dtype: float32 or float64, of the points and of the means.
    """

    def __init__(
        self, dimension: int, threshold: float, branching: int = 50, capacity: int = 64, reach: float = math.inf,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        self.threshold, self.branching, self.reach = threshold, branching, reach
        nodes = capacity // max(branching // 2, 1) + MAX_DEPTH + 2
        rows = capacity + nodes + MAX_DEPTH + 2  # a node is a feature of its parent
        self.means = np.empty((rows, dimension), dtype)
        self.weights = np.empty(rows, np.float64)
        self.spreads = np.empty(rows, np.float64)
        self.child = np.empty(rows, np.int64)
        self.entries = np.empty((nodes, branching + 1), np.int64)
        self.sizes = np.zeros(nodes, np.int64)
        self.is_leaf = np.ones(nodes, np.bool_)
        self.state = np.array([0, 0, 1, 0, 0], np.int64)
        self.heavy = np.empty(0 if math.isinf(reach) else MOST_HEAVY, np.int64)

    @property
    def leaves(self) -> int:
        """Number of leaf features."""
        return int(self.state[LEAVES])

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the features and nodes in use take."""
        features, nodes = int(self.state[FEATURES]), int(self.state[NODES])
        per_node = self.entries.shape[1] * 8 + 9
        return features * (self.means.shape[1] * self.means.itemsize + 24) + nodes * per_node

    def widen(self) -> None:
        """Go on in float64."""
        self.means = self.means.astype(np.float64)

    def insert(
        self,
        points: npt.NDArray[np.floating[Any]],
        rows: npt.NDArray[np.int64] | None = None,
        weights: npt.NDArray[np.float64] | None = None,
        spreads: npt.NDArray[np.float64] | None = None,
    ) -> npt.NDArray[np.int64]:
        """Insert points, or features with `weights` and `spreads`, in the given order.

        Args:
            points: [n, d] of the tree's type, C-contiguous.
            rows: int64 [m], which points and in what order; all in order by default.
            weights: float64 [m], 1 by default.
            spreads: float64 [m], 0 by default.

        Returns:
            int64 [m], the number of the leaf feature that took each.
        """
        rows = np.arange(len(points), dtype=np.int64) if rows is None else rows
        weights = np.ones(len(rows)) if weights is None else weights
        spreads = np.zeros(len(rows)) if spreads is None else spreads
        labels = np.empty(len(rows), np.int64)
        done = 0
        while True:
            done = _insert(
                points, rows, done, weights, spreads, self.threshold**2, (self.reach * self.threshold) ** 2,
                self.branching, self.means, self.weights, self.spreads, self.child, self.entries, self.sizes,
                self.is_leaf, self.state, labels, self.heavy,
            )  # fmt: skip
            if done == len(rows):
                return labels
            self._grow()

    def _grow(self) -> None:
        if self.state[FEATURES] + MAX_DEPTH + 2 > len(self.means):
            more = len(self.means) // 2 + MAX_DEPTH + 2
            used = int(self.state[FEATURES])
            self.means, self.weights = _longer(self.means, used, more), _longer(self.weights, used, more)
            self.spreads, self.child = _longer(self.spreads, used, more), _longer(self.child, used, more)
        if self.state[NODES] + MAX_DEPTH + 1 > len(self.sizes):
            more = len(self.sizes) // 2 + MAX_DEPTH + 2
            self.entries = _longer(self.entries, int(self.state[NODES]), more)
            self.sizes = np.concatenate([self.sizes, np.zeros(more, np.int64)])
            self.is_leaf = np.concatenate([self.is_leaf, np.ones(more, np.bool_)])

    def leaf_numbers(self) -> npt.NDArray[np.int64]:
        """int64 [leaves]: the numbers of the leaf features, in the order they were made."""
        return np.flatnonzero(self.child[: self.state[FEATURES]] < 0)

    def features(self) -> Features:
        """The leaf features, in the order of `leaf_numbers`."""
        leaves = self.leaf_numbers()
        return Features(self.weights[leaves], self.means[leaves], self.spreads[leaves])
