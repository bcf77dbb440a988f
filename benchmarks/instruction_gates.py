"""The gates that need no model on expressive instructions: what is sound and lost, what is faulty and kept, by kind.

    python benchmarks/instruction_gates.py [--set benchmarks/instruction_gates.yaml] [--show]

Of each row of the set the answer is freed of what a model says around it, then the rules look, as in `in2x instruct`. A
sound item is right where it is kept letter by letter, a faulty one where it is rejected or freed. Precision: share of
faulty items among all that were touched; recall: share of the faulty ones that were.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from in2x.instructions.config import RulesConfig
from in2x.instructions.rules import check
from in2x.instructions.tidy import tidied
from in2x.records import Instruction

SET = Path(__file__).with_suffix(".yaml")


def gate_of(lang: str, prompt: str, answer: str) -> str | None:
    """The gate that touches an item, None where it is kept as it is: "tidy: ..." or "rules: ..."."""
    item = Instruction("item", lang, "chat", [{"role": "user", "content": prompt}], answer, origin="magpie")
    item, taken = tidied(item)
    if fault := check(item, RulesConfig()):
        return f"rules: {fault[0]}"
    return f"tidy: {taken[0]}" if taken else None


def measured(rows: dict[str, dict[str, list[list[str]]]]) -> dict[str, Any]:
    """Precision, recall, and for every kind how many of it there are, are right, and where they were touched."""
    kinds: dict[str, dict[str, Any]] = {}
    touched = {"sound": 0, "faulty": 0}
    total = {"sound": 0, "faulty": 0}
    wrong = []
    for side, by_kind in ((s, k) for s, k in rows.items() if s != "judge"):
        for kind, items in by_kind.items():
            gates = [gate_of(*item) for item in items]
            caught = sum(gate is not None for gate in gates)
            touched[side] += caught
            total[side] += len(items)
            kinds[f"{side}: {kind}"] = {
                "items": len(items), "right": caught if side == "faulty" else len(items) - caught,
                "gates": dict(Counter(gate for gate in gates if gate)),
            }  # fmt: skip
            wrong += [
                (f"{side}: {kind}", gate, *item)
                for gate, item in zip(gates, items, strict=True)
                if (gate is None) == (side == "faulty")
            ]
    return {
        "precision": touched["faulty"] / max(1, sum(touched.values())), "recall": touched["faulty"] / total["faulty"],
        "sound_kept": 1 - touched["sound"] / total["sound"], "total": total, "kinds": kinds, "wrong": wrong,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=SET, help="sound and faulty, by kind [language, prompt, answer]")
    parser.add_argument("--show", action="store_true", help="print the rows that came out wrong")
    args = parser.parse_args()
    found = measured(yaml.safe_load(args.set.read_text(encoding="utf-8")))
    print("| kind | items | right | touched by |\n|---|---|---|---|")
    for kind, row in found["kinds"].items():
        gates = ", ".join(f"{gate} {number}" for gate, number in sorted(row["gates"].items()))
        print(f"| {kind} | {row['items']} | {row['right']} | {gates or '-'} |")
    total = found["total"]
    print(f"\nprecision {found['precision']:.3f}, recall {found['recall']:.3f}, sound kept {found['sound_kept']:.3f} "
          f"of {total['sound']} sound and {total['faulty']} faulty")  # fmt: skip
    if args.show:
        for row in found["wrong"]:
            print("  ".join(map(str, row)).replace("\n", "⏎"))


if __name__ == "__main__":
    main()
