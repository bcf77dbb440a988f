"""The express suite: items checked a second, and what baselines and model folders pass.

python benchmarks/express.py [MODEL ...]
"""

from __future__ import annotations

import platform
import sys
import time

from in2x.evaluate.express.baselines import BASELINES, shuffle
from in2x.evaluate.express.checks import check_answer
from in2x.evaluate.express.item import suite
from in2x.evaluate.express.meaning import GUARDED, content_words
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
    answers |= {f"shuffle, {by} further": shuffle(items, by) for by in (2, 3, 5, 7, 11)}
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
    # Of a good rendering left out: would the others' words have let it pass the guard of meaning?
    alone = total = 0
    for item in items:
        words = [content_words(text) for text in item.natural] if item.phenomenon in GUARDED else []
        for place, mine in enumerate(words):
            total += 1
            alone += not mine & frozenset().union(*words[:place], *words[place + 1 :])
    print(f"\nGood renderings that share no content word with the other ones of their item: {alone} of {total}")


if __name__ == "__main__":
    main(sys.argv[1:])
