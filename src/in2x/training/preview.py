"""A base model looked at before any hour is spent: can it be served here, by which forward pass, how is it asked.

Nothing is loaded but the config and the tokenizer; the model is built without weights and watched (`forward.watch`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PretrainedConfig

from in2x.chat.contract import contract_of, settle
from in2x.errors import In2xError
from in2x.training.forward import watch
from in2x.training.model import load_tokenizer, not_a_model


@dataclass(frozen=True)
class Preview:
    """What was found."""

    family: str
    """transformers' `model_type` and the class of the model."""
    forward: str
    """The forward pass that serves it, in words."""
    chat: str
    """The chat contract, in words."""
    ends: list[str]
    """Tokens that end an answer, the template's first."""
    note: str = ""
    """What is changed: a template that was missing, an end that adapters could not teach; "" elsewhere."""


def preview(source: str, *, adapters: bool = False) -> Preview:
    """Look at the model in a folder or of a hub name.

    Args:
        source: as `base.model` in a recipe.
        adapters: whether supervised training leaves the output matrix as it is.

    Raises:
        In2xError: it cannot be served here, and why.
    """
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        _refuse(source, config)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False, dtype=torch.bfloat16)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise not_a_model(source, error) from None
    tokenizer = load_tokenizer(source)
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise In2xError(f"the tokenizer has {len(tokenizer):,} tokens and the model {rows:,}", file=source,
                        mend="give a model with its own tokenizer")  # fmt: skip
    try:
        generation = GenerationConfig.from_pretrained(source)
    except OSError:
        generation = GenerationConfig.from_model_config(config)
    before = contract_of(tokenizer).end if tokenizer.chat_template else None
    contract = settle(tokenizer, generation, trains_head=not adapters)
    note = "no chat template of its own: User and Assistant in plain words" if before is None else ""
    if before is not None and before != contract.end:
        note = f"answers end with {contract.end} instead of {before}, which adapters cannot teach"
    return Preview(
        family=f"{config.model_type} ({type(model).__name__})",
        forward=watch(model).words,
        chat=contract.words,
        ends=[str(tokenizer.convert_ids_to_tokens(end)) for end in generation.eos_token_id],
        note=note,
    )


def _refuse(source: str, config: PretrainedConfig) -> None:
    """Raise In2xError for what transformers could build and could not train."""
    if getattr(config, "is_encoder_decoder", False):
        raise In2xError(f"{config.model_type} has an encoder", file=source, mend="give a causal language model")
    quantised = getattr(config, "quantization_config", None)
    if quantised:
        kind = quantised.get("quant_method", "unknown") if isinstance(quantised, dict) else quantised.quant_method
        raise In2xError(f"its weights are quantised ({kind}) and cannot be trained", file=source,
                        mend="give the same model in bfloat16")  # fmt: skip
    folder = Path(source)
    if folder.is_dir() and not any(folder.glob("*.safetensors")):
        raise In2xError("a model folder without safetensors", file=source, mend="convert its weights to safetensors")
