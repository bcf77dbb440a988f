"""RL with a judge over HTTP: what it wrote is there, and neither its faults nor a kill change a bit or ask twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import in2x.rl.loop as loop
import judging_script
from chat_server import Body, ChatServer, Reply
from in2x.errors import In2xError, UsageError
from in2x.rl.stage import run
from in2x.stage import Stage
from rl_judge_worker import knobs, prepare
from test_llm_client import Server, serve  # noqa: F401  # a fixture

WORKER = Path(__file__).parent / "rl_judge_worker.py"


class Judge:
    """The script behind an HTTP server, with trouble: before question `down` come `faults` answers of another kind."""

    def __init__(self, down: int = 10**9, faults: int = 10**9, fault: Reply = (503, {"error": {"message": "busy"}})):
        self.down, self.faults, self.fault = down, faults, fault
        self.answered: Counter[str] = Counter()
        self.port = 0
        """Of its server, the same at each start: what is kept belongs to an address."""

    def __call__(self, body: Body) -> Reply:
        if sum(self.answered.values()) >= self.down and self.faults > 0:
            self.faults -= 1
            return self.fault
        text = next(m["content"] for m in body["messages"] if m["role"] == "user")
        wanted = body.get("response_format", {}).get("json_schema", {}).get("schema", {}).get("required", [])
        self.answered[json.dumps(body["messages"])] += 1
        return judging_script.reply(text, wanted)


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)


def train(folder: Path, judge: Judge, llm: dict[str, Any] | None = None, **changes: Any) -> Stage:
    with ChatServer(judge, port=judge.port) as server:
        judge.port = int(server.url.rsplit(":", 1)[1].split("/")[0])
        stage = prepare(folder)
        run(knobs(server.url, {"attempts": 2, "timeout": 60.0, **(llm or {})}, **changes), stage)
    return stage


def left(folder: Path) -> dict[str, Any]:
    """What a run leaves, without what the clock says."""
    files = ("model/model.safetensors", "principles.jsonl", "trajectories.jsonl", "log.jsonl")
    return {name: (folder / "rl" / name).read_bytes() for name in files}


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rl" / name).read_text().splitlines()]


def test_the_stage_writes_principles_trains_by_them_and_shows_the_verdicts(tmp_path: Path, saved: None) -> None:
    judge = Judge()
    stage = train(tmp_path, judge)
    written = rows(tmp_path, "principles.jsonl")
    assert len(written) == 13 and all(row["task"] == "story" for row in written)
    good = [row for row in written if row["kept"]]
    reasons = Counter(reason for row in written for _, reason in row["rejected"])
    assert reasons["vague"] >= len(good), "verified by code"
    assert all([judging_script.IDLE, "broken by no answer"] in row["rejected"] for row in good if row["tried"])
    failed = [row for row in written if row["failed"]]
    assert failed and "no JSON" in failed[0]["failed"]
    found = stage.figures["principles"]
    assert (found["prompts"], found["failed"], found["left_out"]) == (13, len(failed), len(failed))
    assert stage.figures["prompts"] == 13 - len(failed), "what has no principles is not trained"
    assert found["rejected"] == dict(reasons)
    assert stage.figures["failed"]["judged"] > 0, "what the judge says in prose is excluded and counted"
    assert "no JSON" in stage.figures["why_failed"]["judged"]
    shown = rows(tmp_path, "trajectories.jsonl")
    assert [row["step"] for row in shown] == [step for step in (0, 2, 4) for _ in range(4)]
    judged = [row for row in shown if row.get("judged")]
    assert judged and {v for row in judged for v in row["judged"].values()} <= {"yes", "no", "n/a"}
    sentences = {text for row in good for text in row["kept"]}
    assert any(sentences & row["judged"].keys() for row in judged), "those that were written for the prompt too"
    assert max(judge.answered.values()) == 1, "nothing is asked twice"


def test_a_judge_that_goes_away_stops_the_run_and_the_same_command_goes_on(tmp_path: Path, saved: None) -> None:
    """It goes while principles are written, and again while answers are judged."""
    calm = Judge()
    train(tmp_path / "calm", calm, patience=0)
    asked = sum(calm.answered.values())
    cut = Judge()
    for down in (asked // 8, asked * 2 // 3):
        cut.down = down
        with pytest.raises(
            In2xError, match=r"the judge gave no answer \(.*no answer after 2 tries \(503 busy\)\); .*same"
        ):
            train(tmp_path / "cut", cut, patience=0)
    assert rows(tmp_path / "cut", "log.jsonl"), "the second time it was training"
    cut.down = 10**9
    train(tmp_path / "cut", cut, patience=0)
    assert left(tmp_path / "cut") == left(tmp_path / "calm")
    assert max(cut.answered.values()) == 1 and cut.answered.keys() == calm.answered.keys()


def test_a_judge_that_is_down_for_a_while_is_waited_for(
    tmp_path: Path, saved: None, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path / "calm", Judge())
    assert "waited for" not in capsys.readouterr().err
    judge = Judge(down=40, faults=8)
    train(tmp_path / "cut", judge, {"in_flight": 1}, patience=60)
    said = capsys.readouterr().err
    assert said.count("(503 busy): it is waited for") == said.count("answers again") == 1
    assert judge.faults == 0 and left(tmp_path / "cut") == left(tmp_path / "calm")


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"llm": {"budget_requests": 40}}, r"the budget of 40 requests is spent"),
     ({"llm": {"budget_tokens": 9000}}, r"the budget of 9,000 tokens is spent")],
)  # fmt: skip
def test_a_budget_ends_the_run_with_a_sentence(tmp_path: Path, saved: None, changes: Any, message: str) -> None:
    with pytest.raises(In2xError, match=message):
        train(tmp_path, Judge(), **changes)
    assert not (tmp_path / "rl" / "model").exists()


def test_by_fundamental_principles_alone_nothing_is_written(tmp_path: Path) -> None:
    judge = Judge()
    train(tmp_path, judge, principles="fundamental", mode="answer", cache=str(tmp_path / "mine.sqlite"))
    assert not (tmp_path / "rl" / "principles.jsonl").exists() and (tmp_path / "mine.sqlite").exists()
    assert all(question.count("<answer number") <= 1 for question in judge.answered)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda url: knobs("http://127.0.0.1:9/v1"), r"the server at http://127.0.0.1:9/v1 gave no answer"),
        (lambda url: knobs(url, tasks=("poem",)), r"no prompt is of a task that .* judges \(poem\); name .*story"),
        (lambda url: knobs(url, reliability="nowhere.json", principles="fundamental"), r"nowhere.json: cannot be read"),
        (lambda url: knobs(url + "/v2"), r"does not speak the OpenAI API \(404\)"),
    ],
    ids=["no server", "task", "reliability", "address"],
)  # fmt: skip
def test_a_wrong_set_up_is_a_sentence_before_any_training(
    tmp_path: Path, change: Callable[[str], Any], message: str
) -> None:
    judge = Judge()
    with ChatServer(judge) as server:
        if "v2" in (config := change(server.url)).judge.llm.base_url:
            judge.down, judge.fault = 0, (404, {"detail": "Not Found"})
        with pytest.raises((In2xError, UsageError), match=message):
            run(config, prepare(tmp_path))
    assert sum(judge.answered.values()) <= 1 and not (tmp_path / "rl" / "log.jsonl").exists()


def test_a_judge_that_answers_prose_is_a_sentence(tmp_path: Path) -> None:
    prose = Judge(down=1, fault="They are all fine.")
    with pytest.raises(In2xError, match=r"principles of use for too few prompts: 0 are left.*no JSON in the answer"):
        train(tmp_path / "writer", prose)
    prose = Judge(down=1, fault="They are all fine.")
    with pytest.raises(In2xError, match=r"could be rewarded in the first batch \(judged: .*no JSON in the answer"):
        train(tmp_path / "judge", prose, principles="fundamental")


@pytest.mark.slow
def test_kill_9_twice_under_faults_changes_no_bit_and_asks_nothing_twice(
    tmp_path: Path,
    serve: Callable[..., Server],  # noqa: F811
) -> None:
    """One kill while principles are written, one while answers are judged; three answers in ten are faults."""

    def start(folder: Path, server: Server) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(WORKER), str(folder), server.url], stderr=subprocess.PIPE)

    calm, cut = serve("--mode", "principles"), serve("--mode", "principles", "--fault-rate", "0.3", "--silence", "0.3")
    process = start(tmp_path / "calm", calm)
    assert process.wait(timeout=300) == 0, process.stderr.read()[-2000:]
    whole = calm.get("/stats")["answered"]
    for after in (whole // 6, whole * 2 // 3):
        process, deadline = start(tmp_path / "cut", cut), time.time() + 300
        while cut.get("/stats")["answered"] < after:
            assert process.poll() is None, process.stderr.read()[-2000:]
            assert time.time() < deadline
            time.sleep(0.002)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    process = start(tmp_path / "cut", cut)
    assert process.wait(timeout=300) == 0, process.stderr.read()[-2000:]
    assert left(tmp_path / "cut") == left(tmp_path / "calm")
    stats = cut.get("/stats")
    assert sum(stats["faults"].values()) > 10
    # Two questions are under way at once: a kill takes no more with it than their answers.
    assert stats["again"] <= 2 * 2 and stats["answered"] == whole + stats["again"]
