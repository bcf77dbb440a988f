"""Balance of languages, and the split into SFT and RL that shares no near-duplicate (METHOD 2, head)."""

from __future__ import annotations

import hashlib
import random
from array import array
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from in2x.instructions.neardup import HASHES, U64, groups, link, normalise, signatures
from in2x.records import Instruction

CHUNK = 4096
"""Items whose signatures are made together."""


def content_of(item: Instruction) -> str:
    """The text that makes `item` what it is: the source of a translation or rewriting, else the last user turn."""
    source = (item.verifier or {}).get("source")
    if source is not None:
        return str(source)
    return next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "")


def surplus(langs: Sequence[str], plenty: Sequence[bool], languages: Sequence[str], seed: int) -> list[int]:
    """Indices to leave out so that `languages` are present in equal numbers (as languages of the answers).

    Languages with less than 1% of the largest one's items are absent rather than small: bringing the rest down to
    them would leave nothing.

    Args:
        langs: of each item.
        plenty: whether it is of the kind of which there is always more (made from sentence pairs): left out first.
        languages: to be balanced.
        seed: of the draw.
    """
    names, more = np.array(langs, np.str_), np.array(plenty, bool)
    places = {lang: np.flatnonzero(names == lang) for lang in languages}
    largest = max(map(len, places.values()), default=0)
    present = {lang: p for lang, p in places.items() if len(p) > 0.01 * largest}
    if len(present) < 2:
        return []
    quota = min(map(len, present.values()))
    out: list[int] = []
    for lang, found in present.items():
        rng = random.Random(f"{seed} balance {lang}")
        draws = np.array([rng.random() for _ in range(len(found))])
        order = np.lexsort((draws, more[found]))
        out.extend(found[order[quota:]].tolist())
    return sorted(out)


@dataclass(frozen=True)
class Split:
    """Which items go to RL, and the near-duplicate threshold that the split holds at."""

    rl: frozenset[int]
    threshold: float
    groups: int
    """Number of near-duplicate groups."""


def split(
    items: Collection[Instruction],
    rl_share: float,
    threshold: float,
    seed: int,
    shares: Mapping[str, float] = {},  # read only
    scratch: Path | None = None,
) -> Split:
    """Draw `rl_share` of `items` for RL so that no near-duplicate (Jaccard >= threshold) stands on both sides.

    A task in `shares` has a share of its own, and a judge to pay it.

    Whole groups of near-duplicates move together, and so do the two directions and the registers of one sentence
    pair. Only groups whose every item can be checked (has a verifier, or a judge) go to RL. Sentences from one grammar
    may all hang together at a low threshold; then it is raised in steps of .1 until the share can be reached, and the
    result says so.

    The items are gone through once. Their signatures, 512 bytes each, lie in the folder `scratch`, if one is given;
    some 100 bytes an item are held.
    """
    count, names = len(items), ["", *sorted(shares)]
    signature = _signatures(count, scratch)
    kinds, payable = bytearray(count), bytearray(count)
    owners, keys = array("q"), array("Q")
    rest = iter(items)
    for start in range(0, count, CHUNK):
        chunk = list(islice(rest, CHUNK))
        signature[start : start + len(chunk)] = signatures([normalise(content_of(item)) for item in chunk])
        for place, item in enumerate(chunk, start):
            kinds[place] = names.index(item.task) if item.task in shares else 0
            payable[place] = _payable(item) or item.task in shares
            for key in _pair_keys(item):
                owners.append(place)
                keys.append(int.from_bytes(hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()))
    linked = np.asarray(owners), np.asarray(keys)
    sizes = Counter(kinds)
    checked = sum(can for can, kind in zip(payable, kinds, strict=True) if not kind)
    quotas = {kind: round(shares[names[kind]] * size) for kind, size in sizes.items() if kind}
    quotas[0] = min(round(rl_share * sizes[0]), checked)
    wanted = sum(quotas.values())
    step = threshold
    while True:
        group = link(groups(signature, step), *linked)
        members = np.argsort(group, kind="stable")
        ends = np.flatnonzero(np.diff(group[members], append=-1)) + 1
        chosen: list[int] = []
        left = dict(quotas)
        order = list(range(len(ends)))
        random.Random(f"{seed} split").shuffle(order)
        for number in order:
            places = members[ends[number - 1] if number else 0 : ends[number]].tolist()
            needed = Counter(kinds[p] for p in places)
            if all(payable[p] for p in places) and all(number <= left[kind] for kind, number in needed.items()):
                chosen.extend(places)
                left = {kind: number - needed[kind] for kind, number in left.items()}
        found = Split(frozenset(chosen), step, len(ends))
        if len(chosen) >= 0.9 * wanted or step >= 1.0:
            return found
        step = min(1.0, round(step + 0.1, 2))


def _signatures(count: int, scratch: Path | None) -> U64:
    if scratch is None or not count:
        return np.empty((count, HASHES), np.uint64)
    return np.lib.format.open_memmap(scratch / "signatures.npy", "w+", np.uint64, (count, HASHES))


def _payable(item: Instruction) -> bool:
    """Whether RL can pay for it; what is learnt by heart (`checks` of its pair) is for SFT."""
    return item.verifier is not None and not item.verifier.get("by_heart")


def _pair_keys(item: Instruction) -> list[str]:
    if item.task not in ("translate", "rewrite") or not item.answer:
        return []
    return [key for text in (content_of(item), item.answer) if (key := normalise(text))]
