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

from in2x.metrics.chrf import sentence_chrf
from in2x.translate.request import TranslationRequest
from in2x.translate.translator import Done, Translation, Translator


def expected_utility(candidates: Sequence[str], samples: Sequence[str]) -> np.ndarray:
    """[len(candidates)] mean sentence chrF, 0 to 100, of each candidate over `samples`."""
    kinds = Counter(samples)
    scores = np.array([[sentence_chrf(candidate, kind) for kind in kinds] for candidate in candidates])
    utility: np.ndarray = scores @ np.array(list(kinds.values()), dtype=float) / kinds.total()
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

    def translations(
        self, sources: Sequence[str], request: TranslationRequest, done: Done | None = None
    ) -> list[Translation]:
        """One translation for each source; of equal ones the greedy, then the first drawn.

        Only whole answers are chosen from; where there is none the greedy one stands, with its fault.
        """
        greedy = self.translator.translations(sources, replace(request, temperature=0.0))
        drawing = replace(request, temperature=self.temperature)
        drawn = self.translator.candidates(sources, drawing, self.samples, done)
        chosen = []
        for first, samples in zip(greedy, drawn, strict=True):
            whole = [one.text for one in samples if not one.fault]
            candidates = list(dict.fromkeys([*(() if first.fault else (first.text,)), *whole]))
            if not candidates:
                chosen.append(first)
                continue
            best = int(expected_utility(candidates, whole or candidates).argmax())
            chosen.append(Translation(candidates[best]))
        return chosen
