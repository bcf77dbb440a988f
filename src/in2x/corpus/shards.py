"""Shards: raw files cut, cleaned and signed piece by piece, each laid down whole before the next is begun."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import daft
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from daft import DataType, col
from numpy.typing import NDArray

from in2x.artifact import write_json
from in2x.corpus import engine
from in2x.corpus.bilingual import sides
from in2x.corpus.config import CorpusConfig
from in2x.corpus.dedup import member
from in2x.corpus.kinds import RawFile, left_out
from in2x.corpus.ngram import SCORED_CHARS
from in2x.corpus.read import Split, find_files, plan
from in2x.corpus.readers import LEFT_OUT
from in2x.errors import In2xError
from in2x.records import Pair, read_records
from in2x.stage import Stage

ROW_GROUP, BATCH = 16 << 20, 8 << 20
"""Bytes that are held before they are written, and that are read at a time."""
FEW_VALUES = ("source", "domain", "file", "fault", "lang", "gate", "reason", "bucket", "rule")
"""Columns that are stored as numbers of a list of their values."""


def plan_shards(
    config: CorpusConfig, stage: Stage, folder: Path, data: Path, pairs: Path | None
) -> list[list[Split]]:  # fmt: skip
    """The splits of all raw files, by shard; kept in `folder`, so that a resumed run cuts alike.

    Args:
        pairs: file of the sentence pairs, whose sides are the text where there is no other.

    Raises:
        In2xError: neither raw text nor a pair, or a path that leads nowhere.
    """
    file = folder / "plan.json"
    if not file.exists():
        raw = data / "raw.json"
        paths = json.loads(raw.read_text(encoding="utf-8"))["paths"] if raw.exists() else []
        unread: dict[str, str] = {}
        files = find_files(paths, data, unread) if paths else []
        not_read = left_out(unread)
        for kind, row in not_read.items():
            some = ", ".join(row["names"]) + (" ..." if row["files"] > len(row["names"]) else "")
            stage.say(f"not read: {row['files']:,} {kind} ({row['why']}): {some}")
        if not files:
            sides_of = _from_pairs(folder / "sides", pairs, list(stage.recipe.languages.all))
            files = [RawFile(str(path), path.stat().st_size) for path in sides_of]
        if not files:
            raise In2xError("there is neither raw text nor a sentence pair", mend="give data.raw or data.train")
        splits = plan(files, config.split_mb << 20, config.encoding, engine.each)
        for encoding, names in sorted(encodings(splits).items()):
            if encoding != "utf-8":
                some = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
                stage.say(f"{len(names)} raw files are {encoding}: {some}")
        shards = [[asdict(split) for split in shard] for shard in group(splits, config.shard_mb << 20)]
        write_json(file, {"not_read": not_read, "shards": shards})
    kept = json.loads(file.read_text(encoding="utf-8"))
    stage.figures["not_read"] = kept["not_read"]
    return [[Split(**row) for row in shard] for shard in kept["shards"]]


def encodings(splits: list[Split]) -> dict[str, list[str]]:
    """Names of the raw files by the encoding they are read in."""
    found: dict[str, dict[str, None]] = {}
    for split in splits:
        found.setdefault(split.encoding, {})[Path(split.path).name] = None
    return {encoding: list(names) for encoding, names in found.items()}


def _from_pairs(folder: Path, pairs: Path | None, languages: list[str], lines: int = 8) -> list[Path]:
    """Without raw text the sides of the pairs are the monolingual text, some sentences a document."""
    if pairs is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    known = list(read_records(pairs, Pair))
    files = []
    for lang in languages:
        sentences = sides(known, lang)
        rows = [
            {"id": f"sides-{lang}-{k // lines}", "source": f"pairs:{lang}", "text": "\n".join(sentences[k : k + lines])}
            for k in range(0, len(sentences), lines)
        ]
        if rows:
            path = folder / f"{lang}.jsonl"
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
            files.append(path)
    return files


def group(splits: list[Split], most: int) -> list[list[Split]]:
    """Splits in order, in runs of about `most` bytes: what is done or not done at a kill."""
    shards: list[list[Split]] = []
    room = 0
    for split in splits:
        if not shards or room < split.size:
            shards.append([])
            room = most
        shards[-1].append(split)
        room -= split.size
    return shards


def write_shard(frame: Any, folder: Path, config: CorpusConfig) -> None:
    """Write a frame as one folder of Parquet files in order of "index"; its presence is the completion marker.

    On one machine rows are written as they come, which is in order, so that no more than a row group is held. A cluster
    sorts and writes where the rows lie.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    if config.engine == "ray":
        frame.sort("index").write_parquet(str(partial), compression="zstd")
    else:
        write_batches(partial / "rows.parquet", frame.schema().to_pyarrow_schema(), frame.to_arrow_iter())
    partial.rename(folder)


def write_batches(file: Path, schema: pa.Schema, found: Iterable[pa.RecordBatch], most: int = ROW_GROUP) -> None:
    """Write batches in order of "index" as row groups of about `most` bytes."""
    few = [name for name in schema.names if name in FEW_VALUES]
    last = -1
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=few) as writer:
        held: list[pa.RecordBatch] = []
        size = 0
        for batch in found:
            if not batch.num_rows:
                continue
            index = batch.column("index").to_numpy()
            if int(index[0]) <= last or (index[1:] <= index[:-1]).any():
                raise AssertionError("rows came out of order")
            last = int(index[-1])
            held.append(batch)
            size += batch.nbytes
            if size >= most:
                writer.write_table(pa.Table.from_batches(held).cast(schema))
                held, size = [], 0
        if held:
            writer.write_table(pa.Table.from_batches(held).cast(schema))


def prepare_shard(
    config: CorpusConfig, folder: Path, shard: list[Split], languages: list[str], sets: Path | None
) -> None:
    """Read, clean, identify and decontaminate one shard into `folder`.

    `key` is a hash of the clean text: what is drawn by it does not depend on the names and the order of the files.
    `scored_bytes` is the size of what the models of the languages see of it.
    """
    if folder.exists():
        return
    clean = engine.prepare(
        col("text"), col("fault"), config.ruby, list(config.personal), languages, config.max_foreign_share,
        str(sets) if sets else "",
    )  # fmt: skip
    scored = col("text").left(SCORED_CHARS).length_bytes().cast(DataType.int64())

    def cleaned(rows: Any) -> Any:
        rows = rows.select("index", "id", "source", "domain", "file", "line", "fault", clean)
        return rows.with_columns({"key": col("text").hash(), "scored_bytes": scored})

    if config.engine == "ray":
        write_shard(cleaned(engine.read(shard, config)), folder, config)
        return
    # One machine takes a few splits at a time: what is read ahead is held.
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    schema = cleaned(engine.read(shard[:1], config)).schema().to_pyarrow_schema()
    rows = chain.from_iterable(cleaned(piece).to_arrow_iter() for piece in engine.pieces(shard, config))
    write_batches(partial / "rows.parquet", schema, rows)
    partial.rename(folder)


def sign_shard(config: CorpusConfig, prepared: Path, folder: Path) -> None:
    """What duplicates are found by, of the rows of one shard that were kept."""
    if not folder.exists():
        rows = frame([prepared]).where(col("gate").is_null())
        write_shard(rows.select("index", engine.signer(config)), folder, config)


def files_of(folder: Path) -> list[Path]:
    """The Parquet files of one shard in order of "index"."""
    files = sorted(folder.glob("*.parquet"))
    if len(files) < 2:
        return files

    def first(file: Path) -> int:
        with pq.ParquetFile(file) as parquet:
            head = next(parquet.iter_batches(1, columns=["index"]), None)
        return int(head.column(0)[0].as_py()) if head is not None and head.num_rows else -1

    return sorted(files, key=first)


def span(folder: Path) -> tuple[int, int]:
    """The smallest and the largest `index` in one shard; (0, 0) where there is none."""
    ends = [batch.column(0).to_numpy()[[0, -1]] for batch in batches(folder, ["index"]) if batch.num_rows]
    return (int(ends[0][0]), int(ends[-1][1])) if ends else (0, 0)


def frame(folders: list[Path]) -> Any:
    """Shards as one DataFrame."""
    return daft.read_parquet([str(f) for folder in folders for f in files_of(folder)])


def batches(folder: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Columns of one shard in order of "index", streamed; of long texts few at a time."""
    for file in files_of(folder):
        with pq.ParquetFile(file) as parquet:
            rows = max(1, parquet.metadata.num_rows)
            size = sum(parquet.metadata.row_group(k).total_byte_size for k in range(parquet.metadata.num_row_groups))
            many = min(8192, max(16, BATCH * rows // max(1, size))) if "text" in columns else 1 << 16
            yield from parquet.iter_batches(many, columns=columns)


def survivors(folder: Path, gone: NDArray[np.uint64], columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Batches of the rows that are neither rejected nor duplicates, with `columns`, `index` and `gate`.

    Args:
        gone: indices of the duplicates, in order (an array, or one that lies on disk).
    """
    for batch in batches(folder, ["index", "gate", *columns]):
        keep = pc.is_null(batch.column("gate")).to_numpy(zero_copy_only=False)
        keep &= ~member(batch.column("index").to_numpy(), gone)
        yield batch.filter(pa.array(keep))


def read_counts(prepared: list[Path]) -> dict[str, Any]:
    """Rows, how many could not be read, and the first of these.

    Raises:
        In2xError: there is no record at all.
    """
    total = bad = 0
    first = None
    for folder in prepared:
        for batch in batches(folder, ["fault", "file", "line"]):
            total += batch.num_rows
            told = pc.starts_with(batch.column("fault"), LEFT_OUT)
            faults = batch.filter(pc.invert(told))  # null where there is no fault
            bad += faults.num_rows
            if faults.num_rows and first is None:
                first = faults.slice(0, 1).to_pylist()[0]
    if total == 0:
        raise In2xError("the raw text holds no record", mend="check data.raw")
    return {"rows": total, "unreadable": bad, "first": first}


def check_readable(config: CorpusConfig, counts: Mapping[str, Any]) -> None:
    """Stop where too much could not be read.

    Raises:
        In2xError: more unreadable records than `max_bad_share`.
    """
    total, bad, first = counts["rows"], counts["unreadable"], counts["first"]
    if bad > config.max_bad_share * total:
        raise In2xError(
            f"{bad:,} of {total:,} records cannot be read, the first: {first['fault']}", file=first["file"],
            line=first["line"] or None, mend="mend the file, or raise corpus.max_bad_share",
        )  # fmt: skip
