"""Merging: models over their common base, tensor by tensor, each in chunks of rows. The stage and the command call it.

Beside chunks it holds, for ties and obim, two bytes an element and model (the codes of the scores) and for obim one
more (the owner), whatever type the models are stored in: less than one tensor of all models in bfloat16.

work/
  importance.0.safetensors   what the changes of the first model are weighed by (obim), and so on
  FILE.json                  owners and inner products of the tensors of a finished weight file
"""

from __future__ import annotations

import itertools
import json
import math
import re
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from in2x.artifact import write_json
from in2x.errors import In2xError
from in2x.merge.codes import CHUNK, Top, codes_of, histogram
from in2x.merge.config import MixConfig
from in2x.merge.importance import fisher, hessian, write_importance
from in2x.merge.methods import linear, saliency, share_out, ties
from in2x.merge.shards import MERGED, Weights, check_same_shape, write_shards
from in2x.training.batches import Example
from in2x.training.forward import forward_of
from in2x.training.model import load_model

Progress = Callable[[str, int], AbstractContextManager[Callable[[float], Any]]]
"""A progress bar: of what, and of how many; yields what is called as it gets on."""
ALIKE = 0.99
"""Changes with a larger cosine have nothing to give each other."""
LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.")


@dataclass
class Made:
    """What became of one tensor."""

    owned: list[int]
    """Positions that took no change, then by model; [] where positions have no owner (linear, ties)."""
    gram: list[list[float]]
    """Inner products of the changes of the models, the merged one last; [] of a tensor of whole numbers."""


@dataclass
class Survey:
    """What a merge did: how large each change was, how alike, how near the result is to each, and who owns what."""

    names: Sequence[str]
    made: Mapping[str, Made]

    def figures(self) -> dict[str, float]:
        """Norm of each change from the base and cosine of each pair (0 = orthogonal abilities, METHOD 6)."""
        names = (*self.names, "merged")
        gram = torch.zeros(len(names), len(names), dtype=torch.float64)
        for made in self.made.values():
            if made.gram:
                gram += torch.tensor(made.gram, dtype=torch.float64)
        norms = gram.diagonal().clamp(min=0).sqrt()
        found = {f"norm/{name}": float(norms[i]) for i, name in enumerate(names)}
        for i, name in enumerate(names):
            for j, other in enumerate(names[:i]):
                if norms[i] > 0 and norms[j] > 0:
                    found[f"cosine/{other}/{name}"] = float(gram[i, j] / (norms[i] * norms[j]))
        return found

    def owners(self) -> dict[str, dict[str, float]]:
        """Share of the positions that each model owns: of all, then by layer ("layer 0", or the tensor's name)."""
        sums: dict[str, list[int]] = {}
        for name, made in self.made.items():
            layer = LAYER.search(name)
            for place in ("all", f"layer {layer[1]}" if layer else name) if made.owned else ():
                sums[place] = [a + b for a, b in zip(sums.get(place, [0] * len(made.owned)), made.owned, strict=True)]
        order = sorted(sums, key=lambda place: [int(x) if x.isdecimal() else x for x in re.split(r"(\d+)", place)])
        names = ("base", *self.names)
        return {
            place: {name: round(count / sum(sums[place]), 4) for name, count in zip(names, sums[place], strict=True)}
            for place in order
        }

    def said(self) -> list[str]:
        """Lines for the person at the terminal: how alike the changes are, what follows, and who owns what."""
        figures, owners = self.figures(), self.owners()
        alike = {f"{a}/{b}": figures.get(f"cosine/{a}/{b}", 0.0) for a, b in itertools.combinations(self.names, 2)}
        lines = []
        if alike:
            lines.append("cosine of the changes: " + ", ".join(f"{name} {value:.3f}" for name, value in alike.items()))
            if min(alike.values()) > ALIKE:
                lines.append("they changed the same way: choosing between them adds nothing, their mean may")
        if owners:
            lines.append("positions: " + ", ".join(f"{name} {share:.1%}" for name, share in owners["all"].items()))
        return lines


def merge(
    folder: Path,
    work: Path,
    base: Path,
    models: Mapping[str, Path],
    how: MixConfig,
    texts: Callable[[str], Sequence[Example]],
    shard_bytes: int,
    progress: Progress,
) -> Survey:
    """Write the merged model into `folder`: weights, and what stands beside those of the last model.

    A killed try is taken up: files that are finished stay. So `folder` and `work` must be from the same inputs.

    Args:
        folder: exists.
        work: exists; scratch that outlives a kill.
        base: the model folder that all come from.
        models: name -> model folder.
        how: the method and its knobs.
        texts: name of a model -> what it is calibrated on; called where the saliency needs it.
        shard_bytes: largest weight file.
        progress: makes bars.

    Raises:
        In2xError: the models do not share tensors, shapes and types; a weight is not finite.
    """
    origin = Weights(base)
    weights = {name: Weights(path) for name, path in models.items()}
    check_same_shape(origin, weights)
    importance: list[Weights | None] = [None] * len(models)
    if how.method == "obim" and how.saliency != "magnitude":
        for index, (name, path) in enumerate(models.items()):
            file = work / f"importance.{index}.safetensors"
            if not file.exists():
                _calibrate(path, weights[name], how, _tracked(texts(name), f"calibrate {name}", progress), file)
            importance[index] = Weights(file)
    for file in folder.glob("*.safetensors"):
        if not (work / f"{file.name}.json").exists():  # nobody knows what became of its tensors
            file.unlink()
    mixer = _Mixer(origin, list(weights.values()), importance, how)
    made: dict[str, Made] = {}

    def done(file: str) -> None:
        write_json(work / f"{file}.json", {name: vars(made[name]) for name in made})
        made.clear()

    with progress("merge tensors", len(origin.shapes)) as advance:

        def rows_of(name: str) -> Iterator[Tensor]:
            made[name] = yield from mixer.rows(name)
            advance(1)

        write_shards(folder, origin, rows_of, shard_bytes, done)
    copy_companions(list(models.values())[-1], folder)
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(work.glob("model*.safetensors.json"))]
    return Survey(list(models), {name: Made(**about) for part in found for name, about in part.items()})


class _Mixer:
    def __init__(
        self, base: Weights, models: Sequence[Weights], importance: Sequence[Weights | None], how: MixConfig
    ) -> None:
        self.base, self.models, self.importance, self.how = base, models, importance, how
        self.weights = how.shares(len(models))

    def rows(self, name: str) -> Generator[Tensor, None, Made]:
        """The rows of one merged tensor, chunk by chunk; returns what became of it."""
        if self.base.dtypes[name] not in MERGED:  # the same in all models
            yield self.base.read(name)
            return Made([], [])
        combine, owned = self._combine(name)
        gram = torch.zeros(len(self.models) + 1, len(self.models) + 1, dtype=torch.float64)
        for rows in self.base.rows(name):
            origin = self.base.read(name, rows)
            stored = [model.read(name, rows) for model in self.models]
            merged = combine(origin, stored)
            flat = torch.stack([(tensor.float() - origin.float()).reshape(-1) for tensor in (*stored, merged)]).double()
            gram += flat @ flat.T
            yield merged
        if not gram.isfinite().all():
            raise In2xError(f"the tensor {name} of a model holds numbers that are not finite", file=self.base.place,
                            mend="leave out the model whose training went wrong")  # fmt: skip
        return Made(owned, gram.tolist())

    def _combine(self, name: str) -> tuple[Callable[[Tensor, Sequence[Tensor]], Tensor], list[int]]:
        """What makes merged rows of those of base and models, given in order; and how many positions each owns."""
        if self.how.method == "linear":
            return lambda origin, stored: self._moved(origin, linear(_changes(origin, stored), self.weights)), []
        codes = [self._codes(name, index) for index in range(len(self.models))]
        total, at = codes[0].numel(), 0
        if self.how.method == "ties":
            tops = [Top(histogram(c), round(self.how.density * total)) for c in codes]

            def trim(origin: Tensor, stored: Sequence[Tensor]) -> Tensor:
                nonlocal at
                here = slice(at, at := at + origin.numel())
                changes = _changes(origin, stored)
                for change, top, c in zip(changes, tops, codes, strict=True):
                    small = torch.ones(change.numel(), dtype=torch.bool)
                    small[top.take(c[here])] = False
                    change.view(-1)[small] = 0
                return self._moved(origin, ties(changes, self.weights))

            return trim, []
        owner = share_out(codes, self.how.density, self.how.iterations)
        codes.clear()

        def choose(origin: Tensor, stored: Sequence[Tensor]) -> Tensor:
            nonlocal at
            mine = owner[at : (at := at + origin.numel())].reshape(origin.shape)
            merged = origin
            for index, model in enumerate(stored):
                value = model if self.how.scale == 1 else self._moved(origin, model.float() - origin.float())
                merged = torch.where(mine == index, value, merged)
            return merged

        return choose, [sum(int((part == i).sum()) for part in owner.split(CHUNK)) for i in range(-1, len(self.models))]

    def _moved(self, origin: Tensor, change: Tensor) -> Tensor:
        """`origin` with a change, scaled; computed in float32 and rounded once."""
        return (origin.float() + self.how.scale * change).to(origin.dtype)

    def _codes(self, name: str, index: int) -> Tensor:
        """What ranks the positions of one model's tensor, flat: the size of a change (ties), or its saliency (obim)."""
        weigh = self.importance[index]
        shape = weigh.shapes.get(name, ()) if weigh is not None else ()
        by_row = len(shape) == len(self.base.shapes[name])
        out = torch.empty(math.prod(self.base.shapes[name]), dtype=torch.int16)
        at = 0
        for rows in self.base.rows(name):
            [delta] = _changes(self.base.read(name, rows), [self.models[index].read(name, rows)])
            if self.how.method == "ties":
                score = delta.abs()
            elif weigh is None or name not in weigh.shapes:
                score = saliency(delta, torch.ones(()))
            else:
                score = saliency(delta, weigh.read(name, rows if by_row else None).float())
            out[at : (at := at + delta.numel())] = codes_of(score, delta == 0).reshape(-1)
        return out


def _changes(origin: Tensor, stored: Sequence[Tensor]) -> list[Tensor]:
    return [model.float() - origin.float() for model in stored]


def _calibrate(folder: Path, weights: Weights, how: MixConfig, texts: Iterable[Example], file: Path) -> None:
    types = [weights.dtype(name) for name in weights.shapes]
    model = load_model(folder, dtype=max(set(types), key=types.count))  # as stored: no float32 copy
    model.set_attn_implementation(forward_of(model).attention)  # whole texts: ours is for short rows
    write_importance((fisher if how.saliency == "fisher" else hessian)(model, texts), file)


def _tracked(texts: Sequence[Example], what: str, progress: Progress) -> Iterator[Example]:
    with progress(what, len(texts)) as advance:
        for text in texts:
            yield text
            advance(1)


LEFT_BEHIND = ("README.md", "manifest.json")
"""Files beside a model's weights that speak of that model alone."""
OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".gguf", ".onnx", ".h5", ".msgpack")
"""What a folder may hold beside safetensors: the unmerged weights again."""


def copy_companions(source: Path, target: Path) -> None:
    """Copy what stands beside the weights in a model folder: config, tokenizer, chat template, prompt profile."""
    for file in sorted(source.iterdir()):
        weights = ".safetensors" in file.name or file.suffix in OTHER_WEIGHTS
        if file.is_file() and not weights and file.name not in LEFT_BEHIND:
            shutil.copyfile(file, target / file.name)
