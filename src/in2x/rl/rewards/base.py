"""What a reward is: a named, batched, async function from answers to numbers. Most are one function of one item."""

from __future__ import annotations

import asyncio
import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

from in2x.principles.case import Case, case_of
from in2x.principles.fundamental import check_principles
from in2x.principles.verdict import Verdict
from in2x.records import Instruction


@dataclass(frozen=True)
class RewardItem:
    """One answer to judge. All that judge it by principles share one check of them."""

    instruction: Instruction
    answer: str

    @property
    def verifier(self) -> Mapping[str, Any]:
        """How the instruction says its answers are checked; empty where it says nothing."""
        return self.instruction.verifier or {}

    @cached_property
    def case(self) -> Case:
        """What the answer is held against."""
        return case_of(self.instruction)

    @cached_property
    def verdicts(self) -> Mapping[str, Verdict]:
        """The fundamental principles of the task, by name."""
        return check_principles(self.case, self.answer)


def reward_items(instructions: Sequence[Instruction], answers: Iterable[str]) -> list[RewardItem]:
    """One item an answer, [P * G] of [P] instructions, prompt by prompt; equal answers to a prompt are one object."""
    texts = list(answers)
    group = len(texts) // max(1, len(instructions))
    made: dict[tuple[int, str], RewardItem] = {}
    return [
        made.setdefault((n // group, text), RewardItem(instructions[n // group], text)) for n, text in enumerate(texts)
    ]


@dataclass(frozen=True, slots=True)
class Failed:
    """In the place of a value: the reward should have judged the item and could not."""

    why: str


Sight = Literal["code", "peers", "reference", "meaning"]
"""What a reward goes by. "code": a gate (principles that code checks): it takes away and never pays. "peers": the other
answers. "reference": likeness to an accepted answer, or the rule that the instruction brings. "meaning": what the
answer says, held against the source, without a reference."""

Value = float | None | Failed
"""A number; None where the item is not the reward's business; `Failed` where it could not be judged."""


@runtime_checkable
class Reward(Protocol):
    """A reward. Values are in [0, 1] unless its docstring says otherwise.

    An attribute `sees` says what it goes by, and so how the scorer uses it (`route.py`); without one it pays.

    It is called with a whole batch, in which all answers to one instruction stand together, and returns one value per
    item. It must not depend on the order.
    """

    name: str

    async def __call__(self, items: Sequence[RewardItem]) -> Sequence[Value]:
        """One value per item."""
        ...


def sees(reward: Reward) -> Sight:
    """What `reward` goes by."""
    sight: Sight = getattr(reward, "sees", "reference")
    return sight


class CannotJudge(Exception):
    """Raised by the function of one item: neither right nor wrong can be told; the message says why."""


class ItemReward(ABC):
    """A reward whose value for an item depends on that item alone. Subclasses give `one`."""

    name: str
    sees: Sight = "reference"
    verifier: str | None = None
    """Name of the verifiers that are its business; None: every item is shown to `one`."""

    @abstractmethod
    def one(self, item: RewardItem) -> float | Awaitable[float | None] | None:
        """The value of one item, or an awaitable of it; None where it does not apply.

        What it raises becomes the item's `Failed`, with the reason.
        """

    async def __call__(self, items: Sequence[RewardItem]) -> list[Value]:
        """The values of the items that are its business; those that are awaited run together."""
        return list(await asyncio.gather(*(self._value(item) for item in items)))

    async def _value(self, item: RewardItem) -> Value:
        if self.verifier is not None and item.verifier.get("name") != self.verifier:
            return None
        try:
            value = self.one(item)
            return await value if inspect.isawaitable(value) else value
        except Exception as error:  # whatever one item does, the others are judged
            return failed(error)


def failed(error: BaseException) -> Failed:
    """What an exception says, as a value."""
    return Failed(str(error) if isinstance(error, CannotJudge) else f"{type(error).__name__}: {error}")
