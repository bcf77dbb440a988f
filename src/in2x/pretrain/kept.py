"""Which phases are trained, and for what: a change of one phase undoes that one and those behind it, no other.

    phases.json   phase -> its key, and the figures of its training once its model is there

A phase's key is the hash of its knobs, of what all phases share, and of the key of the phase before.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from in2x.artifact import hash_values, write_json
from in2x.knob import keyed_values
from in2x.pretrain.config import PretrainConfig
from in2x.stage import Stage

NAMES = ("phase1", "phase2", "phase3")


def phase_keys(config: PretrainConfig, stage: Stage) -> dict[str, str]:
    """The key of each phase."""
    values = keyed_values(config)
    key = hash_values([stage.ground, stage.files, {name: value for name, value in values.items() if name not in NAMES}])
    found = {}
    for name in NAMES:
        found[name] = key = hash_values([key, values[name]])
    return found


class Phases:
    """The phases of a stage, whose `phases.json` is written here and nowhere else."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.file = stage, stage.out / "phases.json"

    def read(self) -> dict[str, dict[str, Any]]:
        """Key and figures of each phase that was begun."""
        if not self.file.exists():
            return {}
        found: dict[str, dict[str, Any]] = json.loads(self.file.read_text(encoding="utf-8"))
        return found

    def folder(self, name: str) -> Path:
        """Where the model of a phase lies; that of the last is the stage's."""
        return self.stage.out / ("model" if name == NAMES[-1] else name)

    def begin(self, keys: Mapping[str, str]) -> None:
        """Drop what was made for other keys: models, checkpoints, blocks and rows of the log."""
        was = self.read()
        changed = [n for n in NAMES if was.get(n, {}).get("key") != keys[n]] if not self.stage.keep else []
        for name in changed:
            if was.pop(name, None) is not None:
                self.stage.say(f"{name} was made for other knobs, code or inputs: made anew")
            shutil.rmtree(self.folder(name), ignore_errors=True)
            self.stage.log.rewind(-1, phase=NAMES.index(name) + 1)
            # What the first rests on, tokenizer and corpus, the others' scratch rests on too.
            for path in self.stage.work.glob("*" if name == NAMES[0] else f"*{name}*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_json(self.file, {name: {**was.get(name, {}), "key": keys[name]} for name in NAMES})

    def finish(self, name: str, model: Path, figures: Mapping[str, Any]) -> None:
        """Lay the finished `model` of a phase down with its figures."""
        was = self.read()
        write_json(self.file, {**was, name: {**was[name], "figures": figures}})
        model.rename(self.folder(name))
