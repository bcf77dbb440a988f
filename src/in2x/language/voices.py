"""How people speak over a document: what grammars say of it, whatever the language."""

from __future__ import annotations

from typing import NamedTuple

from in2x.language.finding import Finding


class Break(NamedTuple):
    """A turn that departs from its speaker's habit."""

    turn: int
    """0-based index of the turn (line) in the document."""
    finding: Finding
    """Span in that turn."""


class SpeakerVoice(NamedTuple):
    """How one speaker speaks (to one listener) over a document."""

    speaker: str
    listener: str | None
    style: str
    """The usual style: "polite" | "plain" | "none"."""
    counts: dict[str, int]
    """Turns by style."""
    first_person: dict[str, int]
    """Words for "I" and how often each occurs."""
    breaks: tuple[Break, ...]

    @property
    def consistency(self) -> float | None:
        """Share of the usual style among turns that show one; None where none does."""
        total = sum(self.counts.values())
        return self.counts[self.style] / total if total else None


class Gender(NamedTuple):
    """How gendered a text sounds by convention; not who speaks."""

    label: str
    """"feminine" | "masculine" | "neutral"."""
    feminine: int
    masculine: int
