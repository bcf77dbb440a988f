"""Texts with markup in them: pieces of a paragraph -> text and tags, and a translation with its tags -> markup.

Tags at the edges of a paragraph stay outside, so that the model sees them only where they stand between words; tags
that stand beside each other everywhere are one. White space is as a browser shows it where `collapse` says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from in2x.errors import In2xError
from in2x.formats.document import Tag, Text
from in2x.formats.part import Place, Render

Span = tuple[int, int]
_SPACE = re.compile(r"[ \t\r\n\f]+")
_WIDE = "[\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"
_BROKEN = re.compile(rf"(?<={_WIDE})[ \t]*[\r\n][ \t\r\n\f]*(?={_WIDE})")
"""A line break between characters of scripts without spaces: it is none in the text."""


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of a paragraph and where it stands."""

    kind: Literal["text", "open", "close", "alone"]
    start: int
    end: int
    text: str = ""
    """Of a text: its characters."""
    name: str = ""
    """By which an opening and a closing tag are a pair."""
    word: bool = False
    """What stands alone for a word, so that it may move in the sentence: never left outside."""
    fixed: bool = False
    """A text whose edges are no white space of the file (ruby, CDATA)."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text in its file."""

    text: Text
    start: int
    end: int
    tags: dict[tuple[int, str], tuple[Span, ...]]
    """(number, kind) of a tag -> where its markup stands."""

    def place(self, number: int, escape: Callable[[str], str]) -> Place:
        """Its place as that of segment `number`."""
        return Place(self.start, self.end, number, self.put(escape), self.text)

    def put(self, escape: Callable[[str], str]) -> Callable[[Text, Render], str]:
        """How a translation is written in its place; `escape` makes characters what stands between tags."""

        def written(text: Text, render: Render) -> str:
            check(self.text, text)
            parts, done = [], 0
            for tag in text.tags:
                parts.append(escape(text.text[done : tag.at]))
                parts += [render(*span) for span in self.tags[tag.number, tag.kind]]
                done = tag.at
            return "".join([*parts, escape(text.text[done:])])

        return written


def check(source: Text, answer: Text) -> None:
    """Whether a translation has the tags of its source, well nested.

    Raises:
        In2xError: a tag is lost, doubled, or stands where markup breaks.
    """
    wanted = Counter((tag.number, tag.kind) for tag in source.tags)
    given = Counter((tag.number, tag.kind) for tag in answer.tags)
    if wanted != given:
        (number, kind), _ = next(iter(((wanted - given) or (given - wanted)).items()))
        raw = next((tag.raw for tag in source.tags if (tag.number, tag.kind) == (number, kind)), "")
        fault = f"lacks the tag {raw}" if raw and (wanted - given) else f"has a tag too many, {number}"
        raise In2xError(f'the translation "{answer.text[:40]}" {fault}', mend="keep each tag of the source once")
    stack: list[int] = []
    at = 0
    for tag in answer.tags:
        if not at <= tag.at <= len(answer.text) or (tag.kind == "close" and (not stack or stack.pop() != tag.number)):
            raise In2xError(f'the tags of the translation "{answer.text[:40]}" are not well nested')
        if tag.kind == "open":
            stack.append(tag.number)
        at = tag.at


def partners(items: Sequence[Item]) -> dict[int, int]:
    """Index of an opening item -> index of the closing one, and back; what has no other is not in it."""
    found: dict[int, int] = {}
    stack: list[int] = []
    waiting: Counter[str] = Counter()
    for index, item in enumerate(items):
        if item.kind == "open":
            stack.append(index)
            waiting[item.name] += 1
        elif item.kind == "close" and waiting[item.name]:
            while True:
                last = stack.pop()
                waiting[items[last].name] -= 1
                if items[last].name == item.name:
                    break
            found[last], found[index] = index, last
    return found


def passage(pieces: Sequence[Item], raw: Render, collapse: bool = True) -> Passage | None:
    """The text of a run of pieces, None where there is none; `raw` gives what the file has between two offsets."""
    items = [item for item in pieces if item.kind != "text" or item.text]
    pairs = partners(items)
    low, high = _edges(items, pairs)
    if low >= high:
        return None
    start, end = items[low].start, items[high - 1].end
    if items[low].kind == "text" and not items[low].fixed:
        first = raw(start, items[low].end)
        start += len(first) - len(first.lstrip())
    if items[high - 1].kind == "text" and not items[high - 1].fixed:
        last = raw(items[high - 1].start, end)
        end -= len(last) - len(last.rstrip())
    parts: list[str] = []
    length = 0
    tags: list[tuple[int, str, list[Span], int]] = []  # number, kind, spans, where
    numbers: dict[int, int] = {}
    count = 0
    solid = False  # something that is seen stands behind the text so far
    for index in range(low, high):
        item = items[index]
        if item.kind == "text":
            more = _shown(item.text, collapse)
            if collapse and more.startswith(" ") and not solid and parts and parts[-1].endswith(" "):
                more = more[1:]
            if more:
                parts.append(more)
                length += len(more)
            solid = False
            continue
        solid |= index not in pairs
        before = items[index - 1].kind if index > low else "text"
        other = pairs.get(index)
        if other is None:
            if before != "text" and index - 1 not in pairs:
                tags[-1][2].append((item.start, item.end))
                continue
            kind = "alone"
        else:
            kind = item.kind
            beside = before == kind and pairs.get(index - 1) == other + 1
            if kind == "close" and beside:
                beside = numbers[other] == numbers[other + 1]
            if beside:
                numbers[index] = numbers[other] = tags[-1][0]
                tags[-1][2].append((item.start, item.end))
                continue
        if kind == "close":
            number = numbers[other] if other is not None else 0
        else:
            count += 1
            number = count
            if other is not None:
                numbers[index] = numbers[other] = number
        tags.append((number, kind, [(item.start, item.end)], length))
    text = "".join(parts)
    shift = len(text) - len(text.lstrip()) if items[low].kind == "text" else 0
    text = text[shift:].rstrip() if items[high - 1].kind == "text" else text[shift:]
    spans = {(number, kind): tuple(where) for number, kind, where, _ in tags}
    made = tuple(
        Tag(min(max(at - shift, 0), len(text)), "".join(raw(*span) for span in where), number, kind)  # type: ignore[arg-type]
        for number, kind, where, at in tags
    )
    return Passage(Text(text, made), start, end, spans)


def _edges(items: Sequence[Item], pairs: dict[int, int]) -> tuple[int, int]:
    """Where the text begins and ends, without the tags around it."""
    low, high = 0, len(items)

    def blank(item: Item) -> bool:
        return item.kind == "text" and not item.text.strip()

    def said(item: Item) -> bool:
        return item.word or (item.kind == "text" and not blank(item))

    if all(item.kind != "text" or blank(item) for item in items):
        return 0, 0
    while low < high:
        first, last = pairs.get(low), pairs.get(high - 1)
        if blank(items[low]) or (items[low].kind != "text" and first is None and not items[low].word):
            low += 1
        elif blank(items[high - 1]) or (items[high - 1].kind != "text" and last is None and not items[high - 1].word):
            high -= 1
        elif first is not None and first == high - 1:
            low, high = low + 1, high - 1
        elif first is not None and not any(map(said, items[low : first + 1])):
            low = first + 1
        elif last is not None and not any(map(said, items[last:high])):
            high = last
        else:
            break
    return low, high


def _shown(text: str, collapse: bool) -> str:
    return _SPACE.sub(" ", _BROKEN.sub("", text)) if collapse else text.replace("\r\n", "\n")
