"""Items through tidying and the rules, in their order: here at first, by a process a processor once there are many.

What a rule says depends on its item alone, so the result is the same whoever looks.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context
from typing import NamedTuple

from in2x.instructions.candidate import Candidate
from in2x.instructions.config import RulesConfig
from in2x.instructions.rules import check
from in2x.instructions.rules.view import Evidence
from in2x.instructions.tidy import tidied
from in2x.records import Instruction, content_id

ALONE = 1 << 16
"""Items that are looked at before other processes are worth their start (our choice)."""
BATCH = 512
Fault = tuple[str, Evidence] | None


class Looked(NamedTuple):
    """A candidate, and what code sees of it."""

    candidate: Candidate
    """With its answer by itself."""
    taken: Sequence[str]
    """What was taken off the answer."""
    text: str
    """The id of its prompt and answer, whatever its verifier knows beside (who speaks to whom)."""
    fault: Callable[[], Fault]
    """Name and evidence of the first rule that it breaks; found when it is asked for."""


def looked(candidates: Iterable[Candidate], rules: RulesConfig, workers: int | None = None) -> Iterator[Looked]:
    """Each candidate with what code sees of it, in order; a fault of a rule is raised here, whoever met it.

    Args:
        candidates: streamed; those that come with a fault are tidied alone.
        rules: their knobs.
        workers: processes beyond the first `ALONE` items; None: one for each processor.
    """
    stream = iter(candidates)
    for candidate in islice(stream, ALONE):
        item, taken = tidied(candidate.item)
        yield Looked(replace(candidate, item=item), taken, _text(item), partial(check, item, rules))
    workers = len(os.sched_getaffinity(0)) if workers is None else workers
    batches = iter(lambda: list(islice(stream, BATCH)), [])
    first = next(batches, None)
    if first is None:
        return
    # Not forked: threads of torch and of Arrow may hold locks.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        waiting: deque[tuple[list[Candidate], Future[list[_Said]]]] = deque()
        for batch in chain([first], batches):
            given = [(candidate.item, candidate.fault is None) for candidate in batch]
            waiting.append((batch, pool.submit(_look, given, rules)))
            if len(waiting) > 4 * workers:
                yield from _joined(*waiting.popleft())
        while waiting:
            yield from _joined(*waiting.popleft())


_Said = tuple[str | None, Sequence[str], str, Fault]


def _text(item: Instruction) -> str:
    return content_id(item.messages, item.answer or item.verifier)


def _look(items: Sequence[tuple[Instruction, bool]], rules: RulesConfig) -> list[_Said]:
    """Of a worker: answer, what was taken off, id and fault of each item; the fault only where it is to be found."""
    said: list[_Said] = []
    for given, wanted in items:
        item, taken = tidied(given)
        said.append((item.answer, taken, _text(item), check(item, rules) if wanted else None))
    return said


def _joined(batch: Sequence[Candidate], future: Future[list[_Said]]) -> Iterator[Looked]:
    for candidate, (answer, taken, text, fault) in zip(batch, future.result(), strict=True):
        item = replace(candidate.item, answer=answer) if taken else candidate.item
        yield Looked(replace(candidate, item=item), taken, text, partial(_same, fault))


def _same(fault: Fault) -> Fault:
    return fault
