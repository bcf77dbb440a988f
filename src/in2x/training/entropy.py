"""Cross-entropy with loss temperature and label smoothing, and without ever holding the logits of many positions.

Autograd keeps twelve bytes for each position and entry of the vocabulary (2.4 TB for a million tokens and 200,000
entries). Beyond `ONE_PIECE` logits `in_chunks` projects, reduces and derives `CHUNK` positions at a time in the forward
pass already, as Liger does (Hsu et al. 2024): two gradients of the size of states and head are all that is kept, and no
product is made twice. Where the logits are more than a product (`loss.plain_logits`), chunks are computed again on the
way back instead.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

IGNORED = -100
CHUNK = 2048
"""Positions in hand at a time: some 4 GB for a vocabulary of 152,000."""
ONE_PIECE = 1 << 26
"""Logits that are computed in one piece: .8 GB, 8,192 positions of a vocabulary of 8,192."""


def cross_entropy(states: Tensor, head: Tensor, targets: Tensor, temperature: float, smoothing: float) -> Tensor:
    """`cross_entropy_of` the logits states head^T.

    Args:
        states: [N, H] hidden states at the positions with loss.
        head: [V, H] output embedding.
        targets: see `cross_entropy_of`.
        temperature: likewise.
        smoothing: likewise.
    """
    return cross_entropy_of(states @ head.t(), targets, temperature, smoothing)


def cross_entropy_of(
    logits: Tensor, targets: Tensor, temperature: float, smoothing: float, reduction: str = "mean"
) -> Tensor:
    """Mean cross-entropy in nats of softmax(logits / temperature) (METHOD 4), in fp32 or better.

    Args:
        logits: [N, V].
        targets: [N]; -100 is left out.
        temperature: tau > 0 of the training loss; 1 is the usual loss.
        smoothing: label smoothing in [0, 1).
        reduction: "mean" or "sum".
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    if temperature != 1:
        logits = logits / temperature
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction=reduction)


def in_chunks(
    states: Tensor, head: Tensor, targets: Tensor, temperature: float, smoothing: float, compiled: bool = False
) -> Tensor:
    """`cross_entropy`, `CHUNK` positions at a time; gradients of the head are summed over chunks in fp32.

    Args:
        states: see `cross_entropy`; under autocast the products run in its type.
        head: likewise.
        targets: likewise.
        temperature: likewise.
        smoothing: likewise.
        compiled: let torch.compile join what is done between the products.
    """
    kind = states.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype
    apply: Callable[..., Tensor] = _InChunks.apply
    return apply(
        states.to(dtype), head.to(dtype), targets, temperature, smoothing, torch.is_grad_enabled(), compiled
    )  # fmt: skip


def by_checkpoints(
    logits_of: Callable[[Tensor], Tensor], states: Tensor, targets: Tensor, temperature: float, smoothing: float
) -> Tensor:
    """`cross_entropy_of` logits_of(states), a chunk at a time, each computed once more in the backward pass.

    Args:
        logits_of: [n, H] states to their [n, V] logits.
        states: [N, H].
        targets: see `cross_entropy_of`.
        temperature: likewise.
        smoothing: likewise.
    """

    def summed(states: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy_of(logits_of(states), targets, temperature, smoothing, "sum")

    sums = [
        checkpoint(summed, part, wanted, use_reentrant=False)
        for part, wanted in zip(states.split(CHUNK), targets.split(CHUNK), strict=True)
    ]
    return torch.stack(sums).sum() / (targets != IGNORED).sum()


def _derive(logits: Tensor, targets: Tensor, temperature: float, smoothing: float) -> tuple[Tensor, Tensor]:
    """Sum of the cross-entropies of [n, V] logits, and its gradient [n, V] with respect to them."""
    logits = logits if logits.dtype == torch.float64 else logits.float()
    if temperature != 1:
        logits = logits / temperature
    there, target = (targets != IGNORED)[:, None], targets.clamp(min=0)[:, None]
    total = logits.logsumexp(1, keepdim=True)
    losses = total - (1 - smoothing) * logits.gather(1, target)
    if smoothing:
        losses = losses - smoothing * logits.mean(1, keepdim=True)
    slope = (logits - total).exp_()
    if smoothing:
        slope -= smoothing / logits.shape[1]
    slope.scatter_add_(1, target, torch.full_like(total, smoothing - 1))
    slope *= there / temperature
    return (losses * there).sum(), slope


@cache
def _joined() -> Callable[..., tuple[Tensor, Tensor]]:
    return torch.compile(_derive, dynamic=True)


class _InChunks(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, head: Tensor, targets: Tensor, temperature: float, smoothing: float, learns: bool,
        compiled: bool,
    ) -> Tensor:  # fmt: skip
        derive = _joined() if compiled else _derive
        exact = torch.float64 if states.dtype == torch.float64 else torch.float32
        d_states = torch.empty_like(states) if learns else None
        d_head = torch.zeros_like(head, dtype=exact) if learns and ctx.needs_input_grad[1] else None
        total = torch.zeros((), dtype=exact, device=states.device)
        for begin in range(0, len(states), CHUNK):
            rows = slice(begin, begin + CHUNK)
            loss, slope = derive(states[rows] @ head.t(), targets[rows], temperature, smoothing)
            total += loss
            if d_states is not None:
                slope = slope.to(states.dtype)
                d_states[rows] = slope @ head
            if d_head is not None:
                d_head += slope.t() @ states[rows]
        count = (targets != IGNORED).sum()
        ctx.gradients, ctx.count = (d_states, d_head), count
        return total / count

    @staticmethod
    def backward(ctx: Any, d_loss: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        (d_states, d_head), scale = ctx.gradients, d_loss / ctx.count
        del ctx.gradients
        dtype = d_states.dtype
        found = d_states.mul_(scale), None if d_head is None else d_head.mul_(scale).to(dtype)
        return *found, None, None, None, None, None
