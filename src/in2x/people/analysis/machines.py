"""How well do metrics, code checks and judges agree with people, and on which phenomena?

The human side is the main dimension (scores, or what an answer is worth), one number a translation. Every metric,
every check of `evaluate/checks.py` (the principles that code decides among them) and every judge's share is correlated
with it over all segments, and over those of each phenomenon: one that helps with idioms may say nothing of register.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from in2x.evaluate.correlation import segment_level, system_level
from in2x.evaluate.human import HumanScore, tabulate
from in2x.evaluate.judged import Correlated, Judged, check_tables, metric_table
from in2x.metrics.significance import Floats
from in2x.people.analysis.rows import COUNTED
from in2x.people.model import Campaign

METRICS = ("chrF", "chrF++", "BLEU")
"""Those that need nothing but references."""
LEAST = 12
"""Judged translations of a phenomenon below which no agreement is told (our choice)."""


@dataclass(frozen=True)
class ByPhenomenon:
    """Agreement on the segments of one phenomenon ("" for all)."""

    phenomenon: str
    segments: int
    rows: list[Correlated]


def machines(
    campaign: Campaign,
    scores: Sequence[HumanScore],
    *,
    metrics: Sequence[str] = METRICS,
    judges: Mapping[str, Mapping[str, float]] | None = None,
) -> list[ByPhenomenon]:
    """Agreement of machines with `scores`.

    Args:
        campaign: with the texts.
        scores: people's, of the systems that are compared.
        metrics: names as `evaluate.judged.metric_table` takes them; left out where there are no references.
        judges: name of a judge -> candidate -> its share of kept principles.
    """
    judged, kinds = _texts(campaign, scores)
    if judged is None:
        return []
    tables: list[tuple[str, str, Floats]] = []
    if judged.references is not None:
        tables += [(name, "metric", metric_table(judged, name, campaign.target_lang)) for name in metrics]
    tables += [(n, "check", t) for n, t in check_tables(judged, campaign.source_lang, campaign.target_lang).items()]
    for name, shares in (judges or {}).items():
        tables.append((name, "judge", _judge_table(campaign, judged, shares)))
    found = []
    for phenomenon in ["", *sorted({kind for some in kinds for kind in some})]:
        kept = np.array([not phenomenon or phenomenon in some for some in kinds])
        human = judged.human[kept]
        if int((~np.isnan(human)).sum()) < LEAST:
            continue
        rows = [row for n, kind, t in tables if (row := _correlated(n, kind, t[kept], human)) is not None]
        found.append(ByPhenomenon(phenomenon, int(kept.sum()), sorted(rows, key=_by_strength)))
    return found


def _by_strength(row: Correlated) -> tuple[str, float]:
    value = row.segment.spearman if row.segment else 0.0
    return {"judge": "0", "metric": "1"}.get(row.kind, "2"), -(0.0 if np.isnan(value) else value)


def _correlated(name: str, kind: str, table: Floats, human: Floats) -> Correlated | None:
    """Agreement at both levels; None where the machine says the same of all, no system level for fewer than three."""
    both = ~np.isnan(table) & ~np.isnan(human)
    if both.sum() < LEAST or not np.ptp(table[both]):
        return None
    systems = int(both.any(axis=0).sum())
    return Correlated(name, kind, system_level(table, human) if systems > 2 else None, segment_level(table, human))


def _texts(campaign: Campaign, scores: Sequence[HumanScore]) -> tuple[Judged | None, list[tuple[str, ...]]]:
    """Segments with texts and human scores, and the phenomena of each; None where the campaign has no texts."""
    outputs: dict[tuple[str, str], str] = {}
    sources: dict[str, str] = {}
    references: dict[str, str] = {}
    kinds: dict[str, tuple[str, ...]] = {}
    for item in campaign.items().values():
        if item.role != "real":
            continue
        sources.setdefault(item.segment, item.source)
        kinds.setdefault(item.segment, item.phenomena)
        for candidate in item.candidates:
            if candidate.role in COUNTED and candidate.text:
                outputs.setdefault((item.segment, candidate.system), candidate.text)
                if candidate.role == "reference":
                    references.setdefault(item.segment, candidate.text)
    systems = list(dict.fromkeys(s.system for s in scores if (s.item, s.system) in outputs))
    humans = {s for s in systems if any(references.get(i) == t for (i, name), t in outputs.items() if name == s)}
    systems = [s for s in systems if s not in humans]  # a reference against itself is no test of a metric
    told = [s for s in scores if s.system in systems and (s.item, s.system) in outputs and sources.get(s.item)]
    if not told:
        return None, []
    table = tabulate(told, systems)
    texts = {s: [outputs.get((i, s), "") for i in table.items] for s in systems}
    whole = [references[i] for i in table.items] if all(i in references for i in table.items) else None
    judged = Judged(table.items, table.documents, [sources[i] for i in table.items], whole, texts, table.values)
    return judged, [kinds.get(i, ()) for i in table.items]


def _judge_table(campaign: Campaign, judged: Judged, shares: Mapping[str, float]) -> Floats:
    table = np.full(judged.human.shape, np.nan)
    line = {name: i for i, name in enumerate(judged.items)}
    column = {name: i for i, name in enumerate(judged.systems)}
    for item in campaign.items().values():
        if item.role == "real" and item.segment in line:
            for candidate in item.candidates:
                if candidate.system in column and candidate.role in COUNTED and candidate.id in shares:
                    table[line[item.segment], column[candidate.system]] = shares[candidate.id]
    return table
