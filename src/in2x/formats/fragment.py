"""A piece of HTML or XML that came over a wire: what a browser, or its structure, parts is a segment each.

In HTML the blocks of a page part texts. XML says nothing of the kind, so an element parts texts where it is told to
(`splitting`), or where the outline says so: where nothing but elements and white space stands in its parent. White
space of XML is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from in2x.formats.document import Kind, Options
from in2x.formats.html_text import BLOCK, SKIPPED, Page
from in2x.formats.markup import Attribute, Token, html_tokens, xml_tokens
from in2x.formats.part import Coded, Draft, MarkupDocument, Part
from in2x.formats.xml_file import check, check_lines

NAME = "the text"


@dataclass(frozen=True, slots=True)
class Rules:
    """What is wished of the elements of a fragment, by their names."""

    ignored: tuple[str, ...] = ()
    """Not translated with all in them; they stand for a word."""
    splitting: tuple[str, ...] = ()
    """Of XML: they part texts."""
    joined: tuple[str, ...] = ()
    """Of XML: they never part texts."""
    outline: bool = True
    """Of XML: whether its structure says what else parts texts."""


def read_html(text: str, rules: Rules) -> MarkupDocument:
    """The texts of a fragment of HTML; its `write` gives UTF-8.

    Raises:
        In2xError: a line of millions of characters.
    """
    coded = _coded(text)
    page = Page(coded, list(html_tokens(text)), Options(), html=True)
    page.skipped = {**SKIPPED, **_ignored(rules)}
    return _document(coded, page)


def read_xml(text: str, rules: Rules, strict: bool = False) -> MarkupDocument:
    """The texts of a fragment of XML, with one root, several, or none.

    Args:
        text: the fragment.
        rules: what its elements mean.
        strict: refuse what is not well formed; else a `<` that begins no tag is text.

    Raises:
        In2xError: it is not well formed, or a line has millions of characters.
    """
    coded = _coded(text)
    if strict:
        declared = text.lstrip().startswith(("<?xml", "<!DOCTYPE"))
        check(text if declared else f"<x>{text}</x>", NAME)
    tokens = list(xml_tokens(text))
    page = _Xml(coded, tokens, Options(), html=False)
    page.skipped = _ignored(rules)
    parting = {name.lower() for name in rules.splitting} | (_structure(text, tokens) if rules.outline else set())
    page.blocks = frozenset(parting - {name.lower() for name in rules.joined} - page.skipped.keys())
    return _document(coded, page)


class _Xml(Page):
    collapse = False

    def _attributes(self, name: str, found: dict[str, Attribute]) -> None:
        """Leave them: no reader knows which of them are shown."""


def _coded(text: str) -> Coded:
    coded = Coded(text.encode(), NAME, "utf-8")
    check_lines(coded)
    return coded


def _ignored(rules: Rules) -> Mapping[str, str]:
    return {name.lower(): "an element to be left" for name in rules.ignored}


def _document(coded: Coded, page: Page) -> MarkupDocument:
    draft = Draft()

    def where(at: int, kind: Kind | None) -> tuple[str, str]:
        return f"character {at + 1}", ""

    places = page.read(draft, where)
    return MarkupDocument(coded.raw, tuple(draft.segments), tuple(draft.skipped), part=Part(coded, tuple(places)))


def _structure(text: str, tokens: Sequence[Token]) -> set[str]:
    """Names (in lower case, without prefix) of the elements that the outline of a fragment parts texts by.

    Those of HTML's blocks too, for much that is sent as XML is XHTML. An element that stands between words anywhere
    parts nothing.
    """
    found, between = set[str](), set[str]()
    children: list[list[str]] = [[]]
    worded = [False]

    def leave(root: bool) -> None:
        names, words = children.pop(), worded.pop()
        if words:
            between.update(names)
        elif not root or len(names) == 1:
            found.update(names)
        else:
            found.update(set(names) & BLOCK)

    for token in tokens:
        name = token.name.rpartition(":")[2].lower()
        if token.kind in ("open", "empty"):
            children[-1].append(name)
        if token.kind == "open":
            children.append([])
            worded.append(False)
        elif token.kind == "close" and len(children) > 1:
            leave(root=False)
        elif token.kind in ("text", "cdata") and text[token.start : token.end].strip():
            worded[-1] = True
    while children:
        leave(root=len(children) == 1)
    return found - between | {name for name in between if name in BLOCK}
