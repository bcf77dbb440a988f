"""Answers that have fallen into a loop: the same few tokens again and again, to the end of the room there is.

A row loops where its end is one stretch of `p` tokens over and over, `REPEATS` times and `LEAST` tokens at least (our
choice: "no, no, no, no" is a translation, and so is a row of forty dots of a source that has such a row; who knows the
source does not watch those). Greedy decoding never leaves such a loop.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LEAST = 24
REPEATS = 4
PERIOD = 40
"""Longest stretch that is looked for, in tokens."""
EVERY = 16
"""Steps between two looks."""
_TEXT = re.compile(r"(.{1,60}?)\1{5,}", re.DOTALL)


def looping(tokens: Tensor) -> Tensor:
    """[B] whether each row of [B, N] token ids ends in a loop."""
    import torch  # here, not above: who asks a server reads texts alone, and torch takes seconds to load

    count = tokens.shape[1]
    found = torch.zeros(len(tokens), dtype=torch.bool)
    for period in range(1, PERIOD + 1):
        same = max(LEAST, REPEATS * period) - period
        if same + period > count:
            continue
        found |= (tokens[:, count - same :] == tokens[:, count - same - period : count - period]).all(1)
    return found


def loops(tokens: Sequence[int]) -> bool:
    """`looping` for one row."""
    import torch

    return bool(tokens) and bool(looping(torch.tensor([tokens]))[0])


def repeated(text: str) -> str:
    """The stretch that `text` says six times over or more, one right behind the other; "" where there is none."""
    match = _TEXT.search(text)
    return match[1] if match else ""
