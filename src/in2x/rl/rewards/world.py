"""Meaning in the micro-world: its reference judge (`sample/meaning.py`) as a reward, in [0, 1].

It stands where a real run has `judged` or a learned metric: a judge that sees what string metrics cannot.
"""

from __future__ import annotations

from in2x.principles.case import TRANSLATION
from in2x.rl.rewards.base import ItemReward, RewardItem, Sight
from in2x.sample.lexicon import LANGUAGES
from in2x.sample.meaning import agreement_of


class World(ItemReward):
    """Translations among the micro-world's languages whose source its grammar can read; others are not its business."""

    name = "world"
    sees: Sight = "meaning"
    verifier = TRANSLATION

    def one(self, item: RewardItem) -> float | None:
        """How far the answer means what the source means."""
        case = item.case
        if case.source_lang not in LANGUAGES or case.target_lang not in LANGUAGES:
            return None
        return agreement_of(case.source, case.source_lang, item.answer, case.target_lang)
