"""The ways to combine the changes of several models, as pure functions (METHOD 6).

All work on changes from a common base, `delta = model - base`, of one shape; on a whole tensor or on rows of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from in2x.merge.codes import CHUNK, LEVELS, Top, histogram, score_of


def linear(deltas: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Weighted sum of the changes (with weights that sum to 1: the weighted mean of the models)."""
    out = torch.zeros_like(deltas[0])
    for delta, weight in zip(deltas, weights, strict=True):
        out += weight * delta
    return out


def ties(trimmed: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Elect a sign, disjoint mean (arXiv 2306.01708) of changes that are trimmed: 0 where they are too small.

    Each position elects the sign of the weighted sum; the result is the weighted mean of the entries that are kept and
    carry that sign, 0 where there is none.
    """
    elected = torch.sign(linear(trimmed, weights))
    total, mass = torch.zeros_like(trimmed[0]), torch.zeros_like(trimmed[0])
    for delta, weight in zip(trimmed, weights, strict=True):
        agrees = ((torch.sign(delta) == elected) & (delta != 0)).to(delta.dtype)
        total += weight * delta * agrees
        mass += weight * agrees
    return torch.where(mass != 0, total / torch.where(mass != 0, mass, 1), 0)


def saliency(delta: Tensor, importance: Tensor) -> Tensor:
    """`s = 1/2 * delta^2 * H`: what undoing a change would cost.

    Args:
        delta: [out, in] (or any shape).
        importance: diagonal of the Hessian or of the Fisher matrix, broadcastable to `delta` ([in]: a linear layer's).
    """
    return 0.5 * delta.square() * importance


def share_out(codes: Sequence[Tensor], density: float, iterations: int) -> Tensor:
    """Optimal Brain Iterative Merging (arXiv 2502.12217): which model's change each position takes.

    In round t of `iterations` every model may own t / iterations of its share, and bids for the most salient of the
    positions still free. A position that several want goes to the one to which it means most, as a multiple of that
    model's mean saliency in the tensor; the others bid on in the next round. The share is `density`, or an equal part
    where there are too few positions for that; what then is left because some models changed too little goes to those
    that want it, up to `density`. No position has two owners, and the order of the models decides exact ties alone.

    Args:
        codes: of each model the saliency of every position, as `codes_of` makes it, int16 [positions]; used up.
        density: largest share of the positions that one model may own.
        iterations: rounds; with more of them the models' shares grow more evenly.

    Returns:
        the owner of each position, int8 [positions]; -1 for the base.
    """
    total, models = codes[0].numel(), len(codes)
    owner = torch.full((total,), -1, dtype=torch.int8)
    free = [histogram(c) for c in codes]  # of the positions still free
    floor = score_of(torch.arange(LEVELS, dtype=torch.int16))
    floor[0x7F80:] = 0  # infinite or no number: no saliency has these codes
    means = [float((counts * floor.double()).sum()) / max(total, 1) for counts in free]
    owned = [0] * models
    limit = round(density * total)
    fair = min(limit, total // models)
    caps = [-(-fair * (number + 1) // iterations) for number in range(iterations)]
    for cap, last in [*((cap, False) for cap in caps[:-1]), (fair, True), (limit, True)]:
        taken = True
        while taken and any(has < cap for has in owned):
            tops = [Top(counts, cap - has) for counts, has in zip(free, owned, strict=True)]
            taken = False
            for first in range(0, total, CHUNK):
                part = owner[first : first + CHUNK]
                mine = [c[first : first + CHUNK] for c in codes]
                best, bid = torch.zeros(part.numel()), torch.zeros(part.numel(), dtype=torch.bool)
                for index, (top, code, mean) in enumerate(zip(tops, mine, means, strict=True)):
                    places = top.take(code)
                    score = score_of(code[places]) / (mean or 1.0)
                    wins = ~bid[places] | (score > best[places])
                    bid[places] = True
                    part[places[wins]], best[places[wins]] = index, score[wins]
                gone = bid.nonzero()[:, 0]
                taken |= last and len(gone) > 0
                won = torch.bincount(part[gone].int(), minlength=models).tolist()
                owned = [old + new for old, new in zip(owned, won, strict=True)]
                for counts, code in zip(free, mine, strict=True):
                    counts -= torch.bincount(code[gone].int(), minlength=LEVELS)
                    code[gone] = 0  # nobody bids for it again
    return owner
