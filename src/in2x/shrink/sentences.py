"""Made sentences in the languages of a recipe, parallel by number, and the files that a data section names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from in2x.artifact import write_text
from in2x.errors import UsageError

FILE = Path(__file__).with_name("sentences.yaml")
TRAIN, HELD = 360, 24


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return table


def sentence(lang: str, number: int) -> str:
    """Sentence `number` in the language `lang`; the same number says the same in every language.

    Raises:
        UsageError: nothing is written down in that language.
    """
    if lang not in _table():
        raise UsageError(f"a rehearsal has no sentences in {lang!r}",
                         mend=f"use {', '.join(sorted(_table()))}, or run it on own small files")  # fmt: skip
    openings, endings = _table()[lang]["openings"], _table()[lang]["endings"]
    opening = openings[number % len(openings)]
    # Between letters and words there is a space where the language has spaces: its openings then end without a mark.
    joint = "" if opening[-1] in "、，" else " "
    ending = endings[number // len(openings) % len(endings)]
    return f"{opening}{joint}{ending.format(n=2 + number * 7 % 997)}"


def write_files(folder: Path, languages: Sequence[str]) -> dict[str, Any]:
    """Write pairs and instructions to `folder` (once) and return the data section that names them."""
    folder.mkdir(parents=True, exist_ok=True)
    first = 0
    for split, count in (("train", TRAIN), ("dev", HELD), ("test", HELD)):
        numbers = range(first, first + count)
        _once(folder / f"{split}.jsonl", [{lang: sentence(lang, n) for lang in languages} for n in numbers])
        first += count
    hub, target = languages[0], languages[1]
    asked = range(first, first + 60)
    _once(folder / "instructions.jsonl", [
        {"messages": [{"role": "user", "content": sentence(lang, n)},
                      {"role": "assistant", "content": f"{sentence(lang, n + 1)} {sentence(lang, n + 9)}"}]}
        for n in asked for lang in (hub, target)
    ])  # fmt: skip
    named = {name: str(folder / f"{name}.jsonl") for name in ("train", "dev", "test", "instructions")}
    return {**named, "raw": None, "max_train": TRAIN, "columns": {}}


def _once(file: Path, rows: list[dict[str, Any]]) -> None:
    # Not written again: a stage's key counts the time of its input files.
    if not file.exists():
        write_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
