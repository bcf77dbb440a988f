"""Sentence chrF: sacrebleu's chrF2 to 1e-9, several times faster.

RL and minimum Bayes risk call it thousands of times with the same references, so n-grams of references are cached, and
n-grams of all six orders go through one dictionary.
"""

from __future__ import annotations

from functools import lru_cache

_ORDER = 6
_BETA2 = 4.0  # beta = 2


def _squeeze(text: str) -> str:
    return "".join(text.split())


@lru_cache(maxsize=1 << 14)
def _grams(text: str) -> dict[str, int]:
    """Counts of the character n-grams of orders 1 to 6; the order is the length of the key."""
    counts: dict[str, int] = {}
    size = len(text)
    for n in range(1, min(_ORDER, size) + 1):
        for i in range(size - n + 1):
            gram = text[i : i + n]
            counts[gram] = counts.get(gram, 0) + 1
    return counts


def sentence_chrf(hypothesis: str, reference: str) -> float:
    """chrF2 of one sentence in [0, 100]: character 6-grams, no word n-grams, white space ignored, effective order."""
    hyp, ref = _squeeze(hypothesis), _squeeze(reference)
    longest = min(len(hyp), len(ref), _ORDER)
    if longest == 0:
        return 0.0
    wanted = _grams(ref)
    matches = [0] * (_ORDER + 1)
    get = wanted.get
    for gram, count in _grams(hyp).items():
        other = get(gram)
        if other is not None:
            matches[len(gram)] += count if count < other else other
    precision = recall = 0.0
    for n in range(1, longest + 1):
        precision += matches[n] / (len(hyp) - n + 1)
        recall += matches[n] / (len(ref) - n + 1)
    precision /= longest
    recall /= longest
    if not precision + recall:
        return 0.0
    return 100 * (1 + _BETA2) * precision * recall / (_BETA2 * precision + recall)
