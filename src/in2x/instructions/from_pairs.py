"""Instructions made by code from sentence pairs: translation, and rewriting in another register.

Translation asks in the words of the `PromptProfile` that is later saved with the model (`chat/translation.py`).
Register rewriting is the part of *cultural style transformation* (METHOD 2.2c) that needs no model: where one source
has renderings in several registers, each can be turned into the other.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from in2x.errors import In2xError
from in2x.instructions.prompt import prompt
from in2x.records import Instruction, Pair, content_id, read_records


class DrawnPairs:
    """The pairs of a file in its order, drawn by direction and seed: none of them is held.

    Args:
        file: Parquet of pairs; one that is not there has none.
        most: pairs by direction, "en-ja"; "*" is for the directions that are not named, all of them without it.
        seed: of the draw.

    Raises:
        In2xError: `most` names a direction that has no pair.
    """

    def __init__(self, file: Path, most: Mapping[str, int], seed: int) -> None:
        self._file = file
        directions, codes = _directions(file)
        names = {"-".join(direction) for direction in directions} | {"*"}
        if directions and (unknown := sorted(most.keys() - names)):
            raise In2xError(f"instruct.pairs_per_direction names {unknown[0]!r}, of which there is no pair",
                            mend=f"use some of {', '.join(sorted(names))}")  # fmt: skip
        self._wanted = np.ones(len(codes), bool)
        for number, direction in sorted(enumerate(directions), key=lambda one: one[1]):
            places = np.flatnonzero(codes == number)
            size = most.get("-".join(direction), most.get("*", len(places)))
            if len(places) > size:
                self._wanted[places] = False
                drawn = random.Random(f"{seed} {'-'.join(direction)}").sample(range(len(places)), size)
                self._wanted[places[np.array(drawn, np.int64)]] = True

    def __len__(self) -> int:
        """How many."""
        return int(self._wanted.sum())

    def __iter__(self) -> Iterator[Pair]:
        """One after the other."""
        if len(self):
            for pair, wanted in zip(read_records(self._file, Pair), self._wanted.tolist(), strict=True):
                if wanted:
                    yield pair


def _directions(file: Path) -> tuple[list[tuple[str, str]], npt.NDArray[np.int16]]:
    """The directions of a file of pairs as they come, and the number of each pair's."""
    numbers: dict[tuple[str, str], int] = {}
    codes = array("h")
    if file.exists():
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(1 << 16, columns=["src_lang", "tgt_lang"]):
                columns = (batch.column(name).to_pylist() for name in ("src_lang", "tgt_lang"))
                codes.extend(numbers.setdefault(direction, len(numbers)) for direction in zip(*columns, strict=True))
    return list(numbers), np.asarray(codes)


def register_rewritings(pairs: Iterable[Pair], most: int, seed: int) -> list[Instruction]:
    """Rewritings between the registers in which one source is rendered; at most `most`, drawn by `seed`."""
    renderings: dict[tuple[str, str, str], dict[str, str]] = {}
    for pair in pairs:
        if pair.register:
            key = (pair.src_lang, pair.source, pair.tgt_lang)
            renderings.setdefault(key, {}).setdefault(pair.register, pair.target)
    found: dict[str, Instruction] = {}
    for (_, _, lang), by_register in renderings.items():
        for given, text in by_register.items():
            for wanted, answer in by_register.items():
                if wanted != given and answer != text:
                    item = register_rewriting(lang, wanted, text, answer)
                    found.setdefault(item.id, item)
    items: Sequence[Instruction] = list(found.values())
    if len(items) > most:
        drawn = sorted(random.Random(f"{seed} register").sample(range(len(items)), most))
        items = [items[place] for place in drawn]
    return list(items)


def register_rewriting(lang: str, register: str, text: str, answer: str) -> Instruction:
    """The instruction to bring `text` into `register`."""
    messages = [{"role": "user", "content": prompt("register").render(language=lang, register=register, text=text)}]
    return Instruction(
        id=content_id("rewritten:register", messages, answer), lang=lang, task="rewrite", messages=messages,
        answer=answer, verifier={"name": "register", "lang": lang, "register": register, "source": text},
        origin="rewritten:register",
    )  # fmt: skip
