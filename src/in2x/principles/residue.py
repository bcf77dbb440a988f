"""Is the answer in the target language, all of it, and is nothing of the source's language left in it?

`written` and `translated` see the same stretches (`Language.foreign`), less those that a good answer may have: what
the reference, an agreed name or the glossary has too, and what stands so in the source and is in a third script, or
a few Han long, as names are.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from in2x.language.alphabet import tellable
from in2x.language.language import Language, Span, language
from in2x.language.script import HAN, letters_of, simplified_only
from in2x.language.words import prose
from in2x.language.written import foreign, written
from in2x.principles.case import Case
from in2x.principles.latin import latin_word_left
from in2x.principles.place import normalise, place_of
from in2x.principles.text_checks import EMPTY
from in2x.principles.verdict import KEPT, Verdict, not_applicable


def in_language(case: Case, answer: str) -> Verdict:
    """The answer is in the target language, all of it. Answers without words (numbers, marks, a name) do not apply."""
    if not answer.strip():
        return EMPTY
    target = language(case.target_lang)
    found = _foreign(target, answer, case)
    if not found:
        if written(answer, target.code, _other(case)):
            return KEPT
        told = "there is too little text to tell its language"
        return not_applicable(told if tellable(target) else f"{target.name} cannot be told by its words")
    strays = _strays(case, answer, found)
    if not strays:
        return not_applicable("what is in another language is so in the source or the accepted answer")
    if case.reference and _foreign(target, case.reference, case):
        return not_applicable(f"the accepted answer is not all in {target.name} either")
    return Verdict(False, f"not all of the answer is in {target.name}", *strays[0])


def translated(case: Case, answer: str) -> Verdict:
    """Nothing of the source is left as it was.

    In every language: no clause or run of words in another language. Where the two languages are written differently,
    single words too: Latin words in small letters in another script (acronyms and brand names may stay), any letter of
    the source's script that the target has not, and simplified characters among kana.
    """
    target, source = language(case.target_lang), language(case.source_lang)
    if target is source:
        return not_applicable("source and answer are in one language")
    if strays := _strays(case, answer, _foreign(target, answer, case)):
        start, end = strays[0]
        return _left(answer[start:end], answer, (start, end))
    word = _foreign_word(target, source, case.source, answer, _allowed(case))
    if word:
        return _left(word, answer, place_of(answer, word))
    if target.scripts[0] == source.scripts[0] and not tellable(target):
        return not_applicable(f"{target.name} cannot be told by its words")
    return KEPT


def _other(case: Case) -> str | None:
    """The language that strays are likely to be in."""
    return case.source_lang if case.source_lang != case.target_lang else None


def _foreign(target: Language, text: str, case: Case) -> tuple[Span, ...]:
    return _spans(target, text, _other(case))


@lru_cache(maxsize=1 << 12)
def _spans(target: Language, text: str, other: str | None) -> tuple[Span, ...]:
    """`foreign`, remembered: two principles ask of one answer, and of one reference over and over."""
    return tuple(foreign(text, target.code, other))


def _allowed(case: Case) -> str:
    """The texts whose words may stand in an answer whatever language they are in."""
    terms = [*(case.checks.get("names") or {}).values(), *(case.checks.get("glossary") or {}).values()]
    return " ".join([case.reference or "", *map(str, terms)])


def _strays(case: Case, answer: str, found: tuple[Span, ...]) -> list[Span]:
    """Those of the stretches that neither accepted answer, agreed terms nor source allow."""
    if not found:
        return []
    accepted, asked = normalise(_allowed(case)), normalise(case.source)
    source = language(case.source_lang)
    strays = []
    for span in found:
        words = answer[span.start : span.end]
        third = letters_of(source.scripts[0]).search(words) is None
        quoted = normalise(words) in asked and (third or _SHORT_HAN.fullmatch(normalise(words)) is not None)
        if not quoted and normalise(words) not in accepted:
            strays.append(span)
    return strays


_SHORT_HAN = re.compile(f"[{HAN}]{{1,4}}")
"""As a name has it: written alike in two languages of Han."""


def _left(words: str, answer: str, place: tuple[int, int]) -> Verdict:
    shown = words if len(words) <= 40 else f"{words[:40]}..."
    return Verdict(False, f"{shown} is left untranslated", *place)


def _foreign_word(target: Language, source: Language, asked: str, answer: str, allowed: str) -> str | None:
    """The first single word that the target's script does not have."""
    text = unicodedata.normalize("NFKC", prose(answer))
    if target.scripts[0] != "Latn" and (word := latin_word_left(source, asked, text, allowed)):
        return word
    own = letters_of(target.scripts[0])
    if source.scripts[0] not in ("Latn", target.scripts[0]):
        for match in _runs(source.scripts[0]).finditer(text):
            letters = "".join(char for char in match[0] if not own.match(char))
            if letters and letters not in allowed:
                return letters
    if target.scripts[0] == "Jpan":
        return next((char for char in simplified_only(text) if char not in allowed), None)
    return None


@lru_cache(maxsize=64)
def _runs(script: str) -> re.Pattern[str]:
    return re.compile(f"{letters_of(script).pattern}+")
