"""How much memory a server holds back for later: little, for it runs for months beside others.

Batches come in thousands of shapes. oneDNN keeps a kernel for each of the last 1024, and glibc keeps what large blocks
leave behind: a server of the demonstration's model grew by 0.7 GB in three minutes (`docs/serve.md`, "Memory").
"""

from __future__ import annotations

import ctypes
import os

KERNELS = "128"
"""Kernels that oneDNN keeps (our choice)."""
_TRIM, _MMAP = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of glibc's malloc.h
BLOCK = 1 << 20
"""Bytes from which on a block is the system's own, and goes back to it at once (our choice)."""


def hold_little() -> None:
    """Tell oneDNN and glibc; before torch computes. What the user has set in the environment stays."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS)
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another libc
        return
    for option, name in ((_TRIM, "MALLOC_TRIM_THRESHOLD_"), (_MMAP, "MALLOC_MMAP_THRESHOLD_")):
        if name not in os.environ:
            mallopt(option, BLOCK)
