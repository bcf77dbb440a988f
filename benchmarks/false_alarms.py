"""What the principles call broken in the work of human translators: their false alarms, by set and principle.

    python benchmarks/false_alarms.py --data ../shared/data [--rows 1000] [--half odd] [--show language] [--json FILE]

Every reference is checked as an answer to its source, without a reference to lean on; the formality sets are asked for
"polite" (the formal column) and "casual" (the informal one). A cell is broken / decided in percent, "-" where the
principle decides nothing; the last column is the share of (segment, principle) that is decided for language and
untranslated. `--show` prints what one principle breaks (never to be copied into the project: it is others' text).
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from in2x.principles.case import Case
from in2x.principles.document_checks import DOCUMENT
from in2x.principles.fundamental import PRINCIPLES, check_principles

HALVES = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}
FORMALITY = ("de", "es", "fr", "hi", "it", "ja", "ko", "pt", "ru", "vi")
Row = tuple[str, str, str | None]
"""Source, reference, register asked for."""


def rows(file: Path, half: str) -> list[dict[str, Any]]:
    raw = file.read_bytes()
    text = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()
    return [json.loads(line) for line in text.split("\n") if line][HALVES[half]]


def spread(items: list[Row], count: int) -> list[Row]:
    return [items[i * len(items) // count] for i in range(count)] if count < len(items) else items


def sets(data: Path, count: int, half: str) -> Iterator[tuple[str, str, str, list[Row]]]:
    """Name, source language, target language, rows."""
    wmt = [("wmt24", "en", "ja", "eval/wmt24.en-ja.jsonl.gz", "src", "ref"),
           ("wmt24", "ja", "zh", "eval/wmt24.ja-zh.jsonl.gz", "src", "ref")]  # fmt: skip
    both = [("jazh", "ja", "zh", "parallel/jazh.test.jsonl", "ja", "zh"),
            ("dialogue", "en", "ja", "eval/dialogue.ja-en.jsonl", "en_sentence", "ja_sentence"),
            ("enja", "en", "ja", "parallel/enja.test.jsonl", "en", "ja"),
            ("multi30k", "en", "de", "parallel/multi30k.en-de.test.jsonl", "en", "de")]  # fmt: skip
    for name, source, target, file, a, b in wmt + both:
        made = spread([(row[a], row[b], None) for row in rows(data / file, half)], count)
        yield name, source, target, made
        if (name, source, target, file, a, b) in both:
            yield name, target, source, [(right, left, None) for left, right, _ in made]
    for lang in FORMALITY:
        found = rows(data / f"register/formality.en-{lang}.jsonl", half)
        for column, register in (("formal", "polite"), ("informal", "casual")):
            yield column, "en", lang, spread([(row["en"], row[column], register) for row in found], count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--half", choices=HALVES, default="all", help="rows of each file that are read")
    parser.add_argument("--show", default="")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    names = ["language", "register", "repetition", "length", "untranslated", "numbers", "lines", "copied", "notes"]
    names = [p.name for p in PRINCIPLES if p.name in names] + [p.name for p in DOCUMENT if p.name != "forbidden"]
    print("| set | direction | n | " + " | ".join(names) + " | decided |\n|" + "---|" * (len(names) + 4))
    began, table = time.process_time(), {}
    for name, source_lang, target_lang, items in sets(options.data, options.rows, options.half):
        broken, decided = Counter[str](), Counter[str]()
        for source, reference, register in items:
            case = Case(source, source_lang, target_lang, register)
            verdicts = check_principles(case, reference) | {p.name: p.check(case, reference) for p in DOCUMENT}
            for principle, verdict in verdicts.items():
                decided[principle] += verdict.kept is not None
                broken[principle] += verdict.kept is False
                if verdict.kept is False and principle == options.show:
                    print(f"{source_lang}-{target_lang}\t{source!r}\t{reference!r}\t{verdict.why}")
        cells = [f"{100 * broken[n] / decided[n]:.2f}" if decided[n] else "-" for n in names]
        both = (decided["language"] + decided["untranslated"]) / (2 * len(items))
        print(
            f"| {name} | {source_lang}-{target_lang} | {len(items)} | {' | '.join(cells)} | {100 * both:.0f}% |",
            flush=True,
        )
        table[f"{name} {source_lang}-{target_lang}"] = {n: (broken[n], decided[n]) for n in names}
    print(f"\n{time.process_time() - began:.0f} s of one {platform.machine()} core")
    if options.json:
        options.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
