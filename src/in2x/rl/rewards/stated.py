"""What an answer states in the end: the words behind "the answer is", less what they deny.

The wordings (`concludes`, `denied`, `corrects`, `either`) are those of every language's pack. In them, ITEM is one of
the things that may be the answer: a number, an option.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from in2x.language import wording
from in2x.language.reasoning import without_reasoning

ITEM = "\ue010"
"""In the place of an item, where wordings with ITEM are looked for; followed by its number and `_END`."""
_END = "\ue011"
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_HASHES = re.compile(r"^\s*####\s*([^\n]+)", re.MULTILINE)
_SENTENCE = re.compile(r"[^。．！？!?\n]{0,400}?(?:[。！？!?\n]|\.(?=\s|$)|$|(?<=.{400}))", re.DOTALL)
_MOST = 20_000
"""Letters of an answer that are read: the last ones."""
_LAST = 30
"""Statements that are looked at, the last ones."""


class Item(NamedTuple):
    """Something that may be the answer, and its place in a text."""

    value: object
    start: int
    end: int


def spoken(answer: str) -> str:
    """An answer as it counts: without reasoning, its last letters where it is very long."""
    return without_reasoning(answer)[-_MOST:]


def statements(text: str) -> list[tuple[str, bool]]:
    """What is said to be the result, the last ones in order of the text, and whether as a formula in a box."""
    found = [(match.start(), match[1], True) for match in _BOXED.finditer(text)]
    found += [(match.start(), match[1], False) for match in _HASHES.finditer(text)]
    for match in wording.any_of("concludes").finditer(text):
        said = _SENTENCE.match(text, match.end())
        if said is not None and "\\boxed" not in said[0]:
            found.append((match.start(), said[0].rstrip("。\n"), False))
    return [(said, boxed) for _, said, boxed in sorted(found, key=lambda one: one[0])[-_LAST:]]


def last_stated(text: str, has: Callable[[str], bool]) -> str | None:
    """The last statement of a result that `has` what is looked for; None where there is none."""
    return next((said for said, boxed in reversed(statements(text)) if boxed or has(said)), None)


def kept(text: str, items: Sequence[Item]) -> list[Item]:
    """The items that the text does not deny ("12ではなく13": 13; "not A but B": B)."""
    if not items:
        return []
    pieces, at = [], 0
    for number, item in enumerate(items):
        pieces += [text[at : item.start], f"{ITEM}{number}{_END}"]
        at = item.end
    marked = "".join([*pieces, text[at:]])
    denied = set()
    for pattern in wording.patterns("denied", (("ITEM", rf"(?:[(（]?{ITEM}(?P<item>\d+){_END}[)）]?)"),)):
        denied |= {int(match["item"]) for match in pattern.finditer(marked)}
    return [item for number, item in enumerate(items) if number not in denied]


def corrected(text: str, items: Sequence[Item]) -> list[Item]:
    """The items behind the last word of correction that stands between two of them ("13、いや12": 12)."""
    cuts = [
        m.end()
        for m in wording.any_of("corrects").finditer(text)
        if items[0].end <= m.start() and m.end() <= items[-1].start
    ]
    return [item for item in items if item.start >= cuts[-1]] if cuts else list(items)


def listed(text: str, items: Sequence[Item]) -> list[list[Item]]:
    """The items by list: those with only commas or "or" between them stand together ("5, 6 or 7")."""
    either = wording.any_of("either", r"[\W_]*(?:{})?[\W_]*")
    groups = [[items[0]]] if items else []
    for before, item in pairwise(items):
        gap = text[before.end : item.start]
        together = len(gap) < 24 and "=" not in gap and either.fullmatch(gap) is not None
        if together and not re.search(r"[。!?！？\n()（）]", gap):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups
