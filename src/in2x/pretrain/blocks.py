"""Batches of packed blocks: several documents a row, no attention across them, loss on every next token inside one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from in2x.corpus.pack import PackedBlocks
from in2x.training.batches import Batch, Rows


def block_batch(rows: Sequence[tuple[PackedBlocks, int]]) -> Batch:
    """The batch of the given blocks (all of one context): [B, context] with document starts, positions restarting."""
    context = rows[0][0].context
    ids = np.stack([blocks.block(i)[0] for blocks, i in rows])
    segments = np.stack([blocks.segments(i) for blocks, i in rows])
    positions = np.stack([blocks.positions(i) for blocks, i in rows])
    starts = np.arange(context)[None] - positions
    inside = np.zeros(ids.shape, dtype=bool)
    inside[:, :-1] = (segments[:, 1:] == segments[:, :-1]) & (segments[:, 1:] >= 0)
    where = torch.from_numpy(np.flatnonzero(inside))
    flat = torch.from_numpy(ids.reshape(-1))
    return Batch(torch.from_numpy(ids), where, flat[where + 1], torch.from_numpy(starts), torch.from_numpy(positions))


def block_rows(rows: Sequence[tuple[PackedBlocks, int]]) -> Rows:
    """The given blocks as the rows of a step; a block is read when its pass is made."""
    return Rows(
        np.array([blocks.context for blocks, _ in rows]),
        np.array([blocks.used(i) - blocks.documents(i) for blocks, i in rows]),
        lambda chosen: block_batch([rows[i] for i in chosen]),
    )


def plan_blocks(count: int, per_batch: int, steps: int, seed: int) -> list[np.ndarray]:
    """Block numbers of each of `steps` batches: epochs of shuffled blocks, end to end."""
    rng = np.random.default_rng(seed)
    need = steps * per_batch
    if not need:
        return []
    stream = np.concatenate([rng.permutation(count) for _ in range(-(-need // count))])
    return [stream[i * per_batch : (i + 1) * per_batch] for i in range(steps)]
