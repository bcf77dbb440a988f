"""Which documents repeat an earlier one: found once, then looked up on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from in2x.corpus.config import DedupConfig
from in2x.corpus.dedup import Ids, exact_duplicates, near_duplicates
from in2x.corpus.shards import batches, files_of

COLUMNS = ("index", "of", "near")


class Duplicates:
    """The duplicates of a corpus in order of `index`; the numbers stay on disk."""

    def __init__(self, folder: Path) -> None:
        """Open what `find` laid down in `folder`."""
        self.index, self._of, self._near = (_opened(folder / f"{name}.npy") for name in COLUMNS)

    @classmethod
    def find(
        cls, config: DedupConfig, prepared: list[Path], signed: list[Path], folder: Path, scratch: Path
    ) -> Duplicates:  # fmt: skip
        """Find them among the rows of the shards `prepared` that were kept, whose signatures are `signed`."""
        if not (folder / f"{COLUMNS[0]}.npy").exists():
            scratch.mkdir(parents=True, exist_ok=True)
            files = [file for shard in signed for file in files_of(shard)]
            exact, exact_of = exact_duplicates(files, scratch)
            near, near_of = np.zeros((2, 0), np.uint64)
            if config.near and files:
                texts = (batch for shard in prepared for batch in batches(shard, ["index", "text", "lang"]))
                near, near_of = near_duplicates(files, texts, exact, config, scratch)
            order = np.argsort(np.concatenate((exact, near)), kind="stable")
            kinds = np.repeat([False, True], [len(exact), len(near)])
            found = {"index": np.concatenate((exact, near)), "of": np.concatenate((exact_of, near_of)), "near": kinds}
            for name in reversed(COLUMNS):  # the index comes last: its presence says that all are there
                partial = folder / f"{name}.partial"
                with partial.open("wb") as stream:
                    np.save(stream, found[name][order])
                partial.rename(folder / f"{name}.npy")
        return cls(folder)

    def originals(self) -> Ids:
        """The documents that others repeat, in order."""
        return np.unique(self._of)

    def of(self, index: Ids) -> tuple[list[int | None], NDArray[np.bool_]]:
        """For each document the one that it repeats (None: it repeats none), and whether it does so only nearly."""
        found: list[int | None] = [None] * len(index)
        near = np.zeros(len(index), bool)
        places = np.searchsorted(self.index, index)
        for k in np.flatnonzero(places < len(self.index)):
            at = int(places[k])
            if self.index[at] == index[k]:
                found[int(k)], near[k] = int(self._of[at]), bool(self._near[at])
        return found, near


def _opened(file: Path) -> NDArray[Any]:
    """An array that stays on disk (which an empty one cannot)."""
    whole: NDArray[Any] = np.load(file, mmap_mode="r" if file.stat().st_size > 256 else None, allow_pickle=False)
    return whole
