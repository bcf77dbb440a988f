"""A text as what a model reads and what stays around it: line breaks, indentation, list marks.

A model gets one line without its frame; the frame comes back unchanged, so that a text has as many lines, as deeply
indented and marked, after as before. A subtitle is one sentence broken to fit the screen: its lines are joined, and the
format breaks the translation anew.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from in2x.formats.document import Segment, Tag, Text
from in2x.translate.backend import LINE_BREAKS, wordless

_INDENT = re.compile(r"[^\S\r\n]*")
_BULLET = re.compile(r"(?:[-*+•‣◦·・●○◆◇■□▪→※]|>)[^\S\r\n]+|[•‣◦●○◆◇■□▪]")
_NUMBERED = re.compile(r"(?:\(?(\d{1,3})[.)]|（(\d{1,3})）|(\d{1,3})、)[^\S\r\n]*(?=\S)")
_BREAK = re.compile(r"(?:\r\n|\r|\n)+")


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of a text that a model is to translate."""

    head: str
    """What stands before it and stays: the lines above that have no words, indentation, a list mark."""
    body: Text
    """What is translated; its tags count from its own beginning."""
    tail: str
    """White space behind it."""


def pieces(segment: Segment, marked: bool = False) -> tuple[Piece, ...]:
    """The pieces of a segment, at least one; their heads, bodies and tails joined are its text.

    Args:
        segment: the segment.
        marked: whether a number at its beginning is the mark of a list (`list_marks`).
    """
    if segment.kind == "subtitle":
        return (Piece("", _joined(segment), ""),)
    frames: list[tuple[str, int, int, str]] = []
    head, at = "", 0
    places = sorted(tag.at for tag in segment.tags)
    breaks = [match.span() for match in _BREAK.finditer(segment.text)] + [(len(segment.text), len(segment.text))]
    for number, (end, after) in enumerate(breaks):
        line = segment.text[at:end]
        if wordless(line) is not None:
            head += segment.text[at:after]
        else:
            first = at + _mark(line, marked and number == 0)
            last = at + len(line.rstrip())
            # A tag in the white space around a line keeps its place there: it may stand for a word of the line.
            first = min([first, *places[bisect_left(places, at) : bisect_left(places, first)]])
            last = max([last, *places[bisect_right(places, last) : bisect_right(places, end)]])
            frames.append((head + segment.text[at:first], first, last, segment.text[last:after]))
            head = ""
        at = after
    if not frames:
        return (Piece("", Text(segment.text, segment.tags), ""),)
    frames[-1] = (*frames[-1][:3], frames[-1][3] + head)
    ends = [last for _, _, last, _ in frames]
    tags: list[list[Tag]] = [[] for _ in frames]
    for tag in segment.tags:  # each goes to the line that it stands in, or before
        tags[next((n for n, end in enumerate(ends) if tag.at <= end), len(ends) - 1)].append(tag)
    return tuple(
        Piece(head, _body(segment.text, first, last, _paired(own)), tail)
        for (head, first, last, tail), own in zip(frames, tags, strict=True)
    )


def whole(segment: Segment, parts: Sequence[Piece], bodies: Sequence[Text]) -> Text:
    """The translation of `segment` that `bodies` make in the frames of its `parts`."""
    kinds = {(tag.number, tag.raw): tag.kind for tag in segment.tags}
    text, tags = "", list[Tag]()
    for part, body in zip(parts, bodies, strict=True):
        text += part.head
        tags += [
            replace(tag, at=tag.at + len(text), kind=kinds.get((tag.number, tag.raw), tag.kind)) for tag in body.tags
        ]
        text += body.text + part.tail
    return Text(text, tuple(tags))


def bodies(parts: Sequence[Piece], text: str) -> list[str]:
    """What `whole` put into the frames of `parts`, out of its text; [] where the frames are not there."""
    frames = "".join(f"{re.escape(part.head)}(.*?){re.escape(part.tail)}" for part in parts)
    found = re.fullmatch(frames, text, re.DOTALL)
    return list(found.groups()) if found else []


def list_marks(texts: Sequence[str]) -> list[bool]:
    """Whether the number at the beginning of each text is the mark of a list: its neighbour has the next one.

    A lone "2." may be an ordinal, or half a date.
    """
    numbers = [_number(text) for text in texts]
    there = {(place, number) for place, number in enumerate(numbers) if number is not None}
    return [
        number is not None and bool({(place - 1, number - 1), (place + 1, number + 1)} & there)
        for place, number in enumerate(numbers)
    ]


def _number(text: str) -> int | None:
    found = _NUMBERED.match(text.lstrip())
    return int(found[1] or found[2] or found[3]) if found else None


def _mark(line: str, numbered: bool) -> int:
    """Code points of indentation and list mark at the beginning of `line`, before some words."""
    at = _INDENT.match(line).end()  # type: ignore[union-attr]  # it matches nothing too
    while (mark := _BULLET.match(line, at)) or (numbered and (mark := _NUMBERED.match(line, at))):
        if wordless(line[mark.end() :]) is not None:
            break
        at, numbered = mark.end(), numbered and not _NUMBERED.match(line, at)
    return at


def _body(text: str, start: int, end: int, tags: Sequence[Tag]) -> Text:
    """`text[start:end]` with `tags`; one in the frame moves to the nearer end."""
    return Text(text[start:end], tuple(replace(tag, at=min(max(tag.at, start), end) - start) for tag in tags))


def _paired(tags: Sequence[Tag]) -> list[Tag]:
    """Tags of one line: half a pair, whose other half stands in another line, is a lone tag."""
    opened = {tag.number for tag in tags if tag.kind == "open"}
    closed = {tag.number for tag in tags if tag.kind == "close"}
    return [tag if tag.kind == "alone" or tag.number in opened & closed else replace(tag, kind="alone") for tag in tags]


def _joined(text: Text) -> Text:
    """`text` with each line break made a space, as a model reads it; its tags stay before the same letters."""
    moved: list[tuple[int, int]] = []  # (place behind a break in the text, how much shorter the joined text is there)
    out, at, shorter = "", 0, 0
    for found in LINE_BREAKS.finditer(text.text):
        out += text.text[at : found.start()] + " "
        at = found.end()
        shorter += at - found.start() - 1
        moved.append((at, shorter))
    out += text.text[at:]

    def place(of: int) -> int:
        return of - max((less for behind, less in moved if behind <= of), default=0)

    return Text(out, tuple(replace(tag, at=min(place(tag.at), len(out))) for tag in text.tags))
