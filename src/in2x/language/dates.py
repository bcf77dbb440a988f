"""Dates, seasons, times of day, ratios, versions and eras in a folded text: each of their numbers, in its place.

What is written in digits only may be read in several ways ("5/6" is a fraction or a day; "90" behind "1989/" a year),
so a number carries all its readings. The order of day and month is not told: both are numbers of the date. Our choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from in2x.language.number_words import LETTER, NumberFacts

ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018, "民国": 1911, "民國": 1911}
"""Year before the first of an era."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A number of a date or time."""

    value: Fraction
    start: int
    end: int
    also: frozenset[Fraction] = frozenset()
    sure: bool = True


def short_year(value: int) -> frozenset[Fraction]:
    """The years that two digits may stand for."""
    return frozenset({Fraction(1900 + value), Fraction(2000 + value)})


def hours(value: Fraction) -> frozenset[Fraction]:
    """An hour on the clock of twelve or of twenty-four hours."""
    return frozenset({value + 12} if value <= 12 else {value - 12}) if 0 <= value <= 24 else frozenset()


_MONTHS, _DAYS = range(1, 13), range(1, 32)
_DATES = re.compile(
    r"(?<![\d/.,])(?P<y>\d{4})(?P<m1>[-/.])(?P<m>\d{1,2})(?P=m1)(?P<d>\d{1,2})(?![\d/]|\.\d)"
    r"|(?<![\d/.,])(?P<a>\d{1,2})(?P<m2>[-/.])(?P<b>\d{1,2})(?P=m2)(?P<c>\d{4}|\d{2})(?![\d/]|\.\d)"
    r"|(?<![\d/.,-])(?P<from>1[5-9]\d\d|20\d\d)\s?(?P<dash>[/–—~-])\s?'?(?P<to>\d{2})(?![\d/:.,-])"
    r"|(?<![\d:.,])(?P<h>\d{1,2}):(?P<min>[0-5]\d)(?::(?P<s>[0-5]\d))?(?![\d:])"
    r"|(?<![\d:.,])(?P<left>\d{1,4})\s?:\s?(?P<right>\d{1,4})(?![\d:])"
    r"|(?<![\d.,])(?P<version>\d{1,9}(?:\.\d{1,9}){2,})(?![\d,])"
)


_BESIDE = re.compile(
    r"\d\W{0,4}(?:de |of )?$"
    r"|\b(?:in|since|until|by|last|next|this|early|late|mid|from|en|fin|début|im|seit|bis|Anfang|Ende|Mitte)[ -]$"
)
"""What makes a month of "May" and "mars"."""


@cache
def _months(facts: NumberFacts) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W\d_])(?:{facts.month})(?!{LETTER})", re.IGNORECASE)


def _numbers(match: re.Match[str], names: str) -> Iterator[Dated]:
    for name in names.split():
        if match[name] is not None:
            yield Dated(Fraction(int(match[name])), match.start(name), match.end(name))


def _season(match: re.Match[str]) -> Iterator[Dated]:
    first, last = int(match["from"]), int(match["to"])
    yield Dated(Fraction(first), match.start("from"), match.end("from"))
    yield Dated(
        Fraction(last), match.start("to"), match.end("to"), frozenset({Fraction(first - first % 100 + last)})
    )  # fmt: skip


def _clock(match: re.Match[str]) -> Iterator[Dated]:
    hour, minute = Fraction(int(match["h"])), Fraction(int(match["min"]))
    yield Dated(hour, match.start("h"), match.end("h"), hours(hour), hour > 0)
    yield Dated(minute, match.start("min"), match.end("min"), frozenset(), minute > 0)
    if match["s"] is not None:
        second = Fraction(int(match["s"]))
        yield Dated(second, match.start("s"), match.end("s"), frozenset(), second > 0)


def _digital(match: re.Match[str], facts: NumberFacts) -> list[Dated] | None:
    """The numbers of one match, None where it is no date after all."""
    if match["y"]:
        return list(_numbers(match, "y m d")) if int(match["m"]) in _MONTHS and int(match["d"]) in _DAYS else None
    if match["a"]:
        days = {int(match["a"]), int(match["b"])}
        if not (days & set(_MONTHS) and days <= set(_DAYS)):
            return None
        year = int(match["c"])
        also = short_year(year) if year < 100 else frozenset()
        last = Dated(Fraction(year), match.start("c"), match.end("c"), also)
        return [*_numbers(match, "a b"), last]
    if match["from"]:
        after = int(match["to"]) > int(match["from"]) % 100 or match["to"] == "00"
        return list(_season(match)) if after or int(match["to"]) in _MONTHS else None
    if match["h"]:
        return list(_clock(match)) if int(match["h"]) <= 24 else list(_numbers(match, "h min"))
    if match["left"]:
        return list(_numbers(match, "left right"))
    if match["version"]:
        if facts.comma and re.fullmatch(r"\d{1,3}(?:\.\d{3})+", match["version"]):
            return None
        at, found = match.start(), []
        for piece in re.finditer(r"\d+", match["version"]):
            found.append(Dated(Fraction(int(piece[0])), at + piece.start(), at + piece.end()))
        return found
    return None


def dated(text: str, facts: NumberFacts) -> list[Dated]:
    """The numbers of the dates, times, ratios and versions of a folded text, in order of their kinds."""
    found: list[Dated] = []
    for match in _DATES.finditer(text):
        found.extend(_digital(match, facts) or ())
    for match in _months(facts).finditer(text):
        name = match[0].lower().replace(" ", "-")
        value = facts.months.get(match[0].lower(), facts.months.get(name))
        before, behind = text[: match.start()][-12:], text[match.end() :][:8]
        beside = _BESIDE.search(before) or re.match(r"\W{0,3}(?:de |of )?\d", behind)
        if value is None or not (beside or match[0].lower() in facts.long_months):
            continue
        sure = bool(beside) or (match[0][0].isupper() and not facts.unsure.fullmatch(match[0]))
        found.append(Dated(Fraction(value), match.start(), match.end(), frozenset(), sure))
    return found
