"""Sentence chrF against the reference, in [0, 1]."""

from __future__ import annotations

from in2x.metrics.chrf import SIGNATURE, sentence_chrf
from in2x.principles.case import TRANSLATION
from in2x.rl.rewards.base import ItemReward, RewardItem


class Chrf(ItemReward):
    """Items with a reference answer and a "translation" verifier; others are not its business."""

    name = "chrf"
    signature = SIGNATURE
    verifier = TRANSLATION

    def one(self, item: RewardItem) -> float | None:
        """chrF2 / 100 of one item."""
        return sentence_chrf(item.answer, item.case.reference) / 100 if item.case.reference else None
