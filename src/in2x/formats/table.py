"""CSV and TSV: cells of the columns that are named, or all whose texts look like texts for people.

RFC 4180: quotes double inside quotes, cells may hold line breaks. The delimiter is what parts the first lines most
evenly. The first row is taken for names of columns where it looks like them; columns chosen by number (`1`, `2`) are of
a table without names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import NamedTuple

from in2x.errors import UsageError
from in2x.formats import messages
from in2x.formats.document import Document, Options, Segment
from in2x.formats.paths import why_no_text
from in2x.formats.spans import BREAK, Decoded, Draft, decoded, lettered, single_line

DELIMITERS = ",;\t|"
LONGEST_NAME = 40
"""Characters of the longest name of a column (our choice)."""


class Cell(NamedTuple):
    """A cell and its place."""

    row: int
    column: int
    start: int
    end: int
    text: str
    quoted: bool


def read(raw: bytes, name: str, options: Options) -> Document:
    """The cells of a table."""
    draft = Draft(decoded(raw, name))
    delimiter = "\t" if PurePath(name).suffix.lower() == ".tsv" else _delimiter(draft.source.text)
    table = list(cells(draft.source, delimiter))
    first = [cell for cell in table if cell.row == 1]
    by_number = bool(options.paths) and all(path.isdigit() for path in options.paths)
    named = not by_number and _is_head(first, table, bool(options.paths))
    names = {cell.column: cell.text.strip() if named else str(cell.column + 1) for cell in first}
    if missing := [path for path in options.paths if path not in names.values()]:
        known = ", ".join(names.values())
        raise UsageError(f"there is no column {missing[0]!r}", file=name, line=1, mend=f"there are {known}")
    bare = delimiter == "\t" and not any(cell.quoted for cell in table)
    for cell in table:
        column = names.get(cell.column, str(cell.column + 1))
        place = f"row {cell.row}, column {column}"
        if not lettered(cell.text):
            if cell.text.strip():
                draft.skip(place, cell.text, "it has no letter")
        elif named and cell.row == 1:
            draft.skip(place, cell.text, "the name of a column")
        elif options.paths and column not in options.paths:
            draft.skip(place, cell.text, "its column is not chosen")
        elif not options.paths and (why := why_no_text(cell.text, column)):
            draft.skip(place, cell.text, why)
        else:
            like = Segment("", place=place, kind="cell", group=f"column {column}")
            messages.add(draft, cell.text, cell.start, cell.end, like, _writer(delimiter, cell.quoted, bare))
    return draft.document(raw)


def cells(source: Decoded, delimiter: str) -> Iterator[Cell]:
    """All cells of a table, in order.

    Raises:
        In2xError: a quote that is not closed.
    """
    text, at, row, column = source.text, 0, 1, 0
    bare = re.compile(rf"[^{re.escape(delimiter)}\r\n]*")
    inside = re.compile(r'"((?:[^"]|"")*+)"')
    while at < len(text):
        quoted = inside.match(text, at) if text[at] == '"' else None
        if quoted is None and text[at] == '"' and delimiter != "\t":
            raise source.fault("a quote that is not closed", at, "close it, or double a quote that is text")
        rest = bare.match(text, quoted.end() if quoted else at)
        assert rest is not None
        value = quoted[1].replace('""', '"') + rest[0] if quoted else rest[0]
        yield Cell(row, column, at, rest.end(), value, quoted is not None)
        at = rest.end()
        if text[at : at + 1] == delimiter:
            at, column = at + 1, column + 1
            if at == len(text):
                yield Cell(row, column, at, at, "", False)
        elif end := BREAK.match(text, at):
            at, row, column = end.end(), row + 1, 0


def _delimiter(text: str) -> str:
    """What parts the first lines, quoted parts aside, into most columns of one number."""
    head = re.sub(r'"(?:[^"]|"")*+"', '""', text[:20_000])
    lines = [line for line in BREAK.split(head)[:50] if line]

    def evenness(mark: str) -> tuple[float, int]:
        counts = [line.count(mark) for line in lines]
        usual = max(set(counts), key=counts.count, default=0)
        return (counts.count(usual) / len(counts) if usual else 0, usual)

    return max(DELIMITERS, key=evenness)


def _is_head(first: list[Cell], table: list[Cell], asked: bool) -> bool:
    """Whether the first row holds the names of the columns."""
    names = [cell.text.strip() for cell in first]
    if asked:
        return True
    return (
        len(table) > len(first)
        and len(set(names)) == len(names)
        and all(lettered(name) and len(name) <= LONGEST_NAME and name[-1] not in ".!?。！？…" for name in names)
    )


def _writer(delimiter: str, quoted: bool, bare: bool) -> Callable[[str], str]:
    """How a cell is written; `bare` is a table of tabs without any quotes, which programs split at each tab."""

    def put(new: str) -> str:
        if bare and not new.startswith('"'):
            return single_line(new).replace("\t", " ")
        if quoted or bare or re.search(r'["\r\n]|^\s|\s$', new) or delimiter in new:
            return '"' + new.replace('"', '""') + '"'
        return new

    return put
