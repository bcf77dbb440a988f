"""The table that a person reviews, riskiest first, and the edits that come back from it.

A tab-separated file with a head, which every spreadsheet opens: `risk place source translation why edited`. What
stands in `edited` when the file is given back is the translation from then on, whatever a model says. A line feed or
tab inside a text is written as \\n or \\t.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from in2x.errors import In2xError, UsageError
from in2x.translate.shown import shown

if TYPE_CHECKING:
    from in2x.translate.outcome import Outcome

COLUMNS = ("risk", "place", "source", "translation", "why", "edited")


@dataclass(frozen=True, slots=True)
class Edit:
    """A person's translation of one segment."""

    source: str
    """The segment as reviews and journals show it: inline tags as placeholders."""
    text: str
    place: str = ""
    """Where the segment stands; "" means every segment that reads so."""


class Edits:
    """All edits; a later one of the same segment wins."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[str, str], Edit] = {}

    def add(self, edit: Edit) -> bool:
        """Take `edit`; whether it says something new."""
        key = (edit.source, edit.place)
        new = self._by_place.get(key) != edit
        self._by_place[key] = edit
        return new

    def __iter__(self) -> Iterator[Edit]:
        """In the order in which they came."""
        return iter(self._by_place.values())

    def __len__(self) -> int:
        """How many."""
        return len(self._by_place)

    def matched(self, segments: Sequence[tuple[str, str]]) -> list[str | None]:
        """The edit of each segment, given as (source, place).

        That of its place; else one for any place, or of a place that reads otherwise by now (lines were added above).
        """
        there = set(segments)
        roaming: dict[str, str] = {}
        for (source, place), edit in self._by_place.items():
            if not place or (source, place) not in there:
                roaming[source] = edit.text
        found: list[str | None] = []
        for source, place in segments:
            exact = self._by_place.get((source, place))
            found.append(exact.text if exact else roaming.get(source))
        return found


def review_table(outcomes: Sequence[Outcome]) -> str:
    """The table of all segments that have a translation or should have one, riskiest first."""
    out = io.StringIO()
    table = csv.writer(out, dialect="excel-tab", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    table.writerow(COLUMNS)
    order = sorted(range(len(outcomes)), key=lambda n: (-outcomes[n].risk, n))
    for n in order:
        one = outcomes[n]
        source, translation = shown(one.segment, one.segment), shown(one.text, one.segment)
        if one.origin == "untouched":
            continue
        why = one.fault or "; ".join(f"{finding.principle}: {finding.why}" for finding in one.findings)
        failed = one.origin == "failed"
        table.writerow([f"{one.risk:g}", one.segment.place, _flat(source), "" if failed else _flat(translation), why,
                        _flat(translation) if one.origin == "edited" else ""])  # fmt: skip
    return out.getvalue()


def check_given_back(table: Path, known: Edits) -> None:
    """Refuse to write over a table in which a person has written what is not among the `known` edits.

    Raises:
        UsageError: there is such an edit, or the file is no such table.
    """
    if not table.exists():
        return
    own = list(read_edits(table))
    had = known.matched([(edit.source, edit.place) for edit in own])
    if fresh := sum(edit.text != text for edit, text in zip(own, had, strict=True)):
        raise UsageError(f"{fresh:,} of its edits were not given back yet", file=table,
                         mend=f"add --edits {table}, or move it away")  # fmt: skip


def read_edits(file: Path) -> Edits:
    """The edits in a review table (rows whose `edited` is filled in), or in JSON lines with the same names.

    Raises:
        In2xError: the file cannot be read, or has no columns `source` and `edited`.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise In2xError(f"cannot be read ({error.strerror})", file=file, mend="give a table of edits") from None
    except UnicodeDecodeError:
        raise In2xError("not UTF-8 text", file=file, mend="save it as UTF-8") from None
    table = file.suffix.lower() not in (".jsonl", ".json")
    if not table:
        rows = _json_rows(file, text)
    else:
        delimiter = "," if file.suffix.lower() == ".csv" else "\t"
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        if not {"source", "edited"} <= set(reader.fieldnames or ()):
            raise UsageError("no table of edits: it needs the columns source and edited", file=file, line=1,
                             mend="fill in the table that --qe writes")  # fmt: skip
        rows = [(number, row) for number, row in enumerate(reader, start=2)]
    edits = Edits()
    for number, row in rows:
        edited, source = str(row.get("edited") or ""), str(row.get("source") or "")
        if edited.strip() and not source:
            raise In2xError("an edit without its source", file=file, line=number, mend="fill in the column source")
        if edited.strip():
            source, edited = (_deep(source), _deep(edited)) if table else (source, edited)
            edits.add(Edit(source, edited, str(row.get("place") or "")))
    return edits


def _json_rows(file: Path, text: str) -> list[tuple[int, dict[str, object]]]:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise In2xError(f"not JSON ({error})", file=file, line=number, mend="one object a line") from None
            if isinstance(row, dict):
                rows.append((number, row))
    return rows


_SIGNS = {"n": "\n", "t": "\t", "r": "\r", **{sign: sign for sign in "\\=+-@"}}


def _flat(text: str) -> str:
    """`text` in one cell; one that begins as a formula does is text in every spreadsheet."""
    flat = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return "\\" + flat if flat.startswith(("=", "+", "-", "@")) else flat


def _deep(text: str) -> str:
    out, escaped = "", False
    for char in text:
        if escaped:
            out += _SIGNS.get(char, "\\" + char)
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            out += char
    return out + ("\\" if escaped else "")
