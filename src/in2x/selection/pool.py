"""The pool of instructions, sorted on disk: what selection reads, and the rows that it writes of.

Memory holds numbers and where texts begin, some 150 bytes a row; the rows themselves lie in the stage's work folder.

    pool/
      rows-00000.arrow     records.Instruction, sorted by id, `BUCKET` rows a file
      ids, prompts, contents, answers, verifiers     the texts of all rows, end to end (`texts.py`)
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from in2x.errors import In2xError
from in2x.records import Instruction, Message
from in2x.selection.texts import Texts, TextWriter

Ints = npt.NDArray[np.int64]
SFT, RL = 0, 1
BUCKET = 32_768
"""Rows sorted at once."""
PIECE = 4096
"""Rows in hand as Python objects."""
TEXTS = ("ids", "prompts", "contents", "answers", "verifiers")
_PLACE = "__place"


@dataclass(frozen=True)
class Codes:
    """A column of few values: int64 [n], the number of each value among `names`, which are sorted."""

    codes: Ints
    names: list[str]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.codes)

    def values(self) -> list[str]:
        """The value of each row (equal ones are one object)."""
        return [self.names[code] for code in self.codes.tolist()]


class Verifiers(Sequence[dict[str, Any]]):
    """How the answer of each row is checked ({} where it is not)."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._texts)

    def at(self, rows: Ints) -> Verifiers:
        """Those of `rows` [m], in that order."""
        return Verifiers(self._texts.at(rows))

    @property
    def given(self) -> npt.NDArray[np.bool_]:
        """bool [n]: whether there is one."""
        return self._texts.sizes > 2

    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, key: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, key: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """A row, or the list of those in a slice."""
        if isinstance(key, slice):
            return [json.loads(text) if text else {} for text in self._texts[key]]
        text = self._texts[key]
        return json.loads(text) if text else {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Row by row."""
        return (json.loads(text) if text else {} for text in self._texts)


@dataclass(frozen=True)
class Pool:
    """Instructions sorted by id, so that the order of the input changes nothing.

    Attributes:
        folder: where the sorted rows lie.
        part: int64 [n], SFT or RL: which pool file a row came from.
        ids, langs, tasks: as in the records.
        prompts: the user's turns of each, joined by a line end.
        contents: what the instruction is about: the text to translate where the verifier names it, else the prompt.
        answers: the wanted answers ("" where none).
        verifiers: how an answer is checked ({} where it is not).
        labels: the labels that rows bring along, each combination once; `label` int64 [n] is its place, -1 for none.
        difficulty: int64 [n], the grade that a row brings along, 0 for none.
        pass_rate: float64 [n], NaN for none.
    """

    folder: Path
    part: Ints
    ids: Texts
    langs: Codes
    tasks: Codes
    prompts: Texts
    contents: Texts
    answers: Texts
    verifiers: Verifiers
    labels: list[list[str]]
    label: Ints
    difficulty: Ints
    pass_rate: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Number of instructions."""
        return len(self.part)

    def messages(self, rows: Ints) -> Iterator[list[Message]]:
        """The turns of `rows` [m], which are in order."""
        wanted = np.zeros(len(self), bool)
        wanted[rows] = True
        for _, table in self.tables(wanted):
            yield from table.column("messages").to_pylist()

    def tables(self, wanted: npt.NDArray[np.bool_]) -> Iterator[tuple[Ints, pa.Table]]:
        """The `wanted` rows [n] in order: numbers of the rows, and the table of them, `BUCKET` rows at most."""
        for start in range(0, len(self), BUCKET):
            mine = np.flatnonzero(wanted[start : start + BUCKET])
            if len(mine):
                yield start + mine, _rows(self.folder, start // BUCKET).take(pa.array(mine))


def read_pool(sft: Path, rl: Path, folder: Path) -> Pool:
    """Sort both pool files into `folder`, which is made anew.

    Raises:
        In2xError: a file is missing or not Parquet, both are empty, an id stands twice, or a row has no user turn.
    """
    files = [_open(sft), _open(rl)]
    rows = [file.metadata.num_rows for file in files]
    if sum(rows) == 0:
        raise In2xError("there is no instruction to select from", file=sft, mend="look at the rejects of `instruct`")
    order = _sorted(files, sft)
    rank = np.empty(sum(rows), np.int64)
    rank[order] = np.arange(sum(rows))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _deal(files, rank, folder)
    return _gather(folder, np.repeat(np.array([SFT, RL], np.int64), rows)[order], sft)


def _open(file: Path) -> pq.ParquetFile:
    try:
        found = pq.ParquetFile(file)
    except FileNotFoundError:
        raise In2xError("the pool is not there", file=file, mend="run the stage `instruct`") from None
    except pa.ArrowInvalid as error:
        raise In2xError(f"not a Parquet file ({error})", file=file, mend="run the stage `instruct` again") from None
    missing = [name for name in ("id", "lang", "task", "messages") if name not in found.schema_arrow.names]
    if missing:
        raise In2xError(f"the pool lacks the columns {', '.join(missing)}", file=file, mend="run `instruct` again")
    return found


def _sorted(files: Sequence[pq.ParquetFile], named: Path) -> Ints:
    """int64 [n]: the order of the rows by id. Raises In2xError for an id that stands twice."""
    ids = pa.chunked_array([chunk for file in files for chunk in file.read(columns=["id"]).column(0).chunks])
    ids = ids.cast(pa.large_string()).combine_chunks()
    order = pc.sort_indices(ids)
    in_order = ids.take(order)
    twice = pc.index(pc.equal(in_order[1:], in_order[:-1]), True).as_py()
    if twice >= 0:
        raise In2xError(f"the id {in_order[twice].as_py()!r} stands twice in the pool", file=named,
                        mend="give every instruction its own id")  # fmt: skip
    return np.asarray(order, np.int64)


def _deal(files: Sequence[pq.ParquetFile], rank: Ints, folder: Path) -> None:
    """The rows by bucket, each with its place: pieces in the order in which they are read."""
    schema = Instruction.SCHEMA.append(pa.field(_PLACE, pa.int64()))
    with contextlib.ExitStack() as stack:
        streams: dict[int, Any] = {}
        done = 0
        for file in files:
            for batch in file.iter_batches(BUCKET):
                places = rank[done : done + len(batch)]
                done += len(batch)
                table = _in_schema(pa.table(batch)).append_column(schema.field(_PLACE), pa.array(places))
                for bucket in np.unique(places // BUCKET).tolist():
                    if bucket not in streams:
                        target = str(folder / f"pieces-{bucket:05d}.arrow")
                        streams[bucket] = stack.enter_context(pa.ipc.new_stream(target, schema, options=_PACKED))
                    streams[bucket].write_table(table.take(pa.array(np.flatnonzero(places // BUCKET == bucket))))


_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")


def _in_schema(table: pa.Table) -> pa.Table:
    columns = [
        table.column(name).cast(kind) if name in table.column_names else pa.nulls(len(table), kind)
        for name, kind in zip(Instruction.SCHEMA.names, Instruction.SCHEMA.types, strict=True)
    ]
    return pa.table(columns, schema=Instruction.SCHEMA)


def _gather(folder: Path, part: Ints, named: Path) -> Pool:
    """Sort each bucket, and take out of it what is looked at again and again."""
    count = len(part)
    writers = {name: TextWriter(folder / name, count) for name in TEXTS}
    langs, tasks = _Coder(count), _Coder(count)
    labels: dict[tuple[str, ...], int] = {}
    label, difficulty, rates = np.full(count, -1, np.int64), np.zeros(count, np.int64), np.full(count, np.nan)
    for start in range(0, count, BUCKET):
        pieces = folder / f"pieces-{start // BUCKET:05d}.arrow"
        with pa.OSFile(str(pieces)) as source, pa.ipc.open_stream(source) as stream:
            table = stream.read_all().sort_by(_PLACE).drop_columns([_PLACE])
        target = str(folder / f"rows-{start // BUCKET:05d}.arrow")
        with pa.ipc.new_file(target, table.schema, options=_PACKED) as writer:
            writer.write_table(table.combine_chunks())
        pieces.unlink()
        for low in range(0, len(table), PIECE):
            rows = table.slice(low, PIECE)
            here = slice(start + low, start + low + len(rows))
            _texts(rows, writers, named)
            langs.add(here, rows.column("lang"))
            tasks.add(here, rows.column("task"))
            for place, has in enumerate(rows.column("labels").to_pylist(), here.start):
                if has:
                    label[place] = labels.setdefault(tuple(has), len(labels))
            difficulty[here] = rows.column("difficulty").fill_null(0).to_numpy()
            rates[here] = rows.column("pass_rate").fill_null(float("nan")).to_numpy()
    found = {name: writer.close() for name, writer in writers.items()}
    return Pool(folder, part, found["ids"], langs.close(), tasks.close(), found["prompts"], found["contents"],
                found["answers"], Verifiers(found["verifiers"]), [list(one) for one in labels], label, difficulty,
                rates)  # fmt: skip


def _texts(rows: pa.Table, writers: dict[str, TextWriter], named: Path) -> None:
    ids = rows.column("id").to_pylist()
    prompts = []
    for identity, messages in zip(ids, rows.column("messages").to_pylist(), strict=True):
        turns = [m["content"] for m in messages or () if m["role"] == "user"]
        if not turns:
            raise In2xError(f"the instruction {identity!r} has no user turn", file=named, mend="run `instruct` again")
        prompts.append("\n".join(turns))
    verifiers = [text or "" for text in rows.column("verifier").to_pylist()]
    sources = [json.loads(text).get("source") if "source" in text else None for text in verifiers]
    made = {
        "ids": ids, "prompts": prompts, "answers": [answer or "" for answer in rows.column("answer").to_pylist()],
        "contents": [str(source or prompt) for source, prompt in zip(sources, prompts, strict=True)],
        "verifiers": verifiers,
    }  # fmt: skip
    for name, texts in made.items():
        writers[name].add(texts)


class _Coder:
    """Values to numbers, piece by piece; the names are sorted at the end."""

    def __init__(self, rows: int) -> None:
        self._codes, self._names = np.zeros(rows, np.int64), dict[str, int]()

    def add(self, here: slice, column: pa.ChunkedArray) -> None:
        coded = column.combine_chunks().dictionary_encode()
        coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
        numbers = np.array(
            [self._names.setdefault(name or "", len(self._names)) for name in coded.dictionary.to_pylist()]
        )
        self._codes[here] = numbers[coded.indices.to_numpy()] if len(numbers) else 0

    def close(self) -> Codes:
        names = sorted(self._names)
        rank = np.empty(len(names), np.int64)
        rank[[self._names[name] for name in names]] = np.arange(len(names))
        return Codes(rank[self._codes], names)


def _rows(folder: Path, bucket: int) -> pa.Table:
    with pa.OSFile(str(folder / f"rows-{bucket:05d}.arrow")) as source:
        return pa.ipc.open_file(source).read_all()
