"""What this machine can do at most: products, memory, disk. Measured beside what is compared with them, in one run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import torch

Size = tuple[int, int, int]
"""Rows, inner size, columns of a product."""
BEST: Size = (2048, 2048, 2048)
ROUNDS = 5
clock: Callable[[], float] = time.perf_counter
"""What seconds are: those of the wall, or of the processor where one thread works beside others."""


def fastest(run: Callable[[], object], least: float = 0.02) -> float:
    """Seconds of `run` at its fastest: as many calls as fill `least` seconds, `ROUNDS` times, the best round."""
    began = clock()
    run()
    once = clock() - began
    calls, best = max(1, int(least / max(1e-7, once))), float("inf")
    for _ in range(ROUNDS if once < 5 * least else 2):  # what takes long is told by few
        began = clock()
        for _ in range(calls):
            run()
        best = min(best, (clock() - began) / calls)
    return best


@cache
def product(size: Size, dtype: torch.dtype) -> float:
    """Seconds of one product of that size, by the fastest library that torch has here (MKL, oneDNN)."""
    rows, inner, columns = size
    a, b = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
    ways: list[Callable[[], object]] = [lambda: a @ b]
    if dtype == torch.float32 and torch.backends.mkldnn.is_available():
        weight = b.t().contiguous()
        ways.append(lambda: torch.ops.mkldnn._linear_pointwise(a, weight, None, "none", [], ""))
    with torch.inference_mode():
        return min(map(fastest, ways))


def flops(sizes: Iterable[Size]) -> float:
    """Operations of products of these sizes."""
    return sum(2.0 * rows * inner * columns for rows, inner, columns in sizes)


def rate(dtype: torch.dtype) -> float:
    """Operations a second at the best size."""
    return flops([BEST]) / product(BEST, dtype)


@cache
def memory(size: int) -> float:
    """Bytes a second, read and written, when `size` bytes are copied: of the caches where they hold them."""
    source = torch.ones(max(1, size // 4), dtype=torch.float32)
    target = torch.empty_like(source)
    return 2 * source.nbytes / fastest(lambda: target.copy_(source))


@cache
def reading(size: int) -> float:
    """Bytes a second when `size` bytes are read and nothing is written: of the caches where they hold them."""
    source = torch.ones(max(1, size // 4), dtype=torch.float32)
    half = len(source) // 2
    ways = (source.sum, lambda: torch.dot(source[:half], source[half : 2 * half]))
    return source.nbytes / min(map(fastest, ways))


def disk(folder: Path, size: int = 1 << 27) -> tuple[float, float]:
    """Bytes a second written (until they are on the disk) and read (not from the page cache)."""
    file, block = folder / "disk.bin", os.urandom(1 << 22)
    began = time.perf_counter()
    with file.open("wb") as stream:
        for _ in range(size // len(block)):
            stream.write(block)
        stream.flush()
        os.fsync(stream.fileno())
    written = size / (time.perf_counter() - began)
    with file.open("rb") as stream:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        began = time.perf_counter()
        while stream.read(1 << 22):
            pass
    read = size / (time.perf_counter() - began)
    file.unlink()
    return written, read
