"""Order, resume, manifests: with two tiny rooms in place of the real ones."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from in2x import closure
from in2x import run as runner
from in2x.artifact import Artifact, aside, begin, finish, write_json
from in2x.errors import In2xError, UsageError
from in2x.recipe import Recipe
from in2x.run import Room, forecast, publish_model, run

FAKE = """
import sys, time
from pathlib import Path

from in2x.artifact import write_json

calls = []


def run(config, stage):
    calls.append(stage.name)
    before = [stage.input(name) / "value.json" for name in stage.inputs]
    if stage.name == "merge":
        (stage.out / "model").mkdir(exist_ok=True)
        (stage.out / "model" / "model.safetensors").write_bytes(b"weights " + stage.seed.to_bytes(1, "big"))
        (stage.out / "model" / "config.json").write_text("{}")
    for step in range(3):
        mark = stage.work / f"step.{step}"
        if mark.exists():
            continue
        if stage.name == "corpus" and step == 1 and Path("slow").exists():
            Path("reached").touch()
            time.sleep(60)
        mark.touch()
        stage.log.write({"step": step})
    stage.figures["inputs"] = len(before)
    write_json(stage.out / "value.json", {"stage": stage.name, "resumed": stage.resumed})
"""


@pytest.fixture
def rooms(tmp_path, monkeypatch):
    """Three rooms in a package of their own, which their keys are computed from."""
    room = tmp_path / "fakes" / "room"
    room.mkdir(parents=True)
    (tmp_path / "fakes" / "__init__.py").touch()
    (room / "__init__.py").touch()
    (room / "stage.py").write_text(FAKE)
    (room / "idle.py").write_text("unused = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("fakes", "fakes.room", "fakes.room.stage"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    three = (
        Room("data", "data", "fakes.room.stage", ()),
        Room("corpus", "corpus", "fakes.room.stage", ("data",)),
        Room("merge", "merge", "fakes.room.stage", ("data", "corpus")),
    )
    monkeypatch.setattr(runner, "ROOMS", three)
    monkeypatch.setattr(runner, "STAGES", tuple(room.name for room in three))
    closure._files.cache_clear()
    from fakes.room import stage

    yield stage.calls
    closure._files.cache_clear()
    for name in ("fakes", "fakes.room", "fakes.room.stage"):
        sys.modules.pop(name, None)


def ran(calls, recipe, out, **options):
    calls.clear()
    run(recipe, out, **options)
    return list(calls)


def test_a_second_run_does_nothing(rooms, tmp_path):
    recipe, out = Recipe(name="t"), tmp_path / "out"
    assert ran(rooms, recipe, out) == ["data", "corpus", "merge"]
    before = (out / "corpus" / "manifest.json").read_bytes()
    assert ran(rooms, recipe, out) == []
    assert (out / "corpus" / "manifest.json").read_bytes() == before
    assert not list((out / ".partial").iterdir()), "no scratch stays behind"
    assert not (out / "corpus" / "work").exists()
    assert ran(rooms, recipe, out, first="corpus", force=True) == ["corpus", "merge"]


def test_a_change_reruns_that_stage_and_what_reads_it(rooms, tmp_path):
    recipe, out = Recipe(name="t"), tmp_path / "out"
    run(recipe, out)
    other = recipe.model_copy(update={"merge": recipe.merge.model_copy(update={"density": 0.25})})
    assert ran(rooms, other, out) == ["merge"]
    assert ran(rooms, recipe.model_copy(update={"seed": 7}), out) == ["data", "corpus", "merge"]


def test_a_change_of_code_or_of_an_input_file_reruns(rooms, tmp_path):
    source = tmp_path / "pairs.jsonl"
    source.write_text("{}\n")
    plain = Recipe(name="t")
    recipe, out = (
        plain.model_copy(update={"data": plain.data.model_copy(update={"train": str(source)})}),
        tmp_path / "o",
    )
    run(recipe, out)
    source.write_text("{}\n{}\n")
    assert ran(rooms, recipe, out) == ["data", "corpus", "merge"]
    (tmp_path / "fakes" / "room" / "idle.py").write_text("unused = 2\n")
    assert ran(rooms, recipe, out) == [], "nothing imports that module"
    with (tmp_path / "fakes" / "room" / "stage.py").open("a") as stream:
        stream.write("# a word more\n")
    assert ran(rooms, recipe, out) == [], "a comment is no code"
    with (tmp_path / "fakes" / "room" / "stage.py").open("a") as stream:
        stream.write("more = 1\n")
    assert forecast(recipe, out)[0].why == "code or input files"
    assert ran(rooms, recipe, out) == ["data", "corpus", "merge"]


def test_files_behind_a_glob_and_in_a_folder_count(rooms, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "a.jsonl").write_text("{}\n")
    plain = Recipe(name="t")
    for number, place in enumerate((str(folder / "*.jsonl"), str(folder))):
        recipe = plain.model_copy(update={"data": plain.data.model_copy(update={"raw": place})})
        out = tmp_path / f"o{number}"
        assert ran(rooms, recipe, out) == ["data", "corpus", "merge"]
        assert ran(rooms, recipe, out) == []
        (folder / f"b{number}.jsonl").write_text("{}\n")
        assert ran(rooms, recipe, out) == ["data", "corpus", "merge"]


def test_manifest_says_where_it_came_from(rooms, tmp_path):
    out = tmp_path / "out"
    artifacts = run(Recipe(name="t", seed=3), out)
    manifest = artifacts["corpus"].manifest
    assert manifest["inputs"]["data"]["key"] == artifacts["data"].key
    assert manifest["seed"] == 3 and manifest["figures"] == {"inputs": 1}
    assert manifest["versions"]["in2x"] and manifest["seconds"] >= 0 and manifest["command"].startswith("in2x")


def test_until_and_from(rooms, tmp_path):
    recipe, out = Recipe(name="t"), tmp_path / "out"
    assert ran(rooms, recipe, out, until="corpus") == ["data", "corpus"]
    assert not (out / "model").exists()
    assert ran(rooms, recipe, out, first="merge") == ["merge"]
    with pytest.raises(UsageError, match="there is no stage 'train'"):
        run(recipe, out, until="train")
    with pytest.raises(UsageError, match="--from merge comes after --until data"):
        run(recipe, out, first="merge", until="data")
    with pytest.raises(In2xError, match="no finished artifact here"):
        run(recipe, tmp_path / "new", first="merge")


def test_from_takes_what_lies_before_from_another_run(rooms, tmp_path):
    recipe, usual, out = Recipe(name="t"), tmp_path / "usual", tmp_path / "try"
    run(recipe, usual)
    before = {f: f.read_bytes() for f in usual.rglob("*") if f.is_file()}
    assert ran(rooms, recipe, out, first="merge", earlier=usual) == ["merge"]
    assert ran(rooms, recipe, out, first="corpus", force=True) == ["corpus", "merge"]
    assert {f: f.read_bytes() for f in usual.rglob("*") if f.is_file()} == before
    assert not list((out / ".partial").iterdir())
    with pytest.raises(In2xError, match="no finished artifact here"):
        run(recipe, tmp_path / "new", first="merge", earlier=tmp_path / "none")


def test_the_model_is_laid_down_with_its_card(rooms, tmp_path):
    recipe, out = Recipe(name="t", seed=1), tmp_path / "out"
    artifacts = run(recipe, out)
    assert (out / "model" / "model.safetensors").read_bytes() == b"weights \x01"
    assert "### corpus" in (out / "model" / "README.md").read_text(encoding="utf-8")
    made = (out / "model").stat().st_ino
    assert publish_model(recipe, artifacts, out) == out / "model"
    assert (out / "model").stat().st_ino == made, "an unchanged model is left alone"
    run(recipe.model_copy(update={"seed": 2}), out)
    assert (out / "model" / "model.safetensors").read_bytes() == b"weights \x02"
    assert publish_model(recipe, {"data": artifacts["data"]}, out) is None


def test_forecast_tells_what_run_will_do_and_writes_nothing(rooms, tmp_path):
    recipe, out = Recipe(name="t"), tmp_path / "out"
    assert [f.status for f in forecast(recipe, out)] == ["runs"] * 3
    assert not out.exists()
    run(recipe, out)
    assert [f.status for f in forecast(recipe, out)] == ["unchanged"] * 3
    other = recipe.model_copy(update={"merge": recipe.merge.model_copy(update={"density": 0.25})})
    last = forecast(other, out)[-1]
    assert (last.status, last.why) == ("runs again", "config: density")
    seeds = forecast(recipe.model_copy(update={"seed": 9}), out)
    assert {f.why for f in seeds} == {"seed"}


def test_a_failing_stage_leaves_no_artifact(rooms, tmp_path, monkeypatch):
    def fail(config, stage):
        (stage.out / "half.txt").write_text("half")
        raise In2xError("the data set is empty", file="pairs.jsonl", mend="give at least one pair")

    recipe, out = Recipe(name="t"), tmp_path / "out"
    monkeypatch.setattr(sys.modules["fakes.room.stage"], "run", fail)
    with pytest.raises(In2xError, match="empty"):
        run(recipe, out)
    assert not (out / "data").exists()


def test_work_for_another_key_is_set_aside_until_the_stage_is_finished(tmp_path):
    partial = tmp_path / ".partial" / "sft"
    assert begin(partial, "a") is False
    (partial / "work").mkdir()
    assert begin(partial, "a") is True
    assert begin(partial, "b") is False
    assert not (partial / "work").exists()
    assert (aside(partial) / "work").exists()
    assert begin(partial, "c", keep=True) is True
    assert (partial / "work").exists(), "what was set aside is what is meant"
    assert not aside(partial).exists()
    begin(partial, "d")
    finish(partial, tmp_path / "sft", {"key": "d"})
    assert [p.name for p in (tmp_path / ".partial").iterdir()] == []


def test_keep_takes_what_is_there_and_says_so(rooms, tmp_path, capsys):
    recipe, out = Recipe(name="t"), tmp_path / "out"
    run(recipe, out)
    other = recipe.model_copy(update={"merge": recipe.merge.model_copy(update={"density": 0.25}), "seed": 3})
    capsys.readouterr()
    assert ran(rooms, other, out, keep=True) == []
    said = capsys.readouterr().err
    assert "merge    kept, though changed: config: density" in said
    assert "corpus   kept, though changed: seed" in said
    assert ran(rooms, recipe, out) == [], "it is still what it was made for"


def test_a_knob_that_only_shows_or_paces_is_in_no_key(rooms, tmp_path):
    plain = Recipe(name="t")
    other = Recipe.model_validate({
        "name": "t",
        "pretrain": {"dev_every": 7, "checkpointing": True},
        "rl": {"shown": 3, "judge": {"llm": {"base_url": "http://a/v1", "in_flight": 3, "timeout": 5}}},
        "instruct": {"llm": {"backoff": 1.5}},
    })  # fmt: skip
    assert plain.keyed("pretrain") == other.keyed("pretrain")
    assert plain.keyed("instruct") == other.keyed("instruct")
    assert plain.keyed("rl") != other.keyed("rl"), "a server judges otherwise than the run's own model"
    moved = other.model_copy(update={"rl": other.rl.model_copy(update={"judge": other.rl.judge.model_copy(
        update={"llm": other.rl.judge.llm.model_copy(update={"base_url": "http://b/v1"})})})})  # fmt: skip
    assert moved.keyed("rl") == other.keyed("rl"), "but it may move"


def test_finish_replaces_an_older_artifact(tmp_path):
    for value in (1, 2):
        partial = tmp_path / ".partial" / "sft"
        begin(partial, str(value))
        write_json(partial / "value.json", value)
        artifact = finish(partial, tmp_path / "sft", {"key": str(value)})
    assert artifact.key == "2"
    assert json.loads((tmp_path / "sft" / "value.json").read_text()) == 2
    assert [p.name for p in (tmp_path / ".partial").iterdir()] == []


def test_a_damaged_manifest_is_one_sentence(tmp_path):
    (tmp_path / "manifest.json").write_text("{\n oops")
    with pytest.raises(In2xError, match=r"manifest\.json, line 2: the manifest is not JSON; delete the folder"):
        Artifact.open(tmp_path)


DRIVER = """
import sys
sys.path[:0] = [{folder!r}]
from pathlib import Path
from in2x import closure
from in2x import run as runner
from in2x.recipe import Recipe
from in2x.run import Room
runner.ROOMS = tuple(Room(n, n, "fakes.room.stage", needs) for n, needs in
                     (("data", ()), ("corpus", ("data",)), ("merge", ("data", "corpus"))))
runner.STAGES = ("data", "corpus", "merge")
runner.run(Recipe(name="t"), Path("out"))
"""


def test_the_lock_is_held_as_long_as_a_training_process_lives(rooms, tmp_path):
    script = (
        "import os, subprocess, sys; from pathlib import Path; from in2x.run import _lock\n"
        "with _lock(Path(sys.argv[1])):\n"
        # Its streams go elsewhere: whoever reads ours would otherwise wait until it ends.
        "    quiet = dict.fromkeys(('stdin', 'stdout', 'stderr'), subprocess.DEVNULL)\n"
        "    child = subprocess.Popen(['sleep', '600'], close_fds=False, **quiet)\n"
        "    print(child.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-c", script, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    child = int(done.stdout)
    try:
        with pytest.raises(In2xError, match="another in2x is at work"):
            run(Recipe(name="t"), out)
    finally:
        os.kill(child, signal.SIGKILL)


def test_kill_9_and_again(rooms, tmp_path):
    """Killed in the middle of a stage, the same command goes on from what that stage had finished."""
    driver = DRIVER.format(folder=str(tmp_path))
    (tmp_path / "slow").touch()
    command = [sys.executable, "-c", textwrap.dedent(driver)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "reached").exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(In2xError, match="another in2x is at work in this run"):
            run(Recipe(name="t"), tmp_path / "out")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / "out" / "data" / "manifest.json").exists()
    assert not (tmp_path / "out" / "corpus").exists()
    (tmp_path / "slow").unlink()
    assert [f.status for f in forecast(Recipe(name="t"), tmp_path / "out")] == ["unchanged", "resumes", "runs"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    value = json.loads((tmp_path / "out" / "corpus" / "value.json").read_text())
    assert value == {"stage": "corpus", "resumed": True}
    steps = [json.loads(line)["step"] for line in (tmp_path / "out" / "corpus" / "log.jsonl").read_text().splitlines()]
    assert steps == [0, 1, 2], "the finished step was not done twice"
    assert "unchanged" in done.stderr and "resuming" in done.stderr


def test_a_compiled_cache_is_no_source(rooms, tmp_path):
    """numba and Python leave files in __pycache__ when a stage runs; the next run must not take them for a change."""
    before = runner.ROOMS[0].code()
    (tmp_path / "fakes" / "room" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "fakes" / "room" / "__pycache__" / "a.f-1.py311.nbi").write_bytes(b"compiled cache")
    assert runner.ROOMS[0].code() == before
    (tmp_path / "fakes" / "room" / "words.yaml").write_text("a: 1")
    assert runner.ROOMS[0].code() != before, "data beside the code is code"
