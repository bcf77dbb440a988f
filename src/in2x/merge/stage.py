"""The merge stage: the SFT and the RL model over the pretrained one, tensor by tensor.

merge/
  model/        Hugging Face folder: weights, tokenizer, chat template, in2x_prompt.json, README.md
  work/         the Hessian diagonals of each model while an obim merge is under way
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from in2x.chat.profile import PromptProfile
from in2x.merge.card import write_card
from in2x.merge.config import MergeConfig
from in2x.merge.hessian import calibrate
from in2x.merge.methods import linear, obim, ties
from in2x.merge.shards import Weights, as_stored, check_same_shape, is_float, write_sharded
from in2x.records import Pair, read_records
from in2x.stage import Stage
from in2x.training.forward import forward_of
from in2x.training.model import load_model, load_tokenizer


def run(config: MergeConfig, stage: Stage) -> None:
    """Merge `config.models` over the pretrained model (contract: `in2x.stage`).

    Raises:
        In2xError: the models do not share tensors and shapes.
    """
    folder = stage.out / "model"
    folder.mkdir(exist_ok=True)
    base = Weights(stage.input("pretrain") / "model")
    models: dict[str, Weights] = {name: Weights(stage.input(name) / "model") for name in config.models}
    check_same_shape(base, models)
    last = list(models.values())[-1]
    hessians = [_hessian(config, stage, name) for name in config.models] if config.method == "obim" else []
    survey = Survey(config.models)

    with stage.progress("merge tensors", len(base.shapes)) as advance:

        def make(name: str) -> Tensor:
            stored = last.read(name)
            origin = base.read(name)
            advance(1)
            if not is_float(stored):
                return stored
            deltas = [weights.read(name).float() - origin.float() for weights in models.values()]
            if config.method == "linear":
                merged = linear(deltas, config.weights)
            elif config.method == "ties":
                merged = ties(deltas, config.weights, config.density)
            else:
                one = torch.ones(())
                merged, _ = obim(deltas, [h.get(name, one).float() for h in hessians], config.density)
            return as_stored(origin.float() + merged, stored)

        write_sharded(folder, last, make, config.shard_mb * 1_000_000)

    written = Weights(folder)
    for name in base.shapes:
        origin = base.read(name)
        if is_float(origin):
            survey.add([w.read(name).float() - origin.float() for w in (*models.values(), written)])
    copy_companions(last.folder, folder)
    stage.figures.update(method=config.method, tensors=len(base.shapes), **survey.figures())
    write_card(folder, stage.recipe, stage.inputs)
    alike = [f"{name[7:]} {value:.3f}" for name, value in survey.figures().items() if name.startswith("cosine/")]
    stage.say(f"{config.method}; cosine of the changes: {', '.join(alike)}")


class Survey:
    """What a merge did, summed over tensors: how large each change was, how alike, how near the result is to each."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = (*names, "merged")
        self.gram = torch.zeros(len(self.names), len(self.names), dtype=torch.float64)

    def add(self, deltas: list[Tensor]) -> None:
        """Add the inner products of one tensor's changes, the merged one last."""
        flat = torch.stack([delta.reshape(-1) for delta in deltas])
        for i, a in enumerate(flat):
            for j, b in enumerate(flat[: i + 1]):
                self.gram[i, j] += torch.dot(a.double(), b.double())

    def figures(self) -> dict[str, float]:
        """Norm of each change from the base and cosine of each pair (0 = orthogonal abilities, METHOD 6)."""
        norms = self.gram.diagonal().sqrt()
        found = {f"norm/{name}": float(norms[i]) for i, name in enumerate(self.names)}
        for i, name in enumerate(self.names):
            for j, other in enumerate(self.names[:i]):
                if norms[i] > 0 and norms[j] > 0:
                    found[f"cosine/{other}/{name}"] = float(self.gram[i, j] / (norms[i] * norms[j]))
        return found


def _hessian(config: MergeConfig, stage: Stage, name: str) -> dict[str, Tensor]:
    """The Hessian diagonals of one model over held-out pairs in its own prompt, kept in `work/` for a resume."""
    kept = stage.work / f"hessian.{name}.safetensors"
    if not kept.exists():
        folder = stage.input(name) / "model"
        tokenizer, profile = load_tokenizer(folder), PromptProfile.load(folder)
        pairs = list(read_records(stage.input("data") / "pairs.dev.parquet", Pair))
        texts = []
        for pair in pairs[:: max(1, len(pairs) // config.calibration)][: config.calibration]:
            prompt = profile.encode(tokenizer, pair.source, pair.src_lang, pair.tgt_lang, pair.register)
            texts.append([*prompt, *tokenizer.encode(pair.target, add_special_tokens=False)])
        model = load_model(folder)
        model.set_attn_implementation(forward_of(model).attention)  # whole texts: ours is for short rows
        diagonals = calibrate(model, list(stage.track(texts, f"calibrate on {name}")))
        partial = kept.with_name(kept.name + ".partial")
        save_file({key: value.float().contiguous() for key, value in diagonals.items()}, partial)
        partial.replace(kept)
    return dict(load_file(kept))


def copy_companions(source: Path, target: Path) -> None:
    """Copy what stands beside the weights in a model folder: config, tokenizer, chat template, prompt profile."""
    for file in sorted(source.iterdir()):
        if file.is_file() and ".safetensors" not in file.name and file.name not in ("README.md", "training_args.bin"):
            shutil.copyfile(file, target / file.name)
