"""Everyday words by what they mean (`concepts.txt`), in the languages of the table.

No dictionary: a row joins words that often translate each other, enough to tell whether two lines belong together
(`principles/likeness.py`). Our choice; all of it is written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def _columns() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Language -> the words of each row."""
    text = files("in2x.language").joinpath("concepts.txt").read_text("utf-8")
    rows = [[cell.split() for cell in line.split("|")] for line in text.splitlines() if line and line[0] != "#"]
    return {code: tuple(tuple(row[at]) for row in rows[1:]) for at, [code] in enumerate(rows[0])}


@cache
def rows_of(code: str) -> Mapping[str, tuple[int, ...]]:
    """Word -> the rows that it stands in; empty where the table has no column of the language."""
    found: dict[str, list[int]] = {}
    for number, words in enumerate(_columns().get(code.partition("-")[0], ())):
        for word in words:
            found.setdefault(word.replace("_", " "), []).append(number)
    return {word: tuple(rows) for word, rows in found.items()}
