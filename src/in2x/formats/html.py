"""HTML and XHTML pages: blocks are segments, inline elements are tags; nothing but the texts is written.

    read(b"<p>A <b>word</b>.</p>", "a.html", options).segments     "A word." with the pair of `b` as tags

See `html_text.py` for what is text.
"""

from __future__ import annotations

import re

from in2x.errors import In2xError
from in2x.formats.document import Kind, Options
from in2x.formats.html_text import Page
from in2x.formats.markup import html_tokens, xml_tokens
from in2x.formats.part import Coded, Draft, MarkupDocument, Part
from in2x.formats.spans import MARKS
from in2x.formats.xml_file import check_lines, codec, xml_source

_CHARSET = re.compile(rb"""<meta\s[^>]{0,500}?charset\s*=\s*["']?\s*([A-Za-z][\w.:-]*)""", re.IGNORECASE)
_XML = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml\s")


def source(raw: bytes, name: str) -> Coded:
    """The characters of a page in its encoding: by its mark, its `meta`, or UTF-8.

    Raises:
        In2xError: another encoding than it says, or no text at all.
    """
    mark, encoding = next(((mark, known) for mark, known in MARKS if raw.startswith(mark)), (b"", ""))
    if not encoding and (declared := _CHARSET.search(raw, 0, 4096)):
        label = declared[1].decode("ascii")
        encoding = codec(label) or ""
        if not encoding:
            raise In2xError(f"the encoding that it declares, {label}, is not known", file=name)
        if encoding.startswith("utf-16"):
            encoding = "utf-8"  # a page whose declaration can be read as bytes is none
    coded = Coded(raw, name, encoding or "utf-8", mark)
    if "\0" in coded.text:
        raise In2xError("it holds zero bytes, so it is no page of HTML", file=name)
    check_lines(coded)
    return coded


def read(raw: bytes, name: str, options: Options) -> MarkupDocument:
    """The texts of a page.

    Raises:
        In2xError: a wrong encoding, a line of millions of characters, XML that is not well formed.
    """
    as_xml = _XML.match(raw) is not None
    coded = xml_source(raw, name) if as_xml else source(raw, name)
    tokens = list(xml_tokens(coded.text) if as_xml else html_tokens(coded.text))
    page = Page(coded, tokens, options, html=not as_xml)
    draft = Draft()
    chapter = ""

    def where(at: int, kind: Kind | None) -> tuple[str, str]:
        nonlocal chapter
        place = f"line {coded.line(at)}"
        if kind == "heading":
            chapter = place
        return place, chapter

    places = page.read(draft, where)
    part = Part(coded, tuple(places), tuple(page.patches))
    return MarkupDocument(raw, tuple(draft.segments), tuple(draft.skipped), part=part)
