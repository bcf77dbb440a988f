"""Anchors of a translation: stretches of source and translation that surely stand for each other, found without a
dictionary.

They are agreed terms, words that both sides write alike, numbers of one value, what stands in quotation
marks and brackets, and sentences where both sides have equally many. Each is claimed once, the surest kind first. Our
choice; whoever needs a place for everything else goes between anchors by length (`translate/projection.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from in2x.language.language import language
from in2x.language.numbers import Number, numbers
from in2x.language.script import HAN, LATIN
from in2x.language.split import sentence_spans


class Anchor(NamedTuple):
    """[start, end) of the source stands for [target_start, target_end) of the translation."""

    start: int
    end: int
    target_start: int
    target_end: int
    kind: str
    """ "term", "same", "number", "quoted" or "sentence"."""


_SAME = re.compile(
    rf"https?://\S+|(?<![\w.+-])[\w.+-]{1, 64}@[\w-]+\.[\w.]+|[{LATIN}0-9][{LATIN}0-9_.'’-]*[{LATIN}0-9]|[{HAN}]{{2,}}"
)
_QUOTED = re.compile(r"「([^「」]+)」|『([^『』]+)』|“([^“”]+)”|«\s?([^«»]+?)\s?»|„([^„“”]+)[“”]|\"([^\"]+)\"")
_BRACKETS = re.compile(r"\(([^()（）]+)\)|（([^()（）]+)）")
Span = tuple[int, int]


def anchors(
    source: str, target: str, source_lang: str, target_lang: str, terms: Iterable[tuple[str, str]] = ()
) -> list[Anchor]:
    """The anchors of a pair of texts, by their start in the source; some may hold others (a sentence, a quotation).

    Args:
        source, target: a text and its translation.
        source_lang, target_lang: codes of their languages.
        terms: (form in the source, its rendering), of which some may stand there.
    """
    found: list[Anchor] = []
    for kind, pairs in (
        ("term", _terms(source, target, terms)),
        ("same", _same(source, target, source_lang, target_lang)),
        ("number", _numbers(source, target, source_lang, target_lang)),
    ):
        for (start, end), (other, stop) in pairs:
            free = not any((start < a.end and a.start < end) or (other < a.target_end and a.target_start < stop)
                           for a in found)  # fmt: skip
            if free and start < end and other < stop:
                found.append(Anchor(start, end, other, stop, kind))
    for pattern in (_QUOTED, _BRACKETS):
        here, there = _inner(pattern, source), _inner(pattern, target)
        if len(here) == len(there):
            found += [Anchor(*a, *b, "quoted") for a, b in zip(here, there, strict=True)]
    here, there = _sentences(source, source_lang), _sentences(target, target_lang)
    if len(here) == len(there):
        found += [Anchor(*a, *b, "sentence") for a, b in zip(here, there, strict=True)]
    return sorted(found)


def _terms(source: str, target: str, terms: Iterable[tuple[str, str]]) -> Iterator[tuple[Span, Span]]:
    for form, rendering in sorted(terms, key=lambda term: -len(term[0])):
        yield from _in_turn(_all(form, source), _all(rendering, target))


def _all(wanted: str, text: str) -> list[Span]:
    if not wanted.strip():
        return []
    edge = [r"\b" if re.match(r"[a-zA-Z0-9]", char) else "" for char in (wanted[0], wanted[-1])]
    return [m.span() for m in re.finditer(edge[0] + re.escape(wanted) + edge[1], text, re.IGNORECASE)]


def _in_turn(here: Sequence[Span], there: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    """The n-th of one with the n-th of the other, where both are equally many."""
    if len(here) == len(there):
        yield from zip(here, there, strict=True)


def _same(source: str, target: str, source_lang: str, target_lang: str) -> Iterator[tuple[Span, Span]]:
    one, other = language(source_lang), language(target_lang)
    common = one.pack.words | other.pack.words
    # Where the scripts differ, letters that both sides have are no chance.
    least = 3 if set(one.scripts) & set(other.scripts) else 2
    here, there = _by_form(source), _by_form(target)
    for form, spans in here.items():
        sure = least == 2 or form not in common
        if form in there and sure and (len(form) >= least or not form.isascii() or form.isdigit()):
            yield from _in_turn(spans, there[form])


def _by_form(text: str) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for match in _SAME.finditer(text):
        found.setdefault(match[0].lower(), []).append(match.span())
    return found


def _numbers(source: str, target: str, source_lang: str, target_lang: str) -> Iterator[tuple[Span, Span]]:
    here = [n for n in numbers(source, source_lang) if n.sure]
    there = [n for n in numbers(target, target_lang) if n.sure]
    mine, theirs = _by_value(here), _by_value(there)
    for place, number in enumerate(here):
        values = {abs(value) for value in number.readings}
        fitting = sorted({n for value in values for n in theirs.get(value, ())})
        rivals = sorted({n for m in fitting for value in there[m].readings for n in mine.get(abs(value), ())})
        if fitting and len(fitting) == len(rivals):  # in turn, where a value stands there several times
            other = there[fitting[rivals.index(place)]]
            yield (number.start, number.end), (other.start, other.end)


def _by_value(found: Sequence[Number]) -> dict[Fraction, list[int]]:
    """Places of numbers by every value that they may have (`Number.agrees`)."""
    places: dict[Fraction, list[int]] = {}
    for place, number in enumerate(found):
        for value in {abs(value) for value in number.readings}:
            places.setdefault(value, []).append(place)
    return places


def _inner(pattern: re.Pattern[str], text: str) -> list[Span]:
    return [match.span(match.lastindex or 0) for match in pattern.finditer(text)]


def _sentences(text: str, lang: str) -> list[Span]:
    tongue = language(lang)
    return sentence_spans(text, tongue.ends, tongue.pack.abbreviations)
