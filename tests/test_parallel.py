"""Two gloo processes with FSDP2 on the CPU train as one process does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import in2x
from in2x.artifact import Artifact
from in2x.errors import In2xError
from in2x.launch import run_in_processes
from in2x.recipe import Recipe
from in2x.sft import stage as sft
from in2x.stage import Stage

sys.path.insert(0, str(Path(__file__).parent))
import parallel_worker

SOURCES = str(Path(in2x.__file__).parents[1])


def go(
    folder: Path, count: int, *arguments: str, worker: str = parallel_worker.__file__
) -> subprocess.CompletedProcess[str]:
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        *(["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={count}"] if count > 1 else []),
    ]
    environment = {**os.environ, "PYTHONPATH": SOURCES, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, worker, str(folder), *arguments],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def curve(
    folder: Path, keys: Sequence[str] = ("loss", "grad_norm", "dev_loss", "dev_loss/again")
) -> list[tuple[int, float]]:
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [(row["step"], row[key]) for row in rows for key in keys if key in row]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "device_tokens"), [("adamw", ()), ("adamw", ("64",)), ("muon", ())])
def test_the_curve_and_the_weights_are_those_of_one_process(tmp_path, name, device_tokens):
    """Which computes each step in one pass; the two in several, where `device_tokens` says so."""
    for count in (1, 2):
        done = go(tmp_path / str(count), count, name, "12", *(("-1", *device_tokens) if count > 1 else ()))
        assert done.returncode == 0, done.stderr[-3000:]
    one, two = curve(tmp_path / "1"), curve(tmp_path / "2")
    assert [step for step, _ in one] == [step for step, _ in two]
    assert [v for _, v in two] == pytest.approx([v for _, v in one], rel=1e-4)
    assert one[-1][1] < one[0][1]
    weights = [load_file(tmp_path / f / "model" / "model.safetensors") for f in ("1", "2")]
    assert weights[0].keys() == weights[1].keys()
    for key, value in weights[0].items():
        torch.testing.assert_close(weights[1][key], value, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_weights_are_gathered_in_bfloat16_and_kept_in_float32(tmp_path, monkeypatch):
    monkeypatch.setenv("IN2X_COMPUTE", "bfloat16")
    for count in (1, 2):
        done = go(tmp_path / str(count), count, "adamw", "8")
        assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "1" / "gathered.txt").read_text() == "torch.float32"  # and cast by autocast
    assert (tmp_path / "2" / "gathered.txt").read_text() == "torch.bfloat16"
    assert load_file(tmp_path / "2" / "model" / "model.safetensors").popitem()[1].dtype == torch.float32
    one, two = ([v for _, v in curve(tmp_path / f, ("loss", "dev_loss"))] for f in ("1", "2"))
    assert two == pytest.approx(one, rel=5e-2)


@pytest.mark.slow
def test_a_killed_run_of_two_processes_ends_in_the_same_weights(tmp_path):
    assert go(tmp_path / "whole", 2, "muon", "9").returncode == 0
    assert go(tmp_path / "cut", 2, "muon", "9", "5").returncode != 0
    again = go(tmp_path / "cut", 2, "muon", "9")
    assert again.returncode == 0, again.stderr[-3000:]
    whole, cut = (load_file(tmp_path / f / "model" / "model.safetensors") for f in ("whole", "cut"))
    assert all(torch.equal(whole[key], cut[key]) for key in whole)
    assert curve(tmp_path / "whole") == curve(tmp_path / "cut")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_other_numbers_of_processes_go_on_from_a_checkpoint(tmp_path, name):
    """Two are killed, one goes on and is killed, three end it: curve and weights of one that was never disturbed."""
    assert go(tmp_path / "whole", 1, name, "9").returncode == 0
    for count, killed in ((2, "3"), (1, "6"), (3, "-1")):
        done = go(tmp_path / "cut", count, name, "9", killed)
        assert (done.returncode == 0) == (killed == "-1"), done.stderr[-3000:]
    whole, cut = curve(tmp_path / "whole"), curve(tmp_path / "cut")
    assert [step for step, _ in cut] == [step for step, _ in whole]
    assert [v for _, v in cut] == pytest.approx([v for _, v in whole], rel=1e-4)
    weights = [load_file(tmp_path / f / "model" / "model.safetensors") for f in ("whole", "cut")]
    for key, value in weights[0].items():
        torch.testing.assert_close(weights[1][key], value, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_recipe_trains_in_two_processes(tmp_path):
    """`launch` in the recipe: base, pretraining and SFT in two processes leave what one process leaves."""
    recipe = Path(__file__).parent / "recipes" / "tiny.yaml"
    launch = f"{sys.executable} -m torch.distributed.run --standalone --nproc_per_node=2"
    environment = {**os.environ, "PYTHONPATH": SOURCES, "OMP_NUM_THREADS": "1"}
    losses = []
    for name, more in (("one", []), ("two", ["--set", f"launch={launch}"])):
        done = subprocess.run(
            [sys.executable, "-m", "in2x", "sft", str(recipe), "--out", str(tmp_path / name), *more],
            env=environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        manifests = {s: json.loads((tmp_path / name / s / "manifest.json").read_text()) for s in ("pretrain", "sft")}
        figures = {s: m["figures"] for s, m in manifests.items()}
        losses.append([*(figures["pretrain"][f"phase{n}"]["loss"] for n in (1, 2, 3)), figures["sft"]["loss"]])
        keys = [m["key"] for m in manifests.values()]
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)
    assert figures["sft"]["processes"] == 2
    again = subprocess.run(
        [sys.executable, "-m", "in2x", "sft", str(recipe), "--out", str(tmp_path / "two")],
        env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert again.returncode == 0
    assert again.stderr.count("unchanged") >= 6  # in how many processes a model was trained is not part of its key
    assert keys == [
        json.loads((tmp_path / "two" / s / "manifest.json").read_text())["key"] for s in ("pretrain", "sft")
    ]


def test_processes_that_fail_are_one_sentence(tmp_path):
    recipe = Recipe(name="t", launch="false")
    stage = Stage("sft", recipe, tmp_path)
    with pytest.raises(In2xError, match="the training processes ended with code 1"):
        run_in_processes(recipe, sft.run, stage)
    job = json.loads((stage.work / "launch.json").read_text())
    assert (job["module"], job["stage"], job["recipe"]["name"]) == ("in2x.sft.stage", "sft", "t")


def test_a_fault_in_a_process_is_one_sentence_on_stderr(tmp_path, capfd):
    recipe = Recipe(name="t", launch=sys.executable)
    stage = Stage("sft", recipe, tmp_path, {"pretrain": Artifact(tmp_path / "none", {})})
    with pytest.raises(In2xError):
        run_in_processes(recipe, sft.run, stage)
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("in2x: ")]
    assert said and "no finished artifact here" in said[0]
