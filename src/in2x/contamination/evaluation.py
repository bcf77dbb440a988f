"""The texts of evaluation sets: every string in a file, row by row."""

from __future__ import annotations

import glob
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from in2x import hub
from in2x.errors import In2xError
from in2x.records import sound, strings

KINDS = (".jsonl", ".ndjson", ".json", ".txt", ".text", ".md", ".tsv", ".parquet")
COMPRESSIONS = (".gz", ".zst")


def evaluation_rows(path: str, root: Path) -> Iterator[list[str]]:
    """The strings of each row of a set: of all fields of JSON and Parquet, cells of tables, lines of text.

    Args:
        path: a file, folder or glob, or a set of the hub (hub:owner/name:config#split).
        root: folder that relative paths start from.

    Raises:
        In2xError: no such file, or one that cannot be read.
    """
    if path.startswith(hub.PREFIX):
        yield from (list(strings({k: v for k, v in row.items() if k != "license"})) for row in hub.rows(path))
        return
    for file in _files(path, root):
        try:
            yield from _rows(file)
        except (OSError, EOFError, ValueError, RecursionError, zlib.error, pa.ArrowException) as error:
            first = str(error).split("\n")[0]
            raise In2xError(f"the evaluation set cannot be read ({first})", file=file, mend="mend the file") from None


def _files(path: str, root: Path) -> list[Path]:
    place = Path(path).expanduser()
    place = place if place.is_absolute() else root / place
    if place.is_dir():
        found = [f for f in sorted(place.rglob("*")) if not f.name.startswith(".")]
    else:
        found = [place] if place.is_file() else [Path(f) for f in sorted(glob.glob(str(place), recursive=True))]
    found = [f for f in found if f.is_file() and _kind(f) in KINDS]
    if not found:
        raise In2xError("the evaluation set cannot be read (no file here of a format that is read)", file=path,
                        mend=f"correct its path; {', '.join(KINDS)} are read, also with .gz or .zst")  # fmt: skip
    return found


def _kind(file: Path) -> str:
    suffixes = [s.lower() for s in file.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _open(file: Path) -> Any:
    if file.suffix.lower() == ".gz":
        return gzip.open(file, "rb")
    if file.suffix.lower() == ".zst":
        return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(file)), "zstd"))
    return file.open("rb")


def _rows(file: Path) -> Iterator[list[str]]:
    kind = _kind(file)
    if kind == ".parquet":
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(1024):
                yield from (list(strings(row)) for row in batch.to_pylist())
        return
    with _open(file) as stream:
        if kind == ".json":
            raw = stream.read().decode("utf-8-sig")
            try:
                whole = sound(json.loads(raw))
            except json.JSONDecodeError:
                yield from _lines(file, raw.encode().splitlines(), kind=".jsonl")  # JSON Lines under another name
                return
            yield from (list(strings(row)) for row in (whole if isinstance(whole, list) else [whole]))
            return
        yield from _lines(file, stream, kind)


def _lines(file: Path, lines: Any, kind: str) -> Iterator[list[str]]:
    for number, raw in enumerate(lines, 1):
        line = raw.decode("utf-8-sig").strip()
        if not line:
            continue
        if kind in (".jsonl", ".ndjson"):
            try:
                yield list(strings(sound(json.loads(line))))
            except json.JSONDecodeError:
                raise In2xError("not JSON", file=file, line=number, mend="give JSON Lines") from None
        else:
            yield line.split("\t") if kind == ".tsv" else [line]
