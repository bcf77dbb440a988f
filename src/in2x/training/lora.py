"""Low-rank adapters (LoRA) by peft: put in before training, merged into the weights after it.

The adapters are injected in place: body, head and transformers' classes stay what they are, so the
loops, the sampler and the checkpoints need no second path. Only the adapters have gradients, optimizer state and a
place in checkpoints.
"""

from __future__ import annotations

import math

import torch
from peft import LoraConfig as PeftLoraConfig
from peft.tuners.lora import LoraModel
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from in2x.errors import UsageError
from in2x.training import parallel
from in2x.training.config import LoraConfig
from in2x.training.forward import head

ADAPTER = "default"
BASE = ".base_layer"
"""What peft puts into the name of a layer's own weights."""


def peft_config(model: PreTrainedModel, config: LoraConfig) -> PeftLoraConfig:
    """The peft config for `model`. Raises UsageError where `targets` names no layer of it."""
    # Of these very types: a router that inherits from them returns more than a product.
    names = [n for n, m in model.named_modules() if type(m) in (torch.nn.Linear, Conv1D) and m is not head(model)]
    found = sorted({n.rpartition(".")[2] for n in names})
    unknown = sorted(set(config.targets) - set(found))
    if unknown:
        raise UsageError(f"lora.targets names {unknown[0]!r}, which this model has not", mend=f"use {', '.join(found)}")
    return PeftLoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, bias="none", task_type="CAUSAL_LM",
        target_modules=list(config.targets) or found,
    )  # fmt: skip


def add_adapters(model: PreTrainedModel, config: LoraConfig, seed: int) -> LoraModel | None:
    """Inject adapters into `model` in place and freeze the rest; None, and nothing done, where the rank is 0.

    Of a model without weights they are without values, too, until `start_adapters` is called with the same seed.
    """
    if not config.rank:
        return None
    empty = any(p.is_meta for p in model.parameters())
    with torch.random.fork_rng(devices=[]):
        adapters = LoraModel(model, {ADAPTER: peft_config(model, config)}, ADAPTER, low_cpu_mem_usage=empty)
    if not empty:
        start_adapters(model, seed)
    return adapters


def is_adapter(name: str) -> bool:
    """Whether a parameter of this name belongs to an adapter."""
    return ".lora_A." in name or ".lora_B." in name


@torch.no_grad()
def start_adapters(model: PreTrainedModel, seed: int) -> None:
    """Give the adapters their start: A at random, B zero, so that the model is unchanged.

    A function of `seed` alone, whatever the number of processes: peft's distribution (He et al. 2015, gain of a
    leaky slope of sqrt 5), drawn tensor by tensor.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if not is_adapter(name):
            continue
        own = parallel.local(parameter)
        if ".lora_B." in name:
            own.zero_()
            continue
        whole = torch.empty(parameter.shape)
        torch.nn.init.kaiming_uniform_(whole, a=math.sqrt(5), generator=generator)
        own.copy_(whole[parallel.rows(parameter)])


def merge_adapters(model: PreTrainedModel, adapters: LoraModel | None) -> PreTrainedModel:
    """The model with the adapters added into its weights and taken out; `model` itself where there are none.

    Of a sharded model every process must call this; what comes back is sharded as before.
    """
    if adapters is None:
        return model
    merged: PreTrainedModel = adapters.merge_and_unload()
    return merged.requires_grad_(True)
