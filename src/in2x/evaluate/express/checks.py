"""Check an answer against an item, by code alone: each check is kept or broken, with the reason and where it stands.

Every item is also checked for what no translation into Japanese may lack: an answer, in Japanese, not the source, with
nothing left in Latin letters or simplified characters, without a translator's note, of a length that is in keeping with
that of the good renderings (from half to double, with a dozen letters' grace), and about the same thing (`meaning`).
Phrases are found as the principles find them (`phrases.contains`: by characters without punctuation, and by lemmas, so
that 匙を投げる is found in 匙を投げた); a phrase with a sign of markup in it ({0}, <b>, %s) must stand in the answer to
the letter; one between slashes is a regular expression, searched in the answer after NFKC.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import assert_never

from in2x.evaluate.express.item import Check, Consistent, Count, Item, MaxChars, RegisterIs, SameLines, WithPhrases
from in2x.evaluate.express.item import is_pattern as is_regex
from in2x.evaluate.express.meaning import says
from in2x.language.identify import written_in
from in2x.language.language import language
from in2x.language.register import register_of
from in2x.principles.case import Case
from in2x.principles.phrases import occurrence
from in2x.principles.place import Span, place_of_pattern
from in2x.principles.residue import translated
from in2x.principles.text_checks import EMPTY, band
from in2x.principles.translation_checks import listed, no_notes, not_copied
from in2x.principles.verdict import KEPT, Verdict

JAPANESE = language("ja")

Checked = tuple[str, Verdict]
"""The kind of a check ("none", "any", ..., or one of those of `implicit`), and its verdict."""

_MARKUP = re.compile(r"[!-,./:-@\[-`{-~\x00-\x1f]")
"""ASCII signs, but for the hyphen: what `contains` would leave out and a tag or placeholder is made of."""


@lru_cache(maxsize=1 << 14)
def _pattern(phrase: str) -> re.Pattern[str]:
    """What a phrase looks like to the letter, or the expression between its slashes."""
    return re.compile(phrase[1:-1] if is_regex(phrase) else re.escape(phrase))


@lru_cache(maxsize=1 << 10)
def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def found(answer: str, phrase: str) -> Span | None:
    """Where a phrase of a check occurs in the answer; see the module docstring for how, and `occurrence`."""
    if is_regex(phrase):
        if _pattern(phrase).search(_nfkc(answer)) is None:
            return None
        return place_of_pattern(answer, _pattern(phrase))
    if _MARKUP.search(phrase):
        at = answer.find(phrase)
        return (at, at + len(phrase)) if at >= 0 else None
    return occurrence(answer, phrase, "ja")


def _lines(text: str) -> list[bool]:
    """For each line, whether something stands in it; line breaks at the end do not count."""
    return [bool(line.strip()) for line in text.rstrip().replace("\r\n", "\n").split("\n")]


def _phrases(check: WithPhrases, answer: str) -> Verdict:
    if check.kind == "none":
        for phrase in check.phrases:
            if (span := found(answer, phrase)) is not None:
                return Verdict(False, f"{phrase} must not stand there", *span)
        return Verdict(True, f"none of {listed(check.phrases)}")
    if check.kind == "any":
        for phrase in check.phrases:
            if (span := found(answer, phrase)) is not None:
                return Verdict(True, f"has {phrase}", *span)
        return Verdict(False, f"has none of {listed(check.phrases)}")
    if check.kind == "all":
        missing = [phrase for phrase in check.phrases if found(answer, phrase) is None]
        return Verdict(not missing, f"{listed(missing)} is missing" if missing else "all are there")
    at = 0
    text = _nfkc(answer) if any(is_regex(phrase) for phrase in check.phrases) else answer
    for phrase in check.phrases:
        match = _pattern(phrase).search(text, at)
        if match is None:
            return Verdict(False, f"{phrase} is missing or out of order")
        at = match.end()
    return Verdict(True, "in order")


def _consistent(check: Consistent, answer: str) -> Verdict:
    for spellings in check.variants:
        # the longest first: アンナ is not also アン
        either = re.compile("|".join(re.escape(s) for s in sorted(spellings, key=len, reverse=True)))
        used = {match[0]: match for match in either.finditer(answer)}
        if len(used) > 1:
            last = list(used.values())[-1]
            return Verdict(False, f"both {' and '.join(used)} are used", last.start(), last.end())
        if not used:
            return Verdict(False, f"none of {listed(spellings)} is used")
    return Verdict(True, "one spelling each")


def _register(check: RegisterIs, item: Item, answer: str) -> Verdict:
    register = register_of(answer, "ja")
    # An answer without a predicate ("なるほど。") shows no register: a fault only where every good rendering shows one.
    silent = register == "none" and any(register_of(text, "ja") == "none" for text in item.natural)
    kept = register in check.accept or silent
    return Verdict(kept, f"the register is {register}; wanted {' or '.join(check.accept)}")


def _count(check: Count, answer: str) -> Verdict:
    text = _nfkc(answer) if is_regex(check.phrase) else answer
    times = len(_pattern(check.phrase).findall(text))
    return Verdict(times == check.times, f"{check.phrase} stands there {times} times; wanted {check.times}")


def apply(check: Check, item: Item, answer: str) -> Verdict:
    """The verdict of one written check."""
    match check:
        case WithPhrases():
            return _phrases(check, answer)
        case RegisterIs():
            return _register(check, item, answer)
        case Consistent():
            return _consistent(check, answer)
        case Count():
            return _count(check, answer)
        case SameLines():
            have, want = _lines(answer), _lines(item.source)
            why = f"{len(have)} lines; wanted {len(want)}"
            return Verdict(have == want, why if len(have) != len(want) else "empty lines as in the source")
        case MaxChars():
            size = len(answer.strip())
            return Verdict(size <= check.limit, f"{size} characters; at most {check.limit} wanted")
        case _:
            assert_never(check)


def implicit(item: Item, answer: str) -> list[Checked]:
    """What every translation into Japanese must keep; only the "empty" one for an empty answer."""
    if not answer.strip():
        return [("empty", EMPTY)]
    japanese = written_in(answer, "ja") is True or any(written_in(text, "ja") is not True for text in item.natural)
    # Latin words of good renderings and of a Chinese source may stay
    latin = "".join(char for char in item.source if char < "\u0250") if item.source_lang == "zh" else ""
    words = Case(item.source, item.source_lang, "ja", reference=" ".join((latin, *item.natural)))
    most_asides = max(item.natural, key=lambda text: len(_BRACKET.findall(text)))
    notes = Case(item.source, item.source_lang, "ja", reference=most_asides)
    size, (low, high) = JAPANESE.weigh(answer), _band(item)
    checked = [
        ("language", Verdict(japanese, "" if japanese else "the answer is not in Japanese")),
        ("copied", not_copied(words, answer)),
        ("residue", translated(words, answer)),
        ("note", no_notes(notes, answer)),
        ("meaning", says(item, answer)),
        (
            "length",
            KEPT if low <= size <= high else Verdict(False, f"the answer is too {'short' if size < low else 'long'}"),
        ),
    ]
    return [(kind, verdict if verdict.kept is False else KEPT) for kind, verdict in checked]


@lru_cache(maxsize=1 << 11)
def _band(item: Item) -> tuple[float, float]:
    """Shortest and longest answer, in English letters' worth; the band is that of the principle "length"."""
    sizes = [JAPANESE.weigh(text) for text in item.natural]
    return band(min(sizes), max(sizes))


_BRACKET = re.compile(r"[(（]")


def check_answer(item: Item, answer: str) -> list[Checked]:
    """All verdicts on `answer` to `item`, implicit checks first; the item is passed where every one is kept."""
    first = implicit(item, answer)
    if not answer.strip():
        return first
    return [*first, *((check.kind, apply(check, item, answer)) for check in item.checks)]


def passes(checked: list[Checked]) -> bool:
    """Whether every check is kept."""
    return all(verdict.kept for _, verdict in checked)
