"""What a running server knows of a store without asking for each request: campaigns, people, links.

Another process (a command) may edit the store at any time; a counter in it tells, and is asked at most twice a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from in2x.people.model import Item, Screen
from in2x.people.roster import Invitation, Person, Roster
from in2x.people.store import Loaded, Store
from in2x.web.guard import Fault

FRESH = 0.5
"""Seconds for which what was read from the store is taken to be so."""


@dataclass(frozen=True)
class Known:
    """A campaign and its people at one moment."""

    loaded: Loaded
    people: Mapping[str, Person]
    places: Mapping[str, tuple[Screen, Item]]


@dataclass(frozen=True)
class Visitor:
    """Who asks: an annotator by a good link."""

    known: Known
    person: Person

    @property
    def campaign(self) -> str:
        """Name of the campaign."""
        return self.known.loaded.campaign.id

    @property
    def status(self) -> str:
        """ "open", "paused" or "closed"; paused too where this annotator alone is."""
        status = self.known.loaded.status
        return "paused" if status == "open" and self.person.status == "paused" else status

    def place(self, item: str) -> tuple[Screen, Item]:
        """An item of this annotator's, also of a screen that was withdrawn. Raises Fault (404)."""
        place = self.known.places.get(item)
        if place is None or place[0].id not in (*self.person.screens, *self.person.withdrawn):
            raise Fault(404, "not-found", f"there is no item {item[:40]!r} for you")
        return place


class Live:
    """The store as the server sees it; safe to use from several threads."""

    def __init__(self, store: Store) -> None:
        self.store, self.roster = store, Roster(store)
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}
        self._asked: dict[str, float] = {}
        self._links: dict[str, Invitation] = {}

    def known(self, campaign: str) -> Known:
        """The campaign as it is now, give or take `FRESH` seconds. Raises UsageError where there is none."""
        found = self._known.get(campaign)
        if found is not None and time.monotonic() - self._asked[campaign] < FRESH:
            return found
        with self._lock:
            return self._read(campaign)

    def _read(self, campaign: str) -> Known:
        found = self._known.get(campaign)
        if found is None or self.store.changes(campaign) != found.loaded.changes:
            self._links = {token: link for token, link in self._links.items() if link.campaign != campaign}
            loaded = self.store.load(campaign)
            people = {person.id: person for person in self.roster.people(campaign)}
            found = self._known[campaign] = Known(loaded, people, loaded.places())
        self._asked[campaign] = time.monotonic()
        return found

    def forget(self, campaign: str) -> None:
        """Read the campaign anew at the next request: this server has just changed it."""
        self._asked[campaign] = float("-inf")

    def visitor(self, token: str) -> Visitor:
        """Whose link `token` is. Raises Fault (401, 403) where it is no good one."""
        link = self._links.get(token)
        if link is not None:
            known = self.known(link.campaign)
            link = self._links.get(token)  # gone, if the campaign has changed
        if link is None:
            link = self.roster.invitation(token)
            if link is None:
                raise Fault(401, "unknown-link", "this link is not known")
            known = self.known(link.campaign)
            self._links[token] = link
        if link.revoked is not None:
            raise Fault(403, "revoked-link", "this link was withdrawn; ask for another one")
        if link.expires is not None and time.time() > link.expires:
            raise Fault(403, "expired-link", "this link has expired; ask for another one")
        return Visitor(known, known.people[link.annotator])
