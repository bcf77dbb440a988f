"""kill -9 of what people wait for: a translation with its journal, the server of a model, the annotators' server.

What was acknowledged (a segment in the journal, a glossary or document with its id, a judgement that is "saved") is
held against what is there after the last start.
"""

from __future__ import annotations

import json
import random
import re
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from killing import PATIENCE, Row, Starter, state

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from chat_server import Body, ChatServer, source_of

TOKEN = "a-token-of-the-client-of-these-kills"
LINES = [f"The {word} number {n} sleeps in the garden." for n in range(75) for word in ("cat", "dog", "fox", "owl")]
AT_ONCE = 8
"""Requests that a translation has under way at a server."""


def rendered(text: str) -> str:
    """What the scripted model makes of a line."""
    name = {"cat": "猫", "dog": "犬", "fox": "狐", "owl": "梟"}.get(text.split()[1] if " " in text else "", "物")
    return f"{name}が庭で眠る、{''.join(re.findall('[0-9]+', text))}番。"


@contextmanager
def model(asked: Counter[str], pause: float) -> Iterator[ChatServer]:
    """A server that answers each line after `pause` seconds and counts what it answered."""

    def reply(body: Body) -> str:
        time.sleep(pause)
        text = source_of(body)
        asked[text] += 1
        return rendered(text)

    with ChatServer(reply) as server:
        yield server


# Translating ----------------------------------------------------------------------------------------------------------


def documents(folder: Path) -> dict[str, Path]:
    """A text and a file of subtitles, the same lines in both."""
    text, film = folder / "book.txt", folder / "film.srt"
    text.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    times = [(f"00:{n // 60:02}:{n % 60:02},000", f"00:{n // 60:02}:{n % 60:02},900") for n in range(len(LINES))]
    film.write_text("".join(f"{n + 1}\n{begin} --> {end}\n{line}\n\n"
                            for n, (line, (begin, end)) in enumerate(zip(LINES, times, strict=True))))  # fmt: skip
    return {"txt": text, "srt": film}


def kill_translation(starter: Starter, kind: str, kills: int, folder: Path, rng: random.Random) -> Row:
    """Kill `in2x translate` of one document so often, then let it end."""
    row = Row(f"translate: {kind}")
    folder = folder / f"translate-{kind}"
    folder.mkdir(parents=True)
    source = documents(folder)[kind]
    out, log = folder / f"out.{kind}", folder / "log"
    asked: Counter[str] = Counter()
    with model(asked, 0.02) as server:

        def command(out: Path) -> tuple[object, ...]:
            return ("translate", source, "-o", out, "--from", "en", "--to", "ja", "--model", server.url, "--profile",
                    "chat", "--no-probe", "--context", 0, "--checks", "off")  # fmt: skip

        calm = folder / f"calm.{kind}"
        starter.whole(log, *command(calm))
        asked.clear()
        journal = out.with_name(out.name + ".journal.jsonl")
        while row.kills < kills:
            rest = len(LINES) - sum(asked.values())
            # The first steps of a start count too: one kill in four comes before anything is answered.
            wanted = sum(asked.values()) + (
                0 if row.kills % 4 == 3 else rng.randint(1, max(1, rest // (kills // 2 + 1)))
            )
            starter.start(log, *command(out))
            before = _kept(journal)
            begun = starter.processor()
            soon = rng.uniform(0.0, 0.5)
            while sum(asked.values()) < wanted or (row.kills % 4 == 3 and starter.processor() - begun < soon):
                code = starter.ended(0.002)
                assert code is None, (
                    f"{source.name} was done before kill {row.kills + 1} ({code}): {log.read_text()[-900:]}"
                )
            row.kills += starter.kill()
            row.lost += sorted(before - _kept(journal))
            if out.exists():
                row.different.append(f"{out.name} is there before it is whole")
        kept = _kept(journal)
        answered = Counter(asked)
        starter.whole(log, *command(out))
        row.doubled += [text for text in kept if asked[text] > answered[text]]  # asked though it was kept
    row.compared += len(LINES)
    if out.read_bytes() != calm.read_bytes():
        row.different.append(out.name)
    again = sum(asked.values()) - len(LINES)
    if again > kills * AT_ONCE:
        row.doubled.append(f"{again} lines were asked again after {kills} kills")
    known = {source.name for source in documents(folder).values()} | {
        f"{name}.{kind}{end}" for name in ("out", "calm") for end in ("", ".journal.jsonl")} | {"log"}  # fmt: skip
    row.left += sorted({Path(name).name for name in state(folder)} - known)
    return row


def _kept(journal: Path) -> set[str]:
    """The lines whose answer stands in a journal, whole."""
    back = {rendered(line): line for line in LINES}
    raw = journal.read_bytes() if journal.exists() else b""
    found = set()
    for line in raw.split(b"\n")[:-1]:
        with suppress(ValueError):
            told = json.loads(line)
            text = told["value"][0] if "answer" in told else told.get("text", "")
            found |= {back[text]} if text in back else set()
    return found


# Serving a model ------------------------------------------------------------------------------------------------------


def address(starter: Starter, log: Path, at: int) -> str:
    """The address that a server prints into its log behind byte `at`."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if log.exists() and (found := re.search(rb"http://127\.0\.0\.1:\d+\b(?=.*\n)", log.read_bytes()[at:])):
            return found[0].decode()
        code = starter.ended(0.02)
        assert code is None, log.read_text()[-3000:]
    raise TimeoutError("no address came")


def kill_server(starter: Starter, kills: int, folder: Path, rng: random.Random) -> Row:
    """Kill `in2x serve` so often while a client leaves glossaries and documents."""
    row = Row("serve")
    folder = folder / "serve"
    data, log, tokens = folder / "data", folder / "log", folder / "tokens"
    folder.mkdir(parents=True)
    tokens.write_text(f"{TOKEN}\n")
    glossaries: dict[str, str] = {}
    papers: dict[str, tuple[str, list[str]]] = {}
    asked: Counter[str] = Counter()
    with model(asked, 0.005) as server:
        command = ("serve", "--model", server.url, "--profile", "chat", "--no-probe", "--from", "en", "--to", "ja",
                   "--port", 0, "--data", data, "--tokens", tokens, "--checks", "off", "--rate", 10_000)  # fmt: skip
        while row.kills < kills:
            at = log.stat().st_size if log.exists() else 0
            starter.start(log, *command)
            url = address(starter, log, at)
            wanted, stop = len(glossaries) + len(papers) + rng.randint(0, 12), threading.Event()
            client = threading.Thread(target=_leave, args=(url, row.kills, glossaries, papers, stop))
            client.start()
            while len(glossaries) + len(papers) < wanted:
                assert starter.ended(0.002) is None, log.read_text()[-3000:]
            time.sleep(rng.uniform(0.0, 0.05))
            row.kills += starter.kill()
            stop.set()
            client.join()
        at = log.stat().st_size
        starter.start(log, *command)
        with _client(address(starter, log, at)) as client:
            _collect(client, glossaries, papers, row)
            named = [one["name"] for one in client.get("/v2/glossaries").json()["glossaries"]]
            row.doubled += [name for name, times in Counter(named).items() if times > 1]
        starter.kill()
    whole = {"source", "result", "lock", "answers.jsonl"}
    for name in state(data):
        place = Path(name).relative_to(data)
        if place.parts[0] == "documents":
            # A document whose id nobody heard, for the server was killed on the way, may lie there too.
            row.left += [] if place.name in whole else [str(place)]
        elif place.suffix == ".partial":
            row.left.append(str(place))
    return row


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"DeepL-Auth-Key {TOKEN}"}, timeout=60)


def _leave(url: str, turn: int, glossaries: dict[str, str], papers: dict[str, Any], stop: threading.Event) -> None:
    """Leave glossaries and documents until told to stop; what is answered is what was acknowledged."""
    with _client(url) as client:
        for number in range(10_000):
            if stop.is_set():
                return
            with suppress(httpx.HTTPError, ValueError):
                name = f"{turn}.{number}"
                body = {"name": name, "source_lang": "en", "target_lang": "ja", "entries": f"hat\t帽子{name}"}
                said = client.post("/v2/glossaries", json=body)
                glossaries[said.json()["glossary_id"]] = f"hat\t帽子{name}"
                if number % 6 == 0:
                    lines = LINES[number % 40 : number % 40 + 30]
                    files = {"file": ("a.txt", "\n".join(lines).encode())}
                    told = client.post("/v2/document", files=files, data={"source_lang": "EN", "target_lang": "JA"})
                    papers[told.json()["document_id"]] = (told.json()["document_key"], lines)


def _collect(client: httpx.Client, glossaries: dict[str, str], papers: dict[str, Any], row: Row) -> None:
    """Ask the server for all that it has acknowledged."""
    for glossary, entries in glossaries.items():
        row.compared += 1
        if client.get(f"/v2/glossaries/{glossary}/entries").text != entries:
            row.lost.append(f"glossary {glossary}")
    until = time.monotonic() + PATIENCE
    for paper, (key, lines) in papers.items():
        row.compared += 1
        body = {"document_key": key}
        while (said := client.post(f"/v2/document/{paper}", json=body).json()).get("status") in (
            "queued",
            "translating",
        ):
            assert time.monotonic() < until, said
            time.sleep(0.05)
        if said.get("status") != "done":
            row.lost.append(f"document {paper}: {said}")
            continue
        text = client.post(f"/v2/document/{paper}/result", json=body).text
        if text != "\n".join(map(rendered, lines)):
            row.different.append(f"document {paper}")


# Judging --------------------------------------------------------------------------------------------------------------


def kill_people(starter: Starter, kills: int, folder: Path, rng: random.Random) -> Row:
    """Kill `in2x people serve` so often while two annotators save what they judge."""
    from in2x.people.roster import Roster
    from in2x.people.store import Store
    from people_campaign import ASSIGNMENTS, campaign

    row = Row("people")
    folder = folder / "people"
    folder.mkdir(parents=True)
    file, log = folder / "people.db", folder / "log"
    with Store.open(str(file), create=True) as store:
        store.add_campaign(campaign(), ASSIGNMENTS)
        roster = Roster(store)
        tokens = {person: roster.invite("demo", person) for person in ASSIGNMENTS}
    saved: dict[str, tuple[str, int]] = {}
    """Id of an event -> its annotator and its score."""
    while row.kills < kills:
        at = log.stat().st_size if log.exists() else 0
        starter.start(log, "people", "serve", "--store", file, "--port", 0)
        url = address(starter, log, at)
        wanted, stop = len(saved) + rng.randint(0, 30), threading.Event()
        threads = [threading.Thread(target=_judge, args=(url, person, token, saved, stop, rng.random()))
                   for person, token in tokens.items()]  # fmt: skip
        for thread in threads:
            thread.start()
        while len(saved) < wanted:
            assert starter.ended(0.002) is None, log.read_text()[-3000:]
        time.sleep(rng.uniform(0.0, 0.03))
        row.kills += starter.kill()
        stop.set()
        for thread in threads:
            thread.join()
    at = log.stat().st_size
    starter.start(log, "people", "serve", "--store", file, "--port", 0)
    url = address(starter, log, at)
    for person, token in tokens.items():  # the page sends again what it is not sure of: nothing is doubled by that
        again = [id for id, (who, _) in saved.items() if who == person][-20:]
        events = [_score(saved[id][1], id) for id in again]
        httpx.post(f"{url}/api/events", json={"tab": "t", "events": events}, headers=_bearer(token)).raise_for_status()
    starter.kill()
    with Store.open(str(file)) as store:
        events = list(store.events("demo"))
    there = Counter(event.id for event in events)
    row.compared += len(saved)
    row.lost += [f"event {id}" for id in saved if not there[id]]
    row.doubled += [f"event {id}" for id, times in there.items() if times > 1]
    row.different += [e.id for e in events if e.id in saved and e.value["score"] != saved[e.id][1]]
    for person in tokens:
        versions = [event.version for event in events if event.annotator == person and event.item == "i-1-a"]
        if versions != list(range(1, len(versions) + 1)):
            row.different.append(f"the versions of {person} have gaps")
    row.left += sorted(
        {Path(name).name for name in state(folder)} - {"log", "people.db", "people.db-wal", "people.db-shm"}
    )
    return row


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _score(score: int, id: str) -> dict[str, Any]:
    return {"id": id, "item": "i-1-a", "kind": "score", "value": {"candidate": "c-1-a", "score": score},
            "time": time.time(), "version": 0}  # fmt: skip


def _judge(url: str, person: str, token: str, saved: dict[str, Any], stop: threading.Event, seed: float) -> None:
    """Save scores, one to five at once, until told to stop."""
    rng = random.Random(seed)
    with httpx.Client(base_url=url, headers=_bearer(token), timeout=60) as client:
        while not stop.is_set():
            events = [_score(rng.randint(0, 100), str(uuid.uuid4())) for _ in range(rng.randint(1, 5))]
            with suppress(httpx.HTTPError, ValueError):
                said = client.post("/api/events", json={"tab": person, "events": events}).json()
                scores = {one["id"]: one["value"]["score"] for one in events}
                saved.update({id: (person, scores[id]) for id in said.get("saved", ())})
            time.sleep(0.01)
