"""Write a translated paragraph of Markdown so that it renders: text is escaped where it would be markup, and marks of
emphasis are moved where they would not be seen as such.

CommonMark takes `**` for a mark only beside the right characters. Where words are not parted by spaces it fails beside
brackets: `は**「甲」**で` shows asterisks. The mark is then moved inside: `は「**甲**」で`. Where that leaves nothing
it is written as an element (`<strong>`). The grammar itself decides, with and without symbols as punctuation, because
renderers differ in that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace

from in2x.formats.document import Tag, Text
from in2x.formats.markdown_inline import ESCAPABLE, parse, punctuation
from in2x.formats.spans import flat, single_line

EMPHASIS = {"*": "em", "_": "em", "**": "strong", "__": "strong", "~~": "del"}
START = re.compile(r"(?P<mark>#{1,6}(?=\s|$)|[-+*](?=\s|$)|[>|=]|:::|~~~|-{2,})|(?P<number>\d{1,9})(?=[.)](?:\s|$))")
"""What would begin a block at the start of a line."""
MARKUP = re.compile(r"[\\`*\[\]<]|&(?=#?\w{1,32};)|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~|\$|\{(?=[{%])")


def written(text: Text, references: Collection[str], cell: bool, first: str) -> str:
    """The Markdown of a text, in one line.

    Args:
        text: a translation with its tags.
        references: labels that the document defines.
        cell: whether it stands in a table.
        first: what the text it replaces begins with; a start that looks like a block is escaped unless it is this.
    """
    text = Text(single_line(text.text), text.tags)
    for escape in (_sparing(references), _all):
        shaped = _rendering(text, escape, references)
        out = flat(shaped, escape)
        if "".join(
            piece.text for piece in parse(flat(_plain_breaks(shaped), escape), references) if piece.kind == "text"
        ).replace("\n", " ") == (shaped.text.replace("\n", " ")):
            break
    start = START.match(out)
    if start and not first.startswith(start[0]):
        at = start.end() if start["number"] else 0
        out = out[:at] + "\\" + out[at:]
    out = re.sub(r"(?<=\s)(#+)$", r"\\\1", out)
    return re.sub(r"(?<!\\)((?:\\\\)*)\|", r"\1\\|", out) if cell else out


def _sparing(references: Collection[str]) -> Callable[[str], str]:
    """Escapes what may be markup and leaves what cannot be."""

    def escape(text: str) -> str:
        def one(match: re.Match[str]) -> str:
            mark, at = match[0], match.start()
            around = text[max(0, at - 1) : at + 2]
            if mark == "*" and re.fullmatch(r"(?:\s|^)\*(?:\s|$)", around):
                return mark
            if mark in "[]" and "](" not in text and "][" not in text and "[^" not in text and not references:
                return mark
            if mark == "\\" and (text[at + 1 : at + 2] or " ") not in ESCAPABLE:
                return mark
            if mark == "<" and not re.match(r"<[A-Za-z/!?]", text[at:]):
                return mark
            if mark == "$" and text.count("$") < 2:
                return mark
            return "\\" + mark

        return MARKUP.sub(one, text)

    return escape


def _all(text: str) -> str:
    return re.sub(rf"[{re.escape(ESCAPABLE)}]", r"\\\g<0>", text)


def _rendering(text: Text, escape: Callable[[str], str], references: Collection[str]) -> Text:
    """The text with its marks of emphasis where they are seen as such."""
    for shape in (_stars, _inside, _elements):
        broken = _broken(text, escape, references)
        if not broken:
            return text
        text = shape(text, broken)
    return text


def _broken(text: Text, escape: Callable[[str], str], references: Collection[str]) -> set[int]:
    """The numbers of the pairs of emphasis that a renderer would not see."""
    text = _plain_breaks(text)
    out, places, done = "", dict[tuple[int, str], int](), 0
    for tag in text.tags:
        out += escape(text.text[done : tag.at])
        places[tag.number, tag.kind] = len(out)
        out += tag.raw
        done = tag.at
    out += escape(text.text[done:])
    pairs = {tag.number for tag in text.tags if tag.kind == "open" and tag.raw in EMPHASIS}
    pairs = {number for number in pairs if (number, "close") in places}
    for symbols in (True, False):
        seen = {(piece.start, piece.partner.start) for piece in parse(out, references, symbols) if piece.partner}
        bad = {number for number in pairs if (places[number, "open"], places[number, "close"]) not in seen}
        if bad:
            return bad
    return set()


def _plain_breaks(text: Text) -> Text:
    """The text as its paragraph reads: breaks in its tags without the marks of blocks behind them."""
    return Text(
        text.text, tuple(replace(tag, raw=re.sub(r"(?:\r\n|\r|\n)[ \t>]*", "\n", tag.raw)) for tag in text.tags)
    )


def _stars(text: Text, broken: set[int]) -> Text:
    """`_` as `*`, which is seen inside words."""
    tags = (replace(tag, raw=tag.raw.replace("_", "*")) if _is(tag, broken) else tag for tag in text.tags)
    return Text(text.text, tuple(tags))


def _inside(text: Text, broken: set[int]) -> Text:
    """Marks moved inwards, past spaces and punctuation."""
    bounds = {
        number: tuple(next(tag.at for tag in text.tags if tag.number == number and tag.kind == kind) for kind in KINDS)
        for number in broken
    }
    places = [tag.at for tag in text.tags]
    for number, (start, end) in bounds.items():
        first, last = start, end
        others = [at for at in places if start < at < end]
        while first < min([end, *others]) and _soft(text.text[first]):
            first += 1
        while last > max([first, *others]) and _soft(text.text[last - 1]):
            last -= 1
        if first < last:
            bounds[number] = (first, last)
    moved = []
    for order, tag in enumerate(text.tags):
        at = bounds[tag.number][KINDS.index(tag.kind)] if tag.number in broken and tag.kind in KINDS else tag.at
        moved.append((at, order, replace(tag, at=at)))
    return Text(text.text, tuple(tag for _, _, tag in sorted(moved, key=lambda item: item[:2])))


KINDS = ("open", "close")


def _soft(letter: str) -> bool:
    return letter.isspace() or punctuation(letter, symbols=True)


def _elements(text: Text, broken: set[int]) -> Text:
    """Marks as elements of HTML, which stand anywhere."""

    def element(tag: Tag) -> Tag:
        name = EMPHASIS[tag.raw]
        return replace(tag, raw=f"<{name}>" if tag.kind == "open" else f"</{name}>")

    return Text(text.text, tuple(element(tag) if _is(tag, broken) else tag for tag in text.tags))


def _is(tag: Tag, broken: set[int]) -> bool:
    return tag.number in broken and tag.raw in EMPHASIS
