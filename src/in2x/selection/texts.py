"""Texts of millions of rows in a file: as a sequence to those who read them, in memory only where they begin."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, overload

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
AHEAD = 4096
"""Rows that are read at once by who goes through all of them."""


class Texts(Sequence[str]):
    """Rows of a file of UTF-8 (16 bytes of memory a row).

    Args:
        file: where they lie, as `TextWriter` left them.
        starts: int64 [n], byte at which each begins.
        stops: int64 [n], byte at which each ends.
    """

    def __init__(self, file: Path, starts: Ints, stops: Ints) -> None:
        self._file, self._starts, self._stops = file, starts, stops
        self._handle = os.open(file, os.O_RDONLY)

    def __del__(self) -> None:
        """Close the file; a view has its own handle."""
        os.close(self._handle)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._starts)

    @property
    def sizes(self) -> Ints:
        """int64 [n]: bytes of each row."""
        return self._stops - self._starts

    def at(self, rows: Ints) -> Texts:
        """The texts of `rows` [m], in that order."""
        return Texts(self._file, self._starts[rows], self._stops[rows])

    @overload
    def __getitem__(self, key: int) -> str: ...

    @overload
    def __getitem__(self, key: slice) -> list[str]: ...

    def __getitem__(self, key: int | slice) -> str | list[str]:
        """A row, or the list of those in a slice."""
        if isinstance(key, slice):
            return self._read(self._starts[key], self._stops[key])
        return self._read(self._starts[[key]], self._stops[[key]])[0]

    def __iter__(self) -> Iterator[str]:
        """Row by row, read ahead."""
        for start in range(0, len(self), AHEAD):
            yield from self[start : start + AHEAD]

    def _read(self, starts: Ints, stops: Ints) -> list[str]:
        if not len(starts):
            return []
        low, high = int(starts.min()), int(stops.max())
        if high - low <= 4 * int((stops - starts).sum()) + 65_536:  # they lie side by side: one reading for all
            block = os.pread(self._handle, high - low, low)
            return [
                block[a - low : b - low].decode("utf-8", "surrogatepass")
                for a, b in zip(starts.tolist(), stops.tolist(), strict=True)
            ]
        return [
            os.pread(self._handle, b - a, a).decode("utf-8", "surrogatepass")
            for a, b in zip(starts.tolist(), stops.tolist(), strict=True)
        ]


class TextWriter:
    """Writes rows one after the other; `close` gives them back as `Texts`."""

    def __init__(self, file: Path, rows: int) -> None:
        self._file, self._ends, self._count = file, np.zeros(rows + 1, np.int64), 0
        self._stream: BinaryIO = file.open("wb")

    def add(self, texts: Sequence[str]) -> None:
        """Append rows."""
        raw = [text.encode("utf-8", "surrogatepass") for text in texts]
        self._stream.write(b"".join(raw))
        ends = self._ends[self._count] + np.cumsum([len(row) for row in raw], dtype=np.int64)
        self._ends[self._count + 1 : self._count + 1 + len(raw)] = ends
        self._count += len(raw)

    def close(self) -> Texts:
        """All rows."""
        self._stream.close()
        return Texts(self._file, self._ends[: self._count], self._ends[1 : self._count + 1])
