"""How much memory a server holds back for later: little, for it runs for months beside others.

Batches come in thousands of shapes. oneDNN keeps a kernel for each of the last 1024, and glibc keeps what large blocks
leave behind: a server of the demonstration's model grew by 0.7 GB in three minutes. And the checks remember what they
found in each of the last thousands of texts, however long those are, for a text is looked at several times in a row:
`Remembered` has them forget. Figures: `docs/serve.md`, "Memory".
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from functools import _lru_cache_wrapper as Cache
from pathlib import Path
from typing import Any

from in2x.process import give_back

KERNELS = "128"
"""Kernels that oneDNN keeps (our choice)."""
_TRIM, _MMAP = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of glibc's malloc.h
BLOCK = 1 << 20
"""Bytes from which on a block is the system's own, and goes back to it at once (our choice)."""
_POPULATE = 22  # MADV_POPULATE_READ of Linux's mman.h, from 5.14 on
MOST = 10_000
"""Characters of texts that are remembered (our choice: each may keep half a kilobyte, and more save no time)."""
GIVEN_BACK = 5.0
"""Seconds between two times that free memory is given back (our choice)."""
TABLES = 300
"""Entries of a cache from which on it may hold texts (our choice): smaller ones hold tables and templates, and stay."""


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


def read_in() -> None:
    """Have what is mapped of files (dictionaries) in memory now: page by page it would come with the first thousands of
    texts, from the disk. It stays the system's, which takes it back when it needs to."""
    try:
        rows = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
        madvise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):  # another system
        return
    for row in rows:
        where, rights, *_, path = [*row.split(maxsplit=5), ""][:6]
        if rights.startswith("r--") and path.startswith("/") and ".so" not in path:
            start, end = (int(place, 16) for place in where.split("-"))
            madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _POPULATE)


def caches() -> Iterator[Cache[Any]]:
    """The caches of this program that may hold texts, wherever they are defined."""
    for name, module in list(sys.modules.items()):
        if name.startswith("in2x."):
            for one in list(vars(module).values()):
                mine = isinstance(one, Cache) and one.__module__ == name
                if mine and (one.cache_parameters()["maxsize"] or 0) >= TABLES:
                    yield one


class Remembered:
    """What the program remembers of the texts that it has looked at: of so many characters at most.

    Args:
        most: characters.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._seen, self._given_back = 0, -math.inf
        self._lock = threading.Lock()

    def seen(self, characters: int) -> None:
        """Texts of so many characters were looked at: where that makes too many, forget all. From any thread."""
        with self._lock:
            self._seen += characters
            if self._seen < self.most:
                return
        self.forget()

    def forget(self) -> None:
        """Forget all, and now and then give back what is free. Who looks at a text just then finds out again what it
        knew."""
        now = time.monotonic()
        with self._lock:
            self._seen, due = 0, now - self._given_back > GIVEN_BACK
            self._given_back = now if due else self._given_back
        for cache in caches():
            cache.cache_clear()
        if due:
            give_back()
