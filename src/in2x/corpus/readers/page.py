"""A web page as text: what people wrote on it, without menus, banners and the furniture around.

Parsed by lxml. Blocks become lines, ruby goes by the knob, a line break in the source joins East Asian letters. Out go
elements that HTML itself calls furniture (`nav`, `footer`, `aside`), those whose class says so, and short blocks that
are mostly links. Where a page marks its `main` or `article`, only that is read. resiliparse and trafilatura were looked
at and left: the first drops single CJK letters inside a word, the second needs eight further packages (docs/log.md).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from in2x.corpus.encoding import decode_text, detect, wider


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OUT = _words("""
    script style noscript template iframe object embed applet svg canvas audio video map head title nav footer
    aside button select textarea datalist dialog rp
""")
_PARAGRAPH = _words("""
    address article blockquote body center details dl fieldset figure form h1 h2 h3 h4 h5 h6 header hgroup hr
    main ol p pre section table ul
""")
_LINE = _words("""
    caption dd div dt figcaption li summary tbody td tfoot th thead tr br
""")
_CELL = frozenset(("td", "th"))
_HEAD = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_ROLES = _words("""
    navigation banner contentinfo complementary search menu menubar dialog alertdialog
""")
_FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:nav|navi|navbar|navigation|menu|breadcrumbs?|sidebar|footer|masthead|share|sharing|sns|cookies?|"
    r"consent|gdpr|ads?|advert\w*|sponsor(?:ed|s)?|promo|related|recommend(?:ed|ations?)?|pagination|pager|paging|"
    r"toolbar|popup|modal|newsletter|subscribe|login|signup|search|widget|tagcloud|copyright|skip-?link)(?:$|[\s_-])",
    re.I,
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_WIDE = "\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003134f"
_JOINED = re.compile(rf"(?<=[{_WIDE}])[ \t\r\f]*\n[ \t\r\n\f]*(?=[{_WIDE}])")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml[^>]{0,100}?encoding=["']([\w.:-]+)""", re.I
)
_MOSTLY_LINKS, _SHORT = 0.6, 200
"""Share of letters in links, and letters of a block, that make it a menu (our choice)."""
_MAIN = 0.3
"""Share of a page's text that `main` and `article` must hold to be trusted (our choice)."""


@dataclass(slots=True)
class _Block:
    pieces: list[str] = field(default_factory=list)
    linked: int = 0
    main: bool = False
    head: bool = False
    gap: bool = False
    pre: bool = False

    def text(self) -> str:
        text = "".join(self.pieces)
        if self.pre:
            return text.strip("\n")
        return _SPACE.sub(" ", _JOINED.sub("", text)).strip(" ")


def page_text(raw: bytes, charset: str | None = None, ruby: str = "drop") -> str:
    """The text of an HTML page; "" where it holds none.

    Args:
        raw: the page.
        charset: what the server says it is in.
        ruby: "keep" writes readings behind the characters, in brackets; "drop" leaves them out.
    """
    source = decode_page(raw, charset).replace("\0", "")
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(source.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return ""
    if root is None:
        return ""
    blocks = _Walk(root, ruby).blocks
    texts = [(block, block.text()) for block in blocks]
    kept = [(block, text) for block, text in texts if text and not _menu(block, text)]
    inside = [(block, text) for block, text in kept if block.main]
    if sum(len(text) for _, text in inside) >= _MAIN * sum(len(text) for _, text in kept):
        kept = inside
    parts: list[str] = []
    for block, text in kept:
        parts.append("\n\n" if block.gap and parts else "\n" if parts else "")
        parts.append(text)
    return "".join(parts)


def _menu(block: _Block, text: str) -> bool:
    return not block.head and len(text) < _SHORT and block.linked > _MOSTLY_LINKS * len(text)


def decode_page(raw: bytes, charset: str | None) -> str:
    """A page in the encoding that it has: Unicode by mark or validity, then what the server or the page says."""
    own = detect(raw, whole=True)
    if own is None or not own.startswith("utf-"):
        declared = _DECLARED.search(raw[:4096])
        named = charset or (declared and (declared[1] or declared[2]).decode("ascii", "replace")) or ""
        try:
            own = wider(codecs.lookup(named).name)
        except LookupError:
            own = own or "utf-8"
    return decode_text(raw, own if not own.startswith("utf-16") or raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")


class _Walk:
    """One pass over the tree, without recursion: pages may be nested deeply."""

    def __init__(self, root: Any, ruby: str) -> None:
        self.ruby = ruby
        self.total = max(1, sum(map(len, root.itertext())))
        self.blocks = [_Block()]
        self.links = self.mains = self.pres = self.heads = 0
        walker = etree.iterwalk(root, events=("start", "end"))
        skipped: Any = None
        for event, element in walker:
            if event == "start":
                if self._left_out(element) or element.tag == "ruby":
                    if element.tag == "ruby":
                        self._add(self._read(element))
                    skipped = element
                    walker.skip_subtree()
                    continue
                self._open(element)
            elif element is skipped:
                skipped = None
                self._add(element.tail)
            else:
                self._close(element)

    def _open(self, element: Any) -> None:
        tag = element.tag
        self.links += tag == "a"
        self.mains += tag in ("main", "article")
        self.pres += tag == "pre"
        self.heads += tag in _HEAD
        self._border(tag)
        self._add(element.text)

    def _close(self, element: Any) -> None:
        tag = element.tag
        self.links -= tag == "a"
        self.mains -= tag in ("main", "article")
        self.pres -= tag == "pre"
        self.heads -= tag in _HEAD
        self._border(tag)
        self._add(element.tail)

    def _border(self, tag: str) -> None:
        if tag in _CELL:
            self.blocks[-1].pieces.append(" ")
        elif tag in _PARAGRAPH or tag in _LINE:
            last = self.blocks[-1]
            gap = tag in _PARAGRAPH
            if "".join(last.pieces).strip(" \t\r\n"):
                self.blocks.append(last := _Block())
            last.gap |= gap

    def _add(self, text: str | None) -> None:
        if not text:
            return
        block = self.blocks[-1]
        block.pieces.append(text)
        block.linked += len(text.strip()) if self.links else 0
        block.main, block.pre = block.main or self.mains > 0, block.pre or self.pres > 0
        block.head = block.head or self.heads > 0

    def _left_out(self, element: Any) -> bool:
        tag = element.tag
        if tag in _OUT or (tag == "header" and not self.mains):
            return True
        told = element.attrib
        if not told or tag in ("html", "body", "main", "article"):
            return False
        if told.get("role") in _ROLES or "hidden" in told or told.get("aria-hidden") == "true":
            return True
        if _HIDDEN.search(told.get("style", "")):
            return True
        named = f"{told.get('class', '')} {told.get('id', '')}"[:400]
        # a wrapper of the whole page may be called "with-sidebar"
        return bool(_FURNITURE.search(named)) and 2 * sum(map(len, element.itertext())) < self.total

    def _read(self, ruby: Any) -> str:
        """Characters with their reading: the base, and where it is asked for the reading in brackets behind it."""
        out, base, reading = [], [ruby.text or ""], []
        for part in ruby:
            inner = "".join(part.itertext()) if part.tag != "rp" else ""
            if part.tag in ("rt", "rtc"):
                reading.append(inner.strip())
            else:
                if reading:
                    out.append(self._pair(base, reading))
                    base, reading = [], []
                base.append(inner)
            base_after = part.tail or ""
            if base_after.strip():
                if reading:
                    out.append(self._pair(base, reading))
                    base, reading = [], []
                base.append(base_after)
        out.append(self._pair(base, reading))
        return "".join(out)

    def _pair(self, base: list[str], reading: list[str]) -> str:
        told = "".join(reading)
        return "".join(base).strip() + (f"（{told}）" if told and self.ruby == "keep" else "")
