"""Which regular expressions can be found in a text at all: by the pieces without one of which they cannot.

`\\b(?:poems?|sonnet)\\b` needs "poem" or "sonnet", each at the beginning of a word. The pieces of all patterns stand in
one trie, each text goes through it once, and only what is left is searched for. What the pieces say is a necessary
condition: no match is lost, and the patterns decide (`tests/test_language_wording.py` compares the two).

Pieces are read off the tree that Python's own parser makes of a pattern: letters in a row (case folded as `re` does),
small sets, alternatives and optional parts multiplied out, and word boundaries as a sign of their own. Whatever else
(classes, repetitions, back references) ends a piece. Of all pieces of a pattern the most telling alternatives are kept;
a pattern without any is always possible. Not read: how pieces follow each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from math import log2
from re import _constants as code  # type: ignore[attr-defined]  # the parser has no public name since 3.11
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pieces = frozenset[str]
BOUNDARY = "\uffff"
"""Stands for a word boundary in a piece: no text has this non-character for a letter."""
_MOST = 512
"""Alternatives of a piece, at most; what multiplies out to more ends it."""
_LONGEST = 8
"""Characters of a piece that are looked at."""
_SET = 8
"""Characters of a set that is multiplied out."""
_UNITS = 1 << 16


@cache
def _folds() -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """For each code unit of UTF-16: its folded form, and whether it is a word character."""
    units = [chr(unit) for unit in range(_UNITS)]
    # `re` takes letters for the same whose small forms are, and a few that share a capital (ſ and s, ς and σ).
    folded = [_fold(unit) for unit in units]
    return np.array([ord(one) for one in folded], np.uint16), np.array(
        [re.match(r"\w", unit) is not None for unit in units], bool
    )


_ODD = {"ı": "i", "İ": "i", "ΐ": "ΐ", "ΰ": "ΰ", "ﬆ": "ﬅ"}
"""Letters that `re` takes for another and that do not fold to it alone."""


def _fold(char: str) -> str:
    if char in _ODD:
        return _ODD[char]
    small = char.lower()
    folded = (small if len(small) == 1 else char).casefold()
    return folded if len(folded) == 1 else small if len(small) == 1 else char


def _telling(piece: str) -> float:
    """How much a piece says, roughly in Latin letters of a word."""
    return sum(0.7 if char == BOUNDARY else 0.3 if char == " " else 1.0 if char < "\u2e80" else 3.0 for char in piece)


def _value(pieces: Pieces) -> float:
    return min(map(_telling, pieces)) - 0.4 * log2(len(pieces))


class _Reader:
    """Reads the pieces off a parsed pattern."""

    def best(self, tree: Iterable[Any]) -> Pieces | None:
        """The most telling alternatives of which a match has one; None where none are known."""
        return self._sequence(tree)[1]

    def _sequence(self, tree: Iterable[Any]) -> tuple[Pieces | None, Pieces | None]:
        """All texts that a sequence matches (None: too many), and its best pieces."""
        found: list[Pieces] = []
        whole, row = True, frozenset({""})
        for op, value in tree:
            exact, best = self._one(op, value)
            if best is not None:
                found.append(best)
            if exact is not None and len(exact) * len(row) <= _MOST:
                row = frozenset((one + other)[: 4 * _LONGEST] for one in row for other in exact)
                continue
            found.append(row)
            whole, row = False, exact if exact is not None else frozenset({""})
        found.append(row)
        told = [pieces for pieces in found if pieces and all(piece.strip(BOUNDARY) for piece in pieces)]
        return row if whole else None, max(told, key=_value, default=None)

    def _one(self, op: Any, value: Any) -> tuple[Pieces | None, Pieces | None]:
        nothing: Pieces = frozenset({""})
        if op is code.LITERAL:
            char = _fold(chr(value)) if value < _UNITS else None
            return (frozenset({char}) if char is not None and char != BOUNDARY else None), None
        if op is code.IN:
            chars = [chr(number) for kind, number in value if kind is code.LITERAL and number < _UNITS]
            plain = len(chars) == len(value) and len(chars) <= _SET
            return (frozenset(map(_fold, chars)) if plain else None), None
        if op is code.BRANCH:
            parts = [self._sequence(part) for part in value[1]]
            every = [exact for exact, _ in parts]
            exact = frozenset().union(*(one for one in every if one is not None)) if None not in every else None
            bests = [best for _, best in parts]
            best = frozenset().union(*(one for one in bests if one is not None)) if None not in bests else None
            return (exact if exact is None or len(exact) <= _MOST else None), best
        if op is code.SUBPATTERN:  # within (?a:...) a boundary is another
            return (None, None) if value[1] & re.ASCII else self._sequence(value[3])
        if op is code.ATOMIC_GROUP:
            return self._sequence(value)
        if op in (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT):
            least, most, part = value
            exact, best = self._sequence(part)
            if least == 0:
                return (exact | nothing if exact is not None and most == 1 else None), None
            return (exact if most == 1 else None), best
        if op is code.AT:
            return frozenset({BOUNDARY if value is code.AT_BOUNDARY else ""}), None
        if op is code.ASSERT:
            return nothing, self._sequence(value[1])[1]
        if op is code.ASSERT_NOT:
            return nothing, None
        return None, None


@cache
def pieces(pattern: re.Pattern[str]) -> Pieces | None:
    """Folded pieces, one of which stands in every match of `pattern` or right beside it; None where none are known."""
    if not pattern.flags & re.UNICODE or pattern.flags & re.LOCALE:
        return None
    found = _Reader().best(parser.parse(pattern.pattern, pattern.flags))
    return None if found is None else frozenset(piece[:_LONGEST] for piece in found)


class Sieve:
    """The pieces of many patterns in one trie; each pattern has a number."""

    def __init__(self) -> None:
        self.size = 0
        """Patterns added."""
        self._children: dict[tuple[int, str], int] = {}
        self._ends: dict[int, int] = {}
        self._nodes = 1
        self._arrays: tuple[Any, ...] | None = None

    def add(self, alternatives: Pieces) -> int:
        """The number of a pattern that needs one of these pieces."""
        number, self.size, self._arrays = self.size, self.size + 1, None
        for piece in alternatives:
            node = 0
            for char in piece:
                key = (node, char)
                if key not in self._children:
                    self._children[key] = self._nodes
                    self._nodes += 1
                node = self._children[key]
            self._ends[node] = self._ends.get(node, 0) | 1 << number
        return number

    def found(self, text: str) -> int:
        """The patterns that may be found in `text`, bit by bit."""
        from in2x.language.possible_kernels import walk  # loads Numba, which who translates a line does not wait for

        if self._arrays is None:
            self._arrays = self._built()
        units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
        root, past, keys, values, end, told = self._arrays
        folds, words = _folds()
        reached = np.zeros(len(told), np.bool_)
        walk(units, folds, words, root, past, keys, values, end, reached)
        mask = 0
        for at in np.flatnonzero(reached).tolist():
            mask |= told[at]
        return mask

    def _built(self) -> tuple[Any, ...]:
        """The trie as arrays: children by a table with open addresses, of the root by character, and ends by node."""
        from in2x.language.possible_kernels import fill

        size = 1 << max(4, (4 * len(self._children)).bit_length())
        keys, values = np.full(size, -1, np.int64), np.zeros(size, np.int32)
        root = np.zeros(_UNITS, np.int32)
        numbers = np.array([node << 16 | ord(char) for node, char in self._children], np.int64)
        fill(numbers, np.fromiter(self._children.values(), np.int32, len(self._children)), keys, values, root)
        end, past = np.full(self._nodes, -1, np.int32), np.zeros(self._nodes, np.int32)
        for (node, char), child in self._children.items():
            if char == BOUNDARY:
                past[node] = child
        ends = list(self._ends)
        end[ends] = np.arange(len(ends))
        return root, past, keys, values, end, list(self._ends.values())
