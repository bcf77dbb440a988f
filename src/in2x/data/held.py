"""Held-out pairs out of the training pairs, where the user names no files of them: drawn by the seed, in one pass.

Reservoir sampling (Vitter 1985, algorithm R): memory holds what is held out, whatever the file has. A sentence that is
held out stands in one split only; the training pairs leave out every line that has one (`stage.py`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from in2x.data.reader import Line

MOST = 10
"""At most one line of so many is held out for all splits together (our choice)."""


def held_out(lines: Iterable[Line], count: int, splits: Sequence[str], seed: int) -> dict[str, list[Line]]:
    """`count` of `lines` for each of `splits`, fewer where there are few; which ones hangs on lines and seed alone.

    Args:
        lines: the training pairs.
        count: lines wanted for each split.
        splits: their names.
        seed: of the run.
    """
    rng = random.Random(f"{seed}/held out")
    drawn: list[Line] = []
    seen = 0
    for line in lines:
        seen += 1
        if len(drawn) < count * len(splits):
            drawn.append(line)
        elif (place := rng.randrange(seen)) < len(drawn):
            drawn[place] = line
    rng.shuffle(drawn)
    each = min(count, seen // (MOST * len(splits)))
    found: dict[str, list[Line]] = {split: [] for split in splits}
    used: set[str] = set()
    for line in drawn:
        split = next((name for name in splits if len(found[name]) < each), None)
        if split is None:
            break
        if used.isdisjoint(line.texts.values()):  # the same pair may stand in a file twice
            used.update(line.texts.values())
            found[split].append(line)
    return found
