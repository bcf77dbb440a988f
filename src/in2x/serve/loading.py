"""What `in2x serve` is told of its model, so that any process can load it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from in2x.llm.config import is_address
from in2x.serve.memory import hold_little
from in2x.translate.job import Checks
from in2x.translate.open import Combine

if TYPE_CHECKING:
    from in2x.serve.engine import Engine

AT_A_SERVER = 8
"""Batches that are with a server of models at once (our choice)."""


@dataclass(frozen=True, slots=True)
class Loading:
    """A model, and how it is asked."""

    models: tuple[str, ...]
    source_lang: str | None = None
    """Of a text that does not show its own."""
    combine: Combine = "tokens"
    profile: str | None = None
    probe: bool = True
    checks: Checks = "repair"
    at_once: int | None = None
    """Batches that are with the model at once; None: one, `AT_A_SERVER` where it is a server."""
    waiting: int = 200_000
    """Characters that may wait for people."""

    @property
    def elsewhere(self) -> bool:
        """Whether no model is in this process."""
        return all(map(is_address, self.models))

    def engine(self) -> Engine:
        """Load it.

        Raises:
            In2xError: there is no such model, or it cannot be loaded.
        """
        hold_little()
        from in2x.serve.engine import Engine
        from in2x.serve.queue import MOST, Queue
        from in2x.translate.translator import Translator

        translator = Translator.load(
            list(self.models), combine=self.combine, profile=self.profile, probed=not self.probe
        )  # fmt: skip
        threads = self.at_once or (AT_A_SERVER if self.elsewhere else 1)
        return Engine(translator, self.source_lang, checks=self.checks, threads=threads, queue=Queue(self.waiting),
                      warm=1 if self.elsewhere else MOST)  # fmt: skip
