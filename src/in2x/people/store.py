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

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, Engine, Row, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from in2x.errors import In2xError, UsageError
from in2x.people import schema
from in2x.people.database import connect, writing
from in2x.people.fold import ItemState, fold, judgements
from in2x.people.model import Campaign, Event, Item, Judgement, Screen
from in2x.people.tokens import hashed, new_token

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


@dataclass(frozen=True)
class Person:
    """An annotator of a campaign, for the organiser."""

    id: str
    note: str
    status: str
    screens: tuple[str, ...]
    """Assigned screens in order, withdrawn ones left out."""
    links: int
    """Invitations that are still good."""


@dataclass(frozen=True)
class Invitation:
    """What a token stands for."""

    campaign: str
    annotator: str
    expires: float | None
    revoked: float | None


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
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
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
                _insert(connection, schema.screen, [
                    {"campaign": campaign.id, "id": s.id, "revision": 0, "position": at,
                     "body": _SCREEN.dump_json(s).decode()} for at, s in enumerate(campaign.screens)])  # fmt: skip
                _insert(connection, schema.annotator, [
                    {"campaign": campaign.id, "id": person, "note": "", "status": "active"}
                    for person in assignments])  # fmt: skip
                _insert(connection, schema.assignment, [
                    {"campaign": campaign.id, "annotator": person, "screen": screen, "position": at,
                     "withdrawn": False}
                    for person, screens in assignments.items() for at, screen in enumerate(screens)])  # fmt: skip
                _note(connection, campaign.id, "created", {"screens": len(campaign.screens), "seed": seed,
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
            _changed(connection, name, status=status)
            _note(connection, name, status, {})

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
        changed = [screen for screen in screens if screen != now[screen.id]]
        if not changed:
            return
        order = {screen: at for at, screen in enumerate(now)}
        with writing(self.engine) as connection:
            _insert(connection, schema.screen, [
                {"campaign": name, "id": s.id, "revision": loaded.revisions[s.id] + 1, "position": order[s.id],
                 "body": _SCREEN.dump_json(s).decode()} for s in changed])  # fmt: skip
            _changed(connection, name)
            _note(connection, name, "edited", {"screens": [s.id for s in changed]})

    # People and links

    def people(self, name: str) -> list[Person]:
        """The annotators of a campaign, by id."""
        now = time.time()
        i, a = schema.invitation.c, schema.assignment.c
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(schema.annotator).where(schema.annotator.c.campaign == name).order_by(schema.annotator.c.id)
            ).all()
            links = {person: count for person, count in connection.execute(
                select(i.annotator, func.count()).where(i.campaign == name, i.revoked.is_(None),
                                                        (i.expires.is_(None)) | (i.expires > now))
                .group_by(i.annotator)).tuples()}  # fmt: skip
            screens: dict[str, list[str]] = defaultdict(list)
            for person, screen in connection.execute(
                select(a.annotator, a.screen).where(a.campaign == name, ~a.withdrawn).order_by(a.position, a.screen)
            ).tuples():
                screens[person].append(screen)
        return [Person(r.id, r.note, r.status, tuple(screens[r.id]), links.get(r.id, 0)) for r in rows]

    def person(self, name: str, annotator: str) -> Person:
        """One annotator. Raises UsageError where there is none of this id."""
        found = next((one for one in self.people(name) if one.id == annotator), None)
        if found is None:
            raise UsageError(f"{name} has no annotator {annotator!r}", mend="give one that the admin page lists")
        return found

    def add_annotator(self, name: str, annotator: str, screens: Sequence[str], note: str = "") -> None:
        """A further annotator with these screens. Raises UsageError where the id is taken."""
        try:
            with writing(self.engine) as connection:
                connection.execute(insert(schema.annotator).values(
                    campaign=name, id=annotator, note=note, status="active"))  # fmt: skip
                _insert(connection, schema.assignment, [
                    {"campaign": name, "annotator": annotator, "screen": screen, "position": at, "withdrawn": False}
                    for at, screen in enumerate(screens)])  # fmt: skip
                _changed(connection, name)
                _note(connection, name, "annotator", {"annotator": annotator, "screens": len(screens)})
        except IntegrityError:
            raise UsageError(f"{name} has an annotator {annotator!r} already", mend="choose another id") from None

    def set_annotator(self, name: str, annotator: str, status: str) -> None:
        """Pause one annotator ("paused") or let them go on ("active")."""
        self.person(name, annotator)
        c = schema.annotator.c
        with writing(self.engine) as connection:
            connection.execute(
                update(schema.annotator).where(c.campaign == name, c.id == annotator).values(status=status)
            )
            _changed(connection, name)
            _note(connection, name, f"annotator {status}", {"annotator": annotator})

    def reassign(self, name: str, screens: Sequence[str], giver: str, taker: str) -> None:
        """Screens of one annotator go to another; what the first said of them stays in the store and in results.

        Raises:
            UsageError: a screen is not the giver's, or the taker has it already or is another one.
        """
        a = schema.assignment.c
        mine, theirs = self.person(name, giver).screens, self.person(name, taker).screens
        for screen in screens:
            if screen not in mine:
                raise UsageError(f"{giver} has no screen {screen!r}", mend="give one that is assigned to them")
            if screen in theirs:
                raise UsageError(f"{taker} has the screen {screen!r} already", mend="choose another annotator")
        with writing(self.engine) as connection:
            last = connection.scalar(select(func.max(a.position)).where(a.campaign == name, a.annotator == taker)) or 0
            for at, screen in enumerate(screens, start=1):
                connection.execute(update(schema.assignment)
                                   .where(a.campaign == name, a.annotator == giver, a.screen == screen)
                                   .values(withdrawn=True))  # fmt: skip
                again = connection.execute(update(schema.assignment)
                                           .where(a.campaign == name, a.annotator == taker, a.screen == screen)
                                           .values(withdrawn=False, position=last + at))  # fmt: skip
                if not again.rowcount:
                    connection.execute(insert(schema.assignment).values(
                        campaign=name, annotator=taker, screen=screen, position=last + at, withdrawn=False))  # fmt: skip
            _changed(connection, name)
            _note(connection, name, "reassigned", {"screens": list(screens), "from": giver, "to": taker})

    def invite(self, name: str, annotator: str, days: float | None = None) -> str:
        """A new token for an annotator, good for `days`; it is shown once and kept as its hash."""
        self.person(name, annotator)
        token, now = new_token(), time.time()
        with writing(self.engine) as connection:
            connection.execute(insert(schema.invitation).values(
                hash=hashed(token), campaign=name, annotator=annotator, created=now,
                expires=None if days is None else now + days * 86400, revoked=None))  # fmt: skip
            _note(connection, name, "invited", {"annotator": annotator, "days": days})
        return token

    def revoke(self, name: str, annotator: str) -> int:
        """Make every link of an annotator useless. Returns how many were good."""
        i = schema.invitation.c
        with writing(self.engine) as connection:
            count = connection.execute(
                update(schema.invitation)
                .where(i.campaign == name, i.annotator == annotator, i.revoked.is_(None))
                .values(revoked=time.time())
            ).rowcount
            _changed(connection, name)
            _note(connection, name, "revoked", {"annotator": annotator, "links": count})
        return count

    def invitation(self, token: str) -> Invitation | None:
        """What `token` stands for, good or not; None where it was never given."""
        with self.engine.connect() as connection:
            row = connection.execute(
                select(schema.invitation).where(schema.invitation.c.hash == hashed(token))
            ).one_or_none()
        return row and Invitation(row.campaign, row.annotator, row.expires, row.revoked)

    def new_admin_token(self, *, only: bool = False) -> str:
        """A new token for the organiser, shown once; `only`: the earlier ones are no longer good."""
        token = new_token()
        with writing(self.engine) as connection:
            if only:
                connection.execute(schema.admin.delete())
            connection.execute(insert(schema.admin).values(hash=hashed(token), created=time.time()))
            _note(connection, "", "admin token", {"only": only})
        return token

    def is_admin(self, token: str) -> bool:
        """Whether `token` is an organiser's."""
        with self.engine.connect() as connection:
            return (
                connection.scalar(select(schema.admin.c.hash).where(schema.admin.c.hash == hashed(token))) is not None
            )

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
        """The results of a campaign, practice among them (by `role`): rows of the finished items, by annotator and item.

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
            _note(connection, name, action, detail)


def event_of(row: Row[Any]) -> Event:
    """The event of a row of the table."""
    return Event(row.id, row.annotator, row.item, row.kind, json.loads(row.value), row.client_time, row.server_time,
                 row.version, row.tab, row.revision)  # fmt: skip


def parse_campaign(raw: bytes | str) -> Campaign:
    """A campaign from its JSON. Raises In2xError where it is none."""
    try:
        return _CAMPAIGN.validate_json(raw)
    except ValidationError as error:
        fault = error.errors()[0]
        raise In2xError(f"no campaign: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


def _insert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(rows), 500):
        connection.execute(insert(table), list(rows[start : start + 500]))


def _changed(connection: Connection, name: str, **values: Any) -> None:
    c = schema.campaign.c
    done = connection.execute(update(schema.campaign).where(c.id == name).values(changes=c.changes + 1, **values))
    if not done.rowcount:
        raise UsageError(f"there is no campaign {name!r}", mend="give the name of one that the store holds")


def _note(connection: Connection, name: str, action: str, detail: Mapping[str, Any]) -> None:
    connection.execute(insert(schema.audit).values(
        time=time.time(), campaign=name, action=action, detail=json.dumps(detail, ensure_ascii=False)))  # fmt: skip
