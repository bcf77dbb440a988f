"""Pairs with inline tags, so that a model learns to keep them: tag injection.

A share of the pairs gets placeholders (`chat/placeholders.py`) around and between stretches that surely stand for each
other: words that the pairs themselves align (`alignment.py`), names, numbers and the like (`language/anchors.py`).
Training on injected tags beats taking tags off and projecting them (Hanneman and Dinu, 2020).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from in2x.chat.placeholders import marked, placeholders, remarked
from in2x.chat.profile import PromptProfile
from in2x.chat.translation import translation
from in2x.formats.document import Tag, Text
from in2x.instructions.alignment import Aligned, Lexicon
from in2x.language.anchors import anchors
from in2x.principles.case import case_of
from in2x.records import Instruction, Pair

COUNTED = 40_000
"""Pairs of a direction that the words are counted in; more add time and little else."""
MARKS = 0.3
"""Share of placeholders that stand between words (`<2/>`), not around some (our choice)."""
COUNTS = (0.5, 0.3, 0.13, 0.07)
"""How often a pair gets 1, 2, 3, 4 placeholders (our choice)."""


def with_tags(
    items: Collection[Instruction], profile: PromptProfile, share: float, seed: int
) -> Iterator[tuple[Instruction, bool]]:
    """Each of `items`, in `share` of the translations made from pairs with placeholders, drawn by `seed`; and whether.

    Those without a sure place stay as they are. What code checks in an answer by its letters is left out of those with
    tags; the id stays, for the item is the same. The items are gone through twice.
    """
    some: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for item in items if share else ():
        if pair := _pair(item):
            counted = some.setdefault((pair.src_lang, pair.tgt_lang), [])
            if len(counted) < COUNTED:
                counted.append((pair.source, pair.target))
    lexicons = {direction: Lexicon(some[direction], *direction) for direction in sorted(some)}
    for item in items:
        if share and (pair := _pair(item)):
            rng = random.Random(f"{seed} tags {pair.id}")
            if rng.random() < share and (found := tagged(pair, lexicons[pair.src_lang, pair.tgt_lang], rng)):
                yield replace(translation(found, profile), id=item.id), True
                continue
        yield item, False


def _pair(item: Instruction) -> Pair | None:
    if item.origin != "pairs" or not item.answer:
        return None
    case = case_of(item)
    return Pair(item.id, case.source_lang, case.target_lang, case.source, item.answer, case.register)


def tagged(pair: Pair, lexicon: Lexicon, rng: random.Random) -> Pair | None:
    """`pair` with up to four placeholders; None where it has no sure place for one."""
    source, target = with_sure_tags(pair, lexicon, rng)
    if not placeholders(source):
        return None
    asked, answer = marked(source), remarked(target, source)
    return replace(pair, source=asked, target=answer, checks={})


def with_sure_tags(pair: Pair, lexicon: Lexicon, rng: random.Random) -> tuple[Text, Text]:
    """Both sides of `pair` with the same tags at places that stand for each other."""
    sure = [Aligned(*anchor[:4]) for anchor in anchors(pair.source, pair.target, pair.src_lang, pair.tgt_lang)]
    places = [*dict.fromkeys([*lexicon.aligned(pair.source, pair.target), *sure])]
    rng.shuffle(places)
    count = rng.choices(range(1, len(COUNTS) + 1), COUNTS)[0]
    chosen: list[tuple[Aligned, bool]] = []
    for place in places:
        mark = rng.random() < MARKS
        one = Aligned(place.end, place.end, place.target_end, place.target_end) if mark else place
        if len(chosen) < count and _inner(one, pair) and all(_clear(one, other) for other, _ in chosen):
            chosen.append((one, mark))
    numbered = list(enumerate(chosen, start=1))
    here = _text(pair.source, ((n, one.start, one.end, mark) for n, (one, mark) in numbered))
    there = _text(pair.target, ((n, one.target_start, one.target_end, mark) for n, (one, mark) in numbered))
    return here, there


def _inner(one: Aligned, pair: Pair) -> bool:
    """Whether the model would see it on both sides: it is not around the whole nor beside all of it."""
    here = 0 < one.start < len(pair.source) or 0 < one.end < len(pair.source)
    there = 0 < one.target_start < len(pair.target) or 0 < one.target_end < len(pair.target)
    return here and there


def _clear(one: Aligned, other: Aligned) -> bool:
    """Whether two stand apart, or one inside the other, on both sides alike and with no edge in common."""
    if {one.start, one.end} & {other.start, other.end} or {one.target_start, one.target_end} & {
        other.target_start, other.target_end,
    }:  # fmt: skip
        return False
    here = _relation(one.start, one.end, other.start, other.end)
    there = _relation(one.target_start, one.target_end, other.target_start, other.target_end)
    return here == there != "across"


def _relation(start: int, end: int, low: int, high: int) -> str:
    if end < low or high < start:
        return "apart"
    if low < start and end < high:
        return "inside"
    return "around" if start < low and high < end else "across"


def _text(text: str, spans: Iterable[tuple[int, int, int, bool]]) -> Text:
    found: list[tuple[int, int, Tag]] = []
    for number, start, end, mark in spans:
        if mark:
            found.append((start, 1, Tag(start, f"<x{number}/>", number)))
        else:
            found += [(start, 2, Tag(start, f"<g{number}>", number, "open")),
                      (end, 0, Tag(end, f"</g{number}>", number, "close"))]  # fmt: skip
    return Text(text, tuple(tag for _, _, tag in sorted(found, key=lambda one: one[:2])))


def tags_of(pairs: Iterable[Pair], lexicon: Lexicon, seed: int) -> Iterator[tuple[Pair, Text, Text]]:
    """Each pair that has a sure place, and both its sides with tags: what a model is tested on."""
    for pair in pairs:
        here, there = with_sure_tags(pair, lexicon, random.Random(f"{seed} test {pair.id}"))
        if placeholders(here):
            yield pair, here, there
