"""Score answers by several weighted rewards, each of which speaks only for the items that are its business.

    total = sum(w r) / sum(w) over the rewards that pay              where no gate is broken
    total = sum(w r) / sum(w) over gates and rewards, less 1         where one is

Gates are the principles that code checks (`sees` is "code"), all in [0, 1]. An answer that keeps them all earns what
adequacy gives, in [0, 1]; one that breaks any is below 0, and so below every answer of its group that keeps all. Below
0 answers are still ordered, by the mean that METHOD 5 pays for shares of principles: fewer principles broken is more,
and so is more of what adequacy sees. A group in which every answer breaks something therefore still teaches (advantages
are relative to the group, `objective.advantages`). The weights say how much a broken principle weighs against adequacy
there, and only there. Why principles do not pay: any fluent sentence about something else keeps them all.

A reward that does not apply to an item (None) takes no part (our choice: a missing part must not pull the total towards
zero). An item for which nothing that pays applies has no total (None) and takes no part in training: principles alone,
or agreement with the other answers alone ("peers"), do not tell what an answer is worth.

A reward that fails is excluded and counted, never taken for zero: one that raises, runs past its time, or returns the
wrong number of values is excluded for the whole batch; a value that is `Failed`, NaN or infinite for its item. Only a
judge that could not be asked (`Unasked`) ends the run: what it would have said changes what is learned.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from in2x.errors import In2xError, UsageError
from in2x.principles.ask import Unasked
from in2x.rl.rewards.base import Failed, Reward, RewardItem, failed, sees
from in2x.rl.rewards.registry import make_reward

DRY = 3
"""Batches in a row without any reward that end a run."""


@dataclass(frozen=True)
class Scores:
    """The scores of a batch of n items.

    Attributes:
        total: [n] what each item earns, in [-1, 1] where the parts are in [0, 1]; None where nothing that pays applies.
        parts: reward name -> [n] its values, None where it does not apply or failed.
        failures: reward name -> number of items it should have judged and could not.
        errors: reward name -> the last failure in words.
    """

    total: list[float | None]
    parts: dict[str, list[float | None]]
    failures: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def mean(self, name: str) -> float | None:
        """The mean of one part over the items it applies to."""
        values = [value for value in self.parts[name] if value is not None]
        return sum(values) / len(values) if values else None


class Scorer:
    """Weighted rewards. Failures over its life: how many by reward in `failed`, the last reason in `why`."""

    def __init__(
        self,
        weights: Mapping[str, float | int],
        rewards: Sequence[Reward] = (),
        timeout: float = 600.0,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Prepare the rewards.

        Args:
            weights: name -> weight (> 0) of each reward, made by `registry.make_reward` unless it is among `rewards`.
            rewards: rewards made by the caller (those that need a judge or a model).
            timeout: seconds that one reward may take for one batch before it is excluded and counted (an attribute
                `timeout` of the reward goes before; None is no bound).
            say: is told each reason for which a reward fails, once.

        Raises:
            UsageError: an unknown name, or a weight that is not a positive number.
        """
        given = {reward.name: reward for reward in rewards}
        for name, weight in weights.items():
            if not (isinstance(weight, (int, float)) and math.isfinite(weight) and weight > 0):
                raise UsageError(f"the weight of reward {name!r} is {weight!r}", mend="give a positive number")
        self.weights = {name: float(weight) for name, weight in weights.items()}
        self.rewards = {name: given.get(name) or make_reward(name) for name in weights}
        self.timeout, self.say = timeout, say
        self.failed: dict[str, int] = {}
        self.why: dict[str, str] = {}
        self._dry, self._ever = 0, False

    def go_on(self, rewarded: bool) -> None:
        """Raise In2xError where training on would change nothing: `rewarded` says whether any answer of a batch was.

        The first batch must have a reward, or the run is set up wrongly; later a reward may fail for a while, and
        `DRY` batches in a row without any end the run (its checkpoint stays).
        """
        self._dry = 0 if rewarded else self._dry + 1
        self._ever = self._ever or rewarded
        if rewarded or (self._ever and self._dry < DRY):
            return
        reasons = "; ".join(f"{name}: {why}" for name, why in self.why.items())
        raise In2xError(
            f"no answer could be rewarded in {'the first batch' if not self._ever else f'{DRY} batches in a row'}"
            + (f" ({reasons})" if reasons else ": no reward that pays is about these prompts"),
            mend="mend the reward and run again, or add one to rl.rewards that these prompts are the business of",
        )

    @property
    def signatures(self) -> dict[str, str]:
        """What each reward that is a metric measures, by name: for the log, beside its figures."""
        return {name: str(s) for name, r in self.rewards.items() if (s := getattr(r, "signature", ""))}

    async def score(self, items: Sequence[RewardItem]) -> Scores:
        """Score a batch; the rewards run concurrently. Synchronous callers use `asyncio.run(scorer.score(items))`.

        Raises:
            Unasked: a judge gave no answer, however long it was waited for.
        """
        names = list(self.rewards)
        results = await asyncio.gather(*(self._part(name, items) for name in names))
        parts: dict[str, list[float | None]] = {}
        failures: dict[str, int] = {}
        errors: dict[str, str] = {}
        for name, (values, count, error) in zip(names, results, strict=True):
            parts[name] = values
            if count:
                failures[name], errors[name] = count, error
                if self.why.get(name) != error:
                    self.say(f"the reward {name} could not judge {count} of {len(items)} answers: {error}")
                self.why[name] = error
                self.failed[name] = self.failed.get(name, 0) + count
        total = [self._total({name: parts[name][i] for name in names}) for i in range(len(items))]
        return Scores(total, parts, failures, errors)

    def _total(self, values: Mapping[str, float | None]) -> float | None:
        there = {name: value for name, value in values.items() if value is not None}
        gates = {name for name in there if sees(self.rewards[name]) == "code"}
        pays = there.keys() - gates
        if all(sees(self.rewards[name]) == "peers" for name in pays):
            return None
        earned = self._mean({name: there[name] for name in pays})
        if not gates:
            return earned
        if all(there[name] >= 1 for name in gates):
            return max(0.0, earned)  # a learned metric may go below 0, where the broken ones are
        return self._mean({name: min(1.0, value) for name, value in there.items()}) - 1

    def _mean(self, values: Mapping[str, float]) -> float:
        return sum(self.weights[name] * value for name, value in values.items()) / sum(
            self.weights[name] for name in values
        )

    async def _part(self, name: str, items: Sequence[RewardItem]) -> tuple[list[float | None], int, str]:
        """Values of one reward, how many items it failed on, and why."""
        nothing: list[float | None] = [None] * len(items)
        timeout: float | None = getattr(self.rewards[name], "timeout", self.timeout)
        try:
            values = list(await asyncio.wait_for(self.rewards[name](items), timeout))
        except Unasked:
            raise
        except TimeoutError:
            return nothing, len(items), f"took longer than {timeout:g} s"
        except Exception as error:  # whatever a reward does, the run goes on and the count tells
            return nothing, len(items), failed(error).why
        if len(values) != len(items):
            return nothing, len(items), f"returned {len(values)} values for {len(items)} items"
        count, why = 0, ""
        kept: list[float | None] = []
        for value in values:
            if isinstance(value, (int, float)) and math.isfinite(value):
                kept.append(float(value))
                continue
            kept.append(None)
            if value is not None:
                count, why = count + 1, value.why if isinstance(value, Failed) else f"returned {value!r}"
        return kept, count, why
