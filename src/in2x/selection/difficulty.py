"""Five grades of difficulty: 1 very simple .. 5 very difficult (METHOD 3).

Offline a proxy that code can check stands in for the judge. The score of an instruction is the sum of

* ln(1 + length in characters), of what it is about,
* rarity: mean inverse document frequency of its character n-grams,
* steps: ln(1 + numbers, operators, clause and sentence marks),

each standardised among instructions of the same task and answer language, plus .5 for a register other than plain and
1 for an idiom or slang (a translation that has literal traps or required natural renderings). The score becomes a
grade by quantiles **within task and language**: a sentence is easy or hard among its kind. Otherwise the quotas would
remove whole tasks (all short translations), and not the easy items of each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
NAMES = ("very simple", "simple", "moderate", "difficult", "very difficult")
_STEPS = re.compile(r"\d+|[-+*/=×÷−]|[.!?;,:。！？；，、：\n]")


def offline_scores(
    contents: Sequence[str], rarity: Floats, verifiers: Sequence[dict[str, Any]], strata: Ints
) -> Floats:
    """float64 [n]: the proxy of the module docstring, comparable within a stratum [n] (task and language)."""
    length = np.log1p([len(text) for text in contents])
    steps = np.log1p([len(_STEPS.findall(text)) for text in contents])
    score = sum((_standard(values, strata) for values in (length, np.asarray(rarity), steps)), np.zeros(len(contents)))
    register = [0.5 * (v.get("register") not in (None, "plain")) for v in verifiers]
    idiom = [1.0 * bool(v.get("traps") or v.get("natural")) for v in verifiers]
    # Rounding keeps the order independent of the last bits of the logarithm, which differ between machines.
    rounded: Floats = np.round(score + np.asarray(register) + np.asarray(idiom), 9)
    return rounded


def _standard(values: Floats, strata: Ints) -> Floats:
    count = np.bincount(strata)
    mean = np.bincount(strata, values) / np.maximum(count, 1)
    spread = np.sqrt(np.bincount(strata, (values - mean[strata]) ** 2) / np.maximum(count, 1))
    standard: Floats = (values - mean[strata]) / np.where(spread > 1e-12, spread, 1)[strata]
    return standard


def quantile_grades(scores: Floats, strata: Ints, shares: Sequence[float]) -> Ints:
    """int64 [n], 1..5: the lowest `shares[0]` of each stratum get 1, and so on; ties are broken by position."""
    order = np.lexsort((np.arange(len(scores)), scores, strata))
    sizes = np.bincount(strata)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    place = (np.arange(len(scores)) - starts[strata[order]] + 0.5) / sizes[strata[order]]
    grades = np.empty(len(scores), np.int64)
    grades[order] = 1 + np.searchsorted(np.cumsum(shares)[:-1], place, side="right")
    return grades
