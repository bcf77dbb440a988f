"""The number words of a language: what its pack says, with CLDR's decimal marks, months and magnitudes (via babel).

CLDR's compact forms ("15 million", "1500万", "1,5 Mio.") give the words for magnitudes of every language it knows, with
all plural forms; a pack adds the words below a thousand, spellings and idioms.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from babel import Locale, UnknownLocaleError

from in2x.language.language import language
from in2x.language.number_text import folded
from in2x.language.pack import OWN, NumberWords

LETTER = r"[^\W\d_]|[\u0900-\u0903\u093a-\u094f]"
"""A letter, or a sign that belongs to one in Devanagari, which `\\w` leaves out."""
NOTHING = r"(?!)"


@dataclass(frozen=True, slots=True)
class Word:
    """What a word does in a number."""

    kind: str
    """"value", "ordinal", "scale", "fraction", "added" (a fraction that is added) or "glue"."""
    value: Fraction = Fraction(0)
    share: Fraction | None = None
    """The fraction that an ordinal names behind a number (two fifths)."""


@dataclass(frozen=True, eq=False)
class NumberFacts:
    """How one language writes numbers."""

    comma: bool
    """Whether the decimal mark is a comma."""
    known: bool
    """Whether there are words for small numbers."""
    joined: bool
    inverted: bool
    spaced: bool
    words: Mapping[str, Word]
    """Folded, in lower case."""
    shapes: str
    """Regular expression of one or more of `words` ("" where there is none)."""
    word: re.Pattern[str]
    """One of `words`."""
    months: Mapping[str, int]
    """Names and short names, in lower case."""
    long_months: frozenset[str]
    """Names that are not cut and no number words."""
    month: str
    minus: str
    point: str
    percent: str
    hours: str
    decades: str
    unsure: re.Pattern[str]
    converted: re.Pattern[str]


def plain(word: str) -> str:
    """A word of a pack as the reader meets it."""
    return folded(word)[0].lower()


def _shape(word: str) -> str:
    return re.escape(plain(word)).replace(r"\-", "[- \u2009]")


def alternatives(words: Iterable[str]) -> str:
    """A regular expression for any of `words`, the longest first; one that matches nothing for none."""
    return "|".join(sorted(map(_shape, words), key=len, reverse=True)) or NOTHING


def _locale(code: str) -> Locale | None:
    for key in (code.replace("-", "_"), code.partition("-")[0]):
        try:
            return Locale.parse(key)
        except (UnknownLocaleError, ValueError):
            continue
    return None


def _magnitudes(locale: Locale) -> dict[str, Fraction]:
    """Words of CLDR's compact forms, long and short; "K" and "M" stay with digits, see `numerals.py`."""
    found: dict[str, Fraction] = {}
    for style in ("long", "short"):
        for forms in locale.compact_decimal_formats.get(style, {}).values():
            for power, pattern in forms.items():
                # "0 million" for 10^6, "00 million" for 10^7: the zeros say what stands before the word
                word = str(getattr(pattern, "pattern", pattern)).replace("'", "").split(";")[0].strip()
                zeros = word.count("0")
                word = word.replace("0", "").replace("\u00a0", " ").strip(" .\u200f\u200e")
                if zeros and len(word) > 1 and " " not in word and word[0].isalpha():
                    found.setdefault(word, Fraction(10 ** (len(str(power)) - zeros)))
    return found


def _months(locale: Locale, widths: tuple[str, ...] = ("wide", "abbreviated")) -> dict[str, int]:
    found: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in widths:
            for number, name in locale.months.get(context, {}).get(width, {}).items():
                name = plain(name).strip(" .")
                if not re.search(r"\d|[一二三四五六七八九十]", name) and len(name) > 2:
                    found.setdefault(name, number)
    return found


def number_facts(code: str) -> NumberFacts:
    """The facts of a language, by code.

    Raises:
        UsageError: no such language.
    """
    return _number_facts(code, os.environ.get(OWN, ""))


@cache
def _number_facts(code: str, folders: str) -> NumberFacts:
    tongue = language(code)
    said: NumberWords = tongue.pack.numbers
    locale = _locale(tongue.code)
    words: dict[str, Word] = {}
    for word, value in (_magnitudes(locale) if locale else {}).items():
        words[plain(word)] = Word("scale", value)
    shares = {plain(word): Fraction(number) for number, spellings in said.fractions.items() for word in spellings}
    tables = (("scale", said.scales), ("ordinal", said.ordinals), ("fraction", said.fractions), ("value", said.values))
    for name, table in tables:
        for number, spellings in table.items():
            kind = "added" if number.startswith("+") else name
            for spelling in map(plain, spellings):
                words.setdefault(
                    spelling, Word(kind, Fraction(number), shares.get(spelling) if name == "ordinal" else None)
                )
    for glue in said.glue:
        words.setdefault(plain(glue), Word("glue"))
    # kanji and hangul numerals are read letter by letter
    words = {
        w: word
        for w, word in words.items()
        if not re.fullmatch(r"[〇零一二三四五六七八九十百千万億亿兆京萬천만억조]+", w)
    }
    counted = {w for w, word in words.items() if word.kind != "glue"}
    months = _months(locale) if locale else {}
    every = alternatives(words)
    if not counted:
        shapes = NOTHING
    elif said.joined:
        one = alternatives(counted)
        both = f"(?:(?:{one})(?:{alternatives(said.glue)})?)*(?:{one})"
        shapes = rf"(?<!{{L}})(?:{both})(?!{{L}})"
    elif tongue.spaced:
        shapes = rf"(?<!{{L}})(?:{alternatives(counted)})(?!{{L}})"
    else:
        shapes = f"(?:{alternatives(counted)})"
    shapes = shapes.replace("(?<!{L})", r"(?<![^\W\d_])(?<![\u0900-\u0903\u093a-\u094f])").replace("{L}", LETTER)
    mark = locale.number_symbols.get("latn", locale.number_symbols).get("decimal", ".") if locale else "."
    behind = r"(?![^\W\d_])" if tongue.spaced else ""
    return NumberFacts(
        comma=mark == ",",
        known=bool(said.values),
        joined=said.joined,
        inverted=said.inverted,
        spaced=tongue.spaced,
        words=words,
        shapes=shapes,
        word=re.compile(every, re.IGNORECASE),
        months=months,
        long_months=frozenset(_months(locale, ("wide",)) if locale else ()) - words.keys(),
        month=alternatives(months),
        minus=alternatives(said.minus),
        point=alternatives(said.point),
        percent=alternatives(said.percent),
        hours=alternatives(said.hours),
        decades=alternatives(said.decades),
        unsure=re.compile(alternatives(said.unsure), re.IGNORECASE),
        converted=re.compile(rf"[- \u2009]?(?:{alternatives(said.converted)}){behind}", re.IGNORECASE),
    )
