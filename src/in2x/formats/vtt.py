"""WebVTT: cues as in SubRip; notes, styles, regions, cue names and settings stay. `<v Name>` names the speaker."""

from __future__ import annotations

import html
import re

from in2x.formats import cues
from in2x.formats.document import Document, Options, Segment
from in2x.formats.spans import Draft, decoded
from in2x.formats.srt import lines_of, seconds

STAMP = r"(?:(\d{2,}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
TIMES = re.compile(rf"[ \t]*{STAMP}[ \t]*-->[ \t]*{STAMP}(?:[ \t].*)?")
MARKS = re.compile(r"</?(?:[a-zA-Z][^<>\n]*|\d[\d:.]*)>|<[/c]?>")
VOICE = re.compile(r"\s*<v(?:\.[^\s<>]*)?[ \t]+([^<>]+)>")
BLOCKS = {"NOTE": "a note", "STYLE": "style sheets", "REGION": "a region"}


def read(raw: bytes, name: str, options: Options) -> Document:
    """The cues of a WebVTT file.

    Raises:
        In2xError: it does not begin with WEBVTT.
    """
    draft = Draft(decoded(raw, name))
    text = draft.source.text
    if not re.match(r"WEBVTT(?:[ \t\r\n]|\Z)", text):
        raise draft.source.fault("it does not begin with WEBVTT", 0, "check the file's format")
    lines = lines_of(text)
    style = cues.Style(MARKS, draft.source.newline, html.unescape, _escaped, VOICE)
    number, count = 0, 0
    while number < len(lines):
        stop = number
        while stop < len(lines) and text[slice(*lines[stop])].strip():
            stop += 1
        at = number
        times = None
        while at < stop and not (times := TIMES.fullmatch(text, *lines[at])):
            at += 1
        if times is None:
            _other(draft, lines[number:stop], number)
        while times is not None:
            count += 1
            end = at + 1
            following = None
            while end < stop and not (following := TIMES.fullmatch(text, *lines[end])):
                end += 1
            like = Segment("", place=f"cue {count}", kind="subtitle", group="subtitles")
            block: list[tuple[int, int]] = []
            for first, last in [*lines[at + 1 : end], (0, 0)]:
                if first < last and "-->" not in text[first:last]:
                    block.append((first, last))
                    continue
                if first < last:
                    draft.skip(f"line {draft.source.line(first)}", text[first:last], "times that cannot be read")
                if block:
                    cues.add(draft, block, like, seconds(times), style, options)
                block = []
            at, times = end, following
        number = max(stop, number) + 1
    return draft.document(raw)


def _other(draft: Draft, block: list[tuple[int, int]], number: int) -> None:
    """A block without times: a note, style sheets, the head."""
    if block:
        text = draft.source.text[block[0][0] : block[-1][1]]
        word = re.match(r"[A-Z]*", text)
        why = "the head" if number == 0 else BLOCKS.get(word[0] if word else "", "a block without times")
        draft.skip(f"line {number + 1}", text, why)


def _escaped(text: str) -> str:
    out = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return out.replace("\u00a0", "&nbsp;").replace("\u200e", "&lrm;").replace("\u200f", "&rlm;")
