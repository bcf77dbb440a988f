"""A server remembers little of its clients' texts, and not for long; what it needs, it needs before it is ready."""

from __future__ import annotations

import functools
import gc
import mmap
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from in2x.chat.source import Source
from in2x.language.japanese.morphology import tokenise
from in2x.serve import app, engine
from in2x.serve.memory import MOST, TABLES, Remembered, caches, read_in
from in2x.serve.queue import FULL
from in2x.serve.sentences import agreed
from in2x.serve.wish import Wish
from serve_running import Running, scripted

pytestmark = pytest.mark.anyio
HERE = Path(__file__).parent


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def japanese(source: Source) -> str:
    number = source.text.partition(" ")[0]
    return f"{number}番の猫は、窓辺が暖かいので、そこで静かに眠っています。"


def lines(start: int, end: int) -> list[str]:
    return [f"{number} cats sleep by the window because it is warm there." for number in range(start, end)]


async def test_checks_remember_few_characters_however_many_texts_come() -> None:
    made, _ = scripted(japanese, ("en", "ja"), checks="mark")
    each = len(lines(1000, 1001)[0]) + 8 + 30
    try:
        found = await made.translate(lines(1000, 3000), Wish("ja", "en"), "a")
        assert len({one.text for one in found}) == 2000
        assert tokenise.cache_info().misses <= (MOST + 2 * FULL) / each, "it was emptied a while ago"
        made.remembered.forget()
        await made.translate(lines(1, 2), Wish("ja", "en"), "a")
        assert tokenise.cache_info().hits > 0, "it is of use for as long as a text is looked at"
    finally:
        made.close()
    made.remembered.forget()
    assert {one.cache_info().currsize for one in caches()} == {0}


def test_no_cache_of_texts_is_overlooked() -> None:
    """Also those of methods and of functions in functions would be found here."""
    ours = [
        one for one in gc.get_objects()
        if isinstance(one, functools._lru_cache_wrapper) and str(one.__module__).startswith("in2x.")
    ]  # fmt: skip
    large = {id(one) for one in ours if (one.cache_parameters()["maxsize"] or 0) >= TABLES}
    assert len(large) > 20 and large == {id(one) for one in caches()}


def test_a_text_is_forgotten_when_the_next_ones_are_enough() -> None:
    remembered = Remembered(most=100)
    tokenise("猫が眠っている。")
    remembered.seen(60)
    assert tokenise.cache_info().currsize > 0
    remembered.seen(60)
    assert tokenise.cache_info().currsize == 0
    tokenise("猫が眠っている。")
    remembered.seen(60)
    assert tokenise.cache_info().currsize > 0, "it counts anew"


def test_nothing_is_remembered_of_a_server_where_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "FORGOTTEN", 0.2)
    made, _ = scripted(japanese, ("en", "ja"), checks="mark")
    with Running(made) as server:
        asked = {"texts": lines(5, 6), "from": "en", "to": "ja"}
        assert httpx.post(f"{server.url}/pages", json=asked).status_code == 200
        wish = {
            "text": "A cat.",
            "source_lang": "en",
            "target_lang": "ja",
            "terms": [{"source": "cat", "target": "猫"}],
        }
        assert httpx.post(f"{server.url}/page/translate", json=wish).status_code == 200
        until = time.monotonic() + 20
        while tokenise.cache_info().currsize or agreed.cache_info().currsize:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_the_warm_up_meets_the_largest_batch_in_the_languages_that_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, backend = scripted(languages=("de", "en", "ja"), source="en", warm=64)
    tried: list[Callable[[], object]] = []
    monkeypatch.setattr(engine, "settle", tried.append)
    try:
        made.warm_up("ja")
        assert backend.steps == [1, 4, 16, 64]
        tried.pop()()
        assert not tried and backend.steps[4:] == [1, 16], "by these the number of threads is found"
        assert {(one.source_lang, one.target_lang) for one in backend.asked} == {("en", "ja")}
        assert len({one.text for one in backend.asked}) == 64 and "cat" in backend.asked[0].text
        backend.steps.clear()
        monkeypatch.setattr(engine, "PATIENT", 0.0)
        made.warm_up("xx")
        assert backend.steps == [1], "of a slow model no larger one is tried"
        made.default_source = None
        backend.asked.clear()
        made.warm_up("de")
        assert {(one.source_lang, one.target_lang) for one in backend.asked} == {("en", "de")}
    finally:
        made.close()


def resident(path: Path) -> int:
    """kB of the pages of a mapped file that this process has looked at."""
    blocks = Path("/proc/self/smaps").read_text().split(str(path))[1:]
    return sum(int(block.split("Rss:")[1].split()[0]) for block in blocks)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux maps and tells so")
def test_what_is_mapped_of_files_is_read_before_anybody_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "dictionary"
    path.write_bytes(b"a" * (8 << 20))
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert resident(path) < 4096 and mapped[0] == ord("a")
        read_in()
        if tuple(map(int, os.uname().release.split(".")[:2])) >= (5, 14):
            assert resident(path) == 8192


GROWTH = """
import asyncio, sys
from pathlib import Path
from in2x.serve.wish import Wish
from serve_running import scripted
from test_serve_memory import japanese, lines

def own():
    rows = Path("/proc/self/status").read_text().splitlines()
    return int(next(row.split()[1] for row in rows if row.startswith("RssAnon"))) / 1024

async def main():
    made, _ = scripted(japanese, ("en", "ja"), checks="mark")
    made.warm_up("ja")
    async def ask(start, end):
        for at in range(start, end, 500):
            await made.translate(lines(at, min(end, at + 500)), Wish("ja", "en"), "a")
    await ask(100_000, 102_000)
    before = own()
    await ask(200_000, 212_000)
    print(before, own())
    made.close()

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells what a process has of its own")
def test_memory_stays_as_it_is_after_the_first_thousands_of_texts() -> None:
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    said = subprocess.run([sys.executable, "-c", GROWTH], env=os.environ | {"PYTHONPATH": paths}, check=True,
                          capture_output=True, text=True)  # fmt: skip
    before, after = map(float, said.stdout.split())
    assert after < 1.05 * before, said.stdout
