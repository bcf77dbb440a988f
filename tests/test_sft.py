"""The order in which SFT reads its rounds."""

from __future__ import annotations

import numpy as np
import torch

from in2x.sft.stage import plan_steps
from in2x.training.batches import Example, collate, hide_tokens


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


def test_word_dropout_hides_a_share_of_what_is_read_and_nothing_of_what_is_asked():
    examples = [Example([1, *range(10, 130), 2], answer_start=60) for _ in range(40)]
    batch = collate(examples, pad=0)
    hidden = hide_tokens(batch, 0.25, 0, keep=[0, 1, 2], seed=5, step=3)
    changed = hidden.ids != batch.ids
    assert 0.22 < changed[:, 1:-1].float().mean() < 0.28
    assert not changed[:, 0].any() and not changed[:, -1].any()
    assert torch.equal(hidden.targets, batch.targets) and torch.equal(hidden.where, batch.where)
    assert set(hidden.ids[changed].tolist()) == {0}


def test_word_dropout_is_a_pure_function_of_seed_and_step():
    batch = collate([Example(list(range(1, 60)), answer_start=1)], pad=0)
    twice = [hide_tokens(batch, 0.3, 0, [0], 5, 3).ids for _ in range(2)]
    assert torch.equal(*twice)
    assert not torch.equal(twice[0], hide_tokens(batch, 0.3, 0, [0], 5, 4).ids)
    assert hide_tokens(batch, 0.0, 0, [0], 5, 3) is batch
