"""From the leaf features of many cells to one clustering: what a border cut, or what was split off early, is joined.

Heavy features first: in one tree, the heaviest before the others, they become the clusters that all else may join.
Each light feature is then compared with the heavy one next to it, by matrix products. What joins none is mostly single
points: they are cut into cells anew (by other borders: what was parted meets again), each with a tree of its own. One
tree for all would be slow (millions of leaves are walked through in memory, by one core) and inaccurate (among them the
way down a tree misses the clusters).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from in2x.selection.cells import SAMPLE, Floats, Ints, cells_for, coarse_cells, grouped, nearest, nearest_of_many
from in2x.selection.cftree import CFTree, Features, absorb_near

Parallel = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
SEED = 4.0
"""Weight from which a feature is a cluster that others may join (our choice: so many points seldom agree by chance)."""
BLOCK = 65_536
"""Leaves copied at once."""


def merged(tree: CFTree, leaves: Features, rows: Ints) -> Ints:
    """Merge `rows` of `leaves` by an empty `tree`, and write the clusters over the first of the rows.

    Returns int64 [rows]: the row that holds the cluster of each.
    """
    numbers = tree.insert(leaves.means, rows, leaves.weights[rows], leaves.spreads[rows])
    found, places = tree.features(), np.searchsorted(tree.leaf_numbers(), numbers)
    kept = rows[: len(found)]
    leaves.means[kept], leaves.weights[kept], leaves.spreads[kept] = found.means, found.weights, found.spreads
    held: Ints = kept[places]
    return held


def in_parts(find: Callable[[Floats], Ints], points: Floats, rows: Ints) -> Ints:
    """`find` for `points[rows]`, some at a time: they are copied."""
    parts = [find(points[part]) for part in np.array_split(rows, 1 + len(rows) // BLOCK)]
    return np.concatenate(parts)


def join(leaves: Features, tree: Callable[[int], CFTree], parallel: Parallel) -> tuple[Features, Ints]:
    """The clusters of `leaves`, and int64 [leaves]: the cluster of each. Deterministic, whatever the number of cores.

    `tree` makes an empty tree with room for so many leaves; `parallel` works on items by all cores. The leaves are
    written over: they may be half of the memory.
    """
    order = np.argsort(-leaves.weights, kind="stable")
    heavy, light = np.split(order, [int((leaves.weights >= SEED).sum())])
    held = np.empty(len(leaves), np.int64)
    first = tree(max(64, len(heavy)))
    held[heavy] = merged(first, leaves, heavy)
    if len(heavy) and len(light):
        clusters = np.unique(held[heavy])
        found = leaves.means[clusters]
        near = clusters[in_parts(lambda points: nearest_of_many(points, found), leaves.means, light)]
        taken = absorb_near(
            leaves.means, leaves.weights, leaves.spreads, light, near, first.threshold**2,
            (first.reach * first.threshold) ** 2,
        )  # fmt: skip
        held[light[taken]] = near[taken]
        light = light[~taken]
    if len(light):
        count = cells_for(len(light))
        sample = leaves.means[light[:: 1 + len(light) // (SAMPLE * count)]]
        cells = coarse_cells(sample, count) if count > 1 else sample[:1]
        owners = in_parts(lambda points: nearest(points, cells), leaves.means, light)

        def work(rows: Ints) -> None:
            held[rows] = merged(tree(max(64, len(rows))), leaves, rows)

        parallel(work, [light[rows] for rows in grouped(owners, len(cells)) if len(rows)])
    kept, owner = np.unique(held, return_inverse=True)
    return Features(leaves.weights[kept], leaves.means[kept], leaves.spreads[kept]), owner
