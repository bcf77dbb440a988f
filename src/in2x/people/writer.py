"""The one writer of events: whoever waits is served in one transaction (group commit), and told after the commit.

A save costs one flush of the disk, and a hundred that wait at once cost one together. An event that came twice is one:
`INSERT ... ON CONFLICT DO NOTHING` on (campaign, annotator, id).
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from in2x.people import schema
from in2x.people.database import writing
from in2x.people.fold import fields_of
from in2x.people.model import Event
from in2x.people.store import Store

MOST = 200
"""Requests that share a transaction at most."""
_CHUNK = 400
"""Events of one INSERT: twelve parameters each, far below SQLite's 32,766."""
_RACES = 20
"""How often a transaction is tried again when another process gave the same version to an event of its own."""


class NotSaved(Exception):
    """The database took nothing (disk full, gone): the page keeps its events and sends them again."""


@dataclass
class Saved:
    """What became of the events of one request, after the commit.

    Attributes:
        ids: of those that are in the store, whether now or before.
        versions: item -> its version.
        conflicts: item -> fields that this tab and another one have both set since the version this tab knew;
            an item whose other fields changed is there with none.
    """

    ids: list[str] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class _Request:
    campaign: str
    annotator: str
    events: Sequence[Event]
    known: Mapping[str, int]
    saved: Future[Saved] = field(default_factory=Future)


class Writer:
    """Takes events from any thread and saves them from its own."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine
        self._waiting: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="people-writer", daemon=True)
        self._thread.start()

    def submit(
        self, campaign: str, annotator: str, events: Sequence[Event], known: Mapping[str, int] | None = None
    ) -> Future[Saved]:
        """Save `events` of one annotator in this order.

        Args:
            campaign: name.
            annotator: id; that of the events does not matter.
            events: checked ones (`incoming.checked`); `server_time` and `version` are set here.
            known: item -> the version that the tab knew, for conflicts.

        Returns:
            A future that is done after the commit, or fails with NotSaved.
        """
        request = _Request(campaign, annotator, events, known or {})
        self._waiting.put(request)
        return request.saved

    def close(self) -> None:
        """Save what waits, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < MOST and batch[-1] is not None:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            requests = [one for one in batch if one is not None]
            if requests:
                self._serve(requests)
            if batch[-1] is None:
                return

    def _serve(self, requests: list[_Request]) -> None:
        try:
            saved = self._commit(requests)
        except SQLAlchemyError as error:
            if len(requests) > 1 and not isinstance(error, DBAPIError):
                for request in requests:  # one of them is at fault: the others shall not suffer
                    self._serve([request])
                return
            saved = [NotSaved(type(error).__name__)] * len(requests)
        except Exception as error:  # a bug of ours must not end the thread that everybody waits for
            saved = [error] * len(requests)
        for request, result in zip(requests, saved, strict=True):
            if isinstance(result, Saved):
                request.saved.set_result(result)
            else:
                request.saved.set_exception(result)

    def _commit(self, requests: list[_Request]) -> Sequence[Saved | Exception]:
        for attempt in range(_RACES):
            try:
                with writing(self._engine) as connection:
                    return _save(connection, requests)
            except IntegrityError:
                if attempt == _RACES - 1:
                    raise
        raise AssertionError("unreachable")


_Key = tuple[str, str, str]


def _save(connection: Connection, requests: list[_Request]) -> list[Saved]:
    c = schema.event.c
    there = _lookup(connection, select(c.campaign, c.annotator, c.id, c.item), (c.campaign, c.annotator, c.id),
                    {(r.campaign, r.annotator, e.id) for r in requests for e in r.events})  # fmt: skip
    seen = {(row[0], row[1], row[2]) for row in there}
    keys = {(r.campaign, r.annotator, e.item) for r in requests for e in r.events}
    newest = select(c.campaign, c.annotator, c.item, func.max(c.version)).group_by(c.campaign, c.annotator, c.item)
    versions: dict[_Key, int] = defaultdict(int)
    for row in _lookup(connection, newest, (c.campaign, c.annotator, c.item), keys):
        versions[row[0], row[1], row[2]] = row[3]
    others = _others(connection, requests, versions)
    now, rows, answers = time.time(), [], []
    for r in requests:
        saved = Saved()
        for e in r.events:
            saved.ids.append(e.id)
            key = (r.campaign, r.annotator, e.item)
            if (mark := (r.campaign, r.annotator, e.id)) not in seen:
                seen.add(mark)
                versions[key] += 1
                rows.append(
                    {"id": e.id, "campaign": r.campaign, "annotator": r.annotator, "item": e.item, "kind": e.kind,
                     "value": json.dumps(e.value, ensure_ascii=False, separators=(",", ":")),
                     "client_time": e.client_time, "server_time": now, "version": versions[key], "tab": e.tab,
                     "revision": e.revision}
                )  # fmt: skip
            saved.versions[e.item] = versions[key]
            if key in others:
                mine = fields_of(e.kind, e.value)
                both = saved.conflicts.setdefault(e.item, [])
                tabs = others[key].get(mine, set()) if mine else set()
                if mine and tabs - {e.tab} and mine not in both:
                    both.append(mine)
        answers.append(saved)
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for start in range(0, len(rows), _CHUNK):
        statement: Any = make(schema.event).values(rows[start : start + _CHUNK])
        connection.execute(statement.on_conflict_do_nothing(index_elements=["campaign", "annotator", "id"]))
    return answers


def _others(
    connection: Connection, requests: list[_Request], versions: Mapping[_Key, int]
) -> dict[_Key, dict[str | None, set[str]]]:
    """For each item on which another tab saved something that this one did not know: field -> tabs that set it."""
    c = schema.event.c
    behind: dict[_Key, tuple[int, str]] = {}
    for r in requests:
        for e in r.events:
            key = (r.campaign, r.annotator, e.item)
            if r.known.get(e.item, versions[key]) < versions[key]:
                behind[key] = (r.known[e.item], e.tab)
    found: dict[_Key, dict[str | None, set[str]]] = {}
    wanted = select(c.campaign, c.annotator, c.item, c.version, c.tab, c.kind, c.value)
    for row in _lookup(connection, wanted, (c.campaign, c.annotator, c.item), set(behind)) if behind else ():
        key = (row[0], row[1], row[2])
        known, tab = behind[key]
        if row[3] > known and row[4] != tab:
            set_by = found.setdefault(key, {})
            set_by.setdefault(fields_of(row[5], json.loads(row[6])), set()).add(row[4])
    return found


def _lookup(connection: Connection, wanted: Any, columns: tuple[Any, ...], keys: set[_Key]) -> list[Any]:
    listed = sorted(keys)
    rows: list[Any] = []
    for start in range(0, len(listed), _CHUNK):
        rows += connection.execute(wanted.where(tuple_(*columns).in_(listed[start : start + _CHUNK]))).all()
    return rows
