"""Checks by code that need no source: language, register, loops, length."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from in2x.language.japanese import deference, is_literary, is_polite
from in2x.language.register import register_of
from in2x.language.script import make_up, written_in

if TYPE_CHECKING:
    from in2x.principles.fundamental import Case

REGISTER_ACCEPTS = {
    "plain": frozenset({"plain"}),
    "literary": frozenset({"plain"}),
    "polite": frozenset({"polite"}),
    "honorific": frozenset({"honorific"}),
    "casual": frozenset({"casual"}),
}
"""Register asked for -> registers of an answer that keep it in any case; `register` adds the border cases."""


@lru_cache(maxsize=1 << 15)
def normalise(text: str) -> str:
    """NFKC, lower case, without white space and punctuation: what is compared when wording counts."""
    text = unicodedata.normalize("NFKC", text).lower()
    return "".join(char for char in text if unicodedata.category(char)[0] not in "PZCS" or char == "%")


def language(case: Case, answer: str) -> bool | None:
    """The answer is in the target language. Answers without letters (numbers, marks) do not apply."""
    if not answer.strip():
        return False
    kept = written_in(answer, case.target_lang)
    if kept is False and case.reference and written_in(case.reference, case.target_lang) is False:
        return None  # the accepted answer itself is a bare foreign name or formula
    return kept


def register(case: Case, answer: str) -> bool | None:
    """The register asked for. Text without a predicate ("はい。") cannot break it, unless the reference has one.

    What counts as keeping it: "plain" and "literary" plain; "polite" polite, or honorific that closes in です・ます;
    "honorific" keigo, or polite speech with two kinds of deference; "casual" casual, or plain without である.
    """
    if case.register is None or case.target_lang != "ja":
        return None
    found = register_of(answer, "ja")
    accepted = REGISTER_ACCEPTS.get(case.register)
    if accepted is None:
        return None
    if found == "none":
        reference = case.reference
        return None if reference is None or register_of(reference, "ja") == "none" else False
    if found in accepted:
        return True
    if case.register == "polite":
        return found == "honorific" and is_polite(answer)
    if case.register == "casual":
        return found == "plain" and not is_literary(answer)
    return case.register == "honorific" and found == "polite" and deference(answer) >= 2


_LOOP = re.compile(r"(.)\1{9,}|(.{2,4}?)\2{4,}|(.{5,40}?)\3{2,}", re.S)


def no_loop(case: Case, answer: str) -> bool | None:
    """No stretch of text is repeated over and over, unless the source does the same."""
    if not answer.strip():
        return False
    text = "".join(answer.split())
    return not (_LOOP.search(text) and not _LOOP.search("".join(case.source.split())))


_WEIGHT = {"en": 1.0, "ja": 2.1, "zh": 2.9}
"""English letters that one character of the language stands for (own estimate, from typical translations)."""


def length(case: Case, answer: str) -> bool | None:
    """The length is within the band the case gives, or near that of the reference, or in keeping with the source.

    The bands of the latter two are wide (a factor of 2 around, plus 12 English letters' worth), because wording is
    free; they catch truncation and rambling. They apply to translation only.
    """
    size = len(answer.strip())
    low, high = case.checks.get("min_chars"), case.checks.get("max_chars")
    if low is not None or high is not None:
        return (low is None or size >= int(low)) and (high is None or size <= int(high))
    weight = _WEIGHT.get(case.target_lang)
    if weight is None or case.task != "translate":
        return None
    expected = weighted(case.reference, case.target_lang) if case.reference else weighted(case.source, case.source_lang)
    got = weighted(answer, case.target_lang)
    if expected is None or got is None:
        return None
    return expected / 2.2 - 12 <= got <= expected * 2 + 12 and got > 0


def weighted(text: str, lang: str) -> float | None:
    """Length in English letters' worth; Latin letters and digits count one in every language."""
    weight = _WEIGHT.get(lang)
    if weight is None:
        return None
    counts = make_up(text)
    return counts.latin + counts.digit + weight * (counts.kana + counts.han)
