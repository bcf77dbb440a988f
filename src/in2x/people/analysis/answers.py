"""Questions by phenomenon: how often each answer is given, what the answers are worth, and how many could not tell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from in2x.people.analysis.intervals import Mean, share_by_documents
from in2x.people.analysis.rows import counted
from in2x.people.model import CANNOT_TELL, RANK, SCORE, SPANS, Judgement

ALL = ""
"""The row over all phenomena."""


@dataclass(frozen=True)
class Answers:
    """One question about one system, on segments of one phenomenon."""

    question: str
    phenomenon: str
    """`ALL` for every segment."""
    system: str
    worth: Mean | None
    """Mean worth, 0 .. 1, with its interval over documents; None where no answer has a worth."""
    counts: dict[str, int]
    """Answer -> how often, without "cannot tell"."""
    cannot_tell: int
    """Left out of everything else."""

    @property
    def n(self) -> int:
        """Answers that tell something."""
        return sum(self.counts.values())


def answers(judgements: Iterable[Judgement]) -> list[Answers]:
    """Every question, by phenomenon and system; systems by falling worth over all."""
    groups: dict[tuple[str, str, str], list[Judgement]] = defaultdict(list)
    for j in counted(judgements):
        if j.dimension not in (SCORE, SPANS, RANK) and isinstance(j.value, str):
            for phenomenon in (ALL, *j.phenomena):
                groups[j.dimension, phenomenon, j.system].append(j)
    found = []
    for (question, phenomenon, system), rows in groups.items():
        told = [j for j in rows if j.value != CANNOT_TELL]
        worths = [(j.worth, j.document or j.segment) for j in told if j.worth is not None]
        mean = None
        if worths:
            mean = share_by_documents(np.array([w for w, _ in worths], float), [d for _, d in worths])
        counts = dict(Counter(str(j.value) for j in told).most_common())
        found.append(Answers(question, phenomenon, system, mean, counts, len(rows) - len(told)))
    order = {name: i for i, name in enumerate(dict.fromkeys(a.question for a in found))}
    kinds = {name: i for i, name in enumerate(sorted({a.phenomenon for a in found}))}
    return sorted(found, key=lambda a: (order[a.question], kinds[a.phenomenon], -(a.worth.value if a.worth else 0.0),
                                        a.system))  # fmt: skip
