"""Name drift and steadiness of register over the WMT25 en-ja outputs, every system of the file.

    python benchmarks/wmt25_drift.py --data ../shared/data [--names]

A name drifts when one document spells it in more than one katakana way; "off-form" counts the uses of all but its most
frequent form. Style is the share of sentences (quotations apart) that close in the document's usual style, plain or
polite, mean over documents. `--names` lists every drift of In2x. Markdown to stdout, nothing is written.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from in2x.evaluate.wmt import TestDocument, read_testset
from in2x.language.japanese.consistency import narration_consistency
from in2x.language.japanese.names import NameDrift, name_drift

DOMAINS = ("literary", "news", "social", "speech")


def drifts_of(document: TestDocument, system: str) -> list[NameDrift]:
    return name_drift(document.paragraphs, document.hypotheses[system])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--names", action="store_true", help="list the drifts of In2x")
    options = parser.parse_args()
    documents = list(read_testset(options.data / "eval" / "wmt25.en-ja.jsonl.gz", "en-ja_JP").values())
    systems = sorted({system for document in documents for system in document.hypotheses})
    print(f"{len(documents)} documents, {sum(len(d.paragraphs) for d in documents)} paragraphs.\n")
    found = [domain for domain in DOMAINS if any(d.domain == domain for d in documents)]
    print("| system | names that drift | documents | off-form uses | Kyle | " + " | ".join(f"style, {d}" for d in found)
          + " |\n|" + "---|" * (5 + len(found)))  # fmt: skip
    for system in systems:
        drifting, off, where = 0, 0, 0
        kyle: Counter[str] = Counter()
        style: dict[str, list[float]] = {domain: [] for domain in found}
        for document in documents:
            if system not in document.hypotheses:
                continue
            drifts = drifts_of(document, system)
            drifting, where = drifting + len(drifts), where + bool(drifts)
            off += sum(len(drift.places) for drift in drifts)
            for drift in drifts:
                if drift.name == "Kyle":
                    kyle.update(dict(drift.forms))
            lines = [line for paragraph in document.hypotheses[system] for line in paragraph.split("\n")]
            kept = narration_consistency(lines).consistency
            if kept is not None and document.domain in style:
                style[document.domain].append(kept)
        forms = ", ".join(f"{form} {count}" for form, count in kyle.most_common(4)) or "one form"
        means = " | ".join(f"{np.mean(values):.3f}" if values else "–" for values in style.values())
        print(f"| {system} | {drifting} | {where} | {off} | {forms} | {means} |", flush=True)
    if options.names:
        print("\n| In2x: document | name | forms |\n|---|---|---|")
        for document in documents:
            for drift in drifts_of(document, "In2x") if "In2x" in document.hypotheses else []:
                forms = ", ".join(f"{form} {count}" for form, count in drift.forms)
                print(f"| {document.doc_id.split('_#_')[-1]} | {drift.name} | {forms} |")


if __name__ == "__main__":
    main()
