"""The express suite: items checked a second, what baselines and model folders pass, and what people's answers do.

python benchmarks/express.py [MODEL ...]
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections import Counter
from pathlib import Path

from in2x.evaluate.express.baselines import BASELINES, shuffle
from in2x.evaluate.express.checks import check_answer, passes
from in2x.evaluate.express.item import suite
from in2x.evaluate.express.score import score, wilson

ANSWERS = Path(__file__).resolve().parents[1] / "tests" / "express_answers"
CONSTANT = "恐れ入りますが、少々お待ちくださいませ。申し訳ございません。何とぞよろしくお願いいたします。"
"""A polite sentence that answers nothing."""


def people() -> None:
    """Good and wrong answers by writers who did not see the checks: what passes of each, by kind of wrong."""
    items = {item.id: item for item in suite()}
    for file in sorted(ANSWERS.glob("*.jsonl")):
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        good = [passes(check_answer(items[row["id"]], row["good"])) for row in rows]
        print(f"\n{file.stem}: good answers that pass {share(sum(good), len(good))}")
        kinds = Counter(row["kind"] for row in rows)
        failed = Counter(r["kind"] for r in rows if not passes(check_answer(items[r["id"]], r["wrong"])))
        print(f"{file.stem}: wrong answers that fail {share(failed.total(), len(rows))}")
        print("; ".join(f"{kind} {failed[kind]} of {n}" for kind, n in kinds.most_common()))


def share(count: int, n: int) -> str:
    found = wilson(count, n)
    return f"{count} of {n}, {100 * found.value:.1f}% ({100 * found.low:.1f} to {100 * found.high:.1f})"


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
    answers["constant"] = [CONSTANT] * len(items)
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
    people()


if __name__ == "__main__":
    main(sys.argv[1:])
