"""The page's part on what went in: sentence pairs, corpus by language and domain, rejects, instructions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from in2x.language.codes import known_name
from in2x.pages.charts import Bar, bars
from in2x.report.results import direction

Counts = dict[str, dict[str, float]]
EXCERPTS, CHARS = 12, 240
"""Documents that are shown, and characters of each (our choice)."""
REASONS = 14
"""Reasons of rejection that have a bar of their own (our choice)."""


def count(path: Path, *columns: str) -> Counter[tuple[Any, ...]]:
    """How often each combination of `columns` occurs in a Parquet file or a folder of them; empty if absent."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path] if path.exists() else []
    found: Counter[tuple[Any, ...]] = Counter()
    for file in files:
        with pq.ParquetFile(file) as parquet:
            if not set(columns) <= set(parquet.schema_arrow.names):
                continue
            for batch in parquet.iter_batches(columns=list(columns)):
                found.update(zip(*(batch.column(c).to_pylist() for c in columns), strict=True))
    return found


def pairs(data: Path) -> list[Bar]:
    """Sentence pairs by direction and split."""
    rows: Counts = {}
    for split in ("train", "dev", "test"):
        for (source, target), number in sorted(count(data / f"pairs.{split}.parquet", "src_lang", "tgt_lang").items()):
            rows.setdefault(direction(f"{source}-{target}"), {})[split] = number
    return bars(rows)


def documents(corpus: Path) -> list[Bar]:
    """Kept documents by language and domain, in characters."""
    rows: Counts = {}
    folder = corpus / "documents"
    for file in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(columns=["lang", "domain", "text"]):
                sizes = pc.utf8_length(batch.column("text")).to_pylist()
                for lang, domain, size in zip(
                    batch.column("lang").to_pylist(), batch.column("domain").to_pylist(), sizes, strict=True
                ):
                    row = rows.setdefault("bilingual" if lang == "mul" else known_name(lang), {})
                    row[domain] = row.get(domain, 0) + size
    return bars(dict(sorted(rows.items(), key=lambda item: -sum(item[1].values()))))


def mixture(figures: Mapping[str, Any]) -> list[Bar]:
    """Tokens wanted and got by language and domain, from the figures of the corpus stage."""
    rows: Counts = {}
    for cell in figures.get("mix", []):
        for kind in ("wanted", "got"):
            rows[f"{known_name(cell['lang'])} {cell['domain']}, {kind}"] = {kind: float(cell[kind])}
    for name in ("bilingual", "styled"):
        for kind in ("wanted", "got") if figures.get(name, {}).get("wanted") else ():
            rows[f"{name}, {kind}"] = {kind: float(figures[name][kind])}
    return bars(rows)


def decontaminated(figures: Mapping[str, Any]) -> list[Bar]:
    """Documents that shared text with each evaluation set: cut or dropped."""
    rows: Counts = {}
    for name, found in figures.get("decontaminated", {}).items():
        cut = found["documents"] - found["dropped"]
        rows[name] = {"lines cut out": float(cut), "dropped": float(found["dropped"])}
    return bars(rows)


def excerpts(corpus: Path, lang: str) -> list[dict[str, str]]:
    """Beginnings of documents in `lang`, evenly spaced over the corpus: what the model has read, to be looked at."""
    held: list[dict[str, str]] = []
    step = kept = 1
    for file in sorted((corpus / "documents").glob("part-*.parquet")):
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(256, columns=["lang", "source", "text"]):
                for row in batch.filter(pc.equal(batch.column("lang"), lang)).to_pylist():
                    if kept % step == 0:
                        held.append({"source": row["source"], "text": row["text"][:CHARS]})
                    kept += 1
                    if len(held) == 2 * EXCERPTS:  # twice too many: keep every other one, and read on at half the pace
                        held, step = held[1::2], 2 * step
    return held[:EXCERPTS]


def rejects(folder: Path) -> list[Bar]:
    """Rejected items by gate and reason, the most frequent first."""
    found = count(folder / "verdicts.parquet", "stage", "reason", "kept")
    merged: Counter[str] = Counter()
    for (gate, reason, kept), number in found.items():
        if not kept:
            name = str(gate).rpartition(".")[2]
            merged[f"{name} · {_short(reason)}" if reason else name] += number
    rows = {name: {"": float(number)} for name, number in merged.most_common(REASONS)}
    rest = sum(merged.values()) - sum(sum(parts.values()) for parts in rows.values())
    if rest:
        rows["other reasons"] = {"": float(rest)}
    return bars(rows)


def _short(reason: str) -> str:
    """A reason without its particulars, so that like reasons are counted together."""
    return str(reason).split(":")[0].split("(")[0].strip()[:60]


def instructions(instruct: Path) -> list[Bar]:
    """Verified instructions by task and pool."""
    rows: Counts = {}
    for pool in ("sft", "rl"):
        for (task,), number in sorted(count(instruct / f"pool.{pool}.parquet", "task").items(), key=lambda i: -i[1]):
            rows.setdefault(str(task), {})[pool.upper()] = number
    return bars(dict(sorted(rows.items(), key=lambda item: -sum(item[1].values()))))


def languages_of(instruct: Path) -> list[Bar]:
    """Verified instructions by language of the answer and pool."""
    rows: Counts = {}
    for pool in ("sft", "rl"):
        for (lang,), number in sorted(count(instruct / f"pool.{pool}.parquet", "lang").items()):
            rows.setdefault(known_name(str(lang)), {})[pool.upper()] = number
    return bars(rows)


def facts(figures: Mapping[str, Any], depth: int = 0) -> list[tuple[int, str, Any]]:
    """Figures of a manifest as (depth, name, value) rows; long lists are cut with their length."""
    rows: list[tuple[int, str, Any]] = []
    for name, value in figures.items():
        label = str(name).replace("_", " ")
        if isinstance(value, Mapping):
            rows.append((depth, label, None))
            rows += facts(value, depth + 1)
        elif isinstance(value, list):
            shown = ", ".join(str(v) for v in value[:8])
            rows.append((depth, label, shown + (f" … ({len(value)})" if len(value) > 8 else "")))
        else:
            rows.append((depth, label, value))
    return rows
