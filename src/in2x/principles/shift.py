"""Whether answers stand at the lines of their sources: a right count with moved lines.

The best path through a document is sought in which each answer fits its own source, one some lines away, or none
(Viterbi; a change of the distance costs `CHANGE`). Answers are called shifted where that path fits better than the
lines as they stand by more than `GAIN` in all, and where what they fit instead speaks for itself. Beyond `REACH` only
pairs of lines that were exchanged are found. Our choice; limits were set so that at most one batch of a hundred human
translations is called shifted (`benchmarks/shift.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from in2x.principles.likeness import fits
from in2x.principles.place import normalise

REACH = 3
"""Furthest shift of a run of lines."""
CHANGE = 2.0
LOST = 0.4
"""Cost of an answer that fits nothing near."""
GAIN = 5.0
"""By how much shifted lines must fit better than as they stand."""
OWN = 1.0
"""Least fit of shifted lines to where they belong, in all."""
EXCHANGE, FAR = 3.6, 6.5
"""The gain asked of two neighbours that were exchanged, and of two lines anywhere among 30."""
DOUBLED, LETTERS = 1.0, 6
"""The gain asked of an answer that is its neighbour's as well, and the letters that it must have."""
NOTHING = -9.0
"""Fit of a line without a letter to any but its own."""
BLOCK, OVERLAP = 120, 20
"""Lines looked at together."""


@dataclass(frozen=True, slots=True)
class Shift:
    """An answer that fits another source better than its own."""

    line: int
    """0-based index of the answer."""
    by: int
    """It fits the source at `line - by`: 1 where answers moved down by one."""
    why: str


def shifted(sources: Sequence[str], answers: Sequence[str], source_lang: str, target_lang: str) -> list[Shift]:
    """The answers that stand at another source's line, in order; [] where nothing speaks for a shift.

    Lines without a letter or digit fit nothing but their own.

    Raises:
        ValueError: the two have different lengths.
        UsageError: no such language.
    """
    if len(sources) != len(answers):
        raise ValueError(f"{len(sources)} sources and {len(answers)} answers")
    there = [n for n, pair in enumerate(zip(sources, answers, strict=True)) if any(map(_lettered, pair))]
    found: dict[int, int] = {}
    for first in range(0, max(1, len(there) - OVERLAP), BLOCK - OVERLAP):
        block = there[first : first + BLOCK]
        if len(block) < 2:
            break
        fit = fits([sources[n] for n in block], [answers[n] for n in block], source_lang, target_lang)
        for axis, texts in enumerate((sources, answers)):
            blank = [at for at, n in enumerate(block) if not _lettered(texts[n])]
            own = np.diagonal(fit).copy()
            own[blank] = 0.0
            fit[(blank, slice(None)) if axis == 0 else (slice(None), blank)] = NOTHING
            np.fill_diagonal(fit, own)
        moved = _moved(fit) or _doubled(fit, [normalise(answers[n]) for n in block])
        for at, by in moved.items():
            found.setdefault(block[at], block[at] - block[at - by])
    return [Shift(line, by, _why(line, by)) for line, by in sorted(found.items())]


def _lettered(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _why(line: int, by: int) -> str:
    lines = "a line" if abs(by) == 1 else f"{abs(by)} lines"
    return f"it fits the source {lines} {'above' if by > 0 else 'below'} (line {line - by + 1}) better than its own"


def _moved(fit: NDArray[np.float64]) -> dict[int, int]:
    """Answer -> by how many lines it moved.

    Where a line moved, another one gave way: where the answer of the source that it fits stands in its place, what that
    one would lose by giving way counts.
    """
    path = _best(fit)
    own = np.diagonal(fit)
    found: dict[int, int] = {}
    for start, end in _stretches(path):
        moved = {j: by for j in range(start, end) if (by := path[j])}
        there = sum(float(fit[j - by, j]) for j, by in moved.items())
        gain = there - sum(float(own[j]) for j in moved)
        for j, by in moved.items():
            i = j - by
            if path[i] == 0:
                gain += min(0.0, max(float(fit[j, i]), -LOST) - float(own[i]))
        if moved and gain >= GAIN and there >= OWN:
            found |= moved
    return found or _neighbours(fit, own) or _exchanged(fit, own)


def _neighbours(fit: NDArray[np.float64], own: NDArray[np.float64]) -> dict[int, int]:
    """Neighbours that fit better the other way round."""
    gain = np.diagonal(fit, 1) + np.diagonal(fit, -1) - own[1:] - own[:-1]
    found: dict[int, int] = {}
    for at in map(int, np.argsort(-gain, kind="stable")):
        if gain[at] < EXCHANGE:
            break
        if at not in found and at + 1 not in found:
            found |= {at: -1, at + 1: 1}
    return found


def _stretches(path: Sequence[int | None]) -> list[tuple[int, int]]:
    """Runs of answers that are not at their own line."""
    runs, start = [], None
    for at, by in enumerate([*path, 0]):
        if by != 0 and start is None:
            start = at
        elif by == 0 and start is not None:
            runs.append((start, at))
            start = None
    return runs


def _best(fit: NDArray[np.float64]) -> list[int | None]:
    """The best distance of each answer to its source, None where it fits none."""
    size = len(fit)
    states: list[int | None] = [0, *(by for far in range(1, REACH + 1) for by in (far, -far)), None]
    cost = np.array([[_cost(a, b) for b in states] for a in states])
    score = np.array([0.0 if state == 0 else -CHANGE for state in states])
    back: list[NDArray[np.int64]] = []
    for j in range(size):
        if j:
            reach = score[:, None] - cost
            back.append(reach.argmax(0))
            score = reach.max(0)
        score = score + np.array([_emission(fit, j, state) for state in states])
    at = int(score.argmax())
    path = [at]
    for step in reversed(back):
        at = int(step[at])
        path.append(at)
    return [states[at] for at in reversed(path)]


def _cost(a: int | None, b: int | None) -> float:
    if a == b:
        return 0.0
    if b == 0:
        return 0.0
    return CHANGE if a == 0 else CHANGE / 3


def _emission(fit: NDArray[np.float64], j: int, state: int | None) -> float:
    if state is None:
        return -LOST
    i = j - state
    return float(fit[i, j]) if 0 <= i < len(fit) else -1e9


def _doubled(fit: NDArray[np.float64], answers: Sequence[str]) -> dict[int, int]:
    """Answers that stand twice, at the line that they fit less."""
    found: dict[int, int] = {}
    for j in range(len(answers) - 1):
        if answers[j] == answers[j + 1] and len(answers[j]) >= LETTERS:
            line, by = (j + 1, 1) if fit[j, j] > fit[j + 1, j + 1] else (j, -1)
            if fit[line - by, line] - fit[line, line] >= DOUBLED:
                found[line] = by
    return found


def _exchanged(fit: NDArray[np.float64], own: NDArray[np.float64]) -> dict[int, int]:
    """The two lines that fit better the other way round, anywhere in the block."""
    gain = fit + fit.T - own[:, None] - own[None, :]
    i, j = divmod(int(np.triu(gain, 1).argmax()), len(fit))
    # among more pairs of lines chance finds a better one
    least = FAR + 2 * max(0.0, math.log(len(fit) / 30))
    if i == j or gain[i, j] < least or min(fit[i, j], fit[j, i]) < 0 or max(own[i], own[j]) > 1:
        return {}
    return {i: i - j, j: j - i}
