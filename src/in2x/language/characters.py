"""The characters of a text put in order, whatever is said in them: line ends, controls, wrong decodings, wide forms.

Each rule is `text -> (text, count)`. Documents and sentence pairs go through the same rules, so that a model
reads one spelling of a character in both. What carries style stays: 〜 and ～, 「」, ！？（）, …, ①, the wide space,
the joiners inside an emoji or a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import ftfy
import numpy as np
from numpy.typing import NDArray

Rule = Callable[[str], tuple[str, int]]


def _table(pattern: re.Pattern[str]) -> NDArray[np.bool_]:
    """Which UTF-16 code units a pattern of one character matches, bool `[65536]`; it matches none beyond them."""
    return np.array([pattern.fullmatch(chr(code)) is not None for code in range(1 << 16)], bool)


def _units(text: str) -> NDArray[np.uint16]:
    """UTF-16 code units of a text: looking them up in tables is several times faster than a search by `re`."""
    return np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)


def newlines(text: str) -> tuple[str, int]:
    """One kind of line end: CR LF, CR, NEL, LS and PS become LF (counted: lines)."""
    struck = 0
    for mark in ("\r", "\x85", "\u2028", "\u2029"):
        if found := text.count(mark):
            struck += found
            text = text.replace("\r\n", "\n").replace(mark, "\n")
    return text, struck


_CONTROLS = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\ufeff\ufff9-\ufffb\ufffe\uffff"
)
_JOINING = "\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
"""Scripts in which a joiner or its absence is spelling: Arabic, Indic, Tibetan, Burmese, Khmer, Mongolian."""
_WITHOUT_SPACES = "\u0e00-\u109f\u1780-\u17ff"
"""Scripts that may mark the end of a word by a space without width: Thai, Lao, Tibetan, Burmese, Khmer."""
_PICTURE = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_CONTROL = re.compile(
    f"(?<=[{_JOINING}])([\u200c\u200d]+)|(?<=[{_WITHOUT_SPACES}])(\u200b)(?=[{_WITHOUT_SPACES}])"
    f"|(?<=[{_PICTURE}\ufe0f])(\u200d)(?=[{_PICTURE}])|[{_CONTROLS}]"
)
"""What a group holds stays."""
_MAY_BE_CONTROL = _table(re.compile(f"[{_CONTROLS}]"))


def control_characters(text: str) -> tuple[str, int]:
    """Drop control, zero-width and direction characters (counted: characters).

    Joiners stay where they are spelling: in an emoji that is made of several, in a Persian or Indic word.
    """
    if not _MAY_BE_CONTROL[_units(text)].any():
        return text, 0
    clean = _CONTROL.sub(lambda m: m[m.lastindex] if m.lastindex else "", text)
    return clean, len(text) - len(clean)


_BYTE = "[\x80-\xbf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
_MOJIBAKE = re.compile(f"[\xc2\xc3]{_BYTE}|[\xe2-\xe9\xef]{_BYTE}{{2}}")
"""A lead byte of UTF-8 and what follows it, read as Latin-1 or Windows-1252."""
_MAY_LEAD, _MAY_FOLLOW = _table(re.compile("[\xc2\xc3\xe2-\xe9\xef]")), _table(re.compile(_BYTE))


def mojibake(text: str) -> tuple[str, int]:
    """Repair text that was decoded with the wrong encoding (ftfy), only where its traces are seen (counted: texts)."""
    if text.isascii():
        return text, 0
    units = _units(text)
    if not (_MAY_LEAD[units[:-1]] & _MAY_FOLLOW[units[1:]]).any() or not _MOJIBAKE.search(text):
        return text, 0
    repaired = "\n".join(ftfy.fix_encoding(line) if _MOJIBAKE.search(line) else line for line in text.split("\n"))
    return repaired, int(repaired != text)


_COMPATIBLE = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff61-\uff9f\ufb00-\ufb06\u3300-\u33ff\uffe0-\uffe6\uf900-\ufaff"
_COMPATIBILITY = re.compile(f"[\u3041-\u30ff]?[{_COMPATIBLE}]+")
"""With the kana before it, which a voicing mark may belong to."""
_MAY_BE_COMPATIBILITY = _table(re.compile(f"[{_COMPATIBLE}]"))
_ALONE = str.maketrans({"\u3099": "\u309b", "\u309a": "\u309c"})


def normalise(text: str) -> tuple[str, int]:
    """NFKC with care (counted: runs changed).

    Full-width letters and digits, half-width kana, ligatures and square units take their usual form and combining
    marks are composed, a half-width voicing mark with the full letter before it, too. What carries style stays.
    """
    if text.isascii():
        return text, 0
    struck = 0
    if not unicodedata.is_normalized("NFC", text):
        text, struck = unicodedata.normalize("NFC", text), 1
    if not _MAY_BE_COMPATIBILITY[_units(text)].any():
        return text, struck
    text, found = _COMPATIBILITY.subn(_usual, text)
    return text, struck + found


def _usual(run: re.Match[str]) -> str:
    usual = unicodedata.normalize("NFKC", run[0])
    # A voicing mark behind a letter that takes none ("あﾞ") stands beside it, not on it.
    return usual.translate(_ALONE) if "\uff9e" in run[0] or "\uff9f" in run[0] else usual


def orderly(text: str) -> str:
    """`text` through all of these rules."""
    for rule in (mojibake, newlines, control_characters, normalise):
        text, _ = rule(text)
    return text
