"""One optimizer step: every pass of this process, backwards too, then clip, update and a fresh start.

The real step and nothing beside it: `loop.train` calls it, and so does whoever wants to see its cost on fake tensors.
So it reads no number off a tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from in2x.training import parallel
from in2x.training.batches import Batch
from in2x.training.optimizer import Optimizer


@dataclass(frozen=True)
class Part:
    """What one forward and backward pass of one process holds, and what it weighs in the step."""

    batch: Batch
    weight: float
    """Factor on its mean cross-entropy: processes * (its positions with loss) / (those of the whole step)."""
    even: float
    """Factor on its balance loss (mixtures of experts): processes * (its tokens) / (those of the whole step)."""


def train_step(
    loss_of: Callable[..., Tensor], parts: Iterable[Part], optimizer: Optimizer, factor: float
) -> tuple[Tensor, Tensor]:
    """One step over `parts`. With several processes each has as many parts: each pass is a round of collectives.

    The gradient is that of the mean over all positions with loss of the step, however they are split (FSDP averages
    over processes, so weights count them). Gradients are reduced after every pass, not after the last alone: that would
    keep a whole unsharded gradient in each process. The balance loss of a mixture of experts is a product of two means
    over a pass, so a split step has the mean of its passes' losses instead, as in every framework.

    Args:
        loss_of: a `LanguageModelingLoss` or what is called as one, on its device, sharded where there are several
            processes.
        parts: of this process, on the device of `loss_of`; taken one at a time.
        optimizer: of its model.
        factor: on the peak learning rate.

    Returns:
        The loss of the step in this process (its mean over processes is that of the step), and the norm of the whole
        gradient before clipping; both scalars, detached.
    """
    losses = []
    for part in parts:
        with parallel.products(part.batch.ids.device):
            loss = loss_of(part.batch, weight=part.weight, even=part.even)
        loss.backward()
        losses.append(loss.detach())
    return torch.stack(losses).sum(), optimizer.step(factor)
