"""How much a katakana word sounds like a name or word in Latin letters, or like a foreign name in Chinese.

Sound is compared by consonant skeletons (Kyle -> k r, ケイル -> k r), because English spelling tells little about
vowels. Our choice; no list of names is needed.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from functools import lru_cache

from in2x.language.han_sounds import FOREIGN_NAME, han_skeleton
from in2x.language.language import language

_KANA_CONSONANTS = {
    "": "アイウエオァィゥェォヤユヨャュョワヮヲッー",
    "k": "カキクケコ", "g": "ガギグゲゴ", "s": "サシスセソ", "z": "ザジズゼゾ", "t": "タチツテト", "d": "ダヂヅデド",
    "n": "ナニヌネノン", "h": "ハヒフヘホ", "b": "バビブベボヴ", "p": "パピプペポ", "m": "マミムメモ",
    "r": "ラリルレロ",
}  # fmt: skip
_CONSONANT = {kana: consonant for consonant, row in _KANA_CONSONANTS.items() for kana in row}
_SPELLINGS = (
    (r"sch|sh|tio|ssi", "s"), (r"tch|ch", "t"), (r"ck|q", "k"), (r"ph", "f"), (r"th", "θ"), (r"x", "ks"),
    (r"dge|dg", "z"), (r"kn|gn(?=[aeiou])", "n"), (r"wr", "r"), (r"mb\b", "m"), (r"gh", ""), (r"c(?=[eiyé])", "s"),
    (r"c", "k"), (r"g(?=[eiy])", "ʒ"), (r"j", "z"), (r"l", "r"), (r"v", "b"), (r"f", "h"),
    (r"[aeiouwyáéíóúäëïöüèêâôûåøæœ'’-]", ""), (r"(.)\1+", r"\1"),
)  # fmt: skip
"""Latin spellings to the consonant classes of katakana; θ (th) and ʒ (soft g) may become either of two."""
_SOFT = {
    frozenset(pair): cost
    for pair, cost in {
        "sz": 0.2, "θs": 0.0, "θz": 0.1, "θt": 0.1, "ʒz": 0.0, "ʒg": 0.0, "ts": 0.4, "td": 0.5, "dz": 0.4, "bp": 0.7,
        "kg": 0.8, "hb": 0.5, "Nn": 0.0, "Nm": 0.1,
    }.items()
}  # fmt: skip
_SILENT = {"r": 0.25, "h": 0.3, "N": 0.25}
"""Cost of a consonant that one side lacks: r after a vowel, h and a Chinese final n are often mute."""


def kana_skeleton(word: str) -> str:
    """Consonants of a katakana word: カイル -> "kr"."""
    return "".join(_CONSONANT.get(char, "") for char in word)


@lru_cache(maxsize=4096)
def name_skeleton(name: str) -> str:
    """Consonants of a name in Latin letters or Chinese, in the classes of katakana: "Kyle" -> "kr"."""
    if FOREIGN_NAME.fullmatch(name):
        return han_skeleton(name)
    text = name.lower()
    for pattern, replacement in _SPELLINGS:
        text = re.sub(pattern, replacement, text)
    return text


@lru_cache(maxsize=65536)
def sounds_like(name: str, katakana: str) -> float:
    """How much a katakana word sounds like a name, 0 to 1 (1 minus the weighted edit distance of the skeletons)."""
    a, b = name_skeleton(name), kana_skeleton(katakana)
    if not a and not b:
        return 0.5
    row = [0.0]
    for char in b:
        row.append(row[-1] + _SILENT.get(char, 1.0))
    for x in a:
        previous, row = row, [row[0] + _SILENT.get(x, 1.0)]
        for j, y in enumerate(b, 1):
            swap = 0.0 if x == y else _SOFT.get(frozenset((x, y)), 1.0)
            row.append(min(previous[j - 1] + swap, previous[j] + _SILENT.get(x, 1.0), row[-1] + _SILENT.get(y, 1.0)))
    # アイウエオ against a consonant at the start: エリス is no form of Ross
    first = han_skeleton(name[0]).strip("N") or "a" if FOREIGN_NAME.fullmatch(name) else name[0].lower()
    open_a = first in "aeiouyhw"
    open_b = katakana[0] in "アイウエオヤユヨワハヒフヘホ"
    return max(0.0, 1.0 - row[-1] / max(len(a), len(b), 1) - (0.0 if open_a == open_b else 0.35))


@lru_cache(maxsize=65536)
def spelt_like(name: str, katakana: str) -> float:
    """How much the letters of a katakana word are those of a name, vowels too, 0 to 1: トム is Tom's, not Tim's."""
    letters = "".join(unicodedata.name(char).rpartition(" ")[2].lower() for char in katakana if char != "ー")
    return SequenceMatcher(None, name.lower().replace("l", "r"), letters).ratio()


_KATAKANA = re.compile("[ァ-ヴー]{2,}")
_ALIKE = 0.75
"""Least likeness in sound of a Latin word to the kana that it spells (our choice)."""


def spelt_in_kana(word: str, text: str) -> bool:
    """Whether a text has a Latin word in katakana (cosplay, コスプレ); common words of English are left aside."""
    if word in language("en").pack.words:
        return False
    return any(sounds_like(word, kana) >= _ALIKE for kana in _KATAKANA.findall(text))
