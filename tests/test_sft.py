"""The order in which SFT reads its rounds."""

from __future__ import annotations

import numpy as np

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
