"""How the rows of a step come to the passes of the processes.

`batch_tokens` is what one optimizer step means, `device_tokens` what one pass of one process holds. Rows are dealt out
to the processes in turn (those of a step are of like length) and each process's rows are cut into passes of about as
many rows; all processes make equally many passes, since each is a round of collectives. A process that has no row left
for a pass computes the shortest row with the weight 0.

Each process makes its own rows only, in a thread ahead of the step that reads them. Which rows a step has, and all that
is drawn for them, is a function of the seed alone, whatever the number of processes and passes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from in2x.errors import In2xError
from in2x.training import parallel
from in2x.training.batches import COLUMNS, Batch, Rows
from in2x.training.shapes import round_up
from in2x.training.step import Part

AHEAD = 2
"""Steps made ahead of the one that is computed."""
T = TypeVar("T")


def divide(lengths: np.ndarray, processes: int, device_tokens: int | None) -> list[list[np.ndarray]]:
    """Row numbers of each pass of each process, `[process][pass]`, as few passes as can be.

    Args:
        lengths: tokens of each row.
        processes: among which the rows are dealt out.
        device_tokens: most positions of a pass, padding included; None: all rows of a process are one pass. A row that
            is longer by itself is a pass of its own.
    """
    shares = [np.arange(number, len(lengths), processes) for number in range(processes)]
    most = len(shares[0])
    count = 1
    if device_tokens is not None:
        count = max(1, -(-int(lengths[shares[0]].sum()) // device_tokens))
        while count < most and not all(_fits(lengths[part], device_tokens) for s in shares for part in _cut(s, count)):
            count += 1
    return [_cut(share, min(count, most)) for share in shares]


def _cut(rows: np.ndarray, count: int) -> list[np.ndarray]:
    return np.array_split(rows, count)


def _fits(lengths: np.ndarray, device_tokens: int) -> bool:
    return not len(lengths) or len(lengths) * round_up(int(lengths.max()), COLUMNS) <= device_tokens


def parts_of(rows: Rows, device_tokens: int | None, prepared: Callable[[Batch], Batch]) -> list[Part]:
    """The passes of this process over its rows of a step, with their weights.

    Args:
        rows: of the whole step.
        device_tokens: see `divide`.
        prepared: what becomes of each batch (`LanguageModelingLoss.prepared`).
    """
    processes = parallel.processes()
    positions, tokens = max(1, int(rows.targets.sum())), int(rows.lengths.sum())
    parts = []
    for chosen in divide(rows.lengths, processes, device_tokens)[parallel.rank()]:
        here = int(rows.targets[chosen].sum())
        batch = rows.make(chosen if len(chosen) else np.array([rows.lengths.argmin()]))
        if not len(batch.where):  # the mean over no position is no number
            batch = replace(batch, where=torch.tensor([0]), targets=torch.tensor([0]))
        even = processes * int(rows.lengths[chosen].sum()) / tokens
        parts.append(Part(prepared(batch), processes * here / positions, even))
    return parts


def ahead(make: Callable[[int], T], begin: int, end: int) -> Generator[T]:
    """`make(k)` for k from `begin` to below `end`, in order, made by a thread some steps before it is asked for.

    What `make` raises is raised where its result would have come. Closed early, it waits for what is being made.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for step in range(begin, end + AHEAD):
                if step < end:
                    waiting.append(pool.submit(make, step))
                if step >= begin + AHEAD:
                    yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def enough_rows(what: str, batch_tokens: int, longest: int) -> None:
    """Refuse a step that cannot give every process a row.

    Raises:
        In2xError: `batch_tokens` holds fewer rows of `longest` tokens than there are processes.
    """
    rows, processes = batch_tokens // longest, parallel.processes()
    if processes > max(1, rows):
        raise In2xError(
            f"{what}: a step of {batch_tokens:,} tokens is {rows:,} row(s) of {longest:,}, too few for {processes:,} "
            "processes",
            mend=f"raise batch_tokens to {processes * longest:,}, or start at most {max(1, rows):,}",
        )
