"""Numba kernels of the gate, over the UTF-8 bytes of an Arrow text column (`language/kernels.py`).

A text is read into units, each with a weight: a run of texts weighs `full`, be it 13 words, 24 characters, or some of
both. Texts are compared by 64-bit hashes of units: of every run of an evaluation text that is as heavy as a run or
heavier, and of a lighter one as a whole. All stand in one open-addressed table, `keys` and `masks` (a bit a set).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from in2x.language.kernels import Bytes, Ints, _next, kernel

Hashes = NDArray[np.uint64]
Kinds = NDArray[np.uint8]
Codes = NDArray[np.uint32]

RUN, WHOLE, SIGNS, ALIGNED = 1, 2, 3, 4
"""What a key is of: a run; a text lighter than a run; a text of signs alone (an emoji); two texts of one row."""
_BASE = np.uint64(0x9E3779B97F4A7C15)


@kernel
def mix(value: Any) -> Any:
    """A bijective scrambler of 64 bits (the finaliser of SplitMix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def key_of(value: Any, what: int) -> Any:
    """The key of a hash; never 0, which marks a free place."""
    key = mix(value ^ (np.uint64(what) * np.uint64(0xD6E8FEB86659FD93)))
    return key if key != np.uint64(0) else np.uint64(1)


@kernel
def _find(keys: Hashes, key: Any) -> Any:
    mask = np.uint64(len(keys) - 1)
    at = mix(key) & mask
    while keys[at] != np.uint64(0) and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return np.int64(at)


@kernel
def fill(found: Hashes, bit: Any, keys: Hashes, masks: Hashes) -> None:
    """Put the keys of one set, whose bit is `bit`, into the table."""
    for k in range(len(found)):
        slot = _find(keys, found[k])
        keys[slot] = found[k]
        masks[slot] |= bit


@kernel
def _units(
    data: Bytes, at: Any, stop: Any, kinds: Kinds, simple: Codes, chars: int, words: int,
    pre: Hashes, weights: Ints, edges: NDArray[np.bool_], lines: Ints,
) -> Any:  # fmt: skip
    """Read one text. Of unit k: `pre[k + 1]` (hash of all units so far), its weight, whether a sign or a line end
    stands before it, and its line. Returns the number of units; behind the last one there is an edge.
    """
    count, line = 0, 0
    word, open_word = np.uint64(0), False
    edge = True
    pre[0] = np.uint64(0)
    while at <= stop:
        kind: Any = 3
        code: Any = np.int64(10)
        ended = at == stop
        if ended:
            at += 1
        else:
            code, at = _next(data, at)
            kind = np.int64(kinds[code]) if code < len(kinds) else np.int64(4)
        if kind == 4:
            continue
        if kind != 1 and open_word:
            pre[count + 1] = pre[count] * _BASE + mix(word)
            weights[count] = chars
            count += 1
            open_word, word = False, np.uint64(0)
        if kind == 1 or kind == 0:
            if not open_word:
                edges[count], lines[count] = edge, line
                edge = False
            code = np.int64(simple[code])
            if kind == 1:
                word = word * np.uint64(1099511628211) + np.uint64(code) + np.uint64(1)
                open_word = True
            else:
                pre[count + 1] = pre[count] * _BASE + mix(np.uint64(code))
                weights[count] = words
                count += 1
        elif kind == 3:
            edge = True
            if code == 10 and not ended:
                line += 1
    edges[count] = True
    return count


@kernel
def _signs_value(data: Bytes, at: Any, stop: Any) -> Any:
    value = np.uint64(0)
    while at < stop:
        if data[at] > 32:
            value = value * np.uint64(1099511628211) + np.uint64(data[at]) + np.uint64(1)
        at += 1
    return value


@kernel
def _longest(offsets: Ints) -> Any:
    longest = 1
    for i in range(len(offsets) - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    return longest


@kernel
def _powers(chars: int, words: int) -> Any:
    powers = np.ones(max(chars, words) + 2, np.uint64)
    for k in range(1, len(powers)):
        powers[k] = powers[k - 1] * _BASE
    return powers


@kernel
def hashes(
    data: Bytes, offsets: Ints, rows: Ints, kinds: Kinds, simple: Codes, chars: int, words: int
) -> tuple[Hashes, Any]:
    """The keys of evaluation texts, and how many of them weigh half a run or more.

    Args:
        rows: int64 `[texts]`, ascending, the row of the set that each text stands in. Of two texts of a row that are
            lighter than half a run a key is made as well: either alone says too little.
    """
    longest, texts = _longest(offsets), len(offsets) - 1
    pre, weights = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.int64)
    edges, lines = np.empty(longest + 1, np.bool_), np.empty(longest + 1, np.int64)
    powers, full = _powers(chars, words), chars * words
    found, more = np.empty(offsets[texts] - offsets[0] + texts + 1, np.uint64), np.empty(64, np.uint64)
    light = np.empty(texts + 1, np.uint64)
    total, pairs, telling, first_light, lights, row = 0, 0, 0, 0, 0, np.int64(-1)
    for i in range(texts):
        if rows[i] != row:
            row, first_light = rows[i], lights
        count = _units(data, offsets[i], offsets[i + 1], kinds, simple, chars, words, pre, weights, edges, lines)
        if count == 0:
            value = _signs_value(data, offsets[i], offsets[i + 1])
            if value != np.uint64(0):
                found[total] = key_of(value, 3)
                total += 1
            continue
        heavy, j, runs = 0, 0, 0
        for k in range(count):
            while j < count and heavy < full:
                heavy += weights[j]
                j += 1
            if heavy < full:
                break
            found[total] = key_of(pre[j] - pre[k] * powers[j - k], 1)
            total += 1
            runs += 1
            heavy -= weights[k]
        if runs:
            telling += 1
            continue
        found[total] = key_of(pre[count], 2)
        total += 1
        if 2 * heavy >= full:
            telling += 1
            continue
        if lights - first_light < 32:  # a short source with its reference and systems' answers
            for k in range(first_light, lights):
                if pairs + 2 > len(more):
                    wider = np.empty(2 * len(more), np.uint64)
                    wider[:pairs] = more[:pairs]
                    more = wider
                more[pairs] = key_of(light[k] * _BASE + pre[count], 4)
                more[pairs + 1] = key_of(pre[count] * _BASE + light[k], 4)
                pairs += 2
            light[lights] = pre[count]
            lights += 1
    return np.concatenate((found[:total], more[:pairs])), telling


@kernel
def weights_of(data: Bytes, offsets: Ints, kinds: Kinds, simple: Codes, chars: int, words: int) -> Ints:
    """int64 `[texts]`: what each text weighs, in parts of which a run has `chars * words`."""
    longest = _longest(offsets)
    pre, weights = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.int64)
    edges, lines = np.empty(longest + 1, np.bool_), np.empty(longest + 1, np.int64)
    found = np.zeros(len(offsets) - 1, np.int64)
    for i in range(len(offsets) - 1):
        count = _units(data, offsets[i], offsets[i + 1], kinds, simple, chars, words, pre, weights, edges, lines)
        found[i] = weights[:count].sum()
    return found


@kernel
def match(
    data: Bytes,
    offsets: Ints,
    kinds: Kinds,
    simple: Codes,
    chars: int,
    words: int,
    keys: Hashes,
    masks: Hashes,
    alone: bool,
) -> tuple[Hashes, NDArray[np.float64], Hashes, Ints, Hashes, Hashes]:
    """By text: the sets it touches, and the share of its units in a match; by line the sets, and the bounds of the
    lines of each text; by text: the sets that it is a light or signs-only text of as a whole, and its hash.

    A match is a run of an evaluation text; a text between half a run and a run, where signs or line ends stand around
    it; and a lighter one that is the whole line beside a line with a match or, with `alone`, in a text that holds
    nothing else.
    """
    texts, longest = len(offsets) - 1, _longest(offsets)
    most = texts
    for at in range(offsets[0], offsets[texts]):
        most += data[at] == 10
    pre, weights = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.int64)
    edges, lines = np.empty(longest + 2, np.bool_), np.empty(longest + 2, np.int64)
    covered = np.zeros(longest + 1, np.uint64)
    powers, full = _powers(chars, words), chars * words
    touched, share, whole = np.zeros(texts, np.uint64), np.zeros(texts, np.float64), np.zeros(texts, np.uint64)
    values = np.zeros(texts, np.uint64)
    by_line, light = np.zeros(most + 1, np.uint64), np.zeros(most + 1, np.uint64)
    bounds = np.zeros(texts + 1, np.int64)
    first = 0
    for i in range(texts):
        count = _units(data, offsets[i], offsets[i + 1], kinds, simple, chars, words, pre, weights, edges, lines)
        height = 1
        for at in range(offsets[i], offsets[i + 1]):
            height += data[at] == 10
        bounds[i + 1] = first + height
        values[i] = pre[count]
        if count == 0:
            value = _signs_value(data, offsets[i], offsets[i + 1])
            if value != np.uint64(0):
                whole[i] = masks[_find(keys, key_of(value, 3))]
            first += height
            continue
        covered[:count] = np.uint64(0)
        whole[i] = masks[_find(keys, key_of(pre[count], 2))]
        heavy, j, hits = 0, 0, False
        for k in range(count):
            while j < count and heavy < full:
                heavy += weights[j]
                j += 1
            if heavy < full:
                break
            bit = masks[_find(keys, key_of(pre[j] - pre[k] * powers[j - k], 1))]
            if bit != np.uint64(0):
                hits = True
                for m in range(k, j):
                    covered[m] |= bit
            heavy -= weights[k]
        for k in range(count):
            if not edges[k]:
                continue
            heavy = 0
            for j in range(k + 1, count + 1):
                heavy += weights[j - 1]
                if heavy >= full:
                    break
                if not edges[j]:
                    continue
                line = (k == 0 or lines[k - 1] != lines[k]) and (j == count or lines[j] != lines[j - 1])
                line = line and lines[k] == lines[j - 1]
                if 2 * heavy < full and not line:
                    continue
                bit = masks[_find(keys, key_of(pre[j] - pre[k] * powers[j - k], 2))]
                if bit != np.uint64(0):
                    if 2 * heavy >= full:
                        hits = True
                        for m in range(k, j):
                            covered[m] |= bit
                    else:
                        light[first + lines[k]] |= bit
        if hits or (alone and light[first + lines[0]] != np.uint64(0)):
            _spread(count, lines, covered, by_line[first : first + height], light[first : first + height], alone)
            number = 0
            for k in range(count):
                covered[k] |= by_line[first + lines[k]] & light[first + lines[k]]
                number += covered[k] != np.uint64(0)
                touched[i] |= covered[k]
            share[i] = number / count
        first += height
    return touched, share, by_line, bounds, whole, values


@kernel
def _spread(count: Any, lines: Ints, covered: Hashes, by_line: Hashes, light: Hashes, alone: bool) -> None:
    """Which lines go: those with a match, light texts beside them and, with `alone`, all if nothing else is there."""
    for k in range(count):
        by_line[lines[k]] |= covered[k]
    rest = not alone
    before = np.int64(-1)
    for k in range(count):
        line = lines[k]
        if line == before:
            continue
        if by_line[line] == np.uint64(0) and before >= 0 and by_line[before] != np.uint64(0):
            by_line[line] |= light[line]
        before = line
    before = np.int64(-1)
    for k in range(count - 1, -1, -1):
        line = lines[k]
        if line == before:
            continue
        if by_line[line] == np.uint64(0) and before >= 0 and by_line[before] != np.uint64(0):
            by_line[line] |= light[line]
        rest = rest or (by_line[line] == np.uint64(0) and light[line] == np.uint64(0))
        before = line
    if not rest:
        for k in range(count):
            by_line[lines[k]] |= light[lines[k]]


@kernel
def aligned(
    data: Bytes, offsets: Ints, kinds: Kinds, simple: Codes, chars: int, words: int, answer: Any,
    keys: Hashes, masks: Hashes,
) -> Any:  # fmt: skip
    """Sets with a row that holds `answer` (the hash of a text) and, between signs, a light part of one of the texts."""
    longest = _longest(offsets)
    pre, weights = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.int64)
    edges, lines = np.empty(longest + 1, np.bool_), np.empty(longest + 1, np.int64)
    powers, full = _powers(chars, words), chars * words
    found = np.uint64(0)
    for i in range(len(offsets) - 1):
        count = _units(data, offsets[i], offsets[i + 1], kinds, simple, chars, words, pre, weights, edges, lines)
        for k in range(count):
            if not edges[k]:
                continue
            heavy = 0
            for j in range(k + 1, count + 1):
                heavy += weights[j - 1]
                if 2 * heavy >= full:
                    break
                if edges[j]:
                    value = pre[j] - pre[k] * powers[j - k]
                    found |= masks[_find(keys, key_of(value * _BASE + answer, 4))]
    return found
