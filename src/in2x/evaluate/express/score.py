"""From answers to shares: which items a system passes, by phenomenon and language, with 95% intervals.

An item is passed where every check is kept. The interval of a share is Wilson's score interval, which holds for few
items and for shares of 0 and 1. The macro share is the mean over phenomena; its interval joins theirs by the method of
variance estimates recovery (Zou and Donner 2008), which needs no resampling and keeps the skew of Wilson's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from in2x.evaluate.express.checks import Checked, check_answer, passes
from in2x.evaluate.express.item import PHENOMENA, Item
from in2x.evaluate.express.judged import Kept, kept_share
from in2x.metrics.significance import Interval
from in2x.principles.judged import Judgement, said

Z95 = 1.959963984540054
"""The 97.5% point of the normal distribution."""


def wilson(passed: int, n: int) -> Interval:
    """Wilson's 95% score interval of the share passed / n (Wilson 1927). n must not be 0."""
    share = passed / n
    middle = share + Z95**2 / (2 * n)
    reach = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    scale = 1 + Z95**2 / n
    # the bounds at 0 and n are exact; rounding must not part them from the share
    low = 0.0 if passed == 0 else (middle - reach) / scale
    high = 1.0 if passed == n else (middle + reach) / scale
    return Interval(share, low, high, n)


def mean_share(shares: Iterable[Interval]) -> Interval:
    """The mean of independent shares with its 95% interval (Zou and Donner 2008). There must be at least one."""
    parts = list(shares)
    value = math.fsum(part.value for part in parts) / len(parts)
    below = math.sqrt(math.fsum((part.value - part.low) ** 2 for part in parts)) / len(parts)
    above = math.sqrt(math.fsum((part.high - part.value) ** 2 for part in parts)) / len(parts)
    return Interval(value, value - below, value + above, sum(part.n for part in parts))


@dataclass(frozen=True)
class Row:
    """One item through one system."""

    item: Item
    hypothesis: str
    verdicts: list[Checked]
    judged: Judgement | None = None

    @property
    def passed(self) -> bool:
        """Whether every check by code is kept."""
        return passes(self.verdicts)

    @property
    def broken(self) -> list[Checked]:
        """The checks that are not kept."""
        return [(kind, verdict) for kind, verdict in self.verdicts if not verdict.kept]


@dataclass(frozen=True)
class Result:
    """One system on the items, in their order."""

    system: str
    rows: list[Row]
    phenomena: dict[str, Interval]
    languages: dict[str, Interval]
    micro: Interval
    macro: Interval
    broken: dict[str, int]
    """Kind of check -> items on which it is broken, most frequent first."""
    judge: Kept | None = None
    judged: dict[str, Kept] = field(default_factory=dict)


def share(rows: Sequence[Row]) -> Interval:
    """The share of `rows` that pass."""
    return wilson(sum(row.passed for row in rows), len(rows))


def score(
    system: str, items: Sequence[Item], answers: Sequence[str], judgements: Sequence[Judgement] | None = None
) -> Result:
    """Score one system.

    Args:
        system: its name in tables.
        items: at least one.
        answers: one an item, in order.
        judgements: what a judge said of each, if one was asked.
    """
    judged = judgements if judgements is not None else [None] * len(items)
    rows = [Row(i, a, check_answer(i, a), j) for i, a, j in zip(items, answers, judged, strict=True)]
    groups = {name: [row for row in rows if row.item.phenomenon == name] for name in PHENOMENA}
    groups = {name: group for name, group in groups.items() if group}
    tongues = {lang: [row for row in rows if row.item.source_lang == lang] for lang in ("en", "zh")}
    phenomena = {name: share(group) for name, group in groups.items()}
    counts = Counter(kind for row in rows for kind in {kind for kind, _ in row.broken})
    by_judge = {name: kept_share([row.judged for row in group if row.judged]) for name, group in groups.items()}
    return Result(
        system, rows, phenomena, {lang: share(group) for lang, group in tongues.items() if group}, share(rows),
        mean_share(phenomena.values()), dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        kept_share(judgements) if judgements is not None else None, by_judge if judgements is not None else {},
    )  # fmt: skip


def as_json(result: Result) -> dict[str, Any]:
    """What `--json` prints of one system."""
    found: dict[str, Any] = {
        "system": result.system,
        "macro": _interval(result.macro),
        "micro": _interval(result.micro),
        "phenomena": {name: _interval(part) for name, part in result.phenomena.items()},
        "languages": {lang: _interval(part) for lang, part in result.languages.items()},
        "broken": result.broken,
    }
    if result.judge is not None:
        found["judge"] = _kept(result.judge) | {"phenomena": {n: _kept(part) for n, part in result.judged.items()}}
    found["items"] = [_row(row) for row in result.rows]
    return found


def _interval(part: Interval) -> dict[str, float | int]:
    return {"share": round(part.value, 4), "low": round(part.low, 4), "high": round(part.high, 4), "items": part.n}


def _kept(part: Kept) -> dict[str, Any]:
    share = None if part.share is None else _interval(part.share)
    return {"share": share, "principles": part.applicable, "kept": part.kept, "not_applicable": part.not_applicable,
            "failed": part.failed}  # fmt: skip


def _row(row: Row) -> dict[str, Any]:
    found: Mapping[str, Any] = {
        "id": row.item.id, "hypothesis": row.hypothesis, "passed": row.passed,
        "broken": [{"check": kind, "why": verdict.why} for kind, verdict in row.broken],
    }  # fmt: skip
    return (
        {**found, "judged": list(map(said, row.judged.verdicts)), "fault": row.judged.fault}
        if row.judged
        else dict(found)
    )
