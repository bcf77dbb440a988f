"""`evaluate judge` and `evaluate mtbench` as users run them: own processes, a real HTTP server that fails at times."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from test_llm_client import Server


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "--mode", "judge", "--fault-rate", "0.2", "--silence", "0.1")
    yield server
    server.stop()


def in2x(*arguments: str | Path) -> Any:
    command = [sys.executable, "-m", "in2x", "evaluate", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def write(file: Path, lines: list[str]) -> Path:
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return file


def test_judging_over_http_with_faults_and_paying_once(tmp_path: Path, judge: Server) -> None:
    sources = write(tmp_path / "src", ["One.", "Two.", "Three."])
    good = write(tmp_path / "good", ["一つ。", "二つ。", "三つ。"])
    mixed = write(tmp_path / "mixed", ["一つ", "二つ。", "三つ"])
    command = ["judge", "--hyp", good, "--hyp", mixed, "--src", sources, "--from", "en", "--to", "ja",
               "--judge", "m", "--judge-url", judge.url, "--cache", tmp_path / "cache.sqlite"]  # fmt: skip
    first = in2x(*command)
    assert [row["score"] for row in first] == [90, 50]
    assert first[1]["segments"][0]["errors"][0]["span"] == "一"
    asked = judge.get("/stats")["answered"]
    assert asked == 5, "six segments, two of them alike"
    assert in2x(*command) == first
    assert judge.get("/stats")["answered"] == asked


def test_mtbench_over_http_with_faults(tmp_path: Path, judge: Server) -> None:
    questions = write(
        tmp_path / "q",
        [json.dumps({"question_id": n, "category": "writing", "turns": [text, "続けて"]}, ensure_ascii=False)
         for n, text in ((1, "問い一"), (2, "問い二"))],
    )  # fmt: skip
    [row] = in2x("mtbench", "--questions", questions, "--judgements", tmp_path / "j", "--answers", tmp_path / "a",
                 "--model", "m", "--model-url", judge.url, "--judge", "m", "--judge-url", judge.url)  # fmt: skip
    # Each judgement of question 1 shows 答え一, in its second turn, too.
    assert row["n"] == 4 and row["failed"] == 0
    assert row["score"] == 6 and row["turns"] == {"1": 6, "2": 6}
    answers = [json.loads(line) for line in (tmp_path / "a").read_text(encoding="utf-8").splitlines()]
    assert len(answers) == 2
