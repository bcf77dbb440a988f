"""How long a small recipe will take on this machine: what it took where it was timed, and two short measurements here.

Matrix products and all else are told apart, because processors differ in the first by ten and in the second by two.
"""

from __future__ import annotations

import os
import time
from collections import Counter

import torch

from in2x.training.precision import compute_dtype, describe

SIZE = 1024
"""Rows and columns of the matrices whose product is timed."""
ROUNDS = 5
LOOP = 0.049
"""Seconds of `_python` on the machine on which `takes.seconds` was measured (EPYC, AVX512, nothing beside it)."""
CORES = 2
"""Cores of that machine; more of them change the products, which are measured, and next to nothing else."""


def _python() -> None:
    """Some of what the stages before training do: words, counts, sorting."""
    words = [f"{number * 7919 % 10007:x}" for number in range(60_000)]
    counts = Counter(word[:2] for word in words)
    sorted(words, key=lambda word: (counts[word[:2]], word))


def products() -> float:
    """Operations a second of matrix products in the compute type, by the fastest of a few rounds."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    a, b = (torch.randn(SIZE, SIZE, device=device).to(compute_dtype(device)) for _ in range(2))
    best = float("inf")
    with torch.inference_mode():
        for _ in range(ROUNDS + 1):
            began = time.perf_counter()
            float((a @ b)[0, 0])
            best = min(best, time.perf_counter() - began)
    return 2.0 * SIZE**3 / best


def slowness() -> float:
    """Seconds that Python needs here for what took one where recipes were timed; twice that on a single core."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        _python()
        best = min(best, time.perf_counter() - began)
    return best / LOOP * (1.0 if (os.cpu_count() or 1) >= CORES else 2.0)


def expected(seconds: float, operations: float) -> str:
    """A sentence that says how long it will take here.

    Args:
        seconds: what it took apart from matrix products where it was timed.
        operations: of its matrix products.
    """
    rate = products()
    minutes = (seconds * slowness() + operations / rate) / 60
    told = f"some {minutes:.0f} minutes" if minutes > 1.5 else "about a minute"
    return f"{told} if nothing else is at work here ({describe()}, {rate / 1e9:,.0f} GFLOP/s)"
