"""Sentence BLEU against the reference, in [0, 1] (sacrebleu, effective order, exponential smoothing)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sacrebleu.metrics.bleu import BLEU

from in2x.rl.rewards.base import RewardItem
from in2x.rl.rewards.chrf import reference_of

TOKENISERS = {"en": "13a", "ja": "char", "zh": "zh"}
"""Characters for Japanese: the reward must not depend on how a sampled, broken sentence is segmented."""


@lru_cache(maxsize=8)
def _metric(tokenise: str) -> Any:
    return BLEU(effective_order=True, tokenize=tokenise)


class Bleu:
    """Items with a reference answer and a "translation" verifier; others are not its business."""

    def __init__(self, tokeniser: str | None = None) -> None:
        """By a tokeniser of sacrebleu's ("none": white space, for corpora cut into words); None: by language."""
        self.tokeniser = tokeniser
        self.name = f"bleu:{tokeniser}" if tokeniser else "bleu"

    async def __call__(self, items: Sequence[RewardItem]) -> list[float | None]:
        """BLEU / 100 per item."""
        values: list[float | None] = []
        for item in items:
            reference = reference_of(item)
            if reference is None:
                values.append(None)
                continue
            lang = str((item.instruction.verifier or {}).get("to", item.instruction.lang))
            metric = _metric(self.tokeniser or TOKENISERS.get(lang, "13a"))
            values.append(metric.sentence_score(item.answer, [reference]).score / 100)
        return values
