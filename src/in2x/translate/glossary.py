"""A glossary: agreed renderings of terms, from TSV, CSV or TBX; which of them a text needs.

A table has the columns source, target, and where wanted forbidden, note, part of speech and case; the names of the two
languages' codes do for the first two, so that one file serves both directions. Without a header its two columns are
source and target. "A|B" allows two renderings, the first preferred. A line that begins with # is a comment; a term
without a target is not agreed on yet, and is left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from in2x.errors import In2xError
from in2x.language.codes import canonical
from in2x.language.inflection import folded
from in2x.principles.terms import Terms, variants
from in2x.translate.tbx import read_tbx

COLUMNS = ("source", "target", "forbidden", "note", "part of speech", "case")
"""The columns of a glossary, in the order in which `in2x terms` writes them."""
_ALIASES = {"pos": "part of speech", "part_of_speech": "part of speech", "case sensitive": "case", "comment": "note",
            "term": "source", "translation": "target", "notes": "note", "context": "note"}  # fmt: skip
LONGEST = 1_000
"""Characters of a term (our choice)."""
_CASE = frozenset({"yes", "true", "1", "exact", "case"})


@dataclass(frozen=True, slots=True)
class Term:
    """One line of a glossary."""

    source: str
    target: str
    """The rendering wanted; "A|B" where either will do."""
    forbidden: tuple[str, ...] = ()
    """Renderings that must not appear."""
    note: str = ""
    part: str = ""
    """Part of speech, as the file has it."""
    case: bool = False
    """Whether capitals count."""
    line: int = 0
    """Where it stands in its file."""

    @property
    def preferred(self) -> str:
        """The first of the renderings."""
        return next(iter(variants(self.target)), "")


@dataclass(frozen=True)
class Glossary:
    """Agreed terms for one direction."""

    terms: tuple[Term, ...] = ()
    source_lang: str = ""
    target_lang: str = ""
    file: Path | None = field(default=None, compare=False)

    @cached_property
    def _found(self) -> Terms:
        return Terms((t.source for t in self.terms), self.source_lang, (t.source for t in self.terms if t.case))

    @cached_property
    def _by_source(self) -> Mapping[str, Term]:
        return {term.source: term for term in self.terms}

    def due(self, text: str) -> tuple[Term, ...]:
        """The terms that stand in `text`, in any inflection; of a longer and a shorter one at a place the longer."""
        if not self.terms:
            return ()
        return tuple(self._by_source[source] for source in self._found.places(text))

    def checks(self, text: str) -> dict[str, object]:
        """What `Case.checks` says of the terms in `text`."""
        due = self.due(text)
        forbidden = {term.source: list(term.forbidden) for term in due if term.forbidden}
        return ({"glossary": {term.source: term.target for term in due}} if due else {}) | (
            {"forbidden": forbidden} if forbidden else {}
        )


def read_glossary(file: Path, source_lang: str, target_lang: str) -> Glossary:
    """Read a glossary for one direction, by its suffix: .tsv, .csv, .tbx (or .xml); anything else as tab-separated.

    Raises:
        In2xError: the file cannot be read, has no term, or two targets for one term; the sentence names the lines.
    """
    source_lang, target_lang = canonical(source_lang), canonical(target_lang)
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise In2xError(f"cannot be read ({error.strerror})", file=file, mend="give a glossary") from None
    if file.suffix.lower() in (".tbx", ".xml"):
        rows = [Term(*row) for row in read_tbx(raw, file, source_lang, target_lang)]
    else:
        rows = list(_table(_decoded(raw, file), file, source_lang, target_lang))
    if not rows:
        raise In2xError("the glossary has no agreed term", file=file, mend="give a source and a target a line")
    return Glossary(_settled(rows, file), source_lang, target_lang, file)


def _settled(rows: Sequence[Term], file: Path) -> tuple[Term, ...]:
    """Each term once; two different targets are a fault."""
    known: dict[str, Term] = {}
    for term in rows:
        if (longest := max(len(term.source), len(term.target))) > LONGEST:
            raise In2xError(f"a term of {longest:,} characters; {LONGEST:,} are the most", file=file, line=term.line,
                            mend="give terms, not texts")  # fmt: skip
        key = term.source if term.case else folded(term.source)
        other = known.setdefault(key, term)
        if other.target != term.target:
            raise In2xError(
                f"{term.source!r} has two targets, {other.target!r} (line {other.line}) and {term.target!r} "
                f"(line {term.line})", file=file, line=term.line,
                mend=f"keep one, or write {other.target}|{term.target} where either will do")  # fmt: skip
    return tuple(known.values())


def _decoded(raw: bytes, file: Path) -> str:
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise In2xError("not UTF-8", file=file, line=line, mend="save the glossary as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _rows(text: str, file: Path) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row that is no comment and not blank."""
    lines: Iterator[tuple[int, list[str]]]
    if file.suffix.lower() != ".csv":
        lines = ((number, line.split("\t")) for number, line in enumerate(text.split("\n"), 1))
    else:
        first = text.split("\n", 1)[0]
        mark = ";" if ";" in first and "," not in first else ","
        lines = _numbered(text, mark, file)
    for number, cells in lines:
        if any(cell.strip() for cell in cells) and not cells[0].lstrip().startswith("#"):
            yield number, [cell.strip() for cell in cells]


def _numbered(text: str, mark: str, file: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV with the line that each begins in: a cell may hold line breaks."""
    reader = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    before = 0
    try:
        for row in reader:
            yield before + 1, row
            before = reader.line_num
    except csv.Error as error:
        raise In2xError(f"not CSV ({error})", file=file, line=before + 1, mend="quote cells that hold commas") from None


def _table(text: str, file: Path, source_lang: str, target_lang: str) -> Iterator[Term]:
    names: list[str] | None = None
    for number, cells in _rows(text, file):
        if names is None:
            names = _header(cells, file, number, source_lang, target_lang)
            if names is not None:
                continue
            names = ["source", "target"]
        if len(cells) > len(names):
            mend = f"name the columns in a first line ({', '.join(COLUMNS)})"
            raise In2xError(f"{len(cells)} cells, {len(names)} columns", file=file, line=number, mend=mend)
        row = dict(zip(names, cells, strict=False))
        source, target = row.get("source", ""), row.get("target", "")
        if not source:
            raise In2xError("a line without a source term", file=file, line=number, mend="fill it, or take it out")
        if not target and not row.get("forbidden"):
            continue  # not agreed on yet
        yield Term(source, target, variants(row.get("forbidden", "")), row.get("note", ""),
                   row.get("part of speech", ""), row.get("case", "").lower() in _CASE, number)  # fmt: skip


def _header(cells: Sequence[str], file: Path, line: int, source_lang: str, target_lang: str) -> list[str] | None:
    """The columns that a first row names; None where it is no header."""
    names = []
    for cell in cells:
        name = cell.lower().strip()
        name = _ALIASES.get(name, name)
        names.append({source_lang.lower(): "source", target_lang.lower(): "target"}.get(name, name))
    if not {"source", "target"} <= set(names):
        return None
    unknown = next((name for name in names if name and name not in COLUMNS), None)
    if unknown:
        raise In2xError(f"no column {unknown!r} is known", file=file, line=line, mend=f"known are {', '.join(COLUMNS)}")
    return names
