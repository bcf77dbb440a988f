"""Log-probabilities and entropies by blocks, against float64 autograd over all logits."""

from __future__ import annotations

import pytest
import torch

import in2x.rl.head as head_module
from in2x.rl.head import token_scores


def reference(states, head, targets, temperature):
    logs = torch.log_softmax(states @ head.t() / temperature, -1)
    return logs.gather(1, targets[:, None])[:, 0], -(logs.exp() * logs).sum(-1)


def setup(positions=37, width=12, vocabulary=70):
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(positions, width, generator=generator)
    head = torch.randn(vocabulary, width, generator=generator)
    targets = torch.randint(vocabulary, (positions,), generator=generator)
    pull = torch.randn(2, positions, generator=generator)
    return states, head, targets, pull


@pytest.mark.parametrize("temperature", [1.0, 0.6])
@pytest.mark.parametrize("with_entropy", [True, False])
@pytest.mark.parametrize("kept", [0, 37 * 70])
def test_values_and_gradients(monkeypatch, temperature, with_entropy, kept):
    monkeypatch.setattr(head_module, "LOGITS", 70 * 16)  # 37 positions are three blocks, the last one short
    monkeypatch.setattr(head_module, "KEPT", kept)
    states, head, targets, pull = setup()
    if not with_entropy:
        pull[1] = 0

    def run(function, dtype):
        s, h = (t.to(dtype, copy=True).requires_grad_() for t in (states, head))
        chosen, entropy = function(s, h, targets, temperature)
        (chosen * pull[0].to(dtype) + entropy * pull[1].to(dtype)).sum().backward()
        return [t.double() for t in (chosen.detach(), entropy.detach(), s.grad, h.grad)]

    for ours, exact in zip(run(token_scores, torch.float32), run(reference, torch.float64), strict=True):
        torch.testing.assert_close(ours, exact, rtol=1e-5, atol=2e-5)


def test_logits_that_were_kept_serve_one_way_back_and_are_made_again_for_another():
    states, head, targets, pull = setup()
    states, head = states.requires_grad_(), head.requires_grad_()
    chosen, entropy = token_scores(states, head, targets, 0.6)
    loss = (chosen * pull[0] + entropy * pull[1]).sum()
    first, second = (torch.autograd.grad(loss, (states, head), retain_graph=True) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=2e-5)


def test_one_certain_token_has_no_entropy_and_finite_gradients():
    head = torch.eye(4) * 1000
    states = torch.eye(4).requires_grad_()
    chosen, entropy = token_scores(states, head, torch.tensor([0, 1, 2, 0]), 1.0)
    assert chosen.tolist() == [0.0, 0.0, 0.0, -1000.0]
    assert entropy.abs().max() < 1e-6
    (chosen + entropy).sum().backward()
    assert torch.isfinite(states.grad).all()


def test_under_autocast_the_products_are_bfloat16_and_gradients_come_back_in_fp32():
    states, head, targets, pull = setup()
    states, head = states.requires_grad_(), head.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        chosen, _ = token_scores(states, head, targets, 1.0)
    (chosen * pull[0]).sum().backward()
    assert states.grad.dtype == head.grad.dtype == torch.float32
    exact, _ = reference(states.double(), head.double(), targets, 1.0)
    torch.testing.assert_close(chosen.double(), exact, rtol=0.02, atol=0.1)
