"""Whether a text can hold a loop at all, before a regular expression with back references looks for it.

`(.{2,40}?)\\1{4,}` tries every length at every place. A loop of period p that is said n times is a stretch of (n - 1) p
characters each of which is the one p places on; so it is enough to look at every (n - 1) p-th place, and to go on from
there where the characters agree. Necessary and, for the lengths asked, sufficient; what the loop is made of the pattern
decides.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from in2x.language.kernels import kernel


class Loops(NamedTuple):
    """What a text may hold."""

    run: bool
    """One character twelve times in a row."""
    short: bool
    """2 to 40 characters five times in a row."""
    long: bool
    """41 to 160 characters three times in a row."""


def loops(text: str) -> Loops:
    """The loops in `text`."""
    units = _units(text)
    return Loops(bool(_loops(units, 1, 1, 11)), bool(_loops(units, 2, 40, 4)), bool(_loops(units, 41, 160, 2)))


def ends_twice(text: str, least: int) -> bool:
    """Whether `text` ends in the same `least` characters or more twice, and there is as much before them."""
    return bool(_ends_twice(_units(text), least))


def _units(text: str) -> Any:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


@kernel
def _loops(units: Any, first: int, last: int, times: int) -> bool:
    count = len(units)
    for period in range(first, last + 1):
        length = times * period
        for at in range(length - 1, count - period, length):
            if units[at] != units[at + period]:
                continue
            low, high = at, at + 1
            while low > 0 and units[low - 1] == units[low - 1 + period]:
                low -= 1
            while high + period < count and units[high] == units[high + period]:
                high += 1
            if high - low >= length:
                return True
    return False


@kernel
def _ends_twice(units: Any, least: int) -> bool:
    count = len(units)
    for size in range(least, count // 3):
        at = count - 1
        while at >= count - size and units[at] == units[at - size]:
            at -= 1
        if at < count - size:
            return True
    return False
