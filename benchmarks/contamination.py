"""How much planted evaluation text the gate finds, place by place, and how much of sound books it touches.

    python benchmarks/contamination.py --data ../shared/data [--pairs 150] [--json FILE]

Every segment of a seeded sample of WMT24 (source and reference) is planted in pages of books: as a line, inside a
paragraph, in wide letters, with other punctuation, the Chinese ones in traditional characters; as a side of a pair; and
as an instruction. A cell is found / planted. Heavy: a run (13 words, 24 characters) or more; middle: half a run and
more; light: less. Below it what is touched where nothing is planted: documents and lines of the books, sentence pairs,
and instructions.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from in2x.contamination.config import DecontaminateConfig
from in2x.contamination.normal import simplified
from in2x.contamination.table import Contamination
from in2x.corpus.clean import clean, rules
from in2x.records import Instruction, Pair

SETS = ("eval/wmt24.en-ja.jsonl.gz", "eval/wmt24.ja-zh.jsonl.gz")
BOOKS = {"en": "raw/en.jsonl.gz", "ja": "raw/ja.jsonl.gz", "zh": "raw/zh.jsonl.gz"}


def rows(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def traditional(text: str) -> str:
    table = {int(to): code for code, to in enumerate(simplified()) if code != to}
    return text.translate(table)


def asked(prompt: str, answer: str) -> Instruction:
    return Instruction("", "ja", "chat", [{"role": "user", "content": prompt}], answer)


def prompted(file: Path) -> list[tuple[str, str]]:
    return [(row["prompt"], row["completion"].removesuffix("<|endoftext|>")) for row in rows(file)]


def weight(text: str) -> str:
    size = DecontaminateConfig().words * DecontaminateConfig().chars
    dense = sum(c.isalnum() and c >= "\u3040" for c in text)
    words = len("".join(c if c.isalnum() and c < "\u3040" else " " for c in text.replace("'", " ")).split())
    heavy = dense * DecontaminateConfig().words + words * DecontaminateConfig().chars
    return "heavy" if heavy >= size else "middle" if 2 * heavy >= size else "light"


PLACES: dict[str, Callable[[str, str, str], str]] = {
    "a line": lambda before, text, behind: f"{before}\n{text}\n{behind}",
    "a sentence of a paragraph": lambda before, text, behind: f"{before} “{text}” {behind}",
    "bare in a paragraph": lambda before, text, behind: f"{before} {text} {behind}",
    "wide letters": lambda before, text, behind: f"{before}\n{wide(text)}\n{behind}",
    "traditional": lambda before, text, behind: f"{before}\n{traditional(text)}\n{behind}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    began = time.process_time()
    gate = Contamination.of_run(DecontaminateConfig(sets={name: str(args.data / name) for name in SETS}), args.data)
    print(f"table: {len(gate.keys):,} places in {time.process_time() - began:.1f} CPU-s")
    order = rules("drop")
    books = {lang: [clean(row["text"], order)[0] for row in rows(args.data / file)] for lang, file in BOOKS.items()}
    pages = [line for line in books["ja"][0].split("\n") if len(line) > 40]
    rng = random.Random(1)
    found: Counter[tuple[str, str]] = Counter()
    planted: Counter[tuple[str, str]] = Counter()
    for name in SETS:
        for row in rng.sample(rows(args.data / name), args.pairs):
            for text in (row["src"], row["ref"]):
                kind = weight(text)
                for place, put in PLACES.items():
                    if place == "traditional" and (name != SETS[1] or text != row["ref"]):
                        continue
                    planted[place, kind] += 1
                    [match] = gate.documents([put(rng.choice(pages), text, rng.choice(pages))])
                    found[place, kind] += bool(match.sets)
            kind = min(weight(row["src"]), weight(row["ref"]), key=("light", "middle", "heavy").index)
            pair = Pair("", "en", "ja", row["src"], row["ref"])
            ask = asked(f"Translate: {row['src']}", row["ref"])
            for place, sets in (("a pair", gate.rows([(pair.source, pair.target)])[0]),
                                ("an instruction", gate.instruction(ask))):  # fmt: skip
                planted[place, kind] += 1
                found[place, kind] += bool(sets)
    for place in dict.fromkeys(place for place, _ in planted):
        cells = (f"{kind} {found[place, kind]} / {planted[place, kind]}" for kind in ("heavy", "middle", "light"))
        print(f"{place:28}" + "   ".join(cells))
    figures: dict[str, Any] = {"found": {" ".join(key): [found[key], planted[key]] for key in planted}, "books": {}}
    for lang, texts in books.items():
        began = time.process_time()
        matches = [gate.documents([text])[0] for text in texts]
        spent = time.process_time() - began
        size = sum(len(text.encode()) for text in texts) / 1e6
        counts = {"documents": len(texts), "touched": sum(bool(m.sets) for m in matches),
                  "lines": sum(text.count("\n") + 1 for text in texts), "cut": sum(m.lines for m in matches),
                  "MB a CPU-s": round(size / spent, 1)}  # fmt: skip
        figures["books"][lang] = counts
        print(lang, ", ".join(f"{name} {value:,}" for name, value in counts.items()))
    sound = {
        "pairs": [gate.rows([(row["en"], row["ja"])])[0] for row in rows(args.data / "parallel/enja.train.jsonl.gz")],
        "instructions": [gate.instruction(asked(*row)) for row in prompted(args.data / "instructions/t0.en.jsonl.gz")],
    }
    for name, touched in sound.items():
        figures[name] = {"touched": sum(map(bool, touched)), "of": len(touched)}
        print(f"{name}: {figures[name]['touched']} touched of {len(touched):,}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
