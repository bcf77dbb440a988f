"""`in2x status` and `in2x compare`: what lies in the folders of runs, told as it is."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from in2x.artifact import begin, write_json
from in2x.recipe import Recipe
from in2x.records import read_records, write_records
from in2x.run import LOG, record
from in2x.stage import PROGRESS, Stage
from test_report import EVIL, synthetic_run

In2x = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic_run(tmp_path_factory.mktemp("runs") / "demo")


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "demo")
    return tmp_path / "demo"


def states(in2x: In2x, run: Path) -> dict[str, dict[str, Any]]:
    code, out, _ = in2x("status", run, "--json")
    assert code == 0
    return {row["stage"]: row for row in json.loads(out)}


def half_done(run: Path, stage: str, ago: float = 10.0) -> Path:
    shutil.rmtree(run / stage)
    partial = run / ".partial" / stage
    begin(partial, "key")
    (partial / "work").mkdir()
    (partial / "log.jsonl").write_text('{"step": 40, "loss": 2.5}\n{"step": 50, "lo', encoding="utf-8")
    row = {"what": "sft", "done": 50, "total": 200, "pace": 2.0, "note": "", "time": time.time() - ago}
    write_json(partial / "work" / PROGRESS, row)
    return partial


def test_finished_stages_with_their_figures(in2x: In2x, run: Path) -> None:
    found = states(in2x, run)
    assert found["sft"]["state"] == "done" and found["sft"]["seconds"] > 0
    assert found["sft"]["figures"]["step"] == 300 and found["sft"]["figures"]["loss"] < 1
    assert found["rl"]["figures"]["reward"] > 0.8
    assert found["data"]["figures"] == {"kept": 12345}
    assert found["report"]["state"] == "not yet"
    file = run / "evaluate" / "manifest.json"
    main = {"sft en-ja chrF": 87.0, "merged en-ja BLEU": 70.0, "merged en-ja chrF": 88.04, "merged ja-en chrF": 85.5}
    file.write_text(
        json.dumps(json.loads(file.read_text()) | {"figures": {"systems": ["sft", "merged"], "main": main}})
    )
    shown = in2x("status", run)[1]
    assert "kept 12,345" in shown and "chrF en-ja 88.04, chrF ja-en 85.5" in shown and "e+" not in shown


def test_at_work_half_done_and_how_long_yet(in2x: In2x, run: Path) -> None:
    half_done(run, "sft")
    stopped = states(in2x, run)["sft"]
    assert (stopped["state"], stopped["left"], stopped["share"]) == ("half done", None, 0.25)
    assert stopped["figures"] == {"step": 40, "loss": 2.5}
    with (run / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        at_work = states(in2x, run)["sft"]
    assert at_work["state"] == "at work" and 0 < at_work["left"] <= 65  # 150 steps at 2/s, ten seconds ago


def test_why_it_stopped_until_it_goes_on(in2x: In2x, run: Path) -> None:
    half_done(run, "rl")
    record(run, "failed", "rl", why="the judge is away")
    assert states(in2x, run)["rl"]["failed"] == "the judge is away"
    assert "the judge is away" in in2x("status", run)[1]
    record(run, "goes on", "rl")
    assert states(in2x, run)["rl"]["failed"] == ""
    with (run / LOG).open("a") as stream:
        stream.write('{"event": "fai')
    assert states(in2x, run)["rl"]["failed"] == ""


def test_a_stage_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("in2x.stage.EVERY", 0.0)
    stage = Stage("sft", Recipe(name="t"), tmp_path)
    with stage.progress("steps", 100) as advance:
        advance(60, "")  # goes on from a checkpoint
        for _ in range(10):
            advance(1, "loss 2.0")
        row = json.loads((stage.work / PROGRESS).read_text())
    assert (row["done"], row["total"], row["note"]) == (70, 100, "loss 2.0")
    assert row["pace"] > 0


def test_no_run_is_one_sentence(in2x: In2x, tmp_path: Path, run: Path) -> None:
    for arguments in (("status", tmp_path), ("compare", run, tmp_path)):
        code, out, err = in2x(*arguments)
        assert (code, out) == (2, "") and err.count("\n") == 1 and "stage" in err


def test_a_run_against_itself_differs_in_nothing(in2x: In2x, run: Path) -> None:
    code, out, _ = in2x("compare", run, run, "--json", "--resamples", "100")
    found = json.loads(out)
    assert code == 0 and not found["knobs"] and found["systems"] == ["merged", "merged"]
    gaps = [f["gap"][0] for f in found["figures"] if f["gap"]]
    assert len(gaps) > 10 and all(gap == [0, 0, 0] for gap in gaps)
    shown = in2x("compare", run, run, "--resamples", "100")[1]
    assert "were made with the same values" in shown and "principles, %" in shown


def test_what_differs_is_found_and_has_an_interval(in2x: In2x, run: Path, tmp_path: Path) -> None:
    from in2x.evaluate.outputs import Output

    other = tmp_path / "other"
    shutil.copytree(run, other)
    manifest = json.loads((other / "sft" / "manifest.json").read_text())
    manifest["config"] = {**manifest.get("config", {}), "passes": 7, "optimizer": {"lr": 3e-4}}
    (other / "sft" / "manifest.json").write_text(json.dumps(manifest))
    shutil.rmtree(other / "instruct")
    file = other / "evaluate" / "outputs.parquet"
    rows = list(read_records(file, Output))
    write_records(file, (Output(o.system, o.pair, o.id, o.source, o.reference, o.register, o.domain, o.hypothesis[:-2],
                                o.principles, o.why, o.places) for o in rows), Output)  # fmt: skip
    page = tmp_path / "page.html"
    code, out, _ = in2x("compare", run, other, "-o", page, "--resamples", "200")
    assert code == 0 and "sft.passes" in out and "sft.optimizer.lr" in out
    code, out, _ = in2x("compare", run, other, "--json", "--resamples", "200")
    found = json.loads(out)
    assert {"name": "instruct", "a": "done", "b": None} in found["knobs"]
    chrf = next(f for f in found["figures"] if (f["metric"], f["pair"]) == ("chrF", "en-ja"))
    (gap, low, high), p = chrf["gap"]
    assert low <= gap <= high < 0 and p < 0.05
    text = page.read_text(encoding="utf-8")
    assert "sft.passes" in text and "Reward" in text and EVIL not in text
    assert not re.search(r"(src|href)=.https?:", text)
