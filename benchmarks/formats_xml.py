"""The formats of markup and of packages for `benchmarks/formats.py`: made files, and the libraries that open them."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import docx
import lxml.etree
import lxml.html
import openpyxl
import pptx
from markup_files import GENERATORS

__all__ = ["GENERATORS", "USUAL"]


@dataclass(frozen=True)
class Usual:
    """As in `formats.py`."""

    name: str
    shape: Callable[[bytes], Any]
    saved: Callable[[bytes], bytes] | None = None


def page(raw: bytes) -> Any:
    """Elements of a page, but for ruby, whose bases are translated."""
    tree = lxml.html.fromstring(raw)
    return Counter(str(e.tag) for e in tree.iter() if e.tag not in ("ruby", "rb", "rt", "rp"))


def tree(*made: str) -> Callable[[bytes], Any]:
    """Elements and their identities, but for those that a translation makes."""

    def shape(raw: bytes) -> Any:
        root = lxml.etree.fromstring(raw)
        for element in [e for name in made for e in root.iter(f"{{*}}{name}")]:
            element.getparent().remove(element)
        return [(e.tag, e.get("id"), e.get("name")) for e in root.iter()]

    return shape


def units(raw: bytes) -> Any:
    """Units of a memory in the source language."""
    space = "{http://www.w3.org/XML/1998/namespace}lang"
    root = lxml.etree.fromstring(raw)
    return [
        (unit.get("tuid"), [v.get(space) for v in unit.iter("tuv") if v.get(space) != "ja"]) for unit in root.iter("tu")
    ]


def xml_saved(raw: bytes) -> bytes:
    root = lxml.etree.fromstring(raw)
    return lxml.etree.tostring(root.getroottree(), xml_declaration=True, encoding="utf-8")


def html_saved(raw: bytes) -> bytes:
    tree = lxml.html.document_fromstring(raw).getroottree()
    return lxml.html.tostring(tree, encoding=tree.docinfo.encoding or "utf-8")


def chapters(raw: bytes) -> Any:
    """Names of the parts of a book in order, how they are packed, and the elements of each page."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        found = [(i.filename, i.compress_type) for i in archive.infolist()]
        pages = [lxml.etree.fromstring(archive.read(name)) for name, _ in found if name.endswith(".xhtml")]
        others = [archive.read(name) for name, _ in found if name.endswith((".css", ".png"))]
        assert archive.testzip() is None
    elements = [
        Counter(e.tag for e in page.iter() if not re.search("(?:ruby|rb|rt|rp)$", str(e.tag))) for page in pages
    ]
    return found, elements, others


def zip_saved(raw: bytes) -> bytes:
    """Every part read and written again, as the usual way is."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in archive.infolist():
            new.writestr(info, archive.read(info))
    return out.getvalue()


def paragraphs(raw: bytes) -> Any:
    """What Word sees: paragraphs with their styles, bold words, links, tables."""
    document = docx.Document(io.BytesIO(raw))
    body = [
        (p.style.name, any(run.bold and run.text.strip() for run in p.runs), len(p.hyperlinks))
        for p in document.paragraphs
    ]
    return body, [[len(row.cells) for row in table.rows] for table in document.tables], len(document.sections)


def docx_saved(raw: bytes) -> bytes:
    out = io.BytesIO()
    docx.Document(io.BytesIO(raw)).save(out)
    return out.getvalue()


def shapes(raw: bytes) -> Any:
    deck = pptx.Presentation(io.BytesIO(raw))
    return [
        [
            (shape.shape_type, shape.name, len(shape.text_frame.paragraphs) if shape.has_text_frame else 0)
            for shape in slide.shapes
        ]
        for slide in deck.slides
    ]


def pptx_saved(raw: bytes) -> bytes:
    out = io.BytesIO()
    pptx.Presentation(io.BytesIO(raw)).save(out)
    return out.getvalue()


def grid(raw: bytes) -> Any:
    book = openpyxl.load_workbook(io.BytesIO(raw), rich_text=True)
    return [
        (
            sheet.title,
            [
                [(type(c.value).__name__, c.value if c.data_type in "nf" else "") for c in row]
                for row in sheet.iter_rows()
            ],
        )
        for sheet in book
    ]


def xlsx_saved(raw: bytes) -> bytes:
    out = io.BytesIO()
    openpyxl.load_workbook(io.BytesIO(raw), rich_text=True).save(out)
    return out.getvalue()


USUAL: dict[str, Usual] = {
    "html": Usual("lxml.html", page, html_saved),
    "xliff": Usual("lxml", tree("target"), xml_saved),
    "xlf": Usual("lxml", tree("target"), xml_saved),
    "tmx": Usual("lxml", units, xml_saved),
    "xml": Usual("lxml", tree(), xml_saved),
    "epub": Usual("zipfile + lxml", chapters, zip_saved),
    "docx": Usual("python-docx", paragraphs, docx_saved),
    "pptx": Usual("python-pptx", shapes, pptx_saved),
    "xlsx": Usual("openpyxl", grid, xlsx_saved),
}
