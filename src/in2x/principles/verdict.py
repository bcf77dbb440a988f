"""What a check says of an answer: kept or broken, why, and where."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """One principle, one answer."""

    kept: bool | None
    """True: kept. False: broken. None: the principle does not apply here, or it cannot be told whether it is kept."""
    why: str = ""
    """One short sentence for people; it may be empty where the principle is kept."""
    start: int = -1
    """First code point of the place in the ANSWER that decides, -1 where there is no single place."""
    end: int = -1
    """The code point behind it, -1 where there is no single place."""


KEPT = Verdict(True)


def not_applicable(why: str) -> Verdict:
    """The verdict where a principle does not apply, or cannot be told."""
    return Verdict(None, why)


def share(verdicts: Iterable[Verdict], weights: Iterable[float] | None = None) -> float | None:
    """Kept / applicable, or None where nothing applies.

    `weights`, one (>= 0) a verdict, give each its part of both sums; None counts all alike.
    """
    weighed = zip(verdicts, itertools.repeat(1.0) if weights is None else weights, strict=False)
    applicable = [(weight, verdict.kept) for verdict, weight in weighed if verdict.kept is not None]
    total = sum(weight for weight, _ in applicable)
    return sum(weight for weight, kept in applicable if kept) / total if total else None


def kept(verdicts: Mapping[str, Verdict]) -> dict[str, bool | None]:
    """Name -> kept, as tables and files have it."""
    return {name: verdict.kept for name, verdict in verdicts.items()}


def places(verdicts: Mapping[str, Verdict]) -> dict[str, tuple[int, int]]:
    """Name -> (start, end) in the answer, of the principles that are broken at one place."""
    return {name: (v.start, v.end) for name, v in verdicts.items() if v.kept is False and 0 <= v.start < v.end}


def reasons(verdicts: Mapping[str, Verdict]) -> dict[str, str]:
    """Name -> why, of the principles that are broken."""
    return {name: verdict.why for name, verdict in verdicts.items() if verdict.kept is False}
