"""Break a text into lines by meaning: at spaces, or between phrases where a language has none, never against its rules.

BudouX finds phrases; what may begin and end a line stands in `layout.yaml`. Of all ways to break into the fewest lines
that hold the text, the one with the most even lines is taken. A text that is too long gets more lines; nothing is cut.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from in2x.errors import UsageError
from in2x.formats.document import Limit, Tag, Text
from in2x.language.language import language, unspaced

TOGETHER = re.compile(r"…+|‥+|[—―─]{2,}|[A-Za-z0-9][\w.,:'’%-]*\w")
"""What no line break parts: runs of dots and dashes, Latin words and numbers."""
COSTS = {"mark": -25.0, "tight": 25.0, "short": 12.0, "inside": 15.0}
"""What a break is worth, in squared full-width characters of uneven lines (our choice): behind a mark, behind what
belongs to the next word, behind a short word where spaces part words, inside brackets."""
LONGEST = 400
"""Characters of the longest text whose lines are evened out; longer ones are filled line by line (our choice)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a language breaks lines; see `layout.yaml`."""

    no_start: str
    no_end: str
    width: float
    lines: int
    phrases: str = ""
    tight: str = ""

    def limit(self, seconds: float | None) -> Limit:
        """What a subtitle in the language must keep to."""
        return Limit(self.width, self.lines, seconds)


@cache
def rules(lang: str) -> Rules:
    """The rules of a language; those of spaced languages where the code is unknown."""
    table: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("layout.yaml").read_text(encoding="utf-8"))
    try:
        code = language(lang).code
    except UsageError:
        code = lang
    base = code.partition("-")[0]
    like = next(
        (key for key in (code, base, f"{base}-Hans") if key in table), "unspaced" if unspaced(lang) else "spaced"
    )
    return Rules(**table[like])


def width(text: str) -> float:
    """Length in full-width characters: a half-width one counts .5, a combining one nothing."""
    return sum(_width(letter) for letter in text)


def _width(letter: str) -> float:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 1 if unicodedata.east_asian_width(letter) in "WF" else 0.5


def breaks(text: str, lang: str) -> list[int]:
    """The offsets before which a line may begin, by meaning and by the rules of the language."""
    rule = rules(lang)
    places = {match.end() for match in re.finditer(r"\s+", text)}
    if rule.phrases:
        at = 0
        for phrase in _parser(rule.phrases)(text):
            at += len(phrase)
            places.add(at)
    elif unspaced(lang):
        places.update(range(1, len(text)))
    for match in TOGETHER.finditer(text):
        places.difference_update(range(match.start() + 1, match.end()))
    return sorted(place for place in places if 0 < place < len(text) and _allowed(text, place, rule))


def _allowed(text: str, place: int, rule: Rules) -> bool:
    last = place - 1
    while last >= 0 and text[last].isspace():
        last -= 1
    return (
        last >= 0
        and text[place] not in rule.no_start
        and text[last] not in rule.no_end
        and not unicodedata.combining(text[place])
        and text[place] not in "\u200d\ufe0e\ufe0f"
    )


@cache
def _parser(model: str) -> Callable[[str], list[str]]:
    import budoux

    weights = json.loads((files("budoux") / "models" / f"{model}.json").read_text(encoding="utf-8"))
    parse: Callable[[str], list[str]] = budoux.Parser(weights).parse
    return parse


def wrapped(text: Text, lang: str, limit: Limit) -> Text:
    """A text in lines ("\\n" between them), its tags where they were; breaks that it had are forgotten."""
    text = joined(text)
    if width(text.text) <= limit.width:
        return text
    places = [0, *breaks(text.text, lang), len(text.text)]
    chosen = (
        _even(text.text, places, limit, rules(lang)) if len(text.text) <= LONGEST else _filled(text.text, places, limit)
    )
    out, moved = "", [0] * (len(text.text) + 1)
    for start, end in pairwise([0, *chosen, len(text.text)]):
        line = text.text[start:end]
        kept = len(line.rstrip()) if end < len(text.text) else len(line)
        for offset in range(len(line)):
            moved[start + offset] = len(out) + min(offset, kept)
        out += line[:kept] + ("\n" if end < len(text.text) else "")
    moved[len(text.text)] = len(out)
    return Text(out, tuple(Tag(moved[tag.at], tag.raw, tag.number, tag.kind) for tag in text.tags))


def joined(text: Text) -> Text:
    """A text in one line: a break becomes a space, and nothing where it parts two full-width characters."""
    if "\n" not in text.text and "\r" not in text.text:
        return text
    out, moved, at = "", [0] * (len(text.text) + 1), 0
    for match in re.finditer(r"[^\S\u3000]*[\r\n]+[^\S\u3000]*", text.text):
        moved[at : match.start()] = range(len(out), len(out) + match.start() - at)
        out += text.text[at : match.start()]
        moved[match.start() : match.end()] = [len(out)] * len(match[0])
        out += between(out[-1:], text.text[match.end() : match.end() + 1])
        at = match.end()
    moved[at:] = range(len(out), len(out) + len(text.text) - at + 1)
    out += text.text[at:]
    return Text(out, tuple(Tag(moved[tag.at], tag.raw, tag.number, tag.kind) for tag in text.tags))


def between(before: str, after: str) -> str:
    """What a line break stands for between two characters: a space, or nothing beside full-width ones."""
    wide = [letter for letter in (before, after) if letter and unicodedata.east_asian_width(letter) in "WF"]
    hangul = any("\uac00" <= letter <= "\ud7a3" for letter in wide)
    return "" if not before or not after or (wide and not hangul) else " "


def _price(text: str, place: int, rule: Rules) -> float:
    """What a break before an offset costs."""
    before = text[:place].rstrip()
    kinds = [unicodedata.category(letter) for letter in before]
    cost = COSTS["inside"] if kinds.count("Ps") + kinds.count("Pi") > kinds.count("Pe") + kinds.count("Pf") else 0.0
    if kinds[-1] in ("Po", "Pe", "Pf"):
        return cost + COSTS["mark"]
    if before[-1] in rule.tight:
        return cost + COSTS["tight"]
    word = before.rsplit(maxsplit=1)[-1]
    return cost + (COSTS["short"] if len(word) <= 3 and not rule.phrases else 0.0)


def _even(text: str, places: list[int], limit: Limit, rule: Rules) -> list[int]:
    """The offsets of the breaks: fewest lines, then least overflow, then even lines that break at good places."""
    widths = [width(text[:place]) for place in places]
    prices = [0.0, *(_price(text, place, rule) for place in places[1:-1]), 0.0]
    spaces = [width(text[:place]) - width(text[:place].rstrip()) for place in places]

    def cost(i: int, j: int) -> tuple[float, float]:
        line = widths[j] - widths[i] - spaces[j]
        return max(0.0, line - limit.width), line * line + prices[j]

    last = len(places) - 1
    best: dict[int, tuple[tuple[float, float], list[int]]] = {0: ((0.0, 0.0), [])}
    kept: tuple[tuple[float, float], list[int]] | None = None
    for _ in range(last):
        after: dict[int, tuple[tuple[float, float], list[int]]] = {}
        for i, (spent, path) in best.items():
            for j in range(i + 1, last + 1):
                over, squared = cost(i, j)
                total = (spent[0] + over, spent[1] + squared)
                if j not in after or total < after[j][0]:
                    after[j] = (total, [*path, places[j]])
        if last in after and (kept is None or after[last][0][0] < kept[0][0]):
            kept = after[last]
        if kept and kept[0][0] == 0:
            break
        best = after
    assert kept is not None
    return kept[1][:-1]


def _filled(text: str, places: list[int], limit: Limit) -> list[int]:
    out, start = [], 0
    for place, following in pairwise(places[1:]):
        if width(text[start:following].rstrip()) > limit.width:
            out.append(place)
            start = place
    return out
