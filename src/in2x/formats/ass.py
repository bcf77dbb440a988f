"""Advanced SubStation Alpha (.ass, .ssa): the text of each Dialogue line; `{...}` are tags, `\\N` breaks lines.

Drawings (`{\\p1}`) and karaoke (`{\\k20}`) are skipped with that reason, comments and styles stay. The field Name is
the speaker.
"""

from __future__ import annotations

import re

from in2x.formats import cues
from in2x.formats.document import Document, Options, Segment
from in2x.formats.spans import Draft, decoded
from in2x.formats.srt import lines_of

MARKS = re.compile(r"\{[^{}]*\}")
DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")
KARAOKE = re.compile(r"\{[^{}]*\\(?:k[fot]?|K)\d")
STAMP = re.compile(r"\s*(\d+):(\d{1,2}):(\d{1,2})[.:,](\d{1,3})\s*")
FIELDS = ("Layer", "Start", "End", "Style", "Name", "MarginL", "MarginR", "MarginV", "Effect", "Text")


def read(raw: bytes, name: str, options: Options) -> Document:
    """The dialogue of a script.

    Raises:
        In2xError: it has no [Events], or a dialogue line with too few fields.
    """
    draft = Draft(decoded(raw, name))
    text = draft.source.text
    if not re.search(r"^\s*\[Events\]", text, re.MULTILINE | re.IGNORECASE) and text.strip():
        raise draft.source.fault("no [Events], so this is no SubStation script", 0, "check the file's format")
    style = cues.Style(MARKS, r"\N", _plain, _escaped)
    fields, section = [field.lower() for field in FIELDS], ""
    for number, (start, end) in enumerate(lines_of(text), 1):
        line = text[start:end]
        if head := re.fullmatch(r"\s*\[(.+)\]\s*", line):
            section = head[1].lower()
        elif section != "events":
            if section == "script info" and (title := re.match(r"Title:\s*(\S.*)", line)):
                draft.skip(f"line {number}", title[1], "the title of the script, which is not shown")
        elif match := re.match(r"\s*Format\s*:", line):
            fields = [field.strip().lower() for field in line[match.end() :].split(",")]
        elif match := re.match(r"\s*Comment\s*:", line):
            draft.skip(f"line {number}", line[match.end() :].split(",", len(fields) - 1)[-1], "a comment")
        elif match := re.match(r"\s*Dialogue\s*:", line):
            values = line[match.end() :].split(",", len(fields) - 1)
            if len(values) < len(fields) or fields[-1] != "text":
                raise draft.source.fault(
                    f"a dialogue line of {len(values)} fields, where its Format has {len(fields)}", start
                )
            _dialogue(draft, dict(zip(fields, values, strict=True)), number, end, style, options)
    return draft.document(raw)


def _dialogue(draft: Draft, values: dict[str, str], number: int, end: int, style: cues.Style, options: Options) -> None:
    place, text = f"line {number}", values["text"]
    if DRAWING.search(text):
        draft.skip(place, text, "a drawing")
    elif KARAOKE.search(text):
        draft.skip(place, text, "karaoke, whose syllables are timed")
    elif MARKS.sub("", text).strip():
        at, lines = end - len(text), []
        for piece in re.split(r"(\\[Nn])", text):
            if not re.fullmatch(r"\\[Nn]", piece) and piece.strip():
                lines.append((at, at + len(piece)))
            at += len(piece)
        speaker = values.get("name", values.get("actor", "")).strip()
        like = Segment("", place=place, kind="subtitle", group="dialogue", speaker=speaker)
        cues.add(draft, lines, like, _stamp(values.get("end", "")) - _stamp(values.get("start", "")), style, options)


def _stamp(text: str) -> float:
    match = STAMP.fullmatch(text)
    if not match:
        return 0
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) + float(f".{match[4]}")


def _plain(text: str) -> str:
    return text.replace(r"\h", "\u00a0").replace(r"\{", "{").replace(r"\}", "}")


def _escaped(text: str) -> str:
    return text.replace("\u00a0", r"\h").replace("{", r"\{").replace("}", r"\}")
