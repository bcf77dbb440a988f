"""Preferences, pairwise or n-way: win rates and Bradley-Terry strengths with intervals over documents.

An order of n candidates counts as its n (n - 1) / 2 comparisons, a tie as half a win for either (our choice; Rao and
Kupper's extra parameter for ties changes no order). Strengths p maximise the likelihood of P(a before b) =
p_a / (p_a + p_b), found by Hunter's MM steps (2004) with half a win added for each pair met, so that who never lost is
finite; they are told as log2, mean 0: one more is twice the odds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from in2x.metrics.significance import SEED, Floats
from in2x.people.analysis.rows import counted
from in2x.people.model import RANK, Judgement


@dataclass(frozen=True)
class Preferred:
    """One system; intervals resample documents."""

    system: str
    rate: float
    """Comparisons won, ties by half."""
    low: float
    high: float
    strength: float
    strength_low: float
    strength_high: float
    n: int
    """Comparisons."""


@dataclass(frozen=True)
class Preferences:
    """All systems, best first, and how often the candidate shown first won (.5 without a bias)."""

    systems: list[Preferred]
    against: dict[tuple[str, str], float]
    """(a, b) -> comparisons that a won, ties by half."""
    first_won: float | None
    ties: float
    """Share of comparisons."""


def preferences(
    judgements: Iterable[Judgement], *, resamples: int = 500, seed: int = SEED
) -> Preferences | None:  # fmt: skip
    """What the ranks say; None where there are none."""
    orders: dict[tuple[str, str], list[Judgement]] = defaultdict(list)
    for j in counted(judgements):
        if j.dimension == RANK and isinstance(j.value, int | float):
            orders[j.item, j.annotator].append(j)
    names = sorted({j.system for rows in orders.values() for j in rows})
    place = {name: i for i, name in enumerate(names)}
    documents: dict[str, Floats] = {}
    first = [0.0, 0.0]
    ties = total = 0
    for rows in orders.values():
        for i, one in enumerate(rows):
            for other in rows[:i]:
                if one.system == other.system:
                    continue
                a, b = float(one.value), float(other.value)  # type: ignore[arg-type]
                won = 0.5 if a == b else float(a < b)
                wins = documents.setdefault(one.document or one.segment, np.zeros((len(names), len(names))))
                wins[place[one.system], place[other.system]] += won
                wins[place[other.system], place[one.system]] += 1 - won
                ties += a == b
                total += 1
                if one.position != other.position:
                    first[0] += won if one.position < other.position else 1 - won
                    first[1] += 1
    if not total:
        return None
    table = np.stack(list(documents.values()))
    weights = np.random.default_rng(seed).multinomial(len(table), np.full(len(table), 1 / len(table)), resamples)
    drawn = np.tensordot(weights.astype(float), table, axes=1)
    whole = table.sum(axis=0)
    rates, strengths = _rates(whole), bradley_terry(whole)
    with np.errstate(invalid="ignore"):
        rate_range = np.nanpercentile(np.stack([_rates(w) for w in drawn]), [2.5, 97.5], axis=0)
    range_ = np.percentile(np.stack([bradley_terry(w) for w in drawn]), [2.5, 97.5], axis=0)
    found = [
        Preferred(name, float(rates[i]), float(rate_range[0, i]), float(rate_range[1, i]), float(strengths[i]),
                  float(range_[0, i]), float(range_[1, i]), round(float((whole[i] + whole[:, i]).sum())))
        for i, name in enumerate(names)
    ]  # fmt: skip
    against = {(a, b): float(whole[place[a], place[b]]) for a in names for b in names if a != b}
    return Preferences(sorted(found, key=lambda p: (-p.strength, p.system)), against,
                       first[0] / first[1] if first[1] else None, ties / total)  # fmt: skip


def _rates(wins: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(wins.sum(axis=1) / (wins + wins.T).sum(axis=1))


def bradley_terry(wins: Floats, *, steps: int = 2000, prior: float = 0.5) -> Floats:
    """log2 strengths, mean 0, from [n, n] wins of the row against the column."""
    met = (wins + wins.T) > 0
    w = wins + prior * met
    games = w + w.T
    strength = np.ones(len(w))
    for _ in range(steps):
        before = strength
        strength = w.sum(axis=1) / np.maximum((games / (strength[:, None] + strength[None, :])).sum(axis=1), 1e-300)
        strength = np.maximum(strength, 1e-12)
        strength /= np.exp(np.log(strength).mean())
        if np.abs(np.log(strength / before)).max() < 1e-10:
            break
    return np.asarray(np.log2(strength))
