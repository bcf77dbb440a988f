"""The gates that need no model on expressive instructions: what is sound and lost, what is faulty and kept, by gate.

    python benchmarks/instruction_gates.py

Two labelled sets: ours, whose author knew the rules, and the blind one, whose author saw none of them. Every third item
of the blind set is held out: nobody who mends a rule reads it, so its figures are those that count. Single sets, and
the items themselves: `in2x instruct-check FILE`.
"""

from __future__ import annotations

from pathlib import Path

from in2x.instructions.gate_check import Measured, by_code, held_out, measured, read_cases

OURS = Path(__file__).with_suffix(".yaml")
BLIND = OURS.with_name("instruction_gates_blind.yaml")


def figures() -> dict[str, Measured]:
    """The figures by set."""
    blind = read_cases(BLIND)
    seen, held = held_out(blind)
    sets = {"ours": read_cases(OURS), "blind, read": seen, "blind, held out": held, "blind, all": blind}
    return {name: measured(by_code(cases)) for name, cases in sets.items()}


def main() -> None:
    found = figures()
    print("| set | items | precision | recall of what code can see | sound kept | faults for a judge alone, touched |")
    print("|---|---|---|---|---|---|")
    for name, one in found.items():
        shares = (one.precision, one.recall, one.sound_kept, one.recall_judge)
        print(f"| {name} | {one.items} | " + " | ".join("-" if s is None else f"{s:.3f}" for s in shares) + " |")
    print("\n| gate | " + " | ".join(f"{name}: faulty, sound" for name in ("ours", "blind, all")) + " |\n|---|---|---|")
    gates = {name: {gate.name: gate for gate in found[name].gates} for name in ("ours", "blind, all")}
    for gate in sorted({name for part in gates.values() for name in part}):
        cells = [(f"{part[gate].faulty}, {part[gate].sound}" if gate in part else "-") for part in gates.values()]
        print(f"| {gate} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
