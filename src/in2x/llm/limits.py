"""Rates and budgets."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from in2x.llm.config import LlmConfig

FINISH = 10.0
"""Seconds that requests under way may take to end where another one met what stops everything: what the server answers
meanwhile is kept, so that the next run does not ask (and pay) again. Our choice."""


class TokenBucket:
    """Lets through `per_minute` units a minute, and at most one second's worth (at least one unit) at once.

    What is taken is paid at once, so the level may be below zero; who comes then waits until it is paid off.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = per_minute / 60
        self.capacity = max(1.0, self.rate)
        self._clock = clock
        self._level, self._at = self.capacity, clock()

    def take(self, units: float = 1.0) -> float:
        """Take `units` and return how many seconds to wait before using them."""
        now = self._clock()
        self._level = min(self.capacity, self._level + (now - self._at) * self.rate) - units
        self._at = now
        return max(0.0, -self._level / self.rate)

    def give_back(self, units: float) -> None:
        """Correct an estimate: `units` were not used (negative: more were)."""
        self._level = min(self.capacity, self._level + units)


class Meter:
    """How many tokens texts have at one server: as many to the byte as it counted where it said so.

    Until it says, a token is taken for three bytes (our choice).
    """

    def __init__(self) -> None:
        self._bytes = self._tokens = 0

    def tokens(self, text: str) -> int:
        """Tokens that `text` is taken to have."""
        size = len(text.encode("utf-8", "replace"))
        return math.ceil(size * self._tokens / self._bytes if self._bytes else size / 3)

    def count(self, text: str, said: int) -> int:
        """Tokens of `text`: what the server `said`, which is learnt from, or (0: nothing) what it is taken to have."""
        if not said:
            return self.tokens(text)
        self._bytes += len(text.encode("utf-8", "replace"))
        self._tokens += said
        return said


SLACK = 1.01
"""How far a budget may be passed: by 1%."""


@dataclass
class Usage:
    """What was asked and what it cost."""

    asked: int = 0
    """Requests that reached the server's side of the wire, repeats included."""
    answered: int = 0
    cached: int = 0
    failed: int = 0
    unasked: int = 0
    """Questions that a spent budget left unasked."""
    retried: int = 0
    repaired: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    money: float = 0.0
    seconds: float = 0.0
    """Sum of the latencies of successful requests."""
    started: float = field(default_factory=time.monotonic)

    def pay(self, config: LlmConfig, prompt_tokens: int, answer_tokens: int) -> None:
        """Count the tokens of one answer."""
        self.prompt_tokens += prompt_tokens
        self.answer_tokens += answer_tokens
        self.money += (prompt_tokens * config.price_in + answer_tokens * config.price_out) / 1e6

    def figures(self) -> dict[str, float]:
        """For the manifest. Nothing here depends on the clock, so that reruns compare equal."""
        return {
            "asked": self.asked, "answered": self.answered, "cached": self.cached, "failed": self.failed,
            "retried": self.retried, "repaired": self.repaired, "prompt_tokens": self.prompt_tokens,
            "answer_tokens": self.answer_tokens, "money": round(self.money, 6),
            **({"unasked": self.unasked} if self.unasked else {}),
        }  # fmt: skip

    def note(self) -> str:
        """For the progress bar: rate, tokens, money, trouble."""
        elapsed = max(1e-9, time.monotonic() - self.started)
        parts = [f"{(self.answered + self.cached + self.failed) / elapsed:,.0f}/s"]
        if tokens := self.prompt_tokens + self.answer_tokens:
            parts.append(f"{tokens:,} tokens")
        if self.money:
            parts.append(f"{self.money:.2f} spent")
        if self.retried:
            parts.append(f"{self.retried:,} retried")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        return " · ".join(parts)


class Budget:
    """Lets a request go only where what it is likely to cost, with all that is under way, fits into what is left.

    A request is taken to cost its prompt and the largest answer that came so far, or all that it allows before any has
    come. Where that does not fit, it waits for those under way, whose cost is then known; where nothing is under way
    any more, the budget is spent. Only the very first question goes without a look at its cost.
    """

    def __init__(self, config: LlmConfig, usage: Usage) -> None:
        self._config, self._usage = config, usage
        self._under_way: dict[int, tuple[int, int]] = {}
        self._waiting: set[asyncio.Future[None]] = set()
        self._started = self._largest = 0

    async def enter(self, prompt_tokens: int, allowed: int) -> int | str:
        """A number to `leave` with, once what is under way lets this request go; or why it may not go any more."""
        while spent := self._spent(prompt_tokens, min(allowed, self._largest or allowed)):
            if not self._under_way:
                return spent
            woken = asyncio.get_running_loop().create_future()
            self._waiting.add(woken)
            try:
                await woken
            finally:
                self._waiting.discard(woken)
        self._started += 1
        self._under_way[self._started] = prompt_tokens, min(allowed, self._largest or allowed)
        return self._started

    def leave(self, number: int, answer_tokens: int) -> None:
        """The request with this number came to an end, with an answer of so many tokens (0: none)."""
        del self._under_way[number]
        self._largest = max(self._largest, answer_tokens)
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)

    def _spent(self, prompt_tokens: int, answer_tokens: int) -> str | None:
        """Which budget one more request would pass, in words."""
        config, usage = self._config, self._usage
        if config.budget_requests is not None and max(self._started, usage.asked) >= config.budget_requests:
            return f"the budget of {config.budget_requests:,} requests is spent"
        ahead = [*self._under_way.values(), (prompt_tokens, answer_tokens)]
        asked, answered = sum(one for one, _ in ahead), sum(two for _, two in ahead)
        first = len(ahead) == 1 and not self._largest
        paid = usage.prompt_tokens + usage.answer_tokens
        if config.budget_tokens is not None and (
            paid >= config.budget_tokens or (paid + asked + answered > SLACK * config.budget_tokens and not first)
        ):
            return f"the budget of {config.budget_tokens:,} tokens is spent"
        price = (asked * config.price_in + answered * config.price_out) / 1e6
        if config.budget_money is not None and (
            usage.money >= config.budget_money or (usage.money + price > SLACK * config.budget_money and not first)
        ):
            return f"the budget of {config.budget_money:g} is spent"
        return None


async def pause(seconds: float) -> None:
    """Wait, but not for nothing."""
    if seconds > 0:
        await asyncio.sleep(seconds)
