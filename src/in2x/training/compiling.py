"""Whether torch.compile pays: it joins the small operations between matrix products, after a minute of compiling.

What it saves grows with the work (steps x tokens x layers x width), what it costs does not: one graph serves every
layer. The rule is a function of the plan and the compute type alone, never of a clock or a cache: a run that is resumed
must decide as before, or its kernels, and so its bits, would be others. `benchmarks/compile.py` measures the figures;
they are processor seconds of one core.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from in2x.training.config import Compile
from in2x.training.precision import compute_dtype, describe

COMPILING = 70.0
"""Processor seconds of compiling with nothing cached."""
SAVED = {torch.float32: 7e-8, torch.bfloat16: 7e-8}
"""Processor seconds saved per step, token, layer and unit of width."""


@dataclass(frozen=True)
class Decision:
    """Whether a training is compiled, and the sentence that says so."""

    compiled: bool
    why: str


def can_compile() -> bool:
    """True where torch.compile has what it needs (a C++ compiler on CPU; Triton comes with CUDA builds)."""
    if torch.cuda.is_available():
        return True
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except (InvalidCxxCompiler, RuntimeError):
        return False
    return True


def decide(asked: Compile, model: PreTrainedModel, steps: int, tokens: int) -> Decision:
    """Whether to compile `steps` steps of some `tokens` tokens.

    Args:
        asked: True and False decide by themselves, but for a missing compiler; "auto" weighs.
        model: on the device where it trains.
        steps: of the whole training, those that are done included.
        tokens: of a full batch, padding included.
    """
    if asked is False:
        return Decision(False, "not compiled, as the recipe asks")
    if not can_compile():
        return Decision(False, "not compiled: there is no C++ compiler")
    if asked is True:
        return Decision(True, "compiled, as the recipe asks")
    if model.device.type != "cpu":
        return Decision(True, "compiled, as always on a GPU")
    size = model.config.num_hidden_layers * model.config.hidden_size
    saved = SAVED[compute_dtype(model.device)] * steps * tokens * size
    sums = f"{steps:,} steps of {tokens:,} tokens save some {saved:,.0f} s of one core in {describe()}"
    if saved > COMPILING:
        return Decision(True, f"compiled: {sums}, compiling takes {COMPILING:.0f}")
    return Decision(False, f"not compiled: {sums}, compiling would take {COMPILING:.0f}")
