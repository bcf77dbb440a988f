"""The gates that need no model on expressive instructions: what is sound and lost, what is faulty and kept, by gate.

    python benchmarks/instruction_gates.py

Five labelled sets: two of ours, whose author knew the rules; six rounds of one writer, each written before the rules
were tried on it and mended by since; the first blind one, whose author saw no rule, mended by since; and the second
blind one, written before its author read a rule. Nobody mends rules by that one, so its figures are those that count.
Single sets, and the items themselves: `in2x instruct-check FILE`.
"""

from __future__ import annotations

from pathlib import Path

from in2x.instructions.gate_check import Measured, by_code, measured, read_cases

HERE = Path(__file__)
SETS = {
    "ours": HERE.with_suffix(".yaml"),
    "ours, more": HERE.with_name("instruction_gates_more.yaml"),
    "six rounds, read since": HERE.with_name("instruction_gates_rounds.yaml"),
    "blind 1, read since": HERE.with_name("instruction_gates_blind.yaml"),
    "blind 2, unread": HERE.with_name("instruction_gates_blind2.yaml"),
}


def figures() -> dict[str, Measured]:
    """The figures by set."""
    return {name: measured(by_code(read_cases(file))) for name, file in SETS.items()}


def main() -> None:
    found = figures()
    print("| set | items | precision | recall of what code can see | sound kept | faults for a judge alone, touched |")
    print("|---|---|---|---|---|---|")
    for name, one in found.items():
        shares = (one.precision, one.recall, one.sound_kept, one.recall_judge)
        print(f"| {name} | {one.items} | " + " | ".join("-" if s is None else f"{s:.3f}" for s in shares) + " |")
    print("\n| gate | " + " | ".join(f"{name}: faulty, sound" for name in SETS) + " |\n|---|" + "---|" * len(SETS))
    gates = {name: {gate.name: gate for gate in found[name].gates} for name in SETS}
    for gate in sorted({name for part in gates.values() for name in part}):
        cells = [(f"{part[gate].faulty}, {part[gate].sound}" if gate in part else "-") for part in gates.values()]
        print(f"| {gate} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
