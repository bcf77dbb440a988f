"""Nothing that the model is measured on may be learned: evaluation texts are found in whatever a run is fed with.

One table serves every room, with one reading on both sides (`normal.py`). A text is contaminated where it shares a run
with an evaluation text: 13 words (Brown et al. 2020, GPT-3, appendix C), or 24 characters of scripts without spaces,
which say about as much (our choice), or some of both. An evaluation text between half a run and a run is found where
signs or line ends stand around it. What is lighter says too little alone, and counts where more than itself speaks:

| room | a lighter evaluation text counts |
|---|---|
| documents | as a line beside a line that goes, or where the document holds nothing else |
| pairs | as a side |
| instructions | as the stated source or the answer of a translation; beside the other text of its row |

Of a document the lines with a match are cut, and one that is mostly match goes as a whole: a quoted sentence does not
cost a book. Only hashes are kept (16 bytes a run), as `.npz`; collisions are one in 2^64 a pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa

from in2x.contamination import kernels
from in2x.contamination.config import DecontaminateConfig
from in2x.contamination.evaluation import evaluation_rows
from in2x.contamination.kernels import Hashes
from in2x.contamination.normal import folded, kinds, simplified
from in2x.errors import In2xError
from in2x.language.kernels import column
from in2x.records import Instruction, Pair, read_records

MOST_SETS = 63
NAME = "evaluation.npz"
"""The file of the data artifact that holds the table."""
CHUNK = 2048
"""Rows that are hashed or looked up at a time."""
T = TypeVar("T")


def heldout_name(split: str) -> str:
    """How the held-out pairs of the data stage are called as an evaluation set."""
    return f"held-out pairs ({split})"


class Match(NamedTuple):
    """What the gate says of a document."""

    left: str
    """The text without the lines that hold a match."""
    sets: list[str]
    """Evaluation sets that it touches."""
    share: float
    """Part of its units that lies in a match."""
    lines: int
    """Lines that were cut."""


class Contamination:
    """The evaluation texts of a run, hashed. Holds 16 bytes for each run; what it looks at is not kept."""

    def __init__(self, names: list[str], keys: Hashes, masks: Hashes, config: DecontaminateConfig) -> None:
        """See `build` and `load`.

        Args:
            names: of the sets; set k is bit k of a mask.
            keys, masks: uint64 `[2^n]`, an open-addressed table from the hash of a run to the sets that hold it.
            config: the knobs it was made with.
        """
        self.names, self.keys, self.masks, self.config = names, keys, masks, config

    @classmethod
    def build(
        cls, sets: Mapping[str, Iterable[str | Sequence[str]]], config: DecontaminateConfig, short: Collection[str] = ()
    ) -> Contamination:  # fmt: skip
        """Hash the texts of each set, `CHUNK` rows at a time; a row is one text or several that belong together.

        Raises:
            In2xError: more than 63 sets; a set, but for those named in `short`, without any text long enough to be
                recognised anywhere: its path leads to something else.
        """
        if len(sets) > MOST_SETS:
            raise In2xError(f"{len(sets)} evaluation sets are named, the most is {MOST_SETS}",
                            mend="give several files one name by a glob")  # fmt: skip
        found: list[Hashes] = []
        for name, rows in sets.items():
            mine, telling = np.zeros(0, np.uint64), 0
            for chunk in _chunks(rows):
                texts = [[row] if isinstance(row, str) else list(row) for row in chunk]
                number = np.repeat(np.arange(len(texts)), [len(row) for row in texts])
                flat = folded(text for row in texts for text in row)
                made, some = kernels.hashes(*column(flat), number, kinds(), simplified(), config.chars, config.words)
                mine, telling = np.union1d(mine, made), telling + int(some)
            if not telling and name not in short:
                raise In2xError(f"the evaluation set {name!r} holds no text of {config.chars // 2} characters or "
                                f"{config.words // 2} words", mend="correct its path")  # fmt: skip
            found.append(mine)
        size = 1 << max(4, int(np.ceil(np.log2(2 * sum(map(len, found)) + 1))))
        keys, masks = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
        for k, mine in enumerate(found):
            kernels.fill(mine, np.uint64(1 << k), keys, masks)
        return cls(list(sets), keys, masks, config)

    @classmethod
    def of_run(cls, config: DecontaminateConfig, data: Path) -> Contamination:
        """The table of the named sets and of the held-out pairs in the folder `data`; without any it finds nothing.

        Raises:
            In2xError: as `build` for a named set, or one that cannot be read.
        """
        sets: dict[str, Iterable[str | Sequence[str]]] = {}
        for split in ("dev", "test") if config.heldout else ():
            file = data / f"pairs.{split}.parquet"
            if file.exists() and next(read_records(file, Pair), None) is not None:
                sets[heldout_name(split)] = ((p.source, p.target) for p in read_records(file, Pair))
        own = frozenset(sets)
        sets |= {name: evaluation_rows(place, Path.cwd()) for name, place in config.sets.items()}
        return cls.build(sets, config, short=own)

    def save(self, path: Path) -> None:
        """Write the table as `.npz` (no pickle), beside and renamed."""
        partial = path.with_name(path.name + ".partial")
        with partial.open("wb") as stream:
            np.savez(stream, keys=self.keys, masks=self.masks, names=np.array(self.names, np.str_),
                     config=np.array(self.config.model_dump_json()))  # fmt: skip
        partial.rename(path)

    @classmethod
    def load(cls, path: Path) -> Contamination:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            config = DecontaminateConfig.model_validate_json(str(file["config"]))
            return cls([str(n) for n in file["names"]], file["keys"], file["masks"], config)

    def documents(self, texts: Sequence[str]) -> list[Match]:
        """What is left of each text. Where the matched share exceeds `config.max_share`, or nothing is left, the caller
        drops the document.
        """
        touched, share, by_line, bounds, _, _ = self._match(folded(texts), alone=True)
        out: list[Match] = []
        for k, text in enumerate(texts):
            if not touched[k]:
                out.append(Match(text or "", [], 0.0, 0))
                continue
            gone = by_line[bounds[k] : bounds[k + 1]]
            left = "\n".join(line for line, bad in zip(text.split("\n"), gone, strict=True) if not bad)
            out.append(Match(left.strip("\n"), self._sets(touched[k]), float(share[k]), int((gone > 0).sum())))
        return out

    def rows(self, rows: Sequence[Sequence[str]]) -> list[list[str]]:
        """The sets that each row touches: sentences that belong together, none of which may be an evaluation text of
        any length or hold one.
        """
        flat = folded(text for row in rows for text in row)
        touched, _, _, _, whole, _ = self._match(flat)
        found, at = [], 0
        for row in rows:
            mask = np.bitwise_or.reduce(touched[at : at + len(row)] | whole[at : at + len(row)], initial=np.uint64(0))
            found.append(self._sets(mask))
            at += len(row)
        return found

    def pairs(self, pairs: Iterable[Pair], lost: Counter[str]) -> Iterator[Pair]:
        """The pairs no side of which is an evaluation text or holds one; `lost` counts the others by set."""
        for pair, sets in self.asked(pairs, lambda pair: (pair.source, pair.target)):
            lost.update(sets)
            if not sets:
                yield pair

    def asked(self, items: Iterable[T], texts: Callable[[T], Sequence[str]]) -> Iterator[tuple[T, list[str]]]:
        """Each item with the sets that its row of sentences, `texts(item)`, touches; `CHUNK` items at a time."""
        for chunk in _chunks(items):
            yield from zip(chunk, self.rows([texts(item) for item in chunk]), strict=True)

    def instruction(self, item: Instruction) -> list[str]:
        """The sets that an instruction touches: in any turn, in the source that its verifier states, in its answer."""
        source = (item.verifier or {}).get("source")
        stated = [source, item.answer] if isinstance(source, str) else []
        turns = [message["content"] for message in item.messages]
        texts = folded([*turns, *stated[:1], item.answer])
        touched, _, _, _, whole, values = self._match(texts)
        mask = np.bitwise_or.reduce(touched)
        if stated:
            mask |= whole[-1] | whole[-2]
        if item.answer and not mask and whole[-1] and not values[-1]:  # an emoji that is its own translation
            mask |= whole[-1] if any(item.answer.strip() in turn for turn in turns) else np.uint64(0)
        elif item.answer and not mask and whole[-1]:
            mask |= kernels.aligned(
                *column(texts[:-1]), kinds(), simplified(), self.config.chars, self.config.words, values[-1],
                self.keys, self.masks,
            )  # fmt: skip
        return self._sets(mask)

    def _match(self, texts: pa.Array, alone: bool = False) -> tuple[Any, Any, Any, Any, Any, Any]:
        config = self.config
        found: tuple[Any, Any, Any, Any, Any, Any] = kernels.match(
            *column(texts), kinds(), simplified(), config.chars, config.words, self.keys, self.masks, alone
        )
        return found

    def _sets(self, mask: Any) -> list[str]:
        return [name for k, name in enumerate(self.names) if int(mask) >> k & 1]


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
