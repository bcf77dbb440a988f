"""The server over real HTTP: what an annotator and the organiser can do, and what nobody else can."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.errors import UsageError
from in2x.people import annotate
from in2x.people.live import Known, Visitor
from in2x.people.model import CANNOT_TELL
from in2x.people.roster import Person, Roster
from in2x.people.server import application, serve
from in2x.people.store import Loaded, Store
from in2x.web.guard import Fault, Rates
from people_campaign import ASSIGNMENTS, FAMILY, PROTOCOL, campaign


@dataclass
class Site:
    """A running server with its store."""

    url: str
    store: Store
    tokens: dict[str, str]
    admin: str

    def client(self, token: str | None = None, **headers: str) -> httpx.Client:
        auth = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers={**auth, **headers}, timeout=20)

    def annotator(self, name: str) -> httpx.Client:
        return self.client(self.tokens[name])

    def organiser(self) -> httpx.Client:
        return self.client(self.admin)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = Store.open(tmp_path / "people.db", create=True)
    store.add_campaign(campaign(), ASSIGNMENTS, seed=7)
    with running(store) as site:
        yield site


@contextmanager
def running(store: Store) -> Iterator[Site]:
    """A server on `store`."""
    roster = Roster(store)
    tokens = {name: roster.invite("demo", name) for name in ASSIGNMENTS}
    admin = roster.new_admin_token()
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(application(store), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Site(url, store, tokens, admin)
    server.should_exit = True
    thread.join()


def sent(kind: str, item: str = "i-1-a", value: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "item": item, "kind": kind, "value": value or {}, "time": time.time(), **more}


def score(value: Any, **more: Any) -> dict[str, Any]:
    return sent("score", value={"candidate": "c-1-a", "score": value}, **more)


def post(client: httpx.Client, *events: dict[str, Any], tab: str = "t1") -> httpx.Response:
    return client.post("/api/events", json={"tab": tab, "events": list(events)})


def test_a_task_is_what_the_annotator_needs_and_no_more(site: Site) -> None:
    with site.annotator("ann") as ann:
        task = ann.get("/api/task").json()
    assert [screen["id"] for screen in task["screens"]] == ["s0", "s1", "s3", "s4"]
    assert task["screens"][0]["practice"] and task["progress"]["total"] == 5
    assert task["progress"]["seconds_left"] == 3600 and task["status"] == "open"
    first = task["screens"][1]["items"][0]
    assert first["questions"] == ["native", "idiom"] and task["screens"][1]["items"][1]["questions"] == ["native"]
    assert first["candidates"] == [{"id": "c-1-a", "text": FAMILY}]
    assert task["protocol"]["source"] == "after" and task["direction"] == {"source": "ltr", "target": "ltr"}
    assert all(q["choices"][-1]["value"] == CANNOT_TELL for q in task["protocol"]["questions"])


def test_no_answer_tells_a_system_a_role_or_a_known_answer(site: Site) -> None:
    with site.annotator("ann") as ann:
        saved = post(ann, score(30), sent("finish"))
        texts = [ann.get("/api/task").text, ann.get("/api/state").text, saved.text]
        for text in texts:
            for secret in ("alpha", "beta", "repeat", "degraded", "role", "known", "At most 50", '"system"'):
                assert secret not in text, secret


def test_events_are_saved_once_and_drawn_again(site: Site) -> None:
    one, two = score(30), sent("comment", value={"text": "why <b>not</b>?"})
    with site.annotator("ann") as ann:
        answer = post(ann, one, two).json()
        assert answer == {"saved": [one["id"], two["id"]], "versions": {"i-1-a": 2}, "refused": [], "conflicts": []}
        assert post(ann, two, one).json()["versions"] == {"i-1-a": 2}
        post(ann, sent("finish"), sent("time", value={"seconds": 12.5}))
        state = ann.get("/api/state").json()["items"]["i-1-a"]
        assert state["candidates"]["c-1-a"]["score"] == 30 and state["done"] and state["comment"] == "why <b>not</b>?"
        progress = ann.get("/api/task").json()["progress"]
        assert (progress["done"], progress["seconds"], progress["seconds_left"]) == (1, 12.5, 3587.5)


def test_what_can_never_be_saved_is_named_and_the_rest_is_saved(site: Site) -> None:
    good, bad = score(30), score(300)
    strange, nowhere = sent("dance"), sent("finish", item="i-9")
    with site.annotator("ann") as ann:
        answer = post(ann, bad, good, strange, nowhere).json()
        assert answer["saved"] == [good["id"]]
        assert [r["id"] for r in answer["refused"]] == [bad["id"], strange["id"], nowhere["id"]]
        assert "100" in answer["refused"][0]["why"]


def test_two_tabs_are_told_of_each_other(site: Site) -> None:
    with site.annotator("ann") as ann:
        post(ann, score(30, version=0), tab="one")
        answer = post(ann, score(70, version=0), tab="two").json()
        (conflict,) = answer["conflicts"]
        assert conflict["item"] == "i-1-a" and conflict["fields"] == ["score:c-1-a"] and conflict["version"] == 2
        assert conflict["state"]["candidates"]["c-1-a"]["score"] == 70
        assert len(list(site.store.events("demo"))) == 2  # both are kept


def test_practice_says_what_is_right(site: Site) -> None:
    with site.annotator("ann") as ann:
        wrong = ann.post("/api/practice/i-try", json={}).json()
        assert not wrong["passed"] and wrong["tries"] == 1
        assert wrong["feedback"][0] == {"dimension": "score", "candidate": "c-try", "right": False,
                                        "words": {"en": "At most 50."}}  # fmt: skip
        span = {"start": 3, "end": 8, "severity": "major", "category": "", "side": "target"}
        post(ann, sent("score", "i-try", {"candidate": "c-try", "score": 20}),
             sent("spans", "i-try", {"candidate": "c-try", "spans": [span]}),
             sent("answer", "i-try", {"candidate": "c-try", "question": "idiom", "choice": "literal"}))  # fmt: skip
        right = ann.post("/api/practice/i-try", json={}).json()
        assert right["passed"] and right["tries"] == 2
        assert ann.get("/api/state").json()["practice"] == {"i-try": {"passed": True, "tries": 2}}
        assert ann.post("/api/practice/i-1-a", json={}).status_code == 404


def test_one_annotator_sees_and_touches_nothing_of_another(site: Site) -> None:
    with site.annotator("ann") as ann, site.annotator("ben") as ben:
        post(ann, score(30), sent("comment", value={"text": "ann's word"}))
        assert ben.get("/api/state").json()["items"] == {} and "ann's" not in ben.get("/api/task").text
        refused = post(ben, sent("score", "i-3-a", {"candidate": "c-3-a", "score": 1})).json()  # a screen of ann's
        assert refused["saved"] == [] and len(refused["refused"]) == 1
        post(ben, score(80))
        assert ann.get("/api/state").json()["items"]["i-1-a"]["candidates"]["c-1-a"]["score"] == 30


@pytest.mark.parametrize("path", ["/api/task", "/api/state"])
def test_links_that_are_not_good(site: Site, path: str) -> None:
    roster = Roster(site.store)
    late, gone = roster.invite("demo", "ann", days=1e-9), roster.invite("demo", "ben")
    time.sleep(0.01)
    with site.client(gone) as ben:
        assert ben.get(path).status_code == 200
        roster.revoke("demo", "ben")
        time.sleep(0.6)  # a command in another process: the server looks twice a second
        assert (ben.get(path).status_code, ben.get(path).json()["error"]) == (403, "revoked-link")
        assert "withdrawn" in ben.get(f"/a/{gone}").text
    with site.client(late) as ann:
        assert (ann.get(path).status_code, ann.get(path).json()["error"]) == (403, "expired-link")
        assert ann.get(f"/a/{late}").status_code == 403
    with site.client() as nobody:
        assert nobody.get(path).json()["error"] == "no-token"
        assert nobody.get(f"/a/{site.tokens['ann']}").status_code == 200
    with site.client(site.admin) as organiser:  # the organiser's token is no annotator's
        assert organiser.get(path).json()["error"] == "unknown-link"


def test_a_pause_keeps_everything_out_and_ends(site: Site) -> None:
    with site.annotator("ann") as ann, site.organiser() as organiser:
        assert organiser.post("/admin/api/demo/pause").json() == {"done": "The campaign is paused."}
        answer = post(ann, score(30))
        assert (answer.status_code, answer.json()["error"]) == (409, "paused")
        assert ann.get("/api/task").json()["status"] == "paused"
        organiser.post("/admin/api/demo/open")
        assert post(ann, score(30)).status_code == 200
        organiser.post("/admin/api/demo/rest", json={"annotator": "ann"})
        assert post(ann, score(30)).json()["error"] == "paused"


def test_a_screen_that_was_reassigned_still_takes_what_was_on_its_way(site: Site) -> None:
    with site.annotator("ann") as ann, site.organiser() as organiser:
        ann.get("/api/task")
        moved = organiser.post("/admin/api/demo/reassign", json={"annotator": "ann", "to": "ben", "screens": "s3"})
        assert moved.json()["done"] == "1 screens of ann went to ben."
        one = sent("score", "i-3-a", {"candidate": "c-3-a", "score": 55})
        assert post(ann, one).json()["saved"] == [one["id"]]
        assert "s3" not in [screen["id"] for screen in ann.get("/api/task").json()["screens"]]


def test_an_edited_campaign_is_said_and_old_spans_are_read_against_the_old_text(site: Site) -> None:
    with site.annotator("ann") as ann:
        post(ann, score(30), sent("finish"))
        screen = site.store.campaign("demo").screens[1]
        short = replace(screen.items[0], candidates=(replace(screen.items[0].candidates[0], text="短い"),))
        site.store.edit("demo", [replace(screen, items=(short, screen.items[1]))])
        time.sleep(0.6)
        item = ann.get("/api/task").json()["screens"][1]["items"][0]
        assert item["changed"] and item["revision"] == 1 and item["candidates"][0]["text"] == "短い"
        span = {"start": 0, "end": 10, "severity": "minor", "category": "", "side": "target"}
        value = {"candidate": "c-1-a", "spans": [span]}
        old, new = sent("spans", value=value, revision=0), sent("spans", value=value, revision=1)
        answer = post(ann, old, new).json()
        assert answer["saved"] == [old["id"]] and "2 characters" in answer["refused"][0]["why"]


def test_what_comes_from_elsewhere_is_refused(site: Site) -> None:
    body = {"tab": "t", "events": [score(30)]}
    with site.annotator("ann") as ann:
        rebound = ann.get("/api/task", headers={"Host": "evil.example"})
        assert (rebound.status_code, rebound.json()["error"]) == (403, "wrong-host")
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            forged = ann.post("/api/events", json=body, headers=headers)
            assert (forged.status_code, forged.json()["error"]) == (403, "wrong-origin"), headers
        assert ann.post("/api/events", json=body, headers={"Origin": site.url}).status_code == 200
        assert "access-control-allow-origin" not in ann.options("/api/events", headers={"Origin": "http://x"}).headers


@pytest.mark.parametrize("path", ["/a/TOKEN", "/a/none", "/api/task", "/admin", "/admin/demo", "/no", "/static/app.js"])
def test_every_answer_forbids_frames_and_foreign_scripts(site: Site, path: str) -> None:
    with site.client() as client:
        headers = client.get(path.replace("TOKEN", site.tokens["ann"])).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["frame-ancestors"] == "'none'" and policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'" and "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY" and headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_bodies_that_are_wrong_or_too_large(site: Site) -> None:
    def call(content: Any) -> tuple[int, str]:
        with site.annotator("ann") as ann:
            answer = ann.post("/api/events", content=content)
            return answer.status_code, answer.json()["error"]

    assert call(b"x" * (1 << 21)) == (413, "too-large")

    def chunks() -> Iterator[bytes]:  # no Content-Length to believe
        for _ in range(40):
            yield b"x" * (1 << 16)

    assert call(chunks()) == (413, "too-large")
    for wrong in (b"", b"{", b"[]", b"[" * 100_000, b'{"events": 3}', b'{"events": [3]}', b"\xff\xfe",
                  b'{"events": [{"id": "short"}]}', b'{"tab": 3, "events": []}',
                  json.dumps({"events": [score(1)] * 501}).encode()):  # fmt: skip
        assert call(wrong) == (400, "bad-request"), wrong[:40]


JSON = st.sampled_from(
    [None, True, 0, 1, 55, -1, 10**400, 0.5, float("nan"), float("inf"), "", "x", "c-1-a", "native", "yes", "minor",
     "\ud800", [], [3], [[]], {}, {"c-1-a": 1}, {"c-1-a": []}, {"x": {}}],
)  # fmt: skip
KINDS = st.sampled_from(["score", "spans", "rank", "answer", "why", "comment", "reveal", "time", "finish", "flag"])


def mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """`right`, and in one of six cases anything."""
    return st.integers(0, 5).flatmap(lambda n: right if n else JSON)


SEVERITY, SIDE = st.just("minor"), st.sampled_from(["source", "target"])
ODD_SPAN = st.fixed_dictionaries(
    {"start": mostly(st.integers(-1, 6)), "end": mostly(st.integers(0, 12)), "severity": mostly(SEVERITY)},
    optional={"category": JSON, "side": mostly(SIDE)},
)
ODD_VALUE = st.fixed_dictionaries(
    {"candidate": mostly(st.just("c-1-a")), "question": mostly(st.sampled_from(["native", "idiom"])), "score": JSON,
     "choice": mostly(st.sampled_from(["yes", "literal"])), "text": JSON, "seconds": JSON, "ranks": JSON,
     "spans": mostly(st.lists(mostly(ODD_SPAN), max_size=3))},
)  # fmt: skip
ODD_EVENT = st.fixed_dictionaries(
    {"id": st.uuids().map(str), "item": mostly(st.just("i-1-a")), "kind": mostly(KINDS), "value": mostly(ODD_VALUE)},
    optional={name: JSON for name in ("time", "version", "revision")},
)


@settings(max_examples=400, deadline=None)
@given(mostly(st.lists(mostly(ODD_EVENT), max_size=4)), mostly(st.just("t")))
def test_any_json_is_saved_or_refused_and_never_a_fault_of_ours(events: Any, tab: Any) -> None:
    """What gets through can be stored and folded."""
    held = campaign()
    loaded = Loaded(held, "open", 0, 0, {screen.id: 0 for screen in held.screens}, {})
    person = Person("ann", "", "active", ("s1",), (), 1)
    visitor = Visitor(Known(loaded, {"ann": person}, loaded.places()), person)
    try:
        taken, _, refused = annotate._incoming({"events": events, "tab": tab}, visitor)
    except Fault as fault:
        assert fault.status == 400
        return
    assert len(taken) + len(refused) == len(events)
    json.dumps([e.value for e in taken], allow_nan=False).encode()
    json.dumps(refused)
    for one in taken:
        loaded.state(*loaded.places()[one.item], [one])


def test_odd_texts_come_back_whole(site: Site) -> None:
    for text in (
        FAMILY,
        "\u202eעברית\u202c",
        "a\x00b",
        "</script><script>alert(1)</script>",
        "'; DROP TABLE event; --",
    ):
        with site.annotator("ann") as ann:
            assert post(ann, sent("comment", value={"text": text})).status_code == 200
            assert ann.get("/api/state").json()["items"]["i-1-a"]["comment"] == text
    with site.annotator("ann") as ann:  # a lone surrogate is no text: it is mended, not a fault
        raw = json.dumps({"events": [sent("comment", value={"text": "x\ud800"})]})
        assert ann.post("/api/events", content=raw).status_code == 200
        assert ann.get("/api/state").json()["items"]["i-1-a"]["comment"] == "x\ufffd"


def test_a_fault_of_ours_shows_no_trace(site: Site, monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(annotate, "_task", broken)
    with site.annotator("ann") as ann:
        answer = ann.get("/api/task")
    assert (answer.status_code, answer.json()["error"]) == (500, "fault") and "secret" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    said = ""
    while "secret detail" not in said:  # in the terminal, a moment after the answer
        said += capfd.readouterr().err
        time.sleep(0.01)


def test_the_disk_is_full_and_the_annotator_is_told(site: Site) -> None:
    from sqlalchemy import event as signals

    with site.annotator("ann") as ann:
        post(ann, score(30))
        raw = site.store.engine.raw_connection()
        pages = raw.driver_connection.execute("PRAGMA page_count").fetchone()[0]
        raw.close()
        stop = f"PRAGMA max_page_count={pages}"
        signals.listen(site.store.engine, "connect", lambda c, _: c.execute(stop))
        site.store.engine.dispose()
        for _ in range(50):
            answer = post(ann, sent("comment", value={"text": "長" * 4000}))
            if answer.status_code != 200:
                break
        assert (answer.status_code, answer.json()["error"]) == (503, "not-saved")
        assert "retry-after" in answer.headers
        assert ann.get("/api/state").json()["items"]["i-1-a"]["candidates"]["c-1-a"]["score"] == 30


def test_too_many_calls_wait(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotate, "CALLS", Rates(rate=0.1, burst=3))
    monkeypatch.setattr(annotate, "STRANGERS", Rates(rate=0.1, burst=2))
    with site.annotator("ann") as ann, site.annotator("ben") as ben, site.client("guess") as stranger:
        codes = [ann.get("/api/state").status_code for _ in range(5)]
        assert codes == [200, 200, 200, 429, 429]
        assert int(ann.get("/api/state").headers["retry-after"]) >= 1
        assert ben.get("/api/state").status_code == 200  # another's calls are not counted
        assert [stranger.get("/api/task").status_code for _ in range(3)] == [401, 401, 429]
        assert ben.get("/api/state").status_code == 200  # the same address, a good link


def test_a_bucket_fills_again() -> None:
    rates = Rates(rate=200, burst=2)
    rates.take("a"), rates.take("a")
    with pytest.raises(Fault) as full:
        rates.take("a")
    assert full.value.status == 429 and full.value.wait > 0
    time.sleep(0.02)
    rates.take("a")


def test_the_organisers_side_needs_its_token(site: Site) -> None:
    paths = ["/admin/api/demo", "/admin/api/demo/judgements.jsonl"]
    with site.client() as nobody, site.annotator("ann") as ann:
        for client in (nobody, ann):
            assert all(client.get(path).status_code == 401 for path in paths)
            assert client.post("/admin/api/demo/close").status_code == 401
            assert client.get("/admin/demo").status_code == 303 and client.get("/admin").status_code == 401
            assert client.post("/admin/demo/close", headers={"Origin": site.url}).status_code == 401
    assert site.store.load("demo").status == "open"


def test_the_organiser_sees_progress_and_acts(site: Site) -> None:
    with site.annotator("ann") as ann, site.annotator("ben") as ben, site.organiser() as organiser:
        post(ann, score(30), sent("finish"), sent("time", value={"seconds": 20}),
             sent("flag", value={"text": "<img src=x onerror=alert(1)>"}))  # fmt: skip
        post(ben, score(60), sent("finish"))
        now = organiser.get("/admin/api/demo").json()
        lines = {line["annotator"]: line for line in now["annotators"]}
        assert (lines["ann"]["done"], lines["ann"]["total"], lines["ann"]["median_seconds"]) == (1, 5, 20.0)
        assert (now["segments"], now["twice"]) == (1, 1)
        assert now["flags"][0]["item"] == "i-1-a"
        assert organiser.post("/admin/api/demo/reopen", json={"annotator": "ann", "item": "i-1-a"}).status_code == 200
        assert not ann.get("/api/state").json()["items"]["i-1-a"]["done"]
        link = organiser.post("/admin/api/demo/invite", json={"annotator": "ann", "days": "2"}).json()["link"]
        assert site.client(link.removeprefix("/a/")).get("/api/task").status_code == 200
        added = organiser.post("/admin/api/demo/add", json={"annotator": "cem", "screens": 2, "note": "new"})
        assert added.json()["done"].startswith("cem has 3 screens")
        rows = [json.loads(line) for line in organiser.get("/admin/api/demo/judgements.jsonl").text.splitlines()]
        assert {row["annotator"] for row in rows} == {"ben"} and rows[0]["system"] == "alpha"
        for action, given in [("invite", {"annotator": "zed"}), ("add", {"annotator": "x"}),
                              ("invite", {"annotator": "ann", "days": "soon"}),
                              ("reopen", {"annotator": "ann", "item": "i-9"})]:  # fmt: skip
            answer = organiser.post(f"/admin/api/demo/{action}", json=given)
            assert (answer.status_code, answer.json()["error"]) == (400, "bad-request")
        assert organiser.get("/admin/api/other").status_code == 400
        assert [line["action"] for line in site.store.audit("demo")][:4] == [
            "exported", "annotator", "invited", "reopened"]  # fmt: skip


def test_the_organisers_page_works_without_script_and_escapes(site: Site) -> None:
    with site.annotator("ann") as ann:
        post(ann, sent("flag", value={"text": "<img src=x onerror=alert(1)>"}))
    with site.client(Origin=site.url) as browser:
        assert "not known" in browser.post("/admin/login", data={"token": "guess"}).text
        answer = browser.post("/admin/login", data={"token": site.admin})
        cookie = answer.headers["set-cookie"].lower()
        assert answer.status_code == 303 and "httponly" in cookie and "samesite=strict" in cookie
        assert "/admin/demo" in browser.get("/admin").text
        page = browser.get("/admin/demo").text
        assert "&lt;img src=x" in page and "<img" not in page and "<script>" not in page
        said = browser.post("/admin/demo/invite", data={"annotator": "ann", "days": ""}).text
        assert "/a/" in said and "shown this once" in said
        assert "is no number of days" in browser.post("/admin/demo/invite", data={"annotator": "ann", "days": "x"}).text
    with site.client() as elsewhere:  # the cookie of a signed-in organiser, a form of another site
        elsewhere.cookies.set("in2x_admin", site.admin, path="/admin")
        for headers in ({"Origin": "https://evil.example"}, {}):
            assert elsewhere.post("/admin/demo/close", headers=headers).status_code == 403
    assert site.store.load("demo").status == "open"


def test_the_analysis_brings_its_scripts_and_no_others(site: Site) -> None:
    with site.client(Origin=site.url) as browser, site.annotator("ann") as ann:
        browser.post("/admin/login", data={"token": site.admin})
        assert "no finished judgement yet" in browser.get("/admin/demo/analysis").text
        post(ann, score(30), sent("finish"), sent("score", "i-3-a", {"candidate": "c-3-a", "score": 80}),
             sent("finish", "i-3-a"))  # fmt: skip
        answer = browser.get("/admin/demo/analysis")
        policy = answer.headers["content-security-policy"]
        assert "Human judgement" in answer.text and "sandbox allow-scripts" in policy
        assert "'sha256-" in policy and "script-src 'unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert ann.get("/admin/demo/analysis").status_code == 303  # to the page that asks for the token


def test_the_organiser_mends_a_text(site: Site) -> None:
    with site.organiser() as organiser, site.annotator("ann") as ann:
        given = {"item": "i-1-a", "candidate": "c-1-a", "text": "直した訳。\r\n二行目"}
        assert organiser.post("/admin/api/demo/edit", json=given).status_code == 200
        organiser.post("/admin/api/demo/edit", json={"item": "i-1-a", "candidate": "", "text": "The source."})
        item = ann.get("/api/task").json()["screens"][1]["items"][0]
        assert (item["revision"], item["source"]) == (2, "The source.")
        assert item["candidates"][0]["text"] == "直した訳。\n二行目"
        for wrong in ({**given, "text": " "}, {**given, "candidate": "c-9"}, {**given, "item": "i-9"}):
            assert organiser.post("/admin/api/demo/edit", json=wrong).status_code == 400


def test_the_database_goes_away_and_comes_back() -> None:
    """PostgreSQL killed under the server: a clear word, and the same call is saved once it is there again."""
    from postgresql import Cluster, missing

    if why := missing():
        pytest.skip(why)
    cluster = Cluster()
    try:
        store = Store.open(cluster.database("away"), create=True)
        store.add_campaign(campaign(), ASSIGNMENTS)
        with running(store) as site, site.annotator("ann") as ann:
            one = score(30)
            assert post(ann, one).status_code == 200
            cluster.kill()
            two = score(60)
            for _ in range(2):
                answer = post(ann, two)
                assert (answer.status_code, answer.json()["error"]) == (503, "not-saved")
            cluster.start()
            assert post(ann, one, two).json()["saved"] == [one["id"], two["id"]]
            assert [e.id for e in site.store.events("demo")] == [one["id"], two["id"]]
    finally:
        cluster.close()


class Reset:
    """Between the store and PostgreSQL: while `away`, who asks is cut off without a word (RST), as a crash does it.

    A connection that was closed (FIN) fails where pg8000 writes; this one fails where it reads.
    """

    def __init__(self, port: int) -> None:
        self._to, self.away = port, False
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._let_in, daemon=True).start()

    def _let_in(self) -> None:
        while True:
            near, _ = self._door.accept()
            far = socket.create_connection(("127.0.0.1", self._to))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if self.away:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.close()
                    break
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


def test_connections_that_are_reset_are_a_clear_word_too() -> None:
    from postgresql import Cluster, missing

    if why := missing():
        pytest.skip(why)
    cluster = Cluster()
    try:
        url = cluster.database("reset")
        door = Reset(cluster.port)
        store = Store.open(url.replace(f":{cluster.port}/", f":{door.port}/"), create=True)
        store.add_campaign(campaign(), ASSIGNMENTS)
        with running(store) as site, site.annotator("ann") as ann:
            saved = [score(30)]
            assert post(ann, saved[0]).status_code == 200
            for value in (40, 60):
                door.away = True
                saved.append(score(value))
                answer = post(ann, saved[-1])
                assert (answer.status_code, answer.json()["error"]) == (503, "not-saved")
                door.away = False
                assert post(ann, saved[-1]).json()["saved"] == [saved[-1]["id"]]
            assert [e.id for e in site.store.events("demo")] == [one["id"] for one in saved]
    finally:
        cluster.close()


def test_unknown_paths_and_methods_are_a_sentence(site: Site) -> None:
    with site.client() as client:
        assert client.get("/none").json() == {"error": "not-found", "message": "Not Found"}
        assert client.delete("/api/task").status_code == 405
        assert client.get("/static/../server.py").status_code == 404
        assert client.get("/static/%2e%2e/server.py").status_code == 404
        assert client.get("/openapi.json").status_code == 404 and client.get("/docs").status_code == 404
        assert client.get("/healthz").json() == {"status": "ok"}


def test_a_hidden_source_is_not_sent(tmp_path: Path, site: Site) -> None:
    questions = tuple(replace(q, before_source=False) for q in PROTOCOL.questions)
    hidden = campaign("hidden", replace(PROTOCOL, source="hidden", questions=questions))
    site.store.add_campaign(hidden, {"ann": ["s1"]})
    with site.client(Roster(site.store).invite("hidden", "ann")) as ann:
        assert "source 1-a" not in ann.get("/api/task").text


def test_others_are_let_in_by_name_only(tmp_path: Path) -> None:
    Store.open(tmp_path / "a.db", create=True).close()
    with pytest.raises(UsageError, match="--allow-host"):
        serve(str(tmp_path / "a.db"), "0.0.0.0", 0, ())
