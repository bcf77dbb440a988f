"""Word documents: body, headers, footers, notes, comments, text boxes, charts and diagrams.

A paragraph is a segment; the formats of its words are tags (`runs.py`). What a field shows is not translated, for the
application writes it anew; text of a link is. A text box stands twice in a file (once for old readers) and is one
segment.
"""

from __future__ import annotations

import re

from in2x.formats.document import Kind, Options
from in2x.formats.office import Office, PartReader, Shape, value
from in2x.formats.package_document import PackageDocument
from in2x.formats.runs import Dialect, Paragraph

_WORDS = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
)
_MAIN = ("document.main+xml", "template.main+xml", "document.macroEnabled.main+xml")
_OTHERS = {
    "header+xml": "header", "footer+xml": "footer", "footnotes+xml": "footnotes", "endnotes+xml": "endnotes",
    "comments+xml": "comments",
}  # fmt: skip
_WRAPS = frozenset(("hyperlink", "ins", "moveTo", "smartTag", "sdt", "customXml", "dir", "bdo"))
_OPAQUE = {
    "fldSimple": "the result of a field", "del": "deleted text", "moveFrom": "deleted text", "m:oMath": "a formula",
    "m:oMathPara": "a formula", "object": "an embedded object",
}  # fmt: skip
_AS_WORDS = frozenset(("fldSimple", "m:oMath", "sym", "pgNum"))
_HEADING = re.compile(r"(?:heading|title|subtitle)\b", re.IGNORECASE)


def read(raw: bytes, name: str, options: Options) -> PackageDocument:
    """The texts of a document.

    Raises:
        In2xError: no such document, or a package made to do harm.
    """
    office = Office(raw, name, options)
    main = office.main(*_MAIN)
    headings = _headings(office)
    _Words(office, main, headings).read("")
    counts: dict[str, int] = {}
    for path, kind in office.types.items():
        called = next((called for end, called in _OTHERS.items() if kind.endswith(end)), "")
        if called and path in office.package.entries:
            counts[called] = counts.get(called, 0) + 1
            _Words(office, path, headings).read(f"{called} {counts[called]}" if counts[called] > 1 else called)
    for number, relation in enumerate(office.relations(main).values(), 1):
        if relation.kind in ("chart", "diagramData", "diagramDrawing"):
            office.drawings(relation.path, f"drawing {number}", f"drawing {number}")
    return PackageDocument(
        raw, tuple(office.draft.segments), tuple(office.draft.skipped), package=office.package, parts=office.parts
    )


def _headings(office: Office) -> frozenset[str]:
    """The styles that head something, by identifier; their names are English in every language of the application."""
    path = next((path for path, kind in office.types.items() if kind.endswith("wordprocessingml.styles+xml")), "")
    if path not in office.package.entries:
        return frozenset()
    xml = office.xml(path)
    found, style, own = set(), "", ""
    for index in sorted(xml.close):
        if xml.local(index) == "style":
            own = xml.tokens[index].name.removesuffix("style")
            style = value(xml, index, f"{own}styleId")
        elif xml.local(index) == "name" and _HEADING.match(value(xml, index, f"{own}val")):
            found.add(style)
    return frozenset(found)


class _Words(PartReader):
    def __init__(self, office: Office, path: str, headings: frozenset[str]) -> None:
        super().__init__(office, path, _WORDS)
        self.headings = headings

    def read(self, called: str) -> None:
        """Add the paragraphs of the part; `called` is "" for the body."""
        if self.prefix is None:
            return
        own = re.escape(self.prefix)
        unseen = re.compile(
            rf'<{own}rFonts\s+{own}hint="[^"]*"\s*/>|\s{own}hint="[^"]*"|<{own}(?:lang|noProof)\b[^>]*/>'
        )
        dialect = Dialect(
            self.prefix, frozenset(("pPr",)), frozenset(("proofErr",)), _WRAPS, _OPAQUE, _AS_WORDS, unseen
        )  # fmt: skip
        cells = count = fields = copies = 0
        shown: list[dict[Shape, int]] = []  # of each thing that stands twice: the paragraphs of its first copy
        group = called
        for index, token in enumerate(self.xml.tokens):
            step = {"open": 1, "close": -1}.get(token.kind, 0)
            if token.name == f"{self.prefix}tc":
                cells += step
            elif token.name == "mc:Fallback":
                copies += step
            elif token.name == "mc:AlternateContent" and step:
                shown = [*shown, {}] if step > 0 else shown[:-1]
            if token.name != f"{self.prefix}p" or token.kind != "open":
                continue
            count += 1
            paragraph = Paragraph(self.xml, index, dialect, self.spoken)
            if fields > 0 or paragraph.fields:
                fields += paragraph.fields
                paragraph.hide("the result of a field")
            place = f"{called}, paragraph {count}" if called else f"paragraph {count}"
            kind: Kind = "heading" if self._style(index) in self.headings else "cell" if cells else "text"
            if kind == "heading" and not called:
                group = place
            self.add(paragraph, place, kind, group, shown[-1] if shown else None, copies > 0)
        self.close(called or "body", [f"{self.prefix}t", f"{self.prefix}delText"])

    def _style(self, index: int) -> str:
        properties = self.xml.child(index, "pPr")
        style = self.xml.child(properties, "pStyle") if properties is not None else None
        return value(self.xml, style, f"{self.prefix}val") if style is not None else ""
