"""What a client wants of its texts, and what it gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from in2x.formats.document import Tag
from in2x.formats.fragment import Rules
from in2x.translate.findings import Finding
from in2x.translate.findings import Rules as Agreed

Markup = Literal["plain", "html", "xml"]
"""How inline tags of the texts are read. Plain has none; a text of HTML may be a whole page or a piece of one, and so
may one of XML (`formats/fragment.py`)."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants of its texts; equal wishes join."""

    target_lang: str
    source_lang: str | None = None
    """None: told from each text."""
    register: str | None = None
    terms: tuple[tuple[str, str], ...] = ()
    """Agreed renderings, source and target."""
    scene: str = ""
    """Context of the caller, which is not translated."""
    style: str = ""
    """Wish for the style, in a few words."""
    together: bool = False
    """Whether the texts of one request are each other's context."""
    kind: Markup = "plain"
    rules: Rules = field(default_factory=Rules)
    """What elements of the markup mean."""
    strict: bool = True
    """Whether XML that is not well formed is refused."""
    lines: bool = True
    """Of plain text: whether a line break ends a sentence. Else those of a paragraph are as spaces."""
    agreed: Agreed | None = None
    """Glossary and characters, of a client that has more to say of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The translation of one text."""

    text: str
    """With its tags and its lines; what of it could not be translated stands there as it was."""
    source_lang: str
    """Code of the language it was taken to be in."""
    findings: tuple[Finding, ...] = ()
    """What it breaks; places count in `text`, -1 where there are tags."""
    tags: tuple[Tag, ...] = ()
    """Of a segment: its tags; texts have theirs in them."""
    failed: str = ""
    """Why it, or a part of it, is not translated."""
