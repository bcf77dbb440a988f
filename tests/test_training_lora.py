"""Adapters: they change nothing at the start, only they learn, and merging gives the very model that was trained."""

from __future__ import annotations

import pytest
import torch

from in2x.errors import UsageError
from in2x.training.checkpoint import Checkpoints
from in2x.training.config import LoraConfig
from in2x.training.lora import add_adapters, merge_adapters
from in2x.training.optimizer import Average, Optimizer, OptimizerConfig
from test_rl_loop import setup

IDS = torch.arange(5, 29)[None]


def tuned(rank: int = 4, steps: int = 3):
    model = setup()[0].model
    adapters = add_adapters(model, LoraConfig(rank=rank, alpha=8), seed=0)
    optimizer = Optimizer(model, OptimizerConfig(lr=1e-2))
    for _ in range(steps):
        torch.nn.functional.cross_entropy(model(IDS).logits[0, :-1], IDS[0, 1:]).backward()
        optimizer.step(1.0)
    return model, adapters, optimizer


def test_at_the_start_the_model_is_unchanged():
    plain = setup()[0].model(IDS).logits
    model, adapters, _ = tuned(steps=0)
    assert adapters is not None
    torch.testing.assert_close(model(IDS).logits, plain)
    other = tuned(steps=0)[0]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_only_adapters_learn_and_merging_keeps_the_function():
    before = {n: p.detach().clone() for n, p in setup()[0].model.named_parameters()}
    model, adapters, optimizer = tuned()
    assert 0 < sum(p.numel() for p in optimizer.parameters) < 0.5 * sum(p.numel() for p in before.values())
    expected = model(IDS).logits.detach()
    merged = merge_adapters(model, adapters)
    torch.testing.assert_close(merged(IDS).logits, expected, rtol=1e-4, atol=1e-5)
    names = dict(merged.named_parameters())
    assert names.keys() == before.keys()
    moved = {n for n in names if not torch.equal(names[n], before[n])}
    assert moved == {n for n in names if "_proj" in n}
    assert all(p.requires_grad for p in names.values())


def test_checkpoints_hold_the_adapters_only(tmp_path):
    model, _, optimizer = tuned()
    before = Checkpoints(tmp_path / "c", model, optimizer, Average(optimizer.parameters, 0.9), print)
    before.save({"step": 3})
    before.wait()
    fresh = setup()[0].model
    add_adapters(fresh, LoraConfig(rank=4, alpha=8), seed=1)
    again = Optimizer(fresh, OptimizerConfig(lr=1e-2))
    state = Checkpoints(tmp_path / "c", fresh, again, Average(again.parameters, 0.9), print).load()
    assert state is not None and state["step"] == 3
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), fresh.parameters(), strict=True))
    learning = sum(p.numel() for p in optimizer.parameters) * 4
    size = sum(file.stat().st_size for file in (tmp_path / "c").glob("*/*.safetensors"))
    assert 4 * learning < size < 6 * learning  # with two moments and the average


def test_rank_0_and_a_wrong_layer():
    model = setup()[0].model
    assert add_adapters(model, LoraConfig(), 0) is None
    assert merge_adapters(model, None) is model
    with pytest.raises(UsageError, match="names 'query', which this model has not; use down_proj"):
        add_adapters(model, LoraConfig(rank=2, targets=("query",)), 0)
