"""Simulated annotators of known quality, who answer a whole campaign in a store by the events of the page."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from in2x.people.incoming import asked
from in2x.people.model import CANNOT_TELL, CONTROLS, Event, Item
from in2x.people.roster import Roster
from in2x.people.store import Store
from in2x.people.writer import Writer


@dataclass(frozen=True)
class Simulated:
    """How one annotator judges: `noise` points of error, `shift` of the scale; a careless one answers by chance."""

    noise: float = 8.0
    shift: float = 0.0
    careless: bool = False


def answer_all(
    store: Store, name: str, people: Mapping[str, Simulated], worth: Mapping[str, float], *, seed: int = 0
) -> None:  # fmt: skip
    """Let every annotator answer all that is assigned: `worth` is the true score of each system."""
    loaded = store.load(name)
    screens = {screen.id: screen for screen in loaded.campaign.screens}
    writer = Writer(store)
    try:
        for person in Roster(store).people(name):
            rng = random.Random(f"{seed} {person.id}")
            how = people[person.id]
            events: list[Event] = []
            for id in person.screens:
                for item in screens[id].items:
                    events += _item(item, loaded.campaign.protocol, person.id, how, worth, rng, seed)
            writer.submit(name, person.id, events).result()
    finally:
        writer.close()


def _item(item: Item, protocol, who: str, how: Simulated, worth: Mapping[str, float], rng: random.Random, seed: int):
    made: list[tuple[str, dict]] = []
    scores: dict[str, float] = {}
    for c in item.candidates:
        # What a translation is really worth is the same for all who see it, however often.
        own = random.Random(f"{seed} {item.segment} {c.system} {c.text[:40] if c.role in CONTROLS else ''}").gauss(0, 6)
        true = worth.get(c.system, 70.0) + own - (45 if c.role in CONTROLS else 0)
        score = rng.uniform(0, 100) if how.careless else true + how.shift + rng.gauss(0, how.noise)
        scores[c.id] = min(100.0, max(0.0, score))
        if protocol.spans:
            spans = []
            if scores[c.id] < 75 and len(c.text) > 4:
                start = rng.randrange(len(c.text) - 3) if how.careless else len(c.text) // 3
                severity = "major" if scores[c.id] < 40 else "minor"
                spans = [{"start": start, "end": min(len(c.text), start + 3), "severity": severity, "category": "",
                          "side": "target"}]  # fmt: skip
            made.append(("spans", {"candidate": c.id, "spans": spans}))
        if protocol.score:
            made.append(("score", {"candidate": c.id, "score": round(scores[c.id])}))
        for q in protocol.questions:
            if asked(q, item):
                ranked = sorted((x for x in q.choices if x.worth is not None), key=lambda x: -(x.worth or 0))
                place = min(len(ranked) - 1, int((100 - scores[c.id]) / 100 * len(ranked)))
                choice = ranked[place].value if rng.random() > 0.06 else CANNOT_TELL
                made.append(("answer", {"candidate": c.id, "question": q.name, "choice": choice}))
                if q.why and rng.random() < 0.3:
                    made.append(("why", {"candidate": c.id, "question": q.name, "text": "一語ずつ訳している <b>。"}))
    if protocol.rank:
        order = sorted(scores, key=lambda id: -scores[id])
        made.append(("rank", {"ranks": {id: n for n, id in enumerate(order, 1)}}))
    length = len(item.source) + sum(len(c.text) for c in item.candidates)
    made.append(("time", {"seconds": rng.uniform(1, 3) if how.careless else 5 + 0.4 * length * rng.uniform(0.7, 1.4)}))
    made.append(("finish", {}))
    return [Event(str(uuid.UUID(int=rng.getrandbits(128))), who, item.id, kind, value, 0.0) for kind, value in made]
