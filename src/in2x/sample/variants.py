"""Held-out pairs of the micro-world with what the grammar can say of each otherwise: less, or in another register."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from in2x.records import Pair
from in2x.sample import clauses, world
from in2x.sample.clauses import Item
from in2x.sample.lexicon import LANGUAGES, grammar

SHARES = {"clause": 0.55, "idiom": 0.25, "slang": 0.1, "phrase": 0.1}
"""Kinds of sentences, with more idioms than the world's own share has."""


@dataclass(frozen=True)
class Variant:
    """A pair, and what its target is not."""

    pair: Pair
    shorter: str | None
    """The target without the time or the place of the source; None where it has neither."""
    other_registers: tuple[str, ...]
    """The target's meaning in the registers that were not asked for."""


def variants(seed: int, count: int) -> Iterator[Variant]:
    """One pair of each of `count` held-out sentences, half of them into Japanese."""
    rng = random.Random(f"{seed}/variants")
    for number, item in enumerate(world.heldout(seed, count, SHARES)[1]):
        pairs = list(world.pairs(item, rng))
        pair = rng.choice([pair for pair in pairs if (pair.tgt_lang == "ja") == (number % 2 == 0)])
        yield Variant(pair, _shorter(item, pair), _others(item, pair))


def _shorter(item: Item, pair: Pair) -> str | None:
    clause = item.clause
    if clause is None:
        return None
    less = [replace(clause, time=None)] if clause.time else []
    less += [replace(clause, place=None)] if clause.place else []
    said = (clauses.say(item.kind, shorter, grammar()) for shorter in less)
    texts = (_side(shorter, pair) for shorter in said if shorter is not None)
    return next((text for text in texts if text is not None and text not in item.sides()), None)


def _side(item: Item, pair: Pair) -> str | None:
    if pair.tgt_lang == "ja":
        return item.ja.get(pair.register or "")
    return item.en if pair.tgt_lang == "en" else item.zh


def _others(item: Item, pair: Pair) -> tuple[str, ...]:
    said = item.ja.items() if pair.register else ()
    return tuple(text for register, text in said if register != pair.register and text != pair.target)


def names(lang: str) -> list[str]:
    """The names of people, as the language `lang` writes them."""
    return [person.name[LANGUAGES.index(lang)] for person in grammar().people if person.name]
