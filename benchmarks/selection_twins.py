"""Are twins, one item in two languages, found without a model, and is nothing else taken for one?

    python benchmarks/selection_twins.py DATA/math/mgsm.en.jsonl DATA/math/mgsm.ja.jsonl DATA/math/mgsm.zh.jsonl

Each file holds the same questions in another language, in the same order ({"question": ...}); the language is the last
part of its name. Of a quarter of the questions one language alone goes into the pool, so that what is not there may be
taken for something else. Printed are, by pair of languages, the share of twins that are linked and of links that are
twins.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from in2x.records import Instruction, write_records
from in2x.selection.pool import read_pool
from in2x.selection.twins import by_signs


def main(files: list[str]) -> None:
    """See the module docstring."""
    rows = {}
    for name in files:
        lines = Path(name).read_text(encoding="utf-8").splitlines()
        rows[Path(name).stem.rpartition(".")[2]] = [json.loads(line)["question"] for line in lines]
    langs = list(rows)
    items = [
        Instruction(f"{lang} {number:04d}", lang, "math", [{"role": "user", "content": text}])
        for lang, texts in rows.items() for number, text in enumerate(texts)
        if number % 4 or langs[number // 4 % len(langs)] == lang
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        write_records(folder / "sft.parquet", items, Instruction)
        write_records(folder / "rl.parquet", [], Instruction)
        pool = read_pool(folder / "sft.parquet", folder / "rl.parquet", folder / "pool")
        began = time.process_time()
        links = list(by_signs(pool, np.arange(len(pool))))
        seconds = time.process_time() - began
        ids = list(pool.ids)
    found = {frozenset((ids[a], ids[b])) for left, right in links
             for a, b in zip(left.tolist(), right.tolist(), strict=True)}  # fmt: skip
    there = {item.id for item in items}
    for a, b in itertools.combinations(langs, 2):
        true = {frozenset((f"{a} {n:04d}", f"{b} {n:04d}")) for n in range(len(rows[a]))}
        true = {pair for pair in true if pair <= there}
        mine = {pair for pair in found if {name.split()[0] for name in pair} == {a, b}}
        print(f"{a}-{b}: {len(true & mine)} of {len(true)} twins linked, {len(mine - true)} of {len(mine)} links wrong")
    print(f"{len(items)} items, {seconds:.1f} s of processor time")


if __name__ == "__main__":
    main(sys.argv[1:])
