"""Reading raw documents: JSON Lines, Parquet and plain text, bare or as `.gz` or `.zst`, one file or a whole folder.

A file is cut into *splits* that any worker can read by itself. A record that cannot be read becomes a row with a
`fault` instead of a text; it is counted, kept aside with its file and line, and the run goes on up to a stated share.
"""

from __future__ import annotations

import codecs
import contextlib
import glob
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from in2x.corpus.encoding import decode, decode_text, detect
from in2x.errors import In2xError
from in2x.records import content_id, sound

FORMATS = (".jsonl", ".ndjson", ".json", ".txt", ".text", ".md", ".parquet")
COMPRESSIONS = (".gz", ".zst")
SAMPLE, ASCII_HEAD = 1 << 16, 64 << 20
"""Bytes that the encoding of a file is told by, and how far its first other letter is looked for. What is wrong behind
that is put right line by line."""


@dataclass(frozen=True, slots=True)
class Split:
    """A piece of one file: bytes `start` to `stop` of a plain JSON Lines file, or the whole of any other."""

    file: int
    """Place of the file in the sorted list of files: rows are ordered by (file, place in the file)."""
    path: str
    kind: str
    """One of `FORMATS`."""
    encoding: str
    start: int
    stop: int
    """Bytes; `stop` is 0 for "to the end"."""
    line: int
    """1-based number of the line that byte `start` is in."""
    size: int
    """Bytes on disk, for balancing shards."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one bad record from taking the memory of all."""

    record_bytes: int
    """A longer line is a bad record."""
    document_chars: int
    """A longer document is cut at line ends into parts."""


def find_files(paths: Iterable[str], root: Path, unread: list[Path] | None = None) -> list[Path]:
    """The files that `paths` name, sorted, each once: files, folders, globs (relative ones from `root`), or data sets
    of the hub, `hub:owner/name` or `hub:owner/name/glob`, which are fetched into the hub's own cache.

    Args:
        paths: what is named.
        root: folder that relative paths start from.
        unread: gets the files of a folder or glob that are of a kind that is not read.

    Raises:
        In2xError: a path leads to no file that is read; the hub cannot be reached.
    """
    aside: list[Path] = []
    found: dict[str, Path] = {}
    for text in paths:
        path = _fetched(text) if text.startswith(HUB) else Path(text) if Path(text).is_absolute() else root / text
        if path.is_dir():
            files = [f for f in sorted(path.rglob("*")) if f.is_file() and not f.name.startswith(".")]
        elif path.is_file():
            files = [path]
        else:
            files = [Path(f) for f in sorted(glob.glob(str(path), recursive=True)) if Path(f).is_file()]
            if not files:
                raise In2xError("no such raw text", file=path, mend="correct the path in data.raw")
        aside += [file for file in files if not _kind(file)]
        if not any(map(_kind, files)):
            if path.is_dir():
                raise In2xError("the folder holds no raw text", file=path, mend=f"put {_known()} files into it")
            raise In2xError("a format that is not read", file=files[0], mend=f"give {_known()} files")
        found |= {str(file): file for file in files if _kind(file)}
    if unread is not None:
        unread += sorted(set(aside))
    return [found[name] for name in sorted(found)]


HUB = "hub:"


def _fetched(name: str) -> Path:
    """The folder in the cache that holds the raw files of a data set of the hub."""
    from huggingface_hub import snapshot_download

    owner, _, rest = name.removeprefix(HUB).partition("/")
    repository, _, pattern = rest.partition("/")
    patterns = [pattern] if pattern else [f"*{kind}{end}" for kind in FORMATS[:3] + FORMATS[-1:] for end in _ENDS]
    try:
        return Path(snapshot_download(f"{owner}/{repository}", repo_type="dataset", allow_patterns=patterns))
    except Exception as error:  # the hub's client raises many kinds, all meaning the same to the user
        first = (str(error).splitlines() or ["?"])[0][:120]
        raise In2xError(f"the data set of the hub cannot be fetched ({first})", file=name,
                        mend="check the name (hub:owner/name) and the network, or give files") from None  # fmt: skip


_ENDS = ("", ".gz", ".zst")
_CACHED = re.compile(r"/datasets--(?P<owner>[^/]+?)--(?P<name>[^/]+)/snapshots/")
"""How the hub's client names the folder of a data set in its cache."""


def _known() -> str:
    return ", ".join(FORMATS) + " (also with .gz or .zst)"


def _kind(path: Path) -> str | None:
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes and suffixes[-1] in FORMATS else None


def _compression(path: str) -> str | None:
    suffix = Path(path).suffix.lower()
    return suffix if suffix in COMPRESSIONS else None


def open_raw(path: str) -> Any:
    """The bytes of a file, decompressed as its name says.

    Raises:
        In2xError: `.zst` where this Python has no zstandard.
    """
    compression = _compression(path)
    if compression == ".gz":
        return gzip.open(path, "rb")
    if compression == ".zst":
        # pyarrow carries its own zstd; no further package is needed.
        return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(path), "zstd"))
    return open(path, "rb")


def plan(files: list[Path], split_bytes: int, encoding: str | None = None) -> list[Split]:
    """Cut the files into splits of about `split_bytes`. Only plain JSON Lines can be cut; others are one split each."""
    splits = []
    for number, path in enumerate(files):
        kind, size = _kind(path) or ".jsonl", path.stat().st_size
        found, lines = _looked_into(str(path), kind)
        found = encoding or found
        kind = ".jsonl" if lines else kind
        whole = kind not in (".jsonl", ".ndjson") or _compression(str(path)) or size <= split_bytes or _wide(found)
        if whole:
            splits.append(Split(number, str(path), kind, found, 0, 0, 1, size))
            continue
        start, line = 0, 1
        with path.open("rb") as stream:
            while start < size:
                stop = min(size, start + split_bytes)
                splits.append(Split(number, str(path), kind, found, start, stop, line, stop - start))
                while start < stop:
                    block = stream.read(min(1 << 20, stop - start))
                    start += len(block)
                    line += block.count(b"\n")
    return splits


def _looked_into(path: str, kind: str) -> tuple[str, bool]:
    """The encoding of a file, and whether it holds JSON Lines under the name of JSON (as C4 does)."""
    if kind == ".parquet":
        return "utf-8", False
    try:
        with open_raw(path) as stream:
            sample = stream.read(SAMPLE)
            lines = kind == ".json" and _is_json_line(sample)
            whole = len(sample) < SAMPLE
            # what is ASCII so far tells nothing: other letters may begin in the tenth chapter
            while not whole and sample.isascii() and b"\x1b" not in sample and stream.tell() < ASCII_HEAD:
                sample = stream.read(1 << 20)
                whole = len(sample) < 1 << 20
            return detect(sample, whole=whole) or "binary", lines
    except (EOFError, OSError, zlib.error, pa.ArrowException):
        return "utf-8", False  # what can be read of a broken archive is read later, and its fault told there


def _is_json_line(sample: bytes) -> bool:
    """Whether a file begins with a whole JSON object in a line of its own and goes on behind it."""
    first, _, rest = sample.lstrip().partition(b"\n")
    with contextlib.suppress(ValueError, RecursionError):
        return first.startswith((b"{", codecs.BOM_UTF8)) and isinstance(json.loads(first), dict) and bool(rest.strip())
    return False


def read_split(split: Split, limits: Limits) -> Iterator[dict[str, Any]]:
    """The rows of one split: `index, id, source, domain, text, file, line, fault`.

    `index` (uint64) orders all rows of the corpus: file number, then place in the file. Exactly one of `text` and
    `fault` is set. Nothing is raised for what is wrong with the data. A row that names no source has the name of its
    file, or that of the data set of the hub that the file was fetched with.
    """
    name = Path(split.path).name
    fetched = _CACHED.search(split.path)
    origin = f"{fetched['owner']}/{fetched['name']}" if fetched else name
    place = split.start
    if split.encoding == "binary":
        yield _fault_row(split, place, 1, "binary data, no text")
        return
    try:
        for place, line, id_, source, domain, text, fault in _records(split, limits):
            if fault is not None or text is None:
                yield _fault_row(split, place, line, fault or "no text")
                continue
            parts = _cut(sound(text), limits.document_chars)
            for number, part in enumerate(parts):
                yield {
                    "index": (split.file << 40) + place + number, "file": split.path, "line": line, "text": part,
                    "id": (id_ or content_id(name, line)) + (f"/{number + 1}" if len(parts) > 1 else ""),
                    "source": source or origin, "domain": domain, "fault": None,
                }  # fmt: skip
    except (EOFError, OSError, zlib.error, pa.ArrowException) as error:
        what = str(error).split("\n")[0]
        yield _fault_row(split, place + _PARTS - 1, 0, f"the file breaks off or is damaged ({what})")


def _fault_row(split: Split, place: int, line: int, fault: str) -> dict[str, Any]:
    return {
        "index": (split.file << 40) + place, "id": content_id(split.path, line, "fault"),
        "source": Path(split.path).name, "domain": None, "text": None, "file": split.path, "line": line, "fault": fault,
    }  # fmt: skip


_PARTS = 4096
"""Room between the places of two records where bytes do not give it: a document is never cut into more parts."""

_Fields = tuple[str | None, str | None, str | None, str | None, str | None]
"""`id, source, domain, text, fault`"""
_Record = tuple[int, int, str | None, str | None, str | None, str | None, str | None]
"""`place, line` and the fields. The place orders the records of a file, however it is cut: the byte that a line begins
at (of the decompressed text), or a multiple of `_PARTS`."""


BYTE_ORDER_MARK = "\ufeff"
"""May begin any line of a file that was put together from several."""


def _wide(encoding: str) -> bool:
    return encoding.startswith(("utf-16", "utf-32"))


def _fault(what: str) -> _Fields:
    return None, None, None, None, what


def _records(split: Split, limits: Limits) -> Iterator[_Record]:
    """The records of a split, good and bad."""
    if split.kind == ".parquet":
        yield from _parquet(split)
    elif split.kind in (".txt", ".text", ".md"):
        with open_raw(split.path) as stream:
            raw = stream.read(4 * limits.record_bytes + 1)
        if len(raw) > 4 * limits.record_bytes:
            yield 0, 1, *_fault(f"longer than {4 * limits.record_bytes:,} bytes")
        else:
            text = decode_text(raw, split.encoding)
            yield 0, 1, content_id(Path(split.path).name), None, None, text, None
    elif split.kind == ".json":
        with open_raw(split.path) as stream:
            yield from _json_array(stream.read(), split.encoding)
    elif _wide(split.encoding):
        yield from _wide_json_lines(split, limits)
    else:
        yield from _json_lines(split, limits)


def _parquet(split: Split) -> Iterator[_Record]:
    with pq.ParquetFile(split.path) as parquet:
        names = set(parquet.schema_arrow.names)
        if "text" not in names:
            yield 0, 0, *_fault("the Parquet file has no column `text`")
            return
        row = 0
        for batch in parquet.iter_batches(256, columns=[c for c in ("id", "source", "domain", "text") if c in names]):
            for values in batch.to_pylist():
                yield row * _PARTS, row + 1, *_fields(values)
                row += 1


def _json_array(raw: bytes, encoding: str) -> Iterator[_Record]:
    try:
        rows = json.loads(decode(raw, encoding).lstrip(BYTE_ORDER_MARK))
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
        yield 0, 1, *_fault(f"not JSON ({error})")
        return
    for number, row in enumerate(rows if isinstance(rows, list) else [rows]):
        yield number * _PARTS, number + 1, *_fields(row)


def _wide_json_lines(split: Split, limits: Limits) -> Iterator[_Record]:
    """JSON Lines in UTF-16 or UTF-32, whose lines do not end at a byte."""
    with io.TextIOWrapper(open_raw(split.path), encoding=split.encoding, errors="replace", newline="\n") as stream:
        for number, line in enumerate(stream, 1):
            if len(line) > limits.record_bytes:
                yield number * _PARTS, number, *_fault(f"longer than {limits.record_bytes:,} bytes")
            elif line.strip():
                yield number * _PARTS, number, *_json_line(line.encode("utf-8", "surrogatepass"), "utf-8")


def _json_lines(split: Split, limits: Limits) -> Iterator[_Record]:
    line = split.line
    with open_raw(split.path) as stream:
        at = split.start
        if at:  # a line belongs to the split that holds its first byte
            stream.seek(at - 1)
            piece = stream.readline(1 << 20)
            line += piece != b"\n"
            while piece and not piece.endswith(b"\n"):
                piece = stream.readline(1 << 20)
            at = stream.tell()
        while not split.stop or at < split.stop:
            raw = stream.readline(limits.record_bytes + 1)
            if not raw:
                return
            place = at
            at += len(raw)
            if len(raw) > limits.record_bytes:
                while raw and not raw.endswith(b"\n"):
                    raw = stream.readline(1 << 20)
                    at += len(raw)
                yield place, line, *_fault(f"longer than {limits.record_bytes:,} bytes")
            elif raw.strip():
                yield place, line, *_json_line(raw, split.encoding)
            line += 1


def _json_line(raw: bytes, encoding: str) -> _Fields:
    try:
        return _fields(json.loads(decode(raw, encoding).lstrip(BYTE_ORDER_MARK)))
    except UnicodeDecodeError as error:
        return _fault(f"not {encoding} (byte {error.start})")
    except RecursionError:
        return _fault("nested too deep")
    except ValueError as error:
        return _fault(f"not JSON ({error})")


def _fields(row: Any) -> _Fields:
    if isinstance(row, str):
        return None, None, None, row, None
    if not isinstance(row, dict):
        return _fault("not a JSON object")
    text = row.get("text")
    if not isinstance(text, str):
        return _fault("no field `text`" if text is None else "the field `text` is no text")
    id_, source, domain = (str(row[k]) if row.get(k) not in (None, "") else None for k in ("id", "source", "domain"))
    return id_, source, domain, text, None


def _cut(text: str, limit: int) -> list[str]:
    """Parts of at most `limit` characters, cut at line ends where there are any."""
    if len(text) <= limit:
        return [text]
    parts = []
    at = 0
    while at < len(text):
        stop = min(len(text), at + limit)
        if stop < len(text):
            border = text.rfind("\n", at + limit // 2, stop)
            stop = border + 1 if border > 0 else stop
        parts.append(text[at:stop])
        at = stop
    return parts
