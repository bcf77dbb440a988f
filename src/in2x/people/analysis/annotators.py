"""How careful is each annotator? Controls, repeats, speed, agreement with the others, variety of scores.

attention     share of control items (degraded copies, wrong documents, copies of the source) scored below the same
              annotator's score of the real translation of that segment; where there is none, below his own mean
consistency   1 - mean gap of repeated items / mean gap of any two of his scores: 1 gives the same again, 0 might as
              well have drawn another of his own scores
agreement     correlation with the mean of all others on the same translations (leave one out), for `ENOUGH` or more
entropy       bits of the spread of scores over tens (0: one score throughout; 3.5: all tens alike)
speed         median seconds an item, and the rank correlation of time with length

Only controls and repeats have a right answer, so only they exclude (`Rules`, to be fixed before the campaign); what is
out of the ordinary in the rest is told as a sign. Exclusion is never silent: systems are told with all, with weights,
and without those who fail.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from scipy import stats

from in2x.errors import UsageError
from in2x.people.analysis.rows import COUNTED, number
from in2x.people.model import CONTROLS, Judgement

HASTE = 4.0
"""How many times faster than the median is a sign of haste (our choice)."""
ENOUGH = 8
"""Common translations from which a correlation with the others is told (our choice)."""


@dataclass(frozen=True)
class Rules:
    """Who is left out of the third table; fixed before the campaign in its recipe (`about.exclusion`)."""

    attention: float = 0.75
    """Least share of control items seen through."""
    consistency: float = 0.2
    """Least consistency of repeated items."""
    gap: float = 25.0
    """Repeated items that are no further apart on average never exclude, in points."""
    controls: int = 3
    """Fewer control items say nothing."""
    repeats: int = 2
    """Fewer repeated items say nothing."""


@dataclass(frozen=True)
class Annotator:
    """One annotator; what cannot be told is None."""

    name: str
    items: int
    """Judgements that count."""
    mean: float | None
    deviation: float | None
    controls: int
    attention: float | None
    repeats: int
    repeat_gap: float | None
    """Mean absolute gap of repeated items, in points."""
    consistency: float | None
    seconds: float | None
    """Median a screen item."""
    speed: float | None
    """Rank correlation of seconds with length."""
    agreement: float | None
    common: int
    """Translations that others judged too."""
    entropy: float | None
    fails: list[str] = field(default_factory=list)
    """Rules that are broken, in words; they exclude."""
    signs: list[str] = field(default_factory=list)
    """What is out of the ordinary and excludes nobody."""
    weight: float = 1.0
    """Share of the applicable rules kept, each in proportion (our choice)."""


def read_rules(about: Mapping[str, Any]) -> tuple[Rules, bool]:
    """The rules that a campaign fixed in `about.exclusion`, and whether it did; a rule in words is none of ours.

    Raises:
        UsageError: an unknown rule, or no number.
    """
    given = about.get("exclusion")
    if not isinstance(given, Mapping):
        return Rules(), False
    names = [f.name for f in fields(Rules)]
    for name, value in given.items():
        if name not in names:
            raise UsageError(f"about.exclusion: {name!r} is no rule", mend=f"use {', '.join(names)}")
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise UsageError(f"about.exclusion.{name} is {value!r}", mend="give a number")
    return Rules(**given), True


def annotators(
    judgements: Sequence[Judgement], dimension: str, rules: Rules, lengths: Mapping[str, int] | None = None
) -> list[Annotator]:
    """Every annotator, by name.

    Args:
        dimension: what is compared (scores, spans, or a question with worths).
        lengths: item -> characters to read, for speed.
    """
    of: dict[str, list[tuple[Judgement, float]]] = defaultdict(list)
    for j in judgements:
        value = number(j) if j.dimension == dimension else None
        if value is not None:
            of[j.annotator].append((j, value))
    seconds = _seconds(judgements)
    totals: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, rows in of.items():
        for j, value in rows:
            if j.role in COUNTED:
                totals[j.segment, j.system][name].append(value)
    found = [_one(name, of[name], rules, totals, seconds.get(name, {}), lengths or {}) for name in sorted(of)]
    times = [a.seconds for a in found if a.seconds is not None]
    usual = float(np.median(times)) if times else 0.0
    return [replace(a, signs=_signs(a, usual)) for a in found]


def _signs(a: Annotator, usual: float) -> list[str]:
    """What a reader should look at: haste, no agreement, one answer throughout."""
    signs = []
    if a.seconds is not None and a.seconds < usual / HASTE:
        signs.append(f"{a.seconds:.1f} s an item, where {usual:.0f} s are usual")
    if a.agreement is not None and a.common >= 2 * ENOUGH and a.agreement < 0.1:
        signs.append(f"no agreement with the others on {a.common} translations")
    if a.entropy == 0 and a.items >= 2 * ENOUGH:
        signs.append("one score throughout")
    return signs


def _seconds(judgements: Sequence[Judgement]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for j in judgements:
        if j.seconds is not None:
            found[j.annotator][j.item] = j.seconds
    return found


def _one(
    name: str,
    rows: Sequence[tuple[Judgement, float]],
    rules: Rules,
    totals: Mapping[tuple[str, str], Mapping[str, Sequence[float]]],
    seconds: Mapping[str, float],
    lengths: Mapping[str, int],
) -> Annotator:
    own = [value for j, value in rows if j.role in COUNTED]
    mean = float(np.mean(own)) if own else None
    exact: dict[tuple[str, str], float] = {(j.segment, j.system): v for j, v in rows if j.role in COUNTED}
    segment: dict[str, list[float]] = defaultdict(list)
    for j, value in rows:
        if j.role in COUNTED:
            segment[j.segment].append(value)
    seen = []
    for j, value in rows:
        if j.role in CONTROLS:
            beside = exact.get((j.segment, j.system))
            if beside is None and j.role != "wrong-document":
                beside = float(np.mean(segment[j.segment])) if segment[j.segment] else None
            beside = mean if beside is None else beside
            if beside is not None:
                seen.append(value < beside)
    again = [(value, exact[j.segment, j.system]) for j, value in rows
             if j.role == "repeat" and (j.segment, j.system) in exact]  # fmt: skip
    gap = float(np.mean([abs(a - b) for a, b in again])) if again else None
    usual = _usual_gap(own)
    consistency = 1 - gap / usual if gap is not None and usual else None
    pairs = []
    for key, value in exact.items():
        others = [float(np.mean(v)) for who, v in totals[key].items() if who != name]
        if others:
            pairs.append((value, float(np.mean(others))))
    fails, kept = [], []
    attention = sum(seen) / len(seen) if seen else None
    if attention is not None and len(seen) >= rules.controls:
        kept.append(min(1.0, attention / rules.attention) if rules.attention else 1.0)
        if attention < rules.attention:
            fails.append(f"saw through {sum(seen)} of {len(seen)} control items")
    if consistency is not None and len(again) >= rules.repeats:
        sound = gap is not None and gap <= rules.gap
        kept.append(1.0 if sound else min(1.0, max(0.0, consistency) / rules.consistency))
        if consistency < rules.consistency and not sound:
            fails.append(f"repeated items {gap:.0f} points apart, where any two of these scores are {usual:.0f}")
    timed = [(lengths[item], s) for item, s in seconds.items() if item in lengths]
    return Annotator(
        name, len(own), mean, float(np.std(own, ddof=1)) if len(own) > 1 else None, len(seen), attention, len(again),
        gap, consistency, float(np.median(list(seconds.values()))) if seconds else None, _rank_correlation(timed),
        _rank_correlation(pairs), len(pairs), _entropy(own) if own else None, fails,
        weight=float(np.mean(kept)) if kept else 1.0,
    )  # fmt: skip


def _usual_gap(values: Sequence[float]) -> float:
    """Mean absolute gap of any two of `values` (Gini's mean difference), by sorted order."""
    n = len(values)
    if n < 2:
        return 0.0
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float(2 * (ranks * np.sort(values)).sum() / (n * (n - 1)))


def _rank_correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    if len(pairs) < ENOUGH:
        return None
    a, b = np.array(pairs, float).T
    return float(stats.spearmanr(a, b).statistic) if np.ptp(a) and np.ptp(b) else None


def _entropy(values: Sequence[float]) -> float:
    counts = Counter(min(int(v // 10), 9) if 0 <= v <= 100 else v for v in values)
    total = len(values)
    return abs(sum(-n / total * math.log2(n / total) for n in counts.values()))
