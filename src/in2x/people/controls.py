"""Items whose answer tells of the annotator: degraded copies, wrong documents, copies of the source, repeats.

Each person gets some of their own screens' segments once more, later, in a short screen of one document: a translation
with a stretch from elsewhere in it must score lower than the one they saw, and a repeat about the same. On the page
nothing tells such a screen from any other.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from in2x.language import language
from in2x.people.config import ControlsConfig
from in2x.people.model import Candidate, CandidateRole, Item, Screen

KINDS: tuple[tuple[str, CandidateRole], ...] = (
    ("degraded", "degraded"), ("wrong_document", "wrong-document"), ("source_copy", "source-copy"), ("repeats", "real"),
)  # fmt: skip
"""Knob, and what becomes of one candidate of each item ("real": nothing)."""


def degrade(text: str, others: Sequence[str], code: str, rng: random.Random) -> str:
    """`text` with a stretch of it replaced by one as long from one of `others`.

    The stretch is a quarter of the words (of the letters, in a language without spaces), at least two words or four
    letters: after WMT's bad references, which replace 2 of 5, 4 of 15 and a fifth of more than 20 words.
    """
    spaced = language(code).spaced
    words = text.split(" ") if spaced else list(text)
    size = max(2 if spaced else 4, round(len(words) / 4))
    size = min(size, len(words))
    for other in rng.sample(list(others), len(others)):
        foreign = other.split(" ") if spaced else list(other)
        if len(foreign) < size:
            continue
        at, start = rng.randint(0, len(words) - size), rng.randint(0, len(foreign) - size)
        changed = [*words[:at], *foreign[start : start + size], *words[at + size :]]
        if changed != words:
            return (" " if spaced else "").join(changed)
    return text[::-1]  # nothing long enough stands elsewhere


@dataclass
class Ids:
    """Fresh ids of screens, items and candidates, which say nothing of what they stand for."""

    rng: random.Random
    used: set[str]

    def new(self, kind: str) -> str:
        """An id that was not given yet."""
        while True:
            id = f"{kind}{self.rng.randrange(16**7):07x}"
            if id not in self.used:
                self.used.add(id)
                return id


def plant(
    screens: Mapping[str, Screen],
    mine: Sequence[str],
    config: ControlsConfig,
    target_lang: str,
    ids: Ids,
    rng: random.Random,
) -> tuple[list[str], list[Screen]]:
    """Plant controls in one person's work.

    Args:
        screens: every screen of the campaign by id.
        mine: this person's, in the order of work.
        config: the shares.
        target_lang: language of the translations.
        ids: where ids come from.
        rng: of everything random.

    Returns:
        The order of work with the new screens in it, and these.
    """
    items = sum(len(screens[name].items) for name in mine)
    order, planted = list(mine), []
    early = list(mine[: max(1, len(mine) // 2)])  # what is repeated stands in the first half, the repeat behind it
    for knob, role in KINDS:
        share = float(getattr(config, knob))
        left = max(1, round(share * items)) if share and items else 0
        rng.shuffle(early)
        if role == "degraded":  # a bad translation made worse is no check: references first, as WMT does
            early.sort(key=lambda name: all(c.role != "reference" for c in screens[name].items[0].candidates))
        for name in early:
            if not left:
                break
            size = min(left, config.run, len(screens[name].items))
            screen = _copy(screens, name, size, role, target_lang, ids, rng)
            if screen is None:
                continue
            left -= size
            planted.append(screen)
            order.insert(rng.randint(max(order.index(name) + 1, (len(order) + 1) // 2), len(order)), screen.id)
    return order, planted


def _copy(
    screens: Mapping[str, Screen], name: str, size: int, role: CandidateRole, code: str, ids: Ids, rng: random.Random
) -> Screen | None:
    """A screen of `size` neighbouring segments of `name`, spoilt as `role` says; None where nothing can spoil it."""
    screen = screens[name]
    others = [
        candidate.text
        for other in screens.values()
        if other.document != screen.document and not other.practice
        for item in other.items
        for candidate in item.candidates
        if candidate.role in ("real", "reference")
    ]
    if role in ("degraded", "wrong-document") and not others:
        return None
    if role == "degraded" and any(c.text == item.source for item in screen.items for c in item.candidates):
        return None
    at = rng.randint(0, len(screen.items) - size)
    items = []
    for item in screen.items[at : at + size]:
        sound = [n for n, c in enumerate(item.candidates) if c.role == "reference"] or range(len(item.candidates))
        spoilt = rng.choice(sound)
        candidates = []
        for number, candidate in enumerate(item.candidates):
            fresh = replace(candidate, id=ids.new("c"))
            if number == spoilt and role != "real":
                fresh = replace(fresh, text=_spoilt(candidate, item, role, others, code, rng), role=role)
            candidates.append(fresh)
        items.append(replace(item, id=ids.new("i"), candidates=tuple(candidates), role="repeat", repeats=item.id))
    return Screen(ids.new("s"), screen.document, tuple(items), screen.domain)


def _spoilt(
    candidate: Candidate, item: Item, role: CandidateRole, others: Sequence[str], code: str, rng: random.Random
) -> str:
    if role == "source-copy":
        return item.source
    if role == "wrong-document":
        return min(rng.sample(others, min(8, len(others))), key=lambda text: abs(len(text) - len(candidate.text)))
    return degrade(candidate.text, others, code, rng)
