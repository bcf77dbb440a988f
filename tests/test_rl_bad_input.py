"""What can go wrong in a run of RL: a counted exclusion or one sentence, and the run goes on or stops cleanly."""

from __future__ import annotations

import asyncio
import json
import math

import pytest
import torch

from in2x.artifact import begin
from in2x.errors import In2xError
from in2x.rl.loop import reinforce
from in2x.rl.rewards.base import reward_items
from in2x.rl.rewards.route import Scorer
from in2x.rl.stage import fitting
from in2x.training.checkpoint import Checkpoints
from in2x.training.model import ShapeConfig, build_model
from in2x.training.optimizer import Optimizer, OptimizerConfig
from test_rl_loop import SHAPE, config, setup, stage

BATCH = 4 * 8


class Bad:
    """A reward that does what its name says from its `first` to its `last` call, and is sound otherwise."""

    def __init__(self, name: str, first: int = 0, last: int = 10**9) -> None:
        self.name, self.first, self.last, self.calls = name, first, last, -1

    async def __call__(self, items):
        self.calls += 1
        if not self.first <= self.calls <= self.last:
            return [n % 5 / 4 for n in range(len(items))]
        if self.name == "raises":
            raise ConnectionError("no judge today")
        if self.name == "hangs":
            await asyncio.sleep(60)
        return {"nan": [math.nan] * len(items), "none": [None] * len(items), "short": [1.0],
                "equal": [0.5] * len(items),
                "infinite": [math.inf] * len(items)}[self.name]  # fmt: skip


def training_rows(log):
    return [row for line in log.read_text().splitlines() if (row := json.loads(line))["step"]]


def go(folder, reward, steps: int = 2, timeout: float = 600.0):
    policy, instructions = setup()
    before = [p.detach().clone() for p in policy.model.parameters()]
    scorer = Scorer({reward.name: 1}, [reward], timeout=timeout)
    figures = reinforce(policy, instructions, scorer, config(steps=steps), stage(folder))
    moved = any(not torch.equal(a, b) for a, b in zip(before, policy.model.parameters(), strict=True))
    rows = training_rows(folder / "log.jsonl")
    return figures, rows, moved


@pytest.mark.parametrize(
    ("name", "failed"),
    [("raises", BATCH), ("nan", BATCH), ("infinite", BATCH), ("short", BATCH), ("none", 0), ("hangs", BATCH)],
)  # fmt: skip
def test_a_bad_reward_is_excluded_and_counted(tmp_path, name, failed):
    """From its second batch on; those two teach nothing."""
    figures, rows, _ = go(tmp_path, Bad(name, first=1), steps=3, timeout=0.05 if name == "hangs" else 600)
    assert [row.get(f"failed/{name}", 0) for row in rows] == [0, failed, failed]
    assert figures["unscored"] == BATCH
    assert figures["flat_groups"] == 1.0


@pytest.mark.parametrize(
    ("name", "first", "message"),
    [("raises", 0, r"the first batch \(raises: ConnectionError: no judge today\); mend the reward"),
     ("nan", 0, r"the first batch \(nan: returned nan\)"),
     ("none", 0, r"the first batch: no reward that pays is about these prompts"),
     ("raises", 1, r"3 batches in a row \(raises: ConnectionError: no judge today\)")],
)  # fmt: skip
def test_a_run_without_any_reward_ends_with_a_sentence(tmp_path, name, first, message):
    with pytest.raises(In2xError, match=message):
        go(tmp_path, Bad(name, first=first), steps=9)
    rows = tmp_path / "log.jsonl"
    assert not first or len(training_rows(rows)) == 3, "what was learned and logged before stays"


def test_the_reason_of_a_failure_is_said_once():
    said: list[str] = []
    _, instructions = setup()
    reward = Bad("raises", first=1, last=2)
    scorer = Scorer({"raises": 1}, [reward], say=said.append)
    items = reward_items(instructions[:2], ["a"] * 4)
    for _ in range(4):
        asyncio.run(scorer.score(items))
    assert said == ["the reward raises could not judge 4 of 4 answers: ConnectionError: no judge today"]
    assert scorer.why == {"raises": "ConnectionError: no judge today"} and scorer.failed == {"raises": 8}


def test_a_judge_that_is_down_for_a_while(tmp_path):
    """Steps 2 and 3 have no reward and teach nothing; the run goes on and learns again."""
    _, rows, moved = go(tmp_path, Bad("raises", first=1, last=2), steps=5)
    assert [row["unscored"] for row in rows] == [0, BATCH, BATCH, 0, 0]
    assert [row["flat_groups"] == 1.0 for row in rows] == [False, True, True, False, False]
    assert math.isnan(rows[1]["reward"])
    assert moved


def test_fifty_steps_of_equal_rewards_change_nothing(tmp_path):
    policy, instructions = setup()
    before = [p.detach().clone() for p in policy.model.parameters()]
    # No length penalty: it would tell answers of unequal length apart.
    knobs = config(steps=50, prompts=2, minibatch=2, samples=2, max_new_tokens=2, overlong_buffer=0)
    reinforce(policy, instructions, Scorer({"equal": 1}, [Bad("equal")]), knobs, stage(tmp_path))
    rows = training_rows(tmp_path / "log.jsonl")
    assert len(rows) == 50
    assert all(row["flat_groups"] == 1.0 and row["reward"] == 0.5 for row in rows)
    assert all(torch.equal(a, b) for a, b in zip(before, policy.model.parameters(), strict=True))


def test_prompts_longer_than_the_context_are_left_out_and_counted():
    policy, instructions = setup()
    long = [instructions[0].__class__("long", "en", "exact", [{"role": "user", "content": "a " * 100}])]
    kept, left_out = fitting([*instructions, *long], policy.tokenizer, policy.model, 6)
    assert kept == instructions
    assert left_out == 1
    assert fitting(instructions, policy.tokenizer, policy.model, SHAPE.context) == ([], len(instructions))


def test_a_checkpoint_of_another_recipe_is_not_resumed(tmp_path):
    """A stage begun for another key starts anew; a folder put there by hand is refused in one sentence."""
    folder = tmp_path / "rl"
    assert begin(folder, "recipe one") is False
    (folder / "work").mkdir()
    (folder / "work" / "state.json").write_text("{}")
    assert begin(folder, "recipe one") is True
    assert (folder / "work" / "state.json").exists()
    assert begin(folder, "recipe two") is False
    assert not (folder / "work").exists()

    policy, _ = setup()
    knobs = OptimizerConfig(lr=1e-2)
    Checkpoints(tmp_path / "c", policy.model, Optimizer(policy.model, knobs), None, print).save({"step": 1})
    other = build_model(
        ShapeConfig(width=16, layers=1, heads=2, kv_heads=1, mlp=32, vocabulary=300), policy.tokenizer, 0
    )
    with pytest.raises(In2xError, match=r"step-00000001: a checkpoint of another model; delete it"):
        Checkpoints(tmp_path / "c", other, Optimizer(other, knobs), None, print).load()


def test_a_penalty_that_the_native_loop_does_not_have_is_refused() -> None:
    from pydantic import ValidationError

    from in2x.rl.config import RlConfig

    with pytest.raises(ValidationError, match=r"objective\.kl needs backend trl"):
        RlConfig.model_validate({"objective": {"kl": 0.1}})
    assert RlConfig.model_validate({"objective": {"kl": 0.1}, "backend": "trl"}).objective.kl == 0.1
