"""Whether torch.compile pays: it joins the small operations between matrix products, after a minute of compiling.

What it saves grows with the work (steps x tokens x layers x width), what it costs does not: one graph serves every
layer. The rule is a function of the plan and the compute type alone, never of a clock or a cache: a run that is resumed
must decide as before, or its kernels, and so its bits, would be others. `benchmarks/compile.py` measures the figures;
they are processor seconds of one core.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel

from in2x.training.config import Compile
from in2x.training.forward import forward_of
from in2x.training.precision import compute_dtype, describe

COMPILING = 60.0
"""Processor seconds of compiling with nothing cached (44 to 79; cached, in a later stage or run, 3 to 5)."""
SAVED = {torch.float32: 3e-8, torch.bfloat16: 8e-8}
"""Processor seconds saved per step, token, layer and unit of width: at 2,048 tokens a step and 4 layers of width 144
.035 s of .34 to .49 in float32 (AVX2: -.10 to +.08 in four pairs) and .095 s of .23 to .41 in bfloat16 (.06 to .19).
"""


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


CACHE = "TORCHINDUCTOR_CACHE_DIR"


def own_cache() -> None:
    """Let the compiler keep its results in a folder of this kind of processor, inside the folder it would use.

    Its keys do not tell processors apart: what was compiled for AVX512 is taken on AVX2, too, and ends the process
    (a disk that several machines share, or `ATEN_CPU_CAPABILITY`).
    """
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    able = sorted(name for name, there in torch.cpu.get_capabilities().items() if there is True)
    kind = "in2x-" + hashlib.sha256(repr((torch.backends.cpu.get_cpu_capability(), able)).encode()).hexdigest()[:12]
    folder = Path(os.environ.get(CACHE) or default_cache_dir())
    if folder.name.startswith("in2x-"):
        folder = folder.parent
    os.environ[CACHE] = str(folder / kind)


def decide(
    asked: Compile, model: PreTrainedModel, steps: int, tokens: int, device: torch.device | None = None
) -> Decision:
    """Whether to compile `steps` steps of some `tokens` tokens.

    Args:
        asked: True and False decide by themselves, but for a missing compiler; "auto" weighs.
        model: any causal language model.
        steps: of the whole training, those that are done included.
        tokens: of a full batch, padding included.
        device: where it trains; None: where it is.
    """
    device = device or model.device
    if asked is False:
        return Decision(False, "not compiled, as the recipe asks")
    found = forward_of(model)
    if found.plain or found.balance:
        return Decision(False, f"not compiled: {found.words}")
    if not can_compile():
        return Decision(False, "not compiled: there is no C++ compiler")
    if asked is True:
        return Decision(True, "compiled, as the recipe asks")
    if device.type != "cpu":
        return Decision(True, "compiled, as always on a GPU")
    shape = model.config.get_text_config()
    size = shape.num_hidden_layers * shape.hidden_size
    saved = SAVED[compute_dtype(device)] * steps * tokens * size
    sums = f"{steps:,} steps of {tokens:,} tokens save some {saved:,.0f} s of one core in {describe()}"
    if saved > COMPILING:
        return Decision(True, f"compiled: {sums}, compiling takes {COMPILING:.0f}")
    return Decision(False, f"not compiled: {sums}, compiling would take {COMPILING:.0f}")
