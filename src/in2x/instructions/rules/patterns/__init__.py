"""Wordings by which the rule gates know a fault, one file a language, each a table of regular expressions.

A language is added by a file: nothing else in the rules knows one. `any.yaml` holds what belongs to no language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

import yaml


@cache
def _tables() -> Mapping[str, Mapping[str, list[str]]]:
    """By language, by name: the alternatives."""
    files = sorted(f.name for f in resources.files(__package__).iterdir() if f.name.endswith(".yaml"))
    return {
        name.removesuffix(".yaml"): yaml.safe_load(resources.files(__package__).joinpath(name).read_text("utf-8"))
        for name in files
    }


@cache
def patterns(name: str, replace: tuple[tuple[str, str], ...] = ()) -> tuple[re.Pattern[str], ...]:
    """The patterns called `name` of every language, compiled one by one (they may use the same group names).

    Args:
        replace: (word, regular expression) pairs put into the patterns first (NUMBER, UNIT).
    """
    found = []
    for table in _tables().values():
        for pattern in table.get(name, ()):
            for word, expression in replace:
                pattern = pattern.replace(word, expression)
            found.append(re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    return tuple(found)


@cache
def any_of(name: str, frame: str = "{}") -> re.Pattern[str]:
    """One pattern that is found where one of the patterns called `name` is; `frame` surrounds the alternatives."""
    every = "|".join(p.pattern for p in patterns(name))
    return re.compile(frame.replace("{}", f"(?:{every})"), re.IGNORECASE | re.MULTILINE)


def search(name: str, text: str) -> re.Match[str] | None:
    """The first match in `text` of any pattern called `name`."""
    return any_of(name).search(text)
