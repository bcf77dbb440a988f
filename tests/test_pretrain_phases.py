"""A change of one phase undoes that one and those behind it, no other; the trainings themselves are stood in for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from in2x import run as runner
from in2x.artifact import Artifact, write_json
from in2x.pretrain import stage as pretrain
from in2x.recipe import Recipe
from in2x.records import Document, write_records
from in2x.stage import Stage

PHASES = ("phase1", "phase2", "phase3")


class Killed(BaseException):
    """In the place of kill -9."""


@pytest.fixture
def out(tmp_path: Path, tiny_model: Path) -> Path:
    """A run whose stages before pretraining are finished."""
    out = tmp_path / "run"
    for name in ("data", "corpus", "base"):
        (out / name).mkdir(parents=True)
    shutil.copytree(tiny_model, out / "base" / "model")
    held = [Document(id="d", text="A cat. ", lang="en", source="s", domain="knowledge")]
    write_records(out / "corpus" / "heldout.parquet", held, Document)
    for name in ("data", "corpus", "base"):
        write_json(out / name / "manifest.json", {"stage": name, "key": name, "seconds": 0})
    return out


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The phases trained since; a warm-up of .666 is killed with a checkpoint, unless "spared" is among them."""
    names: list[str] = []

    def train(model: Any, tokenizer: Any, phase: Any, stage: Stage, *, name: str, **_: Any) -> dict[str, float]:
        names.append(name)
        found = (stage.work / name / "state.json").exists()
        (stage.work / name).mkdir(exist_ok=True)
        (stage.work / name / "state.json").touch()
        stage.log.write({"step": 1, "phase": int(name[-1])})
        if phase.optimizer.warmup == 0.666 and names.count(name) == 1 and "spared" not in names:
            raise Killed
        return {"steps": phase.tokens, "resumed": found}

    monkeypatch.setattr(pretrain, "train_phase", train)
    return names


def recipe(**changes: dict[str, Any]) -> Recipe:
    phases = {name: {"tokens": 1000, "context": 128, **changes.get(name, {})} for name in PHASES}
    shared = {key: value for key, value in changes.items() if key not in PHASES}
    return Recipe.model_validate({"name": "t", "pretrain": {**phases, **shared}})


def go(out: Path, recipe: Recipe, **options: Any) -> Artifact:
    return runner.run(recipe, out, first="pretrain", until="pretrain", **options)["pretrain"]


def test_the_phases_before_a_changed_one_stay(out: Path, trained: list[str]) -> None:
    go(out, recipe())
    assert trained == ["phase1", "phase2", "phase3"]
    kept = (out / "pretrain" / "phase1" / "model.safetensors").stat().st_ino
    found = go(out, recipe(phase2={"tokens": 2000}))
    assert trained == ["phase1", "phase2", "phase3", "phase2", "phase3"]
    assert (out / "pretrain" / "phase1" / "model.safetensors").stat().st_ino == kept
    assert [found.figures[name]["steps"] for name in PHASES] == [1000, 2000, 1000]
    rows = [json.loads(line)["phase"] for line in (out / "pretrain" / "log.jsonl").read_text().splitlines()]
    assert sorted(rows) == [1, 2, 3]
    go(out, recipe(phase2={"tokens": 2000}, phase3={"tokens": 3000}))
    assert trained[5:] == ["phase3"]
    go(out, recipe(phase1={"tokens": 500}, phase2={"tokens": 2000}, phase3={"tokens": 3000}))
    assert trained[6:] == ["phase1", "phase2", "phase3"], "each rests on the one before"


@pytest.mark.parametrize(
    ("changes", "options", "again"),
    [
        ({"phase3": {"tokens": 5000}}, {}, ["phase2", "phase3"]),  # goes on in the middle of phase 2
        ({"dev_every": 3}, {}, ["phase2", "phase3"]),
        ({"phase1": {"tokens": 900}}, {}, ["phase1", "phase2", "phase3"]),
        ({"phase1": {"tokens": 900}}, {"keep": True}, ["phase2", "phase3"]),
    ],
)
def test_a_killed_stage_loses_only_what_changed(
    out: Path, trained: list[str], changes: dict[str, Any], options: dict[str, Any], again: list[str]
) -> None:
    killed = {"phase2": {"optimizer": {"warmup": 0.666}}}
    with pytest.raises(Killed):
        go(out, recipe(**killed))
    trained[:] = ["spared"]
    found = go(out, recipe(**killed, **changes), **options)
    assert trained[1:] == again
    assert found.figures["phase2"]["resumed"] is (again[0] == "phase2")


def test_force_makes_all_anew(out: Path, trained: list[str]) -> None:
    go(out, recipe())
    go(out, recipe(), force=True)
    assert len(trained) == 6
