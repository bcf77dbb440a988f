"""Scripts of a text: its letters by kind."""

from __future__ import annotations

import re
import string
from functools import lru_cache
from typing import NamedTuple

HIRAGANA = r"\u3041-\u309f"
KATAKANA = r"\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f\u3005\u3007"
LATIN = r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a"

_CLASSES = tuple(re.compile(f"[{ranges}]+") for ranges in (HIRAGANA, KATAKANA, HAN, LATIN, r"0-9\uff10-\uff19"))


class MakeUp(NamedTuple):
    """How many characters of each script a text has (punctuation and space are not counted)."""

    hiragana: int
    katakana: int
    han: int
    latin: int
    digit: int

    @property
    def letters(self) -> int:
        """Characters that tell a language: all but digits."""
        return self.hiragana + self.katakana + self.han + self.latin

    @property
    def kana(self) -> int:
        """Hiragana and katakana."""
        return self.hiragana + self.katakana


def make_up(text: str) -> MakeUp:
    """Count the characters of `text` by script."""
    return MakeUp(*(sum(map(len, pattern.findall(text))) for pattern in _CLASSES))


_SCRIPT_LETTERS = {
    "Latn": LATIN, "Jpan": HIRAGANA + KATAKANA + HAN, "Hans": HAN, "Hant": HAN, "Hani": HAN,
    "Kore": r"\uac00-\ud7af\u1100-\u11ff\u3131-\u318e", "Cyrl": r"\u0400-\u052f", "Deva": r"\u0900-\u0963\u0970-\u097f",
    "Grek": r"\u0370-\u03ff\u1f00-\u1fff", "Arab": r"\u0620-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "Hebr": r"\u0590-\u05ff", "Thai": r"\u0e01-\u0e4e", "Laoo": r"\u0e81-\u0ece", "Khmr": r"\u1780-\u17d3",
    "Mymr": r"\u1000-\u109f", "Tibt": r"\u0f40-\u0fbc", "Ethi": r"\u1200-\u135f", "Armn": r"\u0531-\u058f",
    "Geor": r"\u10a0-\u10ff", "Beng": r"\u0980-\u09e3", "Guru": r"\u0a00-\u0a65", "Gujr": r"\u0a80-\u0ae3",
    "Orya": r"\u0b00-\u0b63", "Taml": r"\u0b80-\u0be5", "Telu": r"\u0c00-\u0c63", "Knda": r"\u0c80-\u0ce3",
    "Mlym": r"\u0d00-\u0d63", "Sinh": r"\u0d80-\u0df3",
}  # fmt: skip
"""Letters (and vowel signs) of a script, as ranges of a character class; a script that is not here counts as Latin."""


@lru_cache(maxsize=64)
def letters_of(script: str) -> re.Pattern[str]:
    """The letters of a script of ISO 15924."""
    return re.compile(f"[{_SCRIPT_LETTERS.get(script, LATIN)}]")


@lru_cache(maxsize=1 << 14)
def script_group(char: str) -> str:
    """The script of a letter: a key as of `letters_of`, where "Hani" stands for Han and kana; "" for any other."""
    if letters_of("Jpan").match(char):
        return "Hani"
    return next((script for script in _SCRIPT_LETTERS if letters_of(script).match(char)), "")


def has_letters(text: str, script: str) -> bool:
    """Whether `text` has a letter of the script."""
    return letters_of(script).search(text) is not None


_SIGNS = r"\u0300-\u036f\u0900-\u0963\u0981-\u0ddf\u0e31-\u0e4e\u0eb1-\u0ece\u102b-\u103e\u17b4-\u17d3"
WORD = re.compile(rf"(?:[^\W\d_]|[{_SIGNS}])+")
"""A run of letters with their vowel signs and accents."""
_DIGITS, _LATIN_RUN = re.compile(r"\d+"), re.compile(f"[{LATIN}]+")


def letter_counts(text: str) -> tuple[int, int, int]:
    """How many Latin letters, digits, and other letters (with the vowel signs of Indian scripts) a text has."""
    return _counted(text) if len(text) <= _SHORT else _letter_counts(text)


def _letter_counts(text: str) -> tuple[int, int, int]:
    if text.isascii():
        data = text.encode()
        return len(data) - len(data.translate(None, _ASCII[0])), len(data) - len(data.translate(None, _ASCII[1])), 0
    # in runs: fewer objects than letters
    latin, digits, letters = (sum(map(len, runs.findall(text))) for runs in (_LATIN_RUN, _DIGITS, WORD))
    return latin, digits, letters - latin


_ASCII = string.ascii_letters.encode(), string.digits.encode()
_SHORT = 4000
"""Characters of a text that is remembered: who weighs a text once does it again."""
_counted = lru_cache(maxsize=1 << 9)(_letter_counts)


def encodable(char: str, codec: str) -> bool:
    """Whether a national standard (its codec) has the character."""
    try:
        char.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=1 << 15)
def _simplified_only(char: str) -> bool:
    """Whether GB 2312 has a Han character that JIS X 0208 lacks: the national standards tell them apart."""
    return "\u4e00" <= char < "\ua000" and encodable(char, "gb2312") and not encodable(char, "iso2022_jp")


def simplified_only(text: str) -> list[str]:
    """The characters of `text` that are simplified Chinese and not Japanese, in order."""
    return [char for char in text if _simplified_only(char)]


_USUAL = (("가", "힣", "ko"), ("ऀ", "ॿ", "hi"), ("а", "я", "ru"))


def usual_language(text: str) -> str:
    """The language that a text of no stated language is read in, by its script: English for Latin letters and none."""
    counts = make_up(text)
    if counts.kana:
        return "ja"
    if counts.han:
        return "zh"
    return next((code for first, last, code in _USUAL if any(first <= char <= last for char in text)), "en")
