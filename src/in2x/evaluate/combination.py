"""Several metrics and checks as one: ridge regression on human scores, predicted only for documents it has not seen.

Nested cross-validation: documents are dealt into folds; for each fold the penalty is chosen by folds within the other
documents, the weights are fitted on them, and the fold is predicted. No number is ever predicted by weights that have
seen its document. Features are standardised on the training documents; where a check does not apply it stands at its
mean and so says nothing. Our choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from in2x.errors import In2xError
from in2x.metrics.significance import SEED, Floats

PENALTIES = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
"""Candidates for the ridge penalty, in standardised features."""


def combined(
    features: Sequence[Floats], human: Floats, documents: Sequence[str], *, folds: int = 10,
    ranks: bool = True, seed: int = SEED,
) -> Floats:  # fmt: skip
    """Out-of-fold predictions of `human`, [segments, systems], NaN where nobody judged.

    Args:
        features: tables [segments, systems], NaN where a check does not apply.
        documents: the document of each segment.
        ranks: fit the ranks of the human scores (0 to 1), so that a few ruined segments do not decide the weights; the
            predictions then are ranks.

    Raises:
        In2xError: fewer documents than folds, or a table of another shape.
    """
    for table in features:
        if table.shape != human.shape:
            raise In2xError(f"tables of {table.shape} and {human.shape} segments x systems", mend="align them first")
    names = sorted(set(documents))
    if len(names) < folds:
        raise In2xError(f"{len(names)} documents are too few for {folds} folds", mend="judge more documents")
    judged = ~np.isnan(human)
    design = np.stack([table[judged] for table in features], axis=1)
    target = np.asarray(rankdata(human[judged]) / judged.sum() if ranks else human[judged])
    owner = np.broadcast_to(np.array(documents, dtype=object)[:, None], human.shape)[judged]
    fold = _deal(owner, folds, seed)
    predicted = np.empty_like(target)
    for one in range(folds):
        train, test = fold != one, fold == one
        penalty = _choose(design[train], target[train], owner[train], folds, seed + 1)
        predicted[test] = _fit_predict(design[train], target[train], design[test], penalty)
    table = np.full(human.shape, np.nan)
    table[judged] = predicted
    return table


def _deal(owner: Floats, folds: int, seed: int) -> Floats:
    """Fold of each row: documents in random order, the largest first, each to the smallest fold."""
    sizes = Counter(owner.tolist())
    names = sorted(sizes)
    np.random.default_rng(seed).shuffle(names)
    load = [0] * folds
    where: dict[str, int] = {}
    for name in sorted(names, key=lambda n: -sizes[n]):
        where[name] = load.index(min(load))
        load[where[name]] += sizes[name]
    return np.array([where[name] for name in owner.tolist()], dtype=np.float64)


def _choose(design: Floats, target: Floats, owner: Floats, folds: int, seed: int) -> float:
    fold = _deal(owner, folds, seed)
    loss = dict.fromkeys(PENALTIES, 0.0)
    for one in range(folds):
        train, test = fold != one, fold == one
        for penalty in PENALTIES:
            gap = _fit_predict(design[train], target[train], design[test], penalty) - target[test]
            loss[penalty] += float(gap @ gap)
    return min(PENALTIES, key=lambda penalty: loss[penalty])


def _fit_predict(design: Floats, target: Floats, new: Floats, penalty: float) -> Floats:
    centre = np.nan_to_num(np.nanmean(design, axis=0))
    scale = np.nanstd(design, axis=0)
    scale = np.where(np.isnan(scale) | (scale == 0), 1.0, scale)
    a, b = (np.nan_to_num((rows - centre) / scale) for rows in (design, new))
    middle = target.mean()
    weights = np.linalg.solve(a.T @ a + penalty * np.eye(a.shape[1]), a.T @ (target - middle))
    return np.asarray(middle + b @ weights)
