"""Sentences of a text: at the marks that end one in its language, and at line breaks.

A full stop ends a sentence only before white space or the end, not after an abbreviation, an initial ("J. Smith") or
before a small letter. Closing quotation marks and brackets belong to the sentence that they close. Our choice; what
it cannot tell (a sentence that begins with a name after "Inc.") stays one sentence.
"""

from __future__ import annotations

import re
from functools import cache

_CLOSING = "\"'”’»›）)」』】］\\]〉》“"
_FULLWIDTH = "。！？．।॥۔።།។။"
_QUOTATIVE = ("と", "って")
"""Marks that end a sentence without a space behind them."""


@cache
def _end(ends: str) -> re.Pattern[str]:
    wide = "".join(char for char in ends if char in _FULLWIDTH)
    marks = re.escape(ends + ("！？" if wide else ""))
    free = re.escape(wide) + ("！？" if wide else "")
    alone = rf"[{marks}]*[{free}][{marks}]*[{_CLOSING}]*\s*|" if wide else ""
    return re.compile(rf"{alone}[{marks}]+[{_CLOSING}]*(?:\s+|$)|\n+")


def sentence_spans(text: str, ends: str, abbreviations: frozenset[str] = frozenset()) -> list[tuple[int, int]]:
    """(start, end) of each sentence, without the white space around it."""
    spans, start = [], 0
    for match in _end(ends).finditer(text):
        if not _stops(text, start, match, abbreviations):
            continue
        spans.append((start, match.end()))
        start = match.end()
    spans.append((start, len(text)))
    bare = []
    for start, end in spans:
        piece = text[start:end]
        if piece.strip():
            bare.append((start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))
    return bare


def _stops(text: str, start: int, match: re.Match[str], abbreviations: frozenset[str]) -> bool:
    """Whether the marks that `match` found end the sentence that began at `start`."""
    if "\n" in match[0] or match.end() == len(text):
        return True
    following, mark = text[match.end()], match[0].rstrip()
    if mark[-1] in '」』” )）"»' and text.startswith(_QUOTATIVE, match.end()):
        return False  # 「はい。」と言った。
    if any(char in _FULLWIDTH for char in mark):
        return True
    if mark != ".":
        return not following.islower()
    words = text[start : match.start()].split()
    last = words[-1].lstrip("(\"'“„«") if words else ""
    if not last or last.lower() in abbreviations or (len(last) == 1 and last.isupper() and last != "I"):
        return False
    return not following.islower()
