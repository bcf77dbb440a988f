"""Log-probabilities and entropies of chosen tokens, without ever holding the logits of all positions.

Autograd would keep four tensors of positions x vocabulary in fp32 for them. Here a block of positions is projected,
reduced and forgotten, and projected once more on the way back: less memory, and on a CPU also less time, because those
tensors leave its cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

LOGITS = 1 << 22
"""Logits in hand at a time (16 MiB in fp32)."""


def token_scores(states: Tensor, head: Tensor, targets: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """log p(target) and the entropy of p = softmax(states head^T / temperature), both [N] in nats and fp32.

    Args:
        states: [N, H] last hidden states. Under autocast the products run in its type, as `lm_head` would.
        head: [V, H] output embedding.
        targets: [N] token ids.
        temperature: > 0.
    """
    kind = states.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype
    apply: Callable[..., tuple[Tensor, Tensor]] = _TokenScores.apply
    return apply(states.to(dtype), head.to(dtype), targets, temperature)


class _TokenScores(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, head: Tensor, targets: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        chosen = torch.empty(len(states), device=states.device)
        total, entropy = torch.empty_like(chosen), torch.empty_like(chosen)
        for rows in _blocks(len(states), len(head)):
            logits = _scaled(states[rows], head, temperature)
            top = logits.amax(1, keepdim=True)
            logits.sub_(top)
            weights = logits.exp()
            norm = weights.sum(1)
            log_norm = norm.log()
            chosen[rows] = logits.gather(1, targets[rows, None])[:, 0] - log_norm
            # H = log Z - sum p z, with z counted from the row's greatest.
            entropy[rows] = log_norm - torch.bmm(weights[:, None], logits[:, :, None])[:, 0, 0] / norm
            total[rows] = top[:, 0] + log_norm
        ctx.save_for_backward(states, head, targets, total, entropy)
        ctx.temperature = temperature
        return chosen, entropy

    @staticmethod
    def backward(ctx: Any, d_chosen: Tensor, d_entropy: Tensor) -> tuple[Tensor, Tensor, None, None]:  # type: ignore[override]
        states, head, targets, total, entropy = ctx.saved_tensors
        d_states = torch.empty_like(states)
        d_head = torch.zeros(head.shape, device=head.device)
        with_entropy = bool(d_entropy.any())
        for rows in _blocks(len(states), len(head)):
            logs = _scaled(states[rows], head, ctx.temperature).sub_(total[rows, None])
            if with_entropy:
                probabilities = logs.exp()
                # dH/dz = -p (log p + H)
                grad = logs.add_(entropy[rows, None]).mul_(-d_entropy[rows, None]).sub_(d_chosen[rows, None])
                grad.mul_(probabilities)
            else:
                grad = logs.exp_().mul_(-d_chosen[rows, None])
            grad.scatter_add_(1, targets[rows, None], d_chosen[rows, None])
            grad = grad.div_(ctx.temperature).to(states.dtype)
            d_states[rows] = grad @ head
            d_head += grad.t() @ states[rows]
        return d_states, d_head.to(head.dtype), None, None


def _scaled(states: Tensor, head: Tensor, temperature: float) -> Tensor:
    logits = (states @ head.t()).float()
    return logits if temperature == 1 else logits.div_(temperature)


def _blocks(positions: int, vocabulary: int) -> list[slice]:
    size = max(16, LOGITS // vocabulary)
    return [slice(begin, begin + size) for begin in range(0, positions, size)]
