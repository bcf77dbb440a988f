"""A trainable quality classifier of the fastText class: hashed n-grams of units, averaged, logistic regression.

The user names what good text is (by source, or by files of it); the other documents of the same languages are the
negatives, so that the language itself says nothing. Units are characters of unspaced languages and words of others,
n-grams of 1 to 3 of them. Training is plain SGD over the seeded order, in one thread: the same input gives the same
weights on every machine. Source: Joulin et al. 2017 for the model (here without a hidden layer, which a linear model of
two classes does not need); Brown et al. 2020, appendix A, for its use.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from in2x.corpus.kernels import _mix, _units
from in2x.language.kernels import Bytes, Ints, column, kernel

BITS = 18
"""2^18 weights: 1 MB a model."""
LIMIT = 4000
"""Units read of each text: what a text is shows early, and a book costs no more than an essay."""
Weights = NDArray[np.float32]


@kernel
def _slots(data: Bytes, at: int, stop: int, by_char: bool, units: Any, slots: Any, limit: int, bits: int) -> int:
    """Slots of the n-grams (1 to 3 units) of one text; at most `3 * limit`."""
    count = min(_units(data, at, stop, by_char, units), limit)
    total = 0
    for k in range(count):
        value = np.uint64(0)
        for n in range(3):
            if k + n >= count:
                break
            value = value * np.uint64(0x9E3779B97F4A7C15) + units[k + n] + np.uint64(n)
            slots[total] = np.int64(_mix(value) >> np.uint64(64 - bits))
            total += 1
    return total


@kernel
def _train(
    data: Bytes, offsets: Ints, by_char: Any, labels: Any, order: Any, passes: int, rate: float, limit: int, bits: int,
    weights: Weights,
) -> None:  # fmt: skip
    longest = 1
    for i in range(len(offsets) - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    units, slots = np.empty(longest, np.uint64), np.empty(3 * limit, np.int64)
    steps, done = passes * len(order), 0
    bias = len(weights) - 1
    for _ in range(passes):
        for i in order:
            count = _slots(data, offsets[i], offsets[i + 1], by_char[i], units, slots, limit, bits)
            score = weights[bias]
            for k in range(count):
                score += weights[slots[k]] / count
            error = labels[i] - 1.0 / (1.0 + np.exp(-score))
            step = rate * (1.0 - done / steps) * error
            weights[bias] += 0.1 * step
            for k in range(count):  # the gradient of an average is 1/count: fastText leaves the 1/count to the rate
                weights[slots[k]] += step / np.sqrt(count)
            done += 1


@kernel
def _score(data: Bytes, offsets: Ints, by_char: Any, limit: int, bits: int, weights: Weights) -> NDArray[np.float64]:
    longest = 1
    for i in range(len(offsets) - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    units, slots = np.empty(longest, np.uint64), np.empty(3 * limit, np.int64)
    out = np.empty(len(offsets) - 1, np.float64)
    for i in range(len(offsets) - 1):
        count = _slots(data, offsets[i], offsets[i + 1], by_char[i], units, slots, limit, bits)
        score = np.float64(weights[len(weights) - 1])
        for k in range(count):
            score += weights[slots[k]] / count
        out[i] = 1.0 / (1.0 + np.exp(-score))
    return out


class Classifier:
    """See the module docstring. `train`, then `score`."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    @classmethod
    def train(
        cls, texts: Any, by_char: NDArray[np.bool_], good: NDArray[np.bool_], seed: int, passes: int = 5,
        rate: float = 5.0,
    ) -> Classifier:  # fmt: skip
        """Fit to texts that are good or not.

        Args:
            texts: pyarrow string array or list, `[texts]`.
            by_char: the language is written without spaces, bool `[texts]`.
            good: labels, bool `[texts]`.
            passes: over the texts; the rate falls linearly from `rate` to 0.
        """
        order = np.random.default_rng([seed, 0xC1A5]).permutation(len(good))
        weights = np.zeros((1 << BITS) + 1, np.float32)
        _train(*column(texts), by_char, good.astype(np.float64), order, passes, rate, LIMIT, BITS, weights)
        return cls(weights)

    def score(self, texts: Any, by_char: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Probability that each text is good, float64 `[texts]`."""
        found: NDArray[np.float64] = _score(*column(texts), by_char, LIMIT, BITS, self.weights)
        return found

    def save(self, path: Path) -> None:
        """Write the weights as `.npz` (no pickle)."""
        with path.open("wb") as stream:
            np.savez_compressed(stream, weights=self.weights)

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(file["weights"])


def ranking_quality(scores: NDArray[np.float64], good: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: the chance that a good text scores above another one (ties count half)."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n, m = int(good.sum()), int((~good).sum())
    return float((ranks[good].sum() - n * (n + 1) / 2) / (n * m)) if n and m else float("nan")
