"""The results part of the page: the stage x metric table, its charts, what each stage earned, sample translations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in2x.evaluate.outputs import Output
from in2x.metrics.strings import LOWER_IS_BETTER
from in2x.pages.charts import IntervalChart, interval_chart
from in2x.pages.spans import Piece, cut
from in2x.records import Pair, read_records

SYSTEM_NAMES = {
    "base": "base", "phase1": "phase 1", "phase2": "phase 2", "phase3": "phase 3",
    "sft": "SFT", "rl": "RL", "merged": "merged",
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One figure of the table."""

    value: float
    low: float
    high: float
    best: bool
    digits: int
    tip: str


@dataclass(frozen=True)
class Table:
    """Systems x metrics. `columns` are (heading, sub-heading, better: "higher" or "lower")."""

    columns: list[tuple[str, str, str]]
    rows: list[tuple[str, list[Cell | None]]]


def direction(pair: str) -> str:
    """The direction `en-ja` as `en→ja`; anything else as it is."""
    source, dash, target = pair.partition("-")
    return f"{source}→{target}" if dash else pair


def read_json(file: Path) -> Any:
    """The JSON of a file, or None where there is none or it is torn: the page shows what there is."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None


def tables(scores: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, Table]]:
    """(title, what it says, table) for translations, for single principles, and for the rest; empty ones left out."""
    keys = list(dict.fromkeys((s["metric"], s["pair"]) for s in scores))
    pooled = [k for k in keys if k[1] == "all"]
    groups = [
        ("Translations", "greedy decoding",
         [k for k in pooled if k[0] in ("principles", "principle/register")] + [k for k in keys if k[0] == "chrF"]
         + [k for k in keys if k[0] == "BLEU"]),
        ("Principles, one by one", "share kept where the principle applies, all directions, greedy",
         [k for k in pooled if k[0].startswith("principle/")]),
        ("Sampled answers and held-out text", "answers drawn from the model; bits per byte of documents by language",
         [k for k in keys if k[0].endswith(" sampled") or k[0] == "bits per byte"]),
    ]  # fmt: skip
    return [(title, note, _table(scores, wanted)) for title, note, wanted in groups if wanted]


def _table(scores: Sequence[Mapping[str, Any]], wanted: Sequence[tuple[str, str]]) -> Table:
    systems = list(dict.fromkeys(s["system"] for s in scores))
    found = {(s["metric"], s["pair"], s["system"]): s for s in scores}
    columns, rows = [], [(name, list[Cell | None]()) for name in systems]
    for metric, pair in wanted:
        share = metric.startswith("principle")
        heading = metric.removeprefix("principle/").replace("_", " ") if share else metric
        lower = metric in LOWER_IS_BETTER
        columns.append((heading.replace("principles", "principles kept"),
                        "%" if share else direction(pair), "lower" if lower else "higher"))  # fmt: skip
        scale = 100.0 if share else 1.0
        column = [found.get((metric, pair, system)) for system in systems]
        values = [s["value"] for s in column if s]
        best = min(values) if lower else max(values)
        for (_, cells), s in zip(rows, column, strict=True):
            if s is None:
                cells.append(None)
                continue
            tip = f"n = {s['n']}{', ' + s['signature'] if s['signature'] else ''}"
            cells.append(Cell(s["value"] * scale, s["low"] * scale, s["high"] * scale, s["value"] == best,
                              3 if lower else 1, tip))  # fmt: skip
    return Table(columns, rows)


def charts(scores: Sequence[Mapping[str, Any]]) -> list[IntervalChart]:
    """Interval plots over the stages: principles kept, register kept, then chrF of each direction."""
    out = []
    keys = [("principles", "all", "Principles kept, %"), ("principle/register", "all", "Register kept, %")]
    keys += [("chrF", s["pair"], f"chrF {direction(s['pair'])}") for s in scores if s["metric"] == "chrF"]
    for metric, pair, title in dict.fromkeys(keys):
        scale = 100.0 if metric.startswith("principle") else 1.0
        rows = [
            (SYSTEM_NAMES.get(s["system"], s["system"]), s["value"] * scale, s["low"] * scale, s["high"] * scale)
            for s in scores
            if s["metric"] == metric and s["pair"] == pair
        ]
        chart = interval_chart(title, rows)
        if chart:
            out.append(chart)
    return out


SHARES = ("principle", "meaning")
"""How metrics begin that are shares of 1, shown in percent."""


def earned(differences: Sequence[Mapping[str, Any]]) -> list[tuple[str, IntervalChart, list[dict[str, Any]]]]:
    """What each step changed: (title, plot, rows), a minus b, for the step's main metrics."""
    out = []
    for a, b in dict.fromkeys((d["a"], d["b"]) for d in differences):
        rows = []
        for d in differences:
            main = d["metric"] in ("chrF", "chrF sampled", "BLEU") or (
                d["pair"] == "all" and d["metric"].startswith(SHARES)
            )
            # A principle that all outputs of both kept says nothing here.
            flat = d["metric"].startswith("principle/") and d["low"] == d["high"] == 0
            if (d["a"], d["b"]) == (a, b) and main and not flat:
                scale = 100.0 if d["metric"].startswith(SHARES) else 1.0
                name = d["metric"].removeprefix("principle/").replace("_", " ")
                name = "principles kept" if name == "principles" else name
                label = name if d["pair"] == "all" else f"{name} {direction(d['pair'])}"
                rows.append({**d, "label": label, **{k: d[k] * scale for k in ("difference", "low", "high")}})
        chart = interval_chart("", [(r["label"], r["difference"], r["low"], r["high"]) for r in rows], difference=True)
        if chart:
            out.append((f"{SYSTEM_NAMES.get(a, a)} − {SYSTEM_NAMES.get(b, b)}", chart, rows))
    return out


@dataclass(frozen=True)
class Answer:
    """One system's translation, cut into highlighted pieces, with the principles it broke."""

    system: str
    pieces: list[Piece]
    broken: list[tuple[str, str]]
    """(principle, why)."""
    kept: int
    repeated: bool
    """The same text as the system before it."""


@dataclass(frozen=True)
class Sample:
    """One source with what every system made of it."""

    source: str
    source_lang: str
    target_lang: str
    reference: str
    register: str | None
    domain: str
    answers: list[Answer]


def samples(outputs: Sequence[Output], pairs: Mapping[str, Pair], count: int) -> list[Sample]:
    """`count` sources that show most: each direction and domain in turn, first those where systems part ways."""
    grouped: dict[tuple[str, str], list[Output]] = {}
    for output in outputs:
        grouped.setdefault((output.pair, output.id), []).append(output)
    queues: dict[tuple[str, str], list[tuple[int, list[Output]]]] = {}
    for rows in grouped.values():
        late = [r for r in rows if r.system in ("sft", "rl", "merged")]
        interest = 3 * (len({r.hypothesis for r in late}) > 1) + len({json.dumps(r.principles) for r in rows})
        interest += 2 * bool(rows[0].register) + 3 * (rows[0].domain in ("idiom", "slang"))
        queues.setdefault((rows[0].pair, rows[0].domain), []).append((-interest, rows))
    for queue in queues.values():
        queue.sort(key=lambda item: item[0])
    chosen: list[list[Output]] = []
    while len(chosen) < count and any(queues.values()):
        for queue in queues.values():
            if queue and len(chosen) < count:
                chosen.append(queue.pop(0)[1])
    return [_sample(rows, pairs.get(rows[0].id)) for rows in chosen]


def _sample(rows: list[Output], pair: Pair | None) -> Sample:
    first = rows[0]
    source_lang, _, target_lang = first.pair.partition("-")
    checks = pair.checks if pair else {}
    natural = [t for t in checks.get("natural", []) if isinstance(t, str) and t]
    answers: list[Answer] = []
    before = ""
    for row in rows:
        pieces = highlight(row, natural)
        broken = [(name, row.why.get(name, "")) for name, kept in row.principles.items() if kept is False]
        kept = sum(v is True for v in row.principles.values())
        answers.append(Answer(row.system, pieces, broken, kept, bool(answers) and row.hypothesis == before))
        before = row.hypothesis
    return Sample(first.source, source_lang, target_lang, first.reference, first.register, first.domain, answers)


def highlight(output: Output, natural: Sequence[str]) -> list[Piece]:
    """Cut an answer at the places where it breaks a principle, with the reason, and at its natural renderings."""
    text = output.hypothesis
    spans = [(start, end, "trap" if name == "traps" else "residue", output.why.get(name, name))
             for name, (start, end) in output.places.items()]  # fmt: skip
    spans += [(m.start(), m.end(), "natural", "") for word in natural for m in re.finditer(re.escape(word), text)]
    return cut(text, spans)


def read_samples(evaluate: Path, data: Path | None, count: int) -> list[Sample]:
    """`samples` from the artifacts; empty where there are no outputs."""
    file = evaluate / "outputs.parquet"
    if not file.exists() or count == 0:
        return []
    outputs = list(read_records(file, Output))
    wanted = {o.id for o in outputs}
    pairs_file = data / "pairs.test.parquet" if data else None
    pairs = {}
    if pairs_file and pairs_file.exists():
        pairs = {p.id: p for p in read_records(pairs_file, Pair) if p.id in wanted}
    return samples(outputs, pairs, count)
