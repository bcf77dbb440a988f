"""Judgements that other tools have written: WMT ESA, Google's MQM, pearmut and Appraise. One reader a format.

wmt-esa    JSON Lines {"annotator", "system", "line", "score", "doc_id", "errors": [{"start_i", "end_i", "severity"}],
           "end_time"}; texts stand in the test set (`texts`)
mqm        TSV, one row an error: system, doc, seg_id, rater, source, target, category, severity; <v>...</v> is the span
pearmut    the log of a campaign, JSON Lines {"user_id", "item_i", "item": [{"item_id", "src", "tgt"}],
           "annotation": [{SYSTEM: {"score", "error_spans"}}]}
appraise   CSV without a header: login, system, item, type, source and target language, score, document, complete
           document, spans[, start, end]

Ends of spans are inclusive in all but MQM; here they are half open. An omission that has no place ("missing") becomes
an empty span on the source side.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from in2x.errors import In2xError, UsageError
from in2x.evaluate.inputs import read_jsonl, read_lines
from in2x.people.model import SEVERITIES, Role, Severity, Side, Span

LONGEST_PAUSE = 600.0
"""Seconds between two saves above which somebody was away (our choice): no time is taken from them."""
REFERENCE = re.compile(r"ref([A-Z]|erence)?")
"""Names that WMT gives human references among the systems."""
MISSING = "missing"
"""Category of an omission without a place."""


@dataclass(frozen=True)
class Said:
    """One judgement of one translation, whatever tool it comes from."""

    annotator: str
    system: str
    segment: str
    document: str
    score: float | None = None
    spans: tuple[Span, ...] | None = None
    """None where no spans were asked for."""
    source: str = ""
    text: str = ""
    role: Role = "real"
    seconds: float | None = None
    time: float = 0.0
    """Seconds since 1970; 0 where it is not known."""
    line: int = 0
    """In the file."""


@dataclass(frozen=True)
class Texts:
    """Sources and outputs by segment and system, of files that hold numbers alone."""

    sources: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Texts:
        """From a test set in JSON Lines: {"line"?, "src", "ref"?, "hyps": {SYSTEM: text}}."""
        sources: dict[str, str] = {}
        outputs: dict[tuple[str, str], str] = {}
        for number, row in read_jsonl(file):
            segment = str(row.get("line", number))
            sources[segment] = str(row.get("src") or "")
            for system, text in (row.get("hyps") or {}).items():
                outputs[segment, str(system)] = str(text or "")
            for name in ("refA", "ref", "reference"):
                outputs.setdefault((segment, name), str(row.get("ref") or ""))
        return cls(sources, outputs)


def _severity(value: Any, file: Path, line: int) -> Severity:
    name = str(value or "minor").strip().lower()
    name = {"no-error": "neutral", "no error": "neutral", "undecided": "neutral", "trivial": "neutral"}.get(name, name)
    for known in SEVERITIES:
        if name == known:
            return known
    raise In2xError(f"unknown severity {value!r}", file=file, line=line, mend=f"use one of {', '.join(SEVERITIES)}")


def _inclusive(errors: Any, file: Path, line: int, *, side: Side = "target") -> tuple[Span, ...]:
    """Spans of a list of {"start_i", "end_i", "severity", "category" or "error_type"}, ends inclusive."""
    found = []
    for error in errors or ():
        if not isinstance(error, Mapping):
            raise In2xError("an error is no object", file=file, line=line, mend='give {"start_i", "end_i", "severity"}')
        category = str(error.get("category") or error.get("error_type") or "")
        start, end = error.get("start_i"), error.get("end_i")
        severity = _severity(error.get("severity"), file, line)
        if start == "missing" or start is None:
            found.append(Span(0, 0, severity, category or MISSING, "source"))
            continue
        if not isinstance(start, int) or not isinstance(end, int) or not -1 <= start <= end:
            raise In2xError(
                f"a span from {start!r} to {end!r}", file=file, line=line, mend="give whole numbers in order"
            )
        found.append(Span(max(start, 0), end + 1, severity, category, side))
    return tuple(found)


def _score(value: Any, file: Path, line: int, who: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise In2xError(f"{who}: the score is {value!r}", file=file, line=line, mend="scores go from 0 to 100")
    return float(value)


def _wanted(row: Mapping[str, Any], names: tuple[str, ...], file: Path, line: int) -> None:
    missing = next((name for name in names if row.get(name) in (None, "")), None)
    if missing is not None:
        raise In2xError(f'no "{missing}"', file=file, line=line, mend=f"give {', '.join(names)}")


def read_wmt_esa(file: Path, texts: Texts) -> Iterator[Said]:
    """WMT's ESA scores; the time of a judgement is that since the annotator's last one."""
    last: dict[str, float] = {}
    for line, row in read_jsonl(file):
        _wanted(row, ("annotator", "system", "line", "score"), file, line)
        who, system, segment = str(row["annotator"]), str(row["system"]), str(row["line"])
        score = _score(row["score"], file, line, f"{system}, segment {segment}")
        end = float(row.get("end_time") or 0.0)
        gap = end - last[who] if who in last and end else -1.0
        last[who] = end
        yield Said(
            who, system, segment, str(row.get("doc_id") or segment), score,
            _inclusive(row["errors"], file, line) if "errors" in row else None,
            texts.sources.get(segment, ""), texts.outputs.get((segment, system), ""),
            "reference" if REFERENCE.fullmatch(system) else "real",
            seconds=gap if 0 <= gap <= LONGEST_PAUSE else None, time=end, line=line,
        )  # fmt: skip


_MARK = re.compile(r"<v>(.*?)</v>", re.DOTALL)


def _marked(text: str) -> tuple[str, tuple[int, int] | None]:
    """A text without <v>...</v>, and the place that they mark."""
    found = _MARK.search(text)
    plain = _MARK.sub(lambda m: m[1], text)
    return plain, (found.start(), found.start() + len(found[1])) if found else None


def read_mqm(file: Path, texts: Texts) -> Iterator[Said]:
    """Google's MQM: the rows of one rater on one translation are one judgement."""
    reader = csv.DictReader(read_lines(file), delimiter="\t", quoting=csv.QUOTE_NONE)
    columns = list(reader.fieldnames or ())
    item = next((c for c in ("global_seg_id", "globalSegId", "seg_id") if c in columns), "seg_id")
    for needed in ("system", "rater", "severity", item):
        if needed not in columns:
            raise In2xError(f"no column {needed!r}", file=file, line=1, mend="give system, rater, seg_id, severity")
    groups: dict[tuple[str, str, str, str], tuple[list[Span], str, str, int]] = {}
    for line, row in enumerate(reader, start=2):
        document = row.get("doc") or row.get("doc_id") or ""
        # Numbers of segments start anew in each document, unless they are global.
        segment = f"{document}:{row[item]}" if document and item == "seg_id" else str(row[item])
        source, in_source = _marked(row.get("source") or "")
        target, in_target = _marked(row.get("target") or "")
        key = (row["rater"] or "", row["system"] or "", segment, document or segment)
        spans = groups.setdefault(key, ([], source, target, line))[0]
        category = (row.get("category") or "").strip()
        if category.lower().replace("_", "-") in ("no-error", "no error") or row["severity"].lower() == "no-error":
            continue
        severity = _severity(row["severity"], file, line)
        if in_target is not None:
            spans.append(Span(*in_target, severity, category))
        elif in_source is not None:
            spans.append(Span(*in_source, severity, category, "source"))
        else:
            spans.append(Span(0, len(target), severity, category))
    for (who, system, segment, document), (marks, source, target, line) in groups.items():
        yield Said(who, system, segment, document, None, tuple(marks), source, target, line=line)


def read_pearmut(file: Path, texts: Texts) -> Iterator[Said]:
    """A pearmut log: items with "validation" are attention checks, the tutorial and checks that stand free practice."""
    for line, row in read_jsonl(file):
        items, said, who = row.get("item"), row.get("annotation"), str(row.get("user_id") or "")
        if not isinstance(items, list) or not isinstance(said, list) or not who:
            continue  # other entries of the log: logins, forms
        place = row.get("item_i")
        aside = isinstance(place, str) and place.startswith(("welcome_", "random_", "goodbye_"))
        times = [a["time"] for a in row.get("actions") or () if isinstance(a, Mapping) and "time" in a]
        pairs = [(item, one) for item, one in zip(items, said, strict=False) if isinstance(one, Mapping)]
        judged = sum(len(one) for _, one in pairs) or 1
        spent = (times[-1] - times[0]) / judged if len(times) > 1 else None
        for item, one in pairs:
            segment = str(item.get("item_id") or "")
            document = str(item.get("doc_id") or segment.rsplit("_#_", 1)[0] or place)
            for system, found in one.items():
                role: Role = (
                    "practice" if aside else "degraded" if (item.get("validation") or {}).get(system) else "real"
                )
                score = found.get("score")
                yield Said(
                    who, str(system), segment, document,
                    None if score is None else _score(score, file, line, f"{system}, item {segment}"),
                    _inclusive(found.get("error_spans"), file, line) if "error_spans" in found else None,
                    str(item.get("src") or ""), str((item.get("tgt") or {}).get(system) or ""), role,
                    spent if spent is not None and 0 <= spent <= LONGEST_PAUSE else None,
                    float(times[-1]) if times else 0.0, line,
                )  # fmt: skip


_APPRAISE: dict[str, Role] = {"TGT": "real", "CHK": "repeat", "BAD": "degraded", "REF": "reference"}


def read_appraise(file: Path, texts: Texts) -> Iterator[Said]:
    """Appraise's export. Scores of whole documents are left out."""
    for line, row in enumerate(csv.reader(read_lines(file)), start=1):
        if not row:
            continue
        if len(row) < 9:
            raise In2xError(f"{len(row)} columns", file=file, line=line,
                            mend="give Appraise's export: login, system, item, type, languages, score, document, "
                                 "complete document, spans")  # fmt: skip
        who, system, item, kind, _, _, score, document, whole = row[:9]
        if whole.strip().lower() == "true":
            continue
        if kind.split("-")[0] not in _APPRAISE:
            raise In2xError(f"unknown type of item {kind!r}", file=file, line=line,
                            mend=f"use one of {', '.join(_APPRAISE)}")  # fmt: skip
        try:
            value = float(score)
            start, end = (float(row[10]), float(row[11])) if len(row) > 11 else (0.0, 0.0)
        except ValueError:
            raise In2xError("score, start or end is no number", file=file, line=line,
                            mend="give the export as it is") from None  # fmt: skip
        spans = _inclusive(_listed(row[9], file, line), file, line) if len(row) > 9 else None
        spent = end - start
        yield Said(
            who, system, item, document or item, _score(value, file, line, f"{system}, item {item}"), spans,
            texts.sources.get(item, ""), texts.outputs.get((item, system), ""), _APPRAISE[kind.split("-")[0]],
            spent if 0 < spent <= LONGEST_PAUSE else None, end, line,
        )  # fmt: skip


def _listed(text: str, file: Path, line: int) -> list[Any]:
    """The spans of a cell: JSON, or as Python prints a list of objects (single quotes, None)."""
    text = text.strip()
    if not text:
        return []
    if not text.startswith("["):
        text = f"[{text}]"
    try:
        return list(json.loads(text))
    except ValueError:
        pass
    try:
        return list(json.loads(re.sub(r"\bNone\b", "null", text.replace("'", '"'))))
    except ValueError:
        raise In2xError("the spans are no JSON", file=file, line=line, mend="give a list of objects") from None


Reader = Callable[[Path, Texts], Iterator[Said]]
FORMATS: dict[str, Reader] = {
    "wmt-esa": read_wmt_esa, "mqm": read_mqm, "pearmut": read_pearmut, "appraise": read_appraise,
}  # fmt: skip


def format_of(file: Path) -> str:
    """The format that `file` is in, by its suffix and first line.

    Raises:
        UsageError: none of them.
    """
    suffix = file.name.removesuffix(".gz").rsplit(".", 1)[-1]
    if suffix == "tsv":
        return "mqm"
    if suffix == "csv":
        return "appraise"
    if suffix in ("jsonl", "json"):
        first = next(iter(read_jsonl(file)), (0, {}))[1]
        if "annotation" in first or "user_id" in first:
            return "pearmut"
        if {"system", "score"} <= set(first):
            return "wmt-esa"
    raise UsageError("no format of judgements", file=file, mend=f"name it with --format: {', '.join(FORMATS)}")
