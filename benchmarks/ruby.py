"""How much of the ruby of real books is taken for a reading, and what is not?

    python benchmarks/ruby.py ../shared/data/raw/ja.jsonl.gz [--pairs 20000] [--show 20]

The file holds books with ruby as 《》, one JSON object a line with `text`. What is no reading is passed to the
translator in brackets, so a reading that is not known as one costs some words, and a meaning that is taken for a
reading is lost.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections import Counter

from in2x.formats import ruby

RUBY = re.compile("(?:｜([^｜《》\n]{1,20})|([々〆ヶ\u4e00-\u9fff]+))《([^》\n]+)》([\u3041-\u3096]{0,4})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--pairs", type=int, default=20_000, help="drawn from all of the file")
    parser.add_argument("--show", type=int, default=20, help="pairs of each use to print")
    args = parser.parse_args()
    pairs: list[tuple[str, str, str]] = []
    with gzip.open(args.file, "rt", encoding="utf-8") as lines:
        for line in lines:
            pairs += [(m[1] or m[2], m[3], m[4]) for m in RUBY.finditer(json.loads(line)["text"])]
    sample = random.Random(0).sample(pairs, min(args.pairs, len(pairs)))
    begin = time.perf_counter()
    uses = [ruby.use(base, above, "ja", after) for base, above, after in sample]
    rate = len(sample) / (time.perf_counter() - begin)
    print(f"{len(sample)} of {len(pairs)} pairs, {rate:,.0f} a second")
    for use, number in Counter(uses).most_common():
        shown = [f"{b}《{a}》" for (b, a, _), found in zip(sample, uses, strict=True) if found == use][: args.show]
        print(f"{use}: {number / len(sample):.1%}  {' '.join(shown)}")


if __name__ == "__main__":
    main()
