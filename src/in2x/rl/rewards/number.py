"""Numeric and symbolic equality with the expected answer: own reader first, math-verify (with a time limit) second.

Verifier: {"name": "number", "value": "12"}; the value may be a numeral in any script, a fraction, a percentage or a
LaTeX expression. What counts is the result that the answer states in the end (`stated.py`): behind "the answer is", in
a box, behind the last equals sign; terms of a sum, what is denied and reasoning are no result, and several numbers to
choose from are none either.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from in2x.errors import UsageError
from in2x.language.language import language
from in2x.language.number_text import folded
from in2x.language.numbers import Number, numbers
from in2x.language.script import usual_language
from in2x.rl.rewards.base import CannotJudge, ItemReward, RewardItem
from in2x.rl.rewards.stated import Item, corrected, kept, last_stated, listed, spoken
from in2x.rl.rewards.time_limit import time_limit

_SYMBOLIC = re.compile(
    r"\\[a-zA-Z]+|(?<![^\W\d_])[a-z]\s*[\^=+*/-]|[-+*/=^]\s*[a-z](?![^\W\d_])|\^|√|π|\d[a-z](?![^\W_])", re.I
)
_EQUALS = re.compile(r"(?<![<>!=≠])[=＝≒≈](?!=)")
_TERM_BEFORE = re.compile(r"(?:[+×÷⋅·]|(?<!\*)\*|\\times|\\div|\\cdot|\d\s*[-−])\s*[(（]?$")
_TERM_BEHIND = re.compile(r"\s?[個人円本枚つ]?\s*(?:[+×÷⋅·]|\*(?!\*)|\\times|\\div|\\cdot|[-−]\s*\d)")
_ASIDE = re.compile(r"[(（\[][^()（）\[\]]*[)）\]]")
_AT_ONCE = re.compile(r"[^\d、。,]{0,3}(?:です|だ|[、。]|$)")
"""Behind a result that is said first all the same (答えは5、理由は...)."""


def _read(text: str, lang: str | None) -> list[Number]:
    """The numbers of `text`, in the language of the answer or, where it has none there, in the one it looks like."""
    if lang is not None:
        try:
            if found := numbers(text, lang):
                return found
        except UsageError:
            pass  # "other", "und": read by its script
    return numbers(text)


def _result(text: str, lang: str | None, whole: bool) -> Number | None:
    """The one number that a statement (or the `whole` answer) gives as its result."""
    found = _read(text, lang)
    sides = [match.end() for match in _EQUALS.finditer(text)]
    if behind := [n for n in found if sides and n.start >= sides[-1]]:
        found = behind
    items = kept(text, [Item(n, n.start, n.end) for n in found])
    if outside := [item for item in items if not any(a <= item.start < b for a, b in _asides(text))]:
        items = outside
    free = [item for item in items if not _is_term(text, item)]
    if not free:
        return None
    free = corrected(text, free)
    groups = listed(text, free)
    at_once = free[0].start <= 1 and _AT_ONCE.match(text[free[0].end :]) is not None
    last = whole or (language(usual_language(text)).pack.verb_last and not at_once)
    chosen = groups[-1 if last else 0]
    if len({item.value.value for item in chosen if isinstance(item.value, Number)}) > 1:
        return None
    number = chosen[-1].value
    return number if isinstance(number, Number) else None


def _asides(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _ASIDE.finditer(text)]


def _is_term(text: str, item: Item) -> bool:
    """Whether a number is a term of a sum or product ("3 + 2")."""
    before, behind = text[max(0, item.start - 12) : item.start], text[item.end : item.end + 12]
    return _TERM_BEFORE.search(before) is not None or _TERM_BEHIND.match(behind) is not None


def final_answer(text: str, lang: str | None = None) -> str:
    """The part of `text` that states the result: \\boxed{...}, after ####, after 答えは / "the answer is"; else all."""
    said = last_stated(text, lambda part: bool(_read(part, lang)))
    return text if said is None else said


def stated_number(text: str, lang: str | None = None) -> Fraction | None:
    """The number that `text` gives as its result, None where it gives none or several."""
    part = final_answer(text, lang)
    found = _result(part, lang, part is text)
    return None if found is None else found.value


_HUGE_POWER = re.compile(
    r"\d{3,}\s*(?:\^|\*\*)|(?:\^|\*\*)\s*\{?\s*\d{3,}|(?:\^|\*\*).*(?:\^|\*\*).*(?:\^|\*\*)|\*\*.*\*\*|\d!|factorial"
    r"|\\[dt]?binom\D*\d{3,}|\\sum.*\d{4,}|\\prod.*\d{3,}|(?:\\int.*){3}"
)
"""What sympy would spend memory or time on before any limit can act."""
_DEEPEST = 12
"""Brackets inside brackets: the parser's time doubles with each."""


def _too_deep(text: str) -> bool:
    depth = deepest = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest > _DEEPEST


@lru_cache(maxsize=1)
def _math_verify() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`parse` and `verify`, warm: importing sympy and the first parse take seconds, which are no answer's fault."""
    from math_verify import parse, verify

    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that we keep the time ourselves
    verify(parse("$x$", parsing_timeout=None), parse("$x$", parsing_timeout=None), timeout_seconds=None)
    return parse, verify


_OTHER_SCRIPT = re.compile(r"[^\x00-\x7fπ√∞≤≥≠±·×÷−]+")
_FORMULA = re.compile(r"\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)


def formula(text: str) -> str:
    """The formula in a statement, in LaTeX: inside its dollars, or without the words of another script around it."""
    if marked := _FORMULA.findall(text):
        text = next(filter(None, marked[-1]))
    else:
        parts = [part for part in _OTHER_SCRIPT.split(folded(text)[0]) if re.search(r"[A-Za-z0-9π√]", part)]
        text = parts[0] if len(parts) == 1 else text
    text = re.sub(r"√\s*(\d+|\([^()]*\)|[a-z])", r"\\sqrt{\1}", text.strip().rstrip(".,;。"))
    text = text.replace("π", r"\pi ").replace("×", r"\times ").replace("÷", r"\div ").replace("−", "-")
    return re.sub(r"^\{([^{}\\]*)\}$", r"\\{\1\\}", text.strip())


def symbolically_equal(expected: str, answer: str, seconds: float = 2.0) -> bool:
    """Equality of two expressions by math-verify.

    Raises:
        CannotJudge: the comparison did not end in time, or math-verify cannot read the expected value.
    """
    if len(answer) > 2000 or _HUGE_POWER.search(answer) or _too_deep(answer):
        return False  # no statement of a result: refused before sympy can spend memory on it
    parse, verify = _math_verify()
    number = stated_number(answer)
    try:
        with time_limit(seconds):
            gold = parse(f"${formula(expected)}$", parsing_timeout=None)
            gold = [form for form in gold if not isinstance(form, str)]
            if not gold:
                raise CannotJudge(f"{expected!r} is no expression")
            forms = [formula(answer), *([str(number)] if number is not None else [])]
            targets = [parse(f"${form}$", parsing_timeout=None) for form in forms]
            return any(bool(target) and bool(verify(gold, target, timeout_seconds=None)) for target in targets)
    except TimeoutError:
        raise CannotJudge(f"comparing with {expected!r} took more than {seconds:g} s") from None
    except RecursionError:
        return False


def _same(wanted: Number, found: Number) -> bool:
    """Whether two numbers are one; 50, 50% and 0.5 are where either side speaks of percent."""
    if wanted.value == found.value:
        return True
    percent = any(number.value * 100 in number.also for number in (wanted, found))
    return percent and (found.value == wanted.value * 100 or found.value * 100 == wanted.value)


def judge(expected: str, answer: str, seconds: float = 2.0, lang: str | None = None) -> bool:
    """Whether `answer`, in the language `lang` where that is known, states the value `expected`.

    Raises:
        CannotJudge: neither can be told; see `symbolically_equal`.
    """
    said = spoken(answer)
    stated = final_answer(said, lang)
    given = numbers(expected)
    wanted = given[0] if len(given) == 1 and not _SYMBOLIC.search(expected) else None
    found = _result(stated, lang, stated is said)
    if wanted is None and len(given) == 1 and found is not None and given[0].value == found.value:
        wanted = given[0]
    if wanted is not None and found is not None and (_same(wanted, found) or not _SYMBOLIC.search(stated)):
        return _same(wanted, found)
    if wanted is not None and not _SYMBOLIC.search(stated):
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
        return float(judge(str(item.verifier["value"]), item.answer, self.seconds, item.instruction.lang))
