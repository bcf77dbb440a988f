"""The organiser's side of the server: how the campaign stands, and what can be done about it.

Pages that work without script (a small one keeps them live), and the same as JSON:

    GET  /admin                                  campaigns; asks for the token first
    GET  /admin/CAMPAIGN                         one campaign, drawn anew every 5 seconds
    GET  /admin/CAMPAIGN/analysis                who is better, how sure it is, what to read first
    POST /admin/CAMPAIGN/ACTION                  a form of that page
    GET  /admin/api/CAMPAIGN                     the same as JSON (`progress.Standing`)
    GET  /admin/api/CAMPAIGN/judgements.jsonl    the results, one `Judgement` a line
    POST /admin/api/CAMPAIGN/ACTION              {"annotator": ..., ...} -> {"done": sentence, "link"?: path}

    ACTION    what it takes
    open, pause, close
    invite    annotator, days ("" for ever)         -> a link, shown once
    revoke    annotator
    rest      annotator: this one pauses            wake: goes on
    add       annotator (a new id), screens (a number), note
    reassign  annotator (from), to, screens (ids parted by spaces; none: all that they have not begun)
    reopen    annotator, item
    edit      item, candidate ("": the source), text: annotators are told, and what they said of the old text stays
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from in2x.errors import In2xError, UsageError
from in2x.pages.environment import environment
from in2x.people.assignment import further
from in2x.people.live import Live
from in2x.people.model import Event
from in2x.people.progress import standing
from in2x.people.writer import Writer
from in2x.records import sound
from in2x.web.guard import Fault, Rates, self_contained

COOKIE = "in2x_admin"
TRIES = Rates(rate=0.2, burst=10)
"""Wrong tokens from one address."""
_TURNS = {"open": "open", "pause": "paused", "close": "closed"}


def router(live: Live, writer: Writer) -> APIRouter:
    """The routes under `/admin`."""
    routes = APIRouter(prefix="/admin")
    templates = environment()
    store, roster = live.store, live.roster

    async def admitted(request: Request) -> bool:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = bearer if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
        known = bool(token) and await run_in_threadpool(lambda: roster.is_admin(token))
        if token and not known:
            TRIES.take(request.client.host if request.client else "")
        return known

    async def demand(request: Request) -> None:
        if not await admitted(request):
            raise Fault(401, "no-token", "give the organiser's token: Authorization: Bearer ...")

    def render(name: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(templates.get_template(f"people/templates/{name}.html.jinja").render(**values), status)

    async def page(campaign: str, said: str = "", link: str = "") -> Response:
        def draw() -> Response:
            known = live.known(campaign)
            return render("admin", now=standing(store, known), audit=store.audit(campaign)[:50], said=said, link=link,
                          people=known.people, places=known.places, clock=_clock)  # fmt: skip

        return await run_in_threadpool(draw)

    @routes.get("")
    async def home(request: Request) -> Response:
        if not await admitted(request):
            return render("login", 401, wrong=False)
        return render("campaigns", names=await run_in_threadpool(store.campaigns))

    @routes.post("/login")
    async def login(request: Request) -> Response:
        token = (await _form(request)).get("token", "").strip()
        if not await run_in_threadpool(lambda: roster.is_admin(token)):
            TRIES.take(request.client.host if request.client else "")
            return render("login", 401, wrong=True)
        answer = RedirectResponse("/admin", 303)
        answer.set_cookie(COOKIE, token, path="/admin", httponly=True, samesite="strict",
                          secure=request.headers.get("origin", "").startswith("https:"))  # fmt: skip
        return answer

    @routes.post("/logout")
    async def logout() -> Response:
        answer = RedirectResponse("/admin", 303)
        answer.delete_cookie(COOKIE, path="/admin")
        return answer

    @routes.get("/api/{campaign}")
    async def progress(campaign: str, request: Request) -> Response:
        await demand(request)
        found = await run_in_threadpool(lambda: standing(store, live.known(campaign)).as_json())
        return Response(json.dumps(found, ensure_ascii=False), media_type="application/json")

    @routes.get("/api/{campaign}/judgements.jsonl")
    async def results(campaign: str, request: Request) -> Response:
        await demand(request)

        def lines() -> str:
            store.note(campaign, "exported", {"as": "judgements.jsonl"})
            return "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in store.judgements(campaign))

        return Response(await run_in_threadpool(lines), media_type="application/jsonl; charset=utf-8")

    @routes.post("/api/{campaign}/{action}")
    async def act_json(campaign: str, action: str, request: Request) -> Response:
        await demand(request)
        try:
            given = json.loads(await request.body() or b"{}")
        except ValueError:
            raise Fault(400, "bad-request", "the body is no JSON") from None
        if not isinstance(given, dict):
            raise Fault(400, "bad-request", "the body is no object")
        done, link = await act(campaign, action, {key: str(value) for key, value in given.items()})
        body = {"done": done, **({"link": link} if link else {})}
        return Response(json.dumps(body, ensure_ascii=False), media_type="application/json")

    @routes.get("/{campaign}")
    async def one(campaign: str, request: Request) -> Response:
        if not await admitted(request):
            return RedirectResponse("/admin", 303)
        return await page(campaign)

    @routes.get("/{campaign}/analysis")
    async def analysis(campaign: str, request: Request) -> Response:
        if not await admitted(request):
            return RedirectResponse("/admin", 303)
        try:
            html = await run_in_threadpool(_analysis, live, campaign)
        except In2xError as error:
            return await page(campaign, str(error))
        return HTMLResponse(html, headers={"content-security-policy": self_contained(html)})

    @routes.post("/{campaign}/{action}")
    async def act_form(campaign: str, action: str, request: Request) -> Response:
        if request.headers.get("origin") is None and request.headers.get("sec-fetch-site") is None:
            raise Fault(403, "wrong-origin", "a browser says where a form comes from; elsewhere use /admin/api")
        await demand(request)
        try:
            said, link = await act(campaign, action, await _form(request))
        except UsageError as error:
            said, link = str(error), ""
        return await page(campaign, said, link)

    async def act(campaign: str, action: str, given: Mapping[str, str]) -> tuple[str, str]:
        if action == "reopen":
            return await reopen(campaign, given.get("annotator", ""), given.get("item", "")), ""
        try:
            return await run_in_threadpool(_act, live, campaign, action, given)
        finally:
            live.forget(campaign)

    async def reopen(campaign: str, annotator: str, item: str) -> str:
        known = await run_in_threadpool(live.known, campaign)
        if annotator not in known.people or item not in known.places:
            raise UsageError(f"there is no item {item!r} of {annotator!r}", mend="give both as the page lists them")
        event = Event(str(uuid.uuid4()), annotator, item, "reopen", {}, time.time(), tab="organiser",
                      revision=known.loaded.revisions[known.places[item][0].id])  # fmt: skip
        await asyncio.wrap_future(writer.submit(campaign, annotator, [event]))
        await run_in_threadpool(store.note, campaign, "reopened", {"annotator": annotator, "item": item})
        return f"{item} is open again for {annotator}."

    return routes


async def _form(request: Request) -> dict[str, str]:
    raw = (await request.body()).decode("utf-8", "replace")
    return dict(parse_qsl(raw, keep_blank_values=True))


def _clock(seconds: float | None) -> str:
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _act(live: Live, campaign: str, action: str, given: Mapping[str, str]) -> tuple[str, str]:
    """Do `action`; (what was done, the path of a new link or "")."""
    store, roster, annotator = live.store, live.roster, given.get("annotator", "").strip()
    match action:
        case "open" | "pause" | "close":
            store.set_status(campaign, _TURNS[action])
            return f"The campaign is {_TURNS[action]}.", ""
        case "invite":
            token = roster.invite(campaign, annotator, _days(given.get("days", "")))
            return f"A new link for {annotator}; it is shown this once.", f"/a/{token}"
        case "revoke":
            return f"Links of {annotator} that are good no longer: {roster.revoke(campaign, annotator)}.", ""
        case "rest" | "wake":
            roster.set_annotator(campaign, annotator, "paused" if action == "rest" else "active")
            return f"{annotator} {'pauses' if action == 'rest' else 'goes on'}.", ""
        case "add":
            count = given.get("screens", "")
            if not annotator or not count.isdecimal():
                raise UsageError("a new annotator needs an id and a number of screens", mend="give both")
            screens = further(store.load(campaign).campaign, roster.people(campaign), int(count))
            roster.add_annotator(campaign, annotator, screens, given.get("note", ""))
            return f"{annotator} has {len(screens)} screens; invite them next.", ""
        case "reassign":
            screens = given.get("screens", "").split() or _untouched(live, campaign, annotator)
            taker = given.get("to", "").strip()
            roster.reassign(campaign, screens, annotator, taker)
            return f"{len(screens)} screens of {annotator} went to {taker}.", ""
        case "edit":
            text = str(sound(given.get("text", "").replace("\r\n", "\n")))
            store.reword(campaign, given.get("item", ""), given.get("candidate", ""), text)
            return f"{given['item']} has its new text.", ""
    raise Fault(404, "not-found", f"there is no action {action[:40]!r}")


def _analysis(live: Live, campaign: str) -> str:
    """The page of `in2x people analyse --out`, as the judgements are now."""
    from in2x.people.analysis.whole import analyse
    from in2x.people.analysis_page import render

    held = live.store.campaign(campaign)
    return render(analyse(live.store.judgements(campaign), held), held)


def _days(given: str) -> float | None:
    if not given.strip():
        return None
    try:
        days = float(given)
    except ValueError:
        days = -1.0
    if not 0 < days < 10_000:
        raise UsageError(f"{given[:20]!r} is no number of days", mend="give one, or nothing for a link without end")
    return days


def _untouched(live: Live, campaign: str, annotator: str) -> list[str]:
    """Screens of an annotator on which nothing was said yet."""
    loaded = live.store.load(campaign)
    begun = {event.item for event in live.store.events(campaign, annotator)}
    screens = {screen.id: screen for screen in loaded.campaign.screens}
    mine = (screens[name] for name in live.roster.person(campaign, annotator).screens)
    return [s.id for s in mine if not s.practice and not begun & {item.id for item in s.items}]
