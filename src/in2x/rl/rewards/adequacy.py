"""Adequacy against the reference by words alone: `metrics/adequacy.py`, in [0, 1]."""

from __future__ import annotations

from in2x.metrics.adequacy import SIGNATURE, adequacy
from in2x.principles.case import TRANSLATION
from in2x.rl.rewards.base import ItemReward, RewardItem


class Adequacy(ItemReward):
    """Items with a reference answer and a "translation" verifier; others are not its business.

    Further accepted answers may stand in the verifier, as list "references"; the nearest one counts.
    """

    name = "adequacy"
    signature = SIGNATURE
    verifier = TRANSLATION

    def one(self, item: RewardItem) -> float | None:
        """The score of one item."""
        case = item.case
        references = [*filter(None, [case.reference]), *map(str, case.checks.get("references", ()))]
        return (
            adequacy(item.answer, references, case.target_lang, case.source, case.source_lang) if references else None
        )
