"""How a campaign stands: by annotator, the items they flagged, and how much of it is judged twice."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from in2x.people.fold import ItemState
from in2x.people.live import Known
from in2x.people.model import CONTROLS
from in2x.people.store import Store


@dataclass(frozen=True)
class Progress:
    """One annotator's line."""

    annotator: str
    note: str
    status: str
    links: int
    done: int
    total: int
    seconds: float
    median_seconds: float | None
    """Of a finished item."""
    controls: int
    """Attention checks they have scored ..."""
    above: int
    """... and how many of them not below what they gave to real translations in the middle: carelessness shows here."""
    practice: str
    """"3 of 4 right", or empty where there is none."""
    last: float | None
    """When they last saved something, seconds since 1970."""


@dataclass(frozen=True)
class Flag:
    """An item that someone marked for the organiser."""

    annotator: str
    item: str
    document: str
    text: str
    source: str


@dataclass(frozen=True)
class Standing:
    """A campaign at one moment."""

    campaign: str
    status: str
    annotators: tuple[Progress, ...]
    flags: tuple[Flag, ...]
    segments: int
    """Segments that someone has finished ..."""
    twice: int
    """... and those of them that two or more people have."""
    time: float

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def standing(store: Store, known: Known) -> Standing:
    """How the campaign stands now."""
    loaded = known.loaded
    states = store.states(loaded)
    last: dict[str, float] = {}
    for event in store.events(loaded.campaign.id):
        last[event.annotator] = max(last.get(event.annotator, 0.0), event.server_time)
    lines, flags, judged = [], [], Counter[str]()
    screens = {screen.id: screen for screen in loaded.campaign.screens}
    for person in known.people.values():
        mine = states.get(person.id, {})
        items = [item.id for name in person.screens for item in screens[name].items]
        finished = {id: state for id, state in mine.items() if state.done}
        for segment in {known.places[id][1].segment for id in finished if not known.places[id][0].practice}:
            judged[segment] += 1
        took = [s.seconds for s in finished.values() if s.seconds is not None]
        tried = [state.passed for state in mine.values() if state.tries]
        controls, above = _attention(known, mine)
        lines.append(Progress(
            person.id, person.note, person.status, person.links, sum(id in finished for id in items), len(items),
            sum(s.seconds or 0.0 for s in mine.values()), statistics.median(took) if took else None, controls, above,
            f"{sum(tried)} of {len(tried)} right" if tried else "", last.get(person.id)))  # fmt: skip
        for id, state in mine.items():
            if state.flag is not None:
                screen, item = known.places[id]
                flags.append(Flag(person.id, id, screen.document, state.flag, item.source))
    return Standing(loaded.campaign.id, loaded.status, tuple(lines), tuple(flags), len(judged),
                    sum(count > 1 for count in judged.values()), time.time())  # fmt: skip


def _attention(known: Known, states: dict[str, ItemState]) -> tuple[int, int]:
    """(controls scored, those scored at or above the annotator's median of real translations)."""
    real: list[float] = []
    controls: list[float] = []
    for id, state in states.items():
        screen, item = known.places[id]
        for candidate in item.candidates:
            said = state.candidates.get(candidate.id)
            if said is None or said.score is None or screen.practice:
                continue
            (controls if candidate.role in CONTROLS else real).append(said.score)
    if not real or not controls:
        return len(controls), 0
    middle = statistics.median(real)
    return len(controls), sum(score >= middle for score in controls)
