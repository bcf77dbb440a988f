"""Fundamental principles as gates: all of them as a share, and each one alone.

In the paper the reward of creative work is the share of principles that a judge finds satisfied (METHOD 5; here the
reward `judged`). What code can check says nothing of meaning: a fluent sentence about something else keeps every one.
So these do not pay; they take away (`route.py`).
"""

from __future__ import annotations

from in2x.principles.verdict import share
from in2x.rl.rewards.base import ItemReward, RewardItem, Sight


class PrincipleShare(ItemReward):
    """Kept / applicable principles. Items that are checked by a rule of their own (numbers, choices) are left out."""

    name = "principles"
    sees: Sight = "code"
    own_rule = frozenset({"number", "choice", "exact"})

    def one(self, item: RewardItem) -> float | None:
        """The share of one item."""
        return None if item.verifier.get("name") in self.own_rule else share(item.verdicts.values())


class SinglePrinciple(ItemReward):
    """One principle as a gate of its own: 1 where it is kept, 0 where it is broken, None where it does not apply."""

    sees: Sight = "code"

    def __init__(self, name: str) -> None:
        """The principle called `name` (see `principles.fundamental.PRINCIPLES`)."""
        self.name = name

    def one(self, item: RewardItem) -> float | None:
        """The verdict on one item; None for tasks to which the principle does not belong."""
        verdict = item.verdicts.get(self.name)
        return None if verdict is None or verdict.kept is None else float(verdict.kept)
