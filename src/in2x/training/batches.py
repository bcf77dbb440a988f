"""Batches: length-grouped rows with few padded tokens, as a pure function of (examples, seed, epoch).

The whole plan is made of example numbers only, so an exact resume needs the step and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from in2x.training.shapes import round_up


@dataclass(frozen=True)
class Example:
    """One sequence to learn: its tokens and where the loss begins and ends."""

    tokens: list[int]
    answer_start: int
    """Index of the first token that carries loss (a token is predicted from the one before it; at least 1)."""


@dataclass
class Batch:
    """Rows of tokens and the positions that carry loss.

    Shapes: B rows, T columns, N positions with loss.
    """

    ids: Tensor
    """[B, T] tokens, right-padded."""
    where: Tensor
    """[N] flat positions (row * T + column) whose next token is a target."""
    targets: Tensor
    """[N] the next tokens."""
    starts: Tensor | None = None
    """[B, T] first position of each position's document (packed rows), or None: one document a row."""
    positions: Tensor | None = None
    """[B, T] position ids that restart with each document, or None: 0..T-1."""
    shared: Tensor | None = None
    """[B] length of a beginning that all documents of the row see, or None."""
    borders: Tensor | None = None
    """[documents + 1] where documents begin in the rows laid end to end, and the end, int32 (`attention`), or None."""
    span: int = 0
    """Length of the longest document between `borders`, rounded up."""
    mask: Tensor | None = None
    """[B, T] 1 on tokens, 0 on padding: rows as `alone` makes them, for the plain forward pass."""

    def to(self, device: torch.device) -> Batch:
        """The batch on `device`; from pinned memory while the processor goes on."""
        return self._each(lambda values: values.to(device, non_blocking=True))

    def pinned(self) -> Batch:
        """The batch in memory that a GPU copies from by itself."""
        return self._each(lambda values: values.pin_memory())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        changed = {f.name: change(value) for f in fields(self) if isinstance(value := getattr(self, f.name), Tensor)}
        return Batch(**{**self.__dict__, **changed})

    @property
    def tokens(self) -> int:
        """Tokens computed, padding included."""
        return self.ids.numel()

    @property
    def longest(self) -> int:
        """Length of the longest document, padding included where a row is one document."""
        return self.ids.shape[1] if self.positions is None else int(self.positions.max()) + 1

    def bordered(self) -> Batch:
        """The batch with `borders` written out. Not for rows with a shared beginning."""
        rows, length = self.ids.shape
        if self.starts is None:
            begins = torch.arange(0, rows * length, length)
        else:
            begins = (self.starts == torch.arange(length)).flatten().nonzero()[:, 0]
        borders = torch.cat([begins, torch.tensor([rows * length])])
        return replace(self, borders=borders.int(), span=round_up(int(borders.diff().max()), SPAN))

    def alone(self) -> Batch:
        """The batch with one document a row, and its `mask`.

        A document without loss is left out, and so is what stands behind the last token that carries loss. Positions
        with loss keep their order. Not for rows with a shared beginning.
        """
        count = self.ids.shape[1]
        row, column = self.where // count, self.where % count
        if self.starts is None or self.positions is None:
            begin, inside = row * count, column
        else:
            begin, inside = row * count + self.starts[row, column], self.positions[row, column]
        begins, owner = torch.unique(begin, return_inverse=True)
        # The last position with loss predicts the last token.
        lengths = torch.zeros_like(begins).scatter_reduce_(0, owner, inside + 2, "amax")
        width = round_up(int(lengths.max()), COLUMNS)
        place = torch.arange(width, device=self.ids.device)
        mask = place < lengths[:, None]
        ids = self.ids.reshape(-1)[(begins[:, None] + place).clamp(max=self.ids.numel() - 1)].masked_fill(~mask, 0)
        return Batch(ids, owner * width + inside, self.targets, mask=mask.long())


COLUMNS, SPAN = 4, 128
"""Rows are padded to a multiple of this; the longest document is told to the kernels as a multiple of that."""


@dataclass(frozen=True)
class Rows:
    """The rows of one optimizer step, none of them made yet: each process makes those of its own passes."""

    lengths: np.ndarray
    """[B] tokens of each row."""
    targets: np.ndarray
    """[B] positions of each row that carry loss."""
    make: Callable[[np.ndarray], Batch]
    """The batch of the rows with these numbers."""

    def __len__(self) -> int:
        """How many they are."""
        return len(self.lengths)

    @property
    def tokens(self) -> int:
        """Positions of all rows in one batch, padding included."""
        return len(self) * round_up(int(self.lengths.max()), COLUMNS)


def example_rows(examples: Sequence[Example], pad: int) -> Rows:
    """A row for each of `examples`, as `collate` makes them."""
    return Rows(
        np.array([len(e.tokens) for e in examples]),
        np.array([len(e.tokens) - e.answer_start for e in examples]),
        lambda rows: collate([examples[i] for i in rows], pad),
    )


def collate(examples: Sequence[Example], pad: int) -> Batch:
    """Right-pad `examples` into one batch; loss on every token from `answer_start` on."""
    length = round_up(max(len(e.tokens) for e in examples), COLUMNS)
    ids = np.full((len(examples), length), pad, dtype=np.int64)
    where: list[np.ndarray] = []
    for row, example in enumerate(examples):
        ids[row, : len(example.tokens)] = example.tokens
        where.append(np.arange(example.answer_start - 1, len(example.tokens) - 1) + row * length)
    flat = np.concatenate(where)
    return Batch(torch.from_numpy(ids), torch.from_numpy(flat), torch.from_numpy(ids.reshape(-1)[flat + 1]))


def plan_batches(lengths: Sequence[int] | np.ndarray, tokens_per_batch: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Which examples make which batch of one epoch.

    Examples are shuffled, then sorted by length within the whole epoch (ties keep the shuffled order), cut into
    batches of at most `tokens_per_batch` tokens (padding counted), and the batches are shuffled. Every example is in
    exactly one batch; an example longer than the budget is a batch of its own.

    Args:
        lengths: tokens of each example.
        tokens_per_batch: budget of B * T.
        seed: of the run.
        epoch: 0-based; each epoch has its own order.
    """
    rng = np.random.default_rng([seed, epoch])
    size = np.asarray(lengths)
    order = rng.permutation(len(size))
    order = order[np.argsort(size[order], kind="stable")]
    batches: list[np.ndarray] = []
    begin = 0
    for end in range(1, len(order) + 1):
        full = end == len(order) or (end + 1 - begin) * round_up(int(size[order[end]]), COLUMNS) > tokens_per_batch
        if full:
            batches.append(order[begin:end])
            begin = end
    return [batches[i] for i in rng.permutation(len(batches))]
