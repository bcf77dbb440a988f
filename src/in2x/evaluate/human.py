"""Human scores: ESA (0-100 with error spans) and MQM, one row a judgement, and tables of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from in2x.errors import In2xError
from in2x.evaluate.inputs import read_jsonl
from in2x.metrics.significance import Floats

MQM_WEIGHTS = {"no-error": 0.0, "neutral": 0.0, "minor": 1.0, "major": 5.0, "critical": 25.0}
"""Google's MQM weights (Freitag et al. 2021); a non-translation weighs 25, minor punctuation 0.1."""


@dataclass(frozen=True)
class HumanScore:
    """One judgement of one system's translation of one segment; higher is better."""

    system: str
    item: str
    document: str
    score: float
    annotator: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)


def read_esa(file: Path) -> list[HumanScore]:
    """ESA judgements in JSON Lines: {"annotator", "system", "line", "doc_id", "score", "errors"}.

    Raises:
        In2xError: a field is missing, or a score is not a number from 0 to 100.
    """
    found = []
    for number, row in read_jsonl(file):
        missing = next((k for k in ("system", "line", "score") if row.get(k) is None), None)
        if missing:
            raise In2xError(f'no "{missing}"', file=file, line=number, mend="give system, line and score")
        value = row["score"]
        if not isinstance(value, (int, float)) or not 0 <= value <= 100:
            raise In2xError(f"{row['system']}, document {row.get('doc_id')}: the score is {value!r}", file=file,
                            line=number, mend="ESA scores go from 0 to 100")  # fmt: skip
        found.append(HumanScore(str(row["system"]), str(row["line"]), str(row.get("doc_id", "")), float(value),
                                str(row.get("annotator", "")), list(row.get("errors") or [])))  # fmt: skip
    if not found:
        raise In2xError("no judgement in this file", file=file, mend="give one JSON object a line")
    return found


def read_mqm(file: Path) -> list[HumanScore]:
    """MQM annotations in TSV (one row an error: system, doc, seg_id or global_seg_id, rater, category, severity).

    The score of a segment is minus the sum of its rater's weights.

    Raises:
        In2xError: a column is missing or a severity is unknown.
    """
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows:
        raise In2xError("no annotation in this file", file=file, mend="give a TSV with a header")
    item = "global_seg_id" if "global_seg_id" in rows[0] else "seg_id"
    missing = next((c for c in ("system", "rater", "severity", item) if c not in rows[0]), None)
    if missing:
        raise In2xError(f"no column {missing!r}", file=file, line=1, mend="give system, rater, seg_id, severity")
    totals: dict[tuple[str, str, str, str], float] = {}
    for number, row in enumerate(rows, start=2):
        severity, category = row["severity"].strip().lower(), (row.get("category") or "").strip().lower()
        if severity not in MQM_WEIGHTS:
            raise In2xError(f"{row['system']}, segment {row[item]}: unknown severity {row['severity']!r}", file=file,
                            line=number, mend=f"use one of {', '.join(MQM_WEIGHTS)}")  # fmt: skip
        weight = MQM_WEIGHTS[severity]
        if category.startswith("non-translation"):
            weight = 25.0
        elif severity == "minor" and category == "fluency/punctuation":
            weight = 0.1
        key = (row["system"], row[item], row.get("doc") or row.get("doc_id") or "", row["rater"])
        totals[key] = totals.get(key, 0.0) + weight
    return [HumanScore(s, i, d, -total, rater) for (s, i, d, rater), total in totals.items()]


@dataclass(frozen=True)
class ScoreTable:
    """Mean human score of each segment by each system; NaN where nobody judged.

    Attributes:
        values: [segments, systems].
    """

    values: Floats
    items: list[str]
    systems: list[str]
    documents: list[str]


def tabulate(scores: Sequence[HumanScore], systems: Sequence[str] | None = None) -> ScoreTable:
    """Average repeated judgements and lay them out; items and systems in order of first meeting, unless given."""
    names = list(systems) if systems else list(dict.fromkeys(s.system for s in scores))
    items = {s.item: s.document for s in scores}
    column, line = {n: i for i, n in enumerate(names)}, {n: i for i, n in enumerate(items)}
    sums, counts = np.zeros((len(items), len(names))), np.zeros((len(items), len(names)))
    for s in scores:
        if s.system in column and math.isfinite(s.score):
            sums[line[s.item], column[s.system]] += s.score
            counts[line[s.item], column[s.system]] += 1
    with np.errstate(invalid="ignore"):
        values = np.where(counts > 0, sums / counts, np.nan)
    return ScoreTable(values, list(items), names, list(items.values()))
