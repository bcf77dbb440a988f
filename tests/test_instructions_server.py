"""`in2x instruct` by command line against a local server: the whole set, a funnel page, a kill, a second run."""

# tables of rows

from __future__ import annotations

import html
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from in2x.errors import In2xError
from in2x.instructions.classic import TASKS, templates
from in2x.instructions.collect import read_set, sets_of
from in2x.instructions.config import SetConfig
from in2x.records import Instruction, Verdict, read_records
from test_llm_client import Server

RECIPE = Path(__file__).parents[1] / "recipes" / "instruct-server.yaml"
MADE = ("pool.sft.parquet", "pool.rl.parquet", "rejected.parquet", "verdicts.parquet", "funnel.json")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "--mode", "script")
    yield server
    server.stop()


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def prepare(tmp_path: Path) -> Path:
    folder = tmp_path / "sets"
    folder.mkdir()
    write(
        folder / "math.jsonl",
        [
            {
                "question": f"Ann has {n} pears and picks {n * n + 3} more of them. How many has she?",
                "answer": str(n * n + n + 3),
                "license": "CC0-1.0",
            }
            for n in range(3, 20)
        ],
    )
    write(
        folder / "prompts.jsonl",
        [
            {"instruction": text, "license": "CC0-1.0"}
            for text in (
                "港の朝を短く描写してください。",
                "石垣の直し方を順を追って説明してください。",
                "请介绍一种适合雨天的爱好。",
                "描写一座没有人看守的灯塔。",
                "Explain why bread rises, to a child.",
                "Suggest a name for a small ferry and say why.",
            )
        ],
    )
    return folder


def command(tmp_path: Path, out: str, server: Server, model: Path, *more: str) -> list[str]:
    sets = (
        "instruct.sets=[{path: sets}]",
        f"instruct.llm.base_url={server.url}",
        f"instruct.llm.template={model}",
        "instruct.llm.in_flight=4",
        "instruct.magpie.turns=12",
        "instruct.self_instruct.tasks=24",
        "instruct.rewrite={creative: 4, localized: 6, style: 4}",
    )
    options = [word for one in sets for word in ("--set", one)]
    return [sys.executable, "-m", "in2x", "instruct", str(RECIPE), "--out", out, *options, *more]


def test_the_whole_set_and_a_second_run_that_asks_nothing(tmp_path: Path, live: Server, tiny_model: Path) -> None:
    prepare(tmp_path)
    first = command(tmp_path, "run", live, tiny_model)
    done = subprocess.run(first, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = tmp_path / "run" / "instruct"
    funnel = json.loads((made / "funnel.json").read_text(encoding="utf-8"))
    assert funnel["in"] == funnel["kept"] + funnel["rejected"] + funnel["failed"] > 60
    assert len(set(funnel["languages"].values())) == 1 and set(funnel["languages"]) == {"en", "ja", "zh"}
    assert not (tmp_path / "run" / "pretrain").exists(), "a served model needs none of our own"
    verdicts = list(read_records(made / "verdicts.parquet", Verdict))
    lost = list(read_records(made / "rejected.parquet", Instruction))
    assert [v.id for v in verdicts if not v.kept] == [item.id for item in lost]
    assert len(verdicts) == funnel["in"]
    page = (made / "funnel.html").read_text(encoding="utf-8")
    kept = json.loads((made / "funnel.json").read_text(encoding="utf-8"))["examples"]
    assert all(html.escape(one["prompt"][:20], quote=False) in page for found in kept.values() for one in found)
    assert "Where each item went" in page and "http" not in page.split("</style>")[1].split("<script>")[0]
    for origin in funnel["origins"]:
        assert origin in page
    asked = live.get("/stats")["asked"]
    again = subprocess.run(first, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "unchanged" in again.stderr
    before = {name: (made / name).read_bytes() for name in MADE}
    subprocess.run([*first, "--force"], cwd=tmp_path, capture_output=True, check=True)
    assert live.get("/stats")["asked"] == asked and {name: (made / name).read_bytes() for name in MADE} == before


@pytest.mark.slow
def test_killed_anywhere_it_ends_in_the_same_bytes(tmp_path: Path, live: Server, tiny_model: Path) -> None:
    prepare(tmp_path)
    calm = command(tmp_path, "calm", live, tiny_model)
    subprocess.run(calm, cwd=tmp_path, capture_output=True, check=True)
    rest = command(tmp_path, "killed", live, tiny_model)
    start = live.get("/stats")["asked"]
    for goal in (10, 60, 150):
        process = subprocess.Popen(rest, cwd=tmp_path, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while live.get("/stats")["asked"] - start < goal and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(rest, cwd=tmp_path, capture_output=True, check=True)
    for name in MADE:
        assert (tmp_path / "killed/instruct" / name).read_bytes() == (tmp_path / "calm/instruct" / name).read_bytes()


ROWS: dict[str, dict[str, object]] = {
    "nli": {"premise": "雨が降り、道はぬれている。", "hypothesis": "道は乾いている。", "label": 2},
    "paraphrase": {"sentence1": "The boat is dry.", "sentence2": "The boat has dried.", "label": 1},
    "sentiment": {"text": "这家店的面包很好吃。", "label": 1},
    "reading": {
        "context": "The ferry left at noon.",
        "question": "When did it leave?",
        "answers": {"text": ["at noon"]},
    },
    "summary": {
        "article": "The mill burned down in May. It was rebuilt.",
        "highlights": "A mill burned and was rebuilt.",
    },
    "choice": {"question": "海の色は？", "choice0": "赤", "choice1": "青", "label": 1},
    "translation": {"translation": {"en": "Good night.", "ja": "おやすみ。"}},
}
ANSWERS = {
    "nli": ["矛盾"],
    "paraphrase": ["yes"],
    "sentiment": ["正面"],
    "reading": ["at noon"],
    "summary": ["A mill burned and was rebuilt."],
    "choice": ["B"],
    "translation": ["おやすみ。", "Good night."],
}


@pytest.mark.parametrize("task", sorted(TASKS))
def test_classic_tasks_become_instructions(task: str, tmp_path: Path) -> None:
    write(tmp_path / "c.jsonl", [ROWS[task]])
    items = list(
        read_set(SetConfig.model_validate({"path": str(tmp_path / "c.jsonl"), "format": task, "license": "MIT"}))
    )
    assert [item.answer for item in items] == ANSWERS[task] and all(item.license == "MIT" for item in items)
    for item in items:
        assert "{" not in item.messages[0]["content"]
        if task not in ("summary", "translation"):
            assert item.verifier is not None and item.verifier["value"] == item.answer


def test_templates_vary_in_three_languages() -> None:
    for task in TASKS:
        for lang in ("en", "ja", "zh"):
            assert len(set(templates()[task][lang])) >= 4


def test_a_row_of_another_task_is_a_sentence(tmp_path: Path) -> None:
    write(tmp_path / "c.jsonl", [{"text": "x", "label": "no such label"}])
    with pytest.raises(In2xError, match=r"c.jsonl, line 1: not a row of the sentiment layout"):
        list(read_set(SetConfig.model_validate({"path": str(tmp_path / "c.jsonl"), "format": "sentiment"})))
    (tmp_path / "none").mkdir()
    with pytest.raises(In2xError, match="no instruction sets in this folder"):
        sets_of(SetConfig(path=str(tmp_path / "none")))
    shutil.rmtree(tmp_path / "none")
