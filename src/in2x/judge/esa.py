"""A judge in the manner of GEMBA-ESA: an LLM first marks error spans, then scores from 0 to 100.

One request a segment, answered as JSON by schema (through any `in2x.llm.request.Asker`, so cached, bounded, retried);
the few-shot examples and the wording are our own. A judge that answers prose, or marks a span that is not in the
translation, is asked again a bounded number of times; what then still fails is *missing* (None), counted, and told
with system and document, never scored 0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from in2x.chat.profile import LANGUAGE_NAMES
from in2x.errors import In2xError
from in2x.llm.request import Asker, Request
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
"""English into Japanese; shown whatever the pair, for they teach the scale and the layout."""


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
    segments: Sequence[Segment], source_lang: str, target_lang: str, asker: Asker, *, system: str, tries: int = 3,
    max_tokens: int = 800,
) -> list[Graded]:  # fmt: skip
    """Grade each segment.

    Args:
        system: name of the system that translated, for messages.
        tries: how often a judge is asked in all.

    Raises:
        In2xError: the judge failed on every segment (the first is named).
    """
    requests = [_request(_messages(s, source_lang, target_lang), max_tokens) for s in segments]
    found: list[Graded] = [Graded(None, fault="not asked") for _ in segments]
    waiting = list(range(len(segments)))
    for attempt in range(tries):
        for i, answer in zip(waiting, asker.ask_all([requests[i] for i in waiting]), strict=True):
            found[i] = read_verdict(answer.value if answer.value is not None else answer.text, segments[i].translation)
            if not answer.ok:
                found[i] = Graded(None, fault=str(answer.error))
        waiting = [i for i in waiting if found[i].score is None]
        if not waiting or attempt + 1 == tries:
            break
        for i in waiting:
            again: Message = {
                "role": "user",
                "content": f"That could not be used: {found[i].fault}. JSON only, please.",
            }
            # A new sample number, so that a cache does not give the same answer again.
            requests[i] = _request([*_messages(segments[i], source_lang, target_lang), again], max_tokens, attempt + 1)
    if segments and len(waiting) == len(segments):
        place = f"{system}, document {segments[0].document or 1}"
        raise In2xError(f"{place}: the judge gave no usable answer ({found[0].fault}), and so for every segment",
                        mend="use a judge that can answer in JSON")  # fmt: skip
    return found


def _request(messages: list[Message], max_tokens: int, sample: int = 0) -> Request:
    return Request(messages=tuple(messages), schema=SCHEMA, max_tokens=max_tokens, sample=sample)


def _messages(segment: Segment, source_lang: str, target_lang: str) -> list[Message]:
    messages: list[Message] = [{"role": "system", "content": SYSTEM}]
    for source, translation, verdict in FEW_SHOTS:
        messages.append({"role": "user", "content": _question(Segment(source, translation), "en", "ja")})
        messages.append({"role": "assistant", "content": json.dumps(verdict, ensure_ascii=False)})
    return [*messages, {"role": "user", "content": _question(segment, source_lang, target_lang)}]


def _question(segment: Segment, source_lang: str, target_lang: str) -> str:
    names = (LANGUAGE_NAMES.get(source_lang, source_lang), LANGUAGE_NAMES.get(target_lang, target_lang))
    lines = [f"Before it: {segment.context}"] if segment.context else []
    lines.append(f"{names[0]} source: {segment.source}")
    if segment.register:
        lines.append(f"Register asked for: {segment.register}")
    lines.append(f"{names[1]} translation: {segment.translation}")
    return "\n".join(lines)


def read_verdict(value: Any, translation: str) -> Graded:
    """The verdict in a judge's answer (parsed JSON, or text that is JSON); `fault` says why it cannot be used."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return Graded(None, fault=f"prose instead of JSON ({value.strip()[:40]!r})")
    score = value.get("score") if isinstance(value, dict) else None
    errors = value.get("errors") if isinstance(value, dict) else None
    if not isinstance(score, (int, float)) or isinstance(score, bool) or not 0 <= score <= 100:
        return Graded(None, fault=f"the score is {score!r}")
    if not isinstance(errors, list) or not all(isinstance(e, dict) for e in errors):
        return Graded(None, fault="errors is not a list of objects")
    for error in errors:
        if error.get("severity") not in SEVERITIES:
            return Graded(None, fault=f"the severity is {error.get('severity')!r}")
        if str(error.get("span") or "") not in translation:
            return Graded(None, fault=f"the span {str(error.get('span'))[:40]!r} is not in the translation")
    return Graded(float(score), [{k: str(e.get(k) or "") for k in ("span", "severity", "category")} for e in errors])
