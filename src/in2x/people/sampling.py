"""Which documents are judged: those whose outputs are least alike, or where systems differ most in quality.

WMT 2025 orders documents by the mean pairwise chrF of their outputs: where all systems say the same, a judgement tells
nothing about them. Domains take turns, so that none is left out.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest

import fastchrf

from in2x.people.material import CONSENSUS, REFERENCE, Document


def likeness(document: Document) -> float:
    """Mean over segments of the mean chrF between the outputs of two systems, both ways; 0 (all differ) .. 100."""
    names = [name for name in document.translations if name not in (REFERENCE, CONSENSUS)]
    if len(names) < 2:
        return 0.0
    texts = [[document.translations[name][at] for name in names] for at in range(len(document.segments))]
    return statistics.fmean(
        statistics.fmean(row[j] for i, row in enumerate(matrix) for j in range(len(names)) if i != j)
        for matrix in fastchrf.pairwise_chrf(texts, texts)
    )


def difference(document: Document) -> float:
    """Mean over segments of how far systems are apart: the deviation of their chrF against the reference.

    Without a reference: 100 less the chrF of the two outputs that are least alike.
    """
    names = [name for name in document.translations if name not in (REFERENCE, CONSENSUS)]
    if len(names) < 2:
        return 0.0
    apart = []
    for at in range(len(document.segments)):
        texts = [document.translations[name][at] for name in names]
        if REFERENCE in document.translations:
            reference = [document.translations[REFERENCE][at]]
            apart.append(statistics.pstdev(row[0] for row in fastchrf.pairwise_chrf([texts], [reference])[0]))
        else:
            matrix = fastchrf.pairwise_chrf([texts], [texts])[0]
            apart.append(100 - min(row[j] for i, row in enumerate(matrix) for j in range(len(names)) if i != j))
    return statistics.fmean(apart)


def ordered(documents: Sequence[Document], by: str, seed: int) -> list[Document]:
    """The documents, those that tell most first, domains by turns.

    Args:
        documents: all of them.
        by: "diversity", "difference", "random" or "order".
        seed: of "random".
    """
    if by == "order":
        return list(documents)
    if by == "random":
        mixed = list(documents)
        random.Random(seed).shuffle(mixed)
    else:
        worth = {d.id: -likeness(d) if by == "diversity" else difference(d) for d in documents}
        mixed = sorted(documents, key=lambda document: -worth[document.id])
    domains: dict[str, list[Document]] = defaultdict(list)
    for document in mixed:
        domains[document.domain].append(document)
    return [document for turn in zip_longest(*domains.values()) for document in turn if document is not None]
