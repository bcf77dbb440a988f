"""A mixed model of scores: systems are fixed; annotators, documents and what is nested in documents are random.

    score = mean of the system + annotator + document + segment + document x system + output + error

Fitted by restricted likelihood, as statsmodels' MixedLM does (a test holds the two equal). What differs: MixedLM needs
one dense matrix for effects that cross, which takes six times as long for two of these effects on the 3,629
judgements of WMT24 en-ja (`benchmarks/people_coverage.py`); here documents are blocks, annotators come on top by
Woodbury's identity, and variances are sought as ratios to the error, which falls out. A random effect stays in where
the data can tell it from the others: it repeats within a level, and no other parts the rows in the same way. Document x
system is what makes the intervals honest: without it a system that is good at one document counts as good on each of
its segments.

Contrasts have Satterthwaite's degrees of freedom (Giesbrecht and Burns 1985; as lmerTest): v = c' C c for a contrast c,
df = 2 v^2 / (g' A g) with g its gradient in the variances and A their covariance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, stats

from in2x.evaluate.human import HumanScore
from in2x.metrics.significance import Floats

NESTED = ("document", "segment", "document x system", "output")
"""Effects inside documents; "output" is one system's translation of one segment, judged more than once."""
LONG = 40
"""Rows of a document from which it is solved alone."""
SMALL = 1e-6
"""Ratio of a variance to the error's below which it counts as 0."""


@dataclass(frozen=True)
class Contrast:
    """An estimate with its 95% interval; `p` is two-sided against 0."""

    name: str
    value: float
    low: float
    high: float
    error: float
    df: float
    p: float


@dataclass(frozen=True)
class Mixed:
    """The fitted model."""

    means: list[Contrast]
    """Mean of each system with its interval, systems in the order given."""
    differences: dict[tuple[str, str], Contrast]
    """(a, b) -> a - b for every pair in that order."""
    deviations: dict[str, float]
    """Standard deviation of each random effect, and of the "error"."""
    deviance: float
    """-2 log restricted likelihood."""
    n: int


@dataclass(frozen=True)
class _Blocks:
    """Documents of n rows each: systems, score and annotators, and the levels of the nested effects."""

    w: Floats
    """[documents, n, columns used]."""
    used: NDArray[np.intp]
    """Which of the p + 1 + annotators columns are not 0 throughout."""
    same: list[Floats]
    """For each nested effect [documents, n, n]: 1 where two rows share its level."""


def _same_partition(a: Sequence[object], b: Sequence[object]) -> bool:
    return len(set(zip(a, b, strict=True))) == len(set(a)) == len(set(b))


def _levels(scores: Sequence[HumanScore]) -> dict[str, list[object]]:
    """Effect -> level of each row, of those that the data can tell apart."""
    systems = [s.system for s in scores]
    documents = [s.document or s.item for s in scores]
    segments = [(s.document, s.item) for s in scores]
    every: dict[str, list[object]] = {
        "annotator": [s.annotator for s in scores],
        "document": list(documents),
        "segment": list(segments),
        "document x system": list(zip(documents, systems, strict=True)),
        "output": list(zip(segments, systems, strict=True)),
    }
    kept: dict[str, list[object]] = {}
    for name, levels in every.items():
        count = len(set(levels))
        whole = 1 < count < len(scores) and (name != "output" or count <= 0.9 * len(scores))
        others: list[list[object]] = [list(systems), *kept.values()]
        if whole and not any(_same_partition(levels, other) for other in others):
            kept[name] = levels
    return kept


class _Likelihood:
    """-2 log restricted likelihood as a function of the variances relative to the error's."""

    def __init__(self, scores: Sequence[HumanScore], systems: Sequence[str]) -> None:
        levels = _levels(scores)
        self.effects = [name for name in ("annotator", *NESTED) if name in levels]
        self.nested = [name for name in NESTED if name in levels]
        column = {name: i for i, name in enumerate(systems)}
        self.p, self.n = len(systems), len(scores)
        people = {name: i for i, name in enumerate(dict.fromkeys(levels.get("annotator", ())))}
        x = np.zeros((self.n, self.p))
        x[np.arange(self.n), [column[s.system] for s in scores]] = 1
        y = np.array([s.score for s in scores])
        self.scale = float(y.std()) or 1.0  # the search is by one yardstick whatever the scale of the scores
        self.centre = float(y.mean())
        y = (y - self.centre) / self.scale
        z = np.zeros((self.n, len(people)))
        if people:
            z[np.arange(self.n), [people[a] for a in levels["annotator"]]] = 1
        w = np.concatenate([x, y[:, None], z], axis=1)
        rows: dict[str, list[int]] = {}
        for i, s in enumerate(scores):
            rows.setdefault(s.document or s.item, []).append(i)
        codes = [np.unique([str(v) for v in levels[name]], return_inverse=True)[1] for name in self.nested]
        sizes: dict[tuple[int, int], list[list[int]]] = {}
        for number, at in enumerate(rows.values()):
            # Long documents stand alone, because each has few of the annotators.
            sizes.setdefault((len(at), number if len(at) > LONG else 0), []).append(at)
        self.columns = w.shape[1]
        self.blocks = []
        for group in sizes.values():
            places = np.array(group)
            used = np.flatnonzero(w[places].any(axis=(0, 1)))
            same = [(c[places][:, :, None] == c[places][:, None, :]).astype(float) for c in codes]
            self.blocks.append(_Blocks(w[places][:, :, used], used, same))

    def gram(self, ratios: Floats) -> tuple[Floats, float]:
        """(W' V^-1 W for systems and score [p + 1, p + 1], log |V|) with V in units of the error's variance."""
        share = dict(zip(self.effects, ratios, strict=True))
        k = self.p + 1
        total, logs = np.zeros((self.columns, self.columns)), 0.0
        for block in self.blocks:
            r = np.eye(block.w.shape[1]) + sum(share[n] * same for n, same in zip(self.nested, block.same, strict=True))
            r = np.broadcast_to(r, (len(block.w), *r.shape[-2:]))
            logs += 2 * float(np.log(np.diagonal(np.linalg.cholesky(r), axis1=1, axis2=2)).sum())
            own = block.w.reshape(-1, len(block.used)).T @ np.linalg.solve(r, block.w).reshape(-1, len(block.used))
            total[np.ix_(block.used, block.used)] += own
        theta = share.get("annotator", 0.0)
        if theta > 0:
            m = np.eye(total.shape[0] - k) + theta * total[k:, k:]
            half = linalg.cholesky(m, lower=True, check_finite=False)
            logs += 2 * float(np.log(np.diag(half)).sum())
            u = linalg.solve_triangular(half, total[k:, :k], lower=True, check_finite=False)
            return total[:k, :k] - theta * u.T @ u, logs
        return total[:k, :k], logs

    def solve(self, ratios: Floats) -> tuple[Floats, Floats, float, float, float]:
        """(beta [p], (X' V^-1 X)^-1 [p, p], r' V^-1 r, log |V|, log |X' V^-1 X|), V in units of the error variance."""
        gram, logs = self.gram(ratios)
        p = self.p
        half = linalg.cho_factor(gram[:p, :p], lower=True, check_finite=False)
        inverse = linalg.cho_solve(half, np.eye(p), check_finite=False)
        beta = inverse @ gram[:p, p]
        return (beta, inverse, float(gram[p, p] - gram[:p, p] @ beta), logs,
                2 * float(np.log(np.diag(half[0])).sum()))  # fmt: skip

    def profiled(self, roots: Floats) -> float:
        """The deviance with the error's variance at its best, for square roots of the ratios."""
        _, _, rss, logs, fixed = self.solve(np.square(roots))
        free = self.n - self.p
        return logs + fixed + free * (math.log(2 * math.pi * rss / free) + 1)

    def full(self, deviations: Floats) -> float:
        """The deviance for (error, effects...) standard deviations."""
        variance = float(deviations[0]) ** 2
        _, _, rss, logs, fixed = self.solve((deviations[1:] / deviations[0]) ** 2)
        free = self.n - self.p
        return logs + fixed + free * math.log(2 * math.pi * variance) + rss / variance


def fit_mixed(scores: Sequence[HumanScore], systems: Sequence[str]) -> Mixed | None:
    """Fit the model to `scores` (one row a judgement); None where there are too few rows or nothing differs.

    Args:
        systems: those to estimate; each needs a score.
    """
    wanted = set(systems)
    scores = [s for s in scores if s.system in wanted]
    if len(scores) < len(systems) + 3 or len({s.score for s in scores}) < 2:
        return None
    likelihood = _Likelihood(scores, systems)
    count = len(likelihood.effects)
    roots = np.zeros(0)
    if count:
        found = optimize.minimize(likelihood.profiled, np.full(count, 0.4), method="L-BFGS-B",
                                  bounds=[(0.0, 100.0)] * count)  # fmt: skip
        roots = np.asarray(found.x, float)
    beta, inverse, rss, _, _ = likelihood.solve(np.square(roots))
    if rss <= 0:
        return None
    sigma = float(np.sqrt(rss / (likelihood.n - likelihood.p)))
    deviations = np.concatenate([[sigma], roots * sigma])
    spread = _covariance(likelihood, deviations)
    covariance = sigma**2 * inverse
    grads = _gradients(likelihood, deviations, spread[1])

    def contrast(name: str, c: Floats, centre: float) -> Contrast:
        value, v = float(c @ beta), float(c @ covariance @ c)
        g = np.array([c @ one @ c for one in grads])
        noise = float(g @ spread[0] @ g)
        df = 2 * v**2 / noise if noise > 0 else float(likelihood.n - likelihood.p)
        df = min(max(df, 1.0), float(likelihood.n - likelihood.p))
        error, scale = np.sqrt(v), likelihood.scale
        reach = float(stats.t.ppf(0.975, df) * error)
        middle, half = value * scale + centre, reach * scale
        return Contrast(name, middle, middle - half, middle + half, float(error * scale), df,
                        float(2 * stats.t.sf(abs(value) / error, df)))  # fmt: skip

    unit = np.eye(len(systems))
    return Mixed(
        [contrast(name, unit[i], likelihood.centre) for i, name in enumerate(systems)],
        {
            (systems[i], systems[j]): contrast(f"{systems[i]} - {systems[j]}", unit[i] - unit[j], 0.0)
            for i, j in combinations(range(len(systems)), 2)
        },
        dict(zip(["error", *likelihood.effects], (deviations * likelihood.scale).tolist(), strict=True)),
        likelihood.profiled(roots) + 2 * (likelihood.n - likelihood.p) * float(np.log(likelihood.scale)),
        likelihood.n,
    )


def _covariance(likelihood: _Likelihood, deviations: Floats) -> tuple[Floats, list[int]]:
    """Covariance of the standard deviations that are not 0 (twice the inverse Hessian of the deviance), and which."""
    free = [0, *(i for i in range(1, len(deviations)) if deviations[i] ** 2 > SMALL * deviations[0] ** 2)]

    def deviance(part: Floats) -> float:
        whole = deviations.copy()
        whole[free] = part
        return likelihood.full(whole)

    hessian = _hessian(deviance, deviations[free])
    values, vectors = np.linalg.eigh(hessian)
    keep = values > 1e-8 * max(float(values.max()), 1e-300)
    return 2 * (vectors[:, keep] / values[keep]) @ vectors[:, keep].T, free


def _hessian(function: Callable[[Floats], float], at: Floats) -> Floats:
    step = 1e-3 * np.maximum(np.abs(at), 1e-2)
    count = len(at)
    found = np.zeros((count, count))
    middle = function(at)
    shift = np.diag(step)
    for i in range(count):
        found[i, i] = (function(at + shift[i]) - 2 * middle + function(at - shift[i])) / step[i] ** 2
        for j in range(i):
            corners = (function(at + shift[i] + shift[j]) - function(at + shift[i] - shift[j])
                       - function(at - shift[i] + shift[j]) + function(at - shift[i] - shift[j]))  # fmt: skip
            found[i, j] = found[j, i] = corners / (4 * step[i] * step[j])
    return found


def _gradients(likelihood: _Likelihood, deviations: Floats, free: Sequence[int]) -> list[Floats]:
    """d covariance of the fixed effects / d standard deviation, for the free ones: [p, p] each."""

    def covariance(whole: Floats) -> Floats:
        inverse = likelihood.solve((whole[1:] / whole[0]) ** 2)[1]
        return np.asarray(whole[0] ** 2 * inverse)

    found = []
    for i in free:
        step = 1e-4 * max(abs(float(deviations[i])), 1e-2)
        up, down = deviations.copy(), deviations.copy()
        up[i] += step
        down[i] -= step
        found.append((covariance(up) - covariance(down)) / (2 * step))
    return found
