"""The figures of a finished run as Markdown tables: what docs/results/ shows of a recipe.

    in2x run recipes/enja-cpu.yaml --set data.train=... --set data.dev=... --set data.test=...
    python benchmarks/run_table.py runs/enja-cpu

Reads manifests and scores only; nothing is computed anew.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path

STAGES = ("data", "corpus", "base", "pretrain", "instruct", "select", "sft", "rl", "merge", "evaluate", "report")
GAINS = ("BLEU", "chrF", "chrF sampled", "principles", "principles sampled", "principle/register")
"""What RL is asked to raise, or at least to keep."""
PART = ("BLEU", "chrF")
"""What every stage's part is measured by."""


def main(folder: Path) -> None:
    scores = json.loads((folder / "evaluate" / "scores.json").read_text(encoding="utf-8"))
    wanted = [
        (pair, metric)
        for pair in dict.fromkeys(row["pair"] for row in scores)
        for metric in dict.fromkeys(row["metric"] for row in scores if row["pair"] == pair)
        if not metric.startswith("principle/") or metric == "principle/register"
    ]
    systems = list(dict.fromkeys(row["system"] for row in scores))
    values = {(row["system"], row["pair"], row["metric"]): row for row in scores}
    print("| | " + " | ".join(systems) + " |\n|---|" + "---:|" * len(systems))
    for pair, metric in wanted:
        cells = []
        for system in systems:
            row = values.get((system, pair, metric))
            if row is None:
                cells.append("")
            elif row.get("low") is None:
                cells.append(f"{row['value']:.2f}")
            else:
                digits = 3 if metric.startswith("principle") else 1
                cells.append(f"{row['value']:.{digits}f} ({row['low']:.{digits}f} to {row['high']:.{digits}f})")
        print(f"| {pair} {metric} | " + " | ".join(cells) + " |")
    found = json.loads((folder / "evaluate" / "differences.json").read_text(encoding="utf-8"))
    found = [row for row in found if row["metric"] in (GAINS if (row["a"], row["b"]) == ("rl", "sft") else PART)]
    if found:
        print("\n| paired bootstrap | | difference (95%) |\n|---|---|---:|")
    for row in found:
        scale = 100 if row["metric"].startswith("principle") else 1
        a, low, high = (f"{scale * row[k]:+.1f}" for k in ("difference", "low", "high"))
        print(f"| {row['a']} minus {row['b']} | {row['pair']} {row['metric']} | {a} ({low} to {high}) |")
    print("\n| stage | seconds | peak memory, MB |\n|---|---:|---:|")
    total = 0.0
    for stage in STAGES:
        manifest = json.loads((folder / stage / "manifest.json").read_text(encoding="utf-8"))
        total += manifest["seconds"]
        print(f"| {stage} | {manifest['seconds']:.0f} | {manifest['peak_rss_mb']} |")
    print(f"| together | {total:.0f} | |")
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; versions: "
          + ", ".join(f"{k} {v}" for k, v in manifest["versions"].items()))  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python benchmarks/run_table.py RUN_FOLDER")
    main(Path(sys.argv[1]))
