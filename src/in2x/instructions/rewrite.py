"""Rewriting into the target language by a model: rewriters (METHOD 2.2 and 2.3), each with its own prompt and checks.

- *creative*: an original story, scene, dialogue or letter in a named style grows from the theme of an instruction.
- *localized basic*: an exam question moves into the local world and gets a reasoning chain, whose result must equal
  the given one (checked by code).
- *cultural style transformation*: register, form of address, season and convention; what was changed and why stays as
  the trace.
- *deepen*, *constrain*, *concretise*: a harder task in the target language grows from one in any language, English
  above all; it is answered afterwards as every new task is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from in2x.instructions.candidate import Candidate
from in2x.instructions.neardup import normalise
from in2x.instructions.prompt import asked_in
from in2x.instructions.themes import Themes, pick, themes
from in2x.judge.retry import Question, Reply, ask_until_read, json_of
from in2x.language.numbers import numbers
from in2x.language.pack import REGISTERS
from in2x.language.signs import signs
from in2x.llm.request import Advance, Asker, chat
from in2x.records import Instruction, content_id

TRIES = 2
"""How often a rewriting is asked for until it can be read (our choice)."""
_TEXT = {"type": "string", "minLength": 1}
_CHANGE = {"type": "object", "required": ["what", "why"], "properties": {"what": _TEXT, "why": _TEXT}}


def _schema(**properties: Any) -> dict[str, Any]:
    """Of an object with these properties, all of them and in this order: reasons come before what rests on them."""
    return {"type": "object", "required": list(properties), "properties": properties}


@dataclass(frozen=True)
class Rewriter:
    """One way to rewrite."""

    name: str
    fits: Callable[[Instruction], bool]
    """Whether it can work on an item."""
    ask: Callable[[Instruction, str, Themes], str]
    """The prompt for an item, a target language (code) and its lists."""
    schema: Mapping[str, Any]
    build: Callable[[Instruction, str, Mapping[str, Any], Themes], Candidate]
    """The new item from the old one, the target language, the model's JSON and the lists."""


def _user(item: Instruction) -> str:
    return next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "")


def _new(old: Instruction, lang: str, kind: str, task: str, text: str, answer: str | None,
         verifier: dict[str, Any] | None = None) -> Instruction:  # fmt: skip
    messages = [{"role": "user", "content": text}]
    return Instruction(
        id=content_id(f"rewritten:{kind}", messages, answer), lang=lang, task=task, messages=messages, answer=answer,
        verifier=verifier, origin=f"rewritten:{kind}", license=old.license, labels=old.labels,
    )  # fmt: skip


def _brief(item: Instruction, lists: Themes) -> dict[str, str]:
    """What a story is to be: one entry of each list, always the same for the same item."""
    names = ("form", "genre", "style", "persona", "relation", "season")
    return {name: pick(getattr(lists, f"{name}s"), item.id, name) for name in names}


def _ask_creative(item: Instruction, lang: str, lists: Themes) -> str:
    return asked_in(lang, "creative", seed=_user(item)[:2000], **_brief(item, lists))


def _build_creative(item: Instruction, lang: str, said: Mapping[str, Any], lists: Themes) -> Candidate:
    trace = {"from": item.id, "plan": said["plan"], **_brief(item, lists)}
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


def _ask_localized(item: Instruction, lang: str, lists: Themes) -> str:
    return asked_in(lang, "localized", question=_user(item)[:4000], answer=final_answer(item) or "")


def _build_localized(item: Instruction, lang: str, said: Mapping[str, Any], lists: Themes) -> Candidate:
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


def _register(item: Instruction) -> str:
    return pick(REGISTERS, item.id, "register")


def _ask_style(item: Instruction, lang: str, lists: Themes) -> str:
    return asked_in(
        lang, "style", register=lists.registers[_register(item)], instruction=_user(item)[:4000],
        answer=(item.answer or "")[:4000],
    )  # fmt: skip


def _build_style(item: Instruction, lang: str, said: Mapping[str, Any], lists: Themes) -> Candidate:
    trace = {"from": item.id, "register": _register(item), "changes": said["changes"]}
    verifier = {"name": "register", "lang": lang, "register": trace["register"]}
    return Candidate(_new(item, lang, "style", item.task, said["instruction"], said["answer"], verifier), trace)


def _step(name: str) -> Rewriter:
    """The rewriter that makes a task harder by the step `name`."""

    def ask(item: Instruction, lang: str, lists: Themes) -> str:
        return asked_in(lang, "evolve", step=name, instruction=_user(item)[:4000])

    def build(item: Instruction, lang: str, said: Mapping[str, Any], lists: Themes) -> Candidate:
        trace = {"from": item.id, "plan": said["plan"]}
        return Candidate(_new(item, lang, name, item.task, said["instruction"], None), trace)

    # What has a known result would have another one, which nobody knows.
    fits = lambda item: item.task not in ("math", "translate", "rewrite") and not item.verifier  # noqa: E731
    return Rewriter(name, fits, ask, _schema(plan=_TEXT, instruction=_TEXT), build)


STEPS = ("deepen", "constrain", "concretise")
REWRITERS: Mapping[str, Rewriter] = {
    "creative": Rewriter(
        "creative",
        lambda item: item.task not in ("math", "translate"),
        _ask_creative,
        _schema(plan=_TEXT, instruction=_TEXT, answer=_TEXT),
        _build_creative,
    ),
    "localized": Rewriter(
        "localized",
        lambda item: item.task != "translate" and final_answer(item) is not None,
        _ask_localized,
        _schema(
            changes={"type": "array", "items": {"type": "string"}}, instruction=_TEXT, reasoning=_TEXT, answer=_TEXT
        ),
        _build_localized,
    ),
    "style": Rewriter(
        "style",
        lambda item: item.task not in ("math", "translate") and bool(item.answer),
        _ask_style,
        _schema(changes={"type": "array", "items": _CHANGE}, instruction=_TEXT, answer=_TEXT),
        _build_style,
    ),
    **{name: _step(name) for name in STEPS},
}


def rewrite(
    asker: Asker,
    rewriter: Rewriter,
    items: Sequence[Instruction],
    lang: str,
    seed: int,
    advance: Advance | None = None,
    *,
    lists: Themes | None = None,
) -> Iterator[Candidate]:
    """Rewrite `items` (those that fit) into `lang`: one candidate each, failures included."""
    lists = lists or themes(lang)
    fitting = [item for item in items if rewriter.fits(item)]
    questions = (
        Question(
            chat(rewriter.ask(item, lang, lists), schema=rewriter.schema, temperature=0.7, max_tokens=2048, seed=seed,
                 purpose="rewrite"),
            partial(json_of, schema=rewriter.schema),
        )
        for item in fitting
    )  # fmt: skip
    replies = ask_until_read(asker, questions, tries=TRIES, advance=advance)
    for item, reply in zip(fitting, replies, strict=True):
        yield _candidate(rewriter, item, lang, reply, lists)


def _candidate(
    rewriter: Rewriter, item: Instruction, lang: str, reply: Reply[dict[str, Any]], lists: Themes
) -> Candidate:
    if reply.value is not None:
        made = rewriter.build(item, lang, reply.value, lists)
        return replace(made, trace={**(made.trace or {}), "thought": reply.thought}) if reply.thought else made
    # The id of what never came to be: of the item it should have come from.
    empty = _new(item, lang, rewriter.name, item.task, f"(from {item.id})", None)
    return Candidate(empty, None, fault=reply.fault, failed=True)
