"""Wordings by which a fault is known: the `wording` section of every pack, each a table of regular expressions.

A language is added by its pack: no rule knows one by name. `packs/any.yaml` holds what belongs to no language. The
patterns of all languages are tried on every text, because a fault (a note, a refusal) may be in any of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache, lru_cache

from in2x.language.pack import HERE, OWN, files, load
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


def patterns(name: str, replace: tuple[tuple[str, str], ...] = ()) -> tuple[re.Pattern[str], ...]:
    """The patterns called `name` of every language, compiled one by one (they may use the same group names).

    Args:
        replace: (word, regular expression) pairs put into the patterns first (NUMBER, UNIT).
    """
    return _patterns(name, replace, os.environ.get(OWN, ""))


@cache
def _patterns(name: str, replace: tuple[tuple[str, str], ...], folders: str) -> tuple[re.Pattern[str], ...]:
    compiled = []
    for table in _tables(folders).values():
        for pattern in table.get(name, ()):
            for word, expression in replace:
                pattern = pattern.replace(word, expression)
            compiled.append(re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    return tuple(compiled)


def any_of(name: str, frame: str = "{}") -> re.Pattern[str]:
    """One pattern that is found where one of the patterns called `name` is; `frame` surrounds the alternatives."""
    return _any_of(name, frame, os.environ.get(OWN, ""))


@cache
def _any_of(name: str, frame: str, folders: str) -> re.Pattern[str]:
    every = "|".join(p.pattern for p in patterns(name))
    return re.compile(frame.replace("{}", f"(?:{every})"), re.IGNORECASE | re.MULTILINE)


REMEMBERED = 400
"""Characters of a text whose matches are remembered: rules ask the same of a prompt again and again."""


def search(name: str, text: str) -> re.Match[str] | None:
    """The first match in `text` of any pattern called `name`."""
    if len(text) > REMEMBERED:
        return any_of(name).search(text)
    return _search(name, text, os.environ.get(OWN, ""))


@lru_cache(maxsize=1 << 8)
def _search(name: str, text: str, folders: str) -> re.Match[str] | None:
    return _any_of(name, "{}", folders).search(text)
