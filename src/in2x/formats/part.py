"""A file of markup, or a part of a package, with the places where its texts stand: `Part.write` replaces those alone.

Places may lie in each other (the `alt` of an image inside a paragraph, a text box inside a run): what a place writes of
the file's own markup it takes through `render`, which has the changed places inside in it.
"""

from __future__ import annotations

import codecs
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from in2x.errors import In2xError
from in2x.formats.document import Document, Segment, Skipped, Text
from in2x.formats.spans import same

Render = Callable[[int, int], str]
"""The characters between two offsets of the file, changed places inside replaced."""


@dataclass(frozen=True)
class Coded:
    """The bytes of a file and their characters."""

    raw: bytes
    name: str
    encoding: str
    """A codec of Python."""
    mark: bytes = b""
    """The byte order mark."""

    @cached_property
    def text(self) -> str:
        """Its characters.

        Raises:
            In2xError: bytes that are none in the encoding.
        """
        body = self.raw[len(self.mark) :]
        try:
            return body.decode(self.encoding)
        except UnicodeDecodeError as error:
            line = body.count(b"\n", 0, error.start) + 1
            what = f"the file is not in the encoding that it declares or should have, {self.encoding}"
            raise In2xError(what, file=self.name, line=line, mend="declare its encoding, or save it as UTF-8") from None

    def slice(self, start: int, end: int) -> str:
        """The characters between two offsets."""
        return self.text[start:end]

    @cached_property
    def _breaks(self) -> list[int]:
        return [at for at, letter in enumerate(self.text) if letter == "\n"] if "\n" in self.text else []

    def line(self, at: int) -> int:
        """The line (from 1) of an offset."""
        return bisect_left(self._breaks, at) + 1

    @cached_property
    def _offsets(self) -> Sequence[int] | None:
        """Byte offset of each character, None where encoding the text again gives the file."""
        body = self.raw[len(self.mark) :]
        if self.text.encode(self.encoding, "replace") == body:
            return None
        decoder = codecs.getincrementaldecoder(self.encoding)()
        offsets = []
        for at in range(len(body)):
            for _ in decoder.decode(body[at : at + 1]):
                offsets.append(at + 1)
        return [0, *offsets]

    def replaced(self, edits: Iterable[tuple[int, int, str]]) -> bytes:
        """The file with each `(start, end, new)` in place; all else keeps its bytes.

        What the encoding lacks is written as a character reference, so this is for markup alone.
        """
        parts: list[tuple[int, int, str | None]] = []
        done = 0
        for start, end, new in edits:
            parts += [(done, start, None), (start, end, new)]
            done = end
        parts.append((done, len(self.text), None))
        offsets = self._offsets
        if offsets is None:
            whole = "".join(self.text[start:end] if new is None else new for start, end, new in parts)
            return self.mark + whole.encode(self.encoding, "xmlcharrefreplace")
        body = self.raw[len(self.mark) :]
        out = [self.mark]
        for start, end, given in parts:
            last = len(body) if end == len(self.text) else offsets[end]
            out.append(
                body[offsets[start] : last] if given is None else given.encode(self.encoding, "xmlcharrefreplace")
            )
        return b"".join(out)


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a part, and how a translation is written there."""

    start: int
    end: int
    number: int
    """Of its segment; a segment may have several places."""
    put: Callable[[Text, Render], str]
    now: Text | None
    """What stands there; writing it again changes nothing. None: nothing of ours."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of markup and its places."""

    source: Coded
    places: tuple[Place, ...]
    patches: tuple[tuple[int, int, str], ...] = ()
    """What else changes where anything is translated (the language that the file declares)."""

    def changed(self, texts: Mapping[int, Text]) -> list[Place]:
        """The places that `texts` change."""
        return [
            place
            for place in self.places
            if place.number in texts and not (place.now is not None and same(texts[place.number], place.now))
        ]

    def write(self, texts: Mapping[int, Text], patch: bool) -> bytes:
        """The part with `texts` in it; its own bytes where nothing changes. `patch`: with its patches."""
        changed = self.changed(texts)
        patches = [Place(start, end, -1, _constant(new), None) for start, end, new in self.patches if patch]
        if not changed and not patches:
            return self.source.raw
        order = sorted([*changed, *patches], key=lambda place: (place.start, -place.end))
        starts = [place.start for place in order]
        file = self.source.text

        def edits(start: int, end: int) -> list[tuple[int, int, str]]:
            found, at = [], start
            for place in order[bisect_left(starts, start) : bisect_right(starts, end)]:
                if place.start >= at and place.end <= end:
                    new = place.put(texts[place.number] if place.number >= 0 else Text(""), render)
                    found.append((place.start, place.end, new))
                    at = place.end
            return found

        def render(start: int, end: int) -> str:
            parts, at = [], start
            for first, last, new in edits(start, end):
                parts += [file[at:first], new]
                at = last
            return "".join([*parts, file[at:end]])

        return self.source.replaced(edits(0, len(file)))


def _constant(new: str) -> Callable[[Text, Render], str]:
    return lambda text, render: new


@dataclass(slots=True)
class Draft:
    """What a reader finds, over all parts, in the order in which people read."""

    segments: list[Segment] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, segment: Segment) -> int:
        """A segment; its number."""
        self.segments.append(segment)
        return len(self.segments) - 1

    def skip(self, place: str, text: str, why: str) -> None:
        """A text that stays as it is; blank ones are none."""
        if text.strip():
            self.skipped.append(Skipped(place, " ".join(text.split()), why))


@dataclass(slots=True)
class MarkupDocument(Document):
    """A document that is one file of markup."""

    part: Part = field(kw_only=True)

    def write(self, texts: Mapping[int, Text]) -> bytes:
        """See `Document.write`."""
        return self.part.write(texts, bool(self.part.changed(texts)))
