"""Shards: raw files cut, cleaned and signed piece by piece, each laid down whole before the next is begun."""

from __future__ import annotations

import errno
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import daft
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from daft import col

from in2x.artifact import write_json
from in2x.corpus import engine
from in2x.corpus.bilingual import sides
from in2x.corpus.config import CorpusConfig
from in2x.corpus.read import COMPRESSIONS, Split, find_files, plan
from in2x.errors import In2xError
from in2x.records import Pair
from in2x.stage import Stage


def plan_splits(
    config: CorpusConfig, stage: Stage, data: Path, pairs: list[Pair], languages: list[str]
) -> list[Split]:  # fmt: skip
    """The splits of all raw files; kept in `work/plan.json`, so that a resumed run cuts alike.

    Raises:
        In2xError: neither raw text nor a pair, or a path that leads nowhere.
    """
    file = stage.work / "plan.json"
    if file.exists():
        kept = json.loads(file.read_text(encoding="utf-8"))
        stage.figures["not_read"] = kept["not_read"]
        return [Split(**row) for row in kept["splits"]]
    raw = json.loads((data / "raw.json").read_text(encoding="utf-8")) if (data / "raw.json").exists() else {"paths": []}
    unread: list[Path] = []
    files = find_files(raw["paths"], data, unread) if raw["paths"] else []
    left_out = Counter("".join(f.suffixes[-2:] if f.suffix in COMPRESSIONS else f.suffixes[-1:]) for f in unread)
    stage.figures["not_read"] = {kind or "no suffix": count for kind, count in left_out.most_common()}
    if unread:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in stage.figures["not_read"].items())
        some = ", ".join(f.name for f in unread[:3]) + (" ..." if len(unread) > 3 else "")
        stage.say(f"{len(unread):,} raw files are of kinds that are not read and left out ({kinds}): {some}")
    if not files:
        if not pairs:
            raise In2xError("there is neither raw text nor a sentence pair", mend="give data.raw or data.train")
        files = _from_pairs(stage, pairs, languages)
    splits = plan(files, config.split_mb << 20, config.encoding)
    for encoding, names in sorted(encodings(splits).items()):
        if encoding != "utf-8":
            stage.say(
                f"{len(names)} raw files are {encoding}: {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
            )
    write_json(file, {"not_read": stage.figures["not_read"], "splits": [asdict(split) for split in splits]})
    return splits


def encodings(splits: list[Split]) -> dict[str, list[str]]:
    """Names of the raw files by the encoding they are read in."""
    found: dict[str, dict[str, None]] = {}
    for split in splits:
        found.setdefault(split.encoding, {})[Path(split.path).name] = None
    return {encoding: list(names) for encoding, names in found.items()}


def _from_pairs(stage: Stage, pairs: list[Pair], languages: list[str], lines: int = 8) -> list[Path]:
    """Without raw text the sides of the pairs are the monolingual text, some sentences a document."""
    folder = stage.work / "sides"
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for lang in languages:
        sentences = sides(pairs, lang)
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


_FULL = {errno.ENOSPC: "no space is left", errno.EDQUOT: "the quota is used up", errno.EFBIG: "a file may not grow"}


@contextmanager
def told_when_full(folder: Path) -> Iterator[None]:
    """Turn what the system, Arrow or Daft raise on a full disk into one sentence; finished shards stay for a resume."""
    try:
        yield
    except In2xError:
        raise
    except Exception as error:
        # Daft's writer may say no more than that a channel is closed; so on any error look whether the disk is full.
        what = _FULL.get(getattr(error, "errno", None) or 0) or _why_full(folder)
        if what is None:
            raise
        raise In2xError(f"the disk is full ({what})", file=folder,
                        mend="free space and run again: finished shards are kept") from None  # fmt: skip


def _why_full(folder: Path) -> str | None:
    """Why a megabyte cannot be written into `folder`; None where it can."""
    probe = folder / "probe.partial"
    try:
        probe.write_bytes(bytes(1 << 20))
    except OSError as error:
        return _FULL.get(error.errno or 0)
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return None


def write_shard(frame: Any, folder: Path) -> None:
    """Write a frame as one folder of Parquet files, beside and renamed: its presence is the completion marker.

    Rows are put in order of "index": batches come back in the order in which workers finish them, and what is counted
    from them afterwards stops after so many bytes.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    frame.sort("index").write_parquet(str(partial), compression="zstd")
    partial.mkdir(parents=True, exist_ok=True)
    partial.rename(folder)


def prepare_shard(
    config: CorpusConfig, stage: Stage, number: int, shard: list[Split], languages: list[str], sets: Path | None
) -> None:
    """Read, clean, identify, decontaminate and sign one shard into `work/prepared/<number>`."""
    folder = stage.work / "prepared" / f"{number:05d}"
    if folder.exists():
        return
    rows = engine.read(shard, config)
    clean = engine.prepare(
        col("text"), col("fault"), config.ruby, languages, config.max_foreign_share, str(sets) if sets else ""
    )
    rows = rows.select("index", "id", "source", "domain", "file", "line", "fault", clean)
    rows = rows.with_column("fold", col("index").hash() % 2)
    rows = rows.select("*", engine.signer(config))
    write_shard(rows, folder)


def frame(folders: list[Path]) -> Any:
    """Shards as one DataFrame."""
    return daft.read_parquet([str(f) for folder in folders for f in sorted(folder.glob("*.parquet"))])


def batches(folder: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Columns of one shard, streamed."""
    for file in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(file) as parquet:
            yield from parquet.iter_batches(512, columns=columns)


def survivors(folder: Path, removed: dict[str, Any], columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Batches of the rows that are neither rejected nor duplicates, with `columns` and `index`."""
    gone = np.union1d(removed["exact"], removed["near"])
    for batch in batches(folder, ["index", "gate", *columns]):
        keep = pc.is_null(batch.column("gate")).to_numpy(zero_copy_only=False)
        keep &= ~np.isin(batch.column("index").to_numpy(), gone)
        yield batch.filter(pa.array(keep))


def check_readable(config: CorpusConfig, prepared: list[Path]) -> None:
    """Stop where too much could not be read.

    Raises:
        In2xError: no record, or more unreadable ones than `max_bad_share`.
    """
    total, bad = 0, Counter[str]()
    first = None
    for folder in prepared:
        for batch in batches(folder, ["fault", "file", "line"]):
            total += batch.num_rows
            faults = batch.filter(pc.is_valid(batch.column("fault")))
            bad.update(faults.column("file").to_pylist())
            if faults.num_rows and first is None:
                first = faults.slice(0, 1).to_pylist()[0]
    if total == 0:
        raise In2xError("the raw text holds no record", mend="check data.raw")
    if first and bad.total() > config.max_bad_share * total:
        raise In2xError(
            f"{bad.total():,} of {total:,} records cannot be read, the first: {first['fault']}", file=first["file"],
            line=first["line"] or None, mend="mend the file, or raise corpus.max_bad_share",
        )  # fmt: skip
