"""Instructions on disk while the stage works on them: memory holds numbers.

What has passed the gates of code is laid down in the order in which it comes, with what its author and the judges
noted of it, in files of `PART` rows; an item is its place from then on. Of each item some ten bytes stay in memory:
its language, its origin and whether it has an answer, which is what balance asks for.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from in2x.records import Instruction

PART = 8192
"""Rows of a file; so many are in memory, too, until they fill one."""
Notes = dict[str, Any] | None
_SCHEMA = Instruction.SCHEMA.append(pa.field("notes", pa.string()))


class Shelf:
    """A growing sequence of instructions with notes, in a folder that is emptied first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.parquet"):
            old.unlink()
        self._open: list[dict[str, Any]] = []
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._langs, self._origins, self._answered = array("i"), array("i"), array("b")

    def __len__(self) -> int:
        """Instructions laid down."""
        return len(self._langs)

    def add(self, item: Instruction, notes: Notes = None) -> int:
        """Lay `item` down; its place comes back."""
        row = item.to_row()
        row["notes"] = None if notes is None else json.dumps(notes, ensure_ascii=False)
        self._open.append(row)
        self._langs.append(self._number(item.lang))
        self._origins.append(self._number(item.origin))
        self._answered.append(item.answer is not None)
        if len(self._open) == PART:
            file = self._folder / f"{(len(self) - 1) // PART:06d}.parquet"
            pq.write_table(pa.Table.from_pylist(self._open, _SCHEMA), file, compression="zstd")
            self._open = []
        return len(self) - 1

    def lang(self, place: int) -> str:
        """The language of one item."""
        return self._names[self._langs[place]]

    def origin(self, place: int) -> str:
        """Where one item came from."""
        return self._names[self._origins[place]]

    def answered(self, place: int) -> bool:
        """Whether one item has an answer."""
        return bool(self._answered[place])

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self._names)
            self._names.append(name)
        return self._numbers[name]

    def take(self, places: Iterable[int]) -> Iterator[tuple[Instruction, Notes]]:
        """The items at `places`, which ascend, with their notes; one file is in memory at a time."""
        for part, within in groupby(places, lambda place: place // PART):
            rows = self._part(part)
            for place in within:
                yield _read(rows[place % PART])

    def _part(self, part: int) -> Sequence[dict[str, Any]]:
        if part == len(self) // PART:
            return self._open
        rows: list[dict[str, Any]] = pq.read_table(self._folder / f"{part:06d}.parquet").to_pylist()
        return rows


class OnShelf(Collection[Instruction]):
    """The items of a shelf at some places, which ascend: can be gone through as often as one likes."""

    def __init__(self, shelf: Shelf, places: Sequence[int]) -> None:
        self.shelf, self.places = shelf, places

    def __len__(self) -> int:
        """How many."""
        return len(self.places)

    def __iter__(self) -> Iterator[Instruction]:
        """In the order of their places."""
        return (item for item, _ in self.shelf.take(self.places))

    def __contains__(self, item: object) -> bool:
        """Goes through all of them."""
        return any(item == one for one in self)

    def at(self, numbers: Sequence[int]) -> Iterator[Instruction]:
        """Those with these numbers among them, which ascend."""
        return (item for item, _ in self.shelf.take(self.places[number] for number in numbers))


def _read(row: dict[str, Any]) -> tuple[Instruction, Notes]:
    notes = row["notes"]
    return Instruction.from_row(row), None if notes is None else json.loads(notes)
