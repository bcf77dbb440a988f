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

    @property
    def confidence(self) -> float:
        """0 to 1, by what the checks say: 0 without a translation, else 1 / (1 + weight of the findings)."""
        return 0.0 if self.origin == "failed" else 1.0 / (1.0 + weight(list(self.findings)))

    @property
    def written(self) -> bool:
        """Whether `text` takes the place of the source."""
        return self.origin in ("model", "kept", "edited")

    @property
    def risk(self) -> float:
        """How much it asks for a second look, 0 to 100: 100 where nothing came, else by the weight of the findings."""
        return 100.0 if self.origin == "failed" else float(min(99, weight(list(self.findings))))
