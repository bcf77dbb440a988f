"""Signs that change what a text says while its words stay: C and C++, 5 > 3 and 5 < 3, 7 - 2 and 7 + 2, 3.5 and 35.

Who compares texts by their letters (for copies) compares these as well. Punctuation, typographic dashes between words,
bullets and the stars of Markdown are no such signs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

_SUPERSCRIPTS = {char: f"^{n}" for n, char in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_DASHES = "−–‐‑﹣"
_ALWAYS = r"+<>=^%‰°√♯♭±×÷¬\u2190-\u21ff\u2200-\u22ff"
_MONEY = "$€£¥₩₹₽"
_SIGN = re.compile(
    # One class first, so that the search runs from sign to sign; then what stands around it.
    rf"[{_ALWAYS}{_MONEY}!#.,\-*/:]"
    rf"(?:(?<=[{_ALWAYS}])[{_ALWAYS}]*|(?<=!)=+"
    r"|(?<=[a-z]#)(?![a-z0-9_#])"
    r"|(?<=\d[.,])(?=\d)|(?:(?<=\d[-*/:])|(?<=\d [-*/:])) ?(?=\d)"
    r"|(?<=-)(?<![a-z0-9_.\-]-)(?=\.?\d|[a-z](?![a-z]))|(?<=[a-z0-9]-)(?![a-z0-9_\-\n])"
    rf"|(?<=[{_MONEY}])(?= ?\d))"
)

_FURTHER = re.compile("[\U00010000-\U0001ffff]")
"""Planes that hold letters and digits in other forms beside emoji."""


@cache
def _telling() -> re.Pattern[str]:
    """A character without which a line has no sign: one of those that stand alone, a hyphen, a digit, in any form.

    Of the basic plane only: with others in it a class is searched ten times more slowly.
    """
    sign = re.compile(rf"[{_ALWAYS}{_MONEY}#\-\d]")
    wide = (chr(code) for code in range(128, 0x10000) if not 0xD800 <= code < 0xE000)
    found = [char for char in wide if sign.search(unicodedata.normalize("NFKC", char))]
    ascii_ones = "".join(char for char in map(chr, range(128)) if sign.match(char))
    return re.compile("[" + re.escape(ascii_ones + "".join(found) + _DASHES + "".join(_SUPERSCRIPTS)) + "]")


def _told(text: str) -> str:
    """The lines of `text` with a telling character, and the lines beside them, which may hold its neighbours."""
    return "\n".join(text[start:stop] for start, stop in _spans(text))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    first = last = -1
    at = 0
    telling = _telling()
    while found := telling.search(text, at):
        start, stop = text.rfind("\n", 0, found.start()), text.find("\n", found.end())
        start = text.rfind("\n", 0, max(0, start)) + 1
        at = stop if stop >= 0 else len(text)
        stop = text.find("\n", at + 1)
        stop = stop if stop >= 0 else len(text)
        if first < 0:
            first, last = start, stop
        elif start <= last + 1:
            last = stop
        else:
            yield first, last
            first, last = start, stop
    if first >= 0:
        yield first, last


def signs(text: str) -> tuple[str, ...]:
    """The signs of `text` in order, each with the character on either side of it where that is a letter or digit."""
    if not _FURTHER.search(text):
        text = _told(text)
    if not text.isascii():
        for char, plain in _SUPERSCRIPTS.items():
            if char in text:
                text = text.replace(char, plain)
        text = unicodedata.normalize("NFKC", text)
        for char in _DASHES:
            text = text.replace(char, "-")
    text = text.casefold()
    found = []
    for match in _SIGN.finditer(text):
        before, after = text[max(0, match.start() - 2) : match.start()].rstrip(), text[match.end() : match.end() + 2]
        left, right = before[-1:], after.lstrip()[:1]
        sign = match[0].strip()
        found.append((left if left.isalnum() else "") + sign + (right if right.isascii() and right.isalnum() else ""))
    return tuple(found)
