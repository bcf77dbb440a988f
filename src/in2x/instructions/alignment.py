"""Which words of a pair stand for each other, from the pairs themselves: only what is nearly sure.

Words are linked one to one within a pair, the most associated first (Melamed 1997, competitive linking), by the Dice
coefficient of how often they stand in the same pairs; what is in every third pair links nothing. A stretch of words is
aligned where its links lead into one stretch of the other side and none leads elsewhere (the consistent phrases of
statistical translation), both beginning and ending with a linked word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from in2x.language.language import language
from in2x.language.script import HAN, HIRAGANA
from in2x.language.segment import words

LEAST_DICE, LEAST_PAIRS, MOST_COMMON = 0.3, 3, 1 / 3
"""A link has this Dice coefficient and stands in so many pairs; a word in more than this share of pairs links nothing.
Our choice."""
_HAN = re.compile(f"[{HAN}]")


_JOINS = re.compile(f"[{HIRAGANA}]{{1,3}}")


def carries(form: str, lang: str) -> bool:
    """Whether a word carries content by its form: it is none of its language's commonest, no particle or ending."""
    return form not in language(lang).pack.words and not _JOINS.fullmatch(form)


class Aligned(NamedTuple):
    """[start, end) of the source stands for [target_start, target_end) of the target."""

    start: int
    end: int
    target_start: int
    target_end: int


class Lexicon:
    """Which words of two languages stand in the same pairs."""

    def __init__(self, pairs: Iterable[tuple[str, str]], source_lang: str, target_lang: str) -> None:
        """Count `pairs` of (source, target)."""
        self.source_lang, self.target_lang = source_lang, target_lang
        here: Counter[str] = Counter()
        there: Counter[str] = Counter()
        both: Counter[tuple[str, str]] = Counter()
        total = 0
        for source, target in pairs:
            mine = sorted({form for form, _, _ in words(source, source_lang)})
            theirs = sorted({form for form, _, _ in words(target, target_lang)})
            here.update(mine)
            there.update(theirs)
            both.update((a, b) for a in mine for b in theirs)
            total += 1
        most = max(LEAST_PAIRS, total * MOST_COMMON)
        self.dice: dict[tuple[str, str], float] = {}
        for (a, b), count in both.items():
            dice = 2 * count / (here[a] + there[b])
            sure = count >= LEAST_PAIRS and here[a] <= most and there[b] <= most and dice >= LEAST_DICE
            if sure and carries(a, source_lang) and carries(b, target_lang):
                self.dice[a, b] = dice

    def aligned(self, source: str, target: str, longest: int = 6) -> Iterator[Aligned]:
        """The aligned stretches of up to `longest` words of the source, in order."""
        mine, theirs = words(source, self.source_lang), words(target, self.target_lang)
        links = self._links([form for form, _, _ in mine], [form for form, _, _ in theirs])
        linked = {i for i, _ in links}
        for first in sorted(linked):
            for last in range(first, min(first + longest, len(mine))):
                if last not in linked:
                    continue
                reached = {j for i, j in links if first <= i <= last}
                low, high = min(reached), max(reached)
                if all(first <= i <= last for i, j in links if low <= j <= high):
                    yield Aligned(mine[first][1], mine[last][2], theirs[low][1], theirs[high][2])

    def _links(self, mine: list[str], theirs: list[str]) -> set[tuple[int, int]]:
        """(place, place) of words that stand for each other. Words that stand there twice are too unsure."""
        scores = {
            (i, j): self.dice[a, b]
            for i, a in enumerate(mine)
            for j, b in enumerate(theirs)
            if (a, b) in self.dice and mine.count(a) == theirs.count(b) == 1
        }
        links: set[tuple[int, int]] = set()
        for i, j in sorted(scores, key=lambda pair: (-scores[pair], pair)):
            if all(i != a and j != b for a, b in links):
                links.add((i, j))
        # A word of several characters where each character counts as a word: its neighbours go with it.
        here, there = {i for i, _ in links}, {j for _, j in links}
        for i, j in sorted(links):
            links |= {
                (i, n) for n in (j - 1, j + 1) if (i, n) in scores and n not in there and _HAN.fullmatch(theirs[n])
            }
            links |= {(n, j) for n in (i - 1, i + 1) if (n, j) in scores and n not in here and _HAN.fullmatch(mine[n])}
        return links
