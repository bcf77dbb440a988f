"""What the gate of sentence pairs leaves out: of human translations (false alarms), and of made garbage.

    python benchmarks/pair_gate.py --data ../shared/data

Garbage is made of the human pairs: sides shuffled against each other are not seen by any rule and are shown as such.
"""

# ruff: noqa: E501  # tables of texts

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from in2x.corpus.clean import rules
from in2x.corpus.pairs import clean_pairs
from in2x.records import Pair

SETS = (
    ("parallel/enja.train.jsonl.gz", "en", "ja", "en", "ja"), ("parallel/trilingual.jsonl", "ja", "zh", "ja", "zh"),
    ("parallel/trilingual.jsonl", "en", "zh", "en", "zh"), ("parallel/multi30k.en-de.test.jsonl", "en", "de", "en", "de"),
    ("parallel/jazh.train.jsonl.gz", "ja", "zh", "ja", "zh"), ("eval/wmt24.en-ja.jsonl.gz", "en", "ja", "src", "ref"),
    ("eval/wmt24.ja-zh.jsonl.gz", "ja", "zh", "src", "ref"), ("eval/dialogue.ja-en.jsonl", "ja", "en", "ja_sentence", "en_sentence"),
    ("register/formality.en-ja.jsonl", "en", "ja", "en", "informal"), ("register/formality.en-ko.jsonl", "en", "ko", "en", "informal"),
    ("register/formality.en-ru.jsonl", "en", "ru", "en", "informal"), ("register/formality.en-vi.jsonl", "en", "vi", "en", "informal"),
    ("register/formality.en-hi.jsonl", "en", "hi", "en", "informal"), ("register/formality.en-pt.jsonl", "en", "pt", "en", "informal"),
)  # fmt: skip

GARBAGE: dict[str, Callable[[Pair, Pair], tuple[str, str]]] = {
    "copied": lambda p, q: (p.source, p.source),
    "sides exchanged": lambda p, q: (p.target, p.source),
    "one side cut to a word": lambda p, q: (p.source + " " + q.source, p.target[:3]),
    "one side three sentences more": lambda p, q: (p.source, f"{p.target} {q.target} {q.target} {p.target} {q.target}" * 2),
    "tags and addresses": lambda p, q: ('<a href="https://example.com/index.html?id=5">Home</a>', p.target),
    "signs": lambda p, q: ("=== --- *** ||| ~~~ ### 1", p.target),
    "lost characters": lambda p, q: (p.source, p.target[:2] + "\ufffd" * 4 + p.target[2:]),
    "a mantra": lambda p, q: (p.source, "buy cheap now " * 40),
    "furniture of a page": lambda p, q: ("All rights reserved.", "無断転載を禁じます"),
}  # fmt: skip


def read(file: Path, names: tuple[str, str, str, str]) -> Iterator[Pair]:
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    for number, line in enumerate(raw.decode().split("\n")):
        row = json.loads(line) if line else {}
        if all(isinstance(row.get(field), str) and row[field].strip() for field in names[2:]):
            yield Pair(str(number), names[0], names[1], row[names[2]], row[names[3]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int, default=30_000, help="pairs of each set")
    parser.add_argument("--show", type=int, default=0, help="examples of what is left out")
    given = parser.parse_args()
    order = rules()
    print("| human pairs | pairs | left out | share | by reason |\n|---|---:|---:|---:|---|")
    for name, *names in SETS:
        file = given.data / name
        if not file.exists():
            print(f"| {name} is not there | | | | |")
            continue
        pairs = list(islice(read(file, (names[0], names[1], names[2], names[3])), given.most))
        lost: Counter[str] = Counter()
        began = time.process_time()
        kept = {pair.id for pair in clean_pairs(pairs, order, lost)}
        rate = len(pairs) / (time.process_time() - began)
        told = ", ".join(f"{reason} {count}" for reason, count in lost.most_common())
        label = f"{Path(name).name.split('.jsonl')[0]} {names[0]}-{names[1]}"
        print(f"| {label} | {len(pairs):,} | {len(pairs) - len(kept):,} | {1 - len(kept) / len(pairs):.2%} | {told} |")
        for pair in [pair for pair in pairs if pair.id not in kept][: given.show]:
            print(f"    {pair.source!r} / {pair.target!r}")
        if name == SETS[0][0]:
            speed, human = rate, pairs
    rng = random.Random(1)
    some = rng.sample(human, 2000)
    print("\n| garbage | found |\n|---|---:|")
    for kind, make in GARBAGE.items():
        made = [Pair(p.id, p.src_lang, p.tgt_lang, *make(p, rng.choice(some))) for p in some]
        print(f"| {kind} | {1 - len(list(clean_pairs(made, order, Counter()))) / len(made):.1%} |")
    print(f"\n{speed:,.0f} pairs a second of processor time")


if __name__ == "__main__":
    main()
