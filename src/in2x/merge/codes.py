"""The largest of very many scores in little memory: scores as 16-bit codes, and their histogram.

The upper half of a float32 that is not negative (8 bits of exponent, 7 of mantissa: a bfloat16 cut off, not rounded)
orders as the float does, so 32,768 counts tell where the k-th largest lies. Scores that agree in these bits, within
.8%, count as equal, and the earliest in memory order wins: what is chosen is the same on every machine, and its number
exact. Code 0 means "never".
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

LEVELS = 1 << 15
CHUNK = 1 << 18
"""Elements worked on at once."""


def codes_of(score: Tensor, never: Tensor) -> Tensor:
    """Codes (int16, the shape of `score`) of scores >= 0 in float32; 0 where `never` is True, else at least 1."""
    upper = (score.float().contiguous().view(torch.int32) >> 16).to(torch.int16)
    return upper.clamp_(min=1).masked_fill_(never, 0)


def score_of(codes: Tensor) -> Tensor:
    """The least score (float32) that has each code."""
    return (codes.to(torch.int32) << 16).view(torch.float32)


def histogram(codes: Tensor) -> Tensor:
    """How often each code occurs in flat `codes`, int64 [LEVELS]; counted in chunks, for counting widens to int64."""
    counts = np.zeros(LEVELS, np.int64)
    for first in range(0, codes.numel(), CHUNK):
        counts += np.bincount(codes[first : first + CHUNK].numpy(), minlength=LEVELS)
    return torch.from_numpy(counts)


class Top:
    """The `count` largest of a stream of codes whose histogram is known, given chunk by chunk in memory order."""

    def __init__(self, counts: Tensor, count: int) -> None:
        """Place the threshold.

        Args:
            counts: int64 [LEVELS], the histogram of the whole stream.
            count: how many to take; of a stream with fewer codes above 0, all of these.
        """
        least = counts.flip(0).cumsum(0).flip(0)  # how many have this code or a larger one
        if count >= int(least[1]):
            self.threshold, self.equal = 0, 0
            return
        self.threshold = int((least >= count).nonzero()[-1])
        self.equal = count - (int(least[self.threshold + 1]) if self.threshold + 1 < LEVELS else 0)
        """How many of those at the threshold are still to be taken."""

    def take(self, codes: Tensor) -> Tensor:
        """Where the next chunk of the stream is among the largest: flat indices, ascending."""
        flat = codes.reshape(-1)
        found = (flat >= max(self.threshold, 1)).nonzero()[:, 0]
        equal = flat[found] == self.threshold
        chosen = ~equal | (equal.cumsum(0) <= self.equal)
        self.equal = max(0, self.equal - int(equal.sum()))
        return found[chosen]
