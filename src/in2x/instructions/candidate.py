"""An item on its way through the gates, with the notes of the model that wrote it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from in2x.llm.request import CUT, NOTHING
from in2x.records import Instruction


@dataclass(frozen=True, slots=True)
class Candidate:
    """A new item that a model wrote, or the reason why it did not."""

    item: Instruction
    trace: dict[str, Any] | None = None
    """What its author noted: reasoning, what was changed and why. Read again by the author (ReReading)."""
    fault: str | None = None
    """Why there is nothing to verify: then `failed` tells a failure (no judgement) from a rejection."""
    failed: bool = False
    gate: str = "author"
    """The gate at which `fault` was found."""

    @property
    def prompt(self) -> str:
        """The last user turn."""
        return next((m["content"] for m in reversed(self.item.messages) if m["role"] == "user"), "")

    @property
    def why_failed(self) -> str:
        """The kind of failure: the model said nothing whole, kept to no form, would not, or was not heard."""
        fault = self.fault or ""
        known = (
            (fault == CUT, "cut at its limit"), (fault in NOTHING, fault), ("no content" in fault, "no content"),
            ("JSON" in fault, "not in the form asked for"), ("refuses" in fault, "refused"),
            ("budget" in fault, "budget"),
        )  # fmt: skip
        return next((reason for holds, reason in known if holds), "no answer")

    @property
    def reasoned(self) -> bool:
        """Whether its author has noted why it wrote it so."""
        return any((self.trace or {}).get(key) for key in ("thought", "reasoning", "plan", "aim", "changes"))

    @property
    def notes(self) -> str:
        """The trace as text; "(none)" where there is none."""
        return json.dumps(self.trace, ensure_ascii=False, indent=1) if self.trace else "(none)"
