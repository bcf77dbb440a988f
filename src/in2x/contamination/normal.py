"""The one normaliser of both sides: what of a text counts when it is compared with an evaluation text.

Width, case, punctuation, spaces and invisible characters do not count, and traditional Han characters count as
their simplified forms. What is left are *units*: the characters of scripts without spaces, the words of all others. So
one reading serves every language, and an English sentence in a page of another language reads as it does at home.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

CHARACTER, LETTER, SPACE, SIGN, NOTHING = range(5)
"""Kinds of characters: a unit by itself; part of a word; between words; the same, and a sentence may begin or end
there; not there at all (soft hyphens, joiners, variation selectors)."""
_KNOWN = 0x32400
"""All that is written lies below: further planes hold private and invisible characters."""
_DENSE = (
    (0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x312F), (0x31A0, 0x31FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F), (0xF900, 0xFAFF), (0xFF66, 0xFF9F),
    (0x1B000, 0x1B16F), (0x20000, 0x323AF),
)  # fmt: skip
"""Scripts without spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, kana, bopomofo, Han."""

_INSIDE = ",、'’‘`-‐‑_・"
"""Signs inside a sentence: what stands between two commas is no sentence."""


def folded(texts: Iterable[str | None]) -> Any:
    """A pyarrow large_string array of the texts, compatibility forms (full and half width) and case folded.

    Line ends stay where they are. Half an emoji (a lone surrogate) becomes "?".
    """
    return pa.array([_folded(text) if text else "" for text in texts], pa.large_string())


def _folded(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode())
    return text.casefold()


@cache
def kinds() -> NDArray[np.uint8]:
    """The kind of every code point below `len`, uint8."""
    found = np.full(_KNOWN, SIGN, np.uint8)
    for code in range(_KNOWN):
        category = unicodedata.category(chr(code))
        if category[0] in "LMN":
            found[code] = LETTER
        elif category[0] == "Z":
            found[code] = SPACE
        elif category == "Cf" or (category == "Cc" and not 9 <= code <= 13):
            found[code] = NOTHING
    for first, last in _DENSE:
        part = found[first : last + 1]
        part[part == LETTER] = CHARACTER
    found[0xFE00:0xFE10] = NOTHING
    found[[ord(char) for char in _INSIDE]] = SPACE
    return found


@cache
def simplified() -> NDArray[np.uint32]:
    """The code point that each one below `len` counts as, uint32: its simplified form, else itself."""
    found = np.arange(_KNOWN, dtype=np.uint32)
    text = files("in2x.language").joinpath("han_simplified.txt").read_text("utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            for pair in line.split():
                found[ord(pair[0])] = ord(pair[1])
    return found
