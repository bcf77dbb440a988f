"""What every document format is: bytes -> segments with inline tags -> the same bytes with other texts in them.

A format never writes a file anew. It finds the spans of bytes that hold text, and `write` replaces those alone, so that
what is not translated comes back byte for byte. Every text of a file is a segment or is listed in `skipped` with a
reason.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "heading", "cell", "message", "subtitle", "speech", "name", "attribute"]


@dataclass(frozen=True, slots=True)
class Tag:
    """Markup inside a text: it is no part of the text, and stands before the code point `at`."""

    at: int
    """0 to len(text)."""
    raw: str
    """What the file has there, with its escapes undone as in the text; it goes back unchanged."""
    number: int
    """Of the pair that an opening and a closing tag make; a lone tag has one of its own."""
    kind: Literal["open", "close", "alone"] = "alone"


@dataclass(frozen=True, slots=True)
class Text:
    """A text and the tags in it, in the order of the file: tags at one place stand as they follow each other."""

    text: str
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """How a text must be laid out."""

    width: float
    """Longest line, in full-width characters (a half-width one counts .5)."""
    lines: int = 2
    seconds: float | None = None
    """How long it is shown."""


@dataclass(frozen=True, slots=True)
class Segment(Text):
    """A text of a document that is translated as a whole: a paragraph, a cell, a cue, a message."""

    place: str = ""
    """Where it stands, for people: "line 12", "chapter 2, paragraph 5", "menu.open"."""
    kind: Kind = "text"
    group: str = ""
    """Segments of one group follow each other and are each other's context: a chapter, a scene."""
    speaker: str = ""
    """Who says it, where the file says so."""
    note: str = ""
    """A word of the authors about it (a comment of a developer, a message context)."""
    limit: Limit | None = None
    done: str = ""
    """A translation that the file has already, its tags spelt out ("" where it has none)."""
    lines: tuple[str, ...] = ()
    """Its lines as the file has them, without tags, where a limit says how long they may be."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A text that is not translated."""

    place: str
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Options:
    """What a reader may be told."""

    source_lang: str = ""
    target_lang: str = ""
    paths: tuple[str, ...] = ()
    """Which fields are text, in the words of the format (JSON paths, names of columns); () for all that look it."""
    redo: bool = False
    """Translate also what the file has a translation of: readers then leave `Segment.done` empty."""


@dataclass(slots=True)
class Document(ABC):
    """A file that was read. Subclasses keep what they need to write it."""

    raw: bytes
    segments: tuple[Segment, ...] = ()
    skipped: tuple[Skipped, ...] = field(default=())

    @abstractmethod
    def write(self, texts: Mapping[int, Text]) -> bytes:
        """The file with `texts` (segment number -> translation with its tags) in place of their sources.

        Segments that are not named keep their bytes: `write({})` is the file as it was read.

        Raises:
            In2xError: a text cannot stand in this format (the sentence says which and why).
        """
