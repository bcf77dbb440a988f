"""Balance of languages, and the split into SFT and RL that shares no near-duplicate (METHOD 2, head)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from in2x.instructions.neardup import groups, link, normalise
from in2x.records import Instruction


def content_of(item: Instruction) -> str:
    """The text that makes `item` what it is: the source of a translation or rewriting, else the last user turn."""
    source = (item.verifier or {}).get("source")
    if source is not None:
        return str(source)
    return next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "")


def surplus(items: Sequence[Instruction], languages: Sequence[str], seed: int) -> list[int]:
    """Indices to leave out so that `languages` are present in equal numbers (as languages of the answers).

    Languages with less than 1% of the largest one's items are absent rather than small: bringing the rest down to
    them would leave nothing. Items made from sentence pairs, of which there are always more, are left out first.
    """
    places: dict[str, list[int]] = {lang: [] for lang in languages}
    for place, item in enumerate(items):
        if item.lang in places:
            places[item.lang].append(place)
    largest = max((len(p) for p in places.values()), default=0)
    present = {lang: p for lang, p in places.items() if len(p) > 0.01 * largest}
    if len(present) < 2:
        return []
    quota = min(len(p) for p in present.values())
    out: list[int] = []
    for lang, found in present.items():
        rng = random.Random(f"{seed} balance {lang}")
        order = sorted(found, key=lambda place: (items[place].origin == "pairs", rng.random()))
        out.extend(order[quota:])
    return sorted(out)


@dataclass(frozen=True)
class Split:
    """Which items go to RL, and the near-duplicate threshold that the split holds at."""

    rl: frozenset[int]
    threshold: float
    groups: int
    """Number of near-duplicate groups."""


def split(
    items: Sequence[Instruction],
    rl_share: float,
    threshold: float,
    seed: int,
    shares: Mapping[str, float] = {},  # read only
) -> Split:
    """Draw `rl_share` of `items` for RL so that no near-duplicate (Jaccard >= threshold) stands on both sides.

    A task in `shares` has a share of its own, and a judge to pay it.

    Whole groups of near-duplicates move together, and so do the two directions and the registers of one sentence
    pair. Only groups whose every item can be checked (has a verifier, or a judge) go to RL. Sentences from one grammar
    may all hang together at a low threshold; then it is raised in steps of .1 until the share can be reached, and the
    result says so.
    """
    kinds = [item.task if item.task in shares else "" for item in items]
    sizes = Counter(kinds)
    payable = [_payable(item) or item.task in shares for item in items]
    checked = sum(can for can, kind in zip(payable, kinds, strict=True) if not kind)
    quotas = {kind: round(shares[kind] * size) for kind, size in sizes.items() if kind}
    quotas[""] = min(round(rl_share * sizes[""]), checked)
    wanted = sum(quotas.values())
    texts = [content_of(item) for item in items]
    keys = [_pair_keys(item) for item in items]
    found = Split(frozenset(), threshold, 0)
    step = threshold
    while True:
        group = link(groups(texts, step), keys)
        members: dict[int, list[int]] = {}
        for place, number in enumerate(group.tolist()):
            members.setdefault(number, []).append(place)
        chosen: list[int] = []
        left = dict(quotas)
        order = sorted(members)
        random.Random(f"{seed} split").shuffle(order)
        for number in order:
            places = members[number]
            needed = Counter(kinds[p] for p in places)
            if all(payable[p] for p in places) and all(number <= left[kind] for kind, number in needed.items()):
                chosen.extend(places)
                left = {kind: number - needed[kind] for kind, number in left.items()}
        found = Split(frozenset(chosen), step, len(members))
        if len(chosen) >= 0.9 * wanted or step >= 1.0:
            return found
        step = min(1.0, round(step + 0.1, 2))


def _payable(item: Instruction) -> bool:
    """Whether RL can pay for it; what is learnt by heart (`checks` of its pair) is for SFT."""
    return item.verifier is not None and not item.verifier.get("by_heart")


def _pair_keys(item: Instruction) -> list[str]:
    if item.task not in ("translate", "rewrite") or not item.answer:
        return []
    return [key for text in (content_of(item), item.answer) if (key := normalise(text))]
