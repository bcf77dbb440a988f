"""Minimum Bayes risk decoding: of several sampled translations, the one that the others agree with most.

The expected utility of a candidate is its mean chrF against all samples, which stand for what the model believes
(the system paper's submission was decoded so, METHOD 7; its utility is not given, chrF is our choice). A metric that
chooses must not be the one that judges: report other metrics too, and with MBR off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from in2x.translate.request import TranslationRequest
from in2x.translate.translator import Done, Translator

ORDER = 6
BETA = 2.0


def ngrams(text: str) -> list[Counter[str]]:
    """Character n-grams of orders 1 to 6, white space left out, as chrF counts them."""
    dense = "".join(text.split())
    return [Counter(dense[i : i + n] for i in range(len(dense) - n + 1)) for n in range(1, ORDER + 1)]


def chrf(hypothesis: list[Counter[str]], reference: list[Counter[str]]) -> float:
    """Sentence chrF2 in [0, 1] of two texts given as n-grams, as sacrebleu computes it.

    F-score of mean precision and mean recall over the orders that both texts have; two empty texts score 1.
    """
    precision = recall = 0.0
    orders = 0
    for ours, theirs in zip(hypothesis, reference, strict=True):
        count, wanted = ours.total(), theirs.total()
        if count and wanted:
            matched = (ours & theirs).total()
            precision, recall, orders = precision + matched / count, recall + matched / wanted, orders + 1
    if not orders:
        return float(hypothesis == reference)
    precision, recall = precision / orders, recall / orders
    below = BETA**2 * precision + recall
    return (1 + BETA**2) * precision * recall / below if below else 0.0


def expected_utility(candidates: Sequence[str], samples: Sequence[str]) -> np.ndarray:
    """[len(candidates)] mean chrF of each candidate over `samples`."""
    kinds = Counter(samples)
    weights = np.array(list(kinds.values()), dtype=float)
    against = [ngrams(text) for text in kinds]
    scores = np.array([[chrf(ngrams(candidate), other) for other in against] for candidate in candidates])
    utility: np.ndarray = scores @ weights / weights.sum()
    return utility


class MbrTranslator:
    """A translator that samples `samples` answers beside the greedy one and returns the best by expected utility.

    Args:
        translator: where the answers come from.
        samples: how many, at least 2.
        temperature: they are drawn at. 1 is the model's own distribution.
    """

    def __init__(self, translator: Translator, samples: int, temperature: float = 1.0) -> None:
        self.translator, self.samples, self.temperature = translator, samples, temperature

    def translate(self, sources: Sequence[str], request: TranslationRequest, done: Done | None = None) -> list[str]:
        """One translation for each source; of equal ones the greedy, then the first drawn."""
        greedy = self.translator.translate(sources, replace(request, temperature=0.0))
        drawing = replace(request, temperature=self.temperature)
        drawn = self.translator.candidates(sources, drawing, self.samples, done)
        chosen = []
        for first, samples in zip(greedy, drawn, strict=True):
            candidates = list(dict.fromkeys([first, *samples]))
            chosen.append(candidates[int(expected_utility(candidates, samples).argmax())])
        return chosen
