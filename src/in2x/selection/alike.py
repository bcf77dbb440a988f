"""How well texts in two languages fit each other, by words and letters alone.

Each text has *signs*: everyday words by what they mean (`language/concepts.py`), Latin words and names, Han characters
that both scripts write, the beginnings of words where both are written in Latin letters. A translation of a text has a
sign of it with chance `HIT`, any other text with the sign's frequency among the texts compared; the fit of two texts is
the sum of the logarithms of these ratios, of both directions, as in `principles/likeness.py`. That one knows more,
inflection and the sound of names, through the grammar of a language; this one does without, since what a selection
rests on must not change with every rule of a grammar.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from in2x.language.concepts import rows_of
from in2x.language.language import language
from in2x.language.script import HAN

Sign = tuple[str, str]
HIT = {"meaning": 0.45, "latin": 0.6, "han": 0.4, "begin": 0.5, "mark": 0.7}
"""Chance that a translation shows a sign of its source (our choice, `benchmarks/selection_twins.py`)."""
MISS = 0.8
"""Part of the evidence that an absent sign counts: wording is free."""
PRIOR, WEIGHT = 0.04, 12.0
"""Frequency of a sign in texts unseen, and how many texts that knowledge is worth."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_HAN = re.compile(f"[{HAN}]")
_STEM = re.compile(f"^(.*[{HAN}])[\\u3040-\\u309f]+$")
_ENDINGS = ("s", "es", "ed", "d", "ing", "ly", "'s")
_MARKS = (("?", re.compile(r"[?？]")), ("!", re.compile(r"[!！]")), ("quote", re.compile(r"[\"“”「」『』«»„]")))


@lru_cache(maxsize=16)
def _words(code: str) -> tuple[Mapping[str, tuple[int, ...]], re.Pattern[str] | None]:
    """The words of a language with their rows; for a language without spaces also the pattern that finds them."""
    rows = dict(rows_of(code))
    if language(code).scripts[0] == "Latn" or not rows:
        return rows, None
    for word, numbers in list(rows.items()):
        if stem := _STEM.match(word):  # a verb without its ending, whatever follows
            rows[stem[1]] = tuple(sorted({*rows.get(stem[1], ()), *numbers}))
    return rows, re.compile("|".join(map(re.escape, sorted(rows, key=lambda word: (-len(word), word)))))


def signs(text: str, code: str, other: str) -> set[Sign]:
    """The signs of a text in the language `code` that one in the language `other` may share."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    rows, pattern = _words(code)
    words = set(_WORD.findall(plain))
    latin = {word for word in words if word.isascii() and len(word) > 2}
    script, there = language(code).scripts[0], language(other).scripts[0]
    if pattern is not None:
        known = set(pattern.findall(plain))
    else:
        known = words | {word.removesuffix(end) for word in words for end in _ENDINGS}
    found: set[Sign] = {("meaning", str(row)) for word in known & rows.keys() for row in rows[word]}
    found |= {("latin", word) for word in latin}
    if script == there == "Latn":
        found |= {("begin", word[:5]) for word in words if len(word) > 4}
    elif "Latn" not in (script, there):
        found |= {("han", char) for char in _HAN.findall(plain)}
    return found | {("mark", name) for name, mark in _MARKS if mark.search(plain)}


def fits(left: Sequence[str], right: Sequence[str], left_lang: str, right_lang: str) -> npt.NDArray[np.float64]:
    """float64 [len(left), len(right)]: how well each text fits each; above 0 speaks for one item."""
    ours = [signs(text, left_lang, right_lang) for text in left]
    theirs = [signs(text, right_lang, left_lang) for text in right]
    both = sorted({sign for one in ours for sign in one} & {sign for one in theirs for sign in one})
    place = {sign: number for number, sign in enumerate(both)}
    a, b = (_matrix(side, place) for side in (ours, theirs))
    hit = np.array([HIT[kind] for kind, _ in both])
    return (_evidence(a, b, hit) + _evidence(b, a, hit).T) / 2


def _matrix(texts: Sequence[set[Sign]], place: Mapping[Sign, int]) -> npt.NDArray[np.float64]:
    found = np.zeros((len(texts), len(place)))
    for number, mine in enumerate(texts):
        found[number, [place[sign] for sign in mine if sign in place]] = 1.0
    return found


def _evidence(
    given: npt.NDArray[np.float64], there: npt.NDArray[np.float64], hit: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """[i, j]: what the signs of `given` i say, seen or not seen in `there` j."""
    often = (there.sum(0) + PRIOR * WEIGHT) / (len(there) + WEIGHT)
    hit = np.maximum(hit, often + 0.05).clip(max=0.97)
    seen, unseen = np.log(hit / often), MISS * np.log((1 - hit) / (1 - often))
    found: npt.NDArray[np.float64] = (given * (seen - unseen)) @ there.T + (given @ unseen)[:, None]
    return found
