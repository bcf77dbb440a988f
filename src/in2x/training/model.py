"""Models: a small Qwen3 from scratch, or any causal language model of transformers from a folder or hub name."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from in2x.errors import In2xError
from in2x.training.config import ShapeConfig

if TYPE_CHECKING:  # what builds models is imported where one is built: tokenizers are asked for without, too
    from transformers import PreTrainedModel

# Its bars would interleave with ours.
transformers_logging.disable_progress_bar()


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def build_model(shape: ShapeConfig, tokenizer: PreTrainedTokenizerBase, seed: int) -> PreTrainedModel:
    """A randomly initialised Qwen3 of the given shape, tied embeddings, for `tokenizer`'s vocabulary (fp32)."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    seed_everything(seed)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        intermediate_size=shape.mlp,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.width // shape.heads,
        max_position_embeddings=shape.context,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen3ForCausalLM(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.do_sample = False
    return for_device(model)


def for_device(model: PreTrainedModel, device: torch.device | None = None) -> PreTrainedModel:
    """Give `model` the attention for `device` (its own one's): ours on a CPU, where it computes the same.

    Elsewhere it is what transformers chose for this kind of model: torch's fused one where its scores are not capped.
    """
    from in2x.training import attention
    from in2x.training.forward import forward_of

    found = forward_of(model)
    cpu = (device or model.device).type == "cpu"
    wanted = attention.NAME if cpu and found.dense else found.attention
    if model.config._attn_implementation != wanted:
        model.set_attn_implementation(wanted)
    return model


def to_training_device(model: PreTrainedModel) -> torch.device:
    """Move `model` to the GPU where there is one, with an attention that has a kernel there. Returns the device."""
    if torch.cuda.is_available():
        for_device(model.to("cuda"))
    device: torch.device = next(model.parameters()).device
    return device


def load_tokenizer(source: str | Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder or hub name. Raises In2xError where there is none."""
    try:
        if _plain_tokenizer(Path(source)):
            tokenizer: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(str(source))
        else:
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(str(source), trust_remote_code=False)
    except Exception as error:  # files of others: tokenizers and transformers raise anything, Exception itself too
        raise not_a_model(source, error) from None
    if len(tokenizer) < 2:  # transformers makes an empty one where a folder has none
        raise In2xError("the folder has no tokenizer", file=source, mend="put tokenizer.json into it")
    return tokenizer


def _plain_tokenizer(folder: Path) -> bool:
    """Whether a folder's tokenizer is one file of the library `tokenizers`, which needs no look at the model's kind."""
    if not (folder / "tokenizer.json").is_file() or not (folder / "tokenizer_config.json").is_file():
        return False
    found = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    return isinstance(found, dict) and found.get("tokenizer_class") == PreTrainedTokenizerFast.__name__


def load_model(source: str | Path, dtype: torch.dtype = torch.float32, **options: Any) -> PreTrainedModel:
    """A causal language model from a folder (safetensors) or hub name. Raises In2xError where it is not one."""
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(source), dtype=dtype, use_safetensors=True, trust_remote_code=False, **options
        )
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # as above: no heads divide by zero, a width of 10**5 is no shape of these weights
        raise not_a_model(source, error) from None
    for name, value in model.config.to_dict().items():
        if isinstance(value, float) and not math.isfinite(value):
            raise In2xError(f"config.json: {name} is {value}", file=source, mend="get the model again")
    return for_device(model)


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write a Hugging Face folder (bf16 or fp32 safetensors, config, tokenizer with chat template).

    Of a sharded model every process must call this; process 0 writes.
    """
    from in2x.training import parallel

    folder.mkdir(parents=True, exist_ok=True)
    # The attention that trained it is ours; the folder must load where in2x is not installed.
    kept, model.config._attn_implementation_internal = model.config._attn_implementation_internal, None
    if parallel.sharded(model):
        from in2x.training.export import save_sharded  # of a transformers that is newer than verl's

        save_sharded(model, folder)
    else:
        model.save_pretrained(folder, safe_serialization=True)
    model.config._attn_implementation_internal = kept
    if parallel.rank() == 0:
        tokenizer.save_pretrained(folder)


def not_a_model(source: str | Path, error: Exception) -> In2xError:
    """What is said of a folder or name that transformers cannot load, with the first line of its reason."""
    first = str(error).strip().splitlines()[0][:160] if str(error).strip() else error.__class__.__name__
    return In2xError(f"not a model that transformers can load ({first.rstrip('.')})", file=source,
                     mend="give a folder with config.json, safetensors and a tokenizer, or a hub name")  # fmt: skip
