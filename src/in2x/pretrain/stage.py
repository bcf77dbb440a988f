"""The `pretrain` stage: three phases, each with its own data view, context length and schedule (METHOD 1).

pretrain/
  phase1/ phase2/   models after these phases
  model/            the model after phase 3
  log.jsonl         curves; rows carry "phase": 1, 2 or 3
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from in2x.corpus.view import select_documents
from in2x.pretrain.base import BASE_PROFILE
from in2x.pretrain.config import PretrainConfig
from in2x.pretrain.context import stretch
from in2x.pretrain.phase import train_phase
from in2x.records import Document, read_records
from in2x.stage import Stage
from in2x.training import parallel
from in2x.training.model import load_model, load_tokenizer, save_model
from in2x.training.start import open_model
from in2x.training.vocabulary import bytes_per_token, extend, grow


def run(config: PretrainConfig, stage: Stage) -> None:
    """Train the phases one after another; a finished phase is not trained again after a kill."""
    before = stage.input("base") / "model"
    if config.new_tokens:
        with parallel.main_first():
            before = _extended(before, config.new_tokens, stage)
    tokenizer = load_tokenizer(before)
    held = read_records(stage.input("corpus") / "heldout.parquet", Document)
    measured = bytes_per_token(tokenizer, ((d.lang, d.text) for d in held))
    stage.figures["bytes_per_token"] = {lang: round(value, 3) for lang, value in measured.items()}
    for number, phase in enumerate((config.phase1, config.phase2, config.phase3), start=1):
        folder = stage.out / ("model" if number == 3 else f"phase{number}")
        if not folder.exists():
            stage.say(f"phase {number}: {phase.tokens:,} tokens, context {phase.context}")
            model = stretch(open_model(before), tokenizer, phase, stage.work / f"rope{number}")
            figures = train_phase(
                model, tokenizer, phase, stage, name=f"phase{number}", tags={"phase": number},
                dev_every=config.dev_every, dev_blocks=config.dev_blocks, compiled=config.compile,
                checkpointing=config.checkpointing,
            )  # fmt: skip
            partial = stage.work / f"model{number}"
            save_model(model, tokenizer, partial)
            if parallel.rank() == 0:
                BASE_PROFILE.save(partial)
                (stage.work / f"figures{number}.json").write_text(json.dumps(figures), encoding="utf-8")
                partial.rename(folder)
            parallel.wait()
        stage.figures[f"phase{number}"] = json.loads((stage.work / f"figures{number}.json").read_text(encoding="utf-8"))
        before = folder


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
