"""How the next token is chosen from the scores of all: the most probable, or drawn exactly by a uniform number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import pad

BLOCK = 64
"""Vocabulary entries a block of the two-level inverse CDF."""


@dataclass
class Completion:
    """One sampled answer."""

    tokens: list[int] = field(default_factory=list)
    """With the stop token, where one was sampled."""
    logprobs: list[float] = field(default_factory=list)
    """log p(token) in nats under softmax(logits / temperature); at temperature 0, under temperature 1."""
    finished: bool = False
    """False where `max_new_tokens` cut it."""


def choose(logits: Tensor, uniform: Tensor | None, temperature: float | Tensor) -> tuple[Tensor, Tensor]:
    """Sample one token a row by inverse CDF.

    Args:
        logits: [B, V], any float type; fp32 ones are overwritten.
        uniform: [B] numbers in [0, 1), or None for the most probable token.
        temperature: > 0; not read where `uniform` is None.

    Returns:
        tokens [B] and their log-probabilities [B] (fp32; under temperature 1 where `uniform` is None).
    """
    weights = logits.float()
    if uniform is None:
        best = weights.argmax(-1)
        return best, weights.gather(1, best[:, None])[:, 0] - weights.logsumexp(-1)
    weights.sub_(weights.amax(-1, keepdim=True))
    if isinstance(temperature, Tensor) or temperature != 1:
        weights.div_(temperature)
    weights.exp_()
    if extra := -weights.shape[1] % BLOCK:
        weights = pad(weights, (0, extra))
    blocks = weights.view(len(weights), -1, BLOCK)
    # fp32 within a block and fp64 over them: exact enough, and the big tensor is read once.
    upto = blocks.sum(-1).double().cumsum(-1)
    total = upto[:, -1:]
    goal = uniform.double()[:, None] * total
    block = torch.searchsorted(upto, goal, right=True).clamp_(max=upto.shape[1] - 1)
    before = torch.where(block > 0, upto.gather(1, (block - 1).clamp_(min=0)), 0.0)
    inside = blocks.gather(1, block[:, :, None].expand(-1, -1, BLOCK))[:, 0]
    within = inside.double().cumsum(-1)
    # Rounding may push the goal past the block's end: the last entry with weight is then the right one.
    last = (BLOCK - 1 - (inside > 0).flip(1).to(torch.uint8).argmax(1, keepdim=True)).clamp_(max=BLOCK - 1)
    offset = torch.minimum(torch.searchsorted(within, goal - before, right=True), last)
    logprob = inside.gather(1, offset).double().log() - total.log()
    return (block * BLOCK + offset)[:, 0], logprob[:, 0].float()


def mixture(logits: Sequence[Tensor]) -> Tensor:
    """[B, V] logits of the mean of the distributions that each [B, V] of `logits` stands for; one is taken as it is."""
    if len(logits) == 1:
        return logits[0]
    return torch.stack([one.float().log_softmax(-1) for one in logits]).logsumexp(0)
