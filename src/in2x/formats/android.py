"""Android's strings.xml: strings, plurals and arrays of strings.

An apostrophe, a quotation mark, a line break are escaped with a backslash there (`\\'`, `\\n`, `\\u00A0`), white space
counts only between quotation marks, placeholders (`%1$s`), `xliff:g` and markup are tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from in2x.errors import In2xError
from in2x.formats.bilingual import value
from in2x.formats.document import Options, Segment, Text
from in2x.formats.entities import escaped, unescaped
from in2x.formats.inline import Item, passage
from in2x.formats.markup import VOID
from in2x.formats.part import Draft, MarkupDocument, Part, Place, Render
from in2x.formats.placeholders import pattern
from in2x.formats.xml_file import Elements, xml_source

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.)|$)|\"", re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]+")
_SIGNS = {"n": "\n", "t": "\t"}
_BACK = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\t": "\\t"}
_ELEMENT = re.compile(r"(?:<|&lt;)(/?)([A-Za-z][\w:.-]*)[^<>]*?(/?)(?:>|&gt;)")
_HOLDERS = pattern(more=r"&lt;/?[A-Za-z][^<>&]*(?:&gt;|>)|\\u(?i:200[ef])")
_REFERENCE = re.compile(r"\s*[@?](?:\+?[\w.]+:)?\w+/[\w.]+\s*|\s*@null\s*")
_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)


def read(raw: bytes, name: str, options: Options) -> MarkupDocument:
    """The strings of a file.

    Raises:
        In2xError: no resources of Android, or XML that is refused.
    """
    coded = xml_source(raw, name)
    xml = Elements(coded)
    root = xml.root()
    if xml.tokens[root].name != "resources":
        what = f"its outermost element is {xml.tokens[root].name}, so it holds no strings of Android"
        raise In2xError(what, file=name, mend="say which format it has")
    reader = _Reader(xml)
    group = ""
    for index in xml.children(root):
        called = value(xml, index, "name")
        kept = 'translatable="false"' if value(xml, index, "translatable") == "false" else ""
        match xml.tokens[index].name:
            case "string":
                reader.string(index, called, group, reader.note(index), kept)
            case "plurals" | "string-array":
                note = reader.note(index)
                items = [child for child in xml.children(index) if xml.local(child) == "item"]
                for number, item in enumerate(items):
                    quantity = value(xml, item, "quantity")
                    place = f"{called}.{quantity}" if quantity else f"{called}[{number}]"
                    reader.string(item, place, called, reader.note(item) or note, kept)
            case other:
                for text in _texts(xml, index):
                    reader.draft.skip(called or other, text, f"a {other}, not a string")
    part = Part(coded, tuple(reader.places))
    return MarkupDocument(raw, tuple(reader.draft.segments), tuple(reader.draft.skipped), part=part)


def _texts(xml: Elements, index: int) -> list[str]:
    tokens = xml.tokens[index + 1 : xml.close[index]]
    return [unescaped(xml.text[token.start : token.end])[0] for token in tokens if token.kind in ("text", "cdata")]


class _Reader:
    def __init__(self, xml: Elements) -> None:
        self.xml = xml
        self.draft = Draft()
        self.places: list[Place] = []

    def note(self, index: int) -> str:
        """The comment right before an element."""
        before = index - 1
        if before >= 0 and self.xml.tokens[before].kind == "text":
            before -= 1
        token = self.xml.tokens[before]
        return " ".join(self.xml.text[token.start + 4 : token.end - 3].split()) if token.kind == "comment" else ""

    def string(self, index: int, place: str, group: str, note: str, kept: str) -> None:
        """Add the string in an element, or list it with the reason why it is `kept`."""
        xml = self.xml
        start, end = xml.inner(index)
        raw = xml.text[start:end]
        inner = xml.tokens[index + 1 : xml.close[index]]
        reference = "a reference to another resource" if _REFERENCE.fullmatch(raw) else ""
        cdata = [token for token in inner if token.kind == "cdata"]
        mixed = cdata and any(token is not cdata[0] and xml.text[token.start : token.end].strip() for token in inner)
        why = kept or reference or ("a string that is CDATA in part only" if mixed else "")
        if why:
            self.draft.skip(place, " ".join(_texts(xml, index)), why)
            return
        spelt: dict[str, str] = {}
        quoted = False
        if cdata:
            items, quoted = self._characters(cdata[0].start + 9, cdata[0].end - 3, spelt, plain=True)
        else:
            whole = _QUOTED.fullmatch(raw) if all(token.kind == "text" for token in inner) else None
            quoted = whole is not None
            if whole:
                items, _ = self._characters(start + whole.start(1), start + whole.end(1), spelt, spaced=True)
            else:
                items = self._mixed(index, place, spelt)
        found = passage(items, xml.source.slice, collapse=False)
        if found is None:
            return
        escape = _escape(spelt, plain=bool(cdata))
        write = found.put(escape)
        first = xml.text[start : found.start].strip() == "" and not quoted

        def put(text: Text, render: Render) -> str:
            new = write(text, render)
            return f"\\{new}" if first and new[:1] in ("@", "?") else new

        segment = Segment(found.text.text, found.text.tags, place=place, kind="message", group=group, note=note)
        self.places.append(Place(found.start, found.end, self.draft.add(segment), put, found.text))

    def _mixed(self, index: int, place: str, spelt: dict[str, str]) -> list[Item]:
        """The pieces of a string with elements in it."""
        xml = self.xml
        items: list[Item] = []
        opened: list[int] = []
        at = index + 1
        while at < xml.close[index]:
            token = xml.tokens[at]
            if token.kind == "text":
                items += self._characters(token.start, token.end, spelt)[0]
            elif token.kind == "close":
                items.append(Item("close", token.start, token.end, name=f"<{opened.pop()}"))
            elif token.kind == "open" and xml.local(at) != "g":
                items.append(Item("open", token.start, token.end, name=f"<{at}"))
                opened.append(at)
            elif token.kind == "open":
                items.append(Item("alone", *xml.outer(at), word=True))
                for text in _texts(xml, at):
                    self.draft.skip(place, text, "marked with xliff:g")
                at = xml.close[at]
            else:
                items.append(Item("alone", token.start, token.end))
            at += 1
        return items

    def _characters(
        self, start: int, end: int, spelt: dict[str, str], plain: bool = False, spaced: bool = False
    ) -> tuple[list[Item], bool]:
        """The pieces of a stretch of text: placeholders are tags. Whether quotation marks are in it."""
        raw = self.xml.text[start:end]
        items: list[Item] = []
        done = 0
        quotes = False
        for match in [*_HOLDERS.finditer(raw), None]:
            stop = match.start() if match else len(raw)
            if stop > done:
                text, marks = _unescape(raw[done:stop], spelt, plain, spaced)
                quotes |= marks
                items.append(Item("text", start + done, start + stop, text))
            if match:
                element = _ELEMENT.fullmatch(match[0])
                name = element[2].lower() if element and not element[3] else ""
                kind = "alone" if not name or name in VOID else "close" if element and element[1] else "open"
                span = start + match.start(), start + match.end()
                items.append(Item(kind, *span, name=name, word=not name))  # type: ignore[arg-type]
                done = match.end()
        return items, quotes


def _unescape(raw: str, spelt: dict[str, str], plain: bool, spaced: bool) -> tuple[str, bool]:
    """The characters of `raw`, and whether it holds quotation marks, which Android does not show.

    `plain` for CDATA, which has no references; `spaced` where white space counts.
    """
    raw = raw if spaced else _SPACE.sub(" ", raw)
    text, found = (raw, {}) if plain else unescaped(raw)
    spelt |= {char: one for char, one in found.items() if char not in "'\""}
    quotes = False

    def character(match: re.Match[str]) -> str:
        nonlocal quotes
        if match[1]:
            letter = chr(int(match[1], 16))
            if not letter.isalnum():
                spelt.setdefault(letter, match[0])
            return letter
        if match[2]:
            return _SIGNS.get(match[2], match[2])
        quotes |= match[0] == '"'
        return ""

    return _ESCAPE.sub(character, text), quotes


def _escape(spelt: dict[str, str], plain: bool) -> Callable[[str], str]:
    """How characters are written in a string; `plain` inside CDATA."""
    shown = {char: raw for char, raw in spelt.items() if raw.startswith("\\")}
    others = {char: raw for char, raw in spelt.items() if char not in shown}

    def write(text: str) -> str:
        text = "".join(shown.get(letter) or _BACK.get(letter, letter) for letter in text)
        if not plain:
            return escaped(text, others)
        if "]]>" in text:
            raise In2xError("the translation holds ]]>, which a string in CDATA cannot hold", mend="remove it")
        return text

    return write
