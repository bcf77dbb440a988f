"""The page of the suite: systems by phenomena with intervals, what breaks, and items side by side. Self-contained."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from in2x.evaluate.express.checks import Checked
from in2x.evaluate.express.item import Item
from in2x.evaluate.express.score import Result, Row
from in2x.pages.environment import environment
from in2x.pages.spans import Piece, cut

SAMPLES = 20
SEED = 20


@dataclass(frozen=True)
class Said:
    """One system's answer, cut at what was found in it."""

    system: str
    row: Row
    pieces: list[Piece]
    lost: str
    """What the judge did not find kept, as numbers of principles; "" where nothing, or no judge was asked."""


@dataclass(frozen=True)
class Sample:
    """One item through all systems."""

    item: Item
    answers: list[Said]


def marked(text: str, verdicts: Sequence[Checked]) -> list[Piece]:
    """`text` in pieces, each with its kind: "trap" where a check is broken, "natural" where one is kept."""
    return cut(text, [(v.start, v.end, "natural" if v.kept else "trap", v.why) for _, v in verdicts if v.start >= 0])


def samples(results: Sequence[Result], count: int = SAMPLES) -> list[Sample]:
    """`count` items, phenomena in turn, chosen by a fixed seed: the same ones for every system, good and bad alike."""
    chance = random.Random(SEED)
    queues: dict[str, list[int]] = {}
    for place, row in enumerate(results[0].rows):
        queues.setdefault(row.item.phenomenon, []).append(place)
    for queue in queues.values():
        chance.shuffle(queue)
    chosen: list[int] = []
    while len(chosen) < count and any(queues.values()):
        for queue in queues.values():
            if queue and len(chosen) < count:
                chosen.append(queue.pop())
    return [Sample(results[0].rows[place].item, [_said(result, place) for result in results]) for place in chosen]


def _said(result: Result, place: int) -> Said:
    row = result.rows[place]
    verdicts = row.judged.verdicts if row.judged else ()
    lost = ", ".join(str(number) for number, verdict in enumerate(verdicts, 1) if verdict.kept is False)
    return Said(result.system, row, marked(row.hypothesis, row.verdicts), lost)


def render(results: Sequence[Result], count: int = SAMPLES) -> str:
    """The page about one or more systems, all on the same items."""
    best = {name: max(result.phenomena[name].value for result in results) for name in results[0].phenomena}
    kinds = list(dict.fromkeys(kind for result in results for kind in result.broken))
    return (
        environment()
        .get_template("evaluate/express/express.html.jinja")
        .render(results=results, phenomena=list(best), best=best, kinds=kinds, samples=samples(results, count))
    )
