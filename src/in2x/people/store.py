"""The store: campaigns, people, links, assignments and events in one database (SQLite or PostgreSQL).

Reading and the organiser's doings are here; events come in through `writer.py`, many at once.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter
from sqlalchemy import Engine, Row, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from in2x.errors import UsageError
from in2x.people import schema
from in2x.people.database import connect, writing
from in2x.people.fold import ItemState, fold, judgements
from in2x.people.ledger import changed, insert_rows, note
from in2x.people.model import Campaign, Event, Item, Judgement, Screen

_CAMPAIGN, _SCREEN = TypeAdapter(Campaign), TypeAdapter(Screen)
Status = str
"""Of a campaign: "open", "paused" or "closed"."""


@dataclass(frozen=True)
class Loaded:
    """A campaign as it is now, with what its events are read against.

    Attributes:
        campaign: with the latest revision of each screen.
        status: "open", "paused" or "closed".
        seed: of the order in which candidates are shown.
        changes: counter of edits.
        revisions: screen id -> its latest revision.
        older: screen id -> revision -> the screen at that revision, for those that were edited.
    """

    campaign: Campaign
    status: Status
    seed: int
    changes: int
    revisions: Mapping[str, int]
    older: Mapping[str, Mapping[int, Screen]]

    def places(self) -> dict[str, tuple[Screen, Item]]:
        """Every item by id, with its screen."""
        return {item.id: (screen, item) for screen in self.campaign.screens for item in screen.items}

    def state(self, screen: Screen, item: Item, events: Iterable[Event]) -> ItemState:
        """The fold of `events`, those of one annotator on `item`."""
        older = {
            number: found
            for number, old in self.older.get(screen.id, {}).items()
            if (found := next((one for one in old.items if one.id == item.id), None)) is not None
        }
        before = frozenset(q.name for q in self.campaign.protocol.questions if q.before_source)
        return fold(events, item, self.revisions[screen.id], older, before)


class Store:
    """An open store; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, store: str | Path, *, create: bool = False) -> Self:
        """Open `store` (a file or a URL) and bring its tables up to date. Raises In2xError: see `database.connect`."""
        return cls(connect(str(store), create=create))

    def close(self) -> None:
        """Let go of the database."""
        with suppress(DBAPIError):
            self.engine.dispose()

    def __enter__(self) -> Self:
        """The store, closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        """Close it."""
        self.close()

    # Campaigns

    def add_campaign(
        self, campaign: Campaign, assignments: Mapping[str, Sequence[str]], *, seed: int = 0, status: Status = "open"
    ) -> None:
        """Add a campaign with its people, whole or not at all.

        Args:
            campaign: the campaign.
            assignments: annotator -> screen ids in order of work.
            seed: of the order in which candidates are shown.
            status: at first.

        Raises:
            UsageError: there is a campaign of this name.
        """
        known = {screen.id for screen in campaign.screens}
        if strange := {screen for screens in assignments.values() for screen in screens} - known:
            raise ValueError(f"assignments name screens that are not there: {sorted(strange)}")
        body = _CAMPAIGN.dump_json(replace(campaign, screens=())).decode()
        try:
            with writing(self.engine) as connection:
                connection.execute(insert(schema.campaign).values(
                    id=campaign.id, body=body, status=status, seed=seed, changes=0, created=time.time()))  # fmt: skip
                insert_rows(connection, schema.screen, [
                    {"campaign": campaign.id, "id": s.id, "revision": 0, "position": at,
                     "body": _SCREEN.dump_json(s).decode()} for at, s in enumerate(campaign.screens)])  # fmt: skip
                insert_rows(connection, schema.annotator, [
                    {"campaign": campaign.id, "id": person, "note": "", "status": "active"}
                    for person in assignments])  # fmt: skip
                insert_rows(connection, schema.assignment, [
                    {"campaign": campaign.id, "annotator": person, "screen": screen, "position": at,
                     "withdrawn": False}
                    for person, screens in assignments.items() for at, screen in enumerate(screens)])  # fmt: skip
                note(connection, campaign.id, "created", {"screens": len(campaign.screens), "seed": seed,
                                                           "annotators": len(assignments)})  # fmt: skip
        except IntegrityError:
            raise UsageError(f"the store has a campaign {campaign.id!r} already", mend="choose another name") from None

    def campaigns(self) -> list[str]:
        """Names of the campaigns, oldest first."""
        with self.engine.connect() as connection:
            return list(connection.scalars(select(schema.campaign.c.id).order_by(schema.campaign.c.created)))

    def the_campaign(self, name: str | None = None) -> str:
        """`name`, or the only campaign. Raises UsageError where it is not there or not clear which one is meant."""
        names = self.campaigns()
        if name is None and len(names) == 1:
            return names[0]
        if name not in names:
            listed = ", ".join(names) or "none"
            what = "the store has several campaigns" if name is None and names else f"there is no campaign {name!r}"
            raise UsageError(what if names else "the store has no campaign", mend=f"campaigns in it: {listed}")
        return name

    def campaign(self, name: str) -> Campaign:
        """The campaign `name` as it is now. Raises UsageError where there is none."""
        return self.load(name).campaign

    def load(self, name: str) -> Loaded:
        """The campaign `name` with its status and earlier revisions. Raises UsageError where there is none."""
        with self.engine.connect() as connection:
            row = connection.execute(select(schema.campaign).where(schema.campaign.c.id == name)).one_or_none()
            screens = connection.execute(
                select(schema.screen)
                .where(schema.screen.c.campaign == name)
                .order_by(schema.screen.c.position, schema.screen.c.revision)
            ).all()
        if row is None:
            raise UsageError(f"there is no campaign {name!r}", mend=f"campaigns: {', '.join(self.campaigns())}")
        older: dict[str, dict[int, Screen]] = defaultdict(dict)
        for one in screens:
            older[one.id][one.revision] = _SCREEN.validate_json(one.body)
        latest = {screen: max(revisions) for screen, revisions in older.items()}
        campaign = replace(
            _CAMPAIGN.validate_json(row.body), screens=tuple(older[s][number] for s, number in latest.items())
        )
        edited = {screen: revisions for screen, revisions in older.items() if len(revisions) > 1}
        return Loaded(campaign, row.status, row.seed, row.changes, latest, edited)

    def changes(self, name: str) -> int:
        """How often the campaign was edited: cheap to ask, and another number means `load` again."""
        with self.engine.connect() as connection:
            return connection.scalar(select(schema.campaign.c.changes).where(schema.campaign.c.id == name)) or 0

    def set_status(self, name: str, status: Status) -> None:
        """Open, pause or close a campaign."""
        with writing(self.engine) as connection:
            changed(connection, name, status=status)
            note(connection, name, status, {})

    def edit(self, name: str, screens: Sequence[Screen]) -> None:
        """Lay a new revision of these screens beside the old; annotators are told that their item has changed.

        Raises:
            UsageError: a screen is not in the campaign, or its items are others than before.
        """
        loaded = self.load(name)
        now = {screen.id: screen for screen in loaded.campaign.screens}
        for screen in screens:
            if screen.id not in now or [i.id for i in screen.items] != [i.id for i in now[screen.id].items]:
                raise UsageError(f"screen {screen.id!r} has other items than in the campaign",
                                 mend="change texts, not items")  # fmt: skip
        edited = [screen for screen in screens if screen != now[screen.id]]
        if not edited:
            return
        order = {screen: at for at, screen in enumerate(now)}
        with writing(self.engine) as connection:
            insert_rows(connection, schema.screen, [
                {"campaign": name, "id": s.id, "revision": loaded.revisions[s.id] + 1, "position": order[s.id],
                 "body": _SCREEN.dump_json(s).decode()} for s in edited])  # fmt: skip
            changed(connection, name)
            note(connection, name, "edited", {"screens": [s.id for s in edited]})

    def reword(self, name: str, item: str, candidate: str, text: str) -> None:
        """Give the source of an item (`candidate` is "") or one of its candidates another text.

        Raises:
            UsageError: there is no such item or candidate, or the text is empty.
        """
        place = self.load(name).places().get(item)
        if place is None or candidate not in ("", *(one.id for one in place[1].candidates)):
            raise UsageError(f"there is no {candidate or 'item'} in {item!r}", mend="give ids as the page lists them")
        if not text.strip():
            raise UsageError("the new text is empty", mend="write it, or pause the campaign")
        screen, old = place
        if candidate:
            texts = tuple(replace(one, text=text) if one.id == candidate else one for one in old.candidates)
            new = replace(old, candidates=texts)
        else:
            new = replace(old, source=text)
        self.edit(name, [replace(screen, items=tuple(new if one.id == item else one for one in screen.items))])

    # Events and results

    def events(self, name: str, annotator: str | None = None) -> Iterator[Event]:
        """Events of a campaign (of one annotator, if given) by annotator and item, in the order of saving."""
        c = schema.event.c
        wanted = select(schema.event).where(c.campaign == name).order_by(c.annotator, c.item, c.version)
        if annotator is not None:
            wanted = wanted.where(c.annotator == annotator)
        with self.engine.connect() as connection:
            for row in connection.execute(wanted):
                yield event_of(row)

    def states(self, loaded: Loaded, annotator: str | None = None) -> dict[str, dict[str, ItemState]]:
        """Annotator -> item -> state, of those who have said anything."""
        by: dict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in self.events(loaded.campaign.id, annotator):
            by[event.annotator, event.item].append(event)
        places = loaded.places()
        found: dict[str, dict[str, ItemState]] = defaultdict(dict)
        for (person, item), events in by.items():
            found[person][item] = loaded.state(*places[item], events)
        return found

    def judgements(self, name: str, *, unfinished: bool = False) -> list[Judgement]:
        """The results of a campaign, practice among them (by `role`): rows of finished items, by annotator and item.

        `unfinished`: also those of items that are not finished.
        """
        loaded = self.load(name)
        places = loaded.places()
        rows: list[Judgement] = []
        for person, items in sorted(self.states(loaded).items()):
            for item, state in items.items():
                if state.done or unfinished:
                    rows += judgements(loaded.campaign, *places[item], person, state, loaded.seed)
        return rows

    def audit(self, name: str) -> list[dict[str, Any]]:
        """What the organiser did, latest first: [{"time", "action", "detail"}]."""
        c = schema.audit.c
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(schema.audit).where(c.campaign.in_((name, ""))).order_by(c.seq.desc())
            ).all()
        return [{"time": row.time, "action": row.action, "detail": json.loads(row.detail)} for row in rows]

    def note(self, name: str, action: str, detail: Mapping[str, Any]) -> None:
        """Add to the audit log what no other method here did (an export, an item that was opened again)."""
        with writing(self.engine) as connection:
            note(connection, name, action, detail)


def event_of(row: Row[Any]) -> Event:
    """The event of a row of the table."""
    return Event(row.id, row.annotator, row.item, row.kind, json.loads(row.value), row.client_time, row.server_time,
                 row.version, row.tab, row.revision)  # fmt: skip
