"""How a training in several processes begins: no process ever holds more than its shard and one tensor.

The model is built without weights (parameters on the meta device, buffers as its constructor computes them), sharded,
and then each process reads its own rows of every tensor from the safetensors files of the folder it was opened from.
Names are those of transformers' own mapping from checkpoints to modules. Where that mapping computes a parameter from
several tensors of the file (the experts of a mixture, say), the parameter is made whole, cut, and dropped, one at a
time: transformers' reader for sharded parameters cuts *before* it joins, which is wrong where they are joined by rows.

In one process `open_model` is `load_model`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PretrainedConfig, PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightConverter, WeightRenaming, dot_natural_key, rename_source_key

from in2x.errors import In2xError
from in2x.training import parallel
from in2x.training.forward import watch
from in2x.training.lora import BASE, is_adapter, start_adapters
from in2x.training.model import load_model, not_a_model

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"


def open_model(source: Path) -> PreTrainedModel:
    """The model in a folder, to be trained: in one process loaded, in several without weights until `share`.

    Raises:
        In2xError: it is not a model of transformers.
    """
    if parallel.processes() == 1:
        return load_model(source)
    try:
        config = AutoConfig.from_pretrained(str(source), trust_remote_code=False)
        generation = None  # without such a file it is made from the config
        with suppress(OSError):
            generation = GenerationConfig.from_pretrained(str(source))
        return without_weights(config, generation)
    except (OSError, ValueError, KeyError) as error:
        raise not_a_model(source, error) from None


def without_weights(config: PretrainedConfig, generation: GenerationConfig | None = None) -> PreTrainedModel:
    """A model with fp32 parameters on the meta device and buffers in main memory, tied where its config says so.

    What `forward.watch` sees is seen on a twin that is all on the meta device (in bfloat16, the one format that grouped
    products of experts have there); numbers are not compared.
    """
    with torch.device("meta"):
        twin = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, trust_remote_code=False)
    with init_empty_weights(include_buffers=False):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32, trust_remote_code=False)
    model.tie_weights()
    model.__dict__["_in2x_forward"] = watch(twin)
    if generation is not None:
        model.generation_config = generation
    return model.eval()


def share(loss_of: nn.Module, model: PreTrainedModel, seed: int) -> None:
    """Shard `model` and `loss_of`, which calls it, over all processes, and give it its weights where it has none yet.

    Args:
        loss_of: the root of the shards.
        model: part of it; of `open_model`, or with weights that are the same in every process.
        seed: of the adapters, where there are some.

    Raises:
        In2xError: the folder that `model` was opened from lacks a file or a tensor, or has one of another shape.
    """
    parallel.shard(loss_of, model)
    if not any(p.is_meta for p in model.parameters()):
        return
    device = parallel.device()
    loss_of._apply(lambda t: torch.empty_like(t, device=device) if t.is_meta else t.to(device))
    fill(model, Path(model.name_or_path))
    start_adapters(model, seed)


@torch.no_grad()
def fill(model: PreTrainedModel, folder: Path) -> None:
    """Read this process's rows of every parameter and saved buffer of `model` from `folder`."""
    files = Weights(folder)
    saved = model.state_dict(keep_vars=True)
    targets = {name.replace(BASE, ""): tensor for name, tensor in saved.items() if not is_adapter(name)}
    mapping = get_model_conversion_mapping(model)
    renamings = [rule for rule in mapping if isinstance(rule, WeightRenaming)]
    converters = [rule for rule in mapping if isinstance(rule, WeightConverter)]
    by_pattern = {pattern: rule for rule in converters for pattern in rule.source_patterns}
    made_of: dict[str, list[tuple[str, str | None]]] = {}
    for key in sorted(files.places, key=dot_natural_key):
        name, pattern = rename_source_key(key, renamings, converters, model.base_model_prefix, targets)
        if name not in targets and key in targets:
            name, pattern = key, None
        made_of.setdefault(name, []).append((key, pattern))
    filled: set[int] = set()
    for name, sources in made_of.items():
        for target, value in _made(name, sources, by_pattern, files, model):
            if target in targets:
                _put(targets[target], value, target, folder)
                filled.add(id(targets[target]))
    parameters = {n: p for n, p in targets.items() if isinstance(p, nn.Parameter)}
    if missing := [name for name, parameter in parameters.items() if id(parameter) not in filled]:
        raise In2xError(f"the weights lack {missing[0]}" + (f" and {len(missing) - 1} more" if missing[1:] else ""),
                        file=folder, mend="give a folder with all weights of its config")  # fmt: skip
    model._weight_conversions = [rule for rule in mapping if rule.was_used()]  # what saving undoes


def _made(
    name: str, sources: list[tuple[str, str | None]], converters: Mapping[str, Any], files: Weights,
    model: PreTrainedModel,
) -> Iterator[tuple[str, Any]]:  # fmt: skip
    """The parameters that come of `sources`: slices not read yet where they are renamed only, else whole tensors."""
    pattern = sources[0][1]
    if pattern is None:
        yield name, files.slice(sources[-1][0])
        return
    rule = copy.deepcopy(converters[pattern])
    for key, matched in sources:
        rule.add_tensor(name, key, matched, files.slice(key)[...])
    for target, value in rule.convert(name, model=model, config=model.config).items():
        yield target, value[0] if isinstance(value, list) else value


def _put(target: Tensor, value: Any, name: str, folder: Path) -> None:
    """Copy the rows of `value` (a tensor, or a slice of a file) that this process holds of `target`."""
    shape = tuple(value.shape if isinstance(value, Tensor) else value.get_shape())
    if shape != tuple(target.shape):
        raise In2xError(f"{name} is {shape} in the weights and {tuple(target.shape)} by the config", file=folder,
                        mend="give a folder whose config is that of its weights")  # fmt: skip
    own = parallel.local(target)
    if own.numel():
        own.copy_(value[parallel.rows(target)] if target.ndim else value[...])


class Weights:
    """The tensors of a model folder, read slice by slice.

    Raises:
        In2xError: the folder has no safetensors weights, or one of its files is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        """Read the index of `folder`, or the names in its only file."""
        self.folder = folder
        index = folder / INDEX
        if index.is_file():
            named: Mapping[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
            self.places = {name: folder / Path(file).name for name, file in named.items()}
        else:
            self.places = dict.fromkeys(self._opened(folder / SINGLE).keys(), folder / SINGLE)

    def slice(self, name: str) -> Any:
        """A tensor that is read where it is indexed, and nowhere else.

        A file is opened for each, since what was read of an open one stays in the memory of the process.
        """
        return self._opened(self.places[name]).get_slice(name)

    def _opened(self, file: Path) -> Any:
        try:
            return safe_open(file, framework="pt")
        except (OSError, SafetensorError) as error:
            why = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({str(error)[:120]})"
            raise In2xError(f"{file.name} {why}", file=self.folder, mend="copy or download the model again") from None
