"""Sentence BLEU against the reference, in [0, 1] (sacrebleu, effective order, exponential smoothing)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sacrebleu.metrics.bleu import BLEU

from in2x.language.language import language
from in2x.principles.case import TRANSLATION
from in2x.rl.rewards.base import ItemReward, RewardItem


@lru_cache(maxsize=8)
def _metric(tokenise: str) -> Any:
    return BLEU(effective_order=True, tokenize=tokenise)


class Bleu(ItemReward):
    """Items with a reference answer and a "translation" verifier; others are not its business."""

    verifier = TRANSLATION

    def __init__(self, tokeniser: str | None = None) -> None:
        """By a tokeniser of sacrebleu's ("none": white space, for corpora cut into words).

        None: that of the language (`Language.reward_bleu`).
        """
        self.tokeniser = tokeniser
        self.signature = f"nrefs:1|case:mixed|eff:yes|tok:{tokeniser or 'by language'}|smooth:exp"
        self.name = f"bleu:{tokeniser}" if tokeniser else "bleu"

    def one(self, item: RewardItem) -> float | None:
        """BLEU / 100 of one item."""
        if not item.case.reference:
            return None
        metric = _metric(self.tokeniser or language(item.case.target_lang).reward_bleu)
        return float(metric.sentence_score(item.answer, [item.case.reference]).score) / 100
