"""Two-step sampling (METHOD 3): first how many of each difficulty, then which ones inside each cluster.

**Step 1, quotas.** The size of a sample is split over the grades by 3:3:3:1:0 (largest remainder). What a grade
cannot fill moves to the next harder grade that still has items, and when all harder ones are empty to the nearest
easier one (the hardest grade moves first); a grade with quota zero is never used, so a sample can be smaller than
asked. Each grade's number is split over *strata* (answer language x task): languages evenly, tasks within a language as
in the pool, and what a stratum lacks goes to the others in the same proportion. So no quota can starve a language or a
task. Within a stratum the clusters share evenly (water-filling): a cluster of ten thousand near-alike items gives no
more than one of ten, until that one is empty.

**Step 2, variety.** Inside a cluster, items are taken in turn from its (language, level-1 label, level-2 label)
buckets, the one least taken from first. One item in several languages (a *twin group*) belongs to one stratum, and the
other strata take it last: which group goes where is a maximum flow from groups to what the strata want, so that an item
is shown in two languages only where the numbers cannot be had otherwise. A group that an earlier sample holds waits,
too.

Everything is decided by sorting; chance enters only through a hash of (seed, id). So the order of the input changes
nothing, and the work is O(n log n).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_matrix
from scipy.sparse.csgraph import maximum_flow

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
GRADES = 5


@dataclass(frozen=True)
class Items:
    """What sampling knows of the items, one row each.

    Attributes:
        ids: unique names.
        grade: int64 [n], 1..5.
        cluster, lang, task, bucket, twin: int64 [n], codes (bucket: language x label 1 x label 2; twin: equal for one
            item in several languages).
    """

    ids: Sequence[str]
    grade: Ints
    cluster: Ints
    lang: Ints
    task: Ints
    bucket: Ints
    twin: Ints

    def __len__(self) -> int:
        """Number of items."""
        return len(self.ids)


@dataclass(frozen=True)
class Chosen:
    """A sample.

    Attributes:
        index: int64 [m], rows chosen, ascending.
        wanted: items per grade 1..5 by the quotas.
        got: items per grade 1..5 in the sample.
    """

    index: Ints
    wanted: list[int]
    got: list[int]


def chance(ids: Sequence[str], seed: int) -> npt.NDArray[np.uint64]:
    """uint64 [n]: the lot of each id under `seed`, the same on every machine."""
    raw = b"".join(hashlib.blake2b(f"{seed}\0{i}".encode(), digest_size=8).digest() for i in ids)
    return np.frombuffer(raw, dtype="<u8").copy()


def allocate(total: int, weights: Floats, limits: Ints) -> Ints:
    """Split `total` in proportion to `weights` under `limits`, exactly: the sum is min(total, sum of usable limits).

    Parts that would pass their limit get it, and what is left is split anew over the rest; the last units go to the
    largest remainders, earlier parts first. A part with weight 0 gets nothing.
    """
    limits = np.where(weights > 0, limits, 0)
    out = np.zeros(len(limits), np.int64)
    total = int(min(total, limits.sum()))
    open_ = limits > 0
    while total > 0:
        share = np.where(open_, weights, 0.0)
        share = share / share.max()
        share = share * (total / share.sum())
        full = open_ & (share >= limits)
        if full.any():
            out[full] = limits[full]
            total -= int(limits[full].sum())
            open_ &= ~full
            continue
        whole = np.floor(share).astype(np.int64)
        rest = total - int(whole.sum())
        order = np.lexsort((np.arange(len(share)), -(share - whole)))
        whole[order[:rest]] += 1
        out[open_] = whole[open_]
        break
    return out


def grade_quotas(total: int, quotas: Sequence[float], available: Ints) -> tuple[Ints, Ints]:
    """How many of each grade 1..5 are wanted, and how many are taken after moving what cannot be filled.

    Args:
        total: size of the sample.
        quotas: very difficult first, as in METHOD 3.
        available: int64 [5], items of grade 1..5.
    """
    weights = np.asarray(quotas[::-1], np.float64)
    wanted = allocate(total, weights, np.full(GRADES, total, np.int64))
    got = np.minimum(wanted, available)
    for grade in range(GRADES - 1, -1, -1):
        lacking = int(wanted[grade] - min(wanted[grade], available[grade]))
        for other in sorted(range(GRADES), key=lambda o: (o < grade, abs(o - grade))):
            if lacking and weights[other] > 0 and other != grade:
                more = min(lacking, int(available[other] - got[other]))
                got[other] += more
                lacking -= more
    return wanted, got


def two_step(
    items: Items, available: Ints, total: int, quotas: Sequence[float], seed: int, shown: Ints | None = None
) -> Chosen:
    """Choose `total` of the rows `available` (see the module docstring); `shown` are rows of earlier samples."""
    lots = chance(items.ids, seed)
    grade = items.grade[available]
    counts = np.bincount(grade, minlength=GRADES + 1)[1:]
    wanted, take = grade_quotas(total, quotas, counts)
    strata = [
        part
        for level in range(GRADES, 0, -1)
        for part in _strata(items, available[grade == level], int(take[level - 1]))
    ]
    before = np.zeros(int(items.twin.max(initial=0)) + 1, bool)
    if shown is not None:
        before[items.twin[shown]] = True
    owner = _owners(items.twin, strata, lots, before)
    taken: dict[int, int] = {}
    width = int(items.bucket.max(initial=0)) + 1
    picks = [np.empty(0, np.int64)]
    for number, (rows, count) in enumerate(strata):
        late = np.where(before[items.twin[rows]], 1, 2 * (owner[items.twin[rows]] != number))
        keys = items.cluster[rows] * width + items.bucket[rows]
        picks.append(_pick(items, rows, count, lots, late, keys, taken))
        for key, more in zip(*np.unique(keys[np.isin(rows, picks[-1])], return_counts=True), strict=True):
            taken[int(key)] = taken.get(int(key), 0) + int(more)
    index = np.sort(np.concatenate(picks))
    got = np.bincount(items.grade[index], minlength=GRADES + 1)[1:]
    return Chosen(index, wanted.tolist(), got.tolist())


def _strata(items: Items, rows: Ints, total: int) -> list[tuple[Ints, int]]:
    """`rows` (all of one grade) by answer language and task, and how many to take of each."""
    if total == 0:
        return []
    strata, which = np.unique(np.stack([items.lang[rows], items.task[rows]]), axis=1, return_inverse=True)
    which = which.reshape(-1)
    sizes = np.bincount(which)
    # Languages evenly, tasks within a language as in the pool.
    of_language = np.bincount(strata[0], sizes)
    numbers = allocate(total, sizes / of_language[strata[0]], sizes)
    return [(rows[which == s], int(number)) for s, number in enumerate(numbers) if number]


def _owners(
    twin: Ints, strata: Sequence[tuple[Ints, int]], lots: npt.NDArray[np.uint64], before: npt.NDArray[np.bool_]
) -> Ints:
    """int64 [twin groups]: the stratum that a group belongs to, -1 for none.

    Groups that touch the same strata are one node of a flow network: source -> kind of group (how many there are) ->
    stratum -> sink (what the stratum wants beyond the groups that it alone has). What the flow leaves over is dealt out
    in proportion to what is wanted, so that every stratum has a choice.
    """
    owner = np.full(len(before), -1, np.int64)
    if not strata:
        return owner
    wanted = np.array([count for _, count in strata])
    group = np.concatenate([twin[rows] for rows, _ in strata])
    stratum = np.repeat(np.arange(len(strata)), [len(rows) for rows, _ in strata])
    lot = np.concatenate([lots[rows] for rows, _ in strata])
    order = np.lexsort((lot, stratum, group))
    group, stratum, lot = group[order], stratum[order], lot[order]
    new = np.append(True, (group[1:] != group[:-1]) | (stratum[1:] != stratum[:-1]))
    group, stratum, lot = group[new], stratum[new], lot[new]
    free = ~before[group]
    group, stratum, lot = group[free], stratum[free], lot[free]
    if not len(group):
        return owner
    starts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    size = np.diff(np.append(starts, len(group)))
    owner[group[starts[size == 1]]] = stratum[starts[size == 1]]
    missing = np.maximum(0, wanted - np.bincount(stratum[starts[size == 1]], minlength=len(strata)))
    marks = np.random.default_rng(0).integers(0, 1 << 62, len(strata))  # a sum of marks stands for a set of strata
    kind = np.add.reduceat(marks[stratum], starts)
    many = np.flatnonzero(size > 1)
    if not len(many):
        return owner
    many = many[np.lexsort((lot[starts[many]], kind[many]))]
    firsts = np.flatnonzero(np.append(True, kind[many][1:] != kind[many][:-1]))
    sets = [stratum[starts[g] : starts[g] + size[g]] for g in many[firsts].tolist()]
    counts = np.diff(np.append(firsts, len(many)))
    for first, count, members, flow in zip(firsts, counts, sets, _flow(counts, sets, missing), strict=True):
        rest = allocate(int(count - flow.sum()), wanted[members] + 1.0, np.full(len(members), count))
        owner[group[starts[many[first : first + count]]]] = np.repeat(members, flow + rest)
    return owner


def _flow(counts: Ints, sets: Sequence[Ints], missing: Ints) -> list[Ints]:
    """How many of `counts[k]` groups go to each stratum of `sets[k]`, so that as many as can be are of use."""
    kinds, strata = len(counts), len(missing)
    sink = 1 + kinds + strata
    tails = [
        np.zeros(kinds, np.int64),
        *(np.full(len(s), 1 + k) for k, s in enumerate(sets)),
        1 + kinds + np.arange(strata),
    ]
    heads = [1 + np.arange(kinds), *(1 + kinds + s for s in sets), np.full(strata, sink)]
    rooms = [counts, *(np.full(len(s), counts[k]) for k, s in enumerate(sets)), missing]
    graph = coo_array(
        (np.concatenate(rooms).astype(np.int32), (np.concatenate(tails), np.concatenate(heads))),
        shape=(sink + 1, sink + 1),
    ).tocsr()  # fmt: skip
    flow = maximum_flow(csr_matrix(graph), 0, sink).flow.tocsr()
    return [np.asarray([flow[1 + k, 1 + kinds + int(s)] for s in members], np.int64) for k, members in enumerate(sets)]


def _pick(
    items: Items, rows: Ints, total: int, lots: npt.NDArray[np.uint64], late: Ints, keys: Ints, taken: dict[int, int]
) -> Ints:
    """`total` of `rows`: the r-th item of every cluster goes before the (r + 1)-th of any.

    Args:
        late: int64 [n], 0 for what is first choice; the others come after it.
        keys: int64 [n], cluster and bucket of each.
        taken: how many of each key are in the sample.
    """
    lot = lots[rows]
    # Of twins within these rows only the luckiest is first choice.
    by_twin = np.lexsort((lot, items.twin[rows]))
    again = np.zeros(len(rows), bool)
    again[by_twin[1:]] = items.twin[rows][by_twin][1:] == items.twin[rows][by_twin][:-1]
    late = np.where(again, 2, late)
    cluster = items.cluster[rows]
    before = np.fromiter((taken.get(key, 0) for key in keys.tolist()), np.int64, len(rows))
    in_bucket = before + _place((lot, late, keys), (keys,))
    in_cluster = _place((lot, in_bucket, late, cluster), (cluster,))
    return rows[np.lexsort((lot, in_cluster, late))[:total]]


def _place(keys: tuple[npt.NDArray[np.generic], ...], group: tuple[Ints, ...]) -> Ints:
    """int64 [n]: position of each row within its group, in the order of `keys` (last key is primary, as in lexsort)."""
    order = np.lexsort(keys)
    change = np.zeros(len(order), bool)
    for codes in group:
        change[1:] |= codes[order][1:] != codes[order][:-1]
    starts = np.flatnonzero(np.concatenate([[True], change[1:]])) if len(order) else np.empty(0, np.int64)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.repeat(starts, np.diff([*starts, len(order)]))
    return place
