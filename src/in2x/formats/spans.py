"""What text formats share: decode a file so that nothing is lost, and replace stretches of it.

A file is decoded strictly (UTF-8, or UTF-16 and UTF-32 by their mark), so encoding the text again gives the same bytes,
and offsets may count code points. What a segment covers is a `Slot`; only slots whose text changed are written.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import AnyStr

from in2x.errors import In2xError
from in2x.formats.document import Document, Segment, Skipped, Text

BREAK = re.compile(r"\r\n|\r|\n")
LONGEST_LINE = 1 << 24
"""Characters of the longest line that is read (our choice): what is longer was never meant to be text."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order mark -> codec; the longer before the shorter that it begins with."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The characters of a file and how they were written. `encoded(text)` gives the file's bytes back."""

    text: str
    name: str
    encoding: str
    mark: bytes
    """Its byte order mark, b"" where it has none."""
    newline: str
    """What ends most of its lines ("\\n" where none ends)."""
    starts: tuple[int, ...] = field(repr=False)
    """Offset of the first character of each line."""

    def line(self, at: int) -> int:
        """The line (from 1) that the offset `at` is in."""
        return bisect_right(self.starts, at)

    def fault(self, what: str, at: int, mend: str | None = None) -> In2xError:
        """What is wrong at an offset, to be raised."""
        return In2xError(what, file=self.name, line=self.line(at), mend=mend)

    def encoded(self, text: str) -> bytes:
        """The bytes of `text` in the file's encoding, behind its mark.

        Raises:
            In2xError: a character that the encoding does not have.
        """
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            bad = ascii(text[error.start])
            raise In2xError(f"the character {bad} cannot be written in {self.encoding}", file=self.name) from None


def decoded(raw: bytes, name: str, otherwise: str = "") -> Decoded:
    """The characters of `raw`; `otherwise` is the codec of files that are no UTF-8.

    Raises:
        In2xError: bytes that are no text in the encoding, or a line of more than `LONGEST_LINE` characters.
    """
    mark, encoding = next(((mark, codec) for mark, codec in MARKS if raw.startswith(mark)), (b"", "utf-8"))
    if not mark:
        head = raw[:4096]
        evens, odds = head[::2].count(0), head[1::2].count(0)
        if len(head) > 3 and max(evens, odds) * 8 > len(head) > 16 * min(evens, odds):
            encoding = "utf-16-le" if odds > evens else "utf-16-be"
    body = raw[len(mark) :]
    told = (encoding, otherwise) if otherwise and not mark else (encoding,)
    for encoding in told:
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError as error:
            wrong = error
    else:
        line = body.count(b"\n", 0, wrong.start) + 1
        raise In2xError(
            f"bytes that are no {encoding.upper()}", file=name, line=line, mend=_mend(body, wrong.start)
        ) from None
    breaks = [(match.end(), match[0]) for match in BREAK.finditer(text)]
    starts = (0, *(end for end, _ in breaks))
    for number, (start, end) in enumerate(zip(starts, (*starts[1:], len(text)), strict=True), 1):
        if end - start > LONGEST_LINE:
            raise In2xError(f"a line of {end - start:,} characters", file=name, line=number, mend="break it up")
    kinds = [kind for _, kind in breaks]
    newline = max(("\n", "\r\n", "\r"), key=kinds.count)
    return Decoded(text, name, encoding, mark, newline, starts)


def _mend(body: bytes, at: int) -> str:
    """What to do with a file that is no UTF-8: the encoding that it looks to be in."""
    import chardet

    guess = chardet.detect(body[max(0, at - 5_000) : at + 20_000])["encoding"]
    if not guess or guess.lower() in ("utf-8", "ascii", "utf-8-sig"):
        return "save it as UTF-8"
    return f"it may be {guess}; save it as UTF-8 (iconv -f {guess} -t UTF-8)"


def replaced(whole: AnyStr, edits: Iterable[tuple[int, int, AnyStr]]) -> AnyStr:
    """`whole` with each `(start, end, new)` in place of what is between start and end; edits must not overlap."""
    parts: list[AnyStr] = []
    done = 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        assert start >= done, "two edits overlap"
        parts += [whole[done:start], new]
        done = end
    parts.append(whole[done:])
    return whole[:0].join(parts)


def flat(text: Text, escape: Callable[[str], str] = str) -> str:
    """The text with its tags in place, what stands between them escaped."""
    parts, done = [], 0
    for tag in text.tags:
        parts += [escape(text.text[done : tag.at]), tag.raw]
        done = tag.at
    return "".join([*parts, escape(text.text[done:])])


def same(one: Text, other: Text) -> bool:
    """Whether two texts stand for the same characters of a file, be a placeholder a tag or spelt out."""
    return flat(one) == flat(other)


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of a file and the segments that it is made of."""

    start: int
    end: int
    numbers: tuple[int, ...]
    """Its segments: mostly one; several where a string holds several (the forms of a plural)."""
    put: Callable[[Sequence[Text]], str]
    """The characters that its texts become there."""
    now: tuple[Text | None, ...]
    """What stands there now, the sources or the file's own translations (None: none); writing it changes nothing."""
    also: tuple[tuple[int, int, str], ...] = ()
    """What else changes in the file when it is written (a count of plural forms, a flag)."""


@dataclass(slots=True)
class TextDocument(Document):
    """A text file and its slots."""

    source: Decoded = field(kw_only=True)
    slots: tuple[Slot, ...] = field(kw_only=True)

    def edits(self, texts: Mapping[int, Text]) -> list[tuple[int, int, str]]:
        """What `write` replaces."""
        out = set()
        for slot in self.slots:
            if any(
                number in texts and not (now is not None and same(texts[number], now))
                for number, now in zip(slot.numbers, slot.now, strict=True)
            ):
                given = [
                    texts.get(number, now if now is not None else Text(""))
                    for number, now in zip(slot.numbers, slot.now, strict=True)
                ]
                out.add((slot.start, slot.end, slot.put(given)))
                out.update(slot.also)
        return sorted(out)

    def write(self, texts: Mapping[int, Text]) -> bytes:
        """See `Document.write`."""
        edits = self.edits(texts)
        return self.source.encoded(replaced(self.source.text, edits)) if edits else self.raw


@dataclass(slots=True)
class Draft:
    """A text document in the making: a reader adds what it finds, in the order of the file."""

    source: Decoded
    segments: list[Segment] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)

    def add(self, segment: Segment, start: int, end: int, put: Callable[[Text], str] = flat) -> None:
        """A segment that stands between two offsets, and how a translation of it is written there."""
        self.join([segment], start, end, lambda texts: put(texts[0]))

    def join(
        self,
        segments: Sequence[Segment],
        start: int,
        end: int,
        put: Callable[[Sequence[Text]], str],
        now: Sequence[Text | None] | None = None,
        also: Sequence[tuple[int, int, str]] = (),
    ) -> None:
        """Segments that share a stretch; `now` and `also` as a `Slot` has them."""
        first = len(self.segments)
        numbers = tuple(range(first, first + len(segments)))
        self.segments += segments
        self.slots.append(Slot(start, end, numbers, put, tuple(segments if now is None else now), tuple(also)))

    def skip(self, place: str, text: str, why: str) -> None:
        """A text that stays as it is."""
        self.skipped.append(Skipped(place, text, why))

    def document(self, raw: bytes) -> TextDocument:
        """What was found."""
        return TextDocument(raw, tuple(self.segments), tuple(self.skipped), source=self.source, slots=tuple(self.slots))


def lettered(text: str) -> bool:
    """Whether a text has a letter: what has none (`---`, `42`, an emoji) is never translated."""
    return any(letter.isalpha() for letter in text)


def single_line(text: str) -> str:
    """A text in one line, for places that hold no break."""
    return BREAK.sub(" ", text)
