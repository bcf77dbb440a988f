"""Rewriting into the target language by a model: three rewriters (METHOD 2.2), each with its own prompt and checks.

- *creative*: an original story, scene, dialogue or letter in a named style grows from the theme of an instruction.
- *localized basic*: an exam question moves into the local world and gets a reasoning chain, whose result must equal
  the given one (checked by code).
- *cultural style transformation*: register, form of address, season and convention; what was changed and why stays as
  the trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from in2x.instructions.candidate import Candidate
from in2x.instructions.neardup import normalise
from in2x.instructions.prompt import prompt
from in2x.language import language
from in2x.language.numbers import numbers
from in2x.language.pack import REGISTERS
from in2x.language.signs import signs
from in2x.llm.request import Advance, Answer, Asker, Request, chat
from in2x.records import Instruction, content_id

FORMS = (
    "a short story", "a scene for the stage", "a dialogue between two people", "a letter", "a page of a diary",
    "a folk tale", "an opening chapter", "a radio monologue",
)  # fmt: skip
STYLES = (
    "a quiet realist of everyday life", "a teller of old tales", "a comic writer with a dry wit",
    "a writer of light novels for young readers", "a lyrical nature writer", "a hard-boiled crime writer",
    "a children's author", "a chronicler of office life", "an essayist of the passing seasons",
)  # fmt: skip

_TEXT = {"type": "string", "minLength": 1}
_CHANGE = {"type": "object", "required": ["what", "why"], "properties": {"what": _TEXT, "why": _TEXT}}
_EXCHANGE = {
    "type": "object",
    "required": ["instruction", "answer"],
    "properties": {"instruction": _TEXT, "answer": _TEXT},
}


def _schema(**more: Any) -> dict[str, Any]:
    properties = {"instruction": _TEXT, "answer": _TEXT, **more}
    return {"type": "object", "required": sorted(properties), "properties": properties}


@dataclass(frozen=True)
class Rewriter:
    """One way to rewrite."""

    name: str
    fits: Callable[[Instruction], bool]
    """Whether it can work on an item."""
    ask: Callable[[Instruction, str], str]
    """The prompt for an item and a target language (code)."""
    schema: Mapping[str, Any]
    build: Callable[[Instruction, str, Mapping[str, Any]], Candidate]
    """The new item from the old one, the target language and the model's JSON."""


def _user(item: Instruction) -> str:
    return next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "")


def _pick(options: Sequence[str], item: Instruction, purpose: str) -> str:
    """One of `options`, always the same for the same item."""
    digest = hashlib.blake2b(f"{purpose} {item.id}".encode(), digest_size=8).digest()
    return options[int.from_bytes(digest, "big") % len(options)]


def _new(old: Instruction, lang: str, kind: str, task: str, text: str, answer: str | None,
         verifier: dict[str, Any] | None = None) -> Instruction:  # fmt: skip
    messages = [{"role": "user", "content": text}]
    return Instruction(
        id=content_id(f"rewritten:{kind}", messages, answer), lang=lang, task=task, messages=messages, answer=answer,
        verifier=verifier, origin=f"rewritten:{kind}", license=old.license, labels=old.labels,
    )  # fmt: skip


def _ask_creative(item: Instruction, lang: str) -> str:
    return prompt("creative").render(
        language=language(lang).name, form=_pick(FORMS, item, "form"), style=_pick(STYLES, item, "style"),
        seed=_user(item)[:2000],
    )  # fmt: skip


def _build_creative(item: Instruction, lang: str, said: Mapping[str, Any]) -> Candidate:
    trace = {"from": item.id, "form": _pick(FORMS, item, "form"), "style": _pick(STYLES, item, "style")}
    return Candidate(_new(item, lang, "creative", "story", said["instruction"], said["answer"]), trace)


def final_answer(item: Instruction) -> str | None:
    """The known short result of an item: of its verifier, or its answer where that is a bare value."""
    verifier = item.verifier or {}
    if verifier.get("name") in ("number", "choice", "exact") and verifier.get("value") is not None:
        return str(verifier["value"])
    return item.answer if item.answer and len(item.answer) <= 40 and "\n" not in item.answer else None


def same_result(given: str, found: str) -> bool:
    """Whether two short results are equal: as numbers where the given one is a number, else as normalised text."""
    want, have = numbers(given), numbers(found)
    if len(want) == 1 and len(given.strip()) <= 24:
        return bool(have) and have[-1].value == want[0].value
    return normalise(given) == normalise(found) and signs(given) == signs(found)


def _build_localized(item: Instruction, lang: str, said: Mapping[str, Any]) -> Candidate:
    given = final_answer(item) or ""
    reasoning = str(said["reasoning"]).strip()
    last_line = reasoning.splitlines()[-1] if reasoning else ""
    verifier = item.verifier or {"name": "number" if numbers(given) else "exact", "value": given}
    new = _new(item, lang, "localized", item.task, said["instruction"], reasoning, dict(verifier))
    trace = {"from": item.id, "changes": said["changes"], "reasoning": reasoning}
    held = normalise(given) in normalise(last_line) and set(signs(given)) <= set(signs(last_line))
    ends_right = same_result(given, last_line) or held
    if not same_result(given, str(said["answer"])) or not ends_right:
        return Candidate(new, trace, fault="the reasoning ends in another result")
    return Candidate(new, trace)


def _ask_style(item: Instruction, lang: str) -> str:
    return prompt("style").render(
        language=language(lang).name, register=_pick(REGISTERS, item, "register"),
        instruction=_user(item)[:4000], answer=(item.answer or "")[:4000],
    )  # fmt: skip


def _build_style(item: Instruction, lang: str, said: Mapping[str, Any]) -> Candidate:
    trace = {"from": item.id, "register": _pick(REGISTERS, item, "register"), "changes": said["changes"]}
    verifier = {"name": "register", "lang": lang, "register": trace["register"]}
    return Candidate(_new(item, lang, "style", item.task, said["instruction"], said["answer"], verifier), trace)


REWRITERS: Mapping[str, Rewriter] = {
    "creative": Rewriter(
        "creative", lambda item: item.task not in ("math", "translate"), _ask_creative, _EXCHANGE, _build_creative
    ),
    "localized": Rewriter(
        "localized",
        lambda item: item.task != "translate" and final_answer(item) is not None,
        lambda item, lang: prompt("localized").render(
            language=language(lang).name, question=_user(item)[:4000], answer=final_answer(item) or ""
        ),
        _schema(reasoning=_TEXT, changes={"type": "array", "items": {"type": "string"}}),
        _build_localized,
    ),
    "style": Rewriter(
        "style",
        lambda item: item.task not in ("math", "translate") and bool(item.answer),
        _ask_style,
        _schema(changes={"type": "array", "items": _CHANGE}),
        _build_style,
    ),
}


def rewrite(
    asker: Asker, rewriter: Rewriter, items: Sequence[Instruction], lang: str, seed: int, advance: Advance | None = None
) -> Iterator[Candidate]:
    """Rewrite `items` (those that fit) into `lang`: one candidate each, failures included."""
    fitting = [item for item in items if rewriter.fits(item)]
    requests: Iterator[Request] = (
        chat(rewriter.ask(item, lang), schema=rewriter.schema, temperature=0.7, max_tokens=2048, seed=seed)
        for item in fitting
    )
    for item, answer in zip(fitting, asker.ask_all(requests, advance), strict=True):
        yield _candidate(rewriter, item, lang, answer)


def _candidate(rewriter: Rewriter, item: Instruction, lang: str, answer: Answer) -> Candidate:
    if answer.ok:
        made = rewriter.build(item, lang, answer.value)
        return replace(made, trace={**(made.trace or {}), "thought": answer.thought}) if answer.thought else made
    # The id of what never came to be: of the item it should have come from.
    empty = _new(item, lang, rewriter.name, item.task, f"(from {item.id})", None)
    return Candidate(empty, None, fault=answer.error, failed=True)
