"""Reading raw documents: files of the formats of `kinds.py`, bare or compressed, one file or a whole folder.

A file is cut into *splits* that any worker can read by itself. A record that cannot be read becomes a row with a
`fault` instead of a text; it is counted, kept aside with its file and line, and the run goes on up to a stated share.
"""

from __future__ import annotations

import glob
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import pyarrow.parquet as pq

from in2x import store
from in2x.corpus.encoding import decode, decode_text, detect
from in2x.corpus.kinds import (
    DAMAGED,
    SAMPLE,
    TELLING,
    RawFile,
    compression,
    is_json_line,
    kind,
    known,
    open_bytes,
    open_raw,
    readable,
)
from in2x.corpus.readers import LEFT_OUT, Row
from in2x.corpus.readers.array import array
from in2x.corpus.readers.page import page_text
from in2x.corpus.readers.table import table
from in2x.corpus.readers.warc import warc
from in2x.corpus.readers.wiki import wiki
from in2x.errors import In2xError
from in2x.records import content_id, sound

FILE = 40
"""Bits of an `index` below the number of its file."""
ASCII_HEAD = 64 << 20
"""Bytes in which the first letter of a file that is not ASCII is looked for. What is wrong behind `SAMPLE` is put right
line by line."""


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
    """Bytes as they lie there, for balancing shards."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How records are read: bounds that keep one bad record from taking the memory of all, and what was asked for."""

    record_bytes: int
    """A longer line is a bad record."""
    document_chars: int
    """A longer document is cut at line ends into parts."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Where `text`, `id`, `source` and `domain` stand where not under these names; a dot goes into an object."""
    ruby: str = "drop"
    """"keep" leaves readings of marked-up text in brackets."""


def find_files(paths: Iterable[str], root: Path, unread: dict[str, str] | None = None) -> list[RawFile]:
    """The files that `paths` name, sorted, each once: files, folders, globs (relative ones from `root`), objects in a
    store by URL, or data sets of the hub, `hub:owner/name` or `hub:owner/name/glob`, which are fetched into the hub's
    own cache.

    Args:
        paths: what is named.
        root: folder that relative paths start from.
        unread: gets the files of a folder or glob that are of a kind that is not read, with the reason.

    Raises:
        In2xError: a path leads to no file that is read; the hub or the store cannot be reached.
    """
    aside: dict[str, str] = {}
    found: dict[str, RawFile] = {}
    for text in paths:
        if store.is_url(text):
            objects = [RawFile(one.url, one.size) for one in store.find(text) if one.size]
            kept = readable(objects, aside)
            if not kept:
                raise In2xError("no object here is of a format that is read", file=text, mend=f"give {known()} files")
            found |= {file.path: file for file in kept}
            continue
        path = _fetched(text) if text.startswith(HUB) else Path(text) if Path(text).is_absolute() else root / text
        if path.is_dir():
            files = [f for f in sorted(path.rglob("*")) if f.is_file() and not f.name.startswith(".")]
        elif path.is_file():
            files = [path]
        else:
            files = [Path(f) for f in sorted(glob.glob(str(path), recursive=True)) if Path(f).is_file()]
            if not files:
                raise In2xError("no such raw text", file=path, mend="correct the path in data.raw")
        kept = readable((RawFile(str(file), file.stat().st_size) for file in files), aside)
        if not kept:
            if path.is_dir():
                raise In2xError("the folder holds no raw text", file=path, mend=f"put {known()} files into it")
            why = f" ({aside[str(files[0])]})"
            raise In2xError(f"a format that is not read{why}", file=files[0], mend=f"give {known()} files")
        found |= {file.path: file for file in kept}
    if unread is not None:
        unread |= aside
    return [found[name] for name in sorted(found)]


HUB = "hub:"


def _fetched(name: str) -> Path:
    """The folder in the cache that holds the raw files of a data set of the hub."""
    from huggingface_hub import snapshot_download

    owner, _, rest = name.removeprefix(HUB).partition("/")
    repository, _, pattern = rest.partition("/")
    patterns = [pattern] if pattern else [f"*{kind}{end}" for kind in _FETCHED for end in _ENDS]
    try:
        return Path(snapshot_download(f"{owner}/{repository}", repo_type="dataset", allow_patterns=patterns))
    except Exception as error:  # the hub's client raises many kinds, all meaning the same to the user
        first = (str(error).splitlines() or ["?"])[0][:120]
        raise In2xError(f"the data set of the hub cannot be fetched ({first})", file=name,
                        mend="check the name (hub:owner/name) and the network, or give files") from None  # fmt: skip


_FETCHED = (".jsonl", ".ndjson", ".json", ".parquet")
_ENDS = ("", ".gz", ".zst")
_CACHED = re.compile(r"/datasets--(?P<owner>[^/]+?)--(?P<name>[^/]+)/snapshots/")
"""How the hub's client names the folder of a data set in its cache."""


class Each(Protocol):
    """Does something to each of many things, wherever: `map`, or Daft's workers (`engine.each`)."""

    def __call__(self, function: Callable[[Any], Any], items: Sequence[Any], /) -> Iterable[Any]:
        """`function(item)` of each item, in order; both are plain JSON values."""
        ...


def plan(files: list[RawFile], split_bytes: int, encoding: str | None = None, each: Each = map) -> list[Split]:
    """Cut the files into splits of about `split_bytes`. Only plain JSON Lines can be cut; others are one split each.

    What has to be looked at in the files is looked at by `each`, so that nothing of them passes through here.
    """
    looked = each(_looked_into, [[file.path, kind(file.path)[0] or ".jsonl", encoding] for file in files])
    splits: list[Split] = []
    cut: list[int] = []
    for number, (file, (form, found, whole)) in enumerate(zip(files, looked, strict=True)):
        if whole or file.size <= split_bytes or _wide(found):
            splits.append(Split(number, file.path, form, found, 0, 0, 1, file.size))
            continue
        for start in range(0, file.size, split_bytes):
            stop = min(file.size, start + split_bytes)
            cut.append(len(splits))
            splits.append(Split(number, file.path, form, found, start, stop, 1, stop - start))
    line, last = 1, -1
    for k, lines in zip(cut, each(_count_lines, [[splits[k].path, splits[k].start, splits[k].stop] for k in cut]),
                        strict=True):  # fmt: skip
        line = line if splits[k].file == last else 1
        splits[k] = replace(splits[k], line=line)
        line, last = line + lines, splits[k].file
    return splits


def _count_lines(place: tuple[str, int, int]) -> int:
    """Line ends between two bytes of a plain file."""
    path, start, stop = place
    count = 0
    with open_bytes(path) as stream:
        stream.seek(start)
        while start < stop and (block := stream.read(min(1 << 20, stop - start))):
            start += len(block)
            count += block.count(b"\n")
    return count


def _looked_into(file: tuple[str, str, str | None]) -> tuple[str, str, bool]:
    """Format, encoding (where none is given), and whether it is read whole, of a file of a format by its name: JSON may
    be JSON Lines, as C4 has it.
    """
    path, form, given = file
    if form in TELLING:
        return form, given or "utf-8", True
    try:
        with open_raw(path, 1 << 20) as stream:
            sample = stream.read(SAMPLE)
            form = ".jsonl" if form == ".json" and is_json_line(sample) else form
            whole = len(sample) < SAMPLE
            # what is ASCII so far tells nothing: other letters may begin in the tenth chapter
            while not (given or whole) and sample.isascii() and b"\x1b" not in sample and stream.tell() < ASCII_HEAD:
                sample = stream.read(1 << 20)
                whole = len(sample) < 1 << 20
            found = given or detect(sample, whole=whole) or "binary"
    except DAMAGED:
        found = given or "utf-8"  # what can be read of a broken archive is read later, and its fault told there
    return form, found, form != ".jsonl" or compression(path) is not None


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
                    "index": (split.file << FILE) + place + number, "file": split.path, "line": line, "text": part,
                    "id": (id_ or content_id(name, line)) + (f"/{number + 1}" if len(parts) > 1 else ""),
                    "source": source or origin, "domain": domain, "fault": None,
                }  # fmt: skip
    except DAMAGED as error:
        what = str(error).split("\n")[0]
        yield _fault_row(split, place + _PARTS - 1, 0, f"the file breaks off or is damaged ({what})")


def _fault_row(split: Split, place: int, line: int, fault: str) -> dict[str, Any]:
    return {
        "index": (split.file << FILE) + place, "id": content_id(split.path, line, "fault"),
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
        yield from _parquet(split, limits)
    elif split.kind in (".txt", ".html"):
        with open_raw(split.path) as stream:
            raw = stream.read(4 * limits.record_bytes + 1)
        if len(raw) > 4 * limits.record_bytes:
            yield 0, 1, *_fault(f"longer than {4 * limits.record_bytes:,} bytes")
        elif split.kind == ".html":
            text = page_text(raw, None if split.encoding == "utf-8" else split.encoding, limits.ruby)
            yield 0, 1, content_id(split.path), None, None, text, None if text else f"{LEFT_OUT}a page without text"
        else:
            text = decode_text(raw, split.encoding)
            yield 0, 1, content_id(Path(split.path).name), None, None, text, None
    elif split.kind == ".jsonl":
        yield from (_wide_json_lines if _wide(split.encoding) else _json_lines)(split, limits)
    else:
        with open_raw(split.path) as stream:
            for number, (line, row) in enumerate(_rows(split, stream, limits)):
                named = limits.fields if split.kind in (".json", ".csv", ".tsv") else {}
                yield number * _PARTS, line, *(_fault(row) if isinstance(row, str) else _fields(row, named))


def _rows(split: Split, stream: Any, limits: Limits) -> Iterator[Row]:
    """What the reader of the format makes of a file; see `readers/`."""
    longest = limits.record_bytes
    if split.kind == ".json":
        return array(stream, split.encoding, longest)
    if split.kind == ".warc":
        return warc(stream, longest, limits.ruby)
    if split.kind == ".xml":
        return wiki(stream, longest, limits.ruby)
    return table(stream, split.encoding, longest, tabs=split.kind == ".tsv")


def _parquet(split: Split, limits: Limits) -> Iterator[_Record]:
    source: Any = store.opened(split.path) if store.is_url(split.path) else split.path
    with pq.ParquetFile(source) as parquet:
        names = set(parquet.schema_arrow.names)
        wanted = {limits.fields.get(name, name) for name in FIELDS}
        columns = sorted(names & (wanted | set(FIELDS) | {name.partition(".")[0] for name in wanted}))
        if not names & {limits.fields.get("text", "text").partition(".")[0], "text"}:
            yield 0, 0, *_fault(f"the Parquet file has no column `{limits.fields.get('text', 'text')}`{_there(names)}")
            return
        row = 0
        for batch in parquet.iter_batches(256, columns=columns):
            for values in batch.to_pylist():
                yield row * _PARTS, row + 1, *_fields(values, limits.fields)
                row += 1


def _wide_json_lines(split: Split, limits: Limits) -> Iterator[_Record]:
    """JSON Lines in UTF-16 or UTF-32, whose lines do not end at a byte."""
    with io.TextIOWrapper(open_raw(split.path), encoding=split.encoding, errors="replace", newline="\n") as stream:
        for number, line in enumerate(stream, 1):
            if len(line) > limits.record_bytes:
                yield number * _PARTS, number, *_fault(f"longer than {limits.record_bytes:,} bytes")
            elif line.strip():
                yield (
                    number * _PARTS,
                    number,
                    *_json_line(line.encode("utf-8", "surrogatepass"), "utf-8", limits.fields),
                )


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
                yield place, line, *_json_line(raw, split.encoding, limits.fields)
            line += 1


def _json_line(raw: bytes, encoding: str, named: Mapping[str, str]) -> _Fields:
    try:
        return _fields(json.loads(decode(raw, encoding).lstrip(BYTE_ORDER_MARK)), named)
    except UnicodeDecodeError as error:
        return _fault(f"not {encoding} (byte {error.start})")
    except RecursionError:
        return _fault("nested too deep")
    except ValueError as error:
        return _fault(f"not JSON ({error})")


FIELDS = ("id", "source", "domain", "text")


def _there(names: Iterable[Any]) -> str:
    """The names that there are: what a user would name in `corpus.fields`."""
    listed = ", ".join(sorted(map(str, names))[:12])[:200]
    return f"; there are {listed}: name one in corpus.fields" if listed else ""


def _field(row: Mapping[str, Any], name: str) -> Any:
    """A field by its name, or inside objects by a name with dots."""
    if name in row or "." not in name:
        return row.get(name)
    first, _, rest = name.partition(".")
    inner = row.get(first)
    return _field(inner, rest) if isinstance(inner, Mapping) else None


def _named(row: Mapping[str, Any], named: Mapping[str, str], field: str) -> Any:
    """What stands for `field`: under the name that was given, or, as files of other kinds may lie beside, its own."""
    value = _field(row, named[field]) if field in named else None
    return row.get(field) if value is None else value


def _fields(row: Any, named: Mapping[str, str]) -> _Fields:
    if isinstance(row, str):
        return None, None, None, row, None
    if not isinstance(row, dict):
        return _fault("not a JSON object")
    name = named.get("text", "text")
    text = _named(row, named, "text")
    if not isinstance(text, str):
        return _fault(f"no field `{name}`{_there(row)}" if text is None else f"the field `{name}` is no text")
    id_, source, domain = (
        str(value) if (value := _named(row, named, k)) not in (None, "") else None for k in FIELDS[:3]
    )
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
