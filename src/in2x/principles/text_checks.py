"""Checks by code that hold for any answer: register, loops, length."""

from __future__ import annotations

import re

from in2x.language.grammar import grammar
from in2x.language.language import language
from in2x.language.register import register_of
from in2x.principles.case import TRANSLATE, Case
from in2x.principles.verdict import KEPT, Verdict, not_applicable

EMPTY = Verdict(False, "the answer is empty")


AGAINST = {
    "honorific": frozenset({"casual"}),
    "polite": frozenset({"casual"}),
    "plain": frozenset({"casual", "honorific"}),
    "literary": frozenset({"casual"}),
    "casual": frozenset({"polite", "honorific"}),
}
"""Register asked for -> registers of an answer that break it, where no grammar knows more (our choice)."""


def register(case: Case, answer: str) -> Verdict:
    """The register asked for, where the target language has it.

    Text that shows none ("Yes.") cannot break it, unless the reference shows one. Where a grammar decides, it says
    what keeps a register; elsewhere a register is broken by what speaks against it: the familiar address breaks
    "polite", the polite one "casual".
    """
    if case.register is None:
        return not_applicable("no register is asked for")
    target = language(case.target_lang)
    if case.register not in target.registers:
        return not_applicable(f"in {target.name} the register {case.register} cannot be told")
    found = register_of(answer, target.code)
    if found == "none":
        if case.reference is None or register_of(case.reference, target.code) == "none":
            return not_applicable("the answer shows no register")
        return Verdict(False, f"the answer shows no register; {case.register} is asked for")
    rules = grammar(target.code)
    kept = rules.keeps(case.register, answer) if rules else found not in AGAINST[case.register]
    return KEPT if kept else Verdict(False, f"the register is {found}; {case.register} is asked for")


_LOOP = re.compile(r"(.)\1{9,}|(.{2,4}?)\2{4,}|(.{5,40}?)\3{2,}", re.S)


def no_loop(case: Case, answer: str) -> Verdict:
    """No stretch of text is repeated over and over, unless the source does the same. White space does not count."""
    if not answer.strip():
        return EMPTY
    loop = _LOOP.search("".join(answer.split()))
    if loop is None or _LOOP.search("".join(case.source.split())):
        return KEPT
    places = [place for place, char in enumerate(answer) if not char.isspace()]
    unit = loop[1] or loop[2] or loop[3]
    times = len(loop[0]) // len(unit)
    return Verdict(False, f"{unit!r} is repeated {times} times", places[loop.start()], places[loop.end() - 1] + 1)


def length(case: Case, answer: str) -> Verdict:
    """The length is within the band the case gives, or near that of the reference, or in keeping with the source.

    The bands of the latter two are wide (a factor of 2 around, plus 12 English letters' worth), because wording is
    free; they catch truncation and rambling. They apply to translation only.
    """
    size = len(answer.strip())
    low, high = case.checks.get("min_chars"), case.checks.get("max_chars")
    if low is not None or high is not None:
        if low is not None and size < int(low):
            return Verdict(False, f"{size} characters; at least {low} are asked for")
        if high is not None and size > int(high):
            return Verdict(False, f"{size} characters; at most {high} are asked for")
        return KEPT
    if case.task != TRANSLATE:
        return not_applicable("no length is asked for")
    target = language(case.target_lang)
    expected = target.weigh(case.reference) if case.reference else language(case.source_lang).weigh(case.source)
    got = target.weigh(answer)
    lowest, highest = band(expected, expected)
    if lowest <= got <= highest and got > 0:
        return KEPT
    other = "the reference" if case.reference else "the source"
    return Verdict(False, f"{'longer' if got > highest else 'shorter'} than is in keeping with {other}")


def band(shortest: float, longest: float) -> tuple[float, float]:
    """The lengths that are in keeping with accepted answers of `shortest` to `longest`, in English letters' worth."""
    return shortest / 2.2 - 12, longest * 2 + 12
