"""Judgements as files for other programs: JSON Lines, CSV, Parquet, pearmut's log and Appraise's CSV.

The first three hold one row a judgement, everything of the record and the texts; offsets are half open there, and
inclusive in the two formats of other tools. A span on the source side has no place in those: "missing" is written.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from in2x.artifact import write_text
from in2x.errors import UsageError
from in2x.people.model import SCORE, SPANS, Campaign, Judgement, Span

COLUMNS = (
    "campaign", "annotator", "document", "segment", "item", "candidate", "system", "role", "position", "dimension",
    "value", "answer", "worth", "spans", "why", "seconds", "phenomena", "source", "text",
)  # fmt: skip
"""`value` is the number, `answer` the choice; one of the two is empty."""
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in COLUMNS[:8]), ("position", pa.int32()), ("dimension", pa.string()),
        ("value", pa.float64()), ("answer", pa.string()), ("worth", pa.float64()), ("spans", pa.string()),
        ("why", pa.string()), ("seconds", pa.float64()), ("phenomena", pa.list_(pa.string())), ("source", pa.string()),
        ("text", pa.string()),
    ]
)  # fmt: skip


def rows(judgements: Sequence[Judgement], campaign: Campaign) -> list[dict[str, Any]]:
    """One object a judgement, keys as in `COLUMNS`; `spans` is a list of objects."""
    texts = {c.id: (item.source, c.text) for item in campaign.items().values() for c in item.candidates}
    found = []
    for j in judgements:
        source, text = texts.get(j.candidate, ("", ""))
        told = isinstance(j.value, str)
        found.append({
            "campaign": j.campaign, "annotator": j.annotator, "document": j.document, "segment": j.segment,
            "item": j.item, "candidate": j.candidate, "system": j.system, "role": j.role, "position": j.position,
            "dimension": j.dimension, "value": None if told else j.value, "answer": j.value if told else None,
            "worth": j.worth, "spans": [dataclasses.asdict(s) for s in j.spans], "why": j.why, "seconds": j.seconds,
            "phenomena": list(j.phenomena), "source": source, "text": text,
        })  # fmt: skip
    return found


def to_jsonl(judgements: Sequence[Judgement], campaign: Campaign) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(judgements, campaign))


def to_csv(judgements: Sequence[Judgement], campaign: Campaign) -> str:
    """CSV with a header; spans and phenomena as JSON.

    What an annotator wrote and a spreadsheet would run as a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows(judgements, campaign):
        if row["why"][:1] in ("=", "+", "-", "@", "\t"):
            row["why"] = "'" + row["why"]
        for name in ("spans", "phenomena"):
            row[name] = json.dumps(row[name], ensure_ascii=False)
        writer.writerow(row)
    return out.getvalue()


def write_parquet(file: Path, judgements: Sequence[Judgement], campaign: Campaign) -> None:
    """A Parquet file, written beside and renamed; spans are JSON text."""
    listed = rows(judgements, campaign)
    for row in listed:
        row["spans"] = json.dumps(row["spans"], ensure_ascii=False)
    partial = file.with_name(file.name + ".partial")
    pq.write_table(pa.Table.from_pylist(listed, schema=_SCHEMA), partial, compression="zstd")
    partial.rename(file)


def inclusive(spans: Sequence[Span]) -> list[dict[str, Any]]:
    """Spans with inclusive ends, as pearmut and Appraise have them."""
    found: list[dict[str, Any]] = []
    for s in spans:
        placed = s.side == "target" and s.end > s.start
        start, end = (s.start, s.end - 1) if placed else ("missing", "missing")
        found.append({"start_i": start, "end_i": end, "severity": s.severity, "category": s.category or None})
    return found


@dataclasses.dataclass
class _Whole:
    """All that one annotator said of one candidate."""

    score: float | None = None
    spans: Sequence[Span] | None = None
    row: Judgement | None = None


def _wholes(judgements: Sequence[Judgement]) -> dict[tuple[str, str, str], _Whole]:
    found: dict[tuple[str, str, str], _Whole] = defaultdict(_Whole)
    for j in judgements:
        one = found[j.annotator, j.item, j.candidate]
        one.row = one.row or j
        if j.dimension == SCORE:
            one.score = float(j.value) if j.value is not None else None
        if j.dimension == SPANS or (j.dimension == SCORE and j.spans):
            one.spans = j.spans
    return found


def to_pearmut(judgements: Sequence[Judgement], campaign: Campaign) -> str:
    """pearmut's log: one line a screen and annotator; the items of a document stand together.

    Practice is left out; a control item carries `validation`, as pearmut marks its attention checks.
    """
    by = _wholes(judgements)
    people = list(dict.fromkeys(j.annotator for j in judgements))
    lines = []
    for person in people:
        for number, screen in enumerate(campaign.screens):
            items, said = [], []
            for item in screen.items:
                answers: dict[str, Any] = {}
                checks: dict[str, Any] = {}
                for c in item.candidates:
                    one = by.get((person, item.id, c.id))
                    if one is None or one.row is None or one.row.role == "practice":
                        continue
                    answers[c.system] = {
                        "score": one.score,
                        "error_spans": inclusive(one.spans or ()),
                        "textfield": None,
                    }
                    if one.row.role not in ("real", "reference", "repeat"):
                        checks[c.system] = {"role": one.row.role}
                if answers:
                    items.append({"item_id": item.segment, "doc_id": screen.document, "src": item.source,
                                  "tgt": {c.system: c.text for c in item.candidates},
                                  **({"validation": checks} if checks else {})})  # fmt: skip
                    said.append(answers)
            if items:
                line = {"user_id": person, "item_i": number, "item": items, "annotation": said, "actions": []}
                lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return "".join(lines)


_TYPES = {"repeat": "CHK", "reference": "REF", "real": "TGT"}


def to_appraise(judgements: Sequence[Judgement], campaign: Campaign) -> str:
    """Appraise's CSV, without a header: a row a score; start and end are 0 and the seconds spent."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for one in _wholes(judgements).values():
        j = one.row
        if j is None or one.score is None or j.role == "practice":
            continue
        spans = json.dumps(inclusive(one.spans or ()), ensure_ascii=False)
        first = [
            j.annotator,
            j.system,
            j.segment,
            _TYPES.get(j.role, "BAD"),
            campaign.source_lang,
            campaign.target_lang,
        ]
        writer.writerow([*first, f"{one.score:g}", j.document, False, spans, 0, j.seconds or 0])
    return out.getvalue()


Writer = Callable[[Sequence[Judgement], Campaign], str]
TEXTS: dict[str, Writer] = {"jsonl": to_jsonl, "csv": to_csv, "pearmut": to_pearmut, "appraise": to_appraise}
"""Formats that are text."""
FORMATS = (*TEXTS, "parquet")


def write(file: Path, form: str, judgements: Sequence[Judgement], campaign: Campaign) -> None:
    """Write `judgements` to `file` in one of `FORMATS`, whole or not at all.

    Raises:
        UsageError: an unknown format.
    """
    if form == "parquet":
        write_parquet(file, judgements, campaign)
    elif form in TEXTS:
        write_text(file, TEXTS[form](judgements, campaign))
    else:
        raise UsageError(f"{form!r} is no format", mend=f"use one of {', '.join(FORMATS)}")
