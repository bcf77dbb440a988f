"""Does `language(code).written` tell an answer in another language from a good one?

Wrong answers are made of real pairs: the source in place of the answer, a text of a third language, and mixtures (a
sentence, a clause or half of the answer left in the source's or a third language). False alarms are counted on the
human references themselves. Run: python benchmarks/wrong_language.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from in2x.language.script import letter_counts
from in2x.language.written import written

HALVES = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}
UNSPACED = {"ja", "zh"}
TARGETS = ("de", "es", "fr", "hi", "it", "ja", "ko", "pt", "ru", "vi")
_CUT = re.compile(r"(?<=[,;:.!?…।])\s+|(?<=[、，；：。！？])|(?<=[\u3000])")


class Case(NamedTuple):
    kind: str
    answer: str
    target: str
    source: str
    original: str
    """The source's text."""


def read(path: Path, half: str = "all") -> list[dict[str, str]]:
    """The rows of a file, or those at its even or odd places (counted from 0)."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    return [json.loads(line) for line in text.split("\n") if line][HALVES[half]]


def pairs(data: Path, half: str = "all") -> Iterator[tuple[str, str, str, str]]:
    """(source language, target language, source, reference) of every set, in both directions."""
    sets: list[tuple[str, str, str, str, str]] = []
    for code in TARGETS:
        sets += [("en", code, f"register/formality.en-{code}.jsonl", "en", key) for key in ("formal", "informal")]
    sets += [("en", "ja", f"parallel/enja.{part}.jsonl", "en", "ja") for part in ("dev", "test")]
    sets += [("en", "de", f"parallel/multi30k.en-de.{part}.jsonl", "en", "de") for part in ("dev", "test")]
    sets += [
        ("ja", "zh", "parallel/jazh.test.jsonl", "ja", "zh"),
        ("en", "ja", "eval/wmt24.en-ja.jsonl.gz", "src", "ref"),
    ]
    sets += [("ja", "zh", "eval/wmt24.ja-zh.jsonl.gz", "src", "ref")]
    sets += [("ja", "en", "eval/dialogue.ja-en.jsonl", "ja_sentence", "en_sentence")]
    sets += [(a, b, "parallel/trilingual.jsonl", a, b) for a, b in (("ja", "en"), ("ja", "zh"), ("en", "zh"))]
    for one, two, name, left, right in sets:
        for row in read(data / name, half):
            yield one, two, row[left], row[right]
            if right != "informal":
                yield two, one, row[right], row[left]


def clauses(text: str, lang: str) -> list[str]:
    """The text cut at commas and stops; at its middle where it has none."""
    parts = [part for part in _CUT.split(text) if part.strip()]
    if len(parts) > 1:
        return parts
    if lang in UNSPACED:
        middle = len(text) // 2
        return [text[:middle], text[middle:]]
    words = text.split()
    middle = (len(words) + 1) // 2
    return [" ".join(words[:middle]), " ".join(words[middle:])]


def long_enough(piece: str, lang: str) -> bool:
    """A clause, not a name: four words, or eight characters of an unspaced language."""
    latin, _, other = letter_counts(piece)
    return latin + other >= 8 if lang in UNSPACED else len(piece.split()) >= 4 and latin + other >= 10


def mixed(answer: str, lang: str, stray: str, stray_lang: str, rng: random.Random) -> str | None:
    """`answer` with one of its clauses replaced by one of `stray`; None where neither is long enough for it."""
    own, others = clauses(answer, lang), [c for c in clauses(stray, stray_lang) if long_enough(c, stray_lang)]
    if len(own) < 2 or not others:
        return None
    at = rng.randrange(len(own))
    rest = own[:at] + own[at + 1 :]
    if not any(long_enough(part, lang) for part in rest):
        return None
    chosen = rng.choice(others)
    joint = "" if lang in UNSPACED and stray_lang in UNSPACED else " "
    return joint.join([*own[:at], chosen, *own[at + 1 :]])


def cases(data: Path, each: int, seed: int, half: str = "all") -> Iterator[Case]:
    """Good and wrong answers; at most `each` pairs of a direction."""
    rng = random.Random(seed)
    by_direction: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    texts: dict[str, list[str]] = defaultdict(list)
    for one, two, source, reference in pairs(data, half):
        by_direction[one, two].append((source, reference))
        texts[two].append(reference)
    for (one, two), rows in sorted(by_direction.items()):
        rng.shuffle(rows)
        for source, reference in rows[:each]:
            yield Case("reference", reference, two, one, source)
            third = rng.choice([code for code in texts if code not in (one, two)])
            stray = rng.choice(texts[third])
            if sum(letter_counts(source)) >= 4:
                yield Case("source", source, two, one, source)
            yield Case("third", stray, two, one, source)
            for kind, text, lang in (("mixed, source", source, one), ("mixed, third", stray, third)):
                if answer := mixed(reference, two, text, lang, rng):
                    yield Case(kind, answer, two, one, source)


KINDS = ("reference", "source", "third", "mixed, source", "mixed, third")


def measure(
    data: Path, each: int, seed: int, told: bool, shown: int = 0, half: str = "all"
) -> dict[str, Counter[tuple[str, str]]]:
    """Language -> (kind, "all" | "wrong") -> count; `told`: whether `written` is told the source's language."""
    counts: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    left: Counter[tuple[str, str]] = Counter()
    for case in cases(data, each, seed, half):
        verdict = written(case.answer, case.target, case.source if told else None)
        counts[case.target][case.kind, "all"] += 1
        counts[case.target][case.kind, "wrong"] += verdict is False
        if (verdict is False) == (case.kind == "reference") and left[case.target, case.kind] < shown:
            left[case.target, case.kind] += 1
            print(f"  {case.kind:14} {case.source}>{case.target} {verdict!s:5} {case.answer[:170]!r}")
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--each", type=int, default=1500, help="pairs of a direction")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="mistakes to show, of each language and kind")
    parser.add_argument("--half", choices=HALVES, default="all", help="rows of each file that are read")
    options = parser.parse_args()
    for told in (True, False):
        start = time.perf_counter()
        counts = measure(options.data, options.each, options.seed, told, options.show if told else 0, options.half)
        spent = time.perf_counter() - start
        print(f"\nthe source's language is {'told' if told else 'not told'}")
        print(f"{'':5}{'false alarms':>20}" + "".join(f"{kind:>20}" for kind in KINDS[1:]))
        whole: Counter[tuple[str, str]] = Counter()
        for code, count in [*sorted(counts.items()), ("all", whole)]:
            if code != "all":
                whole.update(count)
            cells = []
            for kind in KINDS:
                of, wrong = count[kind, "all"], count[kind, "wrong"]
                share = wrong / of if of else float("nan")
                cells.append(f"{share:.2%} of {of}")
            print(f"{code:5}" + "".join(f"{cell:>20}" for cell in cells))
        print(f"{spent:.0f} s for {sum(n for (_, what), n in whole.items() if what == 'all')} answers")


if __name__ == "__main__":
    main()
