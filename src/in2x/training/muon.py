"""Muon: momentum made orthogonal by a Newton-Schulz iteration (Jordan et al. 2024).

The update of `torch.optim.Muon`, but in the number format that the processor is fast at (torch's is always bfloat16)
and with all matrices of one shape in one batched product.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from in2x.training import parallel
from in2x.training.precision import compute_dtype

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""a, b, c of p(x) = ax + bx^3 + cx^5: steepest at 0, so that five rounds lift singular values from .01 to about 1."""
ROUNDS = 5
SMALLEST_NORM = 1e-7


def orthogonalize(matrices: Tensor) -> Tensor:
    """The matrices with their singular values brought to about 1 (between .7 and 1.2, those of almost 0 aside).

    Args:
        matrices: [N, R, C], float32 or bfloat16; the result has the same shape and type.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.flatten(1).norm(dim=1).clamp(min=SMALLEST_NORM)[:, None, None]
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; step scaled by sqrt(max(1, rows / columns)); decoupled weight decay.

    Args:
        parameters: matrices.
        lr: step size in spectral norm.
        weight_decay: decoupled, times lr.
        momentum: of the average of the gradients.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float = 0.0, momentum: float = 0.95
    ) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            alike: dict[tuple[torch.Size, torch.device], list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape, parameter.device].append(parameter)
            for (shape, device), parameters in alike.items():
                # Sharded matrices are gathered, and made orthogonal by every process for itself.
                moved = torch.stack([parallel.full(self._momentum(p, group["momentum"])) for p in parameters])
                update = orthogonalize(moved.to(compute_dtype(device))).float()
                rate = group["lr"] * math.sqrt(max(1.0, shape[0] / shape[1]))
                for parameter, change in zip(parameters, update.unbind(), strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(parallel.like(change, parameter), alpha=-rate)

    def _momentum(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        buffer: Tensor = state["momentum_buffer"]
        buffer.lerp_(gradient, 1 - momentum)
        return gradient.lerp(buffer, momentum)
