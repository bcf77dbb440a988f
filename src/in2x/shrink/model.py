"""A tiny random model of the same family as a recipe's base model: architecture, tokenizer kind, chat template.

Of the model itself only its config and its tokenizer are read, from a folder, the local cache of the hub, or the hub.
Of the families that `cost.shape` knows by name nothing is needed: their architecture is transformers' own, and what
their tokenizer does with text is written down here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PretrainedConfig,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from in2x.cost.shape import PUBLISHED, family_of
from in2x.errors import In2xError
from in2x.trace.fake import config_of
from in2x.training.model import load_tokenizer, save_model, seed_everything

VOCABULARY = 1024
"""Entries of a tokenizer that is trained anew."""
SMALL: Mapping[str, int] = {
    "hidden_size": 64, "n_embd": 64, "d_model": 64, "word_embed_proj_dim": 64, "intermediate_size": 128,
    "ffn_dim": 128, "n_inner": 128, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 32,
    "intermediate_size_mlp": 128, "head_dim": 16, "n_head": 4, "num_attention_heads": 4, "num_experts": 4,
    "num_local_experts": 4, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_topk": 2, "sliding_window": 32,
    "attention_chunk_size": 32, "query_pre_attn_scalar": 16, "q_lora_rank": 16, "kv_lora_rank": 16,
    "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 16, "n_group": 1, "topk_group": 1,
    "first_k_dense_replace": 1, "linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
}  # fmt: skip
"""Sizes that are brought down to these values wherever a config has them larger."""
LAYERS = ("num_hidden_layers", "n_layer")
QWEN_ENDS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
QWEN_WORDS = Regex(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}"
    "{% endif %}{% endif %}"
)


def write_tiny(source: str, folder: Path, texts: Iterable[str], context: int, seed: int) -> Path:
    """Write the tiny model of the family of `source` to `folder` (once) and return it.

    Args:
        source: folder or hub name of the base model.
        folder: where it goes.
        texts: what its tokenizer is trained on.
        context: largest context, in tokens; the model's own is brought down to it.
        seed: of its weights.

    Raises:
        In2xError: neither config nor tokenizer can be had, or the family cannot be built this small.
    """
    if folder.exists():
        return folder
    place = _place(source)
    config: PretrainedConfig | dict[str, Any]
    if place is None:
        tokenizer: PreTrainedTokenizerBase = _qwen_tokenizer(texts, context)
        family = family_of(source)
        shape = PUBLISHED.get(source)
        config = AutoConfig.for_model(family) if shape is None or family is None else config_of(shape, family)
    else:
        tokenizer = _trained_anew(load_tokenizer(place), texts)
        config = AutoConfig.from_pretrained(place, trust_remote_code=False)
    try:
        shrink(config, tokenizer, context)
        seed_everything(seed)
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False, dtype=torch.float32)
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise In2xError(f"{config.model_type} cannot be built this small ({str(error).splitlines()[0][:120]})",
                        file=source, mend="rehearse with --set base.model=FOLDER, a small model of that family"
                        ) from None  # fmt: skip
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    save_model(model, tokenizer, partial)
    partial.rename(folder)
    return folder


def _place(source: str) -> str | None:
    """Where config and tokenizer are read from; None for a known family that is not on this machine."""
    from huggingface_hub import snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if Path(source).is_dir() or isinstance(try_to_load_from_cache(source, "config.json"), str):
        return source
    if family_of(source) is not None:
        return None
    try:
        return snapshot_download(source, allow_patterns=["*.json", "*.txt", "*.jinja", "*.model"],
                                 ignore_patterns=["*.safetensors.index.json"])  # fmt: skip
    except (OSError, ValueError, HfHubHTTPError, HFValidationError) as error:
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise In2xError(f"config and tokenizer of the base model cannot be had ({reason.rstrip('.')})", file=source,
                        mend="connect to the hub, or give a folder: --set base.model=FOLDER") from None  # fmt: skip


def shrink(config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase, context: int) -> None:
    """Bring the sizes in `config` down in place; what makes the architecture (kinds of layers, rotary base) stays."""
    heads = getattr(config, "num_attention_heads", 4)
    groups = max(1, heads // (getattr(config, "num_key_value_heads", None) or heads))
    for name, most in SMALL.items():
        value = getattr(config, name, None)
        if isinstance(value, int) and value > most:
            setattr(config, name, most)
    if getattr(config, "num_key_value_heads", None):
        config.num_key_value_heads = max(1, config.num_attention_heads // groups)
    kinds = getattr(config, "layer_types", None)
    layers = 4 if kinds and len(set(kinds)) > 1 else 2
    for name in LAYERS:
        if isinstance(getattr(config, name, None), int):
            setattr(config, name, layers)
    if kinds:
        # One of each kind, in the order in which they come first, then as the model goes on.
        first = list(dict.fromkeys(kinds))
        config.layer_types = [*first, *kinds][:layers] if len(first) > 1 else kinds[:layers]
    if isinstance(getattr(config, "max_window_layers", None), int):
        config.max_window_layers = min(config.max_window_layers, layers)
    for name in ("max_position_embeddings", "n_positions"):
        if isinstance(getattr(config, name, None), int):
            setattr(config, name, context)
    rope = getattr(config, "rope_parameters", None) or {}
    if "original_max_position_embeddings" in rope:
        config.rope_parameters = {**rope, "original_max_position_embeddings": context}
    config.vocab_size = len(tokenizer)
    config.bos_token_id = tokenizer.bos_token_id
    config.eos_token_id, config.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id


def _trained_anew(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> PreTrainedTokenizerBase:
    """The same kind of tokenizer with few entries; one that cannot be trained (no fast one) stays as it is."""
    if not tokenizer.is_fast:
        return tokenizer
    anew: PreTrainedTokenizerBase = tokenizer.train_new_from_iterator(texts, VOCABULARY, show_progress=False)
    return anew


def _qwen_tokenizer(texts: Iterable[str], context: int) -> PreTrainedTokenizerBase:
    """Byte-level BPE as Qwen's: NFC, its cut into words, its three ends, its chat in ChatML."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(QWEN_WORDS, behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[*QWEN_ENDS], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    ))  # fmt: skip
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        chat_template=CHATML,
        additional_special_tokens=[*QWEN_ENDS[1:]],
        model_max_length=context,
    )
