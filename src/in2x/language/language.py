"""`language(code)`: everything the project knows about one language, behind one contract.

    language("ja").spaced              False
    language("de").name_in("ja")       "ドイツ語"
    language("fr").sentences(text)     its sentences

Twelve languages and their like have a pack (`pack.py`); any other that CLDR names gets the general one by its script.
These are facts; what judges a text stands in files of its own, so that only who uses it depends on it:
`register_of(text, code)` in `register.py`, `written` and `foreign` in `written.py`, `identify` in `identify.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from in2x.errors import UsageError
from in2x.language import codes
from in2x.language.general import general
from in2x.language.pack import OWN, Pack, files, load
from in2x.language.split import sentence_spans


class Span(NamedTuple):
    """A stretch of a text."""

    start: int
    """Offset of the first character."""
    end: int
    """Offset behind the last character."""


@dataclass(frozen=True, eq=False)
class Language:
    """One language. Get it from `language(code)`; equal codes give the same object."""

    code: str
    """The canonical code ("ja", "zh-Hant")."""
    name: str
    """In English (CLDR)."""
    endonym: str
    """In the language itself (CLDR)."""
    scripts: tuple[str, ...]
    """ISO 15924, the usual one first; "Jpan" and "Kore" stand for the mixtures."""
    spaced: bool
    """Whether spaces part the words."""
    weight: float
    """Letters of English that one letter of this language stands for (measured, see docs/language.md)."""
    ends: str
    """Marks that end a sentence."""
    quotes: tuple[str, str]
    """Opening and closing quotation mark."""
    bleu: str
    """sacrebleu's tokeniser for figures that are compared with others' figures."""
    reward_bleu: str
    """The tokeniser for rewards: one that a broken sentence cannot mislead."""
    registers: tuple[str, ...]
    """The registers the language distinguishes; () where the project cannot tell them."""
    register_words: Mapping[str, str]
    """Register -> how a prompt asks for it ("polite (Sie)")."""
    pack: Pack = field(repr=False)
    """The pack behind it, ours, the user's or the general one."""

    def name_in(self, code: str) -> str:
        """This language's name in the language `code`, in English where CLDR has none in it."""
        return codes.name_in(self.code, codes.canonical(code))

    def sentences(self, text: str) -> list[str]:
        """The sentences of `text` in order, without the white space around them."""
        return [text[start:end] for start, end in sentence_spans(text, self.ends, self.pack.abbreviations)]

    def weigh(self, text: str) -> float:
        """Length in letters of English: digits and Latin letters count one, other letters `weight`.

        In a language of Latin script every letter counts `weight`.
        """
        from in2x.language.script import letter_counts

        latin, digits, other = letter_counts(text)
        if self.scripts[0] == "Latn":
            return digits + self.weight * (latin + other)
        return digits + latin + self.weight * other


def language(code: str) -> Language:
    """The language of a code in any spelling: "ja", "ja-JP", "zh_TW", "jpn".

    Raises:
        UsageError: no such language; the sentence says what may have been meant.
        In2xError: its pack file is faulty.
    """
    return _language(codes.canonical(code), os.environ.get(OWN, ""))


@cache
def unspaced(code: str) -> bool:
    """Whether the language of a code is written without spaces between words; False where no such language is known."""
    try:
        return not language(code).spaced
    except UsageError:
        return False


@cache
def _language(code: str, folders: str) -> Language:
    known = files()
    pack = load(known[code]) if code in known else general(code)
    return Language(
        code=code,
        name=codes.name_in(code, "en"),
        endonym=codes.name_in(code, code),
        scripts=pack.scripts,
        spaced=pack.spaced,
        weight=pack.weight,
        ends=pack.ends,
        quotes=pack.quotes,
        bleu=pack.bleu,
        reward_bleu=pack.reward_bleu or pack.bleu,
        registers=pack.registers,
        register_words=MappingProxyType(dict(pack.register_words)),
        pack=pack,
    )
