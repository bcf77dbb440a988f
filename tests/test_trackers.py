"""The curves of a stage in TensorBoard, read back from its event files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from in2x.errors import UsageError
from in2x.stage import Log
from in2x.trackers import Trackers, require


def test_rows_reach_tensorboard_with_growing_steps(tmp_path):
    trackers = Trackers(("tensorboard",), "run", "pretrain", str(tmp_path))
    log = Log(tmp_path / "log.jsonl", trackers)
    for phase in (1, 2):
        for step in (1, 2):
            log.write({"phase": phase, "step": step, "loss": phase + step / 10, "note": "words"})
    trackers.close()
    folder: Path = tmp_path / "tensorboard" / "pretrain"
    events = EventAccumulator(str(folder)).Reload()
    assert events.Tags()["scalars"] == ["phase1/loss", "phase2/loss"]
    assert [(e.step, round(e.value, 3)) for e in events.Scalars("phase1/loss")] == [(1, 1.1), (2, 1.2)]
    assert [(e.step, round(e.value, 3)) for e in events.Scalars("phase2/loss")] == [(3, 2.1), (4, 2.2)]
    assert len(log.read()) == 4


def test_a_stage_without_rows_starts_nothing(tmp_path):
    Trackers(("tensorboard",), "run", "data", str(tmp_path)).close()
    assert not list(tmp_path.iterdir())


def test_a_tracker_that_is_not_installed_is_named_before_anything_runs(monkeypatch):
    monkeypatch.setattr("in2x.trackers.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="wandb is not installed"):
        require(["wandb"])
