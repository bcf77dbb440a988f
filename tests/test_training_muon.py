"""Muon and the number format of matrix products."""

from __future__ import annotations

import platform
import time

import pytest
import torch
from torch import nn

from in2x.errors import UsageError
from in2x.training import muon, precision
from in2x.training.muon import Muon, orthogonalize

CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(3, 16, 40), (2, 40, 16), (1, 24, 24)])
def test_directions_stay_and_singular_values_come_to_about_one(shape):
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(shape, generator=generator)
    found = orthogonalize(matrices).double()
    left, _, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    inner = left.mT @ found @ right.mT
    values = torch.diagonal(inner, dim1=1, dim2=2)
    assert values.min() > 0.65 and values.max() < 1.25
    assert (inner - torch.diag_embed(values)).abs().max() < 1e-4


def test_a_zero_matrix_gives_a_zero_update():
    assert not orthogonalize(torch.zeros(1, 4, 6)).any()


def test_ten_steps_agree_with_torch(monkeypatch):
    """torch's Muon computes in bfloat16: with ours in bfloat16, too, only the order of additions differs."""
    monkeypatch.setattr(muon, "compute_dtype", lambda device: torch.bfloat16)
    generator = torch.Generator().manual_seed(1)
    shapes = [(12, 20), (20, 12), (12, 20), (16, 16)]
    start = [torch.randn(s, generator=generator) for s in shapes]
    ours = [nn.Parameter(p.clone()) for p in start]
    theirs = [nn.Parameter(p.clone()) for p in start]
    one = Muon(ours, lr=0.02, weight_decay=0.1)
    two = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1)
    for _ in range(10):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn(a.shape, generator=generator)
            b.grad = a.grad.clone()
        one.step()
        two.step()
    for a, b, before in zip(ours, theirs, start, strict=True):
        assert (a - b).norm() < 0.02 * (a - before).norm()


def test_a_matrix_without_gradient_stays():
    still, moved = nn.Parameter(torch.ones(4, 4)), nn.Parameter(torch.ones(4, 4))
    optimizer = Muon([still, moved], lr=0.1)
    moved.grad = torch.randn(4, 4)
    optimizer.step()
    assert torch.equal(still, torch.ones(4, 4))
    assert not torch.equal(moved, torch.ones(4, 4))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the rule for x86")
@pytest.mark.parametrize(
    ("onednn", "bf16", "amx", "dtype"),
    [
        (True, False, False, torch.float32),  # plain AVX512: oneDNN calls itself capable and converts
        (False, True, True, torch.float32),  # oneDNN is told to do without (ONEDNN_MAX_CPU_ISA)
        (True, True, False, torch.bfloat16),
        (True, False, True, torch.bfloat16),
    ],
)
def test_bfloat16_only_where_the_processor_multiplies_it(monkeypatch, onednn, bf16, amx, dtype):
    monkeypatch.delenv("IN2X_COMPUTE", raising=False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert precision.compute_dtype(CPU) == dtype
    with precision.autocast(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_the_format_can_be_forced(monkeypatch):
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        monkeypatch.setenv("IN2X_COMPUTE", name)
        with precision.autocast(CPU):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype == precision.compute_dtype(CPU)
        assert precision.describe().startswith(f"{name} (") and precision.describe().endswith(", IN2X_COMPUTE)")
    monkeypatch.setenv("IN2X_COMPUTE", "")
    free = precision.describe()
    monkeypatch.delenv("IN2X_COMPUTE")
    assert precision.describe() == free and "IN2X" not in free
    monkeypatch.setenv("IN2X_COMPUTE", "fp8")
    with pytest.raises(UsageError, match=r"^IN2X_COMPUTE is 'fp8'; give float32 or bfloat16"):
        precision.compute_dtype(CPU)


def test_the_format_chosen_is_not_the_slow_one(monkeypatch):
    """Within a factor of 3, to hold on a busy machine; the mistake it guards against costs a factor of 80."""

    monkeypatch.delenv("IN2X_COMPUTE", raising=False)

    def seconds(dtype: torch.dtype) -> float:
        a, b = torch.ones(512, 256, dtype=dtype), torch.ones(256, 256, dtype=dtype)
        a @ b
        times = []
        for _ in range(5):
            began = time.perf_counter()
            a @ b
            times.append(time.perf_counter() - began)
        return min(times)

    chosen = precision.compute_dtype(CPU)
    other = torch.float32 if chosen == torch.bfloat16 else torch.bfloat16
    assert seconds(chosen) < 3 * seconds(other)
