"""The gates that need no model on expressive instructions: what is sound and lost, what is faulty and kept, by gate.

    python benchmarks/instruction_gates.py [--data ../shared/data [--every 6]]

Five labelled sets: two of ours, whose author knew the rules; six rounds of one writer, each written before the rules
were tried on it and mended by since; the first blind one, whose author saw no rule, mended by since; and the second
blind one, written before its author read a rule. Nobody mends rules by that one, so its figures are those that count.
Single sets, and the items themselves: `in2x instruct-check FILE`.

With `--data`, the false alarms over what people wrote: sentences, passages of books, and short paragraphs of books
before or behind their neighbours, where a model's words about its answer would stand. Every text is the answer to a
prompt that asks for a work and no more.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from in2x.instructions.gate_check import Case, Measured, by_code, measured, read_cases
from in2x.instructions.weight import weight
from in2x.records import Instruction

HERE = Path(__file__)
SETS = {
    "ours": HERE.with_suffix(".yaml"),
    "ours, more": HERE.with_name("instruction_gates_more.yaml"),
    "six rounds, read since": HERE.with_name("instruction_gates_rounds.yaml"),
    "blind 1, read since": HERE.with_name("instruction_gates_blind.yaml"),
    "blind 2, unread": HERE.with_name("instruction_gates_blind2.yaml"),
    "blind 3, unread": HERE.with_name("instruction_gates_blind3.yaml"),
}
ASK = {
    "en": ("Write a short passage.", "Write a short story.", "Describe a scene in a few sentences.", "Write a poem."),
    "ja": ("短い文章を書いてください。", "短い物語を書いてください。", "ある場面を描写してください。", "詩を書いて。"),
    "zh": ("写一小段文字。", "写一个小故事。", "描写一个场景。", "写一首诗。"),
    "ko": ("짧은 글을 써 주세요.", "짧은 이야기를 써 주세요.", "한 장면을 묘사해 주세요.", "시를 써 줘."),
}
SENTENCES = {
    "parallel/enja.train.jsonl.gz": {"en": "en", "ja": "ja"},
    "parallel/trilingual.jsonl": {"en": "en", "ja": "ja", "zh": "zh"},
    "parallel/tatoeba50k.train.jsonl.gz": {"en": "en", "ja": "ja"},
    "parallel/jazh.train.jsonl.gz": {"zh": "zh"},
    "eval/dialogue.ja-en.jsonl": {"ja_sentence": "ja", "en_sentence": "en"},
    "register/formality.en-ko.jsonl": {"formal": "ko", "informal": "ko"},
}
PASSAGE = {"en": 900, "ja": 380, "zh": 380}
"""Characters of a passage."""
SHORT, LONG = 130, 3000
"""Latin letters (others weigh more) of a short paragraph, and of its neighbours."""
_END = re.compile(r"[.!?]['\"’”)]*(?=\s|$)|[。！？][」』”]*")
_EDITORS = re.compile(r"utenberg|底本|［＃|入力：|校正：|Etext|e-?text", re.IGNORECASE)


def rows(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def sentences(data: Path, every: int) -> Iterator[tuple[str, str, str]]:
    """Name of the set, language, text."""
    for file, columns in SENTENCES.items():
        for number, row in enumerate(rows(data / file)):
            if number % (every * (5 if "parallel" in file else 1)) == 0:
                yield from (
                    (f"{file.split('/')[1].split('.')[0]} {lang}", lang, row[key]) for key, lang in columns.items()
                )


def books(data: Path, every: int) -> Iterator[tuple[str, str, str]]:
    """Whole sentences of a passage; a short paragraph before two others, or behind them."""
    for lang, size in PASSAGE.items():
        number = 0
        for row in rows(data / f"raw/{lang}.jsonl.gz"):
            text = row["text"].replace("\r", "")
            for start in range(0, len(text) - size, max(len(text) // 12, size)):
                piece = text[start : start + size]
                ends = [match.end() for match in _END.finditer(piece)]
                number += 1
                if number % every == 0 and len(ends) > 2 and not _EDITORS.search(piece):
                    yield f"books, passages {lang}", lang, piece[ends[0] : ends[-1]].strip()
            glue = (" ", r"\n\s*\n") if lang == "en" else ("", r"\n+")
            parts = [re.sub(r"\s*\n\s*", glue[0], part).strip() for part in re.split(glue[1], text)]
            parts = [part for part in parts if part and not _EDITORS.search(part)]
            for at in range(3, min(len(parts) - 3, 400)):
                for around in (parts[at + 1 : at + 3], parts[at - 2 : at]):
                    if 8 < weight(parts[at]) <= SHORT and 60 <= sum(map(weight, around)) <= LONG:
                        number += 1
                        if number % every == 0:
                            whole = [parts[at], *around] if around == parts[at + 1 : at + 3] else [*around, parts[at]]
                            yield f"books, short paragraphs {lang}", lang, "\n\n".join(whole)


def false_alarms(data: Path, every: int) -> None:
    seen, touched = Counter[str](), Counter[tuple[str, str]]()
    for number, (name, lang, text) in enumerate([*sentences(data, every), *books(data, every)]):
        asked = [{"role": "user", "content": ASK[lang][number % 4]}]
        one = by_code([Case(Instruction("x", lang, "chat", asked, text))])[0]  # type: ignore[arg-type]
        seen[name] += 1
        if one.gate:
            touched[name, one.gate] += 1
    print("\n| what people wrote | texts | touched | of which, by gate |\n|---|---|---|---|")
    for name, count in seen.items():
        gates = {gate: n for (set_, gate), n in touched.most_common() if set_ == name}
        said = ", ".join(f"{gate} {n}" for gate, n in gates.items())
        print(f"| {name} | {count} | {sum(gates.values()) / count:.2%} | {said} |")


def figures() -> dict[str, Measured]:
    """The figures by set."""
    return {name: measured(by_code(read_cases(file))) for name, file in SETS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of real corpora, for the false alarms")
    parser.add_argument("--every", type=int, default=6, help="take every n-th text")
    options = parser.parse_args()
    found = figures()
    print("| set | items | precision | recall of what code can see | sound kept | faults for a judge alone, touched |")
    print("|---|---|---|---|---|---|")
    for name, one in found.items():
        shares = (one.precision, one.recall, one.sound_kept, one.recall_judge)
        print(f"| {name} | {one.items} | " + " | ".join("-" if s is None else f"{s:.3f}" for s in shares) + " |")
    print("\n| gate | " + " | ".join(f"{name}: faulty, sound" for name in SETS) + " |\n|---|" + "---|" * len(SETS))
    gates = {name: {gate.name: gate for gate in found[name].gates} for name in SETS}
    for gate in sorted({name for part in gates.values() for name in part}):
        cells = [(f"{part[gate].faulty}, {part[gate].sound}" if gate in part else "-") for part in gates.values()]
        print(f"| {gate} | " + " | ".join(cells) + " |")
    if options.data:
        false_alarms(options.data, options.every)


if __name__ == "__main__":
    main()
