"""What a recipe takes on given hardware: tokens, steps, floating-point operations, memory, time.

Every figure is an estimate by a formula that is printed with it; nothing is measured here.

- parameters N: matrices of a decoder with grouped queries and a gated MLP, embeddings once if tied, else twice
- training a token: 6 N, and 6 L d c for causal attention over a context of c (12 L d c halved)
- a rollout token: 2 N to generate, 2 N for the log-probability under the old policy, 6 N to train
- memory of training: 16 bytes a parameter (bf16 weight and gradient; fp32 master copy and two Adam moments), sharded
  over all devices, and activations of one sequence with checkpointing at each layer: 2 L d c bytes, one layer's
  working set of 40 d c bytes, and logits of 2,048 positions (6 bytes each)
- time: operations / (devices x peak x utilisation)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in2x.errors import In2xError, UsageError
from in2x.pretrain.config import PhaseConfig
from in2x.recipe import Recipe

EXAMPLE = 512
"""Tokens of an instruction with its answer, taken for the mean where the recipe cannot know it."""


@dataclass(frozen=True)
class Shape:
    """The shape of a decoder."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    mlp: int
    vocabulary: int
    head_size: int
    tied: bool

    @property
    def parameters(self) -> int:
        """N: weights of all matrices (norms and biases, some millionths, are left out)."""
        attention = self.width * self.head_size * (2 * self.heads + 2 * self.kv_heads)
        layer = attention + 3 * self.width * self.mlp
        return self.layers * layer + self.vocabulary * self.width * (1 if self.tied else 2)


PUBLISHED = {
    "Qwen/Qwen2.5-72B": Shape(80, 8192, 64, 8, 29568, 152064, 128, False),
    "Qwen/Qwen2.5-7B": Shape(28, 3584, 28, 4, 18944, 152064, 128, False),
    "Qwen/Qwen3-8B-Base": Shape(36, 4096, 32, 8, 12288, 151936, 128, False),
    "Qwen/Qwen3-8B": Shape(36, 4096, 32, 8, 12288, 151936, 128, False),
    "Qwen/Qwen3-4B-Base": Shape(36, 2560, 32, 8, 9728, 151936, 128, True),
    "Qwen/Qwen3-0.6B-Base": Shape(28, 1024, 16, 8, 3072, 151936, 128, True),
}
"""Shapes of common base models, so that a plan needs no download."""


@dataclass(frozen=True)
class Device:
    """One accelerator: dense bf16 peak in FLOP/s and memory in bytes, as its maker gives them."""

    peak: float
    memory: float


DEVICES = {
    "a100": Device(312e12, 80e9),
    "h100": Device(989e12, 80e9),
    "h200": Device(989e12, 141e9),
    "b200": Device(2250e12, 180e9),
    "l40s": Device(362e12, 48e9),
    "cpu": Device(0.4e12, 16e9),
}


@dataclass(frozen=True)
class Hardware:
    """What a plan is made for."""

    device: str
    count: int
    utilisation: float
    """Share of the peak that training reaches."""

    @property
    def kind(self) -> Device:
        """The device's figures. Raises UsageError for an unknown name."""
        if self.device not in DEVICES:
            raise UsageError(f"--device {self.device!r} is not known", mend=f"use one of {', '.join(DEVICES)}")
        return DEVICES[self.device]


@dataclass(frozen=True)
class Cost:
    """The estimate for one stage or phase; None where the recipe alone does not tell."""

    stage: str
    tokens: int | None
    steps: int | None
    flops: float | None
    memory: float
    """Bytes a device."""
    device_hours: float | None
    words: str
    """The batch arithmetic in words, and what the figures rest on."""


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
        raw: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        heads = int(raw["num_attention_heads"])
        width = int(raw["hidden_size"])
        shape = Shape(
            int(raw["num_hidden_layers"]), width, heads, int(raw.get("num_key_value_heads") or heads),
            int(raw["intermediate_size"]), int(raw["vocab_size"]), int(raw.get("head_dim") or width // heads),
            bool(raw.get("tie_word_embeddings", False)),
        )  # fmt: skip
    except (OSError, ValueError, KeyError) as error:
        raise In2xError(f"the shape of {name} is not known here ({error.__class__.__name__})", file=file,
                        mend=f"give a local folder, or one of {', '.join(PUBLISHED)}") from None  # fmt: skip
    return shape, str(file)


def costs(recipe: Recipe, hardware: Hardware) -> Iterator[Cost]:
    """The estimate of each training stage of `recipe`."""
    shape, _ = shape_of(recipe)
    if recipe.base.model is None:
        yield _phase("base", recipe.base.train, shape, hardware)
    for name in ("phase1", "phase2", "phase3"):
        yield _phase(f"pretrain {name}", getattr(recipe.pretrain, name), shape, hardware)
    yield _sft(recipe, shape, hardware)
    yield _rl(recipe, shape, hardware)


def _phase(name: str, phase: PhaseConfig, shape: Shape, hardware: Hardware) -> Cost:
    flops = phase.tokens * training_flops(shape, phase.context)
    rows = phase.batch_tokens // phase.context
    return Cost(
        name, phase.tokens, -(-phase.tokens // phase.batch_tokens), flops,
        training_memory(shape, phase.context, hardware), _hours(flops, hardware),
        f"{rows:,} blocks of {phase.context:,} tokens a step, (6 N + 6 L d c) a token",
    )  # fmt: skip


def _sft(recipe: Recipe, shape: Shape, hardware: Hardware) -> Cost:
    sft, sizes = recipe.sft, (recipe.select.round1.size, recipe.select.round2.size)
    memory = training_memory(shape, sft.max_tokens, hardware)
    words = f"{sft.passes} pass(es) over each of two rounds, {sft.batch_tokens:,} tokens a step; "
    if None in sizes:
        per = 6 * shape.parameters
        why = f"tokens depend on the selection, each costs {per:.3g} operations"
        return Cost("sft", None, None, None, memory, None, words + why)
    each = min(EXAMPLE, sft.max_tokens)
    examples = sft.passes * sum(size or 0 for size in sizes)
    tokens = examples * each
    flops = tokens * training_flops(shape, each)
    return Cost(
        "sft", tokens, -(-tokens // sft.batch_tokens), flops, memory, _hours(flops, hardware),
        words + f"{examples:,} examples, if one is {each:,} tokens long",
    )  # fmt: skip


def _rl(recipe: Recipe, shape: Shape, hardware: Hardware) -> Cost:
    rl = recipe.rl
    trajectories = rl.prompts * rl.samples
    words = (
        f"{rl.prompts} prompts x {rl.samples} rollouts = {trajectories:,} trajectories a batch, "
        f"{rl.prompts // rl.minibatch} updates of {rl.minibatch * rl.samples:,} each; "
    )
    memory = training_memory(shape, rl.max_new_tokens, hardware)
    if rl.steps is None:
        return Cost("rl", None, None, None, memory, None, words + "one epoch: batches depend on the selection")
    tokens = rl.steps * trajectories * rl.max_new_tokens
    flops = tokens * 10.0 * shape.parameters
    return Cost(
        "rl", tokens, rl.steps * (rl.prompts // rl.minibatch), flops, memory, _hours(flops, hardware),
        words + f"10 N a token if every answer is {rl.max_new_tokens} tokens long, prompts not counted",
    )  # fmt: skip


def training_flops(shape: Shape, context: int) -> float:
    """Operations to train on one token: forward and backward, causal attention."""
    return 6.0 * shape.parameters + 6.0 * shape.layers * shape.heads * shape.head_size * context


def training_memory(shape: Shape, context: int, hardware: Hardware) -> float:
    """Bytes a device; see the module docstring."""
    state = 16.0 * shape.parameters / hardware.count
    activations = (2.0 * shape.layers + 40.0) * shape.width * context
    logits = 6.0 * shape.vocabulary * min(context, 2048)
    return state + activations + logits


def _hours(flops: float, hardware: Hardware) -> float:
    return flops / (hardware.kind.peak * hardware.utilisation) / 3600
