"""The people of a campaign: who has which screens, the links they come by, and the organiser's own tokens."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from in2x.errors import UsageError
from in2x.people import schema
from in2x.people.database import writing
from in2x.people.ledger import changed, insert_rows, note
from in2x.people.store import Store
from in2x.people.tokens import hashed, new_token


@dataclass(frozen=True)
class Person:
    """An annotator of a campaign, for the organiser."""

    id: str
    note: str
    status: str
    screens: tuple[str, ...]
    """Assigned screens in order."""
    withdrawn: tuple[str, ...]
    """Screens that went to others; what is still on its way for them is taken."""
    links: int
    """Invitations that are still good."""


@dataclass(frozen=True)
class Invitation:
    """What a token stands for."""

    campaign: str
    annotator: str
    expires: float | None
    revoked: float | None


class Roster:
    """The people in a store."""

    def __init__(self, store: Store) -> None:
        self.engine = store.engine

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
            screens: dict[tuple[str, bool], list[str]] = defaultdict(list)
            for person, screen, withdrawn in connection.execute(
                select(a.annotator, a.screen, a.withdrawn).where(a.campaign == name).order_by(a.position, a.screen)
            ).tuples():
                screens[person, withdrawn].append(screen)
        return [
            Person(r.id, r.note, r.status, tuple(screens[r.id, False]), tuple(screens[r.id, True]), links.get(r.id, 0))
            for r in rows
        ]

    def person(self, name: str, annotator: str) -> Person:
        """One annotator. Raises UsageError where there is none of this id."""
        found = next((one for one in self.people(name) if one.id == annotator), None)
        if found is None:
            raise UsageError(f"{name} has no annotator {annotator!r}", mend="give one that the admin page lists")
        return found

    def add_annotator(self, name: str, annotator: str, screens: Sequence[str], remark: str = "") -> None:
        """A further annotator with these screens. Raises UsageError where the id is taken."""
        try:
            with writing(self.engine) as connection:
                connection.execute(insert(schema.annotator).values(
                    campaign=name, id=annotator, note=remark, status="active"))  # fmt: skip
                insert_rows(connection, schema.assignment, [
                    {"campaign": name, "annotator": annotator, "screen": screen, "position": at, "withdrawn": False}
                    for at, screen in enumerate(screens)])  # fmt: skip
                changed(connection, name)
                note(connection, name, "annotator", {"annotator": annotator, "screens": len(screens)})
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
            changed(connection, name)
            note(connection, name, f"annotator {status}", {"annotator": annotator})

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
                    insert_rows(connection, schema.assignment, [
                        {"campaign": name, "annotator": taker, "screen": screen, "position": last + at,
                         "withdrawn": False}])  # fmt: skip
            changed(connection, name)
            note(connection, name, "reassigned", {"screens": list(screens), "from": giver, "to": taker})

    def invite(self, name: str, annotator: str, days: float | None = None) -> str:
        """A new token for an annotator, good for `days`; it is shown once and kept as its hash."""
        self.person(name, annotator)
        token, now = new_token(), time.time()
        with writing(self.engine) as connection:
            connection.execute(insert(schema.invitation).values(
                hash=hashed(token), campaign=name, annotator=annotator, created=now,
                expires=None if days is None else now + days * 86400, revoked=None))  # fmt: skip
            note(connection, name, "invited", {"annotator": annotator, "days": days})
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
            changed(connection, name)
            note(connection, name, "revoked", {"annotator": annotator, "links": count})
        return count

    def invitation(self, token: str) -> Invitation | None:
        """What `token` stands for, good or not; None where it was never given."""
        with self.engine.connect() as connection:
            row = connection.execute(
                select(schema.invitation).where(schema.invitation.c.hash == hashed(token))
            ).one_or_none()
        return None if row is None else Invitation(row.campaign, row.annotator, row.expires, row.revoked)

    def new_admin_token(self, *, only: bool = False) -> str:
        """A new token for the organiser, shown once; `only`: the earlier ones are no longer good."""
        token = new_token()
        with writing(self.engine) as connection:
            if only:
                connection.execute(schema.admin.delete())
            connection.execute(insert(schema.admin).values(hash=hashed(token), created=time.time()))
            note(connection, "", "admin token", {"only": only})
        return token

    def is_admin(self, token: str) -> bool:
        """Whether `token` is an organiser's."""
        with self.engine.connect() as connection:
            return (
                connection.scalar(select(schema.admin.c.hash).where(schema.admin.c.hash == hashed(token))) is not None
            )

    def has_admin(self) -> bool:
        """Whether there is a token of an organiser."""
        with self.engine.connect() as connection:
            return connection.scalar(select(schema.admin.c.hash).limit(1)) is not None
