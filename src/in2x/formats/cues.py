"""What subtitle formats share: the lines of a cue become one text, and a translation is broken into lines anew.

Two speakers in one cue (lines that begin with a dash, or name a voice) are a segment each, and so are lines of a song
that each begin with a note; the notes around a song are no text and stay. A cue that is too long or
shown too short keeps all its words: its `Limit` says what it should keep to, and checks may ask for a shorter one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from in2x.formats import placeholders
from in2x.formats.document import Options, Segment, Text
from in2x.formats.layout import between, rules, wrapped
from in2x.formats.spans import Draft, flat, lettered

_TAGS = r"(?:<[^<>]*>|\{[^{}]*\})*"
DASH = re.compile(rf"{_TAGS}\s*[-–—‐・]\s*")
NOTE = re.compile(rf"{_TAGS}\s*[♩♪♫♬]+\s*")
"""Before a line that is sung."""
NOTE_BEHIND = re.compile(rf"\s*[♩♪♫♬]+\s*{_TAGS}\s*$")


@dataclass(frozen=True, slots=True)
class Style:
    """How a format writes the text of a cue."""

    marks: re.Pattern[str]
    """Its tags."""
    newline: str
    """Between two lines."""
    plain: Callable[[str], str] = str
    """Undoes its escapes."""
    escape: Callable[[str], str] = str
    voice: re.Pattern[str] | None = None
    """What a line begins with that names its speaker (group 1)."""


def add(
    draft: Draft, lines: Sequence[tuple[int, int]], like: Segment, seconds: float, style: Style, options: Options
) -> None:
    """Add a cue, given the offsets of its lines."""
    source = draft.source.text
    whole = rules(options.target_lang).limit(round(seconds, 3) if seconds > 0 else None)
    begins = [DASH.match(source, start, end) for start, end in lines]
    sung = [NOTE.match(source, start, end) for start, end in lines]
    if sum(one is not None for one in sung) > 1:
        begins = [begin or one for begin, one in zip(begins, sung, strict=True)]
    voices = [style.voice.match(source, start, end) if style.voice else None for start, end in lines]
    alone = sum(begin is not None for begin in begins) > 1 or sum(voice is not None for voice in voices) > 1
    blocks: list[list[tuple[int, int]]] = []
    firsts: list[int] = []
    for number, line in enumerate(lines):
        if blocks and not (alone and (begins[number] or voices[number])):
            blocks[-1].append(line)
        else:
            blocks.append([line])
            firsts.append(number)
    limit = replace(whole, lines=1) if alone else whole
    for first, block in zip(firsts, blocks, strict=True):
        dash, voice = begins[first] if alone else None, voices[first]
        start, end = dash.end() if dash else block[0][0], block[-1][1]
        while start < end and source[start].isspace():
            start += 1
        block[0] = (start, block[0][1])
        start, end = _unsung(source, block, alone)
        text = _text(source, block, style)
        raw = " ".join(source[first:last] for first, last in block)
        if not lettered(text.text):
            if raw.strip():
                draft.skip(like.place, raw, "it has no letter")
            continue
        speaker = style.plain(voice[1]).strip() if voice else like.speaker
        shown = tuple(style.plain(style.marks.sub("", source[first:last])).strip() for first, last in block)
        segment = replace(like, text=text.text, tags=text.tags, limit=limit, lines=shown, speaker=speaker)
        draft.add(segment, start, end, _writer(style, options))


def _unsung(source: str, block: list[tuple[int, int]], alone: bool) -> tuple[int, int]:
    """Take the notes off both ends of a song; its new offsets.

    Tags around the notes go with them where both ends have as many, or where the lines of a cue are segments each.
    """
    first = NOTE.match(source, *block[0])
    if first and first.end() >= block[0][1]:
        return block[0][0], block[-1][1]
    start = first.end() if first else block[0][0]
    last = NOTE_BEHIND.search(source, start if len(block) == 1 else block[-1][0], block[-1][1])
    if alone or (first[0].count("<") if first else 0) == (last[0].count("<") if last else 0):
        block[0] = (start, block[0][1])
        if last:
            block[-1] = (block[-1][0], last.start())
    return block[0][0], block[-1][1]


def _text(source: str, block: Sequence[tuple[int, int]], style: Style) -> Text:
    """The lines as one text with its tags; a space between lines, none beside full-width letters."""
    raw = ""
    for start, end in block:
        line = source[start:end].strip()
        before, after = style.marks.sub("", raw)[-1:], style.marks.sub("", line)[:1]
        raw += between(before, after) + line
    return placeholders.cut(raw, [match.span() for match in style.marks.finditer(raw)], style.plain)


def _writer(style: Style, options: Options) -> Callable[[Text], str]:
    whole = rules(options.target_lang).limit(None)

    def put(new: Text) -> str:
        return flat(wrapped(new, options.target_lang, whole), style.escape).replace("\n", style.newline)

    return put
