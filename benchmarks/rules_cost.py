"""What the rules of instructions cost: milliseconds of processor time an item, of tidying and all rules together.

    python benchmarks/rules_cost.py [SETS ...] [--most 2000] [--seed 1] [--verdicts FILE]

SETS are labelled sets or instruction sets, as `in2x instruct-check` reads them; without any, our own labelled sets.
Each is gone through twice, and the second time counts: the first compiles patterns. `--verdicts` writes what was said
of each item, a line each, so that two versions of the rules can be compared.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

from instruction_gates import SETS

from in2x.instructions.gate_check import by_code, read_cases, row


def main() -> None:
    """See the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", type=Path)
    parser.add_argument("--most", type=int, default=2000, help="items of a set, drawn by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verdicts", type=Path)
    given = parser.parse_args()
    named = {file.name: file for file in given.sets} or SETS
    print("| set | items | letters an item | ms an item | touched |\n|---|---:|---:|---:|---:|")
    lines = []
    for name, file in named.items():
        cases = read_cases(file)
        if len(cases) > given.most:
            cases = random.Random(given.seed).sample(cases, given.most)
        said = by_code(cases)
        began = time.process_time()
        by_code(cases)
        cost = 1e3 * (time.process_time() - began) / len(cases)
        size = sum(len(c.item.answer or "") + sum(len(m["content"]) for m in c.item.messages) for c in cases)
        touched = sum(one.gate is not None for one in said)
        print(f"| {name} | {len(cases):,} | {size // len(cases):,} | {cost:.2f} | {touched:,} |", flush=True)
        lines += [json.dumps(row(one), ensure_ascii=False, default=str) for one in said]
    if given.verdicts:
        given.verdicts.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
