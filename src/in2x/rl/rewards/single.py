"""Single principles as rewards of their own, so that a recipe can weigh them apart: language, register, length."""

from __future__ import annotations

from collections.abc import Sequence

from in2x.principles.fundamental import PRINCIPLES, case_of
from in2x.rl.rewards.base import RewardItem


class SinglePrinciple:
    """1 where the principle is kept, 0 where it is broken, None where it does not apply."""

    def __init__(self, name: str) -> None:
        """The principle called `name` (see `principles.PRINCIPLES`)."""
        self.name = name
        self.principle = next(principle for principle in PRINCIPLES if principle.name == name)

    async def __call__(self, items: Sequence[RewardItem]) -> list[float | None]:
        """One verdict per item."""
        values: list[float | None] = []
        for item in items:
            case = case_of(item.instruction)
            kept = None if case is None else self.principle.check(case, item.answer)
            values.append(None if kept is None else float(kept))
        return values
