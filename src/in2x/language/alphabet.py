"""Strays in a text of one alphabet: French words in a Spanish sentence, Ukrainian in Russian.

Every word gets a score for "language L rather than the text's own": common words of one and not of the other, letters
that only one writes, and, with a small weight, the log odds of the bundled model on a few words around it. The stretch
with the greatest sum (Kadane's algorithm) is a stray where the sum passes a limit. Capitals inside a sentence are names
and titles of films more often than strays, and count less.

Our choice throughout. The constants were set on halves of real sets and measured by `benchmarks/wrong_language.py`.
What it leaves out: single foreign words, and strays of fewer than three or four words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from in2x.language.language import Language, language
from in2x.language.model import FLOOR, KNOWN, all_log_chances
from in2x.language.pack import packs
from in2x.language.words import Word

WORD_SCORE = 1.25
LETTER_SCORE = 0.7
MODEL_SCORE = 0.2
"""Times the log odds, which count up to `CLIP` either way."""
CLIP = 4.0
NAME = 0.3
"""Share of its score that a capitalised word inside a sentence keeps; half where it is a common word."""
NOUN = 0.8
"""The same where the stray would be in a language that writes every noun with a capital, and the word is common."""
LIMIT = 2.4
FILLED = 2.0
"""Limit where the stray is a whole clause, with the names in it."""
EXPECTED = 0.5
"""How much less is asked where the stray is in the language that strays are expected in."""
WHOLE = 1.7
"""Limit where the stray is the whole text and nothing in it speaks for the text's own language."""
KINDRED = 2.0
"""Times the share of common words that the two languages have in common, taken off a stretch once."""
FEWEST = 3
"""Words of a stray inside a text, a common one among them: others may be a dish, a loan, a name. One less where strays
are expected."""
UNSURE = 0.7
"""Share of its score that a stretch keeps where only the model speaks for it, between languages that share `AKIN` of
their common words."""
AKIN = 0.15
_AROUND = 2
_NOUNS = ("de",)
_SMALL = frozenset(
    (
        "a",
        "an",
        "and",
        "as",
        "at",
        "but",
        "by",
        "de",
        "for",
        "from",
        "in",
        "into",
        "is",
        "la",
        "nor",
        "of",
        "on",
        "or",
        "over",
        "the",
        "to",
        "vs",
        "with",
    )
)
"""Words that a title writes small."""
_ASKING = frozenset(["do", "does", "did", "are", "is", "was", "have", "has", "can", "could", "would", "will"])
_PLAIN = {"Latn": frozenset("abcdefghijklmnopqrstuvwxyz"), "Cyrl": frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюя")}


class Stray(NamedTuple):
    """The likeliest foreign stretch: words `first` .. `last - 1`, and how strongly they speak."""

    first: int
    last: int
    score: float
    code: str


@cache
def _letters(tongue: Language) -> frozenset[str]:
    return frozenset(tongue.pack.letters)


@cache
def _kinship(tongue: Language, rival: Language) -> float:
    """Which share of the rival's common words is the language's own too: .3 for Spanish and Portuguese."""
    return len(tongue.pack.words & rival.pack.words) / max(1, len(rival.pack.words))


def tellable(tongue: Language) -> bool:
    """Whether there is any knowledge of the language beyond its script."""
    return bool(tongue.pack.words) or tongue.code in KNOWN


def candidates(tongue: Language, words: Sequence[Word], other: Language | None) -> list[Language]:
    """The languages that strays may be in: those with a pack, the expected one, and what the model is sure of."""
    script = tongue.scripts[0]
    chosen = dict(_of_script(script, packs()))
    if other is not None and other.scripts[0] == script and tellable(other):
        chosen[other.code] = other
    for chances in all_log_chances(_sentences(words)):
        guess, chance = next(iter(chances.items()), ("", FLOOR))
        if guess not in chosen and guess in KNOWN and chance > -0.25 and language(guess).scripts[0] == script:
            chosen[guess] = language(guess)
    chosen.pop(tongue.code, None)
    return list(chosen.values())


@cache
def _of_script(script: str, known: tuple[str, ...]) -> Mapping[str, Language]:
    return {code: tongue for code in known if (tongue := language(code)).scripts[0] == script}


def _sentences(words: Sequence[Word]) -> list[str]:
    """The sentences of four words and more, in lower case."""
    sentences: list[list[str]] = []
    for word in words:
        if word.sentence or not sentences:
            sentences.append([])
        sentences[-1].append(word.text.lower())
    return [" ".join(sentence) for sentence in sentences if len(sentence) >= 4]


def strays(tongue: Language, words: Sequence[Word], other: Language | None) -> list[Stray]:
    """Every foreign stretch of `words`, which are of one alphabet: the strongest, then those beside it."""
    if not words or not tellable(tongue):
        return []
    odd = [_odd(tongue, word.text.lower()) for word in words]
    if not _may_hold(tongue, words, odd, EXPECTED if other else 0.0):
        return []
    rivals = list(candidates(tongue, words, other))
    chances = all_log_chances([_window(words, at) for at in range(len(words))]) if rivals else []
    found = []
    for rival in rivals:
        scores = _scores(tongue, rival, words, chances, odd)
        expected = EXPECTED if other is not None and rival.code == other.code else 0.0
        found += _stretches(tongue, rival, words, scores, expected)
    found.sort(key=lambda stray: -stray.score)
    kept: list[Stray] = []
    for stray in found:
        if all(stray.last <= earlier.first or stray.first >= earlier.last for earlier in kept):
            kept.append(stray)
    return sorted(kept)


def _window(words: Sequence[Word], at: int) -> str:
    """A few words around one, inside its clause where that has enough of them."""
    low, high = max(0, at - _AROUND), min(len(words), at + _AROUND + 1)
    first = next((k for k in range(at, low, -1) if words[k].clause), low)
    last = next((k for k in range(at + 1, high) if words[k].clause), high)
    while last - first < FEWEST and (first > low or last < high):
        if first > low:
            first -= 1
        if last < high and last - first < FEWEST:
            last += 1
    return " ".join(word.text.lower() for word in words[first:last])


def _odd(tongue: Language, low: str) -> frozenset[str]:
    """The letters of a word that not every language of the alphabet has."""
    plain = _PLAIN.get(tongue.scripts[0], frozenset())
    return frozenset() if not plain or plain.issuperset(low) else frozenset(filter(str.isalpha, low)) - plain


@cache
def _common_elsewhere(script: str, code: str, known: tuple[str, ...]) -> frozenset[str]:
    """The common words of all languages of a script but one."""
    others = (tongue.pack.words for other, tongue in _of_script(script, known).items() if other != code)
    return frozenset().union(*others)


def _may_hold(tongue: Language, words: Sequence[Word], letters: Sequence[frozenset[str]], expected: float) -> bool:
    """Whether any language could have a stretch, were the model as sure of it as it can be: else nobody asks it."""
    own, elsewhere = tongue.pack.words, _common_elsewhere(tongue.scripts[0], tongue.code, packs())
    best = total = 0.0
    some = False
    for word, odd in zip(words, letters, strict=True):
        low = word.text.lower()
        if low in own:
            some = True
            score = 0.0 if low in elsewhere else -WORD_SCORE
        else:
            score = WORD_SCORE if low in elsewhere else LETTER_SCORE if odd else 0.0
        total = max(0.0, total) + (score / 2 if len(low) == 1 else score) + MODEL_SCORE * CLIP
        best = max(best, total)
    return best + expected > (min(FILLED, LIMIT) if some else min(WHOLE, FILLED, LIMIT)) - _ROUNDING


_ROUNDING = 1e-6


def _scores(
    tongue: Language,
    rival: Language,
    words: Sequence[Word],
    chances: Sequence[Mapping[str, float]],
    letters: Sequence[frozenset[str]],
) -> list[float]:
    """For each word, with the chances of what is around it and its odd letters, how much it speaks for `rival`
    against `tongue`."""
    own_words, his_words = tongue.pack.words, rival.pack.words
    own_letters, his_letters = _letters(tongue), _letters(rival)
    scores = []
    own_code, his_code = (one.code.partition("-")[0] for one in (tongue, rival))
    for at, (word, chance, odd) in enumerate(zip(words, chances, letters, strict=True)):
        low = word.text.lower()
        own, his = low in own_words, low in his_words
        score = 0.0
        if own != his:
            score = WORD_SCORE if his else -WORD_SCORE
        elif not own and odd:
            mine, theirs = odd <= own_letters, odd <= his_letters or not his_words
            if mine != theirs:
                score = LETTER_SCORE if theirs else -LETTER_SCORE
        if len(low) == 1:
            score /= 2
        odds = chance.get(his_code, FLOOR) - chance.get(own_code, FLOOR)
        score += MODEL_SCORE * max(-CLIP, min(CLIP, odds))
        if score > 0 and word.text[0].isupper() and not word.sentence and word.text != "I":
            if not his or own:
                score *= NAME
            elif not _may_begin(words, at, tongue.code in _NOUNS):
                score *= NOUN if rival.code in _NOUNS else 0.5  # else it may begin a sentence
        scores.append(score)
    return scores


def _may_begin(words: Sequence[Word], at: int, nouns: bool) -> bool:
    """Whether a capital may begin a sentence though no stop is before it: small words stand on both sides."""
    return (
        at + 1 < len(words)
        and words[at + 1].text.islower()
        and not words[at + 1].clause
        and (nouns or words[at - 1].text[0].islower())
    )


def _stretches(
    tongue: Language, rival: Language, words: Sequence[Word], scores: Sequence[float], expected: float
) -> list[Stray]:
    """The stretches whose sum passes the limit, from left to right."""
    found: list[Stray] = []
    total, start, best = 0.0, 0, Stray(0, 0, 0.0, rival.code)

    def close() -> None:
        first, last = _clause(tongue, words, scores, best.first, best.last)
        filled = first >= 0
        if not filled:
            first, last = best.first, best.last
        stretch = words[first:last]
        whole = len(stretch) == len(words) and not any(word.text.lower() in tongue.pack.words for word in stretch)
        score = best.score
        common = sum(_speaks(w, tongue, rival) and (w.sentence or w.text[0].islower()) for w in stretch)
        if not common and _kinship(tongue, rival) > AKIN:
            score *= UNSURE
        score += expected - KINDRED * _kinship(tongue, rival)
        if is_title(stretch):
            score /= 2
        fewest = FEWEST - 1 if expected else FEWEST
        several = len(stretch) > FEWEST or (
            len(stretch) >= fewest and any(len(w.text) > 1 and w.text.lower() in rival.pack.words for w in stretch)
        )
        limit = WHOLE if whole else FILLED if filled and common > 1 else LIMIT
        if score > limit and (whole or several):
            found.append(Stray(first, last, score, best.code))

    for at, score in enumerate(scores):
        if total <= 0:
            if best.score > 0:
                close()
            total, start, best = 0.0, at, Stray(at, at, 0.0, rival.code)
        total += score
        if total > best.score:
            best = Stray(start, at + 1, total, rival.code)
    if best.score > 0:
        close()
    return found


def _speaks(word: Word, tongue: Language, rival: Language) -> bool:
    """Whether a word is the rival's by its letters, or a common one of his alone."""
    low = word.text.lower()
    if low in rival.pack.words:
        return len(low) > 1 and low not in tongue.pack.words
    odd = {char for char in low if char.isalpha()} - _PLAIN.get(tongue.scripts[0], frozenset())
    return bool(odd) and odd <= _letters(rival) and not odd <= _letters(tongue)


def _clause(tongue: Language, words: Sequence[Word], scores: Sequence[float], first: int, last: int) -> tuple[int, int]:
    """The bounds of the clauses that the stretch fills but for names and unknown words; (-1, -1) where it does not."""
    begin = next((k for k in range(first, -1, -1) if words[k].clause), 0)
    end = next((k for k in range(last, len(words)) if words[k].clause), len(words))
    beside = [*range(begin, first), *range(last, end)]
    if len(beside) > last - first or any(
        scores[k] < -1 or (words[k].text.lower() in tongue.pack.words and not words[k].text[0].isupper())
        for k in beside
    ):
        return -1, -1
    return begin, end


def is_title(run: Sequence[Word]) -> bool:
    """Whether words are written as English writes a title."""
    small = [word.text for word in run if word.text[0].islower()]
    english = frozenset[str]() if run[0].text.lower() in _ASKING else language("en").pack.words
    return (
        run[0].text[0].isupper()
        and any(word.text[0].isupper() for word in run[1:])
        and all(text in _SMALL or (text in english and len(text) <= 4) for text in small)
    )
