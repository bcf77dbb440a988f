"""Moved lines: how many planted shifts are found, and how many untouched batches are called shifted.

    python benchmarks/shift.py --data ../shared/data [--batches 200] [--set enja] [--seed 0] [--split dev]

Batches of 10 to 30 consecutive rows of a set of sentence pairs, both directions. Planted, one a batch: a run of answers
moved by one line ("run"), two neighbours exchanged ("swap"), two answers merged into one line and another doubled so
that the count is right ("merge"). "found": a line that moved is named; "false": untouched batches in which any is.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import random
import time
from pathlib import Path

from in2x.principles.shift import shifted

SETS = {
    "enja": ("parallel/enja.{split}.jsonl", "en", "ja", "en", "ja"),
    "dialogue": ("eval/dialogue.ja-en.jsonl", "en", "ja", "en_sentence", "ja_sentence"),
    "wmt24": ("eval/wmt24.en-ja.jsonl.gz", "en", "ja", "src", "ref"),
    "trilingual": ("parallel/trilingual.jsonl", "en", "ja", "en", "ja"),
    "jazh": ("parallel/jazh.test.jsonl", "ja", "zh", "ja", "zh"),
    "multi30k": ("parallel/multi30k.en-de.{split}.jsonl", "en", "de", "en", "de"),
}
KINDS = ("run", "swap", "merge")


def pairs(data: Path, name: str, split: str) -> tuple[list[tuple[str, str]], str, str]:
    file, a, b, left, right = SETS[name]
    path = data / file.format(split=split)
    if not path.exists():
        path = path.with_name(path.name + ".gz")
    raw = path.read_bytes()
    rows = [json.loads(line) for line in (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines()]
    return [(row[left], row[right]) for row in rows], a, b


def plant(answers: list[str], kind: str, rng: random.Random) -> tuple[list[str], set[int]]:
    """The answers with a fault of a kind, and the lines that moved."""
    made, size = list(answers), len(answers)
    if kind == "swap":
        at = rng.randrange(size - 1)
        made[at], made[at + 1] = made[at + 1], made[at]
        return made, {at, at + 1}
    first = rng.randrange(size - 4)
    last = rng.randrange(first + 4, size + 1)
    if kind == "run":
        run = made[first:last]
        made[first:last] = [run[-1], *run[:-1]] if rng.random() < 0.5 else [*run[1:], run[0]]
        return made, set(range(first, last))
    joined = made[first] + made[first + 1]
    made[first:last] = [joined, *made[first + 2 : last], made[last - 1]]
    return made, set(range(first + 1, last - 1))


def measure(
    rows: list[tuple[str, str]], a: str, b: str, batches: int, seed: int
) -> tuple[dict[str, list[int]], int, int]:
    """(kind -> [found, planted], false batches, untouched batches)."""
    rng = random.Random(seed)
    found = {kind: [0, 0] for kind in KINDS}
    false = clean = 0
    for number in range(batches):
        size = rng.randint(10, min(30, len(rows)))
        first = rng.randrange(len(rows) - size + 1)
        batch = rows[first : first + size]
        batch, source_lang, target_lang = (batch, a, b) if number % 2 else ([(y, x) for x, y in batch], b, a)
        sources, answers = [x for x, _ in batch], [y for _, y in batch]
        clean += 1
        false += bool(shifted(sources, answers, source_lang, target_lang))
        kind = KINDS[number % 3]
        made, moved = plant(answers, kind, rng)
        named = {shift.line for shift in shifted(sources, made, source_lang, target_lang)}
        found[kind][0] += bool(named & moved)
        found[kind][1] += 1
    return found, false, clean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", choices=SETS, action="append")
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    print("| set | batches | " + " | ".join(KINDS) + " | all | false |\n|" + "---|" * (len(KINDS) + 4))
    began = time.process_time()
    for name in options.set or SETS:
        found, false, clean = measure(*pairs(options.data, name, options.split), options.batches, options.seed)
        cells = [f"{100 * a / b:.1f}" for a, b in found.values()]
        total = 100 * sum(a for a, _ in found.values()) / sum(b for _, b in found.values())
        print(f"| {name} | {clean} | {' | '.join(cells)} | {total:.1f} | {100 * false / clean:.1f} |", flush=True)
    print(f"\n{time.process_time() - began:.0f} s of one {platform.machine()} core")


if __name__ == "__main__":
    main()
