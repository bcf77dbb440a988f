"""Sentence chrF, one to one and many to many, and the expected utility that minimum Bayes risk chooses by.

The n-grams are counted by `fastchrf`; the values are sacrebleu's chrF2 to 1e-9.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import fastchrf
import numpy as np

from in2x.metrics.significance import Floats
from in2x.records import sound

SIGNATURE = "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no"
"""sacrebleu's for chrF2, of what is computed here."""
Utility = Callable[[Sequence[str], Sequence[str]], Floats]
"""[hypotheses, references] scores of each against each, 0 to 100."""


def pairwise_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> Floats:
    """[hypotheses, references] chrF2 of each against each: character 6-grams, no word n-grams, no white space."""
    if not hypotheses or not references:
        return np.zeros((len(hypotheses), len(references)))
    rows = fastchrf.pairwise_chrf(
        [[_squeezed(text) for text in hypotheses]], [[_squeezed(text) for text in references]], remove_whitespace=False
    )
    return np.asarray(rows[0], dtype=np.float64)


def sentence_chrf(hypothesis: str, reference: str) -> float:
    """chrF2 of one sentence, 0 to 100; see `pairwise_chrf`."""
    return float(pairwise_chrf([hypothesis], [reference])[0, 0])


def expected_utility(candidates: Sequence[str], samples: Sequence[str], utility: Utility = pairwise_chrf) -> Floats:
    """[candidates] mean score of each, as hypothesis, over `samples`; equal samples are compared once and counted."""
    kinds = Counter(samples)
    weights = np.array(list(kinds.values()), dtype=np.float64)
    return np.asarray(utility(candidates, list(kinds)) @ weights / kinds.total())


def _squeezed(text: str) -> str:
    return "".join(sound(text).split())
