"""The annotator's side of the server: task, state, events, practice. The JSON is described in `API.md`."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from in2x.language import language
from in2x.people.fold import ItemState, shown_order
from in2x.people.incoming import Refused, asked, checked
from in2x.people.live import Live, Visitor
from in2x.people.model import Event, Item, Protocol, Screen
from in2x.people.practice import feedback
from in2x.people.writer import NotSaved, Writer
from in2x.web.guard import Fault, Rates

MOST_EVENTS = 500
"""Events of one call."""
CALLS = Rates(rate=20, burst=200)
"""Calls of one link: a key press a save, and a page that comes back after an hour offline."""
STRANGERS = Rates(rate=0.5, burst=30)
"""Calls from one address with links that are not good."""
RIGHT_TO_LEFT = {"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg"}


def router(live: Live, writer: Writer) -> APIRouter:
    """The routes under `/api`."""
    routes = APIRouter(prefix="/api")

    async def visitor(request: Request) -> Visitor:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Fault(401, "no-token", "give the token of your link: Authorization: Bearer ...")
        try:
            found = await run_in_threadpool(live.visitor, token)
        except Fault:
            STRANGERS.take(request.client.host if request.client else "")
            raise
        CALLS.take(f"{found.campaign}/{found.person.id}")
        return found

    @routes.get("/task")
    async def task(request: Request) -> Response:
        who = await visitor(request)
        return await run_in_threadpool(lambda: _json(_task(live, who)))

    @routes.get("/state")
    async def state(request: Request) -> Response:
        who = await visitor(request)
        return await run_in_threadpool(lambda: _json(_state(live, who)))

    @routes.post("/events")
    async def events(request: Request) -> Response:
        who = await visitor(request)
        taken, known, refused = _incoming(await _body(request), who)
        _check_open(who)
        saved = await _save(writer, who, taken, known)
        conflicts = []
        if saved.conflicts:
            states = await run_in_threadpool(_states, live, who)
            conflicts = [{"item": item, "version": states[item].version, "fields": fields,
                          "state": states[item].as_json()} for item, fields in saved.conflicts.items()]  # fmt: skip
        return _json({"saved": saved.ids, "versions": saved.versions, "refused": refused, "conflicts": conflicts})

    @routes.post("/practice/{item}")
    async def practice(item: str, request: Request) -> Response:
        who = await visitor(request)
        screen, found = who.place(item)
        if not screen.practice:
            raise Fault(404, "not-found", "this is no practice item")
        _check_open(who)
        states = await run_in_threadpool(_states, live, who)
        state = states.get(item, ItemState())
        entries = feedback(found, state)
        passed = all(entry["right"] for entry in entries)
        event = Event(str(uuid.uuid4()), who.person.id, item, "practice", {"passed": passed}, time.time(),
                      revision=who.known.loaded.revisions[screen.id])  # fmt: skip
        await _save(writer, who, [event], {})
        return _json({"passed": passed, "tries": state.tries + 1, "feedback": entries})

    return routes


def _json(value: Any) -> Response:
    return Response(json.dumps(value, ensure_ascii=False, separators=(",", ":")), media_type="application/json")


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Fault(400, "bad-request", "the body is no JSON") from None
    if not isinstance(body, dict):
        raise Fault(400, "bad-request", "the body is no object")
    return body


def _check_open(who: Visitor) -> None:
    if who.status != "open":
        raise Fault(409, who.status, f"the campaign is {who.status}; nothing is saved")


async def _save(writer: Writer, who: Visitor, events: list[Event], known: Mapping[str, int]) -> Any:
    try:
        return await asyncio.wrap_future(writer.submit(who.campaign, who.person.id, events, known))
    except NotSaved as error:
        raise Fault(
            503, "not-saved", f"the store takes nothing at the moment ({error}); keep your answers", 5
        ) from None


def _incoming(
    body: Mapping[str, Any], who: Visitor
) -> tuple[list[Event], dict[str, int], list[dict[str, str]]]:  # fmt: skip
    """Events that can be saved, item -> version the tab knew, and events that never can."""
    tab, given = body.get("tab", ""), body.get("events")
    if not isinstance(tab, str) or len(tab) > 64 or not tab.isprintable():
        raise Fault(400, "bad-request", "tab is a text of at most 64 characters")
    if not isinstance(given, list) or len(given) > MOST_EVENTS:
        raise Fault(400, "bad-request", f"events is a list of at most {MOST_EVENTS}")
    taken: list[Event] = []
    known: dict[str, int] = {}
    refused = []
    for number, one in enumerate(given):
        id = one.get("id") if isinstance(one, dict) else None
        if not isinstance(id, str) or not 8 <= len(id) <= 64 or not (id.isascii() and id.isprintable()):
            raise Fault(400, "bad-request", f"events[{number}] has no id of 8 to 64 characters")
        try:
            event, version = _event(one, id, tab, who)
        except Refused as why:
            refused.append({"id": id, "why": str(why)})
            continue
        taken.append(event)
        if version is not None:
            known.setdefault(event.item, version)
    return taken, known, refused


def _event(given: Mapping[str, Any], id: str, tab: str, who: Visitor) -> tuple[Event, int | None]:
    item, kind, at = given.get("item"), given.get("kind"), given.get("time", 0)
    version, revision = given.get("version"), given.get("revision")
    if not isinstance(item, str) or not isinstance(kind, str):
        raise Refused("it has no item and kind")
    try:
        screen, found = who.place(item)
    except Fault as fault:
        raise Refused(fault.message) from None
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 <= at < 1e12:
        at = 0
    latest = who.known.loaded.revisions[screen.id]
    seen = who.known.loaded.older.get(screen.id, {}).get(revision) if isinstance(revision, int) else None
    if seen is None:
        revision = latest
    else:
        found = next(one for one in seen.items if one.id == item)
    value = checked(kind, given.get("value"), found, who.known.loaded.campaign.protocol)
    whole = isinstance(version, int) and not isinstance(version, bool)
    return Event(id, who.person.id, item, kind, value, float(at), tab=tab, revision=revision), (  # type: ignore[arg-type]
        version if whole else None
    )


def _states(live: Live, who: Visitor) -> dict[str, ItemState]:
    return live.store.states(who.known.loaded, who.person.id).get(who.person.id, {})


def _state(live: Live, who: Visitor) -> dict[str, Any]:
    states = _states(live, who)
    practice = {item: {"passed": s.passed, "tries": s.tries} for item, s in states.items() if s.tries}
    return {"items": {item: state.as_json() for item, state in states.items()}, "practice": practice}


def _task(live: Live, who: Visitor) -> dict[str, Any]:
    campaign = who.known.loaded.campaign
    states = _states(live, who)
    by_id = {screen.id: screen for screen in campaign.screens}
    screens = sorted((by_id[name] for name in who.person.screens), key=lambda screen: not screen.practice)
    items = [item for screen in screens for item in screen.items]
    seconds = sum(state.seconds or 0.0 for state in states.values())
    budget = campaign.budget_seconds
    return {
        "campaign": campaign.id, "title": dict(campaign.title), "guidelines": dict(campaign.guidelines),
        "source_lang": campaign.source_lang, "target_lang": campaign.target_lang,
        "direction": {"source": _direction(campaign.source_lang), "target": _direction(campaign.target_lang)},
        "interface": list(campaign.interface), "annotator": who.person.id, "status": who.status,
        "protocol": _protocol(campaign.protocol),
        "progress": {"done": sum(states[i.id].done for i in items if i.id in states), "total": len(items),
                     "seconds": seconds, "budget_seconds": budget,
                     "seconds_left": max(0.0, budget - seconds) if budget else None},
        "screens": [_screen(screen, who, states) for screen in screens],
    }  # fmt: skip


def _direction(code: str) -> str:
    return "rtl" if language(code).scripts[0] in RIGHT_TO_LEFT else "ltr"


def _protocol(protocol: Protocol) -> dict[str, Any]:
    questions = [
        {"name": q.name, "text": dict(q.text), "phenomena": list(q.phenomena), "before_source": q.before_source,
         "why": q.why, "choices": [{"value": c.value, "label": dict(c.label)} for c in q.choices]}
        for q in protocol.questions
    ]  # fmt: skip
    return {"score": protocol.score, "spans": protocol.spans, "severities": list(protocol.severities),
            "categories": list(protocol.categories), "rank": protocol.rank, "source": protocol.source,
            "questions": questions}  # fmt: skip


def _screen(screen: Screen, who: Visitor, states: Mapping[str, ItemState]) -> dict[str, Any]:
    revision = who.known.loaded.revisions[screen.id]
    items = [_item(item, who, states.get(item.id, ItemState()), revision) for item in screen.items]
    return {"id": screen.id, "domain": screen.domain, "practice": screen.practice, "items": items}


def _item(item: Item, who: Visitor, state: ItemState, revision: int) -> dict[str, Any]:
    loaded = who.known.loaded
    protocol = loaded.campaign.protocol
    return {
        "id": item.id, "source": "" if protocol.source == "hidden" else item.source, "speaker": item.speaker,
        "listener": item.listener, "relation": item.relation, "note": item.note,
        "questions": [q.name for q in protocol.questions if asked(q, item)], "version": state.version,
        "revision": revision, "changed": state.changed,
        "candidates": [{"id": c.id, "text": c.text} for c in shown_order(item, who.person.id, loaded.seed)],
    }  # fmt: skip
