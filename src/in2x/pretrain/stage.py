"""The `pretrain` stage: three phases, each with its own data view, context length and schedule (METHOD 1).

pretrain/
  phase1/ phase2/   models after these phases
  model/            the model after phase 3
  phases.json       what each was made for, and its figures (`kept.py`)
  log.jsonl         curves; rows carry "phase": 1, 2 or 3
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from in2x.corpus.view import select_documents
from in2x.pretrain.base import BASE_PROFILE
from in2x.pretrain.config import PhaseConfig, PretrainConfig
from in2x.pretrain.context import stretch
from in2x.pretrain.kept import NAMES, Phases, phase_keys
from in2x.pretrain.phase import train_phase
from in2x.records import Document, read_records
from in2x.stage import Stage
from in2x.training import parallel
from in2x.training.model import load_model, load_tokenizer, save_model
from in2x.training.start import open_model
from in2x.training.vocabulary import bytes_per_token, extend, grow


def run(config: PretrainConfig, stage: Stage) -> None:
    """Train the phases one after another; one that is finished for the same key is not trained again."""
    phases, keys = Phases(stage), phase_keys(config, stage)
    with parallel.main_first():
        if parallel.rank() == 0:
            phases.begin(keys)
    before: Path | None = None
    for number, name in enumerate(NAMES, start=1):
        phase: PhaseConfig = getattr(config, name)
        folder = phases.folder(name)
        if not folder.exists():
            if before is None:
                with parallel.main_first():
                    before = _beginning(config, stage)
            stage.say(f"phase {number}: {phase.tokens:,} tokens, context {phase.context}")
            tokenizer = load_tokenizer(before)
            model = stretch(open_model(before), tokenizer, phase, stage.work / f"rope.{name}")
            figures = train_phase(
                model, tokenizer, phase, stage, name=name, tags={"phase": number},
                dev_every=config.dev_every, dev_blocks=config.dev_blocks, compiled=config.compile,
                checkpointing=config.checkpointing,
            )  # fmt: skip
            partial = stage.work / f"model.{name}"
            save_model(model, tokenizer, partial)
            if parallel.rank() == 0:
                BASE_PROFILE.save(partial)
                phases.finish(name, partial, figures)
            parallel.wait()
        before = folder
    stage.figures.update({name: found["figures"] for name, found in phases.read().items()})
    held = read_records(stage.input("corpus") / "heldout.parquet", Document)
    measured = bytes_per_token(load_tokenizer(stage.out / "model"), ((d.lang, d.text) for d in held))
    stage.figures["bytes_per_token"] = {lang: round(value, 3) for lang, value in measured.items()}


def _beginning(config: PretrainConfig, stage: Stage) -> Path:
    """The model that phase 1 starts from."""
    base = stage.input("base") / "model"
    return _extended(base, config.new_tokens, stage) if config.new_tokens else base


_TEXT = 20_000_000
"""Characters of the target language that new tokens are learned from."""


def _extended(base: Path, count: int, stage: Stage) -> Path:
    """The base model with `count` more tokens for the target language, in `work/extended`."""
    folder = stage.work / "extended"
    if folder.exists():
        return folder
    target = stage.recipe.languages.target

    def texts() -> Iterator[str]:
        read = 0
        for document in select_documents(stage.input("corpus")):
            if document.lang == target:
                yield document.text
                read += len(document.text)
                if read >= _TEXT:
                    return

    model, tokenizer = load_model(base), load_tokenizer(base)
    parts = extend(tokenizer, texts(), count)
    grow(model, tokenizer, parts)
    stage.say(f"{len(parts)} tokens added for {target}")
    partial = stage.work / "extended.partial"
    save_model(model, tokenizer, partial)
    partial.rename(folder)
    return folder
