"""Check an answer against an item, by code alone: each check is kept or broken, with the reason and where it stands.

Every item is also checked for what no translation into Japanese may lack: an answer, in Japanese, not the source, with
nothing left in Latin letters or simplified characters, without a translator's note, of a length that is in keeping with
that of the good renderings (from half to double, with a dozen letters' grace), and about the same thing (`meaning`).
Phrases are found as the
rewards find them (`translation_checks.contains`: by characters without punctuation, and by lemmas, so that 匙を投げる
is found in 匙を投げた); a phrase with a sign of markup in it ({0}, <b>, %s) must stand in the answer to the letter; one
between slashes is a regular expression, searched in the answer after NFKC.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple, assert_never

from in2x.evaluate.express.item import Check, Consistent, Count, Item, MaxChars, RegisterIs, SameLines, WithPhrases
from in2x.evaluate.express.item import is_pattern as is_regex
from in2x.evaluate.express.meaning import on_topic
from in2x.language.japanese import tokenise
from in2x.language.register import register_of
from in2x.language.script import written_in
from in2x.principles.fundamental import Case
from in2x.principles.text_checks import weighted
from in2x.principles.translation_checks import contains, no_notes, not_copied, translated


class Verdict(NamedTuple):
    """One check of one answer."""

    kind: str
    """Kind of the check, or "empty", "language", "copied", "residue", "note", "meaning", "length"."""
    kept: bool
    why: str
    """What was wanted or found, in English; "" where an implicit check is kept."""
    start: int = -1
    """Where the fault stands in the answer: its first character, or -1 where it is no single place."""
    end: int = -1


_MARKUP = re.compile(r"[!-,./:-@\[-`{-~\x00-\x1f]")
"""ASCII signs, but for the hyphen: what `contains` would leave out and a tag or placeholder is made of."""


@lru_cache(maxsize=1 << 14)
def _pattern(phrase: str) -> re.Pattern[str]:
    """What a phrase looks like to the letter, or the expression between its slashes."""
    return re.compile(phrase[1:-1] if is_regex(phrase) else re.escape(phrase))


@lru_cache(maxsize=1 << 10)
def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def found(answer: str, phrase: str) -> bool:
    """Whether a phrase of a check occurs in the answer; see the module docstring for how."""
    if is_regex(phrase):
        return _pattern(phrase).search(_nfkc(answer)) is not None
    if _MARKUP.search(phrase):
        return phrase in answer
    return contains(answer, phrase, "ja")


def _place(answer: str, phrase: str) -> tuple[int, int]:
    """Where a phrase that was found stands; (-1, -1) where only its lemmas do, or NFKC moved the letters."""
    match = _pattern(phrase).search(_nfkc(answer) if is_regex(phrase) else answer)
    if match and (not is_regex(phrase) or len(_nfkc(answer)) == len(answer)):
        return match.start(), match.end()
    heads = [token.lemma for token in tokenise(phrase) if token.pos not in ("助動詞", "助詞", "補助記号")][:1]
    for token in tokenise(answer):
        if not is_regex(phrase) and heads and token.lemma == heads[0]:
            return token.start, min(len(answer), token.start + len(phrase))
    return -1, -1


def _lines(text: str) -> list[bool]:
    """For each line, whether something stands in it; line breaks at the end do not count."""
    return [bool(line.strip()) for line in text.rstrip().replace("\r\n", "\n").split("\n")]


def _listed(phrases: tuple[str, ...]) -> str:
    shown = ", ".join(phrases[:5])
    return f"{shown}, ..." if len(phrases) > 5 else shown


def _phrases(check: WithPhrases, answer: str) -> Verdict:
    if check.kind == "none":
        for phrase in check.phrases:
            if found(answer, phrase):
                return Verdict("none", False, f"{phrase} must not stand there", *_place(answer, phrase))
        return Verdict("none", True, f"none of {_listed(check.phrases)}")
    if check.kind == "any":
        for phrase in check.phrases:
            if found(answer, phrase):
                return Verdict("any", True, f"has {phrase}", *_place(answer, phrase))
        return Verdict("any", False, f"has none of {_listed(check.phrases)}")
    if check.kind == "all":
        missing = [phrase for phrase in check.phrases if not found(answer, phrase)]
        return Verdict("all", not missing, f"{_listed(tuple(missing))} is missing" if missing else "all are there")
    at = 0
    text = _nfkc(answer) if any(is_regex(phrase) for phrase in check.phrases) else answer
    for phrase in check.phrases:
        match = _pattern(phrase).search(text, at)
        if match is None:
            return Verdict("order", False, f"{phrase} is missing or out of order")
        at = match.end()
    return Verdict("order", True, "in order")


def _consistent(check: Consistent, answer: str) -> Verdict:
    for spellings in check.variants:
        # the longest first: アンナ is not also アン
        either = re.compile("|".join(re.escape(s) for s in sorted(spellings, key=len, reverse=True)))
        used = {match[0]: match for match in either.finditer(answer)}
        if len(used) > 1:
            last = list(used.values())[-1]
            return Verdict("consistent", False, f"both {' and '.join(used)} are used", last.start(), last.end())
        if not used:
            return Verdict("consistent", False, f"none of {_listed(spellings)} is used")
    return Verdict("consistent", True, "one spelling each")


def _register(check: RegisterIs, item: Item, answer: str) -> Verdict:
    register = register_of(answer, "ja")
    # An answer without a predicate ("なるほど。") shows no register: a fault only where every good rendering shows one.
    silent = register == "none" and any(register_of(text, "ja") == "none" for text in item.natural)
    kept = register in check.accept or silent
    return Verdict("register", kept, f"the register is {register}; wanted {' or '.join(check.accept)}")


def _count(check: Count, answer: str) -> Verdict:
    text = _nfkc(answer) if is_regex(check.phrase) else answer
    times = len(_pattern(check.phrase).findall(text))
    return Verdict("count", times == check.times, f"{check.phrase} stands there {times} times; wanted {check.times}")


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
            return Verdict("lines", have == want, why if len(have) != len(want) else "empty lines as in the source")
        case MaxChars():
            size = len(answer.strip())
            return Verdict("max_chars", size <= check.limit, f"{size} characters; at most {check.limit} wanted")
        case _:
            assert_never(check)


def implicit(item: Item, answer: str) -> list[Verdict]:
    """What every translation into Japanese must keep."""
    if not answer.strip():
        return [Verdict("empty", False, "the answer is empty")]
    japanese = written_in(answer, "ja") is True or any(written_in(text, "ja") is not True for text in item.natural)
    # Latin words of good renderings and of a Chinese source may stay
    latin = "".join(char for char in item.source if char < "\u0250") if item.source_lang == "zh" else ""
    words = Case(item.source, item.source_lang, "ja", reference=" ".join((latin, *item.natural)))
    most_asides = max(item.natural, key=lambda text: len(_BRACKET.findall(text)))
    notes = Case(item.source, item.source_lang, "ja", reference=most_asides)
    size, (low, high) = weighted(answer, "ja") or 0.0, _band(item)
    return [
        Verdict("language", japanese, "" if japanese else "the answer is not in Japanese"),
        _implicit("copied", not_copied(words, answer), "the source is copied"),
        _implicit("residue", translated(words, answer), "something is left in Latin letters or simplified Chinese"),
        _implicit("note", no_notes(notes, answer), "a note, preface or heading is added"),
        _implicit("meaning", on_topic(item, answer), "no content word of any good rendering is there"),
        _implicit("length", low <= size <= high, f"the answer is too {'short' if size < low else 'long'}"),
    ]


@lru_cache(maxsize=1 << 11)
def _band(item: Item) -> tuple[float, float]:
    """Shortest and longest answer, in English letters' worth; the band is that of the reward "length"."""
    sizes = [weighted(text, "ja") or 0.0 for text in item.natural]
    return min(sizes) / 2.2 - 12, max(sizes) * 2 + 12


_BRACKET = re.compile(r"[(（]")


def _implicit(kind: str, kept: bool | None, why: str) -> Verdict:
    return Verdict(kind, kept is not False, why if kept is False else "")


def check_answer(item: Item, answer: str) -> list[Verdict]:
    """All verdicts on `answer` to `item`, implicit checks first; the item is passed where every one is kept."""
    first = implicit(item, answer)
    if not answer.strip():
        return first
    return [*first, *(apply(check, item, answer) for check in item.checks)]


def passes(verdicts: list[Verdict]) -> bool:
    """Whether every check is kept."""
    return all(verdict.kept for verdict in verdicts)
