"""What waits for the model, and whose turn it is.

The unit is a segment (a line, a block of a page), counted in characters: a request of a thousand lines is a thousand
units, and gives way between two of them. Who has little waiting is *light* and goes first, all of them together; who
has much (a file of subtitles) or whose work no person waits for (a document) is *heavy*, and goes when no light one
waits, or after several batches of theirs. While light clients are about, it gets slices of no more characters than
their requests usually have: so a light request seldom waits for more than one such slice. The longer none came, the
larger they grow, and alone a heavy client fills whole batches. Within a kind, clients go round.

Nothing here locks or waits: the engine does.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from in2x.formats.document import Segment
from in2x.serve.reading import Reading
from in2x.serve.wish import Wish
from in2x.translate.job import Job
from in2x.translate.outcome import Outcome

MOST = 64
"""Segments of a batch (our choice, as `Translator`'s step)."""
FULL = 6000
"""Characters of a batch (our choice)."""
HEAVY = 3000
"""Characters that a client has waiting from which on it is heavy (our choice: a page of a book)."""
QUIET = 0.05
"""Part of the time since a light client came that a slice of a heavy one may take (our choice): the next comes, most
likely, after as long again, and then waits no longer than that."""
PAPERS = 20_000_000
"""Characters of documents that may wait (our choice)."""
SHARE = 0.5
"""Part of what may wait that one client may have (our choice)."""
TURNS = 4
"""Batches of light clients one after the other while a heavy one waits (our choice)."""
PATIENCE = 2.0
"""Seconds after which documents get a slice although people wait (our choice)."""
SEGMENT = 8
"""Characters that a segment costs beside its own (our choice): a question has words around it."""
TOLD = 12
"""Segments before a slice that a model is told, where the texts belong together (as `translate.job.CONTEXT`)."""


def cost(segment: Segment) -> int:
    """What a segment counts, in characters."""
    return len(segment.text) + SEGMENT


@dataclass(eq=False, slots=True)
class Lot:
    """One text on its way, or the texts of a request that belong together."""

    key: Hashable
    """Equal lots in flight are one."""
    client: str
    wish: Wish
    job: Job
    readings: tuple[Reading, ...]
    interactive: bool = True
    samples: int = 0
    """Different answers wanted of each segment; 0: one translation, checked and mended."""
    earlier: tuple[Outcome, ...] = ()
    """What stands before it, where its texts belong together."""
    waiters: list[Any] = field(default_factory=list)
    """Who is to be told (the engine's)."""
    segments: tuple[Segment, ...] = ()
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    said: dict[int, list[str]] = field(default_factory=dict)
    """With `samples`: the answers, by segment."""
    next: int = 0
    """First segment that was not taken."""
    since: float = 0.0
    """When it came (monotonic)."""
    left: int = 0
    """Characters that were not taken."""

    def __post_init__(self) -> None:
        """Lay the readings' segments out."""
        self.segments = tuple(segment for reading in self.readings for segment in reading.segments)
        self.left = sum(map(cost, self.segments))

    @property
    def alone(self) -> bool:
        """Whether its segments go in batches of their own, one after the other."""
        return self.wish.together or self.samples > 0

    @property
    def finished(self) -> bool:
        """Whether every segment has come back."""
        return len(self.outcomes) + len(self.said) == len(self.segments)

    @property
    def flying(self) -> int:
        """Segments that were taken and have not come back."""
        return self.next - len(self.outcomes) - len(self.said)

    @property
    def goes_with(self) -> Hashable:
        """Lots of equal value go in one batch."""
        job = self.job
        terms = (self.wish.terms, self.wish.agreed)
        return (
            id(self) if self.alone else (job.source_lang, job.target_lang, job.register, job.style, job.synopsis, terms)
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """Segments of one lot that are translated now."""

    lot: Lot
    start: int
    end: int


class Full(Exception):
    """Too much waits already; it is worth trying again after `wait` seconds."""

    def __init__(self, wait: float) -> None:
        self.wait = wait


class Queue:
    """The lots that wait.

    Args:
        most: characters that may wait for people.
    """

    def __init__(self, most: int = 200_000) -> None:
        self.most = {True: most, False: PAPERS}
        self.speed = 200.0
        """Characters a second, as measured of late."""
        self._lots: dict[Hashable, Lot] = {}
        self._waiting: dict[bool, OrderedDict[str, OrderedDict[Lot, None]]] = {
            True: OrderedDict(),
            False: OrderedDict(),
        }
        self._left: dict[tuple[bool, str], int] = {}
        self._total = {True: 0, False: 0}
        self._light_seen, self._turns = -math.inf, 0
        self._papers_seen = 0.0
        self._typical = 60.0

    # --- in and out ---------------------------------------------------------------------------------------------------

    @property
    def characters(self) -> int:
        """Characters that wait."""
        return sum(self._total.values())

    @property
    def lots(self) -> int:
        """Lots in flight: waiting or with the model."""
        return len(self._lots)

    def known(self, key: Hashable) -> Lot | None:
        """The equal lot in flight."""
        return self._lots.get(key)

    def admit(self, client: str, interactive: bool, size: int) -> None:
        """See whether so many characters more may wait.

        Raises:
            Full: they may not.
        """
        mine = self._left.get((interactive, client), 0)
        most = self.most[interactive]
        over = max(self._total[interactive] + size - most, mine + size - int(most * SHARE))
        if over > 0 and (mine or self._total[interactive]):  # alone, a request may be as large as a body may
            raise Full(min(60.0, max(1.0, over / self.speed)))

    def add(self, lot: Lot, now: float) -> None:
        """Let a lot wait (`admit` was asked)."""
        lot.since = now
        self._lots[lot.key] = lot
        if not lot.interactive and not self._waiting[False]:
            self._papers_seen = now
        if lot.segments:
            self._waiting[lot.interactive].setdefault(lot.client, OrderedDict())[lot] = None
            self._count(lot, lot.left)
        if self._is_light(lot):
            self._light_seen = now
            self._typical += 0.1 * (lot.left - self._typical)

    def drop(self, lot: Lot) -> None:
        """Forget a lot, done or not: of what was not taken nothing will be."""
        if self._lots.get(lot.key) is lot:
            del self._lots[lot.key]
        row = self._waiting[lot.interactive].get(lot.client)
        if row and lot in row:
            del row[lot]
            self._count(lot, -lot.left)
            lot.left = 0
            self._tidy(lot)

    def _count(self, lot: Lot, size: int) -> None:
        key = (lot.interactive, lot.client)
        self._total[lot.interactive] += size
        self._left[key] = self._left.get(key, 0) + size

    def _tidy(self, lot: Lot) -> None:
        if not self._waiting[lot.interactive].get(lot.client):
            self._waiting[lot.interactive].pop(lot.client, None)
            self._left.pop((lot.interactive, lot.client), None)

    # --- whose turn ---------------------------------------------------------------------------------------------------

    def _is_light(self, lot: Lot) -> bool:
        return lot.interactive and self._left.get((True, lot.client), 0) <= HEAVY

    def take(self, now: float) -> list[Slice]:
        """The next batch, [] where nothing can go now."""
        people = [client for client, row in self._waiting[True].items() if self._ready(row)]
        light = [client for client in people if self._left[True, client] <= HEAVY]
        heavy = [client for client in people if self._left[True, client] > HEAVY]
        papers = [client for client, row in self._waiting[False].items() if self._ready(row)]
        late = papers and now - self._papers_seen > PATIENCE
        if light and not (self._turns >= TURNS and (heavy or late)):
            self._light_seen, self._turns = now, self._turns + 1
            return self._fill(True, light, FULL)
        room = int(min(FULL, max(self._typical, QUIET * (now - self._light_seen) * self.speed)))
        self._turns = 0
        if papers and (late or not heavy):
            self._papers_seen = now
            return self._fill(False, papers, room)
        return self._fill(True, heavy, room) if heavy else []

    def _ready(self, row: Iterable[Lot]) -> bool:
        return any(not (lot.alone and lot.flying) for lot in row)

    def _fill(self, interactive: bool, clients: Sequence[str], room: int) -> list[Slice]:
        """A batch of at most `room` characters, a segment of each client in turn; one segment at the least."""
        taken: dict[Lot, list[int]] = {}
        kind: Hashable = None
        count = 0
        turning = deque(clients)
        while turning and count < MOST:
            client = turning.popleft()
            lot = self._front(interactive, client, kind)
            if lot is None:
                continue
            size = cost(lot.segments[lot.next])
            if count and size > room:
                break
            kind = lot.goes_with
            taken.setdefault(lot, []).append(lot.next)
            self._advance(lot, size)
            room, count = room - size, count + 1
            turning.append(client)
        for client in dict.fromkeys(lot.client for lot in taken):  # who was served goes last the next time
            if client in self._waiting[interactive]:
                self._waiting[interactive].move_to_end(client)
        return [Slice(lot, numbers[0], numbers[-1] + 1) for lot, numbers in taken.items()]

    def _front(self, interactive: bool, client: str, kind: Hashable) -> Lot | None:
        """The client's first lot that goes with the batch."""
        row = self._waiting[interactive].get(client, ())
        return next((lot for lot in row if (lot.goes_with == kind if kind is not None
                                            else not (lot.alone and lot.flying))), None)  # fmt: skip

    def _advance(self, lot: Lot, size: int) -> None:
        lot.next += 1
        lot.left -= size
        self._count(lot, -size)
        if lot.next == len(lot.segments):
            del self._waiting[lot.interactive][lot.client][lot]
            self._tidy(lot)

    def measured(self, characters: int, seconds: float) -> None:
        """Learn how fast the model is."""
        if seconds > 0:
            self.speed += 0.2 * (characters / seconds - self.speed)
