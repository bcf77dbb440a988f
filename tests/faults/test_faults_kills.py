"""kill -9 in every room, at moments drawn anew from a seed: identical artifacts, nothing lost, nothing doubled.

`benchmarks/kills.py` does a hundred with the same code.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from killing import STAGES, Calm, Row, Starter, calm_run, compare, kill_stage
from killing_services import kill_people, kill_server, kill_translation


@pytest.fixture(scope="module")
def starter() -> Iterator[Starter]:
    with Starter() as starter:
        yield starter


@pytest.fixture(scope="module")
def calm(starter: Starter, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    return calm_run(starter, tmp_path_factory.mktemp("run") / "calm")


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_goes_on_to_the_same_artifact(starter: Starter, calm: Calm, stage: str, tmp_path: Path) -> None:
    row = kill_stage(starter, calm, stage, 2, tmp_path, random.Random(stage))
    assert row.sound and row.kills == 2 and row.compared >= 5, row


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["txt", "srt"])
def test_a_translation_goes_on(starter: Starter, kind: str, tmp_path: Path) -> None:
    row = kill_translation(starter, kind, 4, tmp_path, random.Random(kind))
    assert row.sound and row.kills == 4, row


@pytest.mark.slow
@pytest.mark.parametrize("what", [kill_server, kill_people])
def test_what_a_server_acknowledged_is_there(starter: Starter, what: object, tmp_path: Path) -> None:
    row = what(starter, 4, tmp_path, random.Random(5))  # type: ignore[operator]
    assert row.sound and row.kills == 4 and row.compared > 10, row


def test_a_difference_would_be_seen(tmp_path: Path) -> None:
    calm, after = tmp_path / "calm", tmp_path / "after"
    for folder in (calm, after):
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"abc")
        (folder / "manifest.json").write_text('{"figures": {"kept": 3}, "seconds": 1.5}')
        (folder / "log.jsonl").write_text('{"step": 1}\n{"step": 2}\n')
    (after / "manifest.json").write_text('{"figures": {"kept": 3}, "seconds": 9.5, "resumed": true}')
    same = Row("same")
    compare(calm, after, same)
    assert same.sound and same.compared == 3
    (after / "model.safetensors").write_bytes(b"abd")
    (after / "manifest.json").write_text('{"figures": {"kept": 4}, "seconds": 1.5}')
    (after / "log.jsonl").write_text('{"step": 1}\n{"step": 1}\n{"step": 2}\n')
    (after / "x.partial").touch()
    wrong = Row("wrong")
    compare(calm, after, wrong)
    assert len(wrong.different) == 3 and wrong.doubled and wrong.left == ["x.partial"]
