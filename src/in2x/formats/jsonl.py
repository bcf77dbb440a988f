"""JSON Lines: each line a JSON value of its own, read as `json.py` reads one; the lines of a record are its group."""

from __future__ import annotations

from in2x.formats.document import Document, Options
from in2x.formats.json import add_values
from in2x.formats.paths import Chosen
from in2x.formats.spans import BREAK, Draft, decoded


def read(raw: bytes, name: str, options: Options) -> Document:
    """The strings of every line that is not empty."""
    draft = Draft(decoded(raw, name))
    text, chosen, start = draft.source.text, Chosen(options), 0
    for number, match in enumerate([*BREAK.finditer(text), None], 1):
        end = match.start() if match else len(text)
        if text[start:end].strip():
            add_values(draft, chosen, start, end, f"line {number}, ")
        start = match.end() if match else end
    return draft.document(raw)
