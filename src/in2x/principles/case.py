"""What an answer is held against, and its one way through the project: Pair -> Case <-> verifier of an Instruction.

The verifier of a translation is `{"name": "translation", "from": ..., "to": ..., "source": ..., "register": ...,
**checks}`, languages by code. It is written by `verifier_of` and read by `case_of`, and nowhere else taken apart for
principles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from in2x.records import Instruction, Pair

TRANSLATION = "translation"
"""Name of the verifier of translations."""
TRANSLATE = "translate"
"""The task whose answers have a source in another language."""


@dataclass(frozen=True, slots=True)
class Case:
    """What an answer is judged against.

    Attributes:
        source: the text to translate, or the prompt where there is none.
        source_lang: code of the language of `source`.
        target_lang: code of the language the answer must be in.
        register: the register asked for, if any.
        reference: an accepted answer, if any.
        checks: facts about a good answer: "traps" (literal renderings that must not appear), "natural" (renderings of
            which one must appear), "names" and "glossary" (source term -> target term), "min_chars", "max_chars".
        task: principles differ by task; "translate" has all of them.
    """

    source: str
    source_lang: str
    target_lang: str
    register: str | None = None
    reference: str | None = None
    checks: Mapping[str, Any] = field(default_factory=dict)
    task: str = TRANSLATE


def case_of_pair(pair: Pair) -> Case:
    """The case that a translation of `pair.source` is judged against; `pair.target` is the reference."""
    return Case(
        pair.source,
        pair.src_lang,
        pair.tgt_lang,
        register=pair.register,
        reference=pair.target,
        checks=pair.checks,
    )


def verifier_of(case: Case) -> dict[str, Any]:
    """A translation's case as the verifier of an instruction; the reference is the instruction's answer."""
    return {
        **case.checks,
        "name": TRANSLATION,
        "from": case.source_lang,
        "to": case.target_lang,
        "source": case.source,
        "register": case.register,
    }


_OWN_KEYS = frozenset({"name", "from", "to", "source", "register", "reference"})


def is_translation(instruction: Instruction) -> bool:
    """Whether the instruction's verifier is that of a translation."""
    return instruction.verifier is not None and instruction.verifier.get("name") == TRANSLATION


def case_of(instruction: Instruction) -> Case:
    """The case that an instruction describes: by its verifier, and what that leaves out by prompt and answer."""
    verifier = instruction.verifier or {}
    source = verifier.get("source")
    if source is None:
        users = [message["content"] for message in instruction.messages if message["role"] == "user"]
        source = users[-1] if users else ""
    target_lang = str(verifier.get("to") or instruction.lang)
    return Case(
        source=str(source),
        source_lang=str(verifier.get("from") or target_lang),
        target_lang=target_lang,
        register=verifier.get("register"),
        reference=verifier.get("reference", instruction.answer),
        checks={key: value for key, value in verifier.items() if key not in _OWN_KEYS},
        task=TRANSLATE if is_translation(instruction) else instruction.task,
    )
