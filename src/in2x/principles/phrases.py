"""Whether a phrase occurs in an answer, and where: by characters, by words, or by lemmas, as the language has it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from in2x.language.finding import Word
from in2x.language.grammar import grammar
from in2x.language.language import language
from in2x.principles.place import Span, normalise, place_of, place_of_pattern


def occurrence(answer: str, phrase: str, lang: str) -> Span | None:
    """Where `phrase` stands in `answer`, (-1, -1) where it does at no single place, None where it does not.

    Where spaces part the words, whole words are compared; elsewhere characters (NFKC, no punctuation) and, where there
    is a grammar, lemmas too.
    """
    wanted = normalise(phrase)
    if not wanted:
        return None
    tongue = language(lang)
    if tongue.spaced:
        pattern = _whole(phrase, tongue.scripts[0] in _AGGLUTINATING)
        if pattern.search(unicodedata.normalize("NFKC", answer)) is None:
            return None
        return place_of_pattern(answer, pattern)
    if wanted in normalise(answer):
        return place_of(answer, phrase)
    lemmas = _phrase(tongue.code, phrase)
    if len(lemmas) < 2:  # one word alone: characters decide, a lemma may stand for too many spellings
        return None
    words = _words(tongue.code, answer)
    have = tuple(word.lemma for word in words)
    for at in range(len(have) - len(lemmas) + 1):
        if have[at : at + len(lemmas)] == lemmas:
            return words[at].start, words[at + len(lemmas) - 1].end
    return None


_AGGLUTINATING = frozenset({"Kore", "Hang"})
"""Scripts in which particles and endings follow a word without a space."""


@lru_cache(maxsize=1 << 12)
def _whole(phrase: str, open_end: bool) -> re.Pattern[str]:
    words = re.escape(unicodedata.normalize("NFKC", phrase).strip())
    return re.compile(rf"(?<!\w){words}" + ("" if open_end else r"(?!\w)"), re.IGNORECASE)


@lru_cache(maxsize=1 << 14)
def _words(code: str, text: str) -> Sequence[Word]:
    rules = grammar(code)
    return rules.words(text) if rules else ()


@lru_cache(maxsize=1 << 14)
def _phrase(code: str, text: str) -> tuple[str, ...]:
    rules = grammar(code)
    return rules.phrase(text) if rules else ()
