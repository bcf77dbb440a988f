"""Share of judged principles: fundamental ones of the task and those written for the prompt (`principles/judged.py`).

A request that fails, or an answer without a verdict, is a failed value: the scorer excludes and counts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from in2x.principles.ask import Ask
from in2x.principles.dynamic import PrincipleWriter
from in2x.principles.judged import Judgement, Question, fundamental, judge_answers, said
from in2x.principles.verdict import share
from in2x.rl.rewards.base import Failed, RewardItem, Sight, Value, failed


class JudgedPrinciples:
    """Reward "judged": kept / applicable principles by a judge model.

    The verdicts of the last batch are kept in `last` for reports: (instruction id, answer, principle, verdict) each.
    """

    name = "judged"
    sees: Sight = "meaning"

    def __init__(
        self,
        ask: Ask,
        writer: PrincipleWriter | None = None,
        *,
        tasks: Sequence[str] = ("translate", "rewrite", "story"),
        mode: Literal["group", "answer"] = "group",
        group: int = 16,
        reference: bool = False,
    ) -> None:
        """Prepare the reward.

        Args:
            ask: the judge.
            writer: adds principles written for each prompt; None leaves the fundamental ones.
            tasks: tasks that are judged; other items are not its business.
            mode: "group" shows all answers of a prompt together, "answer" one by one.
            group: most answers in one request; a larger group is split evenly.
            reference: show the judge the accepted answer.
        """
        self.ask, self.writer, self.tasks, self.mode = ask, writer, frozenset(tasks), mode
        self.group, self.reference = (1 if mode == "answer" else group), reference
        self.last: list[tuple[str, str, str, str]] = []

    async def __call__(self, items: Sequence[RewardItem]) -> list[Value]:
        """One share per item; None for other tasks and where no principle applies, failed where the judge failed."""
        values: list[Value] = [None] * len(items)
        groups: dict[str, list[int]] = {}
        for index, item in enumerate(items):
            if item.instruction.task in self.tasks:
                groups.setdefault(item.instruction.id, []).append(index)
        self.last = []
        judged = await asyncio.gather(*(self._group([items[i] for i in where]) for where in groups.values()))
        for where, found in zip(groups.values(), judged, strict=True):
            for index, value in zip(where, found, strict=True):
                values[index] = value
        return values

    async def _group(self, items: Sequence[RewardItem]) -> list[Value]:
        instruction = items[0].instruction
        prompt = "\n".join(message["content"] for message in instruction.messages if message["role"] != "assistant")
        principles = fundamental(instruction.task, instruction.lang)
        try:
            if self.writer is not None:
                principles += (await self.writer(prompt, instruction.lang, principles)).kept
        except Exception as error:  # without its principles the group cannot be judged alike another time
            return [failed(error)] * len(items)
        reference = instruction.answer if self.reference else None
        question = Question(prompt, instruction.lang, tuple(principles), reference)
        found = await judge_answers(self.ask, question, [item.answer for item in items], most=self.group)
        for item in items:
            self.last += [
                (instruction.id, item.answer, principle, said(verdict))
                for principle, verdict in zip(principles, found[item.answer].verdicts, strict=False)
            ]
        return [_value(found[item.answer]) for item in items]


def _value(judgement: Judgement) -> Value:
    return Failed(judgement.fault) if judgement.fault else share(judgement.verdicts)
