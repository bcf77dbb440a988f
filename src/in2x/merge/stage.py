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

ALIKE = 0.99
"""Changes with a larger cosine have nothing to give each other."""


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
    figures, owners = survey.figures(), survey.owners()
    stage.figures.update(method=config.method, tensors=len(survey.made), **figures)
    if owners:
        stage.figures["owners"] = owners
    write_card(folder, stage.recipe, stage.inputs)
    alike = {name[7:]: value for name, value in figures.items() if name.startswith("cosine/")}
    stage.say(f"{config.method}; cosine of the changes: " + ", ".join(f"{k} {v:.3f}" for k, v in alike.items()))
    between = [value for name, value in alike.items() if "merged" not in name]
    if between and min(between) > ALIKE:
        stage.say("the models changed the same way: to choose between their changes adds nothing, their mean may")
