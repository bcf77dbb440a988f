"""The entries of a glossary as DeepL's clients send them: lines of source and target, parted by tabs or as CSV."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator

from in2x.web.guard import Fault

Entries = list[tuple[str, str]]
"""Source terms and their renderings."""
LONGEST = 1024
"""Bytes of a term, in UTF-8 (as DeepL has it)."""


def read_entries(text: str, form: str) -> Entries:
    """The entries in `text`.

    Args:
        text: a line each; blank lines are none.
        form: "tsv" or "csv".

    Raises:
        Fault: 400, no entry, a line that is none, or a source term that is there twice.
    """
    if form not in ("tsv", "csv"):
        raise Fault(400, "bad-request", "entries_format must be tsv or csv")
    found: dict[str, str] = {}
    for number, cells in _tsv(text) if form == "tsv" else _csv(text):
        cells = [cell.strip() for cell in cells]
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise Fault(400, "bad-request", f"line {number} of the entries lacks a source or a target term")
        if form == "tsv" and len(cells) > 2:
            raise Fault(400, "bad-request", f"line {number} of the entries has more than two cells")
        source, target = cells[:2]
        for term in (source, target):
            if len(term.encode()) > LONGEST:
                raise Fault(400, "bad-request", f"line {number} of the entries has a term of more than {LONGEST} bytes")
            if any(unicodedata.category(char) == "Cc" for char in term):
                raise Fault(400, "bad-request", f"line {number} of the entries holds a control character")
        if source in found:
            raise Fault(400, "bad-request", f"line {number} of the entries has a source term that is there already")
        found[source] = target
    if not found:
        raise Fault(400, "bad-request", "the entries are empty")
    return list(found.items())


def write_entries(entries: Entries) -> str:
    """Entries as lines with tabs."""
    return "\n".join(f"{source}\t{target}" for source, target in entries)


def _tsv(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if line.strip():
            yield number, line.split("\t")


def _csv(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise Fault(400, "bad-request", f"the entries are no CSV ({error})") from None
