"""In which number format matrix products run: bfloat16 where the processor multiplies it, float32 elsewhere.

A processor without bfloat16 products emulates them: on two cores with AVX2 alone the product of two bfloat16 matrices
ran at 1.3 GFLOP/s, in float32 at 100. Parameters, sums and the state of the optimizer are float32 everywhere.
"""

from __future__ import annotations

import platform

import torch


def compute_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 on GPUs, and on CPUs with AVX512-BF16, AMX or Arm's BF16 products; float32 on other CPUs."""
    if device.type != "cpu":
        return torch.bfloat16
    if platform.machine() in ("x86_64", "AMD64", "i686"):
        # oneDNN also calls plain AVX512 capable of bfloat16, but converts at every product there.
        fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    else:
        fast = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if fast else torch.float32


def autocast(device: torch.device) -> torch.autocast:
    """Matrix products in `compute_dtype(device)`."""
    dtype = compute_dtype(device)
    return torch.autocast(device.type, dtype if dtype == torch.bfloat16 else None, enabled=dtype == torch.bfloat16)
