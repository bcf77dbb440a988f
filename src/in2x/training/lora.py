"""Low-rank adapters (LoRA) by peft: put in before training, merged into the weights after it.

The adapters are injected in place: body, head and transformers' classes stay what they are, so the
loops, the sampler and the checkpoints need no second path. Only the adapters have gradients, optimizer state and a
place in checkpoints.
"""

from __future__ import annotations

import torch
from peft import LoraConfig as PeftLoraConfig
from peft.tuners.lora import LoraModel
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from in2x.errors import UsageError
from in2x.training.config import LoraConfig
from in2x.training.forward import head

ADAPTER = "default"


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

    Their start (A at random, B zero: the model is unchanged) is a function of `seed`.
    """
    if not config.rank:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LoraModel(model, {ADAPTER: peft_config(model, config)}, ADAPTER)


def merge_adapters(model: PreTrainedModel, adapters: LoraModel | None) -> PreTrainedModel:
    """The model with the adapters added into its weights and taken out; `model` itself where there are none."""
    if adapters is None:
        return model
    merged: PreTrainedModel = adapters.merge_and_unload()
    return merged.requires_grad_(True)
