"""Do the principles see what is planted in good translations? Language, untranslated, copied, names.

Planted in real references: a clause left in the source's language, a text of a third language, the source itself (as in
`wrong_language.py`), and a person's name swapped for another (of the table below, where source and reference both have
it). A plant is caught where one of the four principles is broken; names are tried with the reference and without it.
False alarms over the same references are in `false_alarms.py`, and those of names here.

    python benchmarks/planted_language.py --data ../shared/data [--each 300] [--seed 1] [--show 0]
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wrong_language import HALVES, cases, pairs

from in2x.principles.case import Case
from in2x.principles.fundamental import check_principles

NAMES = {
    "Tom": "トム", "Mary": "メアリー", "John": "ジョン", "Alice": "アリス", "Bob": "ボブ", "Jane": "ジェーン",
    "Mike": "マイク", "Ken": "ケン", "Lucy": "ルーシー", "Bill": "ビル", "Jim": "ジム", "Susan": "スーザン",
    "Jack": "ジャック", "Emily": "エミリー", "George": "ジョージ", "Nancy": "ナンシー", "Peter": "ピーター",
    "Helen": "ヘレン", "David": "デイビッド", "Anna": "アンナ", "Henry": "ヘンリー", "Linda": "リンダ",
    "Robert": "ロバート", "Betty": "ベティ", "Paul": "ポール", "Kate": "ケイト",
}  # fmt: skip
"""Names as English and as Japanese writes them."""
CASED = ("de", "en", "es", "fr", "it", "pt", "vi")
SEEN = ("language", "untranslated", "copied", "names")


class Plant(NamedTuple):
    kind: str
    case: Case
    answer: str


def swapped(source: str, reference: str, two: str, rng: random.Random) -> tuple[str, str] | None:
    """The reference with a name that both sides have put for another one, and that name; None where there is none."""
    for name, kana in NAMES.items():
        written = kana if two == "ja" else name
        here = rf"(?<![ァ-ヴー]){kana}(?![ァ-ヴー])" if two == "ja" else rf"\b{name}\b"
        if re.search(rf"\b{name}\b", source) and re.search(here, reference):
            others = [other for other in NAMES if other[0] != name[0] and other not in source]
            other = rng.choice(others)
            return re.sub(here, NAMES[other] if two == "ja" else other, reference), written
    return None


def plants(data: Path, each: int, seed: int, half: str) -> Iterator[Plant]:
    kinds = {"mixed, source": "clause left", "third": "third language", "source": "source copied"}
    for wrong in cases(data, each, seed, half):
        if wrong.kind in kinds:
            yield Plant(kinds[wrong.kind], Case(wrong.original, wrong.source, wrong.target), wrong.answer)
    rng = random.Random(seed)
    for one, two, source, reference in pairs(data, half):
        if one == "en" and (two == "ja" or two in CASED) and (made := swapped(source, reference, two, rng)):
            yield Plant("name swapped, reference", Case(source, one, two, reference=reference), made[0])
            if two == "ja":
                yield Plant("name swapped, no reference", Case(source, one, two), made[0])


def measure(
    data: Path, each: int = 300, seed: int = 1, half: str = "all", shown: int = 0
) -> dict[str, Counter[tuple[str, bool]]]:
    """Kind -> (language, caught) -> count."""
    counts: dict[str, Counter[tuple[str, bool]]] = defaultdict(Counter)
    for plant in plants(data, each, seed, half):
        verdicts = check_principles(plant.case, plant.answer)
        caught = any(verdicts[name].kept is False for name in SEEN)
        counts[plant.kind][plant.case.target_lang, caught] += 1
        if not caught and counts[plant.kind][plant.case.target_lang, False] <= shown:
            print(f"  {plant.kind} {plant.case.target_lang} {plant.case.source[:80]!r} {plant.answer[:90]!r}")
    return counts


def alarms(data: Path, each: int, half: str) -> Counter[bool | None]:
    """Verdicts of the principle names on references of every direction, none of them told the reference."""
    verdicts: Counter[bool | None] = Counter()
    rows: Counter[tuple[str, str]] = Counter()
    for one, two, source, reference in pairs(data, half):
        rows[one, two] += 1
        if rows[one, two] <= each:
            verdicts[check_principles(Case(source, one, two), reference)["names"].kept] += 1
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--each", type=int, default=300, help="pairs of a direction; all for names")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="plants that were missed, of each language and kind")
    parser.add_argument("--half", choices=HALVES, default="all", help="rows of each file that are read")
    options = parser.parse_args()
    counts = measure(options.data, options.each, options.seed, options.half, options.show)
    print("| planted | caught | of | worst language |\n|---|---:|---:|---|")
    for kind, count in counts.items():
        rates = {}
        for lang in {lang for lang, _ in count}:
            total = count[lang, True] + count[lang, False]
            rates[lang] = (count[lang, True] / total, total)
        caught = sum(n for (_, found), n in count.items() if found)
        worst = min(rates, key=lambda lang: rates[lang])
        share, of = rates[worst]
        print(f"| {kind} | {caught / count.total():.2%} | {count.total()} | {worst} {share:.1%} of {of} |")
    verdicts = alarms(options.data, options.each, options.half)
    told = verdicts[True] + verdicts[False]
    print(f"\nnames without a reference: {verdicts[False]} of {told} decided, {verdicts.total()} references")


if __name__ == "__main__":
    main()
