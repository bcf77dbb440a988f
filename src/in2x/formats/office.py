"""What office packages share: which part is what, how parts name each other, and the texts of drawings and charts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from in2x.errors import In2xError
from in2x.formats import ruby
from in2x.formats.document import Kind, Options, Segment
from in2x.formats.entities import unescaped
from in2x.formats.markup import attributes
from in2x.formats.package import Package
from in2x.formats.part import Draft, Part, Place
from in2x.formats.runs import Dialect, Paragraph, prefix
from in2x.formats.xml_file import Elements, xml_source

_DRAWING = (
    "http://schemas.openxmlformats.org/drawingml/2006/main",
    "http://purl.oclc.org/ooxml/drawingml/main",
)
_UNSEEN = re.compile(r'\s(?:lang|altLang|dirty|err|smtClean|noProof)="[^"]*"')


Shape = tuple[str, tuple[tuple[int, int, str], ...]]
"""A text and where its tags are, by which copies are known."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part says of another."""

    kind: str
    """The last word of its type: "slide", "notesSlide", "image"."""
    path: str


class Office:
    """An office package: its parts as XML.

    Raises:
        In2xError: as `Package`, or it is no office file.
    """

    def __init__(self, raw: bytes, name: str, options: Options) -> None:
        self.package, self.name, self.options = Package(raw, name), name, options
        self.draft = Draft()
        self.parts: dict[str, Part] = {}
        self._drawn: set[str] = set()
        if "[Content_Types].xml" not in self.package.entries:
            raise In2xError("it is no office file: it has no [Content_Types].xml", file=name)
        types = self.xml("[Content_Types].xml")
        self.types: dict[str, str] = {}
        """Path of a part -> its content type, for the parts that have one of their own."""
        for index in sorted(types.close):
            if types.local(index) == "Override":
                self.types[value(types, index, "PartName").lstrip("/")] = value(types, index, "ContentType")

    def xml(self, path: str) -> Elements:
        """A part, checked."""
        return Elements(xml_source(self.package.read(path), f"{self.name}: {path}", one_line=True))

    def main(self, *kinds: str) -> str:
        """The path of the part that the package is about.

        Raises:
            In2xError: it is about something else than one of these content types (their ends).
        """
        found = [path for path, kind in self.types.items() if kind.endswith(kinds) and path in self.package.entries]
        if not found:
            raise In2xError("its main part is missing or is of another kind than its name says", file=self.name)
        return found[0]

    def relations(self, path: str) -> dict[str, Relation]:
        """Identifier -> what a part names inside the package."""
        folder, name = posixpath.split(path)
        file = posixpath.join(folder, "_rels", f"{name}.rels")
        if file not in self.package.entries:
            return {}
        xml = self.xml(file)
        found = {}
        for index in sorted(xml.close):
            if xml.local(index) == "Relationship" and value(xml, index, "TargetMode") != "External":
                target = unquote(value(xml, index, "Target"))
                whole = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                kind = value(xml, index, "Type").rpartition("/")[2]
                found[value(xml, index, "Id")] = Relation(kind, posixpath.normpath(whole))
        return found

    def drawings(self, path: str, called: str, group: str) -> None:
        """The texts of a slide, a chart or a diagram, and of the charts and diagrams that it names."""
        if path in self._drawn or path not in self.package.entries:
            return
        self._drawn.add(path)
        reader = DrawingReader(self, path)
        reader.paragraphs(called, group)
        for relation in self.relations(path).values():
            if relation.kind in ("chart", "diagramData", "diagramDrawing"):
                self.drawings(relation.path, f"{called}, {relation.kind.removeprefix('diagram').lower()}", group)


def value(xml: Elements, index: int, name: str) -> str:
    """The value of an attribute, "" where there is none."""
    found = attributes(xml.text, xml.tokens[index]).get(name)
    return unescaped(xml.text[found.start : found.end])[0] if found else ""


class PartReader:
    """Reads the paragraphs of one part into the draft of its package."""

    def __init__(self, office: Office, path: str, namespaces: tuple[str, ...]) -> None:
        self.office, self.path = office, path
        self.xml = office.xml(path)
        self.prefix = prefix(self.xml, *namespaces)
        self.places: list[Place] = []
        self.taken: set[int] = set()
        self.hidden: list[tuple[int, int, str]] = []
        self.readings: list[tuple[str, str]] = []

    def spoken(self, base: str, above: str) -> str:
        """The text of ruby."""
        text, dropped = ruby.spoken([(base, above)], self.office.options.source_lang)
        self.readings += dropped
        return text

    def add(
        self,
        paragraph: Paragraph,
        name: str,
        kind: Kind,
        group: str,
        known: dict[Shape, int] | None = None,
        copy: bool = False,
    ) -> None:
        """Add a paragraph; a `copy` of a `known` one is the same segment."""
        found = paragraph.read()
        self.taken |= paragraph.taken
        self.hidden += paragraph.hidden
        if found:
            text, start, end, put = found
            shape = text.text, tuple((tag.at, tag.number, tag.kind) for tag in text.tags)
            number = known.get(shape) if known and copy else None
            if number is None:
                number = self.office.draft.add(Segment(text.text, text.tags, place=name, kind=kind, group=group))
            if known is not None:
                known.setdefault(shape, number)
            self.places.append(Place(start, end, number, put, text))

    def close(self, called: str, tags: Iterable[str]) -> None:
        """List what was not read of the elements `tags` (whole names); the part is done."""
        names = frozenset(tags)
        waiting = sorted(self.hidden, key=lambda hidden: (hidden[0], -hidden[1]), reverse=True)
        around: list[tuple[int, int, str]] = []
        for index in sorted(self.xml.close):
            if self.xml.tokens[index].name in names and index not in self.taken and self.xml.is_open(index):
                start, end = self.xml.inner(index)
                while waiting and waiting[-1][0] <= start:
                    around.append(waiting.pop())
                while around and around[-1][1] <= start:
                    around.pop()
                why = around[-1][2] if around else "no text of a paragraph"
                self.office.draft.skip(called, unescaped(self.xml.text[start:end])[0], why)
        for base, above in self.readings:
            self.office.draft.skip(called, above, f"the reading of {base}")
        if self.places:
            self.office.parts[self.path] = Part(self.xml.source, tuple(self.places))


class DrawingReader(PartReader):
    """The reader of a part with drawings."""

    def __init__(self, office: Office, path: str) -> None:
        super().__init__(office, path, _DRAWING)

    def paragraphs(self, called: str, group: str) -> None:
        """Add every paragraph of the part."""
        if self.prefix is None:
            return
        fields, left = frozenset(("fld",)), frozenset(("pPr", "endParaRPr"))
        dialect = Dialect(self.prefix, left, opaque={"fld": "a field"}, words=fields, passing=_UNSEEN)
        title, cells, count = False, 0, 0
        for index, token in enumerate(self.xml.tokens):
            local = token.name.rpartition(":")[2]
            if local == "sp":
                title = False
            elif local == "ph" and token.kind != "close":
                title = value(self.xml, index, "type") in ("title", "ctrTitle")
            elif token.name == f"{self.prefix}tc":
                cells += {"open": 1, "close": -1}.get(token.kind, 0)
            elif token.name == f"{self.prefix}p" and token.kind == "open":
                count += 1
                kind: Kind = "cell" if cells else "heading" if title else "text"
                paragraph = Paragraph(self.xml, index, dialect, self.spoken)
                self.add(paragraph, f"{called}, paragraph {count}", kind, group)
        cached = [t.name for t in self.xml.tokens if t.kind == "open" and t.name.rpartition(":")[2] == "strCache"]
        if cached:
            self._cache(called)
        self.close(called, [f"{self.prefix}t"])

    def _cache(self, called: str) -> None:
        """What a chart shows of the data behind it."""
        depth = 0
        for index, token in enumerate(self.xml.tokens):
            local = token.name.rpartition(":")[2]
            if local == "strCache":
                depth += {"open": 1, "close": -1}.get(token.kind, 0)
            elif local == "v" and depth and token.kind == "open":
                text = unescaped(self.xml.text[slice(*self.xml.inner(index))])[0]
                self.office.draft.skip(called, text, "data of a chart, which its sheet says again")
