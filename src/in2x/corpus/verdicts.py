"""What became of every row: a verdict for each that did not get in, and the figures of the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from in2x.corpus.clean import RULE_NAMES
from in2x.corpus.mixture import Choice, Table
from in2x.corpus.shards import batches
from in2x.records import Verdict, write_records
from in2x.stage import Stage


def write_verdicts(stage: Stage, prepared: list[Path], removed: dict[str, Any], table: Table, choice: Choice) -> None:
    """`verdicts.parquet`: gate, reason, file and line of every row that did not get in; the rows add up."""
    copied = {
        kind: dict(zip(removed[kind].tolist(), removed[f"{kind}_of"].tolist(), strict=True))
        for kind in ("exact", "near")
    }
    scored = {int(index): k for k, index in enumerate(table["index"])}
    rejected: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    rows = 0

    def verdicts() -> Iterator[Verdict]:
        nonlocal rows
        for folder in prepared:
            for batch in batches(folder, ["index", "id", "file", "line", "gate", "reason", "text"]):
                rows += batch.num_rows
                for row in batch.to_pylist():
                    index = row["index"]
                    evidence: dict[str, Any] = {"file": row["file"], "line": row["line"]}
                    if row["gate"]:
                        gate, reason = row["gate"], row["reason"]
                    elif index in copied["exact"]:
                        gate, reason, evidence["of"] = "dedup", "exact", copied["exact"][index]
                    elif index in copied["near"]:
                        gate, reason, evidence["of"] = "dedup", "near", copied["near"][index]
                    else:
                        k = scored[index]
                        if choice.count[k] or choice.held[k]:
                            continue
                        gate, reason = table["gate"][k], table["reason"][k]
                        if gate is None:
                            gate, reason = "mix", f"over the target of {table['lang'][k]}/{table['domain'][k]}"
                    if gate != "mix":
                        evidence["text"] = row["text"][:200]
                    key = f"{gate}: {reason}" if gate != "read" else "read"
                    rejected[key] += 1
                    if len(examples.setdefault(key, [])) < 3 and row["text"]:
                        examples[key].append(row["text"][:120])
                    yield Verdict(id=row["id"], stage=f"corpus.{gate}", kept=False, reason=reason, evidence=evidence)

    write_records(stage.out / "verdicts.parquet", verdicts(), Verdict)
    kept, held = int((choice.count > 0).sum()), int(choice.held.sum())
    if rows != kept + held + sum(rejected.values()):
        raise AssertionError("rows were lost between reading and writing")
    stage.figures["rows"] = {"in": rows, "kept": kept, "heldout": held, "rejected": sum(rejected.values()),
                             "documents": int(choice.count.sum())}  # fmt: skip
    stage.figures["rejected"] = dict(rejected.most_common())
    stage.figures["examples"] = {key: examples[key] for key in sorted(examples)}


def count_rules(stage: Stage, prepared: list[Path], sets: list[str], pairs: Counter[str]) -> None:
    """Figures of cleaning: how often each rule struck, and what each evaluation set cost (`pairs`: left out by set)."""
    struck, texts, chars = np.zeros(len(RULE_NAMES), np.int64), np.zeros(len(RULE_NAMES), np.int64), 0
    foreign = 0
    by_set = {name: {"documents": 0, "dropped": 0, "lines": 0, "pairs": pairs[name]} for name in sets}
    for folder in prepared:
        for batch in batches(folder, ["rules", "raw_chars", "foreign_lines", "touched", "cut_lines", "gate"]):
            counts = batch.column("rules").flatten().to_numpy().reshape(-1, len(RULE_NAMES))
            struck += counts.sum(axis=0)
            texts += (counts > 0).sum(axis=0)
            chars += pc.sum(batch.column("raw_chars")).as_py() or 0
            foreign += pc.sum(batch.column("foreign_lines")).as_py() or 0
            if sets:
                for row in batch.filter(pc.greater(pc.list_value_length(batch.column("touched")), 0)).to_pylist():
                    for name in row["touched"]:
                        by_set[name]["documents"] += 1
                        by_set[name]["dropped"] += row["gate"] == "decontaminate"
                        by_set[name]["lines"] += row["cut_lines"]
    stage.figures["rules"] = {
        n: {"documents": int(t), "times": int(s)} for n, t, s in zip(RULE_NAMES, texts, struck, strict=True)
    }
    stage.figures["foreign_lines"] = foreign
    stage.figures["raw_chars"] = chars
    stage.figures["decontaminated"] = by_set


def count_documents(stage: Stage, table: Table, choice: Choice) -> None:
    """Figures of what got in: by language, domain and source; quantiles of perplexity; documents by bucket."""
    for name, label in (("lang", "languages"), ("domain", "domains"), ("source", "sources")):
        by: dict[str, dict[str, int]] = {}
        for k in np.flatnonzero(choice.count):
            cell = by.setdefault(str(table[name][k]), {"documents": 0, "copies": 0, "tokens": 0})
            cell["documents"] += 1
            cell["copies"] += int(choice.count[k])
            cell["tokens"] += int(choice.count[k] * table["tokens"][k])
        stage.figures[label] = dict(sorted(by.items(), key=lambda item: -item[1]["tokens"])[:50])
    stage.figures["perplexity"], stage.figures["buckets"] = {}, {}
    for lang in sorted(set(table["lang"])):
        here = (table["lang"] == lang) & (choice.count > 0)
        if here.any():
            quantiles = np.nanquantile(table["perplexity"][here], (0.05, 0.25, 0.5, 0.75, 0.95))
            stage.figures["perplexity"][lang] = [round(float(q), 2) for q in quantiles]
            stage.figures["buckets"][lang] = dict(Counter(str(b) for b in table["bucket"][here]))
