"""Whether characters are read in a given way, by the dictionary of the analyser (fugashi, unidic-lite)."""

from __future__ import annotations

from functools import lru_cache

import fugashi
import unidic_lite

READINGS = 12
"""Analyses that are looked at: many words are read in several ways."""
_HIRAGANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_LOOSE = str.maketrans("ヂヅヲヵヶ", "ジズオカケ")


@lru_cache(maxsize=1)
def _tagger() -> fugashi.GenericTagger:
    # The 18th column of UniDic is the word in kana, as it is spelt.
    return fugashi.GenericTagger(f'-r /dev/null -d "{unidic_lite.DICDIR}" -F "%f[17]" -U "%m" -E "\\n" -O ""')


def _katakana(text: str) -> str:
    for plain, voiced in ("ゝゞ", "ヽヾ"):
        for at, char in enumerate(text):
            if char in (plain, voiced) and at:
                again = text[at - 1]
                text = text[:at] + (chr(ord(again) + 1) if char == voiced else again) + text[at + 1 :]
    return text.translate(_HIRAGANA).translate(_LOOSE)


def is_read(base: str, reading: str, after: str = "") -> bool:
    """Whether `base`, or the end of it, is read as `reading` (kana).

    Args:
        base: characters before the reading.
        after: kana that follow in the text, of which some may belong to the word (読《よ》み).
    """
    wanted = _katakana(reading)
    for size in range(len(after) + 1):
        tail = after[:size]
        readings = _tagger().nbest(base + tail, READINGS).translate(_HIRAGANA).translate(_LOOSE)
        if any(found.endswith(wanted + _katakana(tail)) for found in readings.split("\n")):
            return True
    return False
