"""Log-probabilities and entropies of chosen tokens, without ever holding the logits of all positions.

Autograd would keep four tensors of positions x vocabulary in fp32 for them. Here a block of positions is projected and
reduced, and what is needed on the way back is made from the logits: those are kept where they are few, and beyond
`KEPT` projected once more. Less memory, and on a CPU also less time, because those tensors leave its cache.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

LOGITS = 1 << 22
"""Logits in hand at a time (16 MiB in fp32)."""
KEPT = 1 << 25
"""Logits that are kept for the way back (128 MiB in fp32; 4,096 positions of a vocabulary of 8,192)."""


def token_scores(
    states: Tensor, head: Tensor, targets: Tensor, temperature: float, compiled: bool = False
) -> tuple[Tensor, Tensor]:
    """log p(target) and the entropy of p = softmax(states head^T / temperature), both [N] in nats and fp32.

    Args:
        states: [N, H] last hidden states. Under autocast the products run in its type, as `lm_head` would.
        head: [V, H] output embedding.
        targets: [N] token ids.
        temperature: > 0.
        compiled: let torch.compile join what is done between the products (worth it over many calls).
    """
    kind = states.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype
    # A tensor, since the compiler would begin anew for every other number.
    divisor = None if temperature == 1 else torch.tensor(temperature, device=states.device)
    apply: Callable[..., tuple[Tensor, Tensor]] = _TokenScores.apply
    return apply(states.to(dtype), head.to(dtype), targets, divisor, compiled)


def _reduce(logits: Tensor, targets: Tensor, temperature: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Log-probability of the targets, entropy, log-sum-exp and its part beyond the greatest [N] of [N, V] logits.

    Logits in fp32 are overwritten: divided by the temperature, less the row's greatest.
    """
    logits = logits.float() if temperature is None else logits.float().div_(temperature)
    top = logits.amax(1, keepdim=True)
    logits.sub_(top)
    weights = logits.exp()
    norm = weights.sum(1)
    log_norm = norm.log()
    chosen = logits.gather(1, targets[:, None])[:, 0] - log_norm
    # H = log Z - sum p z, with z counted from the row's greatest. Not by a batched product: autocast would make it one
    # of bfloat16 copies.
    entropy = log_norm - weights.mul_(logits).sum(1) / norm
    return chosen, entropy, top[:, 0] + log_norm, log_norm


def _derive(
    logits: Tensor, total: Tensor, entropy: Tensor, d_chosen: Tensor, d_entropy: Tensor | None,
    temperature: Tensor | None,
) -> Tensor:  # fmt: skip
    """Gradient [N, V] with respect to logits / temperature, less what the targets themselves get.

    `total` is the log-sum-exp of the logits / temperature; fp32 logits may be overwritten.
    """
    logs = (logits.float() if temperature is None else logits.float().div_(temperature)).sub_(total[:, None])
    if d_entropy is None:
        return logs.exp_().mul_(-d_chosen[:, None])
    probabilities = logs.exp()
    # dH/dz = -p (log p + H)
    grad = logs.add_(entropy[:, None]).mul_(-d_entropy[:, None]).sub_(d_chosen[:, None])
    return grad.mul_(probabilities)


@cache
def _joined(function: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(function, dynamic=True)


class _TokenScores(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, head: Tensor, targets: Tensor, temperature: Tensor | None, compiled: bool
    ) -> tuple[Tensor, Tensor]:
        chosen = torch.empty(len(states), device=states.device)
        total, entropy = torch.empty_like(chosen), torch.empty_like(chosen)
        reduce = _joined(_reduce) if compiled else _reduce
        keeps = any(ctx.needs_input_grad[:2]) and len(states) * len(head) <= KEPT
        kept: list[tuple[Tensor, Tensor | None, Tensor]] = []
        for rows in _blocks(len(states), len(head)):
            logits = states[rows] @ head.t()
            chosen[rows], entropy[rows], total[rows], beyond = reduce(logits, targets[rows], temperature)
            if keeps:
                changed = logits.dtype == torch.float32
                kept.append((logits, None, beyond) if changed else (logits, temperature, total[rows]))
        ctx.save_for_backward(states, head, targets, total, entropy)
        ctx.temperature, ctx.compiled, ctx.kept = temperature, compiled, kept
        ctx.set_materialize_grads(False)  # what the loss does not use comes back as None
        return chosen, entropy

    @staticmethod
    def backward(
        ctx: Any, d_chosen: Tensor | None, d_entropy: Tensor | None
    ) -> tuple[Tensor, Tensor, None, None, None]:  # type: ignore[override]
        states, head, targets, total, entropy = ctx.saved_tensors
        d_states = torch.empty_like(states)
        d_head = torch.zeros_like(head)
        if d_chosen is None:
            d_chosen = torch.zeros_like(total)
        derive = _joined(_derive) if ctx.compiled else _derive
        kept, ctx.kept = ctx.kept, []  # they are overwritten
        for number, rows in enumerate(_blocks(len(states), len(head))):
            given = kept[number] if kept else (states[rows] @ head.t(), ctx.temperature, total[rows])
            logits, temperature, norm = given
            grad = derive(
                logits, norm, entropy[rows], d_chosen[rows], None if d_entropy is None else d_entropy[rows],
                temperature,
            )  # fmt: skip
            grad.scatter_add_(1, targets[rows, None], d_chosen[rows, None])
            if ctx.temperature is not None:
                grad.div_(ctx.temperature)
            grad = grad.to(states.dtype)
            d_states[rows] = grad @ head
            product = grad.t() @ states[rows]
            d_head = d_head.float().add_(product) if rows.start else product  # several blocks: summed in fp32
        return d_states, d_head.to(head.dtype), None, None, None


def _blocks(positions: int, vocabulary: int) -> list[slice]:
    size = max(16, LOGITS // vocabulary)
    return [slice(begin, begin + size) for begin in range(0, positions, size)]
