"""EPUB 2 and 3: every page of the book, its contents, its title and description; all else keeps its bytes.

Pages come in the order of the spine, each a group of its own, so that a chapter is its own context. The book's language
becomes the target's when something is translated.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from urllib.parse import unquote

from in2x.errors import In2xError
from in2x.formats.document import Kind, Options, Segment
from in2x.formats.entities import escape, unescaped
from in2x.formats.html_text import Page, Where
from in2x.formats.inline import Item, passage
from in2x.formats.markup import attributes
from in2x.formats.package import Package
from in2x.formats.package_document import PackageDocument
from in2x.formats.part import Draft, Part, Place
from in2x.formats.xml_file import Elements, xml_source

_PAGE = "application/xhtml+xml"
_CONTENTS = "application/x-dtbncx+xml"
_TRANSLATED = {"title": "title", "description": "description"}
_NAMES = {"creator": "a name", "contributor": "a name", "publisher": "a name", "subject": "a keyword of the catalogue"}


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    media: str
    nav: bool


class _Book:
    """What the package document says: files in the order of reading, and its own texts."""

    def __init__(self, package: Package, options: Options) -> None:
        self.package, self.options = package, options
        container = Elements(xml_source(package.read("META-INF/container.xml"), "META-INF/container.xml"))
        rootfile = next((i for i in sorted(container.close) if container.local(i) == "rootfile"), None)
        path = _value(container, rootfile, "full-path") if rootfile is not None else ""
        if not path:
            raise In2xError("its container names no book", file=package.name)
        self.path = path
        self.xml = Elements(xml_source(package.read(path), path, one_line=True))
        self.places: list[Place] = []
        self.patches: list[tuple[int, int, str]] = []
        self.lang = ""
        files: dict[str, _File] = {}
        spine: list[str] = []
        for index in sorted(self.xml.close):
            name = self.xml.local(index)
            if name == "item":
                target = posixpath.normpath(
                    posixpath.join(posixpath.dirname(path), unquote(_value(self.xml, index, "href")))
                )
                nav = "nav" in _value(self.xml, index, "properties").split()
                files[_value(self.xml, index, "id")] = _File(target, _value(self.xml, index, "media-type"), nav)
            elif name == "itemref":
                spine.append(_value(self.xml, index, "idref"))
        read = [files[one] for one in dict.fromkeys(spine) if one in files]
        known = {one.path for one in read}
        rest = [one for one in files.values() if one.path not in known and one.media in (_PAGE, _CONTENTS)]
        self.files = [*read, *rest]

    def texts(self, draft: Draft) -> None:
        """The book's title and description; its language."""
        xml = self.xml
        for index in sorted(xml.close):
            name = xml.tokens[index].name
            if not name.startswith("dc:") or not xml.is_open(index):
                continue
            kind, (start, end) = name[3:], xml.inner(index)
            raw = xml.text[start:end]
            text, spelt = unescaped(raw)
            if kind in _TRANSLATED:
                found = passage([Item("text", start, end, text)], xml.source.slice) if "<" not in raw else None
                if found and "<" not in found.text.text:
                    segment = Segment(found.text.text, place=f"the {kind} of the book", kind="heading", group="book")
                    self.places.append(found.place(draft.add(segment), escape(spelt)))
                elif raw.strip():
                    draft.skip(f"the {kind} of the book", text, "markup inside metadata")
            elif kind == "language":
                self.lang = self.lang or text.strip()
                if self.options.target_lang and text.strip():
                    self.patches.append((start, end, self.options.target_lang))
            elif kind in _NAMES:
                draft.skip(f"the {kind} of the book", text, _NAMES[kind])


def _value(xml: Elements, index: int, name: str) -> str:
    found = attributes(xml.text, xml.tokens[index]).get(name)
    return unescaped(xml.text[found.start : found.end])[0] if found else ""


def read(raw: bytes, name: str, options: Options) -> PackageDocument:
    """The texts of a book.

    Raises:
        In2xError: no EPUB, a package made to do harm, an encrypted book, or a page that is no XHTML.
    """
    package = Package(raw, name)
    if "META-INF/container.xml" not in package.entries:
        raise In2xError("it is no EPUB: it has no META-INF/container.xml", file=name)
    book = _Book(package, options)
    _readable(package, book)
    draft = Draft()
    book.texts(draft)
    options = Options(options.source_lang or book.lang, options.target_lang, options.paths, options.redo)
    parts = {book.path: Part(book.xml.source, tuple(book.places), tuple(book.patches))}
    chapter = 0
    for file in book.files:
        if file.path not in package.entries:
            raise In2xError(f"its page {file.path} is missing", file=name, mend="get it again")
        if file.path in parts:
            continue
        if file.media == _CONTENTS:
            parts[file.path] = _ncx(package, file.path, draft, options)
        elif file.media == _PAGE:
            chapter += 1
            called = "the contents" if file.nav else f"page {chapter} ({posixpath.basename(file.path)})"
            parts[file.path] = _page(package, file.path, called, draft, options)
        else:
            draft.skip(file.path, file.path, f"a page of the kind {file.media}")
    return PackageDocument(raw, tuple(draft.segments), tuple(draft.skipped), package=package, parts=parts)


def _readable(package: Package, book: _Book) -> None:
    """Refuse a book whose pages are encrypted; fonts may be."""
    if "META-INF/encryption.xml" not in package.entries:
        return
    xml = Elements(xml_source(package.read("META-INF/encryption.xml"), "META-INF/encryption.xml", one_line=True))
    locked = {unquote(_value(xml, index, "URI")) for index in xml.close if xml.local(index) == "CipherReference"}
    if any(file.path in locked for file in book.files):
        raise In2xError("its pages are encrypted", file=package.name, mend="give a book without copy protection")


def _page(package: Package, path: str, called: str, draft: Draft, options: Options) -> Part:
    xml = xml_source(package.read(path), f"{package.name}: {path}", one_line=True)
    elements = Elements(xml)
    page = Page(xml, elements.tokens, options, html=False)
    places = page.read(draft, _counted(called))
    return Part(xml, tuple(places), tuple(page.patches))


def _counted(called: str) -> Where:
    count = 0

    def where(at: int, kind: Kind | None) -> tuple[str, str]:
        nonlocal count
        count += kind is not None
        return f"{called}, paragraph {count}", called

    return where


def _ncx(package: Package, path: str, draft: Draft, options: Options) -> Part:
    """The contents of EPUB 2: a label for each point."""
    xml = Elements(xml_source(package.read(path), f"{package.name}: {path}", one_line=True))
    places: list[Place] = []
    patches: list[tuple[int, int, str]] = []
    inside = ""
    for index in sorted(xml.close):
        name = xml.local(index)
        if name in ("docTitle", "docAuthor", "navLabel", "navInfo"):
            inside = name
        elif name == "ncx" and options.target_lang:
            found = attributes(xml.text, xml.tokens[index]).get("xml:lang")
            patches += [(found.start, found.end, options.target_lang)] if found else []
        elif name == "text" and xml.is_open(index):
            start, end = xml.inner(index)
            text, spelt = unescaped(xml.text[start:end])
            label = passage([Item("text", start, end, text)], xml.source.slice)
            if "<" in xml.text[start:end]:
                draft.skip("the contents", text, "markup inside a label")
            elif inside == "docAuthor":
                draft.skip("the contents", text, "a name")
            elif label:
                where = f"the contents, line {xml.source.line(start)}"
                segment = Segment(label.text.text, place=where, kind="heading", group="the contents")
                places.append(label.place(draft.add(segment), escape(spelt)))
    return Part(xml.source, tuple(places), tuple(patches))
