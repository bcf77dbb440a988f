"""The client against real HTTP servers on loopback: order, faults, kill -9, schema, keys, budgets, wrong set-ups."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chat_server import Body, ChatServer, Reply
from in2x.errors import In2xError
from in2x.llm.cache import Cache
from in2x.llm.client import Client
from in2x.llm.config import LlmConfig, TeacherConfig
from in2x.llm.limits import TokenBucket
from in2x.llm.request import Answer, Request, chat

HERE = Path(__file__).parent
SCHEMA = {
    "type": "object", "required": ["score", "why"], "additionalProperties": False,
    "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}, "why": {"type": "string"}},
}  # fmt: skip


class Server:
    def __init__(self, folder: Path, *options: str) -> None:
        port_file = folder / f"port{time.monotonic_ns()}"
        self.process = subprocess.Popen([sys.executable, str(HERE / "llm_server.py"), str(port_file), *options])
        until = time.monotonic() + 20
        while not port_file.exists():
            assert time.monotonic() < until and self.process.poll() is None
            time.sleep(0.02)
        self.root = f"http://127.0.0.1:{port_file.read_text()}"
        self.url = self.root + "/v1"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.root + path, timeout=10) as response:
            return json.loads(response.read())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*options: str) -> Server:
        servers.append(Server(tmp_path, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def config(server: Server | None, **more: Any) -> LlmConfig:
    url = server.url if server else None
    return LlmConfig.model_validate(
        {"base_url": url, "model": "m", "backoff": 0.02, "timeout": 10.0, "attempts": 20} | more
    )


def questions(count: int) -> Iterator[Request]:
    return (chat(f"question {n} 質問", temperature=0.7) for n in range(count))


def test_order_cache_and_second_run(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve()
    with Cache(tmp_path / "c.sqlite") as cache:
        client = Client(config(server), cache)
        moved: list[float] = []
        answers = list(client.ask_all(questions(300), lambda count, note: moved.append(count)))
        assert [a.text.split(" to ")[1] for a in answers] == [f"question {n} 質問" for n in range(300)]
        assert sum(moved) == 300 and client.usage.answered == 300 and client.usage.prompt_tokens == 3000
        asked = server.get("/stats")["asked"]
        again = Client(config(server), cache)
        assert [a.text for a in again.ask_all(questions(300))] == [a.text for a in answers]
        assert again.usage.cached == 300 and server.get("/stats")["asked"] == asked == 300


def test_the_same_question_twice_is_asked_once(serve: Callable[..., Server]) -> None:
    server = serve()
    client = Client(config(server))
    answers = list(client.ask_all([chat("same")] * 20 + [chat("same", sample=1)]))
    assert len({a.text for a in answers}) == 1 and server.get("/stats")["asked"] == 2


def run_under_faults(server: Server, cache: Path, count: int) -> list[Answer]:
    with Cache(cache) as opened:
        return list(Client(config(server, timeout=6.0), opened).ask_all(questions(count)))


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.slow)])
def test_faults_lose_and_double_nothing(serve: Callable[..., Server], tmp_path: Path, count: int) -> None:
    server = serve("--fault-rate", "0.3", "--silence", "40")
    answers = run_under_faults(server, tmp_path / "c.sqlite", count)
    assert all(a.ok for a in answers)
    assert [a.text.split(" to ")[1] for a in answers] == [f"question {n} 質問" for n in range(count)]
    stats = server.get("/stats")
    assert stats["again"] == 0 and stats["answered"] == count
    assert len(stats["faults"]) == 8 and sum(stats["faults"].values()) == stats["asked"] - count


SCRIPT = """
import json, sys
from pathlib import Path
from in2x.artifact import write_text
from in2x.llm.cache import Cache
from in2x.llm.client import Client
from in2x.llm.config import LlmConfig
from in2x.llm.request import chat
url, cache, out, count = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
client = Client(LlmConfig(base_url=url, model="m", backoff=.02, timeout=2.0, attempts=20, in_flight=32), Cache(cache))
requests = (chat(f"question {n} \u8cea\u554f", temperature=.7) for n in range(count))
lines = [json.dumps([a.text, a.finished, a.error]) for a in client.ask_all(requests)]
write_text(out, "\\n".join(lines))
"""


def kept_questions(cache: Path) -> int:
    with sqlite3.connect(cache) as db:
        return int(db.execute("SELECT count(*) FROM answers").fetchone()[0])


@pytest.mark.parametrize(("count", "kills"), [(300, 2), pytest.param(10_000, 10, marks=pytest.mark.slow)])
def test_kill_at_random_moments_gives_the_same_bytes(
    serve: Callable[..., Server], tmp_path: Path, count: int, kills: int
) -> None:
    calm, server = serve(), serve("--fault-rate", "0.3", "--seed", "5")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    call = [sys.executable, str(script)]
    subprocess.run([*call, calm.url, str(tmp_path / "calm"), str(tmp_path / "calm.out"), str(count)], check=True)
    cache, out = tmp_path / "killed", tmp_path / "killed.out"
    rng = random.Random(count)
    for number in range(kills):
        process = subprocess.Popen([*call, server.url, str(cache), str(out), str(count)])
        goal = count * (number + 1) * rng.uniform(0.6, 1.0) / (kills + 2)
        until = time.monotonic() + 60
        while not cache.exists() or kept_or_zero(cache) < goal:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not out.exists()
        with sqlite3.connect(cache) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    before = kept_questions(cache)
    urllib.request.urlopen(server.root + "/mark").close()
    subprocess.run([*call, server.url, str(cache), str(out), str(count)], check=True)
    assert out.read_bytes() == (tmp_path / "calm.out").read_bytes()
    # What was kept before the last start was not asked again: only the rest was.
    assert len(set(server.get("/log"))) == count - before
    assert kept_questions(cache) == count
    # Asked again after an answer: at most what was on the wire at each kill.
    assert server.get("/stats")["again"] <= 32 * kills


def kept_or_zero(cache: Path) -> int:
    try:
        return kept_questions(cache)
    except sqlite3.OperationalError:
        return 0


def test_json_native_repaired_and_hopeless(serve: Callable[..., Server]) -> None:
    asked = [chat("rate it", schema=SCHEMA)]
    native = serve()
    (answer,) = Client(config(native)).ask_all(asked)
    assert set(answer.value) == {"score", "why"}
    assert native.get("/last")["response_format"]["json_schema"]["schema"] == SCHEMA
    plain = Client(config(serve("--mode", "plain")))
    assert not any(a.ok for a in plain.ask_all([chat(f"rate {n}", schema=SCHEMA) for n in range(5)]))
    repaired = Client(config(serve("--mode", "repair")))
    (answer,) = repaired.ask_all(asked)
    assert answer.value == {"score": 4, "why": "repaired"} and repaired.usage.repaired == 1
    (answer,) = Client(config(serve("--mode", "hopeless"))).ask_all(asked)
    assert not answer.ok and "answer lacks why" in str(answer.error)


def test_schema_on_a_server_without_response_format(serve: Callable[..., Server]) -> None:
    server = serve("--mode", "plain")
    client = Client(config(server))
    free = {"type": "object"}
    answers = list(client.ask_all([chat("give {} please", schema=free)]))
    # The parameter was refused once; from then on the JSON is looked for in the text.
    assert answers[0].value == {} and client.usage.asked == 2 and "response_format" not in server.get("/last")


def test_logprobs_finish_and_raw_completions(serve: Callable[..., Server]) -> None:
    server = serve()
    client = Client(config(server))
    one, two, three = client.ask_all(
        [chat("x", top_logprobs=2), chat("y", max_tokens=1), Request(prompt="<user>", stop=("to",), seed=3, sample=4)]
    )
    assert one.logprobs == [["a", -0.1, [["a", -0.1], ["b", -2.4]]]]
    assert one.finished and not two.finished
    assert three.text.startswith("answer") and " to " not in three.text
    assert server.get("/last")["seed"] == 7 or server.get("/last")["model"] == "m"


def test_budget_stops_cleanly(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve()
    with Cache(tmp_path / "c") as cache:
        client = Client(config(server, budget_tokens=150, in_flight=4), cache)
        answers = list(client.ask_all(questions(50)))
        assert len(answers) == 50 and 10 <= sum(a.ok for a in answers) <= 14
        assert "budget of 150 tokens is spent" in str(answers[-1].error)
        # The rest is asked later, and only the rest.
        assert all(a.ok for a in Client(config(server), cache).ask_all(questions(50)))
        assert server.get("/stats")["asked"] == 50
    money = Client(config(server, budget_money=0.001, price_in=10.0, price_out=20.0, in_flight=1))
    assert sum(a.ok for a in money.ask_all(questions(9))) == 5  # each costs .0002


def test_a_question_that_was_answered_meanwhile_is_not_asked_again(tmp_path: Path) -> None:
    """Two streams with one question: the second took it up before the first had its answer, and begins after that."""

    async def both(client: Client, request: Request) -> None:
        key = request.key(client.name, client._server.url)
        assert client._known(key, request) is None
        async with client._server.session() as api:
            await client._once(api, request, key)
            await client._once(api, request, key)

    with ChatServer(lambda body: "here") as server, Cache(tmp_path / "c") as cache:
        asyncio.run(both(Client(LlmConfig(base_url=server.url, model="m"), cache), chat("once")))
        assert len(server.asked) == 1


def test_what_is_under_way_when_all_stops_is_kept(tmp_path: Path) -> None:
    """Another answer comes after nothing is left to pay with: it was paid, and is not asked for again."""
    paid = True

    def reply(body: Body) -> Reply:
        if body["messages"][0]["content"] == "slow":
            time.sleep(0.5)
            return "here"
        time.sleep(0.1)
        return "here too" if paid else (402, {"error": {"message": "empty"}})

    asked = [chat("slow"), chat("quick")]
    with ChatServer(reply) as server, Cache(tmp_path / "c") as cache:
        knobs = LlmConfig(base_url=server.url, model="m", in_flight=2)
        paid = False
        with pytest.raises(In2xError, match="nothing is left to pay"):
            list(Client(knobs, cache).ask_all(asked))
        paid = True
        assert [a.text for a in Client(knobs, cache).ask_all(asked)] == ["here", "here too"]
        assert Counter(b["messages"][0]["content"] for b in server.asked) == {"slow": 1, "quick": 2}


def test_a_refused_request_fails_alone(serve: Callable[..., Server]) -> None:
    answers = list(Client(config(serve())).ask_all([chat("fine"), chat("too long"), chat("fine too")]))
    assert [a.ok for a in answers] == [True, False, True] and "the context is too long" in str(answers[1].error)


def test_a_thought_without_an_answer_is_paid_and_not_asked_for_twice() -> None:
    """An answer cut while the model still thought: its tokens count, and the address is not what is wrong."""
    cut = {
        "message": {"role": "assistant", "content": None, "reasoning_content": "Hm, a tide"},
        "finish_reason": "length",
    }
    with ChatServer(lambda body: cut, usage={"prompt_tokens": 9, "completion_tokens": 700}) as server:
        client = Client(LlmConfig(base_url=server.url, model="m"))
        (plain, formed) = client.ask_all([chat("When is the tide?"), chat("How high is it?", schema=SCHEMA)])
        assert len(server.asked) == 2 and (client.usage.prompt_tokens, client.usage.answer_tokens) == (18, 1400)
    assert plain.lack == "nothing but reasoning" and plain.thought == "Hm, a tide" and not plain.finished
    assert formed.error == "nothing but reasoning" and formed.unusable


def test_a_budget_holds_where_the_server_never_says_what_it_counts() -> None:
    """A token for three bytes, as the docs say: by that measure the server has made no more than 1% too many."""
    with ChatServer(lambda body: "wave " * (20 + len(body["messages"][0]["content"]) % 7)) as server:
        client = Client(LlmConfig(base_url=server.url, model="m", budget_tokens=6000, in_flight=4))
        answers = list(client.ask_all(questions(300)))
    billed = sum(
        -(-len(body["messages"][0]["content"].encode()) // 3) + -(-len(answer.text) // 3)
        for body, answer in zip(server.asked, (a for a in answers if a.ok), strict=True)
    )
    assert 0.97 * 6000 < billed <= 1.01 * 6000
    assert "the budget of 6,000 tokens is spent" in str(answers[-1].error) and answers[-1].trouble == "budget"


@pytest.mark.parametrize("words", ["our usage policy does not allow this", "no"])
def test_one_forbidden_prompt_is_one_failed_question(words: str) -> None:
    """A filter's 403 fails its own question, whatever it says; a 403 to everything is the key's."""

    def reply(body: Body) -> Reply:
        text = body["messages"][0]["content"]
        return (403, {"error": {"message": words}}) if "poison" in text else "here"

    asked = [chat("a recipe"), chat("a poison"), chat("a song")]
    with ChatServer(reply) as server:
        knobs = LlmConfig(base_url=server.url, model="m", in_flight=1, backoff=0.01)
        answers = list(Client(knobs).ask_all(asked))
        assert [a.ok for a in answers] == [True, False, True] and "refuses the request" in str(answers[1].error)
        assert answers[1].trouble == "request"
    with (
        ChatServer(lambda body: (403, {"error": {"message": "no"}})) as server,
        pytest.raises(In2xError, match="does not accept the key"),
    ):
        list(Client(LlmConfig(base_url=server.url, model="m", in_flight=1, backoff=0.01)).ask_all(asked))


def test_wrong_setups_are_one_sentence(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    def complaint(settings: LlmConfig) -> str:
        with pytest.raises(In2xError) as caught:
            list(Client(settings).ask_all(questions(3)))
        return str(caught.value)

    server = serve("--mode", "key")
    monkeypatch.delenv("MY_KEY", raising=False)
    wanted = config(server, key_variable="MY_KEY")
    assert "does not accept the key (401); set the environment variable MY_KEY" in complaint(wanted)
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    found = complaint(wanted)
    assert "correct the environment variable MY_KEY" in found and "secret" not in found
    monkeypatch.setenv("MY_KEY", "right")
    assert all(a.ok for a in Client(wanted).ask_all(questions(3)))
    assert "has no model 'absent'" in complaint(config(serve(), model="absent"))
    other = serve()
    assert "does not speak the OpenAI API (404)" in complaint(LlmConfig(base_url=other.root + "/api", backoff=0.02))
    assert "gave no answer" in complaint(LlmConfig(base_url="http://127.0.0.1:9/v1", backoff=0.02))
    with pytest.raises(In2xError, match="is not a URL"):
        Client(LlmConfig(base_url="localhost:8000"))


def test_the_key_is_nowhere_on_disk(
    serve: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    server = serve()
    with Cache(tmp_path / "c") as cache:
        list(Client(config(server), cache).ask_all(questions(5)))
        assert server.get("/stats")["keys"] == ["Bearer sk-very-secret"]
        assert all(b"secret" not in file.read_bytes() for file in tmp_path.iterdir())


def test_rate_limit_is_kept(serve: Callable[..., Server]) -> None:
    client = Client(config(serve(), requests_per_minute=1200))  # 20 a second, 20 at once
    started = time.monotonic()
    list(client.ask_all(questions(40)))
    assert 0.9 <= time.monotonic() - started < 3


def test_token_bucket() -> None:
    now = [0.0]
    bucket = TokenBucket(60, lambda: now[0])
    assert [bucket.take() for _ in range(3)] == [0.0, 1.0, 2.0]
    now[0] = 2.0
    assert bucket.take() == pytest.approx(1.0)
    bucket.give_back(1.0)
    now[0] = 10.0
    assert bucket.take() == 0.0  # and no more than one second's worth was saved up
    assert bucket.take() == pytest.approx(1.0)


def test_answers_that_were_kept_count_where_failures_are_shared_out() -> None:
    """A second run asks what failed before and little else: that alone is no server that fails too often."""
    client = Client(TeacherConfig(base_url="http://127.0.0.1:1/v1", model="m"), None)
    client.usage.failed, client.usage.answered, client.usage.cached = 49, 114, 8000
    client._bear("no JSON")
    client._in_a_row = 200
    with pytest.raises(In2xError, match="49 of 8,163 questions"):
        client._bear("no JSON")
    client._in_a_row, client.usage.cached = 1, 0
    with pytest.raises(In2xError, match="49 of 163 questions"):
        client._bear("no JSON")
