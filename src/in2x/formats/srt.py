"""SubRip: everything between two lines of times is a cue, whatever is missing or doubled around it.

The line before the times is the number of a cue if it is digits and the file numbers its cues; a cue may itself be
"40". Numbers, times and positions are never touched; `<i>`, `<font>` and `{\\an8}` are tags.
"""

from __future__ import annotations

import re

from in2x.formats import cues
from in2x.formats.document import Document, Options, Segment
from in2x.formats.spans import BREAK, Draft, decoded

STAMP = r"(\d{1,3}):(\d{1,2}):(\d{1,2})(?:[,.](\d{1,3}))?"
TIMES = re.compile(rf"[ \t\ufeff]*{STAMP}[ \t]*-{{1,2}}>[ \t]*{STAMP}[ \t]*(?:[XY]\d.*)?[ \t]*")
BROKEN = re.compile(r"\d:\d\d.*-{1,2}[>=].*\d:\d\d")
"""Looks like times and is none: a part of the file that a player does not read."""
MARKS = re.compile(r"</?[a-zA-Z][^<>\n]*>|\{\\[^{}]*\}|\{/?[a-zA-Z]:?[^{} ]{0,12}\}|\\[Nh]")


def read(raw: bytes, name: str, options: Options) -> Document:
    """The cues of a subtitle file.

    Raises:
        In2xError: it has no line of times.
    """
    draft = Draft(decoded(raw, name))
    text = draft.source.text
    if text.startswith("WEBVTT"):
        raise draft.source.fault("it begins with WEBVTT, so these are no SubRip subtitles", 0, "name it .vtt")
    lines = lines_of(text)
    times = [
        (number, match) for number, (start, end) in enumerate(lines) if (match := TIMES.fullmatch(text, start, end))
    ]
    if not times and text.strip():
        raise draft.source.fault("no line of times, so these are no SubRip subtitles", 0, "check the file's format")
    numbered = bool(times) and times[0][0] > 0 and _digits(text, lines[times[0][0] - 1])
    for number in range(times[0][0] - numbered if times else 0):
        if text[slice(*lines[number])].strip():
            draft.skip(f"line {number + 1}", text[slice(*lines[number])], "it stands before the first cue")
    style = cues.Style(MARKS, draft.source.newline)
    for count, (number, match) in enumerate(times):
        last = count + 1 == len(times)
        stop = len(lines) if last else times[count + 1][0]
        if not last and numbered and stop - 1 > number and _digits(text, lines[stop - 1]):
            stop -= 1
        block: list[tuple[int, int]] = []
        for start, end in [*lines[number + 1 : stop], (0, 0)]:
            broken = BROKEN.search(text, start, end)
            if broken:
                place = f"line {draft.source.line(start)}"
                draft.skip(place, text[start:end], "times that cannot be read")
            if text[start:end].strip() and not broken:
                block.append((start, end))
            elif block:
                like = Segment("", place=f"cue {count + 1}", kind="subtitle", group="subtitles")
                cues.add(draft, block, like, seconds(match), style, options)
                block = []
    return draft.document(raw)


def lines_of(text: str) -> list[tuple[int, int]]:
    """Where each line of a text begins and ends, its break not included."""
    out, start = [], 0
    for match in BREAK.finditer(text):
        out.append((start, match.start()))
        start = match.end()
    return [*out, (start, len(text))]


def seconds(match: re.Match[str]) -> float:
    """How long a cue is shown, of a match with two stamps of four groups (hours, minutes, seconds, decimals)."""

    def stamp(first: int) -> float:
        hours, minutes, whole, part = (match[first + step] or "0" for step in range(4))
        return int(hours) * 3600 + int(minutes) * 60 + int(whole) + float(f".{part}")

    return stamp(5) - stamp(1)


def _digits(text: str, line: tuple[int, int]) -> bool:
    return re.fullmatch(r"[\s\ufeff]*\d+\s*", text[slice(*line)]) is not None
