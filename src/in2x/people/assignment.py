"""Who judges what: the same load for all, every system equally often by each person, and enough judged twice.

A screen goes to whoever has least of everything: of time, of this system, of this document. What differs between people
(one is strict, another mild) then falls on all systems alike.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from in2x.errors import UsageError
from in2x.people.model import Campaign, Screen
from in2x.people.roster import Person


@dataclass(frozen=True)
class Load:
    """A screen as the assignment sees it."""

    screen: str
    document: str
    systems: tuple[str, ...]
    segments: int
    seconds: float


def assign(
    loads: Sequence[Load], people: Sequence[str], judgements: int, twice: float, seed: int
) -> dict[str, list[str]]:
    """Annotator -> screen ids, in the order of work.

    Args:
        loads: the screens.
        people: ids of the annotators.
        judgements: people who judge each screen.
        twice: share of the segments that get one more.
        seed: of ties and of the order of work.

    Raises:
        UsageError: more judgements of a screen than people.
    """
    most = judgements + (judgements == 1 and len(people) > 1)
    if judgements > len(people):
        raise UsageError(f"{judgements} judgements of each screen need as many people",
                         mend=f"raise assignment.annotators (it is {len(people)})")  # fmt: skip
    rng = random.Random(seed)
    shuffled = list(loads)
    rng.shuffle(shuffled)
    rounds = [(load, number) for number in range(judgements) for load in shuffled]
    if most > judgements:
        rounds += [(load, judgements) for load in _share(shuffled, twice)]
    have: dict[str, set[str]] = {person: set() for person in people}
    systems, documents = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    time = dict.fromkeys(people, 0.0)
    whole = sum(load.seconds for load, _ in rounds) / len(people) or 1.0
    each = Counter(system for load, _ in rounds for system in load.systems)
    mean = {system: count / len(people) for system, count in each.items()}
    ties = {person: rng.random() for person in people}

    def cost(person: str, load: Load) -> tuple[float, float]:
        of_systems = sum(systems[person, s] / mean[s] for s in load.systems) / len(load.systems)
        return time[person] / whole + of_systems + 0.2 * documents[person, load.document], ties[person]

    for load, _ in sorted(rounds, key=lambda one: -one[0].seconds):  # the long ones first: the short ones even out
        person = min((one for one in people if load.screen not in have[one]), key=lambda one: cost(one, load))
        have[person].add(load.screen)
        time[person] += load.seconds
        documents[person, load.document] += 1
        for system in load.systems:
            systems[person, system] += 1
    shared = {screen for screen, count in Counter(s for mine in have.values() for s in mine).items() if count > 1}
    return {person: _spread([one for one in shuffled if one.screen in have[person]], shared) for person in people}


def _share(loads: Sequence[Load], share: float) -> list[Load]:
    """Screens that hold `share` of all segments, systems by turns."""
    wanted = share * sum(load.segments for load in loads) - 1e-9
    queues: dict[tuple[str, ...], list[Load]] = defaultdict(list)
    for load in loads:
        queues[load.systems].append(load)
    taken: list[Load] = []
    held = 0
    while held < wanted:
        for queue in queues.values():
            if queue and held < wanted:
                taken.append(queue.pop())
                held += taken[-1].segments
    return taken


def _spread(loads: Sequence[Load], shared: Collection[str]) -> list[str]:
    """An order of work in which screens of one document stand far apart, and those that others judge too in the first
    half: a campaign that ends early has its agreement by then.
    """
    by: dict[str, list[Load]] = defaultdict(list)
    for load in loads:
        by[load.document].append(load)
    all_shared = all(load.screen in shared for load in loads)
    placed = [
        ((at + 0.5) / len(group) / (2 if load.screen in shared and not all_shared else 1), number, load.screen)
        for number, group in enumerate(by.values())
        for at, load in enumerate(group)
    ]
    return [screen for _, _, screen in sorted(placed)]


def further(campaign: Campaign, people: Sequence[Person], count: int) -> list[str]:
    """Screens for one more annotator: the practice, then the `count` that fewest people have."""
    had = Counter(screen for person in people for screen in person.screens)
    practice = [screen.id for screen in campaign.screens if screen.practice]
    common = [screen for screen in campaign.screens if not screen.practice and not _control(screen)]
    chosen = sorted(common, key=lambda screen: had[screen.id])[:count]
    return practice + [screen.id for screen in chosen]


def _control(screen: Screen) -> bool:
    """Whether the screen was made for one person: a control or a repeat."""
    return any(item.repeats is not None for item in screen.items)
