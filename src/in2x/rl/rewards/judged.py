"""Share of judged principles: fundamental ones of the task and those written for the prompt (`principles/judged.py`).

An answer that the judge left without a readable verdict is a failed value: the scorer excludes and counts it. A judge
that could not be asked ends the run (`Unasked`); nothing is excluded for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from in2x.principles.ask import Ask
from in2x.principles.judged import Judgement, Question, fundamental, judge_answers, said
from in2x.principles.verdict import share
from in2x.records import Instruction
from in2x.rl.rewards.base import Failed, RewardItem, Sight, Value
from in2x.rl.rewards.reliability import Reliability


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge said of one answer, principle by principle."""

    principles: tuple[str, ...]
    judgement: Judgement

    @property
    def words(self) -> dict[str, str]:
        """Principle -> "yes", "no" or "n/a"; empty where the judge failed."""
        return dict(zip(self.principles, map(said, self.judgement.verdicts), strict=False))


class JudgedPrinciples:
    """Reward "judged": kept / applicable principles by a judge model, each by its weight."""

    name = "judged"
    sees: Sight = "meaning"
    timeout: float | None = None
    """The judge has its own: a batch cut short by the clock would not come out the same again."""

    def __init__(
        self,
        ask: Ask,
        written: Mapping[str, Sequence[str]] | None = None,
        *,
        fundamental: bool = True,
        tasks: Sequence[str] = ("translate", "rewrite", "story"),
        mode: Literal["group", "answer"] = "group",
        group: int = 16,
        reference: bool = False,
        reliability: Reliability | None = None,
    ) -> None:
        """Prepare the reward.

        Args:
            ask: the judge.
            written: id of an instruction -> principles written for it.
            fundamental: judge by the fundamental principles of the task.
            tasks: tasks that are judged; other items are not its business.
            mode: "group" shows all answers of a prompt together, "answer" one by one.
            group: most answers in one request; a larger group is split evenly.
            reference: show the judge the accepted answer.
            reliability: weights of the principles; None weighs all alike.
        """
        self.ask, self.written, self.fundamental, self.tasks = ask, written or {}, fundamental, frozenset(tasks)
        self.group, self.reference = (1 if mode == "answer" else group), reference
        self.reliability = reliability or Reliability()

    def principles(self, instruction: Instruction) -> tuple[str, ...]:
        """What answers to an instruction are judged by; empty where they are not this reward's business."""
        if instruction.task not in self.tasks:
            return ()
        general = fundamental(instruction.task, instruction.lang) if self.fundamental else ()
        return (*general, *self.written.get(instruction.id, ()))

    async def __call__(self, items: Sequence[RewardItem]) -> list[Value]:
        """One share per item; None for other tasks and where no principle applies, failed where the judge failed."""
        return [None if one is None else self._value(one) for one in await self.judge(items)]

    async def judge(self, items: Sequence[RewardItem]) -> list[Judged | None]:
        """What the judge says of each item; None where nothing is to be judged. All answers to a prompt are a group."""
        found: list[Judged | None] = [None] * len(items)
        groups: dict[str, list[int]] = {}
        for index, item in enumerate(items):
            if self.principles(item.instruction):
                groups.setdefault(item.instruction.id, []).append(index)
        judged = await asyncio.gather(*(self._group([items[i] for i in where]) for where in groups.values()))
        for where, group in zip(groups.values(), judged, strict=True):
            for index, one in zip(where, group, strict=True):
                found[index] = one
        return found

    async def _group(self, items: Sequence[RewardItem]) -> list[Judged]:
        instruction = items[0].instruction
        principles = self.principles(instruction)
        reference = instruction.answer if self.reference else None
        question = Question(asked(instruction), instruction.lang, principles, reference)
        judged = await judge_answers(self.ask, question, [item.answer for item in items], most=self.group)
        return [Judged(principles, judged[item.answer]) for item in items]

    def _value(self, one: Judged) -> Value:
        if one.judgement.fault:
            return Failed(one.judgement.fault)
        return share(one.judgement.verdicts, map(self.reliability.weight, one.principles))


def asked(instruction: Instruction) -> str:
    """What an instruction asks, as a judge reads it."""
    return "\n".join(message["content"] for message in instruction.messages if message["role"] != "assistant")
