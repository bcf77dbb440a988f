"""What the patterns of personal data find in real text: how many, by set and kind; --show prints each in its line.

    python benchmarks/personal.py --data ../shared/data [--show]

Whether a find is one is read by a person: that is how precision is counted. Texts go through the rules of the corpus
first, so that the frames of books do not count.
"""

# ruff: noqa: E501  # names of sets

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from in2x.corpus.clean import clean, rules
from in2x.corpus.personal import Kind, mask_personal

KINDS: tuple[Kind, ...] = ("mail", "phone", "card", "address")
SETS = (
    "raw/*",
    "instructions/*",
    "parallel/enja.train*",
    "parallel/jazh.train*",
    "eval/wmt24*",
    "eval/dialogue*",
    "eval/mtbench_ja/a*",
)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def lines(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as stream:
        yield from stream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args()
    order = rules()
    print("| set | million characters | " + " | ".join(KINDS) + " | MB a second |\n|---|" + "---:|" * (2 + len(KINDS)))
    for file in [file for pattern in SETS for file in sorted(given.data.glob(pattern)) if ".jsonl" in file.name]:
        found: Counter[str] = Counter()
        shown: Counter[tuple[str, str]] = Counter()
        chars = size = 0
        spent = 0.0
        for line in lines(file):
            for raw in strings(json.loads(line)):
                text = clean(raw, order)[0]
                chars += len(text)
                size += len(text.encode())
                began = time.process_time()
                for kind in KINDS:
                    new, count = mask_personal(text, (kind,))
                    found[kind] += count
                    if count and given.show:
                        was, now = text.split("\n"), new.split("\n")
                        shown.update((kind, a[:200]) for a, b in zip(was, now, strict=True) if a != b)
                spent += time.process_time() - began
        told = " | ".join(str(found[kind]) for kind in KINDS)
        print(
            f"| {file.parent.name}/{file.name.split('.jsonl')[0]} | {chars / 1e6:.1f} | {told} | {size / 1e6 / spent:.0f} |",
            flush=True,
        )
        for (kind, text), count in shown.most_common():
            print(f"    {count} {kind}: {text}")


if __name__ == "__main__":
    main()
