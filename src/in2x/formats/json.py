"""JSON: string values that paths choose or that look like text for people; keys never.

New texts are written with the escapes that the file uses. Duplicate keys are refused, for which of two values a program
reads is not known.
"""

from __future__ import annotations

from in2x.formats import messages
from in2x.formats.document import Document, Options, Segment
from in2x.formats.json_tokens import string, values, writer
from in2x.formats.paths import Chosen, shown
from in2x.formats.spans import Draft, decoded


def read(raw: bytes, name: str, options: Options) -> Document:
    """The strings of a JSON text."""
    draft = Draft(decoded(raw, name))
    add_values(draft, Chosen(options), 0, len(draft.source.text), "")
    return draft.document(raw)


def add_values(draft: Draft, chosen: Chosen, start: int, end: int, before: str) -> None:
    """Add the strings of the JSON value between two offsets; `before` is said before each path ("line 3, ")."""
    put = writer(draft.source)
    for value in values(draft.source, start, end):
        if value.kind != "string":
            continue
        text, place = string(draft.source, value), before + shown(value.path)
        if why := chosen.why_not(value.path, text):
            draft.skip(place, text, why)
            continue
        group = before.rstrip(", ") or shown(value.path[:1])
        like = Segment("", place=place, kind="message", group=group)
        messages.add(draft, text, value.start, value.end, like, put)
