"""Evaluation texts by what they say: translations and close paraphrases, told by a multilingual embedding model.

The table of runs (`table.py`) compares wordings and sees none of these. Here the vector of each text is held against
those of all evaluation texts. Two texts say the same from a cosine of `config.cosine` on, unless each holds a number in
digits that the other lacks: exercises of one pattern are near and are not one. A text that weighs less than half a run
is on neither side, for vectors of short texts are near by chance ("Thank you.").

Pairs and instructions pass here, not documents: each of their lines would have to be embedded. The verdict on a text is
remembered in an SQLite file (some 40 bytes a text), so that nothing is embedded twice.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from in2x.contamination import kernels
from in2x.contamination.config import DecontaminateConfig
from in2x.contamination.evaluation import evaluation_rows
from in2x.contamination.normal import folded, kinds, simplified
from in2x.errors import In2xError
from in2x.language.kernels import column
from in2x.records import Instruction

NAME = "evaluation_vectors.npz"
"""The file of the data artifact that holds the vectors."""
MEMORY = "evaluation-vectors.sqlite"
"""The file beside a run that remembers verdicts."""
CHUNK = 512
"""Items whose texts are embedded together (our choice)."""
LONGEST = 2000
"""Characters of a text that are embedded (our choice)."""
LINES = 8
"""Lines of a prompt that are looked at by themselves, at most (our choice)."""
ROUNDING = 1e-3
"""What is lost of a cosine where one side is kept as float16."""
Floats = npt.NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]
"""float32 [n, dimension], one row a text, of any length."""
T = TypeVar("T")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Alike(NamedTuple):
    """The evaluation text that says the same."""

    name: str
    """Of its set."""
    number: int
    """Its place among the texts of the set that are long enough, from 1."""
    cosine: float


class Meaning:
    """The vectors of a run's evaluation texts; see the module docstring."""

    def __init__(
        self, names: Sequence[str], owner: npt.NDArray[np.int64], vectors: npt.NDArray[np.float16],
        numbers: Sequence[Sequence[str]], config: DecontaminateConfig, embed: Embed, memory: Path | None = None,
    ) -> None:  # fmt: skip
        """See `build` and `load`.

        Args:
            names: of the sets.
            owner: int64 [n], ascending: the set of each evaluation text.
            vectors: float16 [n, d], unit rows.
            numbers: what each of them holds in digits.
            config: the knobs it was made with.
            embed: the model of `config`.
            memory: file of verdicts; none remembers nothing.
        """
        self.names, self.config = list(names), config
        self._owner, self._vectors, self._numbers, self._embed = owner, vectors, numbers, embed
        digest = hashlib.blake2b(vectors.tobytes() + owner.tobytes(), digest_size=16)
        digest.update(json.dumps([self.names, config.embedder, config.embedding_model, config.cosine]).encode())
        self._key = digest.digest()
        self._memory = _Memory(memory) if memory else None

    @classmethod
    def of_run(
        cls, config: DecontaminateConfig, heldout: Mapping[str, Iterable[Sequence[str]]], embed: Embed,
        memory: Path | None = None,
    ) -> Meaning:  # fmt: skip
        """Of the sets that `config` names and the rows of `heldout`.

        Raises:
            In2xError: a set cannot be read, or the model gives something else than a vector a text.
        """
        rows = dict(heldout) | {name: evaluation_rows(place, Path.cwd()) for name, place in config.sets.items()}
        texts: list[str] = []
        owner: list[int] = []
        for number, of_set in enumerate(rows.values()):
            found = dict.fromkeys(text for row in of_set for text in row)
            heavy = _heavy(list(found), config)
            texts += heavy
            owner += [number] * len(heavy)
        parts = [_unit(embed([_shown(t) for t in part])).astype(np.float16) for part in _chunks(texts)]
        vectors = np.concatenate(parts) if parts else np.zeros((0, 1), np.float16)
        return cls(list(rows), np.array(owner, np.int64), vectors, list(map(_digits, texts)), config, embed, memory)

    def save(self, path: Path) -> None:
        """Write the vectors as `.npz` (no pickle), beside and renamed. The texts themselves are not kept."""
        partial = path.with_name(path.name + ".partial")
        with partial.open("wb") as stream:
            np.savez(
                stream, owner=self._owner, vectors=self._vectors, names=np.array(self.names, np.str_),
                numbers=np.array(json.dumps(self._numbers)), config=np.array(self.config.model_dump_json()),
            )  # fmt: skip
        partial.rename(path)

    @classmethod
    def load(cls, path: Path, embedder: Callable[[DecontaminateConfig], Embed], memory: Path | None = None) -> Meaning:
        """Read what `save` wrote; `embedder` opens the model that its config names."""
        with np.load(path, allow_pickle=False) as file:
            config = DecontaminateConfig.model_validate_json(str(file["config"]))
            return cls(
                [str(name) for name in file["names"]], file["owner"], file["vectors"],
                json.loads(str(file["numbers"])), config, embedder(config), memory,
            )  # fmt: skip

    def apart(self, items: Iterable[T], texts: Callable[[T], Sequence[str]], lost: Counter[str]) -> Iterator[T]:
        """The items none of whose `texts` says what an evaluation text says; `lost` counts the others by set."""
        for item, alike in self.asked(items, texts):
            if alike is None:
                yield item
            else:
                lost[alike.name] += 1

    def asked(self, items: Iterable[T], texts: Callable[[T], Sequence[str]]) -> Iterator[tuple[T, Alike | None]]:
        """Each item with the evaluation text that comes nearest to one of its `texts`, where one says the same.

        Raises:
            In2xError: the model cannot be asked.
        """
        for chunk in _chunks(items):
            of_item = [list(dict.fromkeys(texts(item))) for item in chunk]
            known = self._told(list(dict.fromkeys(text for row in of_item for text in row)))
            for item, row in zip(chunk, of_item, strict=True):
                found = [alike for text in row if (alike := known[text]) is not None]
                yield item, max(found, key=lambda alike: alike.cosine, default=None)

    def _told(self, texts: Sequence[str]) -> dict[str, Alike | None]:
        told: dict[str, Alike | None] = dict.fromkeys(texts)
        asked = _heavy(texts, self.config) if len(self._owner) else []
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()
                for text in asked]  # fmt: skip
        known = self._memory.get(keys) if self._memory else {}
        new = [(key, text) for key, text in zip(keys, asked, strict=True) if key not in known]
        if new:
            found = self._nearest([text for _, text in new])
            known |= {key: place for (key, _), place in zip(new, found, strict=True)}
            if self._memory:
                self._memory.put({key: known[key] for key, _ in new})
        for key, text in zip(keys, asked, strict=True):
            row, cosine = known[key]
            if row >= 0:
                mine = int(self._owner[row])
                first = int(np.searchsorted(self._owner, mine))
                told[text] = Alike(self.names[mine], row - first + 1, round(cosine, 4))
        return told

    def _nearest(self, texts: Sequence[str]) -> list[tuple[int, float]]:
        """By text the evaluation text that says the same, and the cosine; row -1 where none does."""
        mine = _unit(self._embed([_shown(text) for text in texts]))
        if mine.shape[1] != self._vectors.shape[1]:
            raise In2xError(
                f"the vectors of the evaluation texts have {self._vectors.shape[1]} numbers, the embedder gives "
                f"{mine.shape[1]}", mend="give the model that they were made by, or run the stage data again",
            )  # fmt: skip
        near: list[list[tuple[float, int]]] = [[] for _ in texts]
        for start in range(0, len(self._owner), 32_768):
            cosines = mine @ self._vectors[start : start + 32_768].astype(np.float32).T
            for number, row in np.argwhere(cosines >= self.config.cosine - ROUNDING).tolist():
                near[number].append((float(cosines[number, row]), start + row))
        found = []
        for text, rows in zip(texts, near, strict=True):
            held = set(_digits(text))
            same = ((row, cosine) for cosine, row in sorted(rows, reverse=True)
                    if held <= set(self._numbers[row]) or held >= set(self._numbers[row]))  # fmt: skip
            found.append(next(same, (-1, 0.0)))
        return found


def sentences(item: Instruction) -> list[str]:
    """The texts of an instruction that are looked at: source and answer where its verifier states a source, for the
    rest of the prompt is ours; else its turns, the first lines of the last one, and its answer."""
    source, answer = (item.verifier or {}).get("source"), list(filter(None, [item.answer]))
    if isinstance(source, str):
        return [source, *answer]
    turns = [message["content"] for message in item.messages if message["role"] != "system"]
    lines = [line.strip() for turn in turns[-1:] for line in turn.splitlines() if line.strip()]
    return [*turns, *lines[:LINES], *answer]


class _Memory:
    """Verdicts by key: the row of the evaluation text (-1: none) and the cosine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS told (key BLOB PRIMARY KEY, row INTEGER, cosine REAL) "
                             "WITHOUT ROWID")  # fmt: skip
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def _fault(self, error: sqlite3.Error) -> In2xError:
        return In2xError(f"what was told of evaluation texts cannot be kept ({error})", file=self._path,
                         mend="make room, or delete it: it will be made again")  # fmt: skip

    def get(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, float]]:
        found: dict[bytes, tuple[int, float]] = {}
        try:
            for key in keys:
                row = self._db.execute("SELECT row, cosine FROM told WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    found[key] = int(row[0]), float(row[1])
        except sqlite3.Error as error:
            raise self._fault(error) from None
        return found

    def put(self, told: Mapping[bytes, tuple[int, float]]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO told VALUES (?, ?, ?)", [(k, *v) for k, v in told.items()])
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._fault(error) from None


def _heavy(texts: Sequence[str], config: DecontaminateConfig) -> list[str]:
    """Those of `texts` that weigh half a run and more."""
    if not texts:
        return []
    found = kernels.weights_of(*column(folded(texts)), kinds(), simplified(), config.chars, config.words)
    return [
        text for text, weight in zip(texts, found.tolist(), strict=True) if 2 * weight >= config.chars * config.words
    ]


def _shown(text: str) -> str:
    return text[:LONGEST]


def _digits(text: str) -> list[str]:
    """The numbers that a text writes in digits, however it groups them."""
    plain = unicodedata.normalize("NFKC", text)
    return sorted({re.sub("[.,]", "", number).lstrip("0") or "0" for number in _NUMBER.findall(plain)})


def _unit(vectors: Floats) -> Floats:
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise In2xError("the embedder of data.decontaminate gives vectors that are none", mend="mend or change it")
    norms = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.where(norms == 0, 1, norms), np.float32)


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
