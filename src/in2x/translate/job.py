"""What is wished of a translation: languages, manner, agreements, context, checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from in2x.translate.findings import Rules

Checks = Literal["off", "mark", "repair"]
CONTEXT = 12
"""Segments of context for a model that takes any (our choice; what peers settle on is 10 to 20)."""


@dataclass(frozen=True, slots=True)
class Job:
    """The wishes of one translation."""

    source_lang: str
    target_lang: str
    register: str | None = None
    """Register wanted where no character's is known."""
    style: str = ""
    """Wish for the style, in a few words."""
    synopsis: str = ""
    """What the text is about, for the model."""
    rules: Rules = field(default_factory=Rules)
    """Glossary and characters."""
    context: int | None = None
    """Segments before a segment that the model is told; None is `CONTEXT` for a model that takes them, else 0."""
    checks: Checks = "repair"
    repairs: int = 2
    """Most times that a failing segment is asked for again."""
    seed: int = 0
    beams: int | None = None
    """Beam search with so many beams; None: as the model's profile."""
    redo: bool = False
    """Translate also what the file has a translation of."""
