"""Translations that people have judged: the test set, the systems' outputs and a table of human scores, aligned.

test set   JSON Lines, one a segment: {"line"?, "doc_id", "src", "ref"?, "hyps": {SYSTEM: text}}
human      ESA (JSON Lines, `human.read_esa`) or MQM (TSV, `human.read_mqm`); "line" or seg_id names the segment
scores     JSON Lines of a metric that was computed elsewhere: {"system", "line", "scores": {NAME: number}}
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from in2x.errors import In2xError, UsageError
from in2x.evaluate.checks import Segments, check_segments
from in2x.evaluate.correlation import Agreement, segment_level, system_level
from in2x.evaluate.human import read_esa, read_mqm, tabulate
from in2x.evaluate.inputs import read_jsonl
from in2x.evaluate.wmt import parse_doc_id
from in2x.metrics import learned
from in2x.metrics.significance import Floats
from in2x.metrics.strings import LOWER_IS_BETTER, canonical, statistics


@dataclass(frozen=True)
class Judged:
    """Segments with outputs and human scores.

    Attributes:
        outputs: one text a segment, by system.
        human: [segments, systems], NaN where nobody judged.
        left_out: systems that people judged and the test set has no outputs of.
    """

    items: list[str]
    documents: list[str]
    sources: list[str]
    references: list[str] | None
    outputs: dict[str, list[str]]
    human: Floats
    left_out: list[str] = field(default_factory=list)

    @property
    def systems(self) -> list[str]:
        """Columns of `human`."""
        return list(self.outputs)


def _of_pair(test: Path, pair: str) -> list[tuple[int, dict[str, Any]]]:
    """Rows of `pair`; a row that names no pair ("lp", or the front of its doc_id) is taken as of it."""
    rows = list(read_jsonl(test))
    named = [str(row.get("lp") or parse_doc_id(str(row.get("doc_id")))[0]) for _, row in rows]
    own = [row for row, lp in zip(rows, named, strict=True) if not lp or _codes(lp) == _codes(pair)]
    if rows and not own:
        raise In2xError(f"the test set is {', '.join(sorted(set(named)))}, not {pair}", file=test,
                        mend="give the pair of the test set")  # fmt: skip
    return own


def _codes(pair: str) -> list[str]:
    """The languages of a pair without their countries: en-ja and en-ja_JP are one pair."""
    return [part.split("_")[0] for part in pair.split("-", 1)]


def read_judged(test: Path, human: Path, pair: str) -> Judged:
    """Read and align the segments of `pair` of a test set and human scores; segments nobody judged are left out.

    Raises:
        In2xError: the test set says that it is of another pair, a judged segment is not in the test set or belongs to
            another document there, or a judged system lacks an output.
    """
    scores = read_mqm(human) if human.suffix == ".tsv" else read_esa(human)
    table = tabulate(scores)
    rows = {str(row.get("line", number)): (number, row) for number, row in _of_pair(test, pair)}
    known = set.union(*(set(row.get("hyps") or {}) for _, row in rows.values())) if rows else set()
    systems = [s for s in table.systems if s in known]
    if not systems:
        raise In2xError(f"no output of any judged system ({', '.join(table.systems[:5])})", file=test,
                        mend='give "hyps" with these systems')  # fmt: skip
    sources, outputs = [], {system: [] for system in systems}  # type: ignore[var-annotated]
    references: list[str] = []
    for place, (item, document) in enumerate(zip(table.items, table.documents, strict=True)):
        number, row = rows.get(item, (0, {}))
        who = next(s for s in table.systems if not np.isnan(table.values[place, table.systems.index(s)]))
        if not row:
            raise In2xError(f"{who}, document {document}: segment {item} is not in the test set {test.name}",
                            file=human, mend="give the test set (and year) that was judged")  # fmt: skip
        if document and row.get("doc_id") != document:
            raise In2xError(f"{who}, document {document}: segment {item} is of {row.get('doc_id')} in {test.name}",
                            file=human, mend="give the test set (and year) that was judged")  # fmt: skip
        hypotheses = row.get("hyps") or {}
        for system in systems:
            judged = not np.isnan(table.values[place, table.systems.index(system)])
            if judged and system not in hypotheses:
                raise In2xError(f"{system}, document {document}: no output of segment {item}", file=test, line=number,
                                mend="give what was judged")  # fmt: skip
            outputs[system].append(str(hypotheses.get(system) or ""))
        sources.append(str(row.get("src") or ""))
        if isinstance(row.get("ref"), str):
            references.append(row["ref"])
    columns = [table.systems.index(system) for system in systems]
    left_out = [system for system in table.systems if system not in known]
    whole = references if len(references) == len(sources) else None
    return Judged(table.items, table.documents, sources, whole, outputs, table.values[:, columns], left_out)


def metric_table(judged: Judged, metric: str, lang: str) -> Floats:
    """[segments, systems] of a metric, higher is better ("chrF", "BLEU", "comet:MODEL", "metricx:MODEL").

    Raises:
        UsageError: a string metric without references, or an unknown one.
    """
    kind, colon, model = metric.partition(":")
    if colon:
        columns = [
            learned.statistics(kind, model, judged.sources, judged.outputs[s], judged.references).segments
            for s in judged.systems
        ]
        return np.stack(columns, axis=1)
    if judged.references is None:
        raise UsageError(f"{metric} needs references", mend='give a test set with "ref"')
    found = [statistics(judged.outputs[s], judged.references, metric, lang=lang).segments for s in judged.systems]
    return np.stack(found, axis=1) * (-1.0 if canonical(metric) in LOWER_IS_BETTER else 1.0)


def check_tables(judged: Judged, source_lang: str, target_lang: str) -> dict[str, Floats]:
    """[segments, systems] of every code check."""
    by_system = [
        check_segments(Segments(judged.sources, judged.outputs[s], source_lang, target_lang,
                                references=judged.references, documents=judged.documents))
        for s in judged.systems
    ]  # fmt: skip
    return {name: np.stack([found[name] for found in by_system], axis=1) for name in by_system[0]}


def read_score_tables(file: Path, judged: Judged) -> dict[str, Floats]:
    """[segments, systems] of scores computed elsewhere, by metric.

    Raises:
        In2xError: a score is not a finite number, or a judged system has no score by one of the metrics.
    """
    place, column = ({n: i for i, n in enumerate(names)} for names in (judged.items, judged.systems))
    found: dict[str, Floats] = {}
    for number, row in read_jsonl(file):
        system, item, scores = str(row.get("system")), str(row.get("line")), row.get("scores")
        if not isinstance(scores, dict):
            raise In2xError(f"{system}, segment {item}: no scores", file=file, line=number,
                            mend='give {"system", "line", "scores": {NAME: number}}')  # fmt: skip
        for name, value in scores.items():
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
                document = judged.documents[place[item]] if item in place else "unknown"
                raise In2xError(f"{system}, document {document}: {name} of segment {item} is {value!r}", file=file,
                                line=number, mend="score it again, or leave the line out")  # fmt: skip
            if system in column and item in place:
                table = found.setdefault(str(name), np.full(judged.human.shape, np.nan))
                table[place[item], column[system]] = value
    for name, table in found.items():
        bare = next((s for s in judged.systems if np.isnan(table[:, column[s]]).all()), None)
        if bare is not None:
            raise In2xError(f"{bare}, document {judged.documents[0]} and all others: {name} is missing", file=file,
                            mend="score every system, or leave the metric out")  # fmt: skip
    return found


@dataclass(frozen=True)
class Correlated:
    """One metric or check against people at both levels; None where it is the same for all."""

    name: str
    kind: str
    """"metric" | "check"."""
    system: Agreement | None
    segment: Agreement | None


def correlate(tables: Sequence[tuple[str, str, Floats]], human: Floats) -> list[Correlated]:
    """Agreement of each (name, kind, table) with `human`, in the order given."""
    rows = []
    for name, kind, table in tables:
        there = table[~np.isnan(table) & ~np.isnan(human)]
        varies = len(there) > 2 and bool(np.ptp(there))
        rows.append(Correlated(name, kind, system_level(table, human) if varies else None,
                               segment_level(table, human) if varies else None))  # fmt: skip
    return rows
