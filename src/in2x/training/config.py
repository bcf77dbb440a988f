"""Knobs of training that several rooms share. Nothing here needs torch: a recipe is checked in a moment."""

from __future__ import annotations

import os
from typing import Literal

from in2x.errors import UsageError
from in2x.knob import Config, knob

Schedule = Literal["constant", "linear", "cosine", "trapezoid"]
Compile = bool | Literal["auto"]
COMPILE_DOC = "Compile the layers where a compiler is found; auto: where that saves more time than it costs."
"""What `compile` means in every room that trains."""

Checkpointing = bool | Literal["selective"]
CHECKPOINTING_DOC = (
    "Recompute the activations of each layer in the backward pass (less memory, a third more time); selective: of "
    "every second layer."
)
DEVICE_TOKENS_DOC = (
    "Positions that one pass of one process holds, padding included; a step makes as many passes as it needs. null: "
    "each process takes its share of a step in one."
)

COMPUTE = "IN2X_COMPUTE"
"""The environment variable that forces the type of matrix products: float32 or bfloat16; unset, the device decides."""


def forced_compute() -> str | None:
    """What `IN2X_COMPUTE` forces, or None.

    Raises:
        UsageError: it is neither type.
    """
    value = os.environ.get(COMPUTE, "")
    if value not in ("", "float32", "bfloat16"):
        raise UsageError(f"{COMPUTE} is {value!r}", mend="give float32 or bfloat16, or unset it: the device decides")
    return value or None


class ShapeConfig(Config):
    """The shape of a model trained from scratch (Qwen3: RMSNorm, SwiGLU, grouped queries with normed q and k)."""

    width: int = knob(192, "Hidden size.", ge=8)
    layers: int = knob(4, "Number of layers.", ge=1)
    heads: int = knob(6, "Query heads.", ge=1)
    kv_heads: int = knob(3, "Key and value heads.", ge=1)
    mlp: int = knob(512, "Inner size of the feed-forward layer.", ge=8)
    vocabulary: int = knob(8192, "Entries of the tokenizer.", unit="tokens", ge=300)
    context: int = knob(512, "Largest context written into the model config.", unit="tokens", ge=16)
    rope_theta: float = knob(10000.0, "Base of the rotary position embedding.", gt=0)


class OptimizerConfig(Config):
    """Optimizer and schedule of one training stage."""

    name: Literal["adamw", "muon"] = knob("adamw", "AdamW, or Muon on matrices with AdamW on the rest.")
    lr: float = knob(2e-5, "Peak learning rate of AdamW.", source="METHOD 4", gt=0)
    matrix_lr: float = knob(4e-3, "Peak learning rate of Muon.", gt=0)
    weight_decay: float = knob(0.0, "Decoupled weight decay on matrices.", ge=0)
    beta2: float = knob(0.98, "Second-moment decay of AdamW.", gt=0, lt=1)
    clip: float = knob(1.0, "Largest global gradient norm.", gt=0)
    schedule: Schedule = knob("cosine", "Course of the learning rate after warm-up.", source="METHOD 4")
    warmup: float = knob(0.02, "Share of the steps in which the rate rises linearly from 0.", ge=0, lt=1)
    decay: float = knob(0.3, "trapezoid: share of the steps over which the rate falls linearly to 0.", gt=0, le=1)
    ema: float = knob(0.0, "Decay of the weight average that becomes the result (0: none).", unit="1/step", ge=0, lt=1)


class LoraConfig(Config):
    """Low-rank adapters on the linear layers, merged into the weights when the stage is done."""

    rank: int = knob(0, "Rank of the adapters; 0 trains all weights.", ge=0)
    alpha: float = knob(32.0, "Scale of the adapters: alpha / rank.", gt=0)
    dropout: float = knob(0.0, "Dropout before the adapters.", ge=0, lt=1)
    targets: tuple[str, ...] = knob(
        (), "Names of the layers that get adapters; empty: every linear layer but the output head."
    )
