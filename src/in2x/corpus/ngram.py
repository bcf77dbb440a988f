"""A character n-gram model by language: interpolated modified Kneser-Ney, counted in one streaming pass.

Perplexity under it tells usual text from unusual (METHOD 1, phase 3; CCNet). Characters, not words: one model kind
serves all languages and needs no tokenizer. Sources: Chen and Goodman 1999 for the smoothing; the continuation counts
are streamed: an n-gram that is new adds one to the count of its suffix, which may be new in its turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from in2x.corpus.kernels import _mix
from in2x.language.kernels import Bytes, Ints, _next, column, kernel

_K = np.uint64(0x9E3779B97F4A7C15)
SCORED_CHARS = 20_000
"""Characters of a text that are scored, and counted: what a text is shows early."""


@kernel
def _slot(keys: NDArray[np.uint64], key: np.uint64) -> int:
    mask = np.uint64(len(keys) - 1)
    at = _mix(key) & mask
    while keys[at] != 0 and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return int(at)


@kernel
def _extend(prefix: np.uint64, code: int, order: int) -> np.uint64:
    """Key of the n-gram `prefix` + `code`; the order is part of the key, and 0 means a free slot."""
    key = _mix(prefix * np.uint64(0x9E3779B97F4A7C15) + np.uint64(code) * np.uint64(64) + np.uint64(order))
    return key if key != 0 else np.uint64(1)


@kernel
def _fold(code: int) -> int:
    """Digits are one character, any space another: their exact value says nothing about style."""
    if 48 <= code <= 57:
        return 48
    if code <= 32 or code == 0x3000:
        return 32
    return code


@kernel
def _grow(keys: Any, contexts: Any, orders: Any, counts: Any) -> Any:
    size = 2 * len(keys)
    new_keys = np.zeros(size, np.uint64)
    new_contexts = np.zeros(size, np.uint64)
    new_orders = np.zeros(size, np.uint8)
    new_counts = np.zeros(size, np.uint32)
    for at in range(len(keys)):
        if keys[at] != 0:
            to = _slot(new_keys, keys[at])
            new_keys[to], new_contexts[to] = keys[at], contexts[at]
            new_orders[to], new_counts[to] = orders[at], counts[at]
    return new_keys, new_contexts, new_orders, new_counts


@kernel
def _count(
    data: Bytes, offsets: Ints, order: int, keys: Any, contexts: Any, orders: Any, counts: Any, used: int
) -> Any:
    """Count the n-grams of some texts into the table (continuation counts below the highest order)."""
    here = np.zeros(order + 1, np.uint64)
    before = np.zeros(order + 1, np.uint64)
    for i in range(len(offsets) - 1):
        at, stop = offsets[i], offsets[i + 1]
        for n in range(1, order + 1):  # begin of text: an endless run of character 1
            before[n] = _extend(before[n - 1], 1, n)
        while at < stop:
            code, at = _next(data, at)
            code = _fold(code)
            for n in range(1, order + 1):
                here[n] = _extend(before[n - 1], code, n)
            for n in range(order, 0, -1):
                slot = _slot(keys, here[n])
                counts[slot] += 1
                if keys[slot] != 0:
                    break
                keys[slot], contexts[slot], orders[slot] = here[n], before[n - 1], n
                used += 1
            if 5 * used > 3 * len(keys):
                keys, contexts, orders, counts = _grow(keys, contexts, orders, counts)
            here, before = before, here
    return keys, contexts, orders, counts, used


@kernel
def _smooth(order: int, keys: Any, contexts: Any, orders: Any, counts: Any) -> Any:
    """Discounted probability and back-off weight of every n-gram."""
    by_count = np.zeros((order + 1, 5), np.float64)
    for at in range(len(keys)):
        if keys[at] != 0 and counts[at] <= 4:
            by_count[orders[at], counts[at]] += 1
    discount = np.zeros((order + 1, 4), np.float64)
    for n in range(1, order + 1):
        n1, n2, n3, n4 = by_count[n, 1], by_count[n, 2], by_count[n, 3], by_count[n, 4]
        y = n1 / (n1 + 2 * n2) if n1 > 0 and n2 > 0 else 0.5
        discount[n, 1] = 1 - 2 * y * n2 / n1 if n1 > 0 and n2 > 0 else 0.5
        discount[n, 2] = 2 - 3 * y * n3 / n2 if n2 > 0 and n3 > 0 else 1.0
        discount[n, 3] = 3 - 4 * y * n4 / n3 if n3 > 0 and n4 > 0 else 1.5
        for c in range(1, 4):
            discount[n, c] = min(max(discount[n, c], 0.05), c - 0.05)
    total = np.zeros(len(keys), np.float64)
    saved = np.zeros(len(keys), np.float64)
    above = np.zeros(len(keys), np.uint32)  # slot of each n-gram's context: finding it is what costs
    root_total = root_saved = 0.0
    for at in range(len(keys)):
        if keys[at] != 0:
            off = discount[orders[at], min(counts[at], 3)]
            if orders[at] == 1:
                root_total += counts[at]
                root_saved += off
            else:
                context = _slot(keys, contexts[at])
                above[at] = context
                total[context] += counts[at]
                saved[context] += off
    chance = np.zeros(len(keys), np.float32)
    weight = np.ones(len(keys), np.float32)
    for at in range(len(keys)):
        if keys[at] != 0:
            off = discount[orders[at], min(counts[at], 3)]
            whole = root_total if orders[at] == 1 else total[above[at]]
            chance[at] = (counts[at] - off) / whole if whole > 0 else 0.0
            if total[at] > 0:
                weight[at] = saved[at] / total[at]
    return chance, weight, (root_saved / root_total if root_total > 0 else 1.0)


@kernel
def _score(
    data: Bytes,
    offsets: Ints,
    order: int,
    keys: Any,
    chance: Any,
    weight: Any,
    root: float,
    vocabulary: float,
    limit: int,
) -> Any:
    """Sum of -ln p and the number of characters scored, float64 `[texts, 2]`."""
    out = np.zeros((len(offsets) - 1, 2), np.float64)
    here = np.zeros(order + 1, np.uint64)
    before = np.zeros(order + 1, np.uint64)
    back, fresh = np.ones(order + 1, np.float64), np.ones(order + 1, np.float64)
    for i in range(len(offsets) - 1):
        at, stop, done = offsets[i], offsets[i + 1], 0
        back[0] = fresh[0] = root
        for n in range(1, order + 1):
            before[n] = _extend(before[n - 1], 1, n)
            slot = _slot(keys, before[n])
            back[n] = weight[slot] if keys[slot] != 0 else 1.0
        while at < stop and done < limit:
            code, at = _next(data, at)
            code = _fold(code)
            p = 1.0 / vocabulary
            for n in range(1, order + 1):
                here[n] = _extend(before[n - 1], code, n)
                slot = _slot(keys, here[n])
                p = p * back[n - 1] + (chance[slot] if keys[slot] != 0 else 0.0)
                fresh[n] = weight[slot] if keys[slot] != 0 else 1.0
            out[i, 0] -= np.log(p)
            done += 1
            here, before = before, here
            fresh, back = back, fresh
        out[i, 1] = done
    return out


class NgramModel:
    """See the module docstring. `train`, then `perplexity`."""

    UNSEEN = 50_000.0
    """Size of the uniform distribution at the bottom: the characters a text may hold."""

    def __init__(self, order: int, keys: Any, chance: Any, weight: Any, root: float) -> None:
        self.order, self.keys, self.chance, self.weight, self.root = order, keys, chance, weight, root

    @classmethod
    def train(cls, batches: Iterable[Any], order: int = 5, limit: int = 5_000_000) -> NgramModel:
        """Count batches of texts (pyarrow string arrays or lists) up to about `limit` bytes, then smooth."""
        size = 1 << 12
        table = (
            np.zeros(size, np.uint64),
            np.zeros(size, np.uint64),
            np.zeros(size, np.uint8),
            np.zeros(size, np.uint32),
        )
        used = read = 0
        for batch in batches:
            data, offsets = column(batch)
            if len(offsets) < 2 or read >= limit:
                continue
            whole = int(np.searchsorted(offsets, offsets[0] + limit - read, side="left"))
            data_offsets = offsets[: max(2, whole + 1)]
            *table, used = _count(data, data_offsets, order, *table, used)  # type: ignore[assignment]
            read += int(data_offsets[-1] - data_offsets[0])
        keys, contexts, orders, counts = table
        keys, contexts, orders, counts, used = _with_starts(order, keys, contexts, orders, counts, used)
        chance, weight, root = _smooth(order, keys, contexts, orders, counts)
        return cls(order, keys, chance, weight, float(root))

    def perplexity(self, texts: Any, limit: int = SCORED_CHARS) -> NDArray[np.float64]:
        """Perplexity a character of each text, float64 `[texts]`, over at most its first `limit` characters."""
        data, offsets = column(texts)
        sums = _score(data, offsets, self.order, self.keys, self.chance, self.weight, self.root, self.UNSEEN, limit)
        perplexity: NDArray[np.float64] = np.exp(sums[:, 0] / np.maximum(1.0, sums[:, 1]))
        return perplexity

    def save(self, path: Path) -> None:
        """Write the table as `.npz` (arrays only, no pickle)."""
        used = self.keys != 0
        with path.open("wb") as stream:
            np.savez(stream, keys=self.keys[used], chance=self.chance[used], weight=self.weight[used],
                     order=np.int64(self.order), root=np.float64(self.root))  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> NgramModel:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            found, chance, weight = file["keys"], file["chance"], file["weight"]
            order, root = int(file["order"]), float(file["root"])
        size = 1 << max(8, int(np.ceil(np.log2(max(1, len(found)) * 1.7))))
        keys, all_chance, all_weight = np.zeros(size, np.uint64), np.zeros(size, np.float32), np.ones(size, np.float32)
        _fill(found, chance, weight, keys, all_chance, all_weight)
        return cls(order, keys, all_chance, all_weight, root)


@kernel
def _fill(found: Any, chance: Any, weight: Any, keys: Any, all_chance: Any, all_weight: Any) -> None:
    for k in range(len(found)):
        slot = _slot(keys, found[k])
        keys[slot], all_chance[slot], all_weight[slot] = found[k], chance[k], weight[k]


@kernel
def _with_starts(order: int, keys: Any, contexts: Any, orders: Any, counts: Any, used: int) -> Any:
    """Give the begin-of-text contexts a slot (with count 0 they take no probability themselves)."""
    if 5 * (used + order) > 3 * len(keys):
        keys, contexts, orders, counts = _grow(keys, contexts, orders, counts)
    key = np.uint64(0)
    for n in range(1, order):
        context = key
        key = _extend(key, 1, n)
        slot = _slot(keys, key)
        if keys[slot] == 0:
            keys[slot], contexts[slot], orders[slot], counts[slot] = key, context, n, 0
            used += 1
    return keys, contexts, orders, counts, used
