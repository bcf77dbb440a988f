"""The parts of the corpus, each kept with a key of its own: a knob undoes the parts that rest on it, and no other.

    parts.json        part -> its key, and its figures once it is whole
    parts/clean/      raw text read, cleaned and identified: the one part that takes long
    parts/dedup/      which documents repeat an earlier one
    parts/score/      models of the languages, and the columns of scores
    parts/mix/        what is selected, held out, and how often it goes in
    documents/part-*  the mix itself (part `write`, with `heldout.parquet` and `verdicts.parquet`)
    documents/*       documents made of pairs and of styled passages (part `made`)

A part's key is the hash of its own knobs and of the key of the part before. Finished shards of a part stay through a
kill, so that only what is missing is made.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from in2x.artifact import hash_values, write_json
from in2x.corpus.config import CorpusConfig
from in2x.knob import keyed_values
from in2x.stage import Stage

KNOBS: dict[str, tuple[str, ...]] = {
    "clean": (),
    "dedup": ("dedup",),
    "score": ("ngram_order", "ngram_bytes", "ngram_reference", "classifier", "causal", "min_chars"),
    "mix": ("select", "domain", "domains", "heldout", "heldout_share", "mix"),
    "write": (),
    "made": ("bilingual", "styled"),
}
"""The parts in order, and the knobs that undo each. A knob that stands in no other part undoes the first."""
CHECKED = ("max_bad_share",)
"""Knobs that no part rests on, because they only refuse: they are looked at in every run."""
_FILES = {"score": ("classifier", "ngram_reference")}
"""Knobs of a part that name files."""


def part_keys(config: CorpusConfig, stage: Stage) -> dict[str, str]:
    """The key of each part."""
    values = {knob: value for knob, value in keyed_values(config).items() if knob not in CHECKED}
    later = {knob for knobs in KNOBS.values() for knob in knobs}
    key = stage.ground
    found = {}
    for name, knobs in KNOBS.items():
        mine = {knob: values[knob] for knob in knobs or (values.keys() - later if name == "clean" else ())}
        named = json.dumps([values[knob] for knob in _FILES.get(name, ())], ensure_ascii=False)
        files = {text: seen for text, seen in stage.files.items() if json.dumps(text, ensure_ascii=False) in named}
        found[name] = key = hash_values([key, name, mine, files])
    return found


class Parts:
    """The parts of one run of the stage."""

    def __init__(self, stage: Stage, keys: Mapping[str, str]) -> None:
        """Drop what was made for other keys, and say so."""
        self.stage, self.file = stage, stage.out / "parts.json"
        was = self._read()
        lost = {name for name in keys if name != "made" and not self._folder(name).exists()}  # deleted for its room
        self.remade = [
            n for n, key in keys.items() if n in lost or (was.get(n, {}).get("key") != key and not stage.keep)
        ]
        for name in self.remade:
            was.pop(name, None)
            self._drop(name)
        write_json(self.file, {name: {**was.get(name, {}), "key": key} for name, key in keys.items()})

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self.file.exists():
            return {}
        found: dict[str, dict[str, Any]] = json.loads(self.file.read_text(encoding="utf-8"))
        return found

    def _drop(self, name: str) -> None:
        out = self.stage.out
        shutil.rmtree(self._folder(name), ignore_errors=True)
        made = {out / "documents" / f"{kind}.parquet" for kind in ("bilingual", "styled")}
        if name == "made":
            files = made
        elif name == "write":
            files = {*(out / "documents").glob("*"), out / "heldout.parquet", out / "verdicts.parquet"} - made
        else:
            return
        for file in files:
            file.unlink(missing_ok=True)

    def _folder(self, name: str) -> Path:
        return self.stage.out / "parts" / name

    def folder(self, name: str) -> Path:
        """Where the files of a part lie."""
        folder = self._folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def figures(self, name: str) -> dict[str, Any] | None:
        """What was counted when the part was made whole; None while it is not."""
        return self._read()[name].get("figures")

    def finish(self, name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
        """Note that a part is whole."""
        was = self._read()
        write_json(self.file, {**was, name: {**was[name], "figures": figures}})
        # as it will be read the next time: what JSON makes of it
        return self._read()[name]["figures"]  # type: ignore[no-any-return]
