"""What ruby above Japanese words says: their reading, or more.

A reading is one that the analyser's dictionary knows for the word, in any spelling of kana (historical けふ as きょう,
voiced or not), or that is put together from readings of its characters. All else is said by the author: another word
in kana (宇宙 as そら: by context), or one in another script (友 as ライバル: a second meaning).

Our choice: what is in doubt is no reading, for a reading that is passed on costs little, a meaning that is dropped
much.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from in2x.language.readings import readings

_ROWS = {
    "k": "カキクケコ", "s": "サシスセソ", "t": "タチツテト", "n": "ナニヌネノ", "h": "ハヒフヘホ", "m": "マミムメモ",
    "y": "ヤ ユ ヨ", "r": "ラリルレロ", "w": "ワヰ ヱヲ", "": "アイウエオ",
}  # fmt: skip
_SOUND = {kana: consonant + vowel for consonant, row in _ROWS.items() for kana, vowel in zip(row, "aiueo", strict=True)}
_SMALL = str.maketrans("ァィゥェォャュョヮッヵヶヂヅ", "アイウエオヤユヨワツカケジズ")
_HIRAGANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_TO_HIRAGANA = {kana: code for code, kana in _HIRAGANA.items()}
_KANA = re.compile("[\u3041-\u309f\u30a1-\u30ff]+")
_OLD = (
    (r"(?<=[aiueoN])h(?=[aiueo])", ""), (r"w(?=[ieo])", ""), (r"kuwa", "ka"), (r"au|ahu", "ou"),
    (r"(?<=[aiueoN])e(?=u)|^e(?=u)", "yo"), (r"([ksthnmr])eu", r"\1you"), (r"([ksthnmr])iyo", r"\1yo"),
    (r"([ksthnmr])iyu", r"\1yu"), (r"([ksthnmr])iya", r"\1ya"), (r"([ksthnmr])iu", r"\1yuu"), (r"iu", "yuu"),
    (r"([aiueo])-", r"\1\1"), (r"oo", "ou"), (r"ee", "ei"),
)  # fmt: skip
"""Spellings to sounds, in order: historical ones, glides, long vowels."""
_CUT = re.compile(r"(?:ti|tu|ki|ku)$")


@lru_cache(maxsize=1 << 14)
def _sounds(kana: str) -> str:
    """Kana as sounds without voice: きょう and けふ -> kyou; ガク and かっ -> kaku, katu."""
    plain = "".join(
        letter for letter in unicodedata.normalize("NFD", kana.translate(_HIRAGANA).translate(_SMALL))
        if not unicodedata.combining(letter)
    )  # fmt: skip
    text = re.sub("(.)[ヽヾゝゞ]", r"\1\1", plain)
    text = "".join(_SOUND.get(letter, {"ン": "N", "ー": "-"}.get(letter, letter)) for letter in text)
    for old, new in _OLD:
        text = re.sub(old, new, text)
    return text


@lru_cache(maxsize=1 << 14)
def _single(letter: str) -> frozenset[str]:
    """The sounds of one character, also as it is cut before a hard consonant (イチ -> イッ)."""
    found = {_sounds(kana) for kana in readings(letter) if _KANA.fullmatch(kana)}
    return frozenset(found | {_CUT.sub("tu", sound) for sound in found} - {""})


def _composed(base: str, wanted: str) -> bool:
    """Whether `wanted` is a reading of each character of `base` after the other."""
    ends = {0}
    before = frozenset[str]()
    for letter in base:
        sounds = before if letter == "々" else _single(letter)
        ends = {end + len(sound) for end in ends for sound in sounds if wanted.startswith(sound, end)}
        before = sounds
        if not ends:
            return False
    return len(wanted) in ends


def ruby_use(base: str, ruby: str, after: str = "") -> Literal["reading", "context", "double"]:
    """What `ruby` above `base` is; `after` is what follows, of which kana may belong to the word (読 よ み)."""
    ruby = "".join(ruby.split())
    if not _KANA.fullmatch(ruby):
        return "double"
    wanted = _sounds(ruby)
    if any(_sounds(kana) == wanted for kana in readings(base, names=False)) or _composed(base, wanted):
        return "reading"
    match = _KANA.match(after)
    tails = [match[0][:size] for size in range(1, min(len(match[0]), 4) + 1)] if match else []
    if any(wanted + _sounds(tail) in map(_sounds, readings(base + tail)) for tail in tails):
        return "reading"
    written = ruby.translate(_TO_HIRAGANA)  # 流 ながれ: the ending is in the ruby
    if any(wanted in map(_sounds, readings(base + written[-size:])) for size in (1, 2) if size < len(ruby)):
        return "reading"
    return "double" if any("\u30a1" <= letter <= "\u30fa" for letter in ruby) else "context"
