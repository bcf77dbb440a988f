"""Markdown (CommonMark and GFM): paragraphs, headings, items, cells of tables, and in them titles and descriptions.

Emphasis, links, code spans, elements and addresses are tags; code blocks, HTML blocks and math are skipped. The
lines of a paragraph are one text and a translation is written in one line. Of a front matter, title and description are
text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from in2x.formats.document import Document, Options, Segment, Tag, Text
from in2x.formats.layout import between
from in2x.formats.markdown_inline import Piece, normal, parse
from in2x.formats.markdown_write import written
from in2x.formats.placeholders import paired
from in2x.formats.spans import Draft, decoded, lettered
from in2x.formats.srt import lines_of
from in2x.formats.yaml import scalar_writer

if TYPE_CHECKING:
    from markdown_it.token import Token

FRONT = re.compile(r"(---|\+\+\+)[ \t]*(?:\r\n|\r|\n)(.*?)(?:\r\n|\r|\n)\1[ \t]*(?=[\r\n]|\Z)", re.DOTALL)
FIELD = re.compile(
    r"^(?P<key>title|description|subtitle|summary|excerpt)[ \t]*(?P<sign>[:=])[ \t]*"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|[^\s\"'|>&*!\[{#][^\r\n]*?)[ \t]*(?=[\r\n]|\Z)",
    re.MULTILINE,
)
MARGIN = re.compile(r"\[[ xX]\][ \t]+|\[\^[^\]\s]+\]:[ \t]*|\[![A-Z]+\][ \t]*(?:\n|$)")
"""What stands before the text of a paragraph: a box to tick, the name of a footnote, the kind of a note."""
FENCE = re.compile(r":::")
DEFINITION = re.compile(r":[ \t]+")
"""Before a definition, which renderers beyond CommonMark part from the term above it."""
BLOCKS = {"fence": "code", "code_block": "code", "html_block": "an html block"}


def read(raw: bytes, name: str, options: Options) -> Document:
    """The texts of a Markdown file."""
    from markdown_it import MarkdownIt

    draft = Draft(decoded(raw, name))
    text = draft.source.text
    front = FRONT.match(text)
    if front:
        _front(draft, front)
    body = re.sub(r"[^\r\n]", " ", text[: front.end()]) + text[front.end() :] if front else text
    env: dict[str, dict[str, dict[str, object]]] = {}
    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable("table").disable("inline")  # blocks alone
    tokens = parser.parse(body, env)
    for reference in env.get("references", {}).values():
        title, lines = str(reference["title"]), reference.get("map")
        if lettered(title) and isinstance(lines, list):
            draft.skip(f"line {lines[0] + 1}", title, "the title of a link definition")
    _Reader(draft, {normal(label) for label in env.get("references", {})}).read(tokens)
    return draft.document(raw)


def _front(draft: Draft, front: re.Match[str]) -> None:
    for match in FIELD.finditer(front[2]):
        value, literal = match["value"], match["value"]
        if value[0] in "\"'":
            value = value[1:-1].replace("''", "'") if value[0] == "'" else re.sub(r"\\(.)", r"\1", value[1:-1])
        elif match["sign"] == "=":
            continue
        at = front.start(2) + match.start("value")
        if lettered(value):
            style = literal[0] if literal[0] in "\"'" else ""
            put = scalar_writer('"' if match["sign"] == "=" else style, False)
            segment = Segment(value.strip(), (), f"front matter, {match['key']}", "heading", "front matter")
            draft.add(segment, at, at + len(literal), lambda new, put=put: put(new.text))  # type: ignore[misc]


class _Reader:
    def __init__(self, draft: Draft, references: Collection[str]) -> None:
        self.draft, self.references = draft, references
        self.lines = lines_of(draft.source.text)
        self.section = 0

    def read(self, tokens: Sequence[Token]) -> None:
        kind, row, cell = "text", 0, 0
        for token in tokens:
            if token.type in BLOCKS and token.map:
                self.draft.skip(f"line {token.map[0] + 1}", token.content, BLOCKS[token.type])
            elif token.type == "heading_open":
                kind, self.section = "heading", self.section + 1
            elif token.type == "tr_open" and token.map:
                kind, row, cell = "cell", token.map[0], 0
            elif token.type == "paragraph_open":
                kind = "text"
            elif token.type == "inline" and kind == "cell":
                cell = self._cell(token.content, row, cell)
            elif token.type == "inline" and token.map:
                self._paragraph(token.content, token.map[0], kind)

    def _cell(self, content: str, row: int, at: int) -> int:
        """A cell of the row in a line; `at` is where the one before it ended."""
        start, end = self.lines[row]
        line = self.draft.source.text[start:end]
        for match in re.compile(r"(?:[^|\\]|\\.)+", re.DOTALL).finditer(line, at):
            piece = match[0].rstrip()
            want = content.strip()
            if want and piece.replace("\\|", "|").endswith(want):
                size = len(want) + want.count("|")
                begin = start + match.start() + len(piece) - size
                if self.draft.source.text[begin : begin + size].replace("\\|", "|") == want:
                    raw = self.draft.source.text[begin : begin + size]
                    self._inline(raw, [(0, begin)], begin + size, row, "cell")
                    return match.end()
        if lettered(content):
            self.draft.skip(f"line {row + 1}", content, "its place in the row is not certain")
        return at

    def _paragraph(self, content: str, first: int, kind: str) -> None:
        if content.startswith("$$") and content.endswith("$$"):
            self.draft.skip(f"line {first + 1}", content, "math")
            return
        source = self.draft.source.text
        block: list[tuple[int, int]] = []
        for number, line in enumerate(content.split("\n")):
            start, end = self.lines[first + number]
            there, want = source[start:end].replace("\0", "\ufffd"), line.rstrip()
            at = there.rfind(want) if kind == "heading" else len(there.rstrip()) - len(want)
            if at < 0 or there[at : at + len(want)] != want:
                self.draft.skip(f"line {first + 1}", content, "its place in the line is not certain")
                return
            if FENCE.match(want):
                self._block(block, kind)
                self.draft.skip(f"line {first + number + 1}", want, "the mark of a block")
                block = []
                continue
            lead = len(line) - len(line.lstrip()) if number else 0
            if number and (definition := DEFINITION.match(line)):
                self._block(block, kind)
                block, lead = [], definition.end()
            block.append((start + at + lead, start + at + len(line) if source[start + at :].startswith(line) else end))
        self._block(block, kind)

    def _block(self, block: list[tuple[int, int]], kind: str) -> None:
        """Lines that follow each other as one text, given where each begins and ends."""
        if not block:
            return
        source = self.draft.source.text
        raw, places = "", list[tuple[int, int]]()
        for start, end in block:
            raw += "\n" if places else ""
            places.append((len(raw), start))
            raw += source[start:end]
        raw = raw.rstrip()
        margin = MARGIN.match(raw)
        skip = margin.end() if margin else 0
        last = places[-1]
        stop = last[1] + len(raw) - last[0]
        if skip < len(raw) and raw[skip:].strip():
            starts = [(at - skip, start) for at, start in places if at > skip]
            before = max(at for at, _ in places if at <= skip)
            offset = dict(places)[before] + skip - before
            line = self.draft.source.line(offset) - 1
            self._inline(raw[skip:], [(0, offset), *starts], stop, line, kind)

    def _inline(self, raw: str, places: list[tuple[int, int]], stop: int, line: int, kind: str) -> None:
        """A text of one block: its tags, and the titles and descriptions in them as segments of their own."""
        source = self.draft.source.text

        def offset(at: int) -> int:
            begin, start = max(place for place in places if place[0] <= at)
            return start + at - begin

        text, raws, inner = "", list[tuple[int, Piece, str]](), list[tuple[int, Piece, str, str]]()
        for piece in parse(raw, self.references):
            if piece.kind == "text":
                text += between(text[-1:], raw[piece.end : piece.end + 1]) if piece.text == "\n" else piece.text
                continue
            behind = offset(piece.end - 1) + 1 if piece.kind != "break" else offset(piece.end)
            part = source[offset(piece.start) : behind]
            for name, (start, end) in (("description", piece.alt), ("title", piece.title)):
                if lettered(raw[start:end]):
                    inner.append((len(raws), piece, name, raw[start:end]))
            raws.append((len(text), piece, part))
        tags = _tags(raws)
        place, group = f"line {line + 1}", f"section {self.section}"
        segment = Segment(
            text, tags, place, "heading" if kind == "heading" else "cell" if kind == "cell" else "text", group
        )
        segments = [segment] if lettered(text) else []
        for _, _, name, own in inner:
            plain = "".join(piece.text for piece in parse(own, ()) if piece.kind == "text")
            segments.append(Segment(plain.replace("\n", " "), (), f"{place}, {name}", "attribute", group))
        if not lettered(text) and raw.strip():
            self.draft.skip(place, raw, "it has no letter" if not lettered(raw) else "markup alone")
        if not segments:
            return
        base, cell, references = Text(text, tags), kind == "cell", self.references

        def put(texts: Sequence[Text]) -> str:
            new = texts[0] if lettered(text) else base
            attributes = texts[len(texts) - len(inner) :]
            renewed = _renewed(raws, tags, inner, attributes, new, base)
            return written(replace_raws(new, renewed), references, cell, raw[:1])

        self.draft.join(segments, places[0][1], stop, put)


def _tags(raws: Sequence[tuple[int, Piece, str]]) -> tuple[Tag, ...]:
    """Tags of pieces: pairs of the grammar, and of HTML elements."""
    loose = iter(paired((at, part) for at, piece, part in raws if piece.partner is None))
    numbers: dict[tuple[str, int], int] = {}
    tags = []
    for at, piece, part in raws:
        if piece.partner is None:
            tag = next(loose)
            key, kind = ("loose", tag.number), tag.kind
        else:
            key, kind = ("pair", min(piece.start, piece.partner.start)), "open" if piece.kind == "open" else "close"
        tags.append(Tag(at, part, numbers.setdefault(key, len(numbers) + 1), kind))
    return tuple(tags)


def _renewed(
    raws: Sequence[tuple[int, Piece, str]],
    tags: Sequence[Tag],
    inner: Sequence[tuple[int, Piece, str, str]],
    attributes: Sequence[Text],
    new: Text,
    base: Text,
) -> dict[tuple[int, str], str]:
    """(number, kind) of a tag -> what it is written as: with new titles, and a label where the text was the label."""
    out: dict[tuple[int, str], str] = {}
    for (_, piece, part), tag in zip(raws, tags, strict=True):
        if piece.label and piece.kind == "close" and new.text != base.text:
            out[tag.number, tag.kind] = f"][{piece.label}]"
        elif piece.label and piece.kind == "alone" and attributes:
            out[tag.number, tag.kind] = (
                part if part.endswith("[]") is False and "][" in part else f"{part}[{piece.label}]"
            )
    for (index, _, name, own), text in zip(inner, attributes, strict=True):
        tag = tags[index]
        quoted = re.sub(r"[\"\\]" if name == "title" else r"[\[\]\\`*_]", r"\\\g<0>", text.text)
        raw = out.get((tag.number, tag.kind), tag.raw)
        plain = "".join(piece.text for piece in parse(own, ()) if piece.kind == "text").replace("\n", " ")
        if text.text != plain:
            head, _, tail = raw.rpartition(own) if name == "title" else raw.partition(own)
            if name == "title" and head[-1:] in "'(":
                head, tail = head[:-1] + '"', '"' + tail[1:]
            raw = head + quoted + tail
        out[tag.number, tag.kind] = raw
    return out


def replace_raws(text: Text, renewed: dict[tuple[int, str], str]) -> Text:
    """A text whose tags are written anew."""
    return Text(text.text, tuple(replace(tag, raw=renewed.get((tag.number, tag.kind), tag.raw)) for tag in text.tags))
