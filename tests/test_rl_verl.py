"""The verl plugin, without verl: the registered loss is the objective, the reward is the scorer's total."""

from __future__ import annotations

import asyncio
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from in2x.records import Instruction
from in2x.rl.config import ObjectiveConfig
from in2x.rl.objective import objective
from in2x.rl.verl import LOSS_MODE, compute_score, trajectory_loss, verl_row
from test_rl_objective import batch

CONFIG = SimpleNamespace(clip_ratio=0.2, clip_ratio_high=0.28, clip_ratio_c=3.0, global_batch_info={})
KNOBS = ObjectiveConfig(entropy=0.0, clip_high=0.28, dual_clip=3.0)


def test_it_is_the_objective():
    for seed in range(10):
        new, old, gain, mask = batch(seed)
        per_token = gain[:, None].expand_as(new) * mask
        loss, metrics = trajectory_loss(old, new, per_token, mask.long(), config=CONFIG)
        expected, figures = objective(new, old, gain, mask, KNOBS)
        assert float(loss) == pytest.approx(float(expected), rel=1e-6)
        assert metrics["actor/ess"] == figures["ess"]
        assert metrics["actor/pg_clipfrac"] == figures["clip_high"]
        assert metrics["actor/ppo_kl"] == pytest.approx(float((old - new)[mask].mean()))
        assert all(isinstance(value, float) for value in metrics.values())


def test_parts_on_two_processes_average_to_the_whole():
    """verl averages over processes: each part must be scaled by the trajectories a process."""
    new, old, gain, mask = batch(3)
    whole, _ = objective(new, old, gain, mask, KNOBS)
    info = {"dp_size": 2, "global_batch_size": len(gain), "batch_num_tokens": int(mask.sum())}
    config = SimpleNamespace(**{**vars(CONFIG), "global_batch_info": info})
    losses = [
        trajectory_loss(old[s], new[s], gain[s, None].expand_as(new[s]), mask[s], config=config)[0]
        for s in (slice(0, 1), slice(1, 3), slice(3, 6))
    ]  # the first two on one process, the third on the other
    assert float((losses[0] + losses[1] + losses[2]) / 2) == pytest.approx(float(whole), rel=1e-6)


def test_rollout_weights_scale_the_trajectory():
    new, old, gain, mask = batch(4)
    weights = torch.linspace(0.5, 2.0, len(gain), dtype=torch.float64)[:, None]
    loss, _ = trajectory_loss(old, new, gain[:, None].expand_as(new), mask, rollout_is_weights=weights.expand_as(new))
    expected, _ = objective(new, old, gain * weights[:, 0], mask, KNOBS)
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)


def test_it_registers_under_its_name(monkeypatch):
    registry = {}
    core = ModuleType("verl.trainer.ppo.core_algos")
    core.register_policy_loss = lambda name: lambda function: registry.setdefault(name, function)
    for name in ("verl", "verl.trainer", "verl.trainer.ppo"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, core.__name__, core)
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    EntryPoint("in2x", project["entry-points"]["verl.plugins"]["in2x"], "verl.plugins").load()()
    assert registry == {LOSS_MODE: trajectory_loss}


def test_rewards_by_verls_signature():
    instruction = Instruction("1", "en", "exact", [{"role": "user", "content": "?"}], answer="yes",
                              verifier={"name": "exact", "value": "yes"})  # fmt: skip
    row = verl_row(instruction, {"exact": 1.0, "chrf": 2.0})

    def score(answer, row=row):
        return asyncio.run(compute_score(row["data_source"], answer, row["reward_model"]["ground_truth"],
                                         extra_info=row["extra_info"]))  # fmt: skip

    assert score(" yes ") == {"score": 1.0, "unscored": 0.0, "exact": 1.0, "chrf": -1.0}
    assert score("no")["score"] == 0.0
    assert score("yes", verl_row(instruction, {"chrf": 1.0})) == {"score": 0.0, "unscored": 1.0, "chrf": -1.0}
