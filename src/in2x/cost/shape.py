"""The shape of a model, and from it how many weights stand where. Known without torch and without a download."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in2x.errors import In2xError
from in2x.recipe import Recipe
from in2x.training.config import LoraConfig


@dataclass(frozen=True)
class Shape:
    """The shape of a decoder with a gated MLP, or with several of which each token goes through some (experts)."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    mlp: int
    """Inner size of the MLP; of an expert, where there are several."""
    vocabulary: int
    head_size: int
    tied: bool
    experts: int = 0
    chosen: int = 0
    """Experts that a token goes through."""

    @property
    def attention(self) -> int:
        """Weights of a layer's attention."""
        return self.width * self.head_size * (2 * self.heads + 2 * self.kv_heads)

    @property
    def layer(self) -> int:
        """Weights of a layer (norms and biases, some millionths, are left out everywhere)."""
        return self.attention + 3 * self.width * self.mlp * max(1, self.experts) + self.width * self.experts

    @property
    def active(self) -> int:
        """Weights of a layer that one token is multiplied with."""
        return self.attention + 3 * self.width * self.mlp * (self.chosen or 1) + self.width * self.experts

    @property
    def embedding(self) -> int:
        """Weights of one embedding; as many has the output layer."""
        return self.vocabulary * self.width

    @property
    def parameters(self) -> int:
        """N: weights of all matrices."""
        return self.layers * self.layer + self.embedding * (1 if self.tied else 2)

    def adapters(self, lora: LoraConfig) -> int:
        """Weights of the adapters on one layer's linear layers (experts have none); 0 where the rank is 0."""
        queries, keys = self.heads * self.head_size, self.kv_heads * self.head_size
        sizes = {
            "q_proj": self.width + queries, "k_proj": self.width + keys, "v_proj": self.width + keys,
            "o_proj": queries + self.width,
        }  # fmt: skip
        if not self.experts:
            sizes |= dict.fromkeys(("gate_proj", "up_proj", "down_proj"), self.width + self.mlp)
        return lora.rank * sum(size for name, size in sizes.items() if not lora.targets or name in lora.targets)


PUBLISHED = {
    "Qwen/Qwen2.5-72B": Shape(80, 8192, 64, 8, 29568, 152064, 128, False),
    "Qwen/Qwen2.5-7B": Shape(28, 3584, 28, 4, 18944, 152064, 128, False),
    "Qwen/Qwen3-8B-Base": Shape(36, 4096, 32, 8, 12288, 151936, 128, False),
    "Qwen/Qwen3-8B": Shape(36, 4096, 32, 8, 12288, 151936, 128, False),
    "Qwen/Qwen3-4B-Base": Shape(36, 2560, 32, 8, 9728, 151936, 128, True),
    "Qwen/Qwen3-0.6B-Base": Shape(28, 1024, 16, 8, 3072, 151936, 128, True),
}
"""Shapes of common base models, so that a plan needs no download."""
FAMILIES = {"Qwen/Qwen2.5-": "qwen2", "Qwen/Qwen3-": "qwen3"}
"""transformers' `model_type` by how the names of models begin that need no download."""


def family_of(name: str) -> str | None:
    """The `model_type` of a model by its hub name; None where only the hub knows."""
    return next((family for begins, family in FAMILIES.items() if name.startswith(begins)), None)


def shape_of(recipe: Recipe) -> tuple[Shape, str]:
    """The shape of the recipe's base model and where it is known from.

    Raises:
        In2xError: the model is a folder without a readable config.json, or a name that is not in `PUBLISHED`.
    """
    name = recipe.base.model
    if name is None:
        s = recipe.base.shape
        return (
            Shape(s.layers, s.width, s.heads, s.kv_heads, s.mlp, s.vocabulary, s.width // s.heads, True),
            "the recipe's own shape",
        )
    if name in PUBLISHED:
        return PUBLISHED[name], f"{name}, published shape"
    file = Path(name) / "config.json"
    try:
        return _read(json.loads(file.read_text(encoding="utf-8"))), str(file)
    except (OSError, ValueError, KeyError) as error:
        raise In2xError(f"the shape of {name} is not known here ({error.__class__.__name__})", file=file,
                        mend=f"give a local folder, or one of {', '.join(PUBLISHED)}") from None  # fmt: skip


def _read(raw: dict[str, Any]) -> Shape:
    """The shape in a config.json of transformers."""
    heads, width = int(raw["num_attention_heads"]), int(raw["hidden_size"])
    experts = int(raw.get("num_experts") or raw.get("num_local_experts") or 0)
    return Shape(
        layers=int(raw["num_hidden_layers"]), width=width, heads=heads,
        kv_heads=int(raw.get("num_key_value_heads") or heads),
        mlp=int((raw.get("moe_intermediate_size") if experts else None) or raw["intermediate_size"]),
        vocabulary=int(raw["vocab_size"]), head_size=int(raw.get("head_dim") or width // heads),
        tied=bool(raw.get("tie_word_embeddings", False)), experts=experts,
        chosen=int(raw["num_experts_per_tok"]) if experts else 0,
    )  # fmt: skip
