"""Fundamental principles: sentences about a good answer, each with a check by code (METHOD 5, DESIGN "Principles").

The same principles serve RL rewards, translation checks and the express suite. A check returns True (kept), False
(broken) or None (does not apply here, or cannot be told); a reward is satisfied / applicable. The checks themselves
are in `text_checks.py` (any answer) and `translation_checks.py` (against a source).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from in2x.principles import text_checks, translation_checks
from in2x.records import Instruction


@dataclass(frozen=True, slots=True)
class Case:
    """What an answer is judged against.

    Attributes:
        source: the text to translate, or the prompt where there is none.
        source_lang: ISO 639-1 code of `source`.
        target_lang: ISO 639-1 code the answer must be in.
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
    task: str = "translate"


Check = Callable[[Case, str], bool | None]


@dataclass(frozen=True, slots=True)
class Principle:
    """A sentence about a good answer and the code that checks it."""

    name: str
    en: str
    ja: str
    check: Check
    tasks: tuple[str, ...]
    """Tasks it belongs to; ("*",) is all."""


_ALL = ("*",)
_MT = ("translate",)

PRINCIPLES: tuple[Principle, ...] = (
    Principle("language", "The answer is written in the language asked for.",
              "求められた言語で書かれている。", text_checks.language, _ALL),
    Principle("register", "The register asked for is kept.",
              "求められた文体・敬意が保たれている。", text_checks.register, _ALL),
    Principle("repetition", "Nothing is repeated in a loop.",
              "同じ語句の繰り返しに陥っていない。", text_checks.no_loop, _ALL),
    Principle("length", "The length is in keeping with the task.",
              "長さが課題にふさわしい。", text_checks.length, _ALL),
    Principle("traps", "Figurative expressions are not rendered word for word.",
              "比喩や慣用句を逐語訳していない。", translation_checks.no_trap, _ALL),
    Principle("natural", "An expression that a native speaker would use is chosen.",
              "母語話者が実際に使う表現を選んでいる。", translation_checks.natural, _ALL),
    Principle("untranslated", "Nothing is left untranslated.",
              "訳し残しがない。", translation_checks.translated, _MT),
    Principle("names", "Names are rendered as agreed.",
              "固有名詞が定められた表記になっている。", translation_checks.names, _ALL),
    Principle("glossary", "Terms follow the glossary.",
              "用語集の訳語に従っている。", translation_checks.glossary, _ALL),
    Principle("numbers", "Every number of the source is kept.",
              "原文の数値がすべて保たれている。", translation_checks.numbers_kept, _MT),
    Principle("lines", "The answer has as many lines as the source.",
              "行数が原文と同じである。", translation_checks.lines, _MT),
    Principle("copied", "The source is not copied.",
              "原文をそのまま写していない。", translation_checks.not_copied, _MT),
    Principle("notes", "No note, comment or heading is added.",
              "注釈・前置き・見出しを付け加えていない。", translation_checks.no_notes, _MT),
)  # fmt: skip
"""In the order of tables and reports."""


def principles_for(task: str) -> tuple[Principle, ...]:
    """The fundamental principles of a task."""
    return tuple(p for p in PRINCIPLES if "*" in p.tasks or task in p.tasks)


def check_principles(case: Case, answer: str) -> dict[str, bool | None]:
    """Check `answer` against every principle of the case's task: name -> kept, broken, or None (not applicable).

    An empty answer breaks every principle that can apply: it must never be the safe way out.
    """
    results = {principle.name: principle.check(case, answer) for principle in principles_for(case.task)}
    if not answer.strip():
        return {name: None if result is None else False for name, result in results.items()}
    return results


def share(results: Mapping[str, bool | None]) -> float | None:
    """Satisfied / applicable, or None where none applies."""
    applicable = [result for result in results.values() if result is not None]
    return sum(applicable) / len(applicable) if applicable else None


_CASE_KEYS = frozenset({"name", "from", "to", "source", "register", "reference"})


def case_of(instruction: Instruction) -> Case | None:
    """The case that an instruction describes in its verifier; None where it has none that principles can use."""
    verifier = instruction.verifier or {}
    source = verifier.get("source")
    if source is None:
        users = [message["content"] for message in instruction.messages if message["role"] == "user"]
        source = users[-1] if users else ""
    target_lang = str(verifier.get("to") or instruction.lang)
    reference = verifier.get("reference", instruction.answer)
    return Case(
        source=str(source),
        source_lang=str(verifier.get("from") or target_lang),
        target_lang=target_lang,
        register=verifier.get("register"),
        reference=reference,
        checks={key: value for key, value in verifier.items() if key not in _CASE_KEYS},
        task="translate" if verifier.get("name") == "translation" else instruction.task,
    )
