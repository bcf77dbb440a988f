"""Plain text: a segment for each line, a group for each paragraph.

Indentation, marks of lists and quotes, and white space at the end stay outside the segment; a line without a letter
passes as it is. Line breaks of every kind and a missing one at the end are kept, as nothing but the text is replaced.
"""

from __future__ import annotations

import re

from in2x.formats.document import Document, Options, Segment, Text
from in2x.formats.spans import BREAK, Draft, decoded, flat, lettered, single_line

MARGIN = re.compile(
    r"[\s\u200b\ufeff]*"
    r"(?:(?:[-*+•‣◦▪▫■□●○◆◇★☆※・>＞»]|[-–—]{1,2}(?=\s)|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})[.)](?=\s)"
    r"|[(（]?(?:\d{1,3}|[０-９]{1,3})[.)）．、:：]|[①-⑳])[\s\u200b]*){0,4}"
)
"""What stands before the text of a line: white space, and marks of lists and quotes."""


def read(raw: bytes, name: str, options: Options) -> Document:
    """The lines of a text as segments."""
    draft = Draft(decoded(raw, name))
    text = draft.source.text
    paragraph, blank, start = 0, True, 0
    for number, end in enumerate([*(match.start() for match in BREAK.finditer(text)), len(text)], 1):
        line = text[start:end]
        if not line.strip():
            blank = True
        else:
            paragraph += blank
            blank = False
            _line(draft, line, start, number, paragraph)
        start = end + (2 if text.startswith("\r\n", end) else 1)
    return draft.document(raw)


def _line(draft: Draft, line: str, start: int, number: int, paragraph: int) -> None:
    place = f"line {number}"
    margin = MARGIN.match(line)
    begin = margin.end() if margin else 0
    body = line[begin:].rstrip()
    if lettered(body):
        segment = Segment(body, place=place, group=f"paragraph {paragraph}")
        draft.add(segment, start + begin, start + begin + len(body), _put)
    else:
        draft.skip(place, line.strip(), "it has no letter")


def _put(text: Text) -> str:
    return single_line(flat(text))
