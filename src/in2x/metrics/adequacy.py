"""How far an answer says what an accepted answer says, by its words alone: a string metric that cannot be fed scraps.

    score = F * fit ^ (.5 + 3.5 c^3)      in [0, 1]; 1 for the reference itself

- **F** is F1 of the weighted content units of both texts (`language/content.py`), where a word of the same root counts
  in part, with a small share of chrF so that no two answers tie by having nothing in common.
- **c**, the containment, is the larger of precision and recall.
- **fit** is what wording is no excuse for, each in (0, 1]: the *balance* of content (less than the reference has, or
  more), the *order* of the matched stretches beyond chance, and *exchange*: a name, a number or a negation of the
  reference that is missing while another stands in the answer.

Why the exponent: a paraphrase has other words than the reference (c about .5), and other words excuse another length,
order or name. What has the reference's own words (c near 1) and yet another length, order or name has been cut, padded,
shuffled or altered. chrF cannot tell the two apart, and pays the second more. Our design, after METEOR's chunks
(Banerjee and Lavie, 2005); what it orders rightly, and what no string metric sees, is measured by
`benchmarks/reward_order.py`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

from in2x.language.content import is_whole, likeness, names_of, units
from in2x.language.example import HUB
from in2x.language.finding import Unit
from in2x.language.language import language
from in2x.language.numbers import Number, numbers
from in2x.language.script import letters_of
from in2x.metrics.chrf import sentence_chrf

SIGNATURE = "adequacy|v:1|order:chunks|chrf:.1"

_LEAST = 0.35
"""Least likeness of two units that may stand for each other."""
HAN_LETTER = letters_of("Hani")
LOOK_ALIKE = re.compile("[\u2e80-\u2fdf\U0001d400-\U0001d7ff]")
"""Radicals and mathematical letters, which stand for a character and are none."""
_INCREASING = (0.0, 1.0, 1.5, 2.0, 2.417, 2.792, 3.140, 3.465, 3.770, 4.060, 4.335)
"""Expected longest increasing subsequence of a random permutation of n."""


def adequacy(answer: str, references: Sequence[str], lang: str, source: str = "", source_lang: str = HUB) -> float:
    """The best score over `references`, in [0, 1]. What the source holds itself (names, signs) is no fault.

    Args:
        answer: the text to judge.
        references: accepted answers in the language `lang`.
        lang: code of the language of answer and references.
        source: what was translated; "" where unknown.
        source_lang: code of its language; "" where it is that of the answer.
    """
    return max((_score(answer, reference, lang, source, source_lang or lang) for reference in references), default=0.0)


def _score(answer: str, reference: str, lang: str, source: str, source_lang: str) -> float:
    if answer.split() == reference.split():
        return 1.0 if answer.strip() else 0.0
    ours, theirs = units(answer, lang), units(reference, lang)
    size, wanted = sum(u.weight for u in ours), sum(u.weight for u in theirs)
    if not ours or not theirs:
        return 0.0
    pairs = align(ours, theirs)
    shared = sum(like * min(ours[i].weight, theirs[j].weight) for i, j, like in pairs)
    heavy = sum(like for i, j, like in pairs if ours[i].weight == theirs[j].weight == 1)
    most = sum(u.weight == 1 for u in ours) + sum(u.weight == 1 for u in theirs)
    every = 2 * shared / (size + wanted)
    content = 2 * heavy / most if most else every
    overlap = 0.4 * content + 0.5 * every + 0.1 * sentence_chrf(answer, reference) / 100
    containment = shared / min(size, wanted)
    fit = (
        _balance(answer, reference, source, ours, theirs)
        * _order(pairs)
        * _exchange(ours, theirs, answer, reference, source, lang, source_lang)
        * _whole(answer, reference, source, lang, source_lang, ours, {i for i, _, _ in pairs})
    )
    return overlap * float(fit ** (0.5 + 3.5 * containment**3))


def align(ours: Sequence[Unit], theirs: Sequence[Unit]) -> list[tuple[int, int, float]]:
    """(index in ours, index in theirs, likeness) of units that stand for each other, in the order of `ours`.

    Same units first, each with the one that continues a run or else is nearest by place; then content units that are
    alike.
    """
    places: dict[str, list[int]] = {}
    for j, unit in enumerate(theirs):
        places.setdefault(unit.key, []).append(j)
    found: dict[int, tuple[int, float]] = {}
    scale, last = len(theirs) / max(1, len(ours)), -2
    for i, unit in enumerate(ours):
        free = places.get(unit.key)
        if free:
            j = last + 1 if last + 1 in free else min(free, key=lambda j: abs(j - i * scale))
            free.remove(j)
            found[i] = (j, 1.0)
            last = j
    left = [j for free in places.values() for j in free if theirs[j].weight == 1.0]
    for i, unit in enumerate(ours):
        if i in found or unit.weight < 1.0 or not left:
            continue
        like, negative = max((likeness(unit.key, theirs[j].key), -j) for j in left)
        if like >= _LEAST:
            left.remove(-negative)
            found[i] = (-negative, like)
    return [(i, *found[i]) for i in sorted(found)]


def _balance(answer: str, reference: str, source: str, ours: Sequence[Unit], theirs: Sequence[Unit]) -> float:
    """The smaller over the larger: of content (with signs that neither text has), and of characters; their mean."""
    mine, due, given = _signs(answer), _signs(reference), _signs(source)
    debris = max(0, mine[1] - max(due[1], given[1])) + 0.5 * max(0, mine[0] - max(due[0], given[0]) - 2)
    content = sum(u.weight for u in ours if u.weight == 1) + debris, sum(u.weight for u in theirs if u.weight == 1)
    return sqrt(_ratio(*content, 0.25) * _ratio(len(answer.strip()), len(reference.strip()), 2))


def _ratio(a: float, b: float, slack: float) -> float:
    return (min(a, b) + slack) / (max(a, b) + slack)


def _whole(
    answer: str, reference: str, source: str, lang: str, source_lang: str, ours: Sequence[Unit], matched: set[int]
) -> float:
    """Less where the answer is no whole sentence, though the reference is, or has a sentence that is nobody's."""
    tongue = language(lang)
    fit = 1.0
    ends = tuple(tongue.ends + "".join(tongue.quotes) + "!?！？…\"')）")
    if reference.rstrip().endswith(ends) and not answer.rstrip().endswith(ends):
        fit *= 0.6
    if is_whole(reference, lang) and not is_whole(answer, lang):
        fit *= 0.6
    han = len(HAN_LETTER.findall(reference))
    if han >= 4 and len(HAN_LETTER.findall(answer)) < han / 4:
        fit *= 0.2
    if set(LOOK_ALIKE.findall(answer)) - set(reference + source):
        fit *= 0.2
    sentences = tongue.sentences(answer)
    if len(sentences) > max(len(tongue.sentences(reference)), len(language(source_lang).sentences(source)), 1):
        at = 0
        for sentence in sentences:
            weights = {i: ours[i].weight for i in range(at, min(len(ours), at + len(units(sentence, lang))))}
            at += len(weights)
            if sum(weights[i] for i in weights.keys() & matched) < 0.3 * sum(weights.values()):
                fit *= 0.4
    return fit


def _order(pairs: Sequence[tuple[int, int, float]]) -> float:
    """Whether what is matched keeps its order, beyond chance: about 0 for a shuffle, 1 for the same order.

    It is kept where the stretches of matched units follow each other (a paraphrase has other words between them), or
    where few stretches hold all of it (a clause or a time has moved). With little matched little can be told: it is
    drawn towards 1 as by two stretches that keep their order.
    """
    starts: list[int] = []
    last = (-2, -2)
    for i, j, _ in pairs:
        if (i - 1, j - 1) != last:
            starts.append(j)
        last = (i, j)
    n, m = len(starts), len(pairs)
    if n < 2:
        return 1.0
    chance = _INCREASING[n] if n < len(_INCREASING) else 2 * sqrt(n) - 1.77 * n ** (1 / 6) + 0.6
    follow = (_increasing(starts) - chance) / (n - chance)
    together = (m - n - 1) / (m - 2) if m > 2 else 0.0  # of m - 1 neighbours a shuffle keeps about one
    return ((n - 1) * max(0.0, follow, together) + 2) / (n + 1)


def _increasing(values: Sequence[int]) -> int:
    """Length of the longest increasing subsequence."""
    tails: list[int] = []
    for value in values:
        place = bisect_left(tails, value)
        tails[place : place + 1] = [value]
    return len(tails)


def _exchange(
    ours: Sequence[Unit], theirs: Sequence[Unit], answer: str, reference: str, source: str, lang: str, source_lang: str
) -> float:
    """Less where the answer has another name, another number or another polarity in the place of the reference's."""
    fit = 1.0
    stated = source.lower()
    have, wanted = {u.key for u in ours}, {u.key for u in theirs}
    missing = [u.key for u in theirs if u.key not in have]
    added = [u.key for u in ours if u.key not in wanted and u.key not in stated]
    named = any(u.name and u.key in missing for u in theirs) and any(u.name and u.key in added for u in ours)
    if named or any(names_of(key, source) for key in missing):
        fit *= 0.2
    mine, due, given = _numbers(answer, lang), _numbers(reference, lang), _numbers(source, source_lang)
    if _unmatched(due, mine) and _unmatched(_unmatched(mine, due), _unmatched(given, due)):
        fit *= 0.2
    if sum(u.denies for u in ours) % 2 != sum(u.denies for u in theirs) % 2:
        fit *= 0.6
    return fit


@lru_cache(maxsize=1 << 14)
def _numbers(text: str, lang: str) -> tuple[Number, ...]:
    return tuple(number for number in numbers(text, lang) if number.sure or number.digits or number.value > 1)


def _unmatched(some: Sequence[Number], others: Sequence[Number]) -> list[Number]:
    """Those of the first that agree with none of the second; each of these answers for one, equal values first."""
    left, free = list(some), list(others)
    for same in (lambda a, b: a.value == b.value, Number.agrees):
        for number in list(left):
            match = next((other for other in free if same(number, other)), None)
            if match is not None:
                left.remove(number)
                free.remove(match)
    return left


@lru_cache(maxsize=1 << 14)
def _signs(text: str) -> tuple[int, int]:
    """Marks of punctuation, and symbols and invisible characters."""
    kinds = [unicodedata.category(char)[0] for char in text if char not in "\n\t\r"]
    return kinds.count("P"), kinds.count("S") + kinds.count("C")
