"""Fundamental principles: sentences about a good answer, each with a check by code (METHOD 5, DESIGN "Principles").

The same principles serve RL rewards, translation checks and the express suite. The checks themselves are in
`text_checks.py` (any answer), `translation_checks.py` and `residue.py` (against a source).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from in2x.language.alphabet import tellable
from in2x.language.language import language
from in2x.principles import residue, text_checks, translation_checks
from in2x.principles.case import TRANSLATE, Case
from in2x.principles.verdict import Verdict

Check = Callable[[Case, str], Verdict]


@dataclass(frozen=True, slots=True)
class Principle:
    """A sentence about a good answer and the code that checks it."""

    name: str
    sentence: str
    check: Check
    tasks: tuple[str, ...] = ("*",)
    """Tasks it belongs to; ("*",) is all."""


_MT = (TRANSLATE,)

PRINCIPLES: tuple[Principle, ...] = (
    Principle("language", "The answer is written in the language asked for.", residue.in_language),
    Principle("register", "The register asked for is kept.", text_checks.register),
    Principle("repetition", "Nothing is repeated in a loop.", text_checks.no_loop),
    Principle("length", "The length is in keeping with the task.", text_checks.length),
    Principle("traps", "Figurative expressions are not rendered word for word.", translation_checks.no_trap),
    Principle("natural", "An expression that a native speaker would use is chosen.", translation_checks.natural),
    Principle("untranslated", "Nothing is left untranslated.", residue.translated, _MT),
    Principle("names", "Names are rendered as agreed.", translation_checks.names),
    Principle("glossary", "Terms follow the glossary.", translation_checks.glossary),
    Principle("numbers", "Every number of the source is kept.", translation_checks.numbers_kept, _MT),
    Principle("lines", "The answer has as many lines as the source.", translation_checks.lines, _MT),
    Principle("copied", "The source is not copied.", translation_checks.not_copied, _MT),
    Principle("notes", "No note, comment or heading is added.", translation_checks.no_notes, _MT),
)
"""In the order of tables and reports."""


def principles_for(task: str) -> tuple[Principle, ...]:
    """The fundamental principles of a task."""
    return tuple(p for p in PRINCIPLES if "*" in p.tasks or task in p.tasks)


def check_principles(case: Case, answer: str) -> dict[str, Verdict]:
    """The verdict on `answer` by each principle of the case's task.

    An empty answer breaks every principle that can apply: it must never be the safe way out.
    """
    verdicts = {principle.name: principle.check(case, answer) for principle in principles_for(case.task)}
    if not answer.strip():
        empty = text_checks.EMPTY
        return {name: verdict if verdict.kept is None else empty for name, verdict in verdicts.items()}
    return verdicts


def undecided(languages: Iterable[str]) -> list[str]:
    """What cannot be told of answers in these languages, one sentence each: for the start of a run."""
    sentences = []
    for tongue in dict.fromkeys(map(language, languages)):
        if not tellable(tongue):
            sentences.append(
                f"{tongue.name} ({tongue.code}) cannot be told by its words: the principles language and untranslated "
                "see only other scripts there; a language pack with its common words mends that"
            )
        if not tongue.registers:
            sentences.append(f"{tongue.name} ({tongue.code}) has no registers that can be told: none is checked there")
    return sentences
