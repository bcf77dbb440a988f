"""The order in which SFT reads its rounds."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from in2x.artifact import write_json
from in2x.recipe import Recipe
from in2x.records import Instruction, Pair, write_records
from in2x.run import run
from in2x.sft import stage as sft
from in2x.sft.stage import plan_steps


def test_rounds_take_turns():
    lengths = [np.full(40, 10), np.full(30, 10)]
    steps = plan_steps([lengths] * 3, 100, seed=0)
    turns = [number for k, (_, number, _) in enumerate(steps) if k == 0 or steps[k - 1][1] != number]
    assert [epoch for epoch, _, _ in steps] == sorted(epoch for epoch, _, _ in steps)
    assert turns == [0, 1, 0, 1, 0, 1]
    for number, size in ((0, 40), (1, 30)):
        seen = np.concatenate([chosen for _, n, chosen in steps if n == number])
        assert np.bincount(seen, minlength=size).tolist() == [3] * size


def test_an_empty_round_is_passed_over():
    steps = plan_steps([[np.full(5, 10), np.array([], int)]] * 2, 100, seed=0)
    assert [number for _, number, _ in steps] == [0, 0]


def test_every_pass_has_its_own_order():
    lengths = [np.arange(5, 25), np.array([], int)]
    steps = plan_steps([lengths] * 2, 60, seed=0)
    half = len(steps) // 2
    assert [c.tolist() for *_, c in steps[:half]] != [c.tolist() for *_, c in steps[half:]]


@pytest.mark.parametrize("mixed", [False, True])
def test_mixed_rounds_are_shuffled_together(mixed, tmp_path, tiny_model, monkeypatch):
    """Of each pass most steps hold answers of both rounds; in turn none does. All examples are seen in each pass."""
    for name in ("data", "corpus", "base", "pretrain", "instruct", "select"):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "manifest.json", {"stage": name, "key": name, "seconds": 0})
    shutil.copytree(tiny_model, tmp_path / "pretrain" / "model")
    write_records(tmp_path / "data" / "pairs.dev.parquet", [], Pair)
    for number, answer in ((1, "a"), (2, "b")):
        rows = [
            Instruction(
                id=f"{number} {k}", lang="en", task="chat", messages=[{"role": "user", "content": "q"}], answer=answer
            )
            for k in range(60)
        ]
        write_records(tmp_path / "select" / f"round{number}.parquet", rows, Instruction)
    seen = []

    def train(model, plan, *args, **options):
        for step in range(plan.steps):
            rows = plan.rows(step)
            batch = rows.make(np.arange(len(rows)))
            seen.append(batch.targets[0::2].tolist())
        return {}

    monkeypatch.setattr(sft, "train", train)
    recipe = Recipe.model_validate(
        {"name": "t", "sft": {"passes": 2, "mixed": mixed, "batch_tokens": 64, "max_tokens": 32}}
    )
    figures = run(recipe, tmp_path, first="sft", until="sft")["sft"].manifest["figures"]
    kinds = [len(set(answers)) for answers in seen]
    assert (sum(kinds) > 1.5 * len(kinds)) is mixed and (max(kinds) == 1) is not mixed
    for half in (seen[: len(seen) // 2], seen[len(seen) // 2 :]):
        assert sorted(np.unique([a for answers in half for a in answers], return_counts=True)[1]) == [60, 60]
    assert {name: figures[name] for name in figures if name.startswith("round")} == (
        {"rounds": 120} if mixed else {"round1": 60, "round2": 60}
    )
