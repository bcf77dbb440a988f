"""Several processes behind one address: what clients leave is there for all, and no death of one loses any of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from chat_server import ChatServer, source_of
from in2x.serve.access import VARIABLE
from in2x.serve.metrics import Metrics, Workers
from serve_running import OTHER, TOKEN

KEY = {"Authorization": f"DeepL-Auth-Key {TOKEN}"}


def test_whichever_process_is_asked_tells_for_all(tmp_path: Path) -> None:
    first, second = Metrics(), Metrics()
    first.requests.add(3, path="/v2/translate", code="200")
    second.requests.add(5, path="/v2/translate", code="200")
    second.duration.observe(0.2, path="/v2/translate")
    Workers(1, tmp_path).tell(second)
    first.requests.add(path="/v2/translate", code="200")  # of its own it knows what is not written yet
    told = first.text(Workers(0, tmp_path))
    assert 'in2x_http_requests_total{worker="0",code="200",path="/v2/translate"} 4\n' in told
    assert 'in2x_http_requests_total{worker="1",code="200",path="/v2/translate"} 5\n' in told
    assert 'in2x_queue_depth{worker="0"} 0\n' in told and 'in2x_queue_depth{worker="1"} 0\n' in told
    assert told.count("# TYPE in2x_http_requests_total") == 1


@pytest.fixture
def behind() -> Iterator[ChatServer]:
    def reply(body):
        text = source_of(body)
        if "slow" in text:
            time.sleep(0.2)
        if text.startswith("{"):  # lines of a document, by their numbers
            return json.dumps({number: f"訳{line}" for number, line in json.loads(text).items()})
        return f"訳{text}"

    with ChatServer(reply) as running:
        yield running


class Two:
    """`in2x serve --workers 2`."""

    def __init__(self, model: str, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "in2x", "serve", "--model", model, "--profile", "chat", "--from", "en", "--to", "ja",
             "--no-probe", "--checks", "off", "--port", "0", "--workers", "2", "--data", str(data), "--rate", "10000"],
            env={**os.environ, "OMP_NUM_THREADS": "1", VARIABLE: f"{TOKEN} {OTHER}"}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.process.stderr.read()

    def __enter__(self) -> Two:
        self.until_both()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            for child in psutil.Process(self.process.pid).children(recursive=True):
                child.kill()
            self.process.kill()
        self.process.communicate()

    def call(self, method: str, path: str, **more: object) -> httpx.Response:
        """A request over a connection of its own, so that either process may answer."""
        for _ in range(200):
            try:
                return httpx.request(method, f"{self.url}/{path}", headers=KEY, timeout=60, **more)
            except httpx.TransportError:  # the process died while it answered: clients ask again
                time.sleep(0.05)
        raise TimeoutError(path)

    def until_both(self) -> None:
        """Wait until both processes answer."""
        until = time.monotonic() + 90
        while time.monotonic() < until:
            told = self.call("GET", "metrics").text
            answered = set(re.findall(r'requests_total\{worker="(\d)"', told))
            if answered == {"0", "1"} and self.call("GET", "ready").status_code == 200:
                return
            time.sleep(0.1)
        raise TimeoutError(told)

    def processes(self) -> dict[int, str]:
        """Numbers of the processes that serve."""
        listening = {c.pid: c.laddr.port for c in psutil.net_connections("tcp4") if c.status == psutil.CONN_LISTEN}
        port = int(self.url.rpartition(":")[2])
        mine = psutil.Process(self.process.pid).children(recursive=True)
        return {child.pid: child.status() for child in mine if listening.get(child.pid) == port}


@pytest.mark.slow
def test_two_processes_share_what_clients_leave_and_the_death_of_one_loses_nothing(behind, tmp_path: Path) -> None:
    with Two(behind.url, tmp_path) as served:
        assert served.call("POST", "v2/usage").status_code == 405
        made = {}
        for number in range(12):
            body = {"name": f"{number}", "source_lang": "en", "target_lang": "ja", "entries": f"hat\t帽子{number}"}
            made[served.call("POST", "v2/glossaries", json=body).json()["glossary_id"]] = f"hat\t帽子{number}"
        for _ in range(3):  # whoever answers
            for glossary, entries in made.items():
                assert served.call("GET", f"v2/glossaries/{glossary}/entries").text == entries
        for _ in range(20):
            body = {"text": ["four"], "source_lang": "EN", "target_lang": "JA"}
            assert served.call("POST", "v2/translate", json=body).json()["translations"][0]["text"] == "訳four"
        until = time.monotonic() + 20
        while {served.call("GET", "v2/usage").json()["character_count"] for _ in range(6)} != {80}:
            assert time.monotonic() < until, "what was used is counted for all"
            time.sleep(0.2)
        lines = [f"A slow hat {number}." for number in range(120)]
        form = {"source_lang": "EN", "target_lang": "JA"}
        files = {"file": ("hats.txt", "\n".join(lines).encode())}
        paper = served.call("POST", "v2/document", files=files, data=form).json()
        where, key = f"v2/document/{paper['document_id']}", {"document_key": paper["document_key"]}
        while served.call("POST", where, json=key).json()["status"] == "queued":
            time.sleep(0.05)
        before = served.processes()
        assert len(before) == 2
        lock = tmp_path / "documents" / paper["document_id"] / "lock"
        [holder] = [pid for pid in before if any(f.path == str(lock) for f in psutil.Process(pid).open_files())]
        os.kill(holder, signal.SIGKILL)
        while (said := served.call("POST", where, json=key).json())["status"] != "done":
            assert said["status"] != "error", said
            time.sleep(0.1)
        result = served.call("POST", f"{where}/result", json=key).text.split("\n")
        assert result == [f"訳{line}" for line in lines]
        for glossary, entries in made.items():
            assert served.call("GET", f"v2/glossaries/{glossary}/entries").text == entries
        assert served.call("GET", "v2/usage").json()["character_count"] == 80 + sum(map(len, lines))
        until = time.monotonic() + 90
        while len(after := served.processes()) < 2 or holder in after:
            assert time.monotonic() < until, "another one takes its place"
            time.sleep(0.2)
        served.process.send_signal(signal.SIGTERM)
        told = served.process.communicate(timeout=90)[1]
        assert "ended (SIGKILL); it is started again" in told and served.process.returncode == 0
        assert not any(psutil.pid_exists(pid) for pid in after)


@pytest.mark.slow
def test_with_the_first_process_the_others_go(behind, tmp_path: Path) -> None:
    with Two(behind.url, tmp_path) as served:
        children = psutil.Process(served.process.pid).children(recursive=True)
        served.process.kill()
        gone, alive = psutil.wait_procs(children, timeout=30)
        for one in alive:
            one.kill()
        assert gone and not alive


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_one_sentence(in2x, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}')
    code, said, told = in2x("serve", "--model", tmp_path, "--profile", "chat", "--workers", "2", "--port", "0")
    assert code == 1 and not said and "first process" in told
