"""Sentence chrF against the reference, in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

from in2x.metrics.chrf import sentence_chrf
from in2x.rl.rewards.base import RewardItem


class Chrf:
    """Items with a reference answer and a "translation" verifier; others are not its business."""

    name = "chrf"

    async def __call__(self, items: Sequence[RewardItem]) -> list[float | None]:
        """chrF2 / 100 per item."""
        values: list[float | None] = []
        for item in items:
            reference = reference_of(item)
            values.append(None if reference is None else sentence_chrf(item.answer, reference) / 100)
        return values


def reference_of(item: RewardItem) -> str | None:
    """The reference of a translation item, None for others."""
    verifier = item.instruction.verifier
    if verifier is None or verifier.get("name") != "translation":
        return None
    reference = verifier.get("reference", item.instruction.answer)
    return str(reference) if reference else None
