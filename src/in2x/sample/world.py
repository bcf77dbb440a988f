"""The stream of items: endless, deterministic by seed, in flat memory; and the pairs made of an item."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from in2x.records import Pair, content_id
from in2x.sample import clauses, everyday, phrases, texts
from in2x.sample.clauses import Item
from in2x.sample.deck import Deck
from in2x.sample.lexicon import LANGUAGES, REGISTERS, Grammar, grammar

DIRECTIONS = tuple((a, b) for a, b in itertools.permutations(LANGUAGES, 2))
EVERYDAY = "everyday"
SHARES = {
    "clause": 0.58, "phrase": 0.13, "idiom": 0.13, "slang": 0.08, "dialogue": 0.04, "story": 0.04, EVERYDAY: 0.3,
}  # fmt: skip
"""Default weight of each kind of sentence."""
TOLD = {"plain": 0.6, "polite": 2.0, "honorific": 0.6, "casual": 1.4}
"""How often an everyday sentence is told in each register (our choice: what newcomers ask for)."""

LEFT_OUT = 0.5
"""Share of the everyday sentences that zh-ja does without: it has the rest of the world to learn."""


def items(seed: int, stream: str = "items", shares: dict[str, float] | None = None) -> Iterator[Item]:
    """Endless items; the same (seed, stream, shares) gives the same sequence on every machine. May repeat itself."""
    g = grammar()
    rng = random.Random(f"{seed}/{stream}")
    deck = Deck(rng)
    table = shares or SHARES
    kinds, weights = list(table), list(table.values())
    while True:
        kind = rng.choices(kinds, weights)[0]
        item = None
        while item is None:
            item = _draw(kind, g, deck)
            if item is not None and kind != EVERYDAY and everyday.known(item.en, "en"):
                item = None  # what the phrasebook says, it says in its own words
        yield item


def _draw(kind: str, g: Grammar, deck: Deck) -> Item | None:
    rng = deck.rng
    if kind == "clause":
        return clauses.draw(g, rng)
    if kind == EVERYDAY:
        return everyday.draw(deck)
    if kind == "story":
        return texts.story_sentence(g, rng)
    return texts.dialogue_line(g, rng) if kind == "dialogue" else phrases.draw(kind, g, rng)


def heldout(seed: int, count: int, shares: dict[str, float] | None = None) -> tuple[list[Item], list[Item], set[str]]:
    """`count` items each for dev and test, no sentence shared in any language or register; and all their sentences.

    What the phrasebook says is learnt by heart and not held out: `tests/everyday.yaml` asks for it. Nor are
    sentences of stories without a name in them, which are few: held out, they would be missing in every story.
    """
    shares = {kind: share for kind, share in (shares or SHARES).items() if kind != EVERYDAY}
    if not sum(shares.values()):
        raise ValueError("only the phrasebook is wanted, of which nothing is held out")
    used: set[str] = set()
    splits: tuple[list[Item], list[Item]] = ([], [])
    for item in items(seed, "heldout", shares):
        sides = item.sides()
        few = item.kind == "story" and not item.names
        if not few and used.isdisjoint(sides) and not everyday.known(item.en, "en"):
            used.update(sides)
            splits[len(splits[0]) > len(splits[1])].append(item)
        if len(splits[1]) == count:
            break
    return splits[0], splits[1], used


def train(seed: int, banned: set[str], shares: dict[str, float] | None = None) -> Iterator[Item]:
    """Endless training items none of whose sentences is in `banned`."""
    return (item for item in items(seed, "train", shares) if banned.isdisjoint(item.sides()))


def pairs(item: Item, rng: random.Random, registers: int = 1) -> Iterator[Pair]:
    """The pairs of `item` in all six directions; into and out of Japanese in `registers` of its registers.

    An everyday sentence is asked from English in all its registers, each time in a wording of its own; zh-ja has some
    of them, and out of Japanese and into Chinese there are those that one says most: too few visits teach nothing.
    """
    available = [r for r in REGISTERS if r in item.ja]
    chosen: list[str] = []
    while len(chosen) < min(registers, len(available)):
        left = [r for r in available if r not in chosen]
        # Fewer sentences have an honorific form.
        chosen += rng.choices(left, [TOLD[r] if item.asked else 2.0 if r == "honorific" else 1.0 for r in left])
    relations = {r: rng.choice(grammar().relations[r]) for r in available}
    texts = {"en": item.en, "zh": item.zh}
    for source, target in DIRECTIONS:
        into_all = item.asked and (source, target) == ("en", "ja")
        if item.asked and not into_all and _left_out(item, target, rng):
            continue
        for register in available if into_all else chosen if "ja" in (source, target) else (None,):
            ja = item.ja[register] if register else ""
            pair = {**texts, "ja": ja}
            if into_all and register:
                pair["en"] = item.asked[register]
            if pair[source] == pair[target]:
                continue  # a word that is written alike
            into = register if target == "ja" else None
            checks = check_facts(item, source, target)
            if into:
                checks["speaker"], checks["listener"] = relations[into]
            yield Pair(
                id=content_id(source, target, pair[source], pair[target]), src_lang=source, tgt_lang=target,
                source=pair[source], target=pair[target], register=into, domain=item.domain, checks=checks,
            )  # fmt: skip


def _left_out(item: Item, target: str, rng: random.Random) -> bool:
    """Whether a direction but en-ja does without the everyday sentence `item`."""
    return rng.random() < LEFT_OUT if target == "ja" else not everyday.common(item.kind)


def check_facts(item: Item, source: str, target: str) -> dict[str, object]:
    """What code can check about a rendering of `item` from `source` into `target`."""
    checks: dict[str, object] = {}
    traps = {"ja": item.traps, "zh": item.zh_traps}.get(target, ())
    if traps:
        checks["traps"] = list(traps)
    if target == "ja" and item.natural:
        checks["natural"] = list(item.natural)
    if item.asked:
        checks["by_heart"] = True
    if item.names:
        i, j = LANGUAGES.index(source), LANGUAGES.index(target)
        checks["names"] = {name[i]: name[j] for name in item.names}
    return checks
