"""The inline grammar of CommonMark with offsets: where emphasis, links, code and the rest of a paragraph begin and end.

It follows section 6 and the appendix of the specification (0.31) and adds GFM's strikethrough and bare addresses,
footnotes, `$math$` and `{{templates}}`. What counts as punctuation decides whether `**` opens: renderers differ in
symbols, so the caller chooses.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

ESCAPABLE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
ANGLES = re.compile(
    r"<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*)>"
    r"|<!--(?:-?>|.{0,1000}?-->)|<\?.{0,1000}?\?>|<![A-Za-z][^>]{0,1000}>|<!\[CDATA\[.{0,1000}?\]\]>"
    r"|</[A-Za-z][A-Za-z0-9-]*\s*>|<[A-Za-z][A-Za-z0-9-]*(?:\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s\"'=<>`]+|'[^']*'|\"[^\"]*\"))?)*\s*/?>",
    re.DOTALL,
)
ALONE = re.compile(
    r"\[\^[^\]\s]{1,100}\](?!:)|\$(?=[^\s$])[^$\n]{0,500}?(?<=[^\s\\])\$(?!\d)|\{\{[^{}\n]{0,500}\}\}|\{%[^\n]{0,500}?%\}"
    r"|(?<![\w/])(?:https?://|www\.)[^\s<>()\[\]、。）」』]*[^\s<>()\[\]、。）」』?!.,:*_~'\"]"
)
"""Whole tags beside those of CommonMark."""
TITLE = r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))"
TARGET = re.compile(
    rf"\(\s*(?:<(?:[^<>\n\\]|\\.)*>|(?!<)(?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.|\([^\s()]*\))*\))*)"
    rf"(?:\s+(?P<title>{TITLE}))?\s*\)",
    re.DOTALL,
)
LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)

Kind = Literal["text", "alone", "open", "close", "break"]


@dataclass(slots=True)
class Piece:
    """A stretch of a paragraph."""

    start: int
    end: int
    kind: Kind
    text: str = ""
    """What a text says, escapes undone."""
    partner: Piece | None = None
    """The closing piece of an opening one and the other way round."""
    label: str = ""
    """The reference that a closing bracket leaves to its text (`[text]`, `[text][]`)."""
    alt: tuple[int, int] = (0, 0)
    """The description of an image."""
    title: tuple[int, int] = (0, 0)
    """The title of a link or image, its quotes not included."""


@dataclass(slots=True)
class _Run:
    """A run of `*`, `_` or `~`."""

    start: int
    mark: str
    count: int
    length: int
    opens: bool
    closes: bool
    used_left: int = 0
    used_right: int = 0


@dataclass(slots=True)
class _Bracket:
    piece: Piece
    image: bool
    runs: int
    active: bool = True


def punctuation(letter: str, symbols: bool) -> bool:
    """Whether a character is punctuation for emphasis; `symbols` as CommonMark has it from 0.31 on."""
    return letter in ESCAPABLE or unicodedata.category(letter)[0] in ("PS" if symbols else "P")


def normal(label: str) -> str:
    """A label as references are compared."""
    return " ".join(label.split()).casefold()


def parse(text: str, references: Container[str] = (), symbols: bool = True) -> list[Piece]:
    """The pieces of a paragraph in order; together they cover it.

    Args:
        text: the paragraph, without the marks of its blocks.
        references: labels (`normal`) that the document defines.
        symbols: whether symbols count as punctuation.
    """
    return _Scan(text, references, symbols).pieces()


class _Scan:
    def __init__(self, text: str, references: Container[str], symbols: bool) -> None:
        self.text, self.references, self.symbols = text, references, symbols
        self.out: list[Piece] = []
        self.runs: list[_Run] = []
        self.marks: list[Piece] = []
        self.brackets: list[_Bracket] = []
        self.no_code: set[int] = set()

    def pieces(self) -> list[Piece]:
        at = 0
        while at < len(self.text):
            at = self._one(at)
        self._emphasis(0)
        return _filled(self.text, sorted([*self.out, *self.marks], key=lambda piece: piece.start))

    def _add(self, start: int, end: int, kind: Kind, text: str = "") -> int:
        self.out.append(Piece(start, end, kind, text))
        return end

    def _one(self, at: int) -> int:
        text, letter = self.text, self.text[at]
        if letter == "\\":
            following = text[at + 1 : at + 2]
            if following == "\n":
                return self._add(at, at + 2, "break")
            if following and following in ESCAPABLE:
                return self._add(at, at + 2, "text", following)
        elif letter == "\n":
            spaces = len(text[:at]) - len(text[:at].rstrip(" "))
            indent = re.compile(r"[ \t]*").match(text, at + 1)
            start = max(at - spaces, self.out[-1].end if self.out else 0)
            return self._add(start, indent.end() if indent else at + 1, "break" if spaces > 1 else "text", "\n")
        elif letter == "`":
            return self._code(at)
        elif letter == "<" and (match := ANGLES.match(text, at)):
            return self._add(at, match.end(), "alone")
        elif letter == "&" and (match := ENTITY.match(text, at)):
            return self._add(at, match.end(), "text", html.unescape(match[0]))
        elif letter in "[${hw" and (match := ALONE.match(text, at)):
            return self._add(at, match.end(), "alone")
        elif letter == "[" or text.startswith("![", at):
            image = letter == "!"
            piece = Piece(at, at + 1 + image, "text", text[at : at + 1 + image])
            self.brackets.append(_Bracket(piece, image, len(self.runs)))
            self.out.append(piece)
            return piece.end
        elif letter == "]":
            return self._close(at)
        elif letter in "*_~":
            return self._run(at)
        return at + 1

    def _code(self, at: int) -> int:
        ticks = re.compile(r"`+").match(self.text, at)
        assert ticks is not None
        count = len(ticks[0])
        if count not in self.no_code:
            for end in re.compile(r"`+").finditer(self.text, ticks.end()):
                if len(end[0]) == count:
                    return self._add(at, end.end(), "alone")
            self.no_code.add(count)
        return ticks.end()

    def _run(self, at: int) -> int:
        text, mark = self.text, self.text[at]
        end = at
        while end < len(text) and text[end] == mark:
            end += 1
        before, after = text[at - 1 : at] or " ", text[end : end + 1] or " "
        space_before, space_after = before.isspace(), after.isspace()
        mark_before = not space_before and punctuation(before, self.symbols)
        mark_after = not space_after and punctuation(after, self.symbols)
        left = not space_after and (not mark_after or space_before or mark_before)
        right = not space_before and (not mark_before or space_after or mark_after)
        opens, closes = left, right
        if mark == "_":
            opens, closes = left and (not right or mark_before), right and (not left or mark_after)
        if mark != "~" or end - at == 2:
            self.runs.append(_Run(at, mark, end - at, end - at, opens, closes))
        return end

    def _close(self, at: int) -> int:
        if not self.brackets:
            return at + 1
        opener = self.brackets.pop()
        if not opener.active:
            return at + 1
        text, label = self.text, ""
        inner = text[opener.piece.end : at]
        title = (0, 0)
        if match := TARGET.match(text, at + 1):
            end = match.end()
            title = (match.start("title") + 1, match.end("title") - 1) if match["title"] else (0, 0)
        elif (match := LABEL.match(text, at + 1)) and normal(match[1] or inner) in self.references:
            end, label = match.end(), "" if match[1] else inner
        elif normal(inner) in self.references and not LABEL.match(text, at + 1):
            end, label = at + 1, inner
        else:
            return at + 1
        if opener.image:
            self._drop(opener)
            self.out.append(
                Piece(opener.piece.start, end, "alone", alt=(opener.piece.end, at), title=title, label=label)
            )
            return end
        self._emphasis(opener.runs)
        close = Piece(at, end, "close", partner=opener.piece, label=label, title=title)
        opener.piece.kind, opener.piece.text, opener.piece.partner = "open", "", close
        self.out.append(close)
        for bracket in self.brackets:
            bracket.active = bracket.active and bracket.image
        return end

    def _drop(self, opener: _Bracket) -> None:
        """Forget what is inside an image: it is one tag."""
        start = opener.piece.start
        while self.out and self.out[-1].start >= start:
            self.out.pop()
        self.marks = [mark for mark in self.marks if mark.start < start]
        del self.runs[opener.runs :]

    def _emphasis(self, bottom: int) -> None:
        """Pair the runs from `bottom` on, as the specification's appendix does.

        `openers` may still open; below its floor no opener fits a kind of closer. Both keep it linear.
        """
        openers: list[int] = []
        floors: dict[tuple[str, bool, int], int] = {}
        for number in range(bottom, len(self.runs)):
            closer = self.runs[number]
            while closer.closes and closer.count:
                kind = (closer.mark, closer.opens, closer.length % 3)
                place = len(openers) - 1
                while place >= 0 and openers[place] >= floors.get(kind, 0) and not self._fits(openers[place], closer):
                    place -= 1
                if place < 0 or openers[place] < floors.get(kind, 0):
                    floors[kind] = number
                    break
                self._pair(self.runs[openers[place]], closer)
                del openers[place + (self.runs[openers[place]].count > 0) :]
            if closer.opens and closer.count:
                openers.append(number)
        del self.runs[bottom:]

    def _fits(self, at: int, closer: _Run) -> bool:
        """Whether a run may be opened by the one at an index (the rule of three)."""
        run = self.runs[at]
        odd = (run.closes or closer.opens) and (run.length + closer.length) % 3 == 0
        return run.mark == closer.mark and (
            run.mark == "~" or not odd or (run.length % 3 == 0 and closer.length % 3 == 0)
        )

    def _pair(self, opener: _Run, closer: _Run) -> None:
        width = 2 if opener.count >= 2 and closer.count >= 2 else 1
        first = opener.start + opener.length - opener.used_right - width
        second = closer.start + closer.used_left
        one, two = Piece(first, first + width, "open"), Piece(second, second + width, "close")
        one.partner, two.partner = two, one
        self.marks += [one, two]
        opener.used_right += width
        closer.used_left += width
        opener.count -= width
        closer.count -= width


def _filled(text: str, found: list[Piece]) -> list[Piece]:
    """The pieces and the plain text between them."""
    out, at = [], 0
    for piece in found:
        if piece.start > at:
            out.append(Piece(at, piece.start, "text", text[at : piece.start]))
        out.append(piece)
        at = max(at, piece.end)
    return [*out, Piece(at, len(text), "text", text[at:])] if at < len(text) else out
