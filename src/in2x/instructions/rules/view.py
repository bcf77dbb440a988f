"""An instruction as the rules see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from in2x.instructions.config import RulesConfig
from in2x.records import Instruction

Evidence = dict[str, Any]
MATERIAL = frozenset({"translate", "rewrite", "nli", "paraphrase", "sentiment", "reading", "summary", "choice"})
"""Tasks whose prompt is mostly a text to work on, put into words by a template."""


@dataclass(frozen=True)
class View:
    """An item with what the rules ask of it."""

    item: Instruction
    config: RulesConfig

    @cached_property
    def prompt(self) -> str:
        """The last user turn ("" where there is none)."""
        return next((m["content"] for m in reversed(self.item.messages) if m["role"] == "user"), "")

    @property
    def answer(self) -> str:
        """The wanted reply ("" where none is given)."""
        return self.item.answer or ""

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """("prompt", its text), ("answer", its text)."""
        return ("prompt", self.prompt), ("answer", self.answer)

    @cached_property
    def source(self) -> str | None:
        """The text to be translated or rewritten, whose content is not the author's."""
        source = (self.item.verifier or {}).get("source")
        return str(source) if source is not None else None

    @property
    def given_text(self) -> bool:
        """Whether the item carries a text to work on: its words then are material and tell nothing of a fault."""
        return self.source is not None or self.item.task in MATERIAL


Rule = Callable[[View], Evidence | None]
"""No fault (None), or the evidence."""
