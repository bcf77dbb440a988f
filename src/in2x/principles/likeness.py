"""How well each translation of a document fits each source, by what both show, without a model.

Each line has *signs*: numbers, everyday words by meaning (`language/concepts.py`), foreign words in kana, Latin words
and Han characters that two scripts share, names by their sound, questions, quotation marks. For a sign that a source
has, a translation of it has it with chance `HIT`, any other line by its frequency in the document: the fit of two lines
is the sum of the logarithms of these ratios, of both directions, and of the ratio for their lengths. So a fit above 0
speaks for the pair, whatever the languages. Our choice; the chances were set on pairs of human translations
(`benchmarks/shift.py`).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from in2x.language import wording
from in2x.language.concepts import rows_of
from in2x.language.grammar import grammar
from in2x.language.japanese.sound import sounds_like
from in2x.language.language import language
from in2x.language.script import HAN
from in2x.principles.quantities import numbers_of
from in2x.principles.terms import Terms

Sign = tuple[str, str]
"""(kind, value)."""
HIT = {"number": 0.8, "meaning": 0.5, "loan": 0.7, "latin": 0.6, "han": 0.4, "name": 0.8, "mark": 0.75}
"""Chance that a translation has a sign of its source."""
MISS = 0.8
"""Part of the evidence that an absent sign counts: wording is free, and the signs of a line hang together."""
PRIOR, WEIGHT = 0.04, 12.0
"""Frequency of a sign in lines unseen, and how many lines that knowledge is worth."""
SPREAD = 0.3
"""Standard deviation of the logarithm of two lengths of a pair."""
FAR = 4
"""Lines apart at which names are still compared by sound."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_KATAKANA = re.compile("[ァ-ヴー]{2,}")
_CAPITAL = re.compile(r"(?<![\w'’])[A-Z][a-zà-öø-ÿ]{2,}")
_MARKS = (("?", re.compile(r"[?？]")), ("!", re.compile(r"[!！]")), ("quote", re.compile(r"[\"“”「」『』«»„]")),
          ("bracket", re.compile(r"[(（]")), ("...", re.compile(r"\.\.\.|…")), (":", re.compile(r"[:：](?!\d)")),
          ("%", re.compile(r"[%％]")))  # fmt: skip


@lru_cache(maxsize=8)
def _table(code: str) -> tuple[Terms, dict[str, tuple[int, ...]]]:
    rows = dict(rows_of(code))
    return Terms(rows, code), rows


@lru_cache(maxsize=1 << 13)
def signs(text: str, code: str, other: str) -> frozenset[Sign]:
    """The signs of a line in the language `code` that a line in the language `other` may share."""
    found: set[Sign] = {("number", str(value)) for number in numbers_of(text, code) for value in number.readings}
    plain = unicodedata.normalize("NFKC", text)
    if rows_of(other):
        finder, rows = _table(code)
        found |= {("meaning", str(row)) for word in finder.places(text) for row in rows[word]}
    latin = [word for word in _WORD.findall(plain) if word.isascii()]
    tongue = language(code)
    if tongue.scripts[0] == "Latn":
        found |= {("loan", form) for word in latin if len(word) > 2
                  for form in (word.lower(), word.lower().removesuffix("s"))}  # fmt: skip
        if language(other).scripts[0] == "Latn":
            found |= {("latin", word[:4].lower()) for word in latin if len(word) > 4}
    else:
        found |= {("loan", word.lower()) for word in latin if len(word) > 1}
        rules = grammar(code)
        if rules is not None:
            found |= {("loan", word) for word in rules.loans(text) if len(word) > 2}
            if language(other).scripts[0] in ("Hans", "Hant", "Hani"):
                found |= {("han", char) for char in re.findall(f"[{HAN}]", text)}
        elif tongue.scripts[0] in ("Hans", "Hant", "Hani") and language(other).scripts[0] in ("Jpan", "Hans", "Hant"):
            found |= {("han", char) for char in re.findall(f"[{HAN}]", text)}
    found |= {("mark", name) for name, pattern in _MARKS if pattern.search(text)}
    if ("mark", "?") not in found and wording.any_of("asks", "{}[。.」]*$").search(text):
        found.add(("mark", "?"))
    return frozenset(found)


def fits(sources: Sequence[str], answers: Sequence[str], source_lang: str, target_lang: str) -> NDArray[np.float64]:
    """`[i, j]`: how well answer j fits source i; above 0 speaks for the pair."""
    given = [set(signs(text, source_lang, target_lang)) for text in sources]
    made = [set(signs(text, target_lang, source_lang)) for text in answers]
    _add_names(sources, answers, given, made)
    both = sorted({sign for one in given for sign in one} & {sign for one in made for sign in one})
    left, right = _matrix(given, both), _matrix(made, both)
    hit = np.array([HIT[kind] for kind, _ in both])
    total = _evidence(left, right, hit) + _evidence(right, left, hit).T
    # what nobody on the other side has says little: wording is free
    return total / 2 + _lengths(sources, answers, source_lang, target_lang)


def _matrix(lines: Sequence[set[Sign]], both: Sequence[Sign]) -> NDArray[np.float64]:
    at = {sign: number for number, sign in enumerate(both)}
    found = np.zeros((len(lines), len(both)))
    for number, line in enumerate(lines):
        found[number, [at[sign] for sign in line if sign in at]] = 1.0
    return found


def _evidence(left: NDArray[np.float64], right: NDArray[np.float64], hit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the signs of the left lines, seen or not seen in the right ones."""
    often = (right.sum(0) + PRIOR * WEIGHT) / (len(right) + WEIGHT)
    hit = np.maximum(hit, often + 0.05).clip(max=0.97)
    seen, unseen = np.log(hit / often), MISS * np.log((1 - hit) / (1 - often))
    return np.asarray((left * (seen - unseen)) @ right.T + (left @ unseen)[:, None])


def _lengths(sources: Sequence[str], answers: Sequence[str], source_lang: str, target_lang: str) -> NDArray[np.float64]:
    a = np.log([language(source_lang).weigh(text) + 6 for text in sources])
    b = np.log([language(target_lang).weigh(text) + 6 for text in answers])
    usual = float(np.median(b) - np.median(a))
    gap = b[None, :] - a[:, None] - usual
    wide = math.sqrt(SPREAD**2 + float(a.var() + b.var()) / 2 + 1e-6)
    ratio = 0.5 * (gap / wide) ** 2 - 0.5 * (gap / SPREAD) ** 2 + math.log(wide / SPREAD)
    return np.asarray(ratio.clip(-3.0, 3.0))


def _add_names(
    sources: Sequence[str], answers: Sequence[str], given: Sequence[set[Sign]], made: Sequence[set[Sign]]
) -> None:
    """Names by their sound: a katakana word and a capitalised one near it that sound alike are one sign."""
    for latin, kana, latin_signs, kana_signs in ((sources, answers, given, made), (answers, sources, made, given)):
        words = [set(_KATAKANA.findall(text)) for text in kana]
        if not any(words):
            continue
        for at, text in enumerate(latin):
            for name in set(_CAPITAL.findall(text)):
                for near in range(max(0, at - FAR), min(len(words), at + FAR + 1)):
                    for word in words[near]:
                        if sounds_like(name, word) >= 0.75:
                            latin_signs[at].add(("name", word))
                            kana_signs[near].add(("name", word))
