"""What verl is given, without verl: loss, advantages, rewards of whole groups, and the job that starts it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import torch

from in2x.artifact import MANIFEST, write_json
from in2x.errors import In2xError, UsageError
from in2x.records import Instruction, Pair, write_records
from in2x.rl import verl_scores
from in2x.rl.config import ObjectiveConfig, RlConfig
from in2x.rl.objective import objective
from in2x.rl.verl import group_advantages, trajectory_loss
from in2x.rl.verl_job import check
from in2x.rl.verl_scores import GroupScores
from in2x.training.config import LoraConfig
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


def test_each_group_has_the_advantages_of_the_native_loop():
    rewards, mask = torch.tensor([[0.0], [1.0], [0.5], [1.0]]), torch.ones(4, 1)
    gain, returns = group_advantages("group", rewards, mask, ["a", "b", "a", "b"])
    assert gain[:, 0].tolist() == pytest.approx([-1, 0, 1, 0], abs=1e-4) and returns is gain


def test_the_entry_point_is_a_module_that_registers_when_it_is_imported():
    """verl 0.9 loads it and calls nothing; with verl itself: test_rl_verl_real.py."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["verl.plugins"] == {"in2x": "in2x.rl.verl_plugin"}


def asked(name: str = "1", value: str = "yes") -> Instruction:
    return Instruction(name, "en", "exact", [{"role": "user", "content": f"? {name}"}], answer=value,
                       verifier={"name": "exact", "value": value})  # fmt: skip


def knobs(**changes) -> RlConfig:
    values = dict(prompts=2, samples=3, minibatch=1, max_new_tokens=10, overlong_buffer=4, rewards={"exact": 1.0})
    return RlConfig(**{**values, **changes})


def scored(folder: Path, config: RlConfig, *sent: tuple[str, Instruction, int, str, int]) -> list[dict[str, float]]:
    folder.mkdir(exist_ok=True)
    (folder / "rl.json").write_text(config.model_dump_json())
    scores = GroupScores(folder, folder)

    async def all_of_them() -> list[dict[str, float]]:
        return await asyncio.gather(*(scores.score(*one) for one in sent))

    try:
        return asyncio.run(all_of_them())
    finally:
        scores.close()


@pytest.fixture
def in_a_thread(monkeypatch):
    """The rewards in a thread of this process: a process of their own takes seconds to start."""
    monkeypatch.setattr(verl_scores, "ProcessPoolExecutor", lambda count, context: ThreadPoolExecutor(count))


@pytest.mark.usefixtures("in_a_thread")
def test_answers_are_scored_when_their_group_is_whole_with_the_length_penalty(tmp_path):
    found = scored(
        tmp_path, knobs(), ("x", asked("1"), 3, " yes ", 2), ("y", asked("2", "no"), 1, "no", 2),
        ("x", asked("1"), 3, "<think>no</think>yes", 8), ("x", asked("1"), 3, "no", 10),
    )  # fmt: skip
    assert [row["score"] for row in found] == [1.0, 1.0, 0.5, -1.0]
    assert [row["length_penalty"] for row in found] == [0, 0, -0.5, -1]


@pytest.mark.usefixtures("in_a_thread")
def test_what_nothing_can_judge_earns_the_mean_of_its_group_and_a_batch_of_it_ends_the_run(tmp_path):
    broken = Instruction("3", "en", "format", [{"role": "user", "content": "?"}],
                         verifier={"name": "format", "matches": "("})  # fmt: skip
    both = knobs(rewards={"exact": 1.0, "format": 1.0})
    one, two, three = (("x", item, 3, text, 2) for item, text in ((asked(), "yes"), (broken, "a"), (asked(), "no")))
    found = scored(tmp_path, both, one, two, three)
    assert [(row["score"], row["unscored"]) for row in found] == [(1.0, 0), (0.5, 1), (0.0, 0)]
    with pytest.raises(In2xError, match="no answer could be rewarded in a whole batch"):
        scored(tmp_path, both, *[("z", broken, 6, "a", 2)] * 6)


@pytest.mark.usefixtures("in_a_thread")
def test_a_group_that_lost_an_answer_does_not_wait_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(verl_scores, "PATIENCE", 0.05)
    assert scored(tmp_path, knobs(), ("x", asked(), 3, "yes", 2), ("x", asked(), 3, "no", 2))[1]["score"] == 0.0


def test_rewards_that_cannot_be_opened_say_why(tmp_path):
    with pytest.raises(In2xError, match="there is no reward 'exakt'"):
        scored(tmp_path, knobs(rewards={"exakt": 1.0}))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"objective": ObjectiveConfig(level="token")}, "level token"),
        ({"sft_weight": 0.1}, "sft_weight"),
        ({"lora": LoraConfig(rank=4)}, "rl.lora"),
        ({"rewards": {"judged": 1.0}}, "needs a server"),
    ],
)
def test_what_verl_has_not_is_one_sentence(changes, word):
    with pytest.raises(UsageError, match=word):
        check(knobs(**changes))


def test_the_command_writes_a_job_from_a_finished_run(tmp_path, tiny_model, in2x):
    run = tmp_path / "run"
    for stage in ("data", "select", "sft"):
        (run / stage).mkdir(parents=True)
    shutil.copytree(tiny_model, run / "sft" / "model")
    write_records(run / "select" / "rl.parquet", [asked(str(n)) for n in range(5)], Instruction)
    write_records(run / "data" / "pairs.dev.parquet", [Pair("猫。", "ja", "en", "A cat.", "a")], Pair)
    for stage in ("data", "select", "sft"):
        write_json(run / stage / MANIFEST, {})
    recipe = Path(__file__).parents[1] / "recipes" / "demo.yaml"
    call = ("export", recipe, "--to", "verl", "-o", tmp_path / "job", "--out", run, "--set", "rl.prompts=2",
            "--set", "rl.minibatch=1", "--set", "rl.tasks=[]", "--set", "rl.rewards={exact: 1}")  # fmt: skip
    code, _, err = in2x(*call)
    assert code == 2 and "rl.sft_weight is not for verl" in err and not (tmp_path / "job").exists()
    code, out, err = in2x(*call, "--set", "rl.sft_weight=0")
    assert code == 0, err
    assert "not in verl: temperature decay: it stays at 1\n" in out and "5 prompts" in out
    job = tmp_path / "job"
    assert {file.name for file in job.iterdir()} == {"train.parquet", "val.parquet", "rl.json", "verl.sh"}
    rows = pq.read_table(job / "train.parquet").to_pylist()
    assert [row["extra_info"]["answers"] for row in rows] == [8] * 5
    assert Instruction.from_row(json.loads(rows[0]["extra_info"]["instruction"])) == asked("0")
    assert pq.read_table(job / "val.parquet").to_pylist()[0]["extra_info"]["answers"] == 1
    subprocess.run(["bash", "-n", job / "verl.sh"], check=True)
