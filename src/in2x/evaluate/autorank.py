"""WMT25 AutoRank: one rank from several automatic metrics, exactly as the organisers computed it (METHOD 7).

    DIR/SYSTEM.jsonl     one line a document:
                         {"language_pair", "domain", "document_id", "metric_scores": {METRIC: [one per paragraph]}}

For one language pair, x is the mean over all paragraph scores of a system, pooled over documents and domains (nulls
skipped); per metric z = (x - median) / max(tiny, max - 25th percentile) over the systems; the z are averaged over
metrics with equal weight, and AutoRank = 1 + (N - 1) (best - z) / (best - worst). Every metric is stored so that
higher is better.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from in2x.errors import In2xError, UsageError
from in2x.evaluate.inputs import read_jsonl

TINY = 1e-12

CHRF_ONLY = frozenset({"en-bho_IN", "en-mas_KE"})
"""Pairs ranked by chrF++ alone: no learned metric knows the language."""

WITH_REFERENCE = frozenset(
    {
        "cs-de_DE", "cs-uk_UA", "en-ar_EG", "en-cs_CZ", "en-et_EE", "en-is_IS", "en-ja_JP", "en-ko_KR", "en-ru_RU",
        "en-sr_Cyrl_RS", "en-uk_UA", "en-zh_CN", "ja-zh_CN",
    }
)  # fmt: skip
"""WMT25 pairs with a human reference; the others leave CometKiwi out."""


@dataclass(frozen=True)
class DocumentScores:
    """The paragraph scores of one document by one system; None where the organisers have null."""

    domain: str
    document: str
    metrics: dict[str, list[float | None]]


@dataclass(frozen=True)
class Ranked:
    """One row of the table. `metrics` are the pooled means, `domains` the AutoRank inside each domain."""

    system: str
    autorank: float
    z: float
    metrics: dict[str, float]


@dataclass(frozen=True)
class Ranking:
    """The table of one language pair, best first, with what a reader should know about its data."""

    pair: str
    metrics: list[str]
    rows: list[Ranked]
    warnings: list[str] = field(default_factory=list)


def read_scores(folder: Path, pair: str) -> dict[str, list[DocumentScores]]:
    """Scores of every system (file stem) that took part in `pair`, systems by name.

    Raises:
        In2xError: no such folder, no file, nobody took part, or a line that is not as it should be (named).
    """
    if not folder.is_dir():
        raise In2xError("there is no folder of score files here", file=folder, mend="give a folder of SYSTEM.jsonl")
    files = sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")])
    if not files:
        raise In2xError("the folder holds no .jsonl file", file=folder, mend="give a folder of SYSTEM.jsonl")
    found: dict[str, list[DocumentScores]] = {}
    pairs: set[str] = set()
    for file in files:
        system = file.name.removesuffix(".gz").removesuffix(".jsonl")
        for number, row in read_jsonl(file):
            lp = str(row.get("language_pair"))
            pairs.add(lp)
            if lp == pair:
                found.setdefault(system, []).append(_document(row, system, file, number))
    if not found:
        raise In2xError(f"no system has scores for {pair}", file=folder, mend=f"use one of {', '.join(sorted(pairs))}")
    return found


def _document(row: dict[str, Any], system: str, file: Path, line: int) -> DocumentScores:
    name = str(row.get("document_id"))
    scores = row.get("metric_scores")
    if not isinstance(scores, dict) or not scores:
        raise In2xError(f"{system}, document {name}: no metric_scores", file=file, line=line,
                        mend='give {"METRIC": [one per paragraph]}')  # fmt: skip
    metrics: dict[str, list[float | None]] = {}
    for metric, values in scores.items():
        if not isinstance(values, list):
            raise In2xError(f"{system}, document {name}: {metric} is not a list", file=file, line=line,
                            mend="give one score per paragraph")  # fmt: skip
        for place, value in enumerate(values, start=1):
            numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
            if value is not None and not (numeric and math.isfinite(value)):
                raise In2xError(f"{system}, document {name}: {metric} of paragraph {place} is {value!r}", file=file,
                                line=line, mend="score it again, or write null to leave it out")  # fmt: skip
        metrics[str(metric)] = values
    return DocumentScores(str(row.get("domain", "")), name, metrics)


def autorank(
    scores: dict[str, list[DocumentScores]], pair: str, *, metrics: Sequence[str] | None = None,
    domain: str | None = None,
) -> Ranking:  # fmt: skip
    """Rank the systems of one language pair.

    Args:
        scores: from `read_scores`.
        metrics: which to use; without it the organisers' choice for the pair.
        domain: rank by this domain alone.

    Raises:
        In2xError: a metric is missing for a system, or a system has a document that no other has.
        UsageError: an unknown metric or domain.
    """
    if domain is not None:
        domains = {d.domain for documents in scores.values() for d in documents}
        if domain not in domains:
            raise UsageError(f"{pair} has no domain {domain!r}", mend=f"use one of {', '.join(sorted(domains))}")
        scores = {s: [d for d in documents if d.domain == domain] for s, documents in scores.items()}
        scores = {s: documents for s, documents in scores.items() if documents}
    warnings = _check_documents(scores)
    present = list(dict.fromkeys(m for documents in scores.values() for d in documents for m in d.metrics))
    used = list(metrics) if metrics else organisers_metrics(pair, present)
    for metric in used:
        if metric not in present:
            raise UsageError(f"{pair} has no metric {metric!r}", mend=f"use one of {', '.join(present)}")
    means = {system: {m: _pooled(system, documents, m) for m in used} for system, documents in scores.items()}
    systems = list(means)
    table = np.array([[means[s][m] for m in used] for s in systems])
    spread = np.maximum(TINY, table.max(axis=0) - np.percentile(table, 25, axis=0))
    z = ((table - np.median(table, axis=0)) / spread).mean(axis=1)
    best, worst = z.max(), z.min()
    # Systems that cannot be told apart share the first rank.
    ranks = 1 + (len(z) - 1) * (best - z) / (best - worst) if best - worst > TINY else np.ones_like(z)
    rows = [Ranked(s, float(r), float(v), means[s]) for s, r, v in zip(systems, ranks, z, strict=True)]
    return Ranking(pair, used, sorted(rows, key=lambda row: (row.autorank, row.system)), warnings)


def organisers_metrics(pair: str, present: Sequence[str]) -> list[str]:
    """The metrics that count for `pair` among those `present`."""
    if pair in CHRF_ONLY and "chrF++" in present:
        return ["chrF++"]
    if pair in WITH_REFERENCE:
        return list(present)
    return [m for m in present if not m.startswith("CometKiwi")] or list(present)


def _pooled(system: str, documents: Sequence[DocumentScores], metric: str) -> float:
    values: list[float] = []
    for document in documents:
        if metric not in document.metrics:
            raise In2xError(f"{system}, document {document.document}: {metric} is missing",
                            mend="score it, or leave the metric out for all systems with --metrics")  # fmt: skip
        values += [v for v in document.metrics[metric] if v is not None]
    if not values:
        raise In2xError(f"{system}: every {metric} score is null", mend="score it, or leave the system out")
    return math.fsum(values) / len(values)


def _check_documents(scores: dict[str, list[DocumentScores]]) -> list[str]:
    """Documents are the same for all systems: a stranger or a double is an error, a gap is told."""
    warnings: list[str] = []
    seen: dict[str, list[str]] = {}
    for system, documents in scores.items():
        names = [f"{d.domain}/{d.document}" for d in documents]
        for name in names:
            seen.setdefault(name, []).append(system)
        double = next((n for n in names if names.count(n) > 1), None)
        if double:
            raise In2xError(f"{system}: document {double} is scored twice", mend="keep one of the lines")
    if len(scores) > 2:
        for name, systems in seen.items():
            if len(systems) == 1:
                raise In2xError(f"{systems[0]}: document {name} is known to no other system",
                                mend="give scores of the same test set (and year) for all systems")  # fmt: skip
    _check_paragraphs(scores)
    for system in scores:
        missing = [name for name, systems in seen.items() if system not in systems]
        if missing:
            warnings.append(f"{system} lacks {len(missing)} of {len(seen)} documents, {missing[0]} among them")
    return warnings


def _check_paragraphs(scores: dict[str, list[DocumentScores]]) -> None:
    """A document has one score a paragraph from every metric for every system: most have it right, and set the rule."""
    sizes: dict[str, Counter[int]] = {}
    for documents in scores.values():
        for d in documents:
            sizes.setdefault(f"{d.domain}/{d.document}", Counter()).update(map(len, d.metrics.values()))
    usual = {name: found.most_common(1)[0][0] for name, found in sizes.items()}
    for system, documents in scores.items():
        for d in documents:
            wanted = usual[f"{d.domain}/{d.document}"]
            for metric, values in d.metrics.items():
                if len(values) != wanted:
                    many = f"{len(values)} score{'s' if len(values) != 1 else ''} of {metric}"
                    raise In2xError(f"{system}, document {d.document}: {many}, where {wanted} are usual",
                                    mend="give one score a paragraph, null where there is none")  # fmt: skip
