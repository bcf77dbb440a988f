"""Sentence pairs before they become documents or instructions: cleaned by the rules of raw text, and judged like it.

A side is judged by what documents are judged by (letters, symbols, repetition, lost characters, language), and the two
together by whether one can be the translation of the other: not the same text, not many times as long. The bounds are
our choice; what they cost of human translations is measured by `benchmarks/pair_gate.py`.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa

from in2x.corpus.clean import UNREADABLE, clean
from in2x.corpus.quality import heuristics
from in2x.language import language, unspaced
from in2x.language.characters import Rule
from in2x.language.identify import identify
from in2x.language.script import letter_counts
from in2x.language.script import letters_of as _own
from in2x.records import Pair

BATCH = 2000
_RULES = frozenset(("few_letters", "symbols", "word_length", "repeated_runs"))
"""Rules of raw text that say something of a single sentence."""
_MARKUP = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>|https?://\S+|&(?:[a-z]{2,8}|#\d{2,6});", re.I)
_TAG = re.compile(r"<[^<>]*>")
_MOST_TAGS = 0.7
"""Share of a side in tags from which it is markup."""
_SENTENCE = 4
"""Letters (others than Latin count three) outside of tags and addresses that make a side with some a sentence."""
_SIGNS = 20
"""Characters from which a side of signs is noise: shorter ones are silences and cries."""
_LONGER, _FEW = 4.0, 12.0
"""How many times as long as the other, in letters of English, a side may be; letters that are added to both first."""
_STRANGE, _TELLING = 0.9, 8
"""Share of letters in other scripts, and letters, from which a side is in another language; names may be foreign."""
_LONG = 40
"""Letters (others than Latin count three) from which a side is known to be in the language of the other."""
_COPY = 12
"""Letters from which equal sides are a copy: names and cries may be the same in two languages."""


def clean_pairs(
    pairs: Iterable[Pair], order: Sequence[tuple[str, Rule]], lost: Counter[str], *, gate: bool = True
) -> Iterator[Pair]:
    """The sound ones of `pairs`, cleaned; the others are counted in `lost` by reason.

    Args:
        pairs: any number, read as a stream.
        order: the cleaning rules.
        lost: reason -> how many pairs were left out for it.
        gate: whether they are judged at all; without it only what nothing is left of is left out.
    """
    for _, cleaned, reason in judged(pairs, order):
        if reason is None or (not gate and cleaned.source and cleaned.target):
            yield cleaned
        else:
            lost[reason] += 1


def judged(pairs: Iterable[Pair], order: Sequence[tuple[str, Rule]]) -> Iterator[tuple[Pair, Pair, str | None]]:
    """Each of `pairs` as it is and cleaned by the rules `order`, and why it is no use (None where it is sound)."""
    stream = iter(pairs)
    while batch := list(islice(stream, BATCH)):
        cleaned = [dataclasses.replace(p, source=_line(p.source, order), target=_line(p.target, order)) for p in batch]
        yield from zip(batch, cleaned, _faults(cleaned), strict=True)


def _line(text: str, order: Sequence[tuple[str, Rule]]) -> str:
    return clean(text, order)[0].replace("\n", " ").strip(" ")


def _faults(pairs: Sequence[Pair]) -> list[str | None]:
    """Why each pair is no use; None where it is sound."""
    sides = [(p.source, p.src_lang, p.tgt_lang) for p in pairs] + [(p.target, p.tgt_lang, p.src_lang) for p in pairs]
    bare = [_MARKUP.sub("", text) for text, _, _ in sides]
    by_char = np.array([unspaced(lang) for _, lang, _ in sides], bool)
    _, rules = heuristics(pa.array(bare, pa.large_string()), by_char)
    told = identify(bare)
    reasons = [_side(*side, *more) for side, more in zip(sides, zip(bare, rules, told, strict=True), strict=True)]
    return [reasons[k] or reasons[k + len(pairs)] or _together(pair) for k, pair in enumerate(pairs)]


def _side(text: str, lang: str, other: str, bare: str, rule: str | None, told: str) -> str | None:
    """What is wrong with one side.

    Args:
        text, lang: the side.
        other: language of the other side.
        bare: the side without tags and addresses; `rule`, `told`: the rule of raw text and the language that it meets.
    """
    if not text:
        return "nothing is left"
    if UNREADABLE in text:
        return "characters that could not be decoded"
    latin, digits, others = letter_counts(bare)
    tags = len(text) - len(_TAG.sub("", text)) if bare != text else 0
    if tags > _MOST_TAGS * len(text) or (bare != text and latin + 3 * others < _SENTENCE):
        return "markup"
    if not latin and not others:
        return "no letter" if len(text) >= _SIGNS and 2 * digits < len(text) else None
    if rule in _RULES and len(bare) >= _SIGNS:
        return rule
    tongue = language(lang)
    strange = others if tongue.scripts[0] == "Latn" else latin + others - len(_own(tongue.scripts[0]).findall(bare))
    if strange > _STRANGE * (latin + others) and latin + others >= _TELLING:
        return "another script"
    return (
        "the other language"
        if told == other.split("-")[0] != lang.split("-")[0] and latin + 3 * others >= _LONG
        else None
    )


def _together(pair: Pair) -> str | None:
    source, target = pair.source.strip(), pair.target.strip()
    if source.casefold() == target.casefold() and len(source) >= _COPY and pair.src_lang != pair.tgt_lang:
        return "copied"
    sizes = language(pair.src_lang).weigh(source) + _FEW, language(pair.tgt_lang).weigh(target) + _FEW
    return "length" if max(sizes) > _LONGER * min(sizes) else None
