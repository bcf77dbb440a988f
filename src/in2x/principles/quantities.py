"""Which numbers of a source stand in an answer, which are lost or changed, and which cannot be told.

Two kinds of evidence. A number that is *decisive* (two digits or more, or a fraction, written in digits; a large one in
words) must stand in the answer. Any other, "two" or 3, may be said otherwise in good prose (both, a pair): it is
changed only where the answer has a number that the source does not account for. Nothing is decided of a number whose
unit translators convert, where the answer has another one, and what may be no number (one of the best) only accounts
for numbers of the answer. Our choice; figures in docs/results/principles.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from in2x.language.numbers import Number, numbers

_NAMES = re.compile(
    r"https?://[!-~]+|www\.[!-~]+|(?<![!-?A-~])[!-?A-~]{1,200}@[!-~]{1,255}\.[a-z]+|@[A-Za-z0-9_]+|#\w+"
)
"""Addresses, handles and tags: their digits are no numbers."""


@dataclass(frozen=True, slots=True)
class Quantities:
    """The numbers of a source against those of an answer."""

    kept: tuple[Number, ...]
    """Numbers of the source that stand in the answer."""
    lost: tuple[Number, ...]
    """Numbers of the source that should stand in the answer and do not."""
    undecided: tuple[Number, ...]
    """Numbers of the source of which neither can be told."""
    extra: tuple[Number, ...]
    """Numbers of the answer that the source does not account for."""


@lru_cache(maxsize=1 << 12)
def numbers_of(text: str, lang: str) -> tuple[Number, ...]:
    """The numbers of a text but for those in addresses, handles and tags."""
    return tuple(numbers(_NAMES.sub(lambda match: "\ue000" * len(match[0]), text), lang))


def _readings(number: Number) -> set[Fraction]:
    """Its values without signs; 100% is no 1 of something."""
    values = {abs(value) for value in number.readings}
    return values - {Fraction(1)} if Fraction(100) in values else values


def _values(found: Iterable[Number]) -> set[Fraction]:
    return {value for number in found for value in (*_readings(number), *map(abs, number.pieces))}


def _decisive(number: Number) -> bool:
    size = abs(number.value)
    if number.digits and number.sure:
        return size >= 10 or size.denominator > 1
    return number.sure and not number.ordinal and size > 12 and size not in (100, 1000, 10_000, 10**6)


def _missing(given: tuple[Number, ...], made: tuple[Number, ...]) -> tuple[list[Number], list[Number], list[Number]]:
    """The numbers of the source that stand in the answer, those that do not, and those that stand there less often."""
    have = _values(made)
    kept, missing, fewer = [], [], []
    left = list(made)
    for number in given:
        readings = _readings(number)
        if not (readings & have or (number.pieces and {abs(v) for v in number.pieces} <= have)):
            missing.append(number)
            continue
        kept.append(number)
        one = next((other for other in left if readings & _values([other])), None)
        if one is not None:
            left.remove(one)
        elif number.sure and not number.pieces:
            fewer.append(number)
    return kept, missing, fewer


def compare(source: str, source_lang: str, answer: str, target_lang: str) -> Quantities:
    """Hold the numbers of `answer` against those of `source`.

    Raises:
        UsageError: no such language.
    """
    given, made = numbers_of(source, source_lang), numbers_of(answer, target_lang)
    known = _values(given)
    kept, missing, fewer = _missing(given, made)
    extra = [n for n in made if (n.digits or n.sure) and not _values([n]) & known]
    free, elsewhere = len(extra), sum(not n.converted for n in extra)
    lost, undecided, weak = [], [], []
    for number in missing:
        if number.converted and elsewhere > 0:  # the answer has a number in another unit
            undecided.append(number)
            elsewhere -= 1
        elif _decisive(number):
            lost.append(number)
        elif number.sure:
            weak.append(number)
            continue
        else:
            undecided.append(number)
            if number.value.denominator == 1:
                continue  # a quarter past is 15; an article accounts for nothing
        free -= 1
    for number in (*weak, *fewer):
        (lost if free > 0 else undecided).append(number)
        free -= 1
    return Quantities(tuple(kept), tuple(lost), tuple(undecided), tuple(extra))
