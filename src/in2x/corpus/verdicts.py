"""What became of every row: a verdict for each that did not get in, and the figures of the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from in2x.corpus.clean import RULE_NAMES
from in2x.corpus.dedup import Ids
from in2x.corpus.documents import beside, decided
from in2x.corpus.duplicates import Duplicates
from in2x.corpus.read import FILE
from in2x.corpus.shards import batches
from in2x.records import Verdict, write_records


def write_verdicts(
    file: Path, prepared: list[Path], files: list[Path], removed: Duplicates, mixed: Mapping[str, Any]
) -> dict[str, Any]:
    """`verdicts.parquet`: gate, reason, file and line of every row that did not get in; the rows add up.

    Args:
        files: of each shard in `prepared`, what was decided.
        mixed: figures of the mix.
    """
    repeated = _Places(removed.originals())
    rejected: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    rows = 0

    def verdicts() -> Iterator[Verdict]:
        nonlocal rows
        names = ["index", "id", "file", "line", "gate", "reason", "text"]
        for folder, shard in zip(prepared, files, strict=True):
            for batch, found, at in beside(batches(folder, names), decided(shard, ["gate", "reason"])):
                rows += batch.num_rows
                gates, reasons = batch.column("gate").to_pylist(), batch.column("reason").to_pylist()
                decisions = zip(found["gate"].to_pylist(), found["reason"].to_pylist(), strict=True)
                decision = dict(zip(at.tolist(), decisions, strict=True))
                index = batch.column("index").to_numpy()
                of, near = removed.of(index)
                repeated.see(index, batch)
                for k in range(batch.num_rows):
                    evidence: dict[str, Any] = {"file": batch.column("file")[k].as_py(),
                                                "line": batch.column("line")[k].as_py()}  # fmt: skip
                    if gates[k]:
                        gate, reason = gates[k], reasons[k]
                    elif (original := of[k]) is not None:
                        gate, reason = "dedup", "near" if near[k] else "exact"
                        evidence["of"] = repeated.place(original)
                    else:
                        gate, reason = decision[k]
                        if gate is None:
                            continue
                    text = batch.column("text")[k].as_py()
                    if gate != "mix":
                        evidence["text"] = text[:200]
                    key = f"{gate}: {reason}" if gate != "read" else "read"
                    rejected[key] += 1
                    if len(examples.setdefault(key, [])) < 3 and text:
                        examples[key].append(text[:120])
                    yield Verdict(
                        id=batch.column("id")[k].as_py(), stage=f"corpus.{gate}", kept=False, reason=reason,
                        evidence=evidence,
                    )  # fmt: skip

    write_records(file, verdicts(), Verdict)
    kept, held = mixed["kept"], mixed["held"]
    if rows != kept + held + sum(rejected.values()):
        raise AssertionError("rows were lost between reading and writing")
    return {
        "rows": {"in": rows, "kept": kept, "heldout": held, "rejected": sum(rejected.values()),
                 "documents": mixed["documents"]},
        "rejected": dict(rejected.most_common()), "examples": {key: examples[key] for key in sorted(examples)},
    }  # fmt: skip


class _Places:
    """Where the documents stand that others repeat: 16 bytes for each, and the names of their files."""

    def __init__(self, originals: Ids) -> None:
        self._originals, self._lines = originals, np.zeros(len(originals), np.int64)
        self._files: dict[int, str] = {}

    def see(self, index: Ids, batch: pa.RecordBatch) -> None:
        """Remember those of `batch`, which has `index`: all that repeats them comes later."""
        at = np.searchsorted(self._originals, index)
        inside = np.flatnonzero(at < len(self._originals))
        mine = inside[self._originals[at[inside]] == index[inside]]
        self._lines[at[mine]] = batch.column("line").to_numpy()[mine]
        _, first = np.unique(index[mine] >> FILE, return_index=True)
        for k in mine[first].tolist():
            self._files[int(index[k]) >> FILE] = batch.column("file")[k].as_py()

    def place(self, original: int) -> dict[str, Any]:
        """File and line of one of them."""
        at = int(np.searchsorted(self._originals, np.uint64(original)))
        return {"file": self._files[original >> FILE], "line": int(self._lines[at])}


def count_rules(prepared: list[Path], sets: list[str]) -> dict[str, Any]:
    """Figures of cleaning: how often each rule struck, and what each evaluation set cost."""
    struck, texts, chars = np.zeros(len(RULE_NAMES), np.int64), np.zeros(len(RULE_NAMES), np.int64), 0
    foreign = 0
    by_set = {name: {"documents": 0, "dropped": 0, "lines": 0} for name in sets}
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
    rules = {n: {"documents": int(t), "times": int(s)} for n, t, s in zip(RULE_NAMES, texts, struck, strict=True)}
    return {"rules": rules, "foreign_lines": foreign, "raw_chars": chars, "decontaminated": by_set}
