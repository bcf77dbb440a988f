"""Heuristic quality: Gopher-style rules that are right for text without spaces too.

Words are counted by unit: a run of letters, or one Han or kana character. What Gopher asks of words (their length, a
stop-word) says nothing about a text without spaces; there the shares of letters, of sentence ends and of repetition
decide. Sources: Rae et al. 2021 (Gopher), table A1, for the kinds of rule; the bounds for CJK are our choice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from in2x.corpus.kernels import Hashes, _mix, _shingles, _units
from in2x.language.kernels import Bytes, Ints, _next, column, kernel, script

FEATURES = ("chars", "units", "letters", "symbols", "lines", "bullets", "ends", "new_lines", "new_units", "new_runs")
"""Columns of `features`: characters without spaces; units; share of letters and digits; share of symbols that are
neither punctuation nor expression (emoji and the like); lines with text; shares of lines that begin with a bullet and
that end a sentence; shares of lines, units and runs of ten units that are not repetitions. A mark that is repeated
counts once in the two shares, and of marks of punctuation and expression only those beyond the number of letters take
from the share of letters: a dialogue may be half dots and quotation marks."""


@kernel
def _is_end(code: int) -> bool:
    """Sentence ends, closing quotes and brackets, dashes."""
    if code < 128:
        return (
            code == 33 or code == 34 or code == 39 or code == 41 or code == 46 or code == 58 or code == 59 or code == 63
        )
    if code < 0x3000:
        return code == 0x2014 or code == 0x2015 or code == 0x2019 or code == 0x201D or code == 0x2026
    return (
        code == 0x3002 or code == 0x300D or code == 0x300F or code == 0x3011
        or code == 0xFF01 or code == 0xFF09 or code == 0xFF1A or code == 0xFF1F
    )  # fmt: skip


@kernel
def _is_bullet(code: int) -> bool:
    return code == 42 or code == 45 or code == 0x2022 or code == 0x30FB or code == 0x25CF or code == 0x25A0


@kernel
def _is_punctuation(code: int) -> bool:
    return (
        33 <= code <= 34 or 39 <= code <= 41 or 44 <= code <= 46 or 58 <= code <= 59 or code == 63
        or 0x2010 <= code <= 0x2027 or 0x3001 <= code <= 0x3003 or 0x3031 <= code <= 0x3035
        or 0x3008 <= code <= 0x3011 or 0x3014 <= code <= 0x301F
        or 0xFF00 <= code <= 0xFF0F or 0xFF1A <= code <= 0xFF1F or code == 0x30FB
        or code == 0xAB or code == 0xBB or code == 0xB7
    )  # fmt: skip


@kernel
def _is_expression(code: int) -> bool:
    """Emoji, hearts, stars, notes, and what faces are drawn with: how people write to each other."""
    return (
        0x2600 <= code <= 0x27BF or 0x1F000 <= code <= 0x1FAFF or 0x25A0 <= code <= 0x25FF or 0x2B0 <= code <= 0x36F
        or 0x1D00 <= code <= 0x1DBF or 0xFF3E <= code <= 0xFF40 or code == 0xFF5E or code == 0xB4 or code == 0xFE0F
        or code == 0x200D or code == 0x203B
    )  # fmt: skip


@kernel
def _distinct(values: Hashes, count: int, table: Hashes) -> int:
    """How many of the first `count` hashes are different; `table` is scratch, a power of two > 2 * count long."""
    size = 2
    while size < 2 * count:
        size *= 2
    table[:size] = 0
    mask = np.uint64(size - 1)
    found = 0
    for k in range(count):
        value = values[k] | np.uint64(1)
        at = (value >> np.uint64(1)) & mask
        while table[at] != 0 and table[at] != value:
            at = (at + np.uint64(1)) & mask
        if table[at] == 0:
            table[at] = value
            found += 1
    return found


@kernel
def features(data: Bytes, offsets: Ints, by_char: NDArray[np.bool_], limit: int) -> NDArray[np.float64]:
    """`FEATURES` of each text, float64 `[texts, 10]`; repetition is looked for in the first `limit` units."""
    texts = len(offsets) - 1
    longest = 1
    for i in range(texts):
        longest = max(longest, offsets[i + 1] - offsets[i])
    units, runs, line_keys = np.empty(longest, np.uint64), np.empty(longest, np.uint64), np.empty(longest, np.uint64)
    size = 2
    while size < 2 * longest:
        size *= 2
    table = np.zeros(size, np.uint64)
    out = np.zeros((texts, 10), np.float64)
    for i in range(texts):
        at, stop = offsets[i], offsets[i + 1]
        chars = letters = symbols = style = shown = lines = bullets = ends = 0
        key = np.uint64(0)
        first = last = 0
        while at <= stop:
            if at < stop:
                code, at = _next(data, at)
            else:
                code, at = 10, at + 1
            if code == 10:
                if last:
                    line_keys[lines] = key
                    lines += 1
                    ends += _is_end(last)
                    bullets += _is_bullet(first)
                key, first, last = np.uint64(0), 0, 0
                continue
            kind = script(code)
            if kind == 6:
                continue
            chars += 1
            letters += kind < 6
            if kind != 7:
                shown += 1
            elif code != last:  # a silence of many dots is one mark
                shown += 1
                if _is_punctuation(code) or _is_expression(code):
                    style += 1
                else:
                    symbols += 1
            first = code if first == 0 else first
            last = code
            key = _mix(key * np.uint64(31) + np.uint64(code))
        count = _units(data, offsets[i], stop, by_char[i], units)
        some = min(count, limit)
        found = _shingles(units, some, 10, runs)
        out[i, 0], out[i, 1] = chars, count
        out[i, 2], out[i, 3] = letters / max(1, shown - min(style, letters)), symbols / max(1, shown)
        out[i, 4], out[i, 5], out[i, 6] = lines, bullets / max(1, lines), ends / max(1, lines)
        out[i, 7] = _distinct(line_keys, lines, table) / max(1, lines)
        out[i, 8] = _distinct(units, some, table) / max(1, some)
        out[i, 9] = _distinct(runs, found, table) / max(1, found)
    return out


def _ramp(values: NDArray[np.float64], bad: float, good: float) -> NDArray[np.float64]:
    """0 at `bad`, 1 at `good`, straight between."""
    return np.clip((values - bad) / (good - bad), 0.0, 1.0)


def heuristics(
    texts: Any, by_char: NDArray[np.bool_], min_chars: int = 1
) -> tuple[NDArray[np.float64], list[str | None]]:
    """Quality 0 .. 1 of each text, and the rule by which it is rejected (None: kept).

    Args:
        by_char: the language is written without spaces, bool `[texts]`.
        min_chars: fewer characters than this (spaces not counted; twice as many for languages with spaces) are a
            reason to reject.
    """
    found = features(*column(texts), by_char, 20_000)
    chars, units, letters, symbols, lines, bullets, ends, new_lines, _, new_runs = found.T
    length = chars / np.where(by_char, 1.0, 2.0)
    size = chars / np.maximum(1, units)
    word = np.where(by_char, 1.0, _ramp(size, 1.5, 3.0) * _ramp(-size, -14, -9))
    # A page of many short lines without sentence ends is a list or a menu; verse has line ends without stops too.
    prose = np.where(lines >= 5, 0.5 + 0.5 * _ramp(ends, 0.0, 0.4), 1.0)
    quality = (
        _ramp(letters, 0.5, 0.8) * _ramp(-symbols, -0.2, -0.03) * word * prose
        * (0.6 + 0.4 * _ramp(-bullets, -0.9, -0.4)) * _ramp(new_lines, 0.3, 0.9) * _ramp(new_runs, 0.3, 0.9)
        * (0.5 + 0.5 * _ramp(length, 0, 60))
    )  # fmt: skip
    rules: list[tuple[str, NDArray[np.bool_]]] = [
        ("empty", chars == 0),
        ("too_short", length < min_chars),
        ("few_letters", letters < 0.5),
        ("symbols", symbols > 0.2),
        ("word_length", ~by_char & (chars > 50) & ((size > 14) | (size < 1.5))),
        ("bullets", (lines >= 5) & (bullets > 0.9)),
        ("repeated_lines", (lines >= 5) & (new_lines < 0.3)),
        ("repeated_runs", (units >= 50) & (new_runs < 0.3)),
    ]  # fmt: skip
    reasons: list[str | None] = [None] * len(chars)
    for name, struck in reversed(rules):
        for k in np.flatnonzero(struck):
            reasons[k] = name
    return quality, reasons
