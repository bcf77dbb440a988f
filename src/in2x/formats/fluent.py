"""Fluent (.ftl): values of messages, terms and attributes; what stands in braces is a tag.

The variants of a selector are segments of their own; a selector inside another is skipped with that reason. Comments
before a message are its notes. Lines of a text are breaks of the text, as Fluent has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from in2x.formats import placeholders
from in2x.formats.document import Document, Options, Segment, Text
from in2x.formats.spans import BREAK, Draft, decoded, flat, lettered, replaced

ENTRY = re.compile(r"(?P<name>-?[a-zA-Z][\w-]*)[ \t]*=[ \t]*")
ATTRIBUTE = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))+[ \t]+\.(?P<name>[a-zA-Z][\w-]*)[ \t]*=[ \t]*")
VARIANT = re.compile(r"[ \t\r\n]*(?P<default>\*)?\[[ \t\r\n]*(?P<key>[^\]\s]+)[ \t\r\n]*\][ \t]*")
LITERAL = re.compile(r'"(?:[^"\\\r\n]|\\.)*"')
KEYS = ("accesskey", "commandkey", "key", "keycode")
"""Attributes that name a key of the keyboard."""


@dataclass(slots=True)
class _Variant:
    key: str
    pattern: _Pattern


@dataclass(slots=True)
class _Placeable:
    start: int
    end: int
    variants: list[_Variant] = field(default_factory=list)


@dataclass(slots=True)
class _Pattern:
    """A text and what stands in braces in it."""

    start: int
    end: int
    placeables: list[_Placeable] = field(default_factory=list)


def read(raw: bytes, name: str, options: Options) -> Document:
    """The messages of a Fluent file.

    Raises:
        In2xError: a line that is none of Fluent, a brace that is not closed, a message twice.
    """
    return _Reader(Draft(decoded(raw, name))).read(raw)


class _Reader:
    def __init__(self, draft: Draft) -> None:
        self.draft, self.source = draft, draft.source
        self.text = draft.source.text

    def read(self, raw: bytes) -> Document:
        at, note, group, seen = 0, "", "", set[str]()
        while at < len(self.text):
            ending = BREAK.search(self.text, at)
            stop, after = (ending.start(), ending.end()) if ending else (len(self.text), len(self.text))
            line = self.text[at:stop]
            if line.startswith("#"):
                body = line.lstrip("#").strip()
                if line.startswith("##"):
                    group, note = body, ""
                else:
                    note = f"{note} {body}".strip()
                at = after
            elif not line.strip():
                note, at = "", after
            elif entry := ENTRY.match(self.text, at):
                if entry["name"] in seen:
                    raise self.source.fault(f"the message {entry['name']} stands twice", at, "remove one of them")
                seen.add(entry["name"])
                at = self._entry(entry, note, group)
                note = ""
            else:
                raise self.source.fault(f"{line[:30]!r} is no line of Fluent", at, "indent it, or write name = text")
        return self.draft.document(raw)

    def _entry(self, entry: re.Match[str], note: str, group: str) -> int:
        name = entry["name"]
        term = name.startswith("-")
        pattern = self._pattern(entry.end(), 0)
        like = Segment("", place=name, kind="name" if term else "message", group=group or "messages", note=note)
        self._add(pattern, like)
        at = pattern.end
        while attribute := ATTRIBUTE.match(self.text, at):
            pattern = self._pattern(attribute.end(), 0)
            place = f"{name}.{attribute['name']}"
            if term or attribute["name"] in KEYS:
                why = "an attribute of a term, for programs" if term else "a key to press"
                self.draft.skip(place, self.text[pattern.start : pattern.end], why)
            else:
                self._add(pattern, replace(like, place=place))
            at = pattern.end
        rest = re.compile(r"[ \t]*(?:\r\n|\r|\n|\Z)").match(self.text, at)
        if not rest:
            raise self.source.fault(f"{self.text[at]!r} where a line should end", at, "check the braces before it")
        return rest.end()

    def _pattern(self, at: int, depth: int) -> _Pattern:
        """The pattern that begins behind `at`: the line and the indented ones below it."""
        text = self.text
        first = re.compile(r"[ \t]*(?:(?:[ \t]*(?:\r\n|\r|\n))+[ \t]+(?=[^\s.*\[}]))?").match(text, at)
        at = first.end() if first else at
        pattern = _Pattern(at, at)
        while at < len(text):
            letter = text[at]
            if letter == "{":
                placeable = self._placeable(at, depth)
                pattern.placeables.append(placeable)
                at = pattern.end = placeable.end
            elif letter == "}":
                if not depth:
                    raise self.source.fault("a brace that closes nothing", at, 'write it as {"}"}')
                break
            elif letter in "\r\n":
                below = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))+[ \t]+(?=[^\s.*\[}])").match(text, at)
                if not below:
                    break
                at = below.end()
            else:
                at += 1
                pattern.end = at if not letter.isspace() else pattern.end
        return pattern

    def _placeable(self, at: int, depth: int) -> _Placeable:
        """What stands in braces, from the opening one on."""
        text, start = self.text, at
        if depth > 50:
            raise self.source.fault("more than 50 levels of braces", at, "no message needs them")
        placeable = _Placeable(at, at)
        at += 1
        while at < len(text):
            if literal := LITERAL.match(text, at):
                at = literal.end()
            elif text[at] == "{":
                at = self._placeable(at, depth + 1).end
            elif text[at] == "}":
                placeable.end = at + 1
                return placeable
            elif text.startswith("->", at):
                at += 2
                while variant := VARIANT.match(text, at):
                    pattern = self._pattern(variant.end(), depth + 1)
                    placeable.variants.append(_Variant(variant["key"], pattern))
                    at = pattern.end
            else:
                at += 1
        raise self.source.fault("a brace that is not closed", start, "close it")

    def _add(self, pattern: _Pattern, like: Segment) -> None:
        if pattern.start >= pattern.end:
            return
        choices = [placeable for placeable in pattern.placeables if placeable.variants]
        segments: list[Segment] = []
        inner: list[tuple[int, int, int]] = []
        for choice in choices:
            for variant in choice.variants:
                body, place = variant.pattern, f"{like.place} [{variant.key}]"
                text = self._text(body)
                if any(placeable.variants for placeable in body.placeables):
                    self.draft.skip(place, self.text[body.start : body.end], "a selector inside another")
                elif lettered(text.text):
                    inner.append((body.start, body.end, len(segments)))
                    segments.append(replace(like, text=text.text, tags=text.tags, place=place))
                elif body.start < body.end:
                    self.draft.skip(place, self.text[body.start : body.end], "it has no letter")
        outer = self._text(pattern)
        whole = lettered(outer.text)
        if whole:
            segments.append(replace(like, text=outer.text, tags=outer.tags))
        elif not choices:
            self.draft.skip(like.place, self.text[pattern.start : pattern.end], "it has no letter of its own")
        if not segments:
            return

        def write(texts: Sequence[Text]) -> str:
            edits = [(at, stop, self._written(texts[number], at)) for at, stop, number in inner]
            if not whole:
                own = [(at - pattern.start, stop - pattern.start, new) for at, stop, new in edits]
                return replaced(self.text[pattern.start : pattern.end], own)
            renewed = {}
            for choice in choices:
                own = [
                    (a - choice.start, b - choice.start, new) for a, b, new in edits if choice.start <= a < choice.end
                ]
                raw = self.text[choice.start : choice.end]
                renewed[raw] = replaced(raw, own)
            tags = tuple(replace(tag, raw=renewed.get(tag.raw, tag.raw)) for tag in texts[-1].tags)
            return self._written(Text(texts[-1].text, tags), pattern.start)

        self.draft.join(segments, pattern.start, pattern.end, write)

    def _text(self, pattern: _Pattern) -> Text:
        spans = [(placeable.start, placeable.end) for placeable in pattern.placeables]
        source = self.text[pattern.start : pattern.end]
        found = [(start - pattern.start, end - pattern.start) for start, end in spans]
        markup = re.finditer(r"</?[A-Za-z][\w:-]*(?:\s[^<>{}]*)?/?>", source)
        found += [m.span() for m in markup if all(m.end() <= start or m.start() >= end for start, end in found)]
        return placeholders.cut(source, sorted(found), _dedented)

    def _written(self, text: Text, at: int) -> str:
        """The text as lines of Fluent: indented, and no line begins with a sign of its syntax."""
        start = max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1
        line = self.text[start:at]
        margin = line[: len(line) - len(line.lstrip())] + ("" if not line.strip() else "    ")
        out = flat(text, lambda part: re.sub(r"[{}]", r'{"\g<0>"}', part))
        lines = [_safe(part.strip(" \t")) if number else part for number, part in enumerate(_lines(out))]
        lines[0] = _safe(lines[0]) if not line.strip() else lines[0]
        newline = self.source.newline
        return newline.join([lines[0], *(margin + part if part else "" for part in lines[1:])])


def _lines(text: str) -> list[str]:
    """The lines of a text, breaks inside braces aside."""
    out, depth, start = [], 0, 0
    for match in re.finditer(r'"(?:[^"\\\r\n]|\\.)*"|[{}]|\r\n|\r|\n', text):
        if match[0] in "{}":
            depth += 1 if match[0] == "{" else -1
        elif match[0][0] in "\r\n" and depth <= 0:
            out.append(text[start : match.start()])
            start = match.end()
    return [*out, text[start:]]


def _safe(line: str) -> str:
    return re.sub(r"^[.*\[]", r'{"\g<0>"}', line)


def _dedented(text: str) -> str:
    """Lines of a text without their margins."""
    return re.sub(r"[ \t]*(\r\n|\r|\n)[ \t]*", "\n", text)
