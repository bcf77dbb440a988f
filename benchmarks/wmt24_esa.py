"""WMT24 en-ja: every string metric and every code check against human ESA scores, and a combination, cross-validated.

    python benchmarks/wmt24_esa.py --data ../shared/data [--ter]

Prints three Markdown tables: agreement with people at system and segment level; combinations of chrF and the checks,
predicted for documents that their weights have not seen (`in2x.evaluate.combination`), against chrF alone; and the
systems' rank clusters by ESA. p-values are paired bootstraps over documents. TER costs some minutes (--ter).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from in2x.evaluate.clusters import rank_clusters
from in2x.evaluate.combination import combined
from in2x.evaluate.correlation import Agreement, accuracy_by_group, pearson_by_group, segment_level
from in2x.evaluate.judged import check_tables, correlate, metric_table, read_judged
from in2x.metrics.significance import Floats, paired_bootstrap


def ranks(table: Floats) -> Floats:
    """Ranks over all cells of a table, NaN kept."""
    there = ~np.isnan(table)
    found = np.full(table.shape, np.nan)
    found[there] = rankdata(table[there])
    return found


def cells(agreement: Agreement | None) -> str:
    """Pearson | Spearman | Kendall | accuracy."""
    if agreement is None:
        return "– | – | – | –"
    return " | ".join(
        f"{v:.3f}" for v in (agreement.pearson, agreement.spearman, agreement.kendall, agreement.accuracy)
    )


def against(table: Floats, base: Floats, human: Floats, documents: Sequence[str]) -> str:
    """Differences to `base` with p-values, at segment level."""
    shown = []
    for a, b in (
        (pearson_by_group(table, human, documents), pearson_by_group(base, human, documents)),
        (pearson_by_group(ranks(table), ranks(human), documents),
         pearson_by_group(ranks(base), ranks(human), documents)),
        (accuracy_by_group(table, human, documents), accuracy_by_group(base, human, documents)),
    ):  # fmt: skip
        found = paired_bootstrap(a, b)
        shown.append(f"{found.difference:+.3f} ({found.low:+.3f} to {found.high:+.3f}, p = {found.p:.3f})")
    return " | ".join(shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--ter", action="store_true", help="TER as well")
    options = parser.parse_args()
    folder = options.data / "eval"
    judged = read_judged(folder / "wmt24.en-ja.jsonl.gz", folder / "wmt24.en-ja.esa.jsonl", "en-ja")
    documents = judged.documents
    count = int((~np.isnan(judged.human)).sum())
    print(f"{count} judgements of {len(judged.systems)} systems, {len(judged.items)} segments in {len(set(documents))} "
          f"documents; left out: {', '.join(judged.left_out) or 'none'}.\n")  # fmt: skip
    metrics = {m: metric_table(judged, m, "ja") for m in ("chrF", "chrF++", "BLEU", *(["TER"] if options.ter else []))}
    checks = check_tables(judged, "en", "ja")
    tables = [(n, "metric", t) for n, t in metrics.items()] + [(n, "check", t) for n, t in checks.items()]
    print("| | kind | system: Pearson | Spearman | Kendall | pairs | segment: Pearson | Spearman | Kendall | pairs, "
          "ties calibrated | n |\n|---|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for row in correlate(tables, judged.human):
        n = row.segment.n if row.segment else 0
        print(f"| {row.name} | {row.kind} | {cells(row.system)} | {cells(row.segment)} | {n} |")
    free = [t for name, t in checks.items() if "reference" not in name]
    chrf = metrics["chrF"]
    rows = {
        "chrF alone": chrf,
        "checks without a reference": combined(free, judged.human, documents),
        "chrF + checks without a reference": combined([chrf, *free], judged.human, documents),
        "chrF + all checks": combined([chrf, *checks.values()], judged.human, documents),
        "chrF + all checks, fitted to raw scores": combined(
            [chrf, *checks.values()], judged.human, documents, ranks=False
        ),
    }
    print("\n| ridge, ten folds of documents, nested | Pearson | Spearman | Kendall | pairs | Pearson against chrF | "
          "Spearman against chrF | pairs against chrF |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
    for name, table in rows.items():
        gap = "– | – | –" if table is chrf else against(table, chrf, judged.human, documents)
        print(f"| {name} | {cells(segment_level(table, judged.human))} | {gap} |")
    print("\n| ESA | mean | cluster | rank range |\n|---|---|---|---|")
    for p in rank_clusters(judged.human, judged.systems):
        print(f"| {p.system} | {p.mean:.1f} | {p.cluster} | {p.first}–{p.last} |")


if __name__ == "__main__":
    main()
