"""Share of the fundamental principles that an answer keeps, by code (METHOD 5)."""

from __future__ import annotations

from collections.abc import Sequence

from in2x.principles.fundamental import case_of, check_principles, share
from in2x.rl.rewards.base import RewardItem


class PrincipleShare:
    """Satisfied / applicable principles. Items that are checked by a rule of their own (numbers, choices) are left out.

    The table of the last batch is kept in `last`: principle name -> (kept, applicable), for the log.
    """

    name = "principles"
    own_rule = frozenset({"number", "choice", "exact"})

    def __init__(self) -> None:
        """No knobs."""
        self.last: dict[str, tuple[int, int]] = {}

    async def __call__(self, items: Sequence[RewardItem]) -> list[float | None]:
        """The share per item."""
        table: dict[str, tuple[int, int]] = {}
        values: list[float | None] = []
        for item in items:
            verifier = item.instruction.verifier
            case = case_of(item.instruction)
            if case is None or (verifier is not None and verifier.get("name") in self.own_rule):
                values.append(None)
                continue
            results = check_principles(case, item.answer)
            for name, result in results.items():
                if result is not None:
                    kept, applicable = table.get(name, (0, 0))
                    table[name] = (kept + result, applicable + 1)
            values.append(share(results))
        self.last = table
        return values
