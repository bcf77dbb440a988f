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

from in2x import hub, store
from in2x.errors import In2xError
from in2x.records import sound, strings

KINDS = (".jsonl", ".ndjson", ".json", ".txt", ".text", ".md", ".tsv", ".parquet")
COMPRESSIONS = (".gz", ".zst")


def evaluation_rows(path: str, root: Path) -> Iterator[list[str]]:
    """The strings of each row of a set: of all fields of JSON and Parquet, cells of tables, lines of text.

    Args:
        path: a file, folder or glob, here or in a store (s3://, gs://), or a set of the hub,
            hub:owner/name:config#split.
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


def _files(path: str, root: Path) -> list[str]:
    place = Path(path).expanduser()
    place = place if place.is_absolute() else root / place
    if store.is_url(path):
        found = [one.url for one in store.find(path)]
    elif place.is_dir():
        found = [str(f) for f in sorted(place.rglob("*")) if not f.name.startswith(".")]
    else:
        found = [str(place)] if place.is_file() else sorted(glob.glob(str(place), recursive=True))
    found = [f for f in found if _kind(f) in KINDS and (store.is_url(f) or Path(f).is_file())]
    if not found:
        raise In2xError("the evaluation set cannot be read (no file here of a format that is read)", file=path,
                        mend=f"correct its path; {', '.join(KINDS)} are read, also with .gz or .zst")  # fmt: skip
    return found


def _kind(file: str) -> str:
    suffixes = [s.lower() for s in Path(file).suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _open(file: str) -> Any:
    away = store.is_url(file)
    if file.lower().endswith(".gz"):
        return gzip.open(store.opened(file) if away else file, "rb")
    if file.lower().endswith(".zst"):
        packed = pa.PythonFile(store.opened(file), "r") if away else pa.OSFile(file)
        return io.BufferedReader(pa.CompressedInputStream(packed, "zstd"))
    return store.opened(file) if away else open(file, "rb")


def _rows(file: str) -> Iterator[list[str]]:
    kind = _kind(file)
    if kind == ".parquet":
        source: Any = store.opened(file) if store.is_url(file) else file
        with pq.ParquetFile(source) as parquet:
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


def _lines(file: str, lines: Any, kind: str) -> Iterator[list[str]]:
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
