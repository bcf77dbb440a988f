"""Wordings by which a fault is known: the `wording` section of every pack, each a table of regular expressions.

A language is added by its pack: no rule knows one by name. `packs/any.yaml` holds what belongs to no language. The
patterns of all languages are tried on every text, because a fault (a note, a refusal) may be in any of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from in2x.language.pack import HERE, OWN, files, load
from in2x.language.possible import Sieve, pieces
from in2x.plain_yaml import read_yaml

GENERAL = HERE / "any.yaml"


@cache
def _tables(folders: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """By language, by name: the alternatives. What belongs to no language comes first."""
    general: Mapping[str, list[str]] = read_yaml(GENERAL.read_text("utf-8"), GENERAL)
    tables: dict[str, Mapping[str, tuple[str, ...]]] = {"any": {name: tuple(some) for name, some in general.items()}}
    for code, path in sorted(files().items()):
        pack = load(path)
        if pack.like is None or pack.wording != load(files()[pack.like]).wording:
            tables[code] = pack.wording
    return tables


def patterns(
    name: str, replace: tuple[tuple[str, str], ...] = (), within: str | None = None
) -> Sequence[re.Pattern[str]]:
    """The patterns called `name` of every language, compiled one by one (they may use the same group names).

    Args:
        replace: (word, regular expression) pairs put into the patterns first (NUMBER, UNIT).
        within: a text; what cannot be found in it is left out.
    """
    if within is None:
        return _patterns(name, replace, os.environ.get(OWN, ""))
    sieve = _sieve_of(within)
    every = _patterns(name, replace, sieve.folders)
    possible = sieve.possible(name, replace, within)
    return every if possible is None else [every[number] for number in possible]


@cache
def _patterns(name: str, replace: tuple[tuple[str, str], ...], folders: str) -> tuple[re.Pattern[str], ...]:
    compiled = []
    for table in _tables(folders).values():
        for pattern in table.get(name, ()):
            for word, expression in replace:
                pattern = pattern.replace(word, expression)
            compiled.append(re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    return tuple(compiled)


_STAND_IN = "\ue000"
"""For the alternatives, where a frame is read."""


@dataclass(frozen=True)
class Wording:
    """One pattern that is found where one of the patterns called `name` is; `frame` surrounds the alternatives.

    To be asked as a compiled pattern is; what cannot be found in a text is not searched for.
    """

    name: str
    frame: str
    needed: bool
    """Whether the frame matches with one of the patterns alone."""

    def match(self, text: str) -> re.Match[str] | None:
        """The match at the beginning of `text`."""
        pattern = self._for(text)
        return None if pattern is None else pattern.match(text)

    def search(self, text: str) -> re.Match[str] | None:
        """The first match in `text`."""
        pattern = self._for(text)
        return None if pattern is None else pattern.search(text)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """The match that is all of `text`."""
        pattern = self._for(text)
        return None if pattern is None else pattern.fullmatch(text)

    def split(self, text: str) -> list[str | Any]:
        """What stands between the matches in `text`."""
        pattern = self._for(text)
        return [text] if pattern is None else pattern.split(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Every match in `text`."""
        pattern = self._for(text)
        return iter(()) if pattern is None else pattern.finditer(text)

    def findall(self, text: str) -> list[Any]:
        """What `re.findall` gives."""
        pattern = self._for(text)
        return [] if pattern is None else pattern.findall(text)

    def subn(self, put: str, text: str) -> tuple[str, int]:
        """`text` with `put` in the place of every match, and their number."""
        pattern = self._for(text)
        return (text, 0) if pattern is None else pattern.subn(put, text)

    def sub(self, put: str, text: str) -> str:
        """`text` with `put` in the place of every match."""
        return self.subn(put, text)[0]

    def _for(self, text: str) -> re.Pattern[str] | None:
        sieve = _sieve_of(text)
        possible = sieve.possible(self.name, (), text) if self.needed else None
        return None if possible is not None and not possible else _any_of(self.name, self.frame, sieve.folders)


@cache
def any_of(name: str, frame: str = "{}") -> Wording:
    """The patterns called `name` as one, inside of `frame`."""
    needs = pieces(re.compile(frame.replace("{}", f"(?:{_STAND_IN})")))
    return Wording(name, frame, needs is not None and all(_STAND_IN in one for one in needs))


@cache
def _any_of(name: str, frame: str, folders: str) -> re.Pattern[str]:
    every = "|".join(p.pattern for p in _patterns(name, (), folders))
    return re.compile(frame.replace("{}", f"(?:{every})"), re.IGNORECASE | re.MULTILINE)


def search(name: str, text: str) -> re.Match[str] | None:
    """The first match in `text` of any pattern called `name`."""
    sieve = _sieve_of(text)
    possible = sieve.possible(name, (), text)
    if possible is None:
        return _any_of(name, "{}", sieve.folders).search(text)
    if not possible:
        return None
    found, key = sieve.made.found, (name, text)
    if (known := found.get(key, sieve)) is not sieve:
        return known  # type: ignore[return-value]  # the sieve itself stands for nothing known
    every = _patterns(name, (), sieve.folders)
    best: re.Match[str] | None = None
    for number in possible:  # of two that begin at one place the first is found
        match = every[number].search(text)
        if match and (best is None or match.start() < best.start()):
            best = match
    found[key] = best  # rules ask the same of a prompt again and again
    return best


WARM = 2_000
"""Questions after which a sieve is made of what was asked by then, and anew after ten and a hundred times as many:
who asks little pays nothing."""
TEXTS, LETTERS = 256, 1 << 20
"""Texts whose possible patterns are remembered, and characters of them, at most."""
ALWAYS = 1
"""The bit of a pattern that may be found in any text."""
_Key = tuple[str, tuple[tuple[str, str], ...]]


class _Made(NamedTuple):
    """What belongs together: another one takes its place whole, whichever thread is asking."""

    sieve: Sieve | None
    bits: Mapping[_Key, tuple[int, tuple[int, ...]]]
    """Of the patterns called so: all bits, and the bit of each."""
    masks: dict[str, int]
    """Text -> bits of the patterns that are possible in it."""
    found: dict[tuple[str, str], re.Match[str] | None]
    """Name and text -> the first match."""


class _Sieve:
    """What can be found in which text; by the packs of `folders`."""

    def __init__(self, folders: str) -> None:
        self.folders = folders
        self.made = _Made(None, {}, {}, {})
        self._asked: dict[_Key, None] = {}
        self._questions, self._next, self._letters = 0, WARM, 0

    def possible(self, name: str, replace: tuple[tuple[str, str], ...], text: str) -> Sequence[int] | None:
        """The numbers of the patterns called `name` that may be found in `text`; None: any may."""
        self._questions += 1
        if self._questions >= self._next:
            self.make()
        made = self.made
        bits = made.bits.get((name, replace))
        if bits is None:
            self._asked[name, replace] = None
            return None
        every, single = bits
        mask = made.masks.get(text)
        told = (self.know(text, made) if mask is None else mask) & every
        return [number for number, bit in enumerate(single) if told & bit] if told else ()

    def make(self) -> None:
        """Make a sieve of what was asked by now."""
        self._next *= 10
        sieve, found = Sieve(), dict[_Key, tuple[int, tuple[int, ...]]]()
        for name, replace in list(self._asked):
            needs = [pieces(pattern) for pattern in _patterns(name, replace, self.folders)]
            single = tuple(ALWAYS if one is None else 2 << sieve.add(one) for one in needs)
            found[name, replace] = sum(set(single)), single
        self.made = _Made(sieve, found, {}, {})

    def know(self, text: str, made: _Made) -> int:
        """Look at a new text."""
        if len(made.masks) >= TEXTS or self._letters > LETTERS:
            made.masks.clear()
            made.found.clear()
            self._letters = 0
        self._letters += len(text)
        mask = made.masks[text] = ALWAYS | (made.sieve.found(text) << 1 if made.sieve else 0)
        return mask


_sieve = _Sieve("")


def _sieve_of(text: str) -> _Sieve:
    """The sieve that knows `text`. Only for a new one the environment is asked which packs there are."""
    global _sieve
    if text not in _sieve.made.masks:
        if (folders := os.environ.get(OWN, "")) != _sieve.folders:
            _sieve = _Sieve(folders)
        _sieve.know(text, _sieve.made)
    return _sieve
