"""Cross-entropy in chunks is cross-entropy, and holds no logits of all positions."""

from __future__ import annotations

import pytest
import torch

from in2x.training import entropy
from in2x.training.batches import Example, collate
from in2x.training.entropy import IGNORED, by_checkpoints, cross_entropy, in_chunks
from in2x.training.loss import LanguageModelingLoss
from in2x.training.model import for_device
from test_architectures import table


def case(dtype=torch.float64, count=50, vocabulary=37):
    torch.manual_seed(0)
    states = torch.randn(count, 8, dtype=dtype).requires_grad_()
    head = torch.randn(vocabulary, 8, dtype=dtype).requires_grad_()
    targets = torch.randint(vocabulary, (count,))
    targets[3:9] = IGNORED
    return states, head, targets


def ways():
    return [in_chunks, lambda s, h, *rest: by_checkpoints(lambda states: states @ h.t(), s, *rest)]


@pytest.mark.parametrize("way", ways(), ids=["in_chunks", "by_checkpoints"])
@pytest.mark.parametrize(("temperature", "smoothing"), [(1.0, 0.0), (1.5, 0.0), (0.7, 0.1)])
def test_value_and_gradients_are_those_of_one_piece(monkeypatch, way, temperature, smoothing):
    monkeypatch.setattr(entropy, "CHUNK", 16)  # the last chunk has two
    states, head, targets = case()
    found = []
    for loss_of in (cross_entropy, way):
        loss = 0.3 * loss_of(states, head, targets, temperature, smoothing)
        found.append([loss.detach(), *torch.autograd.grad(loss, (states, head))])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-6, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(way(states, head, targets, temperature, smoothing) * 0.3, found[0][0])


def test_a_head_that_does_not_learn_gets_no_gradient(monkeypatch):
    monkeypatch.setattr(entropy, "CHUNK", 16)
    states, head, targets = case()
    head.requires_grad_(False)
    in_chunks(states, head, targets, 1.0, 0.0).backward()
    assert states.grad is not None and head.grad is None


def test_under_autocast_chunks_are_as_near_as_one_piece(monkeypatch):
    monkeypatch.setattr(entropy, "CHUNK", 16)
    states, head, targets = case(torch.float32)
    exact = torch.autograd.grad(cross_entropy(states, head, targets, 1.0, 0.0), (states, head))
    with torch.autocast("cpu", torch.bfloat16):
        loss = in_chunks(states, head, targets, 1.0, 0.0)
    for found, wanted in zip(torch.autograd.grad(loss, (states, head)), exact, strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, wanted, rtol=5e-2, atol=1e-3)


@pytest.mark.parametrize("family", ["llama", "gemma2", "cohere", "mixtral", "opt", "gpt2"])
def test_a_model_of_any_family_learns_the_same_in_chunks(monkeypatch, family):
    """Capped (gemma2), scaled (cohere), with its balance loss (mixtral), in parts (opt), and by our pass."""
    model = for_device(table.tiny(family))
    loss_of = LanguageModelingLoss(model, temperature=1.2, smoothing=0.1)
    batch = collate([Example(document, 3) for document in table.texts(1, 9, 12)], pad=0)
    found = []
    for pieces in (1 << 26, 0):
        monkeypatch.setattr("in2x.training.loss.ONE_PIECE", pieces)
        monkeypatch.setattr(entropy, "CHUNK", 5)
        model.zero_grad()
        loss = loss_of(loss_of.prepared(batch))
        loss.backward()
        found.append((loss.detach(), {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}))
    torch.testing.assert_close(found[1][0], found[0][0])
    assert found[0][1].keys() == found[1][1].keys()
    for name, gradient in found[0][1].items():
        torch.testing.assert_close(found[1][1][name], gradient, rtol=1e-4, atol=1e-6, msg=name)
