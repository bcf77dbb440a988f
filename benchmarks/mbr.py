"""What does choosing by minimum Bayes risk cost, and is it the same choice as by chrF written out plainly?

    python benchmarks/mbr.py            60 sets of 32 candidates of some 148 characters
    python benchmarks/mbr.py --quick    3 sets of 6

The candidates are made: noisy copies of random sentences. The peer is chrF as its paper has it, n-grams counted by
Python's `Counter`, those of each text once. What MBR does to translations is in `ensemble.py`.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
from small_model import machine

from in2x.metrics.chrf import pairwise_chrf
from in2x.metrics.significance import Floats
from in2x.translate.mbr import UTILITY

LETTERS = "etaoinshrdlu      のはにをがたでてとしれ猫庭眠雪山降"


def candidates(rng: random.Random, count: int, length: int) -> list[str]:
    """Noisy copies of one random text."""
    text = [rng.choice(LETTERS) for _ in range(length)]
    return ["".join(rng.choice(LETTERS) if rng.random() < 0.15 else char for char in text) for _ in range(count)]


def plain_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> Floats:
    """[hypotheses, references] chrF2, effective order."""
    texts = {text: "".join(text.split()) for text in (*hypotheses, *references)}
    grams = {text: [Counter(bare[i : i + n] for i in range(len(bare) - n + 1)) for n in range(1, 7)]
             for text, bare in texts.items()}  # fmt: skip
    return np.array([[_chrf(grams[one], grams[other]) for other in references] for one in hypotheses])


def _chrf(hypothesis: Sequence[Counter[str]], reference: Sequence[Counter[str]]) -> float:
    pairs = [(one, other, (one & other).total()) for one, other in zip(hypothesis, reference, strict=True)
             if one and other]  # fmt: skip
    precision = sum(both / one.total() for one, _, both in pairs) / max(1, len(pairs))
    recall = sum(both / other.total() for _, other, both in pairs) / max(1, len(pairs))
    return 500 * precision * recall / (4 * precision + recall) if precision + recall else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    sets, size = (3, 6) if given.quick else (60, 32)
    rng = random.Random(1)
    asked = [candidates(rng, size, 148) for _ in range(sets)]
    took, tables = {}, {}
    for name, measure in (("ours", pairwise_chrf), ("plain", plain_chrf)):
        began = time.process_time()
        tables[name] = [measure(some, some) for some in asked]
        took[name] = time.process_time() - began
    gap = max(float(np.abs(a - b).max()) for a, b in zip(tables["ours"], tables["plain"], strict=True))
    same = sum(int(a.mean(1).argmax() == b.mean(1).argmax())
               for a, b in zip(tables["ours"], tables["plain"], strict=True))  # fmt: skip
    print(f"{machine('fastchrf')}\nutility: {UTILITY}")
    print(
        f"{sets} sets of {size}: {took['ours']:.2f} s of processor time, by a Counter {took['plain']:.2f} s "
        f"({took['plain'] / took['ours']:.1f}x)\nsame choice {same} of {sets}, largest difference {gap:.0e}"
    )


if __name__ == "__main__":
    main()
