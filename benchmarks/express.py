"""The express suite: items checked a second, and what baselines and model folders pass.

python benchmarks/express.py [MODEL ...]
"""

from __future__ import annotations

import platform
import sys
import time

from in2x.evaluate.express.baselines import BASELINES
from in2x.evaluate.express.checks import check_answer
from in2x.evaluate.express.item import suite
from in2x.evaluate.express.score import score


def main(models: list[str]) -> None:
    items = suite()
    check_answer(items[0], items[0].natural[0])  # loads the dictionary
    started = time.perf_counter()
    for item in items:
        check_answer(item, item.natural[0])
    seconds = time.perf_counter() - started
    print(
        f"{len(items)} items in {seconds:.2f} s: {len(items) / seconds:,.0f} items/s ({platform.machine()}, one thread)"
    )
    answers = {name: make(items) for name, make in BASELINES.items()}
    for model in models:
        from in2x.evaluate.express.translate import translate

        answers[model] = translate(items, model)
    results = [score(name, items, texts) for name, texts in answers.items()]
    print(
        "\n| system | mean | "
        + " | ".join(results[0].phenomena)
        + " |\n|---|"
        + "---:|" * (len(results[0].phenomena) + 1)
    )
    for result in results:
        parts = [result.macro, *result.phenomena.values()]
        cells = [f"{100 * p.value:.0f} ({100 * p.low:.0f}–{100 * p.high:.0f})" for p in parts]
        print(f"| {result.system} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
