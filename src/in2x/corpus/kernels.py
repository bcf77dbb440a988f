"""Numba kernels over the UTF-8 bytes of an Arrow text column: shingles, MinHash, Jaccard.

A column is `(data, offsets)`: text i is `data[offsets[i]:offsets[i + 1]]` (uint8, int64). Kernels release the GIL, so
that Daft's threads run them side by side; none makes a Python object per text. Columns and scripts are those of
`language/kernels.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from in2x.language.kernels import Bytes, Ints, _next, kernel, script

Hashes = NDArray[np.uint64]


@kernel
def _mix(value: np.uint64) -> np.uint64:
    """A bijective scrambler of 64 bits (the finaliser of SplitMix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def _units(data: Bytes, at: int, stop: int, by_char: bool, out: Hashes) -> int:
    """Hashes of the units (characters, or lower-cased words) of one text; spaces and punctuation are no units."""
    count = 0
    word = np.uint64(0)
    for_word = False
    while at < stop:
        code, at = _next(data, at)
        kind = script(code)
        if kind == 0 and code < 128:
            code |= 32
        whole = by_char or kind == 1 or kind == 2
        if kind >= 6 or whole:
            if for_word:
                out[count] = _mix(word)
                count += 1
                word, for_word = np.uint64(0), False
            if kind < 6:
                out[count] = _mix(np.uint64(code))
                count += 1
        else:
            word = word * np.uint64(1099511628211) + np.uint64(code) + np.uint64(1)
            for_word = True
    if for_word:
        out[count] = _mix(word)
        count += 1
    return count


@kernel
def _shingles(units: Hashes, count: int, size: int, out: Hashes) -> int:
    """Hashes of the runs of `size` units; a shorter text is one shingle, an empty one none."""
    if count == 0:
        return 0
    if count < size:
        value = np.uint64(0)
        for k in range(count):
            value = value * np.uint64(0x9E3779B97F4A7C15) + units[k]
        out[0] = _mix(value)
        return 1
    for i in range(count - size + 1):
        value = np.uint64(0)
        for k in range(size):
            value = value * np.uint64(0x9E3779B97F4A7C15) + units[i + k]
        out[i] = _mix(value)
    return count - size + 1


@kernel
def signatures(
    data: Bytes, offsets: Ints, by_char: NDArray[np.bool_], char_size: int, word_size: int, bands: int, rows: int
) -> tuple[Hashes, Hashes]:
    """Keys for exact and near duplicates of each text.

    MinHash by one permutation with `bands * rows` bins and optimal densification (Shrivastava 2017): one hash a
    shingle instead of one a shingle and permutation, which is what makes it fast.

    Args:
        by_char: shingle text i by characters (else by words), bool `[texts]`.
        char_size, word_size: units a shingle.

    Returns:
        exact: uint64 `[texts, 2]`, a hash of the units (so: up to case, spaces and punctuation).
        keys: uint64 `[texts, bands]`; two texts are candidates where one of their keys agrees. A text without any
            shingle gets keys of its own kind, 0, which the caller must leave out.
    """
    texts = len(offsets) - 1
    longest = 1
    for i in range(texts):
        longest = max(longest, offsets[i + 1] - offsets[i])
    units = np.empty(longest, np.uint64)
    shingles = np.empty(longest, np.uint64)
    exact = np.zeros((texts, 2), np.uint64)
    keys = np.zeros((texts, bands), np.uint64)
    bins = bands * rows
    minima = np.empty(bins, np.uint64)
    dense = np.empty(bins, np.uint64)
    empty = np.uint64(0xFFFFFFFFFFFFFFFF)
    for i in range(texts):
        count = _units(data, offsets[i], offsets[i + 1], by_char[i], units)
        first, second = np.uint64(count), np.uint64(count) + np.uint64(77)
        for k in range(count):
            first = (first ^ units[k]) * np.uint64(0x9E3779B97F4A7C15)
            first ^= first >> np.uint64(29)
            second = (second + units[k]) * np.uint64(0xD6E8FEB86659FD93)
            second ^= second >> np.uint64(32)
        exact[i, 0], exact[i, 1] = first, second
        found = _shingles(units, count, char_size if by_char[i] else word_size, shingles)
        if found == 0:
            continue
        minima[:] = empty
        for k in range(found):
            value = shingles[k]
            slot: Any = np.int64(((value >> np.uint64(32)) * np.uint64(bins)) >> np.uint64(32))
            low = value & np.uint64(0xFFFFFFFF)
            minima[slot] = min(minima[slot], low)
        for slot in range(bins):
            probe: Any = slot
            step = 0
            while minima[probe] == empty:
                step += 1
                draw = _mix(np.uint64(slot * 1000003 + step))
                probe = np.int64(((draw >> np.uint64(32)) * np.uint64(bins)) >> np.uint64(32))
            dense[slot] = minima[probe]
        for band in range(bands):
            value = np.uint64(band + 1)
            for row in range(rows):
                value = _mix(value ^ dense[band * rows + row]) + np.uint64(row)
            keys[i, band] = value if value != 0 else np.uint64(1)
    return exact, keys


@kernel
def _sort(values: NDArray[np.uint32], count: int) -> None:
    """Sort the first `count` values in place (Shell's method): compiles in a tenth of the time that `np.sort` takes."""
    gap = count
    while gap > 1:
        gap = max(1, gap * 4 // 9)
        for i in range(gap, count):
            value = values[i]
            j = i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value


@kernel
def shingle_sets(
    data: Bytes, offsets: Ints, by_char: NDArray[np.bool_], char_size: int, word_size: int
) -> tuple[NDArray[np.uint32], Ints]:
    """The set of shingles of each text, as sorted 32-bit hashes: `(values, bounds)`, bounds int64 `[texts + 1]`."""
    texts = len(offsets) - 1
    longest = 1
    for i in range(texts):
        longest = max(longest, offsets[i + 1] - offsets[i])
    units = np.empty(longest, np.uint64)
    shingles = np.empty(longest, np.uint64)
    few = np.empty(longest, np.uint32)
    values = np.empty(max(1, offsets[texts] - offsets[0]), np.uint32)
    bounds = np.zeros(texts + 1, np.int64)
    total = 0
    for i in range(texts):
        count = _units(data, offsets[i], offsets[i + 1], by_char[i], units)
        found = _shingles(units, count, char_size if by_char[i] else word_size, shingles)
        for k in range(found):
            few[k] = np.uint32(shingles[k] & np.uint64(0xFFFFFFFF))
        _sort(few, found)
        for k in range(found):
            if k == 0 or few[k] != few[k - 1]:
                values[total] = few[k]
                total += 1
        bounds[i + 1] = total
    return values[:total].copy(), bounds


@kernel
def jaccard(left: Ints, right: Ints, values: NDArray[np.uint32], bounds: Ints) -> NDArray[np.float64]:
    """Jaccard similarity of the sets `left[k]` and `right[k]`, float64 `[pairs]`; 0 where both are empty."""
    out = np.zeros(len(left), np.float64)
    for k in range(len(left)):
        i, i_stop = bounds[left[k]], bounds[left[k] + 1]
        j, j_stop = bounds[right[k]], bounds[right[k] + 1]
        total = (i_stop - i) + (j_stop - j)
        common = 0
        while i < i_stop and j < j_stop:
            if values[i] == values[j]:
                common += 1
                i += 1
                j += 1
            elif values[i] < values[j]:
                i += 1
            else:
                j += 1
        if total > common:
            out[k] = common / (total - common)
    return out


@kernel
def components(left: Ints, right: Ints, nodes: int) -> Ints:
    """Connected components by union-find: for each node the smallest node of its component, int64 `[nodes]`."""
    parent = np.arange(nodes)
    for k in range(len(left)):
        a, b = left[k], right[k]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a < b:
            parent[b] = a
        elif b < a:
            parent[a] = b
    for node in range(nodes):
        root = node
        while parent[root] != root:
            root = parent[root]
        parent[node] = root
    return parent


@kernel
def scramble(values: Hashes, seed: np.uint64) -> Hashes:
    """A seeded bijection of 64-bit numbers: a random order that depends on nothing but the numbers."""
    out = np.empty_like(values)
    start = _mix(seed + np.uint64(0x9E3779B97F4A7C15))
    for k in range(len(values)):
        out[k] = _mix(values[k] ^ start)
    return out


def folds(keys: Hashes) -> NDArray[np.uint8]:
    """The half of the corpus that each text belongs to, 0 or 1 by its hash: `[texts]`."""
    return (scramble(keys.astype(np.uint64), np.uint64(0xF01D)) & np.uint64(1)).astype(np.uint8)
