"""Numba kernels over the UTF-8 bytes of an Arrow text column: scripts, shingles, MinHash, Jaccard.

A column is `(data, offsets)`: text i is `data[offsets[i]:offsets[i + 1]]` (uint8, int64). Kernels release the GIL, so
that Daft's threads run them side by side; none makes a Python object per text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile with Numba: cached on disk, without the GIL, no checks for division by zero."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))


Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

SCRIPTS = ("latin", "kana", "han", "hangul", "letter", "digit", "space", "other", "simplified")
"""Columns of `script_counts`. "letter" is any further alphabet; "simplified" counts, inside "han", the characters of
`mainland` (forms that only the mainland writes)."""
LATIN, KANA, HAN, HANGUL, LETTER, DIGIT, SPACE, OTHER, SIMPLIFIED = range(9)


def column(texts: Any) -> tuple[Bytes, Ints]:
    """`(data, offsets)` of a pyarrow string array (or of an iterable of `str | None`); a null reads as ""."""
    array = texts if isinstance(texts, pa.Array) else pa.array(list(texts), type=pa.large_string())
    if not pa.types.is_large_string(array.type):
        array = array.cast(pa.large_string())
    if array.null_count:
        array = array.fill_null("")
    _, offsets, data = array.buffers()
    if len(array) == 0 or offsets is None:
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    bounds = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return (np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)), bounds


@kernel
def _next(data: Bytes, at: Any) -> Any:
    """The code point that starts at byte `at`, and where the next one starts. The bytes are valid UTF-8."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, at + 1
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (data[at + 1] & 0x3F), at + 2
    if first < 0xF0:
        return ((first & 0x0F) << 12) | ((data[at + 1] & 0x3F) << 6) | (data[at + 2] & 0x3F), at + 3
    return (
        ((first & 0x07) << 18) | ((data[at + 1] & 0x3F) << 12) | ((data[at + 2] & 0x3F) << 6) | (data[at + 3] & 0x3F)
    ), at + 4


@kernel
def script(code: int) -> int:
    """The script of a code point, as an index of `SCRIPTS` (never `SIMPLIFIED`)."""
    if code < 0x80:
        if 97 <= code <= 122 or 65 <= code <= 90:
            return 0
        if 48 <= code <= 57:
            return 5
        return 6 if code <= 32 else 7
    if 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0x20000 <= code <= 0x3FFFF or 0xF900 <= code <= 0xFAFF:
        return 2
    if code == 0x3005 or code == 0x3007:  # iteration mark and zero stand for characters
        return 2
    if 0x3041 <= code <= 0x30FF and code != 0x30FB:
        return 1
    if 0xFF66 <= code <= 0xFF9F or 0x31F0 <= code <= 0x31FF:
        return 1
    if 0xAC00 <= code <= 0xD7AF or 0x1100 <= code <= 0x11FF or 0x3130 <= code <= 0x318F:
        return 3
    if 0xC0 <= code <= 0x24F and code != 0xD7 and code != 0xF7:
        return 0
    if 0x1E00 <= code <= 0x1EFF or 0xFF21 <= code <= 0xFF3A or 0xFF41 <= code <= 0xFF5A:
        return 0
    if 0xFF10 <= code <= 0xFF19:
        return 5
    if code == 0x3000 or code == 0xA0 or 0x2000 <= code <= 0x200B:
        return 6
    if 0x370 <= code <= 0x10FF:
        return 4
    return 7


@kernel
def _is_mainland(code: int, mainland: Ints) -> bool:
    low, high = 0, len(mainland)
    while low < high:
        middle = (low + high) // 2
        if mainland[middle] < code:
            low = middle + 1
        else:
            high = middle
    return low < len(mainland) and mainland[low] == code


@kernel
def script_counts(data: Bytes, offsets: Ints, mainland: Ints) -> Ints:
    """Characters by script, int64 `[texts, len(SCRIPTS)]`. `mainland`: sorted code points (see `SCRIPTS`)."""
    texts = len(offsets) - 1
    counts = np.zeros((texts, 9), np.int64)
    for i in range(texts):
        at, stop = offsets[i], offsets[i + 1]
        while at < stop:
            code, at = _next(data, at)
            kind = script(code)
            counts[i, kind] += 1
            if kind == 2 and _is_mainland(code, mainland):
                counts[i, 8] += 1
    return counts


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
