"""Excel workbooks: strings of cells in the order of the sheets, comments, text boxes and charts.

Cells that share a string share a segment. Numbers, formulas and what they result in stay, and so do names that formulas
may use: of sheets, and of the columns of tables.
"""

from __future__ import annotations

import re

from in2x.formats.document import Kind, Options
from in2x.formats.entities import unescaped
from in2x.formats.office import Office, PartReader, value
from in2x.formats.package_document import PackageDocument
from in2x.formats.runs import Dialect, Paragraph
from in2x.formats.xml_file import Elements

_SHEETS = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_MAIN = ("spreadsheetml.sheet.main+xml", "template.main+xml", "sheet.macroEnabled.main+xml")
_CELL = re.compile(r"([A-Z]+)([0-9]+)")


def read(raw: bytes, name: str, options: Options) -> PackageDocument:
    """The texts of a workbook.

    Raises:
        In2xError: no such workbook, or a package made to do harm.
    """
    office = Office(raw, name, options)
    main = office.main(*_MAIN)
    xml, relations = office.xml(main), office.relations(main)
    shared = next((one.path for one in relations.values() if one.kind == "sharedStrings"), "")
    strings = _Strings(office, shared) if shared in office.package.entries else None
    for index in sorted(xml.close):
        if xml.local(index) == "sheet":
            title = value(xml, index, "name")
            office.draft.skip("a sheet", title, "the name of a sheet, which formulas may use")
            relation = relations.get(value(xml, index, "r:id"))
            if relation is not None and relation.kind == "worksheet" and relation.path in office.package.entries:
                _sheet(office, relation.path, title, strings)
    if strings:
        strings.finish()
    return PackageDocument(
        raw, tuple(office.draft.segments), tuple(office.draft.skipped), package=office.package, parts=office.parts
    )


class _Cells(PartReader):
    """A part that holds strings of cells."""

    def __init__(self, office: Office, path: str) -> None:
        super().__init__(office, path, _SHEETS)
        self.dialect = Dialect(self.prefix or "", drop=frozenset(("rPh", "phoneticPr")))

    def string(self, index: int, place: str, group: str) -> None:
        """Add the string in an element (`si`, `is`, `text`)."""
        kind: Kind = "cell"
        self.add(Paragraph(self.xml, index, self.dialect, self.spoken), place, kind, group)

    def keep(self, index: int, why: str) -> None:
        """Leave the string in an element as it is."""
        self.hidden.append((*self.xml.outer(index), why))

    def finish(self) -> None:
        """All that is wanted of the part was added."""
        for index in sorted(self.xml.close):
            if self.xml.local(index) == "rPh":
                self.hidden.append((*self.xml.outer(index), "a reading"))
        self.close(self.path, [f"{self.prefix or ''}t"])


class _Strings(_Cells):
    """The strings that cells share."""

    def __init__(self, office: Office, path: str) -> None:
        super().__init__(office, path)
        self.index = [at for at in sorted(self.xml.close) if self.xml.local(at) == "si"]
        self.used: dict[int, str] = {}
        self.names: set[int] = set()

    def use(self, number: int, place: str, group: str, name: bool) -> None:
        """A cell shows string `number`; `name` where it names a column."""
        if not 0 <= number < len(self.index):
            return
        if name:
            self.names.add(number)
        elif number not in self.used:
            self.used[number] = group
            self.string(self.index[number], place, group)

    def finish(self) -> None:
        """List what no cell shows, and what names columns."""
        for number, index in enumerate(self.index):
            if number in self.names:
                self.keep(index, "the name of a column of a table, which formulas may use")
            elif number not in self.used:
                self.keep(index, "shown by no cell")
        super().finish()


def _sheet(office: Office, path: str, title: str, strings: _Strings | None) -> None:
    reader = _Cells(office, path)
    xml, own = reader.xml, reader.prefix or ""
    heads = _table_heads(office, path)
    for index, token in enumerate(xml.tokens):
        if token.name != f"{own}c" or token.kind != "open":
            continue
        kind, cell = value(xml, index, "t"), value(xml, index, "r")
        place = f"{title}!{cell}" if cell else title
        if kind == "s" and strings is not None:
            held = _held(xml, index)
            if held.isdecimal():
                strings.use(int(held), place, title, cell in heads)
        elif kind == "inlineStr" and (inner := xml.child(index, "is")) is not None and xml.is_open(inner):
            if cell in heads:
                reader.keep(inner, "the name of a column of a table, which formulas may use")
            else:
                reader.string(inner, place, title)
        elif kind == "str":
            office.draft.skip(place, _held(xml, index), "the result of a formula")
    reader.finish()
    for relation in office.relations(path).values():
        if relation.kind == "comments" and relation.path in office.package.entries:
            _comments(office, relation.path, title)
        elif relation.kind == "drawing":
            office.drawings(relation.path, f"{title}, drawing", title)


def _held(xml: Elements, index: int) -> str:
    """The value of a cell."""
    inner = xml.child(index, "v")
    return unescaped(xml.text[slice(*xml.inner(inner))])[0] if inner is not None else ""


def _comments(office: Office, path: str, title: str) -> None:
    reader = _Cells(office, path)
    for index in sorted(reader.xml.close):
        if reader.xml.local(index) == "comment" and (text := reader.xml.child(index, "text")) is not None:
            reader.string(text, f"{title}!{value(reader.xml, index, 'ref')}, comment", title)
    reader.finish()


def _table_heads(office: Office, path: str) -> frozenset[str]:
    """The cells that name the columns of the tables of a sheet."""
    found: set[str] = set()
    for relation in office.relations(path).values():
        if relation.kind != "table" or relation.path not in office.package.entries:
            continue
        xml = office.xml(relation.path)
        ends = _CELL.findall(value(xml, xml.root(), "ref"))
        if len(ends) == 2 and value(xml, xml.root(), "headerRowCount") != "0":
            (first, row), (last, _) = ends
            found.update(f"{_letters(column)}{row}" for column in range(_column(first), _column(last) + 1))
    return frozenset(found)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return min(number, 1 << 14)


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
