"""A sharded model as one Hugging Face folder: every process takes part, process 0 writes, one tensor at a time.

Names are those that transformers reads: what it joins when it loads (experts, say) is taken apart by its own mapping,
as `save_pretrained` does with the whole model; here only parameters that belong together are gathered at once.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import PrefixChange, WeightConverter, apply_converters, revert_weight_conversion

from in2x.artifact import write_json
from in2x.training import parallel

SHARD_BYTES = 2 << 30
"""Bytes of tensors in a file; one that alone is larger has its own."""


@torch.no_grad()
def save_sharded(model: PreTrainedModel, folder: Path) -> None:
    """Write config, generation config and weights of `model`. To be called by all processes; `folder` exists.

    Args:
        model: sharded, without adapters.
        folder: weights of an earlier try in it are written over.
    """
    shards = _Shards(folder)
    for names in _together(model):
        whole = {name: parallel.full(tensor).cpu() for name, tensor in names.items()}
        if parallel.rank() == 0:
            shards.add(revert_weight_conversion(model, whole))
        del whole  # before the next is gathered
    if parallel.rank() == 0:
        shards.finish()
        model.config.dtype = str(model.dtype).removeprefix("torch.")
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(folder)
        model.generation_config.save_pretrained(folder)


def _together(model: PreTrainedModel) -> list[dict[str, Tensor]]:
    """What is saved of `model`, in groups that become tensors of a folder together. Tied tensors count once."""
    rules = getattr(model, "_weight_conversions", None)
    if rules is None:
        every = get_model_conversion_mapping(model, add_legacy=False)
        rules = [rule for rule in every if not isinstance(rule, PrefixChange)]
    undone = [rule.reverse_transform() for rule in reversed(rules)]
    converters = [rule for rule in undone if isinstance(rule, WeightConverter)]
    left_out = {*model.all_tied_weights_keys, *(model._keys_to_ignore_on_save or ())}
    groups: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, tensor in model.state_dict().items():
        if name not in left_out:
            groups[apply_converters(name, converters)[0]][name] = tensor
    return list(groups.values())


class _Shards:
    """Safetensors files of up to `SHARD_BYTES` and, of more than one, their index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: dict[str, Tensor] = {}
        self.written: list[list[str]] = []
        self.bytes = 0

    def add(self, tensors: dict[str, Tensor]) -> None:
        """Take tensors in, and write those before where the file is full."""
        for name, tensor in tensors.items():
            if self.held and sum(t.nbytes for t in self.held.values()) + tensor.nbytes > SHARD_BYTES:
                self._write()
            self.held[name] = tensor.contiguous()
            self.bytes += tensor.nbytes

    def finish(self) -> None:
        """Write what is left, and give the files the names that tell how many they are."""
        self._write()
        count, places = len(self.written), {}
        for number, names in enumerate(self.written, start=1):
            name = "model.safetensors" if count == 1 else f"model-{number:05d}-of-{count:05d}.safetensors"
            self._partial(number).replace(self.folder / name)
            places.update(dict.fromkeys(names, name))
        if count > 1:
            write_json(self.folder / "model.safetensors.index.json",
                       {"metadata": {"total_size": self.bytes}, "weight_map": places})  # fmt: skip

    def _write(self) -> None:
        self.written.append(list(self.held))
        partial = self._partial(len(self.written))
        save_file(self.held, partial, metadata={"format": "pt"})
        partial.chmod(0o644)  # safetensors makes files that nobody else may read
        self.held = {}

    def _partial(self, number: int) -> Path:
        return self.folder / f"model-{number:05d}.partial"
