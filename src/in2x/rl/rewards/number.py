"""Numeric and symbolic equality with the expected answer: own parser first, math-verify (with a time limit) second.

Verifier: {"name": "number", "value": "12"}; the value may be a numeral in any script, a fraction, a percentage or a
LaTeX expression.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from in2x.language.numbers import numbers
from in2x.rl.rewards.base import CannotJudge, ItemReward, RewardItem
from in2x.rl.rewards.time_limit import time_limit

_FINAL = re.compile(
    r"\\boxed\{(?P<boxed>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}"
    r"|####\s*(?P<hashes>[^\n]+)"
    r"|(?:答え?[はえ]?|こたえ|答案(?:是|为)?|(?:final\s+)?answer(?:\s+is)?)\s*[:：は]?\s*(?P<said>[^\n。]+)",
    re.I,
)
_SYMBOLIC = re.compile(r"\\[a-zA-Z]+|[a-z]\s*[\^=+*/-]|\^|√|π", re.I)


def final_answer(text: str) -> str:
    """The part of `text` that states the result: \\boxed{...}, after ####, after 答えは / "the answer is"; else all."""
    last = None
    for match in _FINAL.finditer(text):
        if numbers(match[match.lastgroup or 0]) or match.lastgroup == "boxed":
            last = match
    return text if last is None else str(last[last.lastgroup or 0])


def stated_number(text: str) -> Fraction | None:
    """The number that `text` gives as its result: the first of a stated result, else the last number of the text."""
    part = final_answer(text)
    found = numbers(part)
    if not found:
        return None
    return found[0 if part is not text else -1].value


_HUGE_POWER = re.compile(r"\d{3,}\s*(?:\^|\*\*)|(?:\^|\*\*)\s*\{?\s*\d{4,}|(?:\^|\*\*).*(?:\^|\*\*)|\d!|factorial")
"""What sympy would spend memory on before any time limit can act."""


@lru_cache(maxsize=1)
def _math_verify() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`parse` and `verify`, warm: importing sympy and the first parse take seconds, which are no answer's fault."""
    from math_verify import parse, verify

    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that we keep the time ourselves
    verify(parse("$x$", parsing_timeout=None), parse("$x$", parsing_timeout=None), timeout_seconds=None)
    return parse, verify


def symbolically_equal(expected: str, answer: str, seconds: float = 2.0) -> bool:
    """Equality of two expressions by math-verify.

    Raises:
        CannotJudge: the comparison did not end in time, or math-verify cannot read the expected value.
    """
    if len(answer) > 2000 or _HUGE_POWER.search(answer):
        return False  # no statement of a result: refused before sympy can spend memory on it
    parse, verify = _math_verify()
    number = stated_number(answer)
    try:
        with time_limit(seconds):
            gold = parse(f"${expected.strip('$')}$", parsing_timeout=None)
            gold = [form for form in gold if not isinstance(form, str)]
            if not gold:
                raise CannotJudge(f"{expected!r} is no expression")
            forms = [answer.strip().strip("$"), *([str(number)] if number is not None else [])]
            targets = [parse(f"${form}$", parsing_timeout=None) for form in forms]
            return any(bool(target) and bool(verify(gold, target, timeout_seconds=None)) for target in targets)
    except TimeoutError:
        raise CannotJudge(f"comparing with {expected!r} took more than {seconds:g} s") from None


def judge(expected: str, answer: str, seconds: float = 2.0) -> bool:
    """Whether `answer` states the value `expected`. Raises CannotJudge."""
    stated = final_answer(answer)
    wanted = None if _SYMBOLIC.search(expected) else stated_number(expected)
    found = stated_number(answer)
    if wanted is not None and found is not None:
        # 50, 50% and 0.5 are one answer where either side speaks of percent
        percent = any(mark in text for text in (expected, stated) for mark in "%％割")
        same = found == wanted or (percent and (found == wanted * 100 or found * 100 == wanted))
        if same or not _SYMBOLIC.search(stated):
            return same
    if wanted is not None and not _SYMBOLIC.search(answer):
        return False
    return symbolically_equal(expected, stated, seconds)


class NumberReward(ItemReward):
    """1 for the right value, 0 for a wrong one; failed (excluded and counted by the scorer) where it cannot be told."""

    name = verifier = "number"

    def __init__(self, seconds: float = 2.0) -> None:
        """`seconds`: limit for one symbolic comparison."""
        self.seconds = seconds

    def one(self, item: RewardItem) -> float:
        """The verdict on one item."""
        return float(judge(str(item.verifier["value"]), item.answer, self.seconds))
