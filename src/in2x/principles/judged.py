"""Principles that a judge model decides: the fundamental ones of a task, and those written for the prompt.

A whole group (all answers to one prompt) is shown to the judge at once, because comparing ranks translations better
than judging one by one (GRRM: 64.0 against 48.6); answers are shown in an order that depends on their text alone, so
that position says nothing. What the judge cannot decide is a fault with its reason, never a zero; a judge that was not
heard at all (`Unasked`) has decided nothing, and stops who asked.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from in2x.principles.ask import Ask, Unasked
from in2x.principles.prompts import spoken, table
from in2x.principles.verdict import Verdict
from in2x.records import content_id


def verdict_schema(answers: int, principles: int) -> dict[str, Any]:
    """The form of a judge's answer: for each of `answers` its number and one word a principle.

    A judge that miscounts keeps to another form, and is asked again (`judge/retry.py`).
    """
    words = {"type": "array", "items": {"enum": ["yes", "no", "n/a"]}, "minItems": principles, "maxItems": principles}
    row = {
        "type": "object",
        "properties": {"answer": {"type": "integer"}, "kept": words},
        "required": ["answer", "kept"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"verdicts": {"type": "array", "items": row, "minItems": answers, "maxItems": answers}},
        "required": ["verdicts"],
        "additionalProperties": False,
    }


_SAID = {
    "yes": Verdict(True, "kept, says the judge"),
    "no": Verdict(False, "broken, says the judge"),
    "n/a": Verdict(None, "does not apply, says the judge"),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict for each principle; none where the judge failed, and `fault` says why."""

    verdicts: tuple[Verdict, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What answers are judged by.

    Attributes:
        prompt: the instruction they answer.
        lang: language of the answers; the judge is asked in it where `judged.yaml` has its words.
        principles: sentences.
        reference: an accepted answer to show the judge, if any.
    """

    prompt: str
    lang: str
    principles: tuple[str, ...]
    reference: str | None = None


def fundamental(task: str, lang: str) -> list[str]:
    """The judged fundamental principles of a task, in the language `lang` where there are some, else in English."""
    rows: Mapping[str, Sequence[Mapping[str, str]]] = table("judged")["principles"]
    return [row[spoken(row, lang)] for row in rows.get(task) or rows["*"]]


def read_kept(kept: object, count: int) -> Judgement:
    """The judgement that a judge gave as `count` words, each "yes", "no" or "n/a"."""
    if not isinstance(kept, list) or len(kept) != count or not set(map(str, kept)) <= _SAID.keys():
        return Judgement((), f"not {count} verdicts")
    return Judgement(tuple(_SAID[str(word)] for word in kept))


def said(verdict: Verdict) -> str:
    """A judge's word for a verdict."""
    return {True: "yes", False: "no", None: "n/a"}[verdict.kept]


async def judge_answers(
    ask: Ask, question: Question, answers: Iterable[str], *, most: int = 16
) -> dict[str, Judgement]:
    """A judgement for each distinct answer.

    Args:
        ask: the judge.
        question: what they are judged by.
        answers: equal ones are judged once.
        most: answers in one request; more are split evenly.
    """
    # The order is that of a hash of their text, which says nothing about quality.
    distinct = sorted(set(answers), key=lambda answer: content_id(question.prompt, answer))
    parts = math.ceil(len(distinct) / most)
    judged = await asyncio.gather(*(judge_in_order(ask, question, distinct[part::parts]) for part in range(parts)))
    return {answer: judgement for part in judged for answer, judgement in part.items()}


async def judge_in_order(ask: Ask, question: Question, answers: Sequence[str]) -> dict[str, Judgement]:
    """One request: a judgement for each of the distinct `answers`, which the judge sees in this order."""
    frames: Mapping[str, str] = table("judged")["judge"]
    content = frames[spoken(frames, question.lang)].format(
        principles="\n".join(f"{i}. {text}" for i, text in enumerate(question.principles, 1)),
        prompt=question.prompt,
        reference=f"<reference>\n{question.reference}\n</reference>" if question.reference else "",
        answers="\n".join(f'<answer number="{i}">\n{_tame(text)}\n</answer>' for i, text in enumerate(answers, 1)),
    )
    try:
        schema = verdict_schema(len(answers), len(question.principles))
        result = await ask([{"role": "user", "content": content}], schema)
        rows = {int(row["answer"]): row["kept"] for row in result["verdicts"]}
    except Unasked:
        raise
    except Exception as error:  # refused, not JSON: the run goes on, and the fault is counted with its reason
        return dict.fromkeys(answers, Judgement((), f"the judge failed: {type(error).__name__}: {error}"))
    left_out = Judgement((), "the judge left this answer out")
    count = len(question.principles)
    return {text: read_kept(rows[i], count) if i in rows else left_out for i, text in enumerate(answers, 1)}


def _tame(answer: str) -> str:
    """An answer that cannot close its own tag."""
    return answer.replace("</answer", "&lt;/answer").replace("<answer", "&lt;answer")
