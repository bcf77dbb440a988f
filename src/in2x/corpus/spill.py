"""Rows of numbers on disk, spread over files by a hash: what is to be sorted is sorted file by file.

Memory stays that of one file whatever the number of rows; rows that belong together share a hash, so they share a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from in2x.corpus.kernels import scramble

Rows = NDArray[np.uint64]
FEW_ROWS, FILE_ROWS, FEW = 1 << 19, 1 << 22, 32
"""Rows that one file is meant to hold while there are no more than `FEW` files, and beyond (128 MB where a row has four
numbers): sorting takes several times what it sorts, and every file is opened for every batch."""


class Spill:
    """See the module docstring. `add` rows, then read `parts` once."""

    def __init__(self, folder: Path, name: str, columns: int, expected: int) -> None:
        """`expected` rows of `columns` numbers, in files called `name` in `folder`."""
        self.columns = columns
        count = max(1, min(FEW, -(-expected // FEW_ROWS)), -(-expected // FILE_ROWS))
        self.files = [folder / f"{name}.{number:04d}.partial" for number in range(count)]
        folder.mkdir(parents=True, exist_ok=True)
        for file in self.files:
            file.unlink(missing_ok=True)

    def add(self, keys: NDArray[np.uint64], rows: Rows) -> None:
        """Append rows `[rows, columns]`; those of equal keys `[rows]` come to lie in one file, in the given order."""
        if not len(keys):
            return
        if len(self.files) == 1:
            self._append(0, rows)
            return
        file = (scramble(keys, np.uint64(0)) >> np.uint64(32)) * np.uint64(len(self.files)) >> np.uint64(32)
        order = np.argsort(file, kind="stable")
        bounds = np.searchsorted(file[order], np.arange(len(self.files) + 1, dtype=np.uint64))
        for number in np.flatnonzero(np.diff(bounds)):
            self._append(int(number), rows[order[bounds[number] : bounds[number + 1]]])

    def _append(self, number: int, rows: Rows) -> None:
        with self.files[number].open("ab") as stream:
            stream.write(np.ascontiguousarray(rows, np.uint64).data)

    def parts(self) -> Iterator[Rows]:
        """The rows of one file after another, uint64 `[rows, columns]`; each file is removed once it is read."""
        for file in self.files:
            if file.exists():
                yield np.fromfile(file, np.uint64).reshape(-1, self.columns)
                file.unlink()
