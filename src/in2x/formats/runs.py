"""Paragraphs of office files: runs of characters with their formats -> text and tags, and a translation -> runs.

Runs that look alike are one, however often a word processor split them. The look of most of a paragraph is plain text;
every other is a pair of tags around its words; what stands between words (a break, a footnote, a picture) is a tag of
its own. A paragraph that is translated gets new runs with the old formats, one that is not keeps its bytes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from in2x.formats.document import Text
from in2x.formats.entities import escaped, unescaped
from in2x.formats.inline import Item, check, passage
from in2x.formats.markup import attributes
from in2x.formats.part import Render
from in2x.formats.xml_file import Elements

DEEPEST = 20
"""Links in links that are followed (our choice; there is no use for one)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a paragraph in the order of the file."""

    kind: Literal["text", "open", "close", "alone", "drop"]
    start: int
    end: int
    text: str = ""
    look: str | None = None
    """The format of its run, as the file has it; None for what stands in no run."""
    parts: tuple[Piece, ...] = ()
    """Pieces that are one (the code of a field)."""
    word: bool = False
    """What stands for a word (`inline.Item`)."""
    field: str = ""
    """Of a part of a field: begin, code, separate or end."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What an application calls its elements, by local name."""

    prefix: str
    """Of its namespace in the file, with the colon."""
    leave: frozenset[str] = frozenset()
    """Elements of a paragraph that hold no part of the text and stay."""
    drop: frozenset[str] = frozenset()
    """Elements that hold for the text of the source alone."""
    wraps: frozenset[str] = frozenset()
    """Elements around runs."""
    opaque: dict[str, str] = field(default_factory=dict)
    """Element -> why its text is not translated."""
    words: frozenset[str] = frozenset()
    """Elements that stand for words."""
    passing: re.Pattern[str] = re.compile(r"(?!)")
    """What of a format nobody sees: languages, marks of the spelling checker."""

    def run(self, look: str | None, content: str, text: bool) -> str:
        """A run, or a text alone where `look` is None."""
        inner = f'<{self.prefix}t xml:space="preserve">{content}</{self.prefix}t>' if text else content
        return inner if look is None else f"<{self.prefix}r>{look}{inner}</{self.prefix}r>"


def prefix(xml: Elements, *namespaces: str) -> str | None:
    """The prefix, with its colon, of the first of these namespaces in a file; None where it has none of them."""
    found: str | None = None
    for match in re.finditer(r"\sxmlns(?::([\w.-]+))?\s*=\s*[\"']([^\"']*)[\"']", xml.text):
        if match[2] in namespaces:
            found = f"{match[1]}:" if match[1] else ""
            break
    return found


class Paragraph:
    """A paragraph as pieces, its text, and how a translation is written.

    Args:
        xml: the part.
        index: the element of the paragraph.
        dialect: its application.
        spoken: (base, ruby) -> the text of both.
    """

    def __init__(self, xml: Elements, index: int, dialect: Dialect, spoken: Callable[[str, str], str]) -> None:
        self.xml, self.dialect, self.spoken = xml, dialect, spoken
        self.pieces: list[Piece] = []
        self.taken: set[int] = set()
        """Elements `t` whose text is in the paragraph."""
        self.hidden: list[tuple[int, int, str]] = []
        """Stretches whose text is not translated, and why."""
        self.fields = 0
        """How many fields it leaves open."""
        self.start, self.end = len(xml.text), 0
        self._children(index)

    def _name(self, index: int) -> str:
        """The local name of an element of the dialect, the whole name of any other."""
        name, ours = self.xml.tokens[index].name, self.dialect.prefix
        if name.startswith(ours) and ":" not in name[len(ours) :]:
            return name[len(ours) :]
        return name if ":" in name else f":{name}"

    def _children(self, index: int, depth: int = 0) -> None:
        xml = self.xml
        for child in xml.children(index):
            name = self._name(child)
            start, end = xml.outer(child)
            if name in self.dialect.leave:
                continue
            if depth == 0:
                self.start, self.end = min(start, self.start), max(end, self.end)
            if name in self.dialect.drop:
                self.pieces.append(Piece("drop", start, end))
            elif name == "r":
                self._run(child)
            elif name == "t":
                self._text(child, None)
            elif name in self.dialect.wraps and xml.is_open(child):
                self._wrap(child, depth)
            else:
                self._opaque(child, None)

    def _wrap(self, index: int, depth: int) -> None:
        inner = index
        if self._name(index) == "sdt":
            content = self.xml.child(index, "sdtContent")
            if content is None or not self.xml.is_open(content):
                self._opaque(index, None)
                return
            inner = content
        (start, end), (first, last) = self.xml.outer(index), self.xml.inner(inner)
        self.pieces.append(Piece("open", start, first))
        self._children(inner, depth + 1)
        self.pieces.append(Piece("close", last, end))

    def _opaque(self, index: int, look: str | None) -> None:
        start, end = self.xml.outer(index)
        why = self.dialect.opaque.get(self._name(index))
        if why:
            self.hidden.append((start, end, why))
        self.pieces.append(Piece("alone", start, end, look=look, word=self._name(index) in self.dialect.words))

    def _run(self, index: int) -> None:
        xml = self.xml
        look = ""
        for child in xml.children(index):
            name = self._name(child)
            start, end = xml.outer(child)
            if name == "rPr":
                look = self._look(child)
            elif name == "t":
                self._text(child, look)
            elif name == "ruby":
                self._ruby(child, look)
            elif name in ("lastRenderedPageBreak", "softHyphen"):
                self.pieces.append(Piece("drop", start, end))
            elif name == "noBreakHyphen":
                self.pieces.append(Piece("text", start, end, "\u2011", look))
            elif name == "fldChar":
                found = attributes(xml.text, xml.tokens[child]).get(f"{self.dialect.prefix}fldCharType")
                kind = xml.text[found.start : found.end] if found else "end"
                self.fields += {"begin": 1, "end": -1}.get(kind, 0)
                self.pieces.append(Piece("alone", start, end, look=look, field=kind))
            elif name == "instrText":
                code = unescaped(xml.text[slice(*xml.inner(child))])[0]
                self.pieces.append(Piece("alone", start, end, code, look, field="code"))
            else:
                self._opaque(child, look)

    def _look(self, index: int) -> str:
        start, end = self.xml.outer(index)
        look = self.dialect.passing.sub("", self.xml.text[start:end])
        name = re.escape(self.xml.tokens[index].name)
        return "" if re.fullmatch(rf"<{name}\s*(?:/>|>\s*</{name}\s*>)", look) else look

    def _ruby(self, index: int, look: str) -> None:
        said = {"rubyBase": "", "rt": ""}
        for part in self.xml.children(index):
            for at in range(part + 1, self.xml.close[part]):
                if at in self.xml.close and self._name(at) == "t" and self._name(part) in said:
                    self.taken.add(at)
                    said[self._name(part)] += self._characters(at)
        self.pieces.append(Piece("text", *self.xml.outer(index), self.spoken(said["rubyBase"], said["rt"]), look))

    def _text(self, index: int, look: str | None) -> None:
        self.taken.add(index)
        self.pieces.append(Piece("text", *self.xml.outer(index), self._characters(index), look))

    def _characters(self, index: int) -> str:
        return "".join(
            self.xml.text[token.start + 9 : token.end - 3]
            if token.kind == "cdata"
            else unescaped(self.xml.text[token.start : token.end])[0]
            for token in self.xml.tokens[index + 1 : self.xml.close[index]]
            if token.kind in ("text", "cdata")
        )

    def hide(self, why: str) -> None:
        """Leave the whole paragraph as it is."""
        self.hidden.append((self.start, self.end, why))
        self.pieces, self.taken = [], set()

    def read(self) -> tuple[Text, int, int, Callable[[Text, Render], str]] | None:
        """Its text, where it stands, and how a translation is written; None where it has none."""
        before = len(self.hidden)
        pieces = self._fields(self.pieces)
        for start, end, _ in self.hidden[before:]:
            self.taken = {one for one in self.taken if not start <= self.xml.tokens[one].start < end}
        if not pieces:
            return None
        looks: Counter[str | None] = Counter()
        for piece in pieces:
            if piece.kind == "text":
                looks[piece.look] += len(piece.text.strip())
        plain = looks.most_common(1)[0][0] if looks else None
        made = self._marked(pieces, plain)

        def raw(start: int, end: int) -> str:
            return "".join(self._raw(piece) for piece in made[start:end])

        items = [
            Item(piece.kind, at, at + 1, piece.text, "run" if piece.look is not None else "wrap", piece.word, True)
            for at, piece in enumerate(made)
            if piece.kind != "drop"
        ]
        found = passage(items, raw, collapse=False)
        if found is None:
            return None
        source = found.text
        tags = {key: [made[at] for span in spans for at in range(*span)] for key, spans in found.tags.items()}

        def put(text: Text, render: Render) -> str:
            check(source, text)
            out = [self._plain(made[: found.start], plain, render)]
            looks, done = [plain], 0
            for tag in text.tags:
                out.append(self._words(text.text[done : tag.at], looks[-1]))
                for piece in tags[tag.number, tag.kind]:
                    out.append(self._markup(piece, looks, render))
                done = tag.at
            out += [self._words(text.text[done:], looks[-1]), self._plain(made[found.end :], plain, render)]
            return "".join(out)

        return source, self.start, self.end, put

    def _raw(self, piece: Piece) -> str:
        if piece.kind in ("open", "close") and piece.look is not None:
            run = f"{self.dialect.prefix}r>"
            return f"<{run}{piece.look}" if piece.kind == "open" else f"</{run}"
        return self.xml.text[piece.start : piece.end]

    def _marked(self, pieces: Sequence[Piece], plain: str | None) -> list[Piece]:
        """Pieces with neighbours of one look joined, and a pair of tags around each look that is not the plain one."""
        made: list[Piece] = []
        shown = [piece for piece in pieces if piece.kind != "drop" and (piece.kind != "text" or piece.text)]
        at = 0
        while at < len(shown):
            piece = shown[at]
            at += 1
            if piece.kind != "text":
                made.append(piece)
                continue
            text = piece.text
            while at < len(shown) and shown[at].kind == "text" and shown[at].look == piece.look:
                text += shown[at].text
                at += 1
            # A blank of another look between words is seen by nobody.
            same = piece.look == plain or (not text.strip() and not _underlined(piece.look))
            words = Piece("text", piece.start, piece.end, text, plain if same else piece.look)
            edge = piece.look if piece.look is not None else ""
            made += [words] if same else [
                Piece("open", 0, 0, look=edge), words, Piece("close", 0, 0, look=edge),
            ]  # fmt: skip
        return made

    def _plain(self, pieces: Sequence[Piece], plain: str | None, render: Render) -> str:
        looks = [plain]
        return "".join(
            self._words(piece.text, piece.look) if piece.kind == "text" else self._markup(piece, looks, render)
            for piece in pieces
        )

    def _words(self, text: str, look: str | None) -> str:
        return self.dialect.run(look, escaped(text, {}), text=True) if text else ""

    def _markup(self, piece: Piece, looks: list[str | None], render: Render) -> str:
        if piece.parts:
            return "".join(self._markup(part, looks, render) for part in piece.parts)
        if piece.kind == "drop":
            return ""
        if piece.kind == "text":
            return self._words(piece.text, piece.look)
        if piece.kind != "alone" and piece.look is not None:
            if piece.kind == "open":
                looks.append(piece.look)
            else:
                looks.pop()
            return ""
        content = render(piece.start, piece.end)
        return content if piece.look is None else self.dialect.run(piece.look, content, text=False)

    def _fields(self, pieces: Sequence[Piece], depth: int = 0) -> list[Piece]:
        """Fields as one piece each; a link keeps its text between a pair."""
        out: list[Piece] = []
        at = 0
        while at < len(pieces):
            if pieces[at].field != "begin":
                out.append(pieces[at])
                at += 1
                continue
            end, middle = _field_end(pieces, at)
            code = "".join(piece.text for piece in pieces[at:middle] if piece.field == "code")
            if code.split()[:1] == ["HYPERLINK"] and middle < end and depth < DEEPEST:
                out.append(_one("open", pieces[at : middle + 1]))
                out += self._fields(pieces[middle + 1 : end], depth + 1)
                out.append(_one("close", pieces[end : end + 1]))
            else:
                whole = pieces[at : end + 1]
                self.hidden.append((whole[0].start, whole[-1].end, "the result of a field"))
                out.append(_one("alone", whole, word=True))
            at = end + 1
        return out


def _underlined(look: str | None) -> bool:
    return look is not None and re.search(r":u\b|<u\b|\bu=|strike|:highlight|:shd", look) is not None


def _field_end(pieces: Sequence[Piece], begin: int) -> tuple[int, int]:
    """The index of the piece that ends a field, and of the one between its code and its result."""
    depth, middle = 0, len(pieces)
    for at in range(begin, len(pieces)):
        depth += {"begin": 1, "end": -1}.get(pieces[at].field, 0)
        if pieces[at].field == "separate" and depth == 1 and middle == len(pieces):
            middle = at
        if depth == 0:
            return at, min(middle, at)
    return len(pieces) - 1, len(pieces) - 1


def _one(kind: Literal["open", "close", "alone"], parts: Sequence[Piece], word: bool = False) -> Piece:
    return Piece(kind, parts[0].start, parts[-1].end, parts=tuple(parts), word=word)
