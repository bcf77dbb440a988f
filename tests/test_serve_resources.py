"""Glossaries and documents at the server: whose they are, how long they stay, and that no kill loses one."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from in2x.chat.known import named
from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.formats.document import Document, Tag
from in2x.serve import resources as shelf
from in2x.serve.documents import STEP, Answers, Documents, read
from in2x.serve.engine import Engine
from in2x.serve.entries import read_entries, write_entries
from in2x.serve.resources import Paper, Resources
from in2x.serve.wish import Answer, Wish
from in2x.translate.backend import Translation
from in2x.translate.translator import Translator
from in2x.web.guard import Fault
from scripted_backend import Scripted
from serve_running import TOKEN

ANNA, BEN = "a" * 16, "b" * 16
PAIR = ("en", "ja")
HERE = Path(__file__).parent


@pytest.fixture
def kept(tmp_path: Path) -> Resources:
    return Resources(tmp_path)


# --- entries ----------------------------------------------------------------------------------------------------------

TERM = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)


@given(st.dictionaries(TERM, TERM, min_size=1, max_size=8))
def test_entries_come_back_as_they_were(entries: dict[str, str]) -> None:
    assert dict(read_entries(write_entries(list(entries.items())), "tsv")) == entries


@given(st.text(max_size=60), st.sampled_from(["tsv", "csv"]))
def test_any_text_is_entries_or_a_fault_of_the_client(text: str, form: str) -> None:
    try:
        found = read_entries(text, form)
    except Fault as fault:
        assert fault.status == 400
    else:
        assert found and all(source and target for source, target in found)


@pytest.mark.parametrize(("text", "form", "why"), [
    ("", "tsv", "empty"), ("hat", "tsv", "line 1"), ("hat\t帽子\ncat\t", "tsv", "line 2"),
    ("hat\ta\nhat\tb", "tsv", "already"), ("hat\ta\tb", "tsv", "two cells"), ("x" * 1100 + "\ty", "tsv", "1024"),
    ('hat,"open', "csv", "CSV"), ("hat\ta\x07", "tsv", "control"), ("hat,a", "xml", "entries_format"),
])  # fmt: skip
def test_entries_that_are_none(text: str, form: str, why: str) -> None:
    with pytest.raises(Fault) as fault:
        read_entries(text, form)
    assert fault.value.status == 400 and why in fault.value.message


# --- the store --------------------------------------------------------------------------------------------------------


def test_a_glossary_is_its_owners(kept: Resources) -> None:
    made = kept.add_glossary(ANNA, "hats", {PAIR: [("hat", "帽子")]})
    assert kept.glossary(ANNA, made.id) == made
    for wrong in (lambda: kept.glossary(BEN, made.id), lambda: kept.drop_glossary(BEN, made.id),
                  lambda: kept.change_glossary(BEN, made.id, "mine", {}, True),
                  lambda: kept.drop_dictionary(BEN, made.id, PAIR)):  # fmt: skip
        with pytest.raises(Fault) as fault:
            wrong()
        assert fault.value.status == 404
    assert kept.glossaries(BEN) == [] and kept.glossary(ANNA, made.id).name == "hats"


def test_what_was_kept_is_there_after_a_restart(kept: Resources, tmp_path: Path) -> None:
    made = kept.add_glossary(ANNA, "hats", {PAIR: [("hat", "帽子")]})
    kept.suggest(ANNA, PAIR, "Hat!", "帽子!")
    kept.use(ANNA, 12)
    kept.close()
    again = Resources(tmp_path)
    assert again.glossaries(ANNA) == [made] and again.used(ANNA) == 12 and again.used(BEN) == 0
    assert again.suggested(ANNA, PAIR, ["Hat!", "Cat!"]) == ["帽子!", None]
    assert again.suggested(BEN, PAIR, ["Hat!"]) == [None]


def test_who_reads_does_not_wait_for_who_writes(kept: Resources) -> None:
    kept.suggest(ANNA, PAIR, "cat", "猫")
    with kept._writing() as base:
        base.execute("UPDATE suggestions SET said = '犬'")
        assert kept.suggested(ANNA, PAIR, ["cat"]) == ["猫"]
    assert kept.suggested(ANNA, PAIR, ["cat"]) == ["犬"]


def test_many_threads_and_two_stores_on_one_folder(kept: Resources, tmp_path: Path) -> None:
    other = Resources(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        made = list(
            pool.map(lambda n: (kept, other)[n % 2].add_glossary(ANNA, f"{n}", {PAIR: [("a", "b")]}), range(60))
        )
        list(pool.map(lambda _: kept.use(ANNA, 1), range(100)))
    assert {one.id for one in kept.glossaries(ANNA)} == {one.id for one in made}
    kept.count()
    assert other.used(ANNA) == 100


def test_a_client_cannot_fill_the_store(kept: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_GLOSSARIES", 2)
    monkeypatch.setattr(shelf, "MOST_DOCUMENTS", 2)
    for _ in range(2):
        kept.add_glossary(ANNA, "hats", {PAIR: [("hat", "帽子")]})
        kept.add_document(ANNA, "a.txt", b"A hat", "{}", 1, 5)
    with pytest.raises(Fault):
        kept.add_glossary(ANNA, "hats", {PAIR: [("hat", "帽子")]})
    with pytest.raises(Fault):
        kept.add_document(ANNA, "a.txt", b"A hat", "{}", 1, 5)
    kept.add_glossary(BEN, "hats", {PAIR: [("hat", "帽子")]})


def test_what_nobody_comes_for_is_deleted(kept: Resources) -> None:
    now = time.time()
    old, key = kept.add_document(ANNA, "a.txt", b"A hat", "{}", 1, 5)
    glossary = kept.add_glossary(ANNA, "hats", {PAIR: [("hat", "帽子")]})
    stray = kept.folder / "documents" / "STRAY"
    stray.mkdir()
    os.utime(stray, (now - 3600, now - 3600))
    assert kept.sweep(now + shelf.DOCUMENT_KEPT - 60) == 0
    assert kept.document(ANNA, old, key).state == "queued" and not stray.exists()
    assert kept.sweep(now + shelf.DOCUMENT_KEPT + 60) == 1
    assert not kept.place(old).exists()
    with pytest.raises(Fault):
        kept.document(ANNA, old, key)
    assert kept.glossaries(ANNA) == [glossary]
    kept.sweep(now + shelf.GLOSSARY_KEPT + 60)
    assert kept.glossaries(ANNA) == []


def test_a_document_goes_some_minutes_after_it_was_fetched(kept: Resources) -> None:
    made, key = kept.add_document(ANNA, "a.txt", b"A hat", "{}", 1, 5)
    (kept.place(made) / "result").write_bytes("訳".encode())
    kept.settle(made, "done", 1)
    paper = kept.document(ANNA, made, key)
    assert kept.take(paper) == kept.take(paper) == "訳".encode(), "a download may break off"
    assert kept.sweep(time.time() + shelf.TAKEN_KEPT - 30) == 0
    assert kept.sweep(time.time() + shelf.TAKEN_KEPT + 30) == 1


def test_keys_stand_nowhere_on_the_disk(kept: Resources, tmp_path: Path) -> None:
    _, key = kept.add_document(ANNA, "a.txt", b"A hat", "{}", 1, 5)
    kept.close()
    assert all(key.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(In2xError, match="--data"):
        Resources(tmp_path / "file")
    (tmp_path / "resources.sqlite").write_text("no database at all, but long enough to be read as one " * 40)
    with pytest.raises(In2xError, match="--data"):
        Resources(tmp_path)


# --- documents --------------------------------------------------------------------------------------------------------


def test_a_torn_line_of_answers_is_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    tags = (Tag(1, "<b>", 1, "open"), Tag(2, "</b>", 1, "close"))
    with Answers(path) as answers:
        answers.keep(
            [(0, Answer("一", "en")), (2, Answer("二帽", "en", tags=tags)), (3, Answer("x", "en", failed="no"))]
        )
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        with Answers(path) as answers:
            assert len(answers.known) == whole[:cut].count(b"\n")
    with Answers(path) as answers:
        assert answers.known == {
            0: Answer("一", ""), 2: Answer("二帽", "", tags=tags), 3: Answer("x", "", failed="no")
        }  # fmt: skip


def desk_of(tmp_path: Path, backend: Scripted) -> Documents:
    return Documents(Resources(tmp_path), Engine(Translator(backend, "scripted", probed=True), checks="off"))


def opened(name: str, raw: bytes) -> tuple[Wish, Document]:
    wish = Wish("ja", "en", together=True)
    return wish, read(name, raw, wish)


async def until_done(documents: Documents, raw: bytes, name: str) -> Paper:
    """Leave a document and wait for it."""
    work = asyncio.create_task(documents.run())
    try:
        left = await documents.add(ANNA, name, raw, *opened(name, raw))
        async with asyncio.timeout(20):
            return await documents.finished(ANNA, left)
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


def test_a_document_of_which_nothing_could_be_translated_is_an_error(tmp_path: Path) -> None:
    documents = desk_of(tmp_path, Scripted(lambda source: Translation("", "an endless answer")))
    paper = asyncio.run(until_done(documents, b"A hat.\nA cat.\n", "a.txt"))
    assert paper.state == "error" and "an endless answer" in paper.error


def test_a_part_that_fails_stays_as_it_is(tmp_path: Path) -> None:
    documents = desk_of(tmp_path, Scripted(
        lambda source: Translation("", "no") if "cat" in source.text else Translation(f"訳{source.text}")))  # fmt: skip
    paper = asyncio.run(until_done(documents, b"A hat.\nA cat.\n", "a.txt"))
    assert paper.state == "done"
    assert documents.resources.take(paper) == "訳A hat.\nA cat.\n".encode()


def test_a_document_waits_while_the_engine_is_busy(tmp_path: Path) -> None:
    documents = desk_of(tmp_path, Scripted(lambda source: f"訳{source.text}"))
    true, refused = documents.engine.translate, [3]

    async def busy(*args: object, **more: object) -> list[Answer]:
        if refused[0]:
            refused[0] -= 1
            raise Fault(429, "busy", "too much waits already", wait=0.05)
        return await true(*args, **more)  # type: ignore[arg-type]

    documents.engine.translate = busy  # type: ignore[method-assign, assignment]
    assert asyncio.run(until_done(documents, b"A hat.\n", "a.txt")).state == "done" and refused == [0]


def test_a_line_is_told_what_stands_before_it_across_steps(tmp_path: Path) -> None:
    backend = Scripted(lambda source: f"訳{source.text}")
    backend.profile = replace(named("chat"), languages=("en", "ja"))  # type: ignore[attr-defined]
    documents = desk_of(tmp_path, backend)
    lines = "".join(f"Hat number {n} is red.\n" for n in range(40)).encode()
    assert asyncio.run(until_done(documents, lines, "a.txt")).state == "done"
    asked = {source.text: source for source in backend.asked}
    before = asked["Hat number 35 is red."].before
    assert before[-5:] == tuple((f"Hat number {n} is red.", f"訳Hat number {n} is red.") for n in range(30, 35))


def test_two_processes_do_not_translate_one_document_twice(tmp_path: Path) -> None:
    backend = Scripted(lambda source: (time.sleep(0.02), f"訳{source.text}")[1])
    first, second = desk_of(tmp_path, backend), desk_of(tmp_path, backend)

    async def both() -> None:
        other = asyncio.create_task(second.run())
        await until_done(first, "".join(f"Hat number {n} is red.\n" for n in range(70)).encode(), "a.txt")
        other.cancel()
        with suppress(asyncio.CancelledError):
            await other

    asyncio.run(both())
    assert len(backend.asked) == 70


def test_a_document_that_is_taken_away_is_worked_on_no_longer(tmp_path: Path) -> None:
    asked, go = threading.Event(), threading.Event()

    def say(source: Source) -> str:
        asked.set()
        assert go.wait(20)
        return f"訳{source.text}"

    backend = Scripted(say)
    documents = desk_of(tmp_path, backend)
    raw = "".join(f"Hat number {n} is red.\n" for n in range(400)).encode()

    async def main() -> None:
        work = asyncio.create_task(documents.run())
        left = await documents.add(ANNA, "a.txt", raw, *opened("a.txt", raw))
        await asyncio.to_thread(asked.wait, 20)
        documents.resources.drop_document(left.id)
        go.set()
        async with asyncio.timeout(20):
            while documents._busy:
                await asyncio.sleep(0.02)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        assert not documents.resources.place(left.id).exists()

    asyncio.run(main())
    assert len(backend.asked) == STEP


# --- kill -9 ----------------------------------------------------------------------------------------------------------


def started(data: Path, pause: float) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "serve_worker.py"), str(data), str(pause)], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])},
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://"), "it starts again"
    return process, url


def killed_under_load(tmp_path: Path, times: int) -> None:
    """Kill a server `times` times while clients leave glossaries and documents; nothing acknowledged is lost."""
    chance = random.Random(3)
    glossaries: dict[str, str] = {}
    papers: dict[str, tuple[str, str]] = {}
    for turn in range(times):
        process, url = started(tmp_path, 0.002)
        known = len(papers)
        stop = threading.Event()
        with httpx.Client(base_url=url, headers={"Authorization": f"DeepL-Auth-Key {TOKEN}"}, timeout=20) as client:

            def load(client: httpx.Client = client, turn: int = turn, stop: threading.Event = stop) -> None:
                for number in range(20):
                    if stop.is_set():
                        return
                    with suppress(httpx.HTTPError):
                        name = f"{turn}.{number}"
                        body = {"name": name, "source_lang": "en", "target_lang": "ja", "entries": f"hat\t帽子{name}"}
                        glossaries[client.post("v2/glossaries", json=body).json()["glossary_id"]] = f"帽子{name}"
                        if number % 10 == 0:
                            lines = [f"Hat {turn} {number} {line}." for line in range(80)]
                            files = {"file": ("hats.txt", "\n".join(lines).encode())}
                            form = {"source_lang": "EN", "target_lang": "JA"}
                            said = client.post("v2/document", files=files, data=form).json()
                            papers[said["document_id"]] = (said["document_key"], lines[0])

            thread = threading.Thread(target=load)
            thread.start()
            until = time.monotonic() + 30
            while len(papers) == known and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.8))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            stop.set()
            thread.join()
    process, url = started(tmp_path, 0.0)
    try:
        with httpx.Client(base_url=url, headers={"Authorization": f"DeepL-Auth-Key {TOKEN}"}, timeout=20) as client:
            assert len(glossaries) >= times and len(papers) >= times
            for glossary, target in glossaries.items():
                assert client.get(f"v2/glossaries/{glossary}/entries").text == f"hat\t{target}"
            until = time.monotonic() + 120
            for paper, (key, first) in papers.items():
                body = {"document_key": key}
                while (said := client.post(f"v2/document/{paper}", json=body).json())["status"] != "done":
                    assert said["status"] != "error" and time.monotonic() < until, said
                    time.sleep(0.1)
                result = client.post(f"v2/document/{paper}/result", json=body).text.split("\n")
                assert len(result) == 80 and result[0] == f"訳{first}。" and all("訳" in line for line in result)
    finally:
        process.kill()
        process.wait()
    for paper in papers:
        assert {file.name for file in (tmp_path / "documents" / paper).iterdir()} == {
            "source", "result", "lock", "answers.jsonl"
        }  # fmt: skip


@pytest.mark.slow
def test_no_kill_loses_what_was_acknowledged(tmp_path: Path) -> None:
    killed_under_load(tmp_path, 20)


def test_one_kill_loses_nothing(tmp_path: Path) -> None:
    killed_under_load(tmp_path, 1)
