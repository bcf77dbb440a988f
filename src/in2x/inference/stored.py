"""The decoder of a model folder, read from its safetensors: no model is built, and little of transformers is imported.

What takes longest until the first word of a small model is translated is importing what builds any model. A Qwen3 as
recipes make it needs none of that. A folder that holds anything else has no decoder here, and its model is loaded.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from in2x.inference.decoder import Decoder, Layer, Linear

KIND = "qwen3"
"""The `model_type` that is read."""
WINDOW = 1 << 40
"""No layer has a window."""
_WANTED = {
    "model_type": (KIND,), "architectures": (["Qwen3ForCausalLM"],), "hidden_act": ("silu",),
    "attention_bias": (False,), "use_sliding_window": (False, None), "quantization_config": (None,),
    "rope_scaling": (None,),
}  # fmt: skip
"""Key of config.json -> what it may be."""


def read_decoder(folder: Path, dtype: torch.dtype) -> Decoder | None:
    """The decoder of the model in `folder` for the CPU, its weights as `dtype`; None where it is of another kind."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if not _usual(config):
            return None
        ends(folder)  # who has the decoder asks for them next
        weights: dict[str, Tensor] = {}
        for file in sorted(folder.glob("model*.safetensors")):
            weights |= load_file(file)
        tied = bool(config.get("tie_word_embeddings"))
        if tied:
            weights.pop("lm_head.weight", None)
        if {name: tuple(weight.shape) for name, weight in weights.items()} != _shapes(config, tied):
            return None
        weights = {name: weight.to(dtype) for name, weight in weights.items()}
        return _decoder(config, weights)
    except (
        OSError,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        AttributeError,
        RuntimeError,
        SafetensorError,
    ):
        return None  # loading the model says what is wrong


def ends(folder: Path) -> int | list[int] | None:
    """The tokens that end an answer, as the generation config of a folder has them, or its config."""
    for name in ("generation_config.json", "config.json"):
        if (folder / name).is_file():
            found: int | list[int] | None = json.loads((folder / name).read_text("utf-8")).get("eos_token_id")
            if not all(isinstance(end, int) for end in (found if isinstance(found, list) else [found or 0])):
                raise ValueError(f"{name}: eos_token_id is no token")
            return found
    return None


def _usual(config: dict[str, Any]) -> bool:
    if any(config.get(name) not in allowed for name, allowed in _WANTED.items()):
        return False
    rope = config.get("rope_parameters") or {}
    if set(rope) - {"rope_theta"} and rope.get("rope_type") != "default":
        return False
    return set(config.get("layer_types") or ()) <= {"full_attention"} and "rope_theta" in {**config, **rope}


def _shapes(config: dict[str, Any], tied: bool) -> dict[str, tuple[int, ...]]:
    """Weight -> what shape it must have."""
    width, inner, vocabulary = int(config["hidden_size"]), int(config["intermediate_size"]), int(config["vocab_size"])
    size = _head_size(config)
    queries, keys = int(config["num_attention_heads"]) * size, int(config["num_key_value_heads"]) * size
    of_layer: dict[str, tuple[int, ...]] = {
        "self_attn.q_proj": (queries, width), "self_attn.k_proj": (keys, width), "self_attn.v_proj": (keys, width),
        "self_attn.o_proj": (width, queries), "self_attn.q_norm": (size,), "self_attn.k_norm": (size,),
        "mlp.gate_proj": (inner, width), "mlp.up_proj": (inner, width), "mlp.down_proj": (width, inner),
        "input_layernorm": (width,), "post_attention_layernorm": (width,),
    }  # fmt: skip
    shapes = {
        f"model.layers.{number}.{part}.weight": shape
        for number in range(int(config["num_hidden_layers"]))
        for part, shape in of_layer.items()
    }
    shapes |= {"model.embed_tokens.weight": (vocabulary, width), "model.norm.weight": (width,)}
    return shapes if tied else {**shapes, "lm_head.weight": (vocabulary, width)}


def _head_size(config: dict[str, Any]) -> int:
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def _decoder(config: dict[str, Any], weights: dict[str, Tensor]) -> Decoder:
    """Of `weights`, which are taken out one by one: no more than a layer is held twice."""
    heads, kv_heads = int(config["num_attention_heads"]), int(config["num_key_value_heads"])
    size = _head_size(config)
    words = weights["model.embed_tokens.weight"]
    output = words if config.get("tie_word_embeddings") else weights["lm_head.weight"]

    def layer(number: int) -> Layer:
        def part(*names: str) -> Tensor:
            found = [weights.pop(f"model.layers.{number}.{name}.weight") for name in names]
            return found[0] if len(found) == 1 else torch.cat(found)

        def product(*names: str) -> Linear:
            return Linear(part(*names)).laid_out()

        q, k = part("self_attn.q_norm"), part("self_attn.k_norm")
        return Layer(
            part("input_layernorm"), product("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            torch.cat((q.expand(heads, -1), k.expand(kv_heads, -1))), product("self_attn.o_proj"),
            part("post_attention_layernorm"), product("mlp.gate_proj", "mlp.up_proj"), product("mlp.down_proj"),
        )  # fmt: skip

    theta = float({**config, **(config.get("rope_parameters") or {})}["rope_theta"])
    eps = float(config["rms_norm_eps"])
    if not (math.isfinite(theta) and math.isfinite(eps)):
        raise ValueError("a number of the config is none")
    turns = 1.0 / theta ** (torch.arange(0, size, 2, dtype=torch.int64).float() / size)
    angles = torch.arange(int(config["max_position_embeddings"])).float()[:, None, None] * turns
    cos, sin = angles.cos().to(words.dtype), angles.sin().to(words.dtype)
    return Decoder(
        heads, kv_heads, size, size**-0.5, eps, functional.silu, words,
        [layer(number) for number in range(int(config["num_hidden_layers"]))], weights["model.norm.weight"],
        output, Linear(output).laid_out(),
        torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1), WINDOW,
    )  # fmt: skip
