"""`in2x serve` as a command: it prints its address, warms up, answers, and finishes what it took when told to end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer
import yaml

from chat_server import ChatServer, source_of
from in2x.cli import app
from in2x.serve.access import VARIABLE

WAY = ("--profile", "chat", "--from", "en", "--to", "de")


class Served:
    """The command in a process of its own."""

    def __init__(self, *options: str, **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "in2x", "serve", "--port", "0", *options],
            env={**os.environ, "OMP_NUM_THREADS": "1", **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.url = self.process.stdout.readline().strip()
        until = time.monotonic() + 40
        while time.monotonic() < until and self.url:
            try:
                if httpx.get(f"{self.url}/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        self.process.kill()
        raise TimeoutError(self.process.stderr.read())

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def behind() -> Iterator[ChatServer]:
    def reply(body):
        text = source_of(body)
        if text.startswith("slow"):
            time.sleep(1.0)
        return f"Das hier heißt: {text}"

    with ChatServer(reply) as running:
        yield running


def ask(url: str, text: str, **headers: str) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": text}]}
    return httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=30)


@pytest.mark.slow
def test_what_was_taken_is_finished_when_the_server_ends(behind) -> None:
    token = "a-token-from-the-environment"
    with Served("--model", behind.url, *WAY, "--checks", "off", "--no-probe", **{VARIABLE: token}) as served:
        mine = {"Authorization": f"Bearer {token}"}
        assert ask(served.url, "one of my texts").status_code == 401
        assert ask(served.url, "one of my texts", **mine).json()["choices"][0]["message"]["content"].endswith("texts")
        answers: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answers.append(ask(served.url, "slow one\nslow two", **mine)))
        asking.start()
        time.sleep(0.4)
        served.process.send_signal(signal.SIGTERM)
        asking.join(timeout=30)
        assert answers[0].status_code == 200 and "slow two" in answers[0].text
        served.process.wait(timeout=20)
        assert "my texts" not in served.process.stderr.read() and token not in served.process.stdout.read()


@pytest.mark.slow
def test_a_model_of_this_machine_is_served(tiny_model) -> None:
    with Served("--model", str(tiny_model), "--from", "en", "--to", "ja", "--checks", "mark") as served:
        assert served.url.startswith("http://127.0.0.1:")
        answer = httpx.post(f"{served.url}/pages", json={"texts": ["One.", "Two."], "to": "ja"}, timeout=60).json()
        assert len(answer["translations"]) == 2


def test_others_are_let_in_only_with_a_token(in2x, monkeypatch, behind, tmp_path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    code, _, told = in2x("serve", "--model", behind.url, *WAY, "--host", "0.0.0.0")
    assert code == 2 and VARIABLE in told
    short = tmp_path / "tokens"
    short.write_text("# ours\nshort\n", encoding="utf-8")
    code, _, told = in2x("serve", "--model", behind.url, *WAY, "--tokens", short)
    assert code == 2 and "fewer than 16" in told and "short\n" not in told


@pytest.mark.parametrize(
    ("options", "exit_code", "words"),
    [
        (("--model", "nowhere/at-all"), 2, "nowhere"),
        (("--model", "{url}", "--from", "en", "--to", "en", "--profile", "chat"), 2, "two languages"),
        (("--model", "{url}", "--from", "e1", "--profile", "chat"), 2, "no language"),
    ],
)
def test_a_start_that_cannot_be_is_one_sentence(in2x, behind, options, exit_code, words) -> None:
    code, said, told = in2x("serve", "--port", "0", *(one.format(url=behind.url) for one in options))
    assert code in (1, exit_code) and words in told and not said and told.count("\n") == 1


def test_a_port_that_is_taken_is_one_sentence(in2x, behind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, told = in2x("serve", "--model", behind.url, *WAY, "--port", str(taken.getsockname()[1]))
    assert code == 1 and "--port" in told


def test_the_unit_of_the_documentation_is_one(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    text = (Path(__file__).parent.parent / "docs" / "serve.md").read_text(encoding="utf-8")
    [unit] = re.findall(r"```ini\n(.*?)```", text, re.DOTALL)
    assert "NUMBA_CACHE_DIR=/var/cache/in2x" in unit and "CacheDirectory=in2x" in unit
    file = tmp_path / "in2x.service"
    file.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit), encoding="utf-8")
    told = subprocess.run([verify, "verify", str(file)], capture_output=True, text=True, timeout=60, check=False)
    if "Failed to" in told.stderr and told.returncode:
        pytest.skip("systemd-analyze cannot run here")
    assert told.returncode == 0 and "in2x.service" not in told.stderr, told.stderr


def test_the_compose_file_of_the_documentation_is_read() -> None:
    text = (Path(__file__).parent.parent / "docs" / "serve.md").read_text(encoding="utf-8")
    [file] = re.findall(r"```yaml\n(services:.*?)```", text, re.DOTALL)
    compose = yaml.safe_load(file)
    ours = compose["services"]["in2x"]
    named = {volume.partition(":")[0] for one in compose["services"].values() for volume in one["volumes"]}
    assert named == set(compose["volumes"]) and ours["depends_on"] == ["vllm"]
    options = {word.partition("=")[0] for word in ours["command"].split() if word.startswith("--")}
    known = {option for parameter in typer.main.get_command(app).commands["serve"].params for option in parameter.opts}
    assert options <= known
