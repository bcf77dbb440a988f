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
    # The 18th column of UniDic is the word in kana, as it is spelt, the 2nd its kind.
    return fugashi.GenericTagger(
        f'-r /dev/null -d "{unidic_lite.DICDIR}" -F "%f[17]\\t%f[1]\\t" -U "%m\\t\\t" -E "\\n" -O ""'
    )


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
        known = (kana.translate(_HIRAGANA).translate(_LOOSE) for kana in readings(base + tail))
        if any(found.endswith(wanted + _katakana(tail)) for found in known):
            return True
    return False


def readings(text: str, names: bool = True) -> list[str]:
    """Readings of `text` in katakana, likely ones first; what the dictionary cannot read stands as it is.

    Args:
        names: False leaves out what a word is read as only where it is somebody's name, if it is a common word, too.
    """
    nbest: str = _tagger().nbest(text, READINGS)
    analyses = [line.split("\t") for line in nbest.split("\n")]
    common = [parts for parts in analyses if "固有名詞" not in parts[1::2]]
    return ["".join(parts[::2]) for parts in (analyses if names or not common else common)]
