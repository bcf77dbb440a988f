"""Checks by code that need no source: language, register, loops, length."""

from __future__ import annotations

import re

from in2x.language.japanese import deference, is_literary, is_polite
from in2x.language.register import register_of
from in2x.language.script import make_up, written_in
from in2x.principles.case import TRANSLATE, Case
from in2x.principles.verdict import KEPT, Verdict, not_applicable

EMPTY = Verdict(False, "the answer is empty")

REGISTER_ACCEPTS = {
    "plain": frozenset({"plain"}),
    "literary": frozenset({"plain"}),
    "polite": frozenset({"polite"}),
    "honorific": frozenset({"honorific"}),
    "casual": frozenset({"casual"}),
}
"""Register asked for -> registers of an answer that keep it in any case; `register` adds the border cases."""


def language(case: Case, answer: str) -> Verdict:
    """The answer is in the target language. Answers without letters (numbers, marks) do not apply."""
    if not answer.strip():
        return EMPTY
    kept = written_in(answer, case.target_lang)
    if kept is False and case.reference and written_in(case.reference, case.target_lang) is False:
        return not_applicable("the accepted answer is no text in the language either")
    return Verdict(kept, "" if kept else "the answer is in another language")


def register(case: Case, answer: str) -> Verdict:
    """The register asked for. Text without a predicate ("はい。") cannot break it, unless the reference has one.

    What counts as keeping it: "plain" and "literary" plain; "polite" polite, or honorific that closes in です・ます;
    "honorific" keigo, or polite speech with two kinds of deference; "casual" casual, or plain without である.
    """
    if case.register is None:
        return not_applicable("no register is asked for")
    accepted = REGISTER_ACCEPTS.get(case.register)
    if case.target_lang != "ja" or accepted is None:
        return not_applicable("this register cannot be told in this language")
    found = register_of(answer, "ja")
    if found == "none":
        if case.reference is None or register_of(case.reference, "ja") == "none":
            return not_applicable("the answer shows no register")
        return Verdict(False, f"the answer shows no register; {case.register} is asked for")
    kept = found in accepted
    if case.register == "polite":
        kept = kept or (found == "honorific" and is_polite(answer))
    elif case.register == "casual":
        kept = kept or (found == "plain" and not is_literary(answer))
    elif case.register == "honorific":
        kept = kept or (found == "polite" and deference(answer) >= 2)
    return Verdict(kept, "" if kept else f"the register is {found}; {case.register} is asked for")


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
    expected = weighted(case.reference, case.target_lang) if case.reference else weighted(case.source, case.source_lang)
    got = weighted(answer, case.target_lang)
    if expected is None or got is None:
        return not_applicable("lengths in this language are not known")
    lowest, highest = band(expected, expected)
    if lowest <= got <= highest and got > 0:
        return KEPT
    other = "the reference" if case.reference else "the source"
    return Verdict(False, f"{'longer' if got > highest else 'shorter'} than is in keeping with {other}")


def band(shortest: float, longest: float) -> tuple[float, float]:
    """The lengths that are in keeping with accepted answers of `shortest` to `longest`, in English letters' worth."""
    return shortest / 2.2 - 12, longest * 2 + 12


_WEIGHT = {"en": 1.0, "ja": 2.1, "zh": 2.9}
"""English letters that one character of the language stands for (own estimate, from typical translations)."""


def weighted(text: str, lang: str) -> float | None:
    """Length in English letters' worth; Latin letters and digits count one in every language."""
    weight = _WEIGHT.get(lang)
    if weight is None:
        return None
    counts = make_up(text)
    return counts.latin + counts.digit + weight * (counts.kana + counts.han)
