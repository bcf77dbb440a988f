"""A model without memory, and processes that are not there: what the real code needs to run at any size on one core.

Tensors are torch's fake ones: shapes and types, no numbers. They lie on the CPU, whatever device is asked about, so the
answer is the same on every machine; what a GPU would choose is chosen by hand: bfloat16, and the call of torch's kernel
for documents of variable length, which keeps its output and one logarithm a query.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, distributed
from torch.nn import functional
from torch.testing._internal.distributed.fake_pg import FakeStore
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig

from in2x.cost.shape import PUBLISHED, Shape, family_of, shape_of
from in2x.recipe import Recipe
from in2x.training import attention
from in2x.training.config import COMPUTE
from in2x.training.forward import forward_of
from in2x.training.model import for_device


@contextmanager
def machine(processes: int, gpu: bool, length: int) -> Iterator[None]:
    """Be process 0 of `processes`, on a GPU or on this CPU, with rows of one text of `length`, in the block."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch("torch.cuda.is_available", return_value=False))
        if gpu:
            attention.VARIABLE.add("cpu")  # the call is that of a GPU, and only a real tensor would miss the kernel
            stack.callback(attention.VARIABLE.discard, "cpu")
            stack.enter_context(mock.patch.dict(os.environ, {COMPUTE: "bfloat16"}))
        else:
            stack.enter_context(mock.patch.object(attention, "_one_by_one", partial(_alike, length)))
        if processes > 1:
            distributed.init_process_group("fake", rank=0, world_size=processes, store=FakeStore())
            stack.callback(distributed.destroy_process_group)
        yield


def _alike(
    length: int, query: Tensor, key: Tensor, value: Tensor, borders: Tensor, scaling: float, dropout: float
) -> Tensor:
    """In place of `attention._one_by_one`, whose borders cannot be read: all texts of `length`, in one call."""
    query, key, value = (t.view(-1, length, *t.shape[1:]).transpose(1, 2) for t in (query, key, value))
    found = functional.scaled_dot_product_attention(
        query, key, value, is_causal=True, scale=scaling, dropout_p=dropout, enable_gqa=key.shape[1] != query.shape[1]
    )
    return found.transpose(1, 2).flatten(0, 1)


def model_config(recipe: Recipe) -> PreTrainedConfig:
    """The base model's config for transformers, without a download.

    Raises:
        In2xError: as `cost.shape_of`.
    """
    name = recipe.base.model
    shape, _ = shape_of(recipe)
    if name is not None and name not in PUBLISHED:
        found: PreTrainedConfig = AutoConfig.from_pretrained(Path(name), trust_remote_code=False)
        return found
    return config_of(shape, (name and family_of(name)) or "qwen3")


def config_of(shape: Shape, family: str = "qwen3", **more: Any) -> PreTrainedConfig:
    """A config of `shape` for the `model_type` `family`; `more` goes into it as it is."""
    config: PreTrainedConfig = AutoConfig.for_model(
        family, vocab_size=shape.vocabulary, hidden_size=shape.width, intermediate_size=shape.mlp,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_size, tie_word_embeddings=shape.tied, **more,
    )  # fmt: skip
    return config


def empty_model(config: PreTrainedConfig, gpu: bool) -> PreTrainedModel:
    """The model of `config` on the meta device, with the attention that it would have on a GPU or a CPU."""
    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    # Without numbers torch knows the products of experts in bfloat16 alone.
    with mock.patch("transformers.integrations.moe._can_use_grouped_mm", return_value=False):
        forward_of(model)
    return for_device(model, torch.device("cuda" if gpu else "cpu"))
