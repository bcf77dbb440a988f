"""How much of everyday language does the demonstration's model know, and does it know what it does not know?

    in2x run recipes/demo.yaml
    python benchmarks/everyday.py runs/demo/model
    python benchmarks/everyday.py runs/demo/model --topics        by topic; no sentence is shown
    python benchmarks/everyday.py runs/demo/model --wrong         the wrong answers, one a line

The sentences of `tests/everyday.yaml` were written by somebody who had not seen the phrasebook
(`src/in2x/sample/grammar/everyday/`), each with renderings that are right in polite and in casual Japanese. An answer is
right where it is one of them, signs and spaces apart ("right"), or also with another particle at its end ("near": 疲れた,
疲れたよ). The last line says how often the checks mark an answer to a sentence that the micro-world cannot say.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

import yaml

from in2x.translate.engine import LocalBackend
from in2x.translate.request import TranslationRequest

ASKED = Path(__file__).parents[1] / "tests" / "everyday.yaml"


def letters(text: str) -> str:
    """`text` without signs and spaces."""
    return re.sub(r"[\s。！？!?、，,.・「」…～]", "", text)


def near(text: str) -> str:
    """The same without a particle at its end."""
    return re.sub("(?:よ|ね|な|わ|さ|の|んだ)$", "", letters(text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--topics", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--asked", type=Path, default=ASKED, help="another file of the same layout")
    given = parser.parse_args()
    rows = yaml.safe_load(given.asked.read_text(encoding="utf-8"))
    backend = LocalBackend(given.model)
    sizes = Counter(row["topic"] for row in rows)
    print(f"| of {len(rows)} sentences | right | near |\n|---|---:|---:|")
    for register in ("polite", "casual"):
        answers = backend.translate([row["en"] for row in rows], TranslationRequest("en", "ja", register))
        right, close = Counter(), Counter()
        for row, answer in zip(rows, answers, strict=True):
            right[row["topic"]] += letters(answer) in set(map(letters, row[register]))
            fits = near(answer) in set(map(near, row[register]))
            close[row["topic"]] += fits
            if given.wrong and not fits:
                print(f"{row['en']}\t{answer}\t{row[register][0]}")
        print(f"| {register} | {right.total()} ({right.total() / len(rows):.0%}) | {close.total()} |")
        if given.topics:
            print("\n".join(f"| {register}, {t} ({n}) | {right[t]} | {close[t]} |" for t, n in sizes.items()))


if __name__ == "__main__":
    main()
