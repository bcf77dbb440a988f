"""From marks of address to one answer, the same for every language.

A language module finds *marks*: places where a pronoun, a verb or an imperative shows how the reader is addressed. Our
choices in weighing them, no textbook's:

- The heavier side wins, and with equal weights the later mark: a text that changes its tone ends in the one it means.
- A mark within quotation marks weighs less than half: what somebody is quoted as saying is not said to the reader, yet
  in a text that is all quotation it still decides.
- Below `FLOOR` nothing is said: a mark that is weak by itself (an unstated third person, which may be "you" or "he")
  needs a second one beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from in2x.language.address import Address

QUOTED = 0.4
"""What a mark within quotation marks weighs against one outside."""
FLOOR = 0.35
"""The least weight that says anything."""

_QUOTES = re.compile(r"„[^“”„]*[“”]|“[^”“]*”|«[^»«]*»|»[^«»]*«|\"[^\"]*\"")


@dataclass(frozen=True)
class Mark:
    """A place that shows how the reader is addressed."""

    place: int
    label: Literal["polite", "casual"]
    weight: float = 1.0


def settle(text: str, marks: Iterable[Mark]) -> Address:
    """The one answer that the marks found in `text` give."""
    quoted = [match.span() for match in _QUOTES.finditer(text)]
    weights = {"polite": 0.0, "casual": 0.0}
    last: Mark | None = None
    for mark in marks:
        inside = any(start <= mark.place < end for start, end in quoted)
        weights[mark.label] += mark.weight * (QUOTED if inside else 1.0)
        last = mark if last is None or mark.place >= last.place else last
    if last is None or max(weights.values()) < FLOOR:
        return "none"
    if weights["polite"] == weights["casual"]:
        return last.label
    return "polite" if weights["polite"] > weights["casual"] else "casual"


def lead(text: str, at: int) -> str:
    """The stretch before a place that decides how a clause begins: enough for a few words, and bounded."""
    return text[max(0, at - 60) : at]


@cache
def words(code: str) -> dict[str, Any]:
    """The word lists beside the module of this language: `address/<code>.yaml`."""
    path = Path(__file__).with_name(f"{code}.yaml")
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return data
