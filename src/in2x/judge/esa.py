"""A judge in the manner of GEMBA-ESA: an LLM first marks error spans, then scores from 0 to 100.

One request a segment, answered as JSON by schema (through any `in2x.llm.request.Asker`, so cached, bounded, retried);
the few-shot examples and the wording are our own. A judge that answers prose, or marks a span that is not in the
translation, is asked again (`retry`); what then still fails is *missing* (None), counted, and told with system and
document, never scored 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from in2x.judge.retry import Question, Unreadable, ask_until_read, demand_one, json_of
from in2x.language import language
from in2x.language.example import HUB, TARGET
from in2x.llm.request import Answer, Asker, Request
from in2x.records import Message

SEVERITIES = ("minor", "major", "critical")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "span": {"type": "string"},
                    "severity": {"type": "string", "enum": list(SEVERITIES)},
                    "category": {"type": "string"},
                },
                "required": ["span", "severity", "category"],
                "additionalProperties": False,
            },
        },
        "score": {"type": "number", "minimum": 0, "maximum": 100},
    },
    "required": ["errors", "score"],
    "additionalProperties": False,
}

SYSTEM = (
    "You grade translations as a professional translator and native speaker of the target language would. First mark "
    "every error as the exact words of the translation where it stands (for an omission: an empty span). Categories: "
    "accuracy, omission, idiom, register, names, grammar, naturalness, untranslated. Severity: minor (noticed, meaning "
    "unharmed), major (meaning changed or text jarring), critical (misleading or unusable). Then give one score from 0 "
    "to 100 for the whole: 0 nothing kept, 33 some meaning, 66 most meaning with flaws, 100 perfect in meaning, voice "
    "and style. Literal renderings of idioms and a register that does not fit the speaker are errors. Answer with JSON "
    'only: {"errors": [{"span", "severity", "category"}], "score"}.'
)

FEW_SHOTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("My boss hit the roof when he saw the bill.", "請求書を見て、上司は屋根を殴った。",
     {"errors": [{"span": "屋根を殴った", "severity": "critical", "category": "idiom"}], "score": 22}),
    ("Would you mind waiting here, ma'am?", "ここで待ってろ。",
     {"errors": [{"span": "待ってろ", "severity": "major", "category": "register"}], "score": 48}),
    ("\"Beats me,\" Nora said with a shrug.", "「さあね」とノーラは肩をすくめた。", {"errors": [], "score": 98}),
)  # fmt: skip
"""From `HUB` into `TARGET` (see `language/example.py`), whatever the pair: they teach the scale and the layout."""


@dataclass(frozen=True)
class Graded:
    """What the judge said of one segment; `score` is None where it failed, `fault` says why."""

    score: float | None
    errors: list[dict[str, str]] = field(default_factory=list)
    fault: str = ""


@dataclass(frozen=True)
class Segment:
    """One translation to grade. `context` is what stands before it in the source, `register` what was asked for."""

    source: str
    translation: str
    document: str = ""
    context: str = ""
    register: str | None = None


def grade(
    segments: Sequence[Segment],
    source_lang: str,
    target_lang: str,
    asker: Asker,
    *,
    system: str,
    tries: int = 3,
    max_tokens: int = 2048,
) -> list[Graded]:
    """Grade each segment.

    Args:
        system: name of the system that translated, for messages.
        tries: how often a judge is asked in all.

    Raises:
        In2xError: the judge failed on every segment (the first is named).
    """
    questions = [
        Question(
            Request(messages=tuple(_messages(s, source_lang, target_lang)), schema=SCHEMA, max_tokens=max_tokens),
            partial(_read, translation=s.translation),
        )
        for s in segments
    ]
    replies = list(ask_until_read(asker, questions, tries=tries))
    if segments:
        demand_one(replies, f"{system}, document {segments[0].document or 1}")
    return [reply.value or Graded(None, fault=reply.fault) for reply in replies]


def _read(answer: Answer, translation: str) -> Graded:
    return read_verdict(json_of(answer, SCHEMA), translation)


def _messages(segment: Segment, source_lang: str, target_lang: str) -> list[Message]:
    messages: list[Message] = [{"role": "system", "content": SYSTEM}]
    for source, translation, verdict in FEW_SHOTS:
        messages.append({"role": "user", "content": _question(Segment(source, translation), HUB, TARGET)})
        messages.append({"role": "assistant", "content": json.dumps(verdict, ensure_ascii=False)})
    return [*messages, {"role": "user", "content": _question(segment, source_lang, target_lang)}]


def _question(segment: Segment, source_lang: str, target_lang: str) -> str:
    lines = [f"Before it: {segment.context}"] if segment.context else []
    lines.append(f"{language(source_lang).name} source: {segment.source}")
    if segment.register:
        lines.append(f"Register asked for: {segment.register}")
    lines.append(f"{language(target_lang).name} translation: {segment.translation}")
    return "\n".join(lines)


def read_verdict(value: Mapping[str, Any], translation: str) -> Graded:
    """The verdict in a judge's answer that follows `SCHEMA`. Raises Unreadable for a span that is not there."""
    for error in value["errors"]:
        if error["span"] not in translation:
            raise Unreadable(f"the span {error['span'][:40]!r} is not in the translation")
    return Graded(float(value["score"]), [dict(error) for error in value["errors"]])
