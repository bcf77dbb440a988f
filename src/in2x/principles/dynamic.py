"""Principles that a judge model writes for one prompt (METHOD 5), and what makes one of use.

A principle must be atomic (one demand), checkable (yes or no by reading the answer), must not contradict another or
repeat a fundamental one, and some answer must break it: what every answer keeps teaches nothing. The first is checked
by code, as are repetitions; contradiction, and again whether it can be checked, by a second question to the model; the
last by verdicts on some answers of the model that is to be trained. Rejected ones are kept with their reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from in2x.metrics.chrf import sentence_chrf
from in2x.principles.ask import Ask
from in2x.principles.judged import Judgement
from in2x.principles.prompts import spoken, table

WRITE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"principles": {"type": "array", "items": {"type": "string"}}},
    "required": ["principles"],
    "additionalProperties": False,
}
REVIEW_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "contradictions": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
        },
        "uncheckable": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["contradictions", "uncheckable"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Written:
    """The dynamic principles of one prompt."""

    kept: tuple[str, ...]
    rejected: tuple[tuple[str, str], ...]
    """(principle, reason): "length", "compound", "vague", "repeats", "contradicts", "uncheckable", "too many", "broken
    by no answer"."""


def _found(kind: str, text: str) -> bool:
    return any(re.search(pattern, text, re.I) for pattern in table("dynamic")[kind])


def code_fault(principle: str) -> str | None:
    """Why a principle cannot be used, as far as code can tell; None where it can."""
    size = len(principle)
    if not 6 <= size <= 240:
        return "length"
    if _found("compound", principle):
        return "compound"
    if _found("vague", principle):
        return "vague"
    return None


async def write_principles(ask: Ask, prompt: str, lang: str, general: Sequence[str], count: int) -> Written:
    """The principles for `prompt`, verified as far as it can be without answers.

    Args:
        ask: the model that writes and reviews them.
        prompt: the instruction.
        lang: language of its answers; the model is asked in it where `dynamic.yaml` has its words.
        general: principles that hold anyway and must not be repeated.
        count: most principles.

    Raises what `ask` raises.
    """
    lang = spoken(table("dynamic")["write"], lang)
    request = table("dynamic")["write"][lang].format(
        count=count, general="\n".join(f"- {text}" for text in general), prompt=prompt
    )
    answer = await ask([{"role": "user", "content": request}], WRITE_SCHEMA)
    kept: list[str] = []
    rejected: list[tuple[str, str]] = []
    for raw in answer["principles"]:
        text = re.sub(r"^\s*(?:[-*・]|\d+[.)、．])\s*", "", str(raw)).strip()
        fault = code_fault(text)
        if fault is None and any(sentence_chrf(text, other) > 80 for other in (*general, *kept)):
            fault = "repeats"
        if fault is None and len(kept) >= count:
            fault = "too many"
        if fault is None:
            kept.append(text)
        else:
            rejected.append((text, fault))
    if not kept:
        return Written((), tuple(rejected))
    numbered = "\n".join(f"{i}. {text}" for i, text in enumerate(kept, 1))
    content = table("dynamic")["review"][lang].format(numbered=numbered, prompt=prompt)
    review = await ask([{"role": "user", "content": content}], REVIEW_SCHEMA)
    dropped = {int(i): "uncheckable" for i in review["uncheckable"]}
    for pair in review["contradictions"]:
        low, high = sorted(int(i) for i in pair)
        if low != high and low not in dropped:
            dropped.setdefault(high, "contradicts")
    rejected += [(text, dropped[i]) for i, text in enumerate(kept, 1) if i in dropped]
    return Written(tuple(text for i, text in enumerate(kept, 1) if i not in dropped), tuple(rejected))


def without_unbroken(written: Written, judgements: Iterable[Judgement]) -> Written:
    """`written` without the principles that no judged answer breaks: all would earn the same by them.

    Args:
        written: principles.
        judgements: of some answers, a verdict for each of `written.kept`; those with a fault say nothing, and where
            none is left nothing is dropped.
    """
    told = [judgement.verdicts for judgement in judgements if not judgement.fault]
    idle = {place for place in range(len(written.kept)) if told and not any(v[place].kept is False for v in told)}
    rejected = [(text, "broken by no answer") for place, text in enumerate(written.kept) if place in idle]
    kept = tuple(text for place, text in enumerate(written.kept) if place not in idle)
    return Written(kept, (*written.rejected, *rejected))
