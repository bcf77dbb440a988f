"""What became of one segment: its translation, where that came from, what is wrong with it, what was mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from in2x.formats.document import Segment, Text
from in2x.translate.findings import Finding, weight

Origin = Literal["model", "kept", "edited", "file", "untouched", "failed"]
"""Asked now; asked by an earlier run; written by a person; translated already in the file; nothing in it to translate;
no translation came."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One segment, done or marked as not done."""

    segment: Segment
    text: Text
    """The translation with its tags; the source where there is none."""
    origin: Origin
    fault: str = ""
    """With origin "failed": why there is no translation."""
    findings: tuple[Finding, ...] = ()
    """What the checks say of `text`."""
    repaired: tuple[str, ...] = ()
    """Principles that an earlier answer broke and `text` keeps."""
    repairs: int = 0
    """How often it was asked for again."""
    confidence: float | None = None
    """0 to 1: the geometric mean of the tokens' probabilities, where the model tells it."""

    @property
    def written(self) -> bool:
        """Whether `text` takes the place of the source."""
        return self.origin in ("model", "kept", "edited")

    @property
    def risk(self) -> float:
        """How much it asks for a second look: 100 where nothing came, else by findings, then by confidence."""
        if self.origin == "failed":
            return 100.0
        doubt = 0.0 if self.confidence is None else 1.0 - self.confidence
        return min(99.0, weight(list(self.findings)) + doubt)
