"""Fundamental principles as rewards: all of them as a share (METHOD 5), and each one alone."""

from __future__ import annotations

from in2x.principles.verdict import share
from in2x.rl.rewards.base import ItemReward, RewardItem


class PrincipleShare(ItemReward):
    """Kept / applicable principles. Items that are checked by a rule of their own (numbers, choices) are left out."""

    name = "principles"
    own_rule = frozenset({"number", "choice", "exact"})

    def one(self, item: RewardItem) -> float | None:
        """The share of one item."""
        return None if item.verifier.get("name") in self.own_rule else share(item.verdicts.values())


class SinglePrinciple(ItemReward):
    """One principle as a reward of its own: 1 where it is kept, 0 where it is broken, None where it does not apply."""

    def __init__(self, name: str) -> None:
        """The principle called `name` (see `principles.fundamental.PRINCIPLES`)."""
        self.name = name

    def one(self, item: RewardItem) -> float | None:
        """The verdict on one item; None for tasks to which the principle does not belong."""
        verdict = item.verdicts.get(self.name)
        return None if verdict is None or verdict.kept is None else float(verdict.kept)
