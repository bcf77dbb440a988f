"""The merge stage: the SFT and the RL model over the pretrained one, tensor by tensor.

merge/
  model/        Hugging Face folder: weights, tokenizer, chat template, in2x_prompt.json, README.md
  work/         see `engine`
"""

from __future__ import annotations

from pathlib import Path

from in2x.chat.profile import PromptProfile
from in2x.chat.translation import translation
from in2x.merge.card import write_card
from in2x.merge.config import MergeConfig
from in2x.merge.engine import merge
from in2x.records import Pair, read_records
from in2x.stage import Stage
from in2x.training.batches import Example
from in2x.training.examples import chat_examples
from in2x.training.model import load_tokenizer


def run(config: MergeConfig, stage: Stage) -> None:
    """Merge `config.models` over the pretrained model (contract: `in2x.stage`).

    Raises:
        In2xError: the models do not share tensors and shapes.
    """
    folder = stage.out / "model"
    folder.mkdir(exist_ok=True)
    base = stage.input("pretrain") / "model"
    models: dict[str, Path] = {name: stage.input(name) / "model" for name in config.models}

    def texts(name: str) -> list[Example]:
        tokenizer, profile = load_tokenizer(models[name]), PromptProfile.load(models[name])
        pairs = list(read_records(stage.input("data") / "pairs.dev.parquet", Pair))
        chosen = pairs[:: max(1, len(pairs) // config.calibration)][: config.calibration]
        return list(chat_examples(tokenizer, (translation(pair, profile) for pair in chosen)))

    survey = merge(folder, stage.work, base, models, config, texts, config.shard_mb * 1_000_000, stage.progress)
    stage.figures.update(method=config.method, tensors=len(survey.made), **survey.figures())
    if owners := survey.owners():
        stage.figures["owners"] = owners
    write_card(folder, stage.recipe, stage.inputs)
    for line in survey.said():
        stage.say(line)
