"""In which number format matrix products run: bfloat16 where the processor multiplies it, float32 elsewhere.

A processor without bfloat16 products emulates them: on two cores with AVX2 alone the product of two bfloat16 matrices
ran at 1.3 GFLOP/s, in float32 at 100. Parameters, sums and the state of the optimizer are float32 everywhere.
`IN2X_COMPUTE` (`config.forced_compute`) overrides the choice on every device, in this process and those it starts.
"""

from __future__ import annotations

import platform

import torch

from in2x.training.config import COMPUTE, forced_compute


def compute_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 on GPUs, and on CPUs with AVX512-BF16, AMX or Arm's BF16 products; float32 on other CPUs.

    Raises:
        UsageError: `IN2X_COMPUTE` is set to what is no type.
    """
    forced = forced_compute()
    if forced is not None:
        return torch.bfloat16 if forced == "bfloat16" else torch.float32
    return torch.bfloat16 if device.type != "cpu" or multiplies_bfloat16() else torch.float32


def multiplies_bfloat16() -> bool:
    """True where this CPU has instructions for products of bfloat16 and the libraries may use them.

    oneDNN alone cannot be asked: it calls plain AVX512 capable too, but converts at every product there. The processor
    alone neither: `ONEDNN_MAX_CPU_ISA` may keep oneDNN from what it has.
    """
    if not (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()):
        return False
    if platform.machine() not in ("x86_64", "AMD64", "i686"):
        return True
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def autocast(device: torch.device) -> torch.autocast:
    """Matrix products in `compute_dtype(device)`."""
    dtype = compute_dtype(device)
    return torch.autocast(device.type, dtype if dtype == torch.bfloat16 else None, enabled=dtype == torch.bfloat16)


def describe() -> str:
    """The compute type and why, for manifests and messages: "float32 (AVX2)", "bfloat16 (AVX512, IN2X_COMPUTE)"."""
    cuda = torch.cuda.is_available()
    kind = str(compute_dtype(torch.device("cuda" if cuda else "cpu"))).removeprefix("torch.")
    where = torch.cuda.get_device_name() if cuda else _instructions()
    return f"{kind} ({where}{f', {COMPUTE}' if forced_compute() else ''})"


def _instructions() -> str:
    """The widest instructions that torch uses on this CPU, and those for bfloat16: "AVX2", "AVX512 bf16", "AMX"."""
    if torch.cpu._is_amx_tile_supported() and multiplies_bfloat16():
        return "AMX"
    return torch.backends.cpu.get_cpu_capability() + (" bf16" if multiplies_bfloat16() else "")
