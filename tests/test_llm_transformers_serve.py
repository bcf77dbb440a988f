"""The client against `transformers serve` with our own small model: chat, raw completions, Magpie's user turns."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from in2x.instructions.config import MagpieConfig
from in2x.instructions.magpie import Openings, sample_turns
from in2x.llm.cache import Cache
from in2x.llm.client import Client
from in2x.llm.config import LlmConfig
from in2x.llm.open import template_of
from in2x.llm.request import Request, chat

pytestmark = pytest.mark.slow


RESPONSE = {
    "defaults": {"role": "assistant"}, "start_anchor": "<|assistant|>",
    "fields": {"content": {"close": "<|end|>", "content": "text"}},
}  # fmt: skip
"""How an answer looks in our template. Without it transformers 5.23 serves a model of type qwen3 as if it had Qwen's
own template, and its answers come back with the prompt before them."""


@pytest.fixture
def served(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model with `RESPONSE` in its tokenizer's config."""
    folder = tmp_path / "served"
    shutil.copytree(tiny_model, folder)
    file = folder / "tokenizer_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(config | {"response_template": RESPONSE}), encoding="utf-8")
    return folder


@pytest.fixture
def url(served: Path, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(served), "--host", "127.0.0.1",
               "--port", str(port), "--device", "cpu"]  # fmt: skip
    with (tmp_path / "serve.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 120
        while True:
            assert process.poll() is None and time.monotonic() < until, (tmp_path / "serve.log").read_text()[-2000:]
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def test_chat_completions_and_magpie(url: str, served: Path, tmp_path: Path) -> None:
    config = LlmConfig(base_url=url, model=str(served), in_flight=4, timeout=60.0, template=str(served))
    with Cache(tmp_path / "c.sqlite") as cache:
        client = Client(config, cache)
        asked = [
            chat("Translate into Japanese: Where is the station?", max_tokens=24),
            Request(prompt="The", max_tokens=4),
        ]
        answers = list(client.ask_all(asked))
        assert all(a.ok for a in answers), [a.error for a in answers]
        assert answers[0].text.strip() == "駅はどこだ。", "what the model has learnt by heart"
        magpie = MagpieConfig(turns=4, turn_tokens=16, answer_tokens=8)
        openings = Openings(lambda system, agreed: template_of(client, config, system))
        turns = list(sample_turns(client, openings, magpie, seed=1))
        assert len(turns) == 4 and not any(turn.failed for turn in turns)
        before = client.usage.asked
        again = Client(config, cache)
        assert [a.text for a in again.ask_all(asked)] == [a.text for a in answers] and again.usage.asked == 0
        assert before >= 6
