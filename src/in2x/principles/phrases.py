"""Whether a phrase occurs in an answer, and where: by characters, by words, or by lemmas, as the language has it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from in2x.language.japanese import Token, tokenise
from in2x.principles.place import Span, normalise, place_of, place_of_pattern


@lru_cache(maxsize=1 << 14)
def _words(text: str) -> tuple[Token, ...]:
    return tuple(token for token in tokenise(text) if token.pos not in ("補助記号", "空白"))


def _heads(text: str) -> tuple[str, ...]:
    """Lemmas without the closing auxiliaries: 匙を投げた -> 匙 を 投げる."""
    tokens = list(_words(text))
    while len(tokens) > 1 and tokens[-1].pos in ("助動詞", "助詞"):
        tokens.pop()
    return tuple(token.lemma for token in tokens)


def occurrence(answer: str, phrase: str, lang: str) -> Span | None:
    """Where `phrase` stands in `answer`, (-1, -1) where it does at no single place, None where it does not.

    By characters (NFKC, no punctuation), in Japanese by lemmas too; whole words only where spaces part them.
    """
    wanted = normalise(phrase)
    if not wanted:
        return None
    if lang == "en":
        pattern = _whole(phrase)
        if pattern.search(unicodedata.normalize("NFKC", answer)) is None:
            return None
        return place_of_pattern(answer, pattern)
    if wanted in normalise(answer):
        return place_of(answer, phrase)
    if lang != "ja":
        return None
    lemmas = _heads(phrase)
    if len(lemmas) < 2:  # one word alone: characters decide, a lemma may stand for too many spellings
        return None
    words = _words(answer)
    have = tuple(word.lemma for word in words)
    for at in range(len(have) - len(lemmas) + 1):
        if have[at : at + len(lemmas)] == lemmas:
            return words[at].start, words[at + len(lemmas) - 1].end
    return None


@lru_cache(maxsize=1 << 12)
def _whole(phrase: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(phrase.strip())}(?!\w)", re.IGNORECASE)


def contains(answer: str, phrase: str, lang: str) -> bool:
    """Whether `phrase` occurs in `answer`; see `occurrence`."""
    return occurrence(answer, phrase, lang) is not None
