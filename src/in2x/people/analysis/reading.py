"""What to read first: where annotators disagree, and where one contradicts himself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from in2x.evaluate.human import HumanScore
from in2x.people.analysis.rows import counted
from in2x.people.analysis.scores import usual_scores
from in2x.people.model import CANNOT_TELL, RANK, SCORE, SPANS, Judgement

HIGH, LOW = 90.0, 50.0
"""A score from HIGH with a major span, or up to LOW without any span, contradicts itself (our choice)."""


@dataclass(frozen=True)
class Odd:
    """One translation to read."""

    kind: str
    """"annotators differ" | "answers differ" | "score and spans differ"."""
    size: float
    """The greater the sooner to read; of one kind only comparable with itself."""
    segment: str
    document: str
    system: str
    dimension: str
    said: list[Judgement]
    """What was judged, the highest first."""
    why: str


def to_read(judgements: Iterable[Judgement], limit: int = 40) -> list[Odd]:
    """The `limit` translations to read first, kinds in turn."""
    rows = counted(judgements)
    queues = [_scores_differ(rows), _answers_differ(rows), _contradictions(rows)]
    for queue in queues:
        queue.sort(key=lambda odd: (-odd.size, odd.document, odd.segment, odd.system))
    chosen: list[Odd] = []
    while len(chosen) < limit and any(queues):
        for queue in queues:
            if queue and len(chosen) < limit:
                chosen.append(queue.pop(0))
    return chosen


def _scores_differ(rows: Sequence[Judgement]) -> list[Odd]:
    """By the gap of standard scores, so that a stern annotator beside a mild one is no disagreement."""
    scores = [j for j in rows if j.dimension == SCORE and j.value is not None]
    usual = usual_scores(
        [HumanScore(j.system, j.segment, j.document, float(j.value or 0), j.annotator) for j in scores]
    )
    groups: dict[tuple[str, str], list[Judgement]] = defaultdict(list)
    for j in scores:
        groups[j.segment, j.system].append(j)
    found = []
    for group in groups.values():
        if len({j.annotator for j in group}) < 2:
            continue
        z = {
            id(j): (float(j.value or 0) - usual[j.annotator].mean) / (usual[j.annotator].deviation or 1) for j in group
        }
        group = sorted(group, key=lambda j: -z[id(j)])
        gap = z[id(group[0])] - z[id(group[-1])]
        points = abs(float(group[0].value or 0) - float(group[-1].value or 0))
        if gap > 1:
            why = f"{points:.0f} points apart, {gap:.1f} of the annotators' own deviations"
            found.append(_odd("annotators differ", gap, group, why))
    return found


def _answers_differ(rows: Sequence[Judgement]) -> list[Odd]:
    groups: dict[tuple[str, str, str], list[Judgement]] = defaultdict(list)
    for j in rows:
        if j.dimension not in (SCORE, SPANS, RANK) and j.value not in (None, CANNOT_TELL):
            groups[j.segment, j.system, j.dimension].append(j)
    found = []
    for group in groups.values():
        values = {str(j.value) for j in group}
        if len({j.annotator for j in group}) < 2 or len(values) < 2:
            continue
        worths = [j.worth for j in group if j.worth is not None]
        size = max(worths) - min(worths) if worths else 1.0
        group = sorted(group, key=lambda j: -(j.worth or 0.0))
        reasons = sum(bool(j.why) for j in group)
        found.append(_odd("answers differ", size + 0.01 * reasons, group, " against ".join(sorted(values))))
    return found


def _contradictions(rows: Sequence[Judgement]) -> list[Odd]:
    asked = {j.annotator for j in rows if j.spans}  # who never marks a span was not asked for any
    found = []
    for j in rows:
        if j.dimension != SCORE or j.value is None or j.annotator not in asked:
            continue
        score, grave = float(j.value), [s for s in j.spans if s.severity in ("major", "critical")]
        if score >= HIGH and grave:
            why = f"{score:.0f} points with {len(grave)} grave error{'s' if len(grave) > 1 else ''} marked"
            found.append(_odd("score and spans differ", len(grave) + score / 1000, [j], why))
        elif score <= LOW and not j.spans:
            found.append(
                _odd("score and spans differ", (LOW - score) / LOW, [j], f"{score:.0f} points, no span marked")
            )
    return found


def _odd(kind: str, size: float, said: list[Judgement], why: str) -> Odd:
    first = said[0]
    return Odd(kind, size, first.segment, first.document, first.system, first.dimension, said, why)
