"""What kind of file a raw file is: by its name, and where the name says nothing by its first bytes."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import json
import lzma
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from in2x import store

FORMATS = (".jsonl", ".json", ".parquet", ".txt", ".csv", ".tsv", ".html", ".warc", ".xml")
"""What is read, one name a format; `.xml` is a dump of a wiki."""
_ALIKE = {
    ".ndjson": ".jsonl", ".jsonlines": ".jsonl", ".jl": ".jsonl", ".text": ".txt", ".md": ".txt", ".tab": ".tsv",
    ".htm": ".html", ".xhtml": ".html", ".wet": ".warc", ".pq": ".parquet",
}  # fmt: skip
TELLING = frozenset({".parquet", ".html", ".warc", ".xml"})
"""Formats that say their encoding inside, record by record."""
COMPRESSIONS = (".gz", ".zst", ".bz2", ".xz")
_MAGIC = ((b"\x1f\x8b", ".gz"), (b"\x28\xb5\x2f\xfd", ".zst"), (b"BZh", ".bz2"), (b"\xfd7zXZ\0", ".xz"))
_PART = re.compile(r"-p\d+p\d+$")
"""Ends the name of a part of a dump: `pages-articles1.xml-p1p114794`."""
SAMPLE = 1 << 16

_WHY = (
    ("an archive: unpack it", ".zip .tar .tgz .7z .rar .tbz"),
    ("a document format: turn it into text or HTML", ".pdf .doc .docx .odt .rtf .epub .ppt .pptx .xls .xlsx .tex"),
    ("subtitles: turn them into text or JSON Lines", ".srt .vtt .ass .ssa"),
    ("no text", ".jpg .jpeg .png .gif .webp .svg .mp3 .mp4 .wav .flac .ogg .avi .mkv .ttf .woff .ico"),
    ("an index or metadata, no text", ".cdx .cdxj .wat .idx .md5 .sha1 .sha256 .lock .log .yaml .yml .toml .cfg .ini"),
    ("a program, no prose", ".py .js .css .c .h .cpp .java .go .rs .sh .ts .sql .php .rb"),
    ("weights or arrays, no text", ".npy .npz .bin .pt .safetensors .pkl .h5 .arrow .db .sqlite"),
)
"""Why the commonest other kinds are left out."""
_WHY_BY_KIND = {kind: why for why, kinds in _WHY for kind in kinds.split()}


class RawFile(NamedTuple):
    """A file, or an object in a store (`in2x/store.py`)."""

    path: str
    """Path or URL."""
    size: int
    """Bytes as it lies there."""


def known() -> str:
    """The formats that are read, as a phrase."""
    return ", ".join(FORMATS) + f" (also with {', '.join(COMPRESSIONS[:-1])} or {COMPRESSIONS[-1]})"


def compression(path: Path | str) -> str | None:
    """One of `COMPRESSIONS` by the first bytes of a file, whatever its name; None for a plain or missing file."""
    try:
        with open_bytes(path, SAMPLE) as stream:
            return _packed(stream)
    except OSError:
        return None


def _packed(stream: io.BufferedReader) -> str | None:
    head = stream.peek(6)[:6]
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def open_bytes(path: Path | str, ahead: int = store.READ_AHEAD) -> io.BufferedReader:
    """The bytes of a file as they lie there; of an object in a store `ahead` are fetched at a time."""
    return store.opened(str(path), ahead) if store.is_url(path) else open(path, "rb")


def open_raw(path: Path | str, ahead: int = store.READ_AHEAD) -> Any:
    """The bytes of a file, decompressed as its first bytes ask for. Several compressed pieces in one file are one.

    Raises:
        OSError: there is no such file.
        In2xError: here or while it is read: an object that its store does not give (`in2x/store.py`).
    """
    stream = open_bytes(path, ahead)
    kind = _packed(stream)
    if kind is None:
        return stream
    source: Any = stream
    if not store.is_url(path):
        stream.close()
        source = path
    if kind == ".gz":
        return gzip.open(source, "rb")
    if kind == ".bz2":
        return bz2.open(source, "rb")
    if kind == ".xz":
        return lzma.open(source, "rb")
    # pyarrow carries its own zstd; no further package is needed.
    packed = pa.PythonFile(source, "r") if store.is_url(path) else pa.OSFile(str(path))
    return io.BufferedReader(pa.CompressedInputStream(packed, "zstd"))


DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, pa.ArrowException)
"""What a compressed file raises that breaks off or is none."""


def _head(path: str) -> bytes:
    try:
        with open_raw(path, SAMPLE) as stream:
            head: bytes = stream.read(SAMPLE)
            return head
    except DAMAGED:
        return b""


def is_json_line(sample: bytes) -> bool:
    """Whether a file begins with a whole JSON object in a line of its own and goes on behind it (C4's `.json.gz`)."""
    first, _, rest = sample.lstrip().partition(b"\n")
    with contextlib.suppress(ValueError, RecursionError):
        return first.startswith((b"{", codecs.BOM_UTF8)) and isinstance(json.loads(first), dict) and bool(rest.strip())
    return False


def _suffix(path: str) -> str:
    suffixes = [s.lower() for s in Path(path).suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return _PART.sub("", suffixes[-1]) if suffixes else ""


def kind(path: str) -> tuple[str | None, str]:
    """The format that a file is read in, one of `FORMATS`; and, where it is none (None), why.

    A name that says nothing (`part-00000`, `shard.7`) is looked into.
    """
    suffix = _suffix(path)
    suffix = _ALIKE.get(suffix, suffix)
    if suffix in FORMATS and suffix != ".xml":
        return suffix, ""
    if suffix in _WHY_BY_KIND:
        return None, _WHY_BY_KIND[suffix]
    head = _head(path)
    start = head[:2000].lstrip(codecs.BOM_UTF8 + b" \t\r\n").lower()
    if b"<mediawiki" in start and start.startswith((b"<mediawiki", b"<?xml", b"<!--")):
        return ".xml", ""
    if suffix == ".xml":
        return None, "XML that is no dump of a wiki"
    if head.startswith(b"WARC/"):
        return ".warc", ""
    if head.startswith(b"PAR1"):
        return ".parquet", ""
    if start.startswith((b"<!doctype html", b"<html")):
        return ".html", ""
    if is_json_line(head):
        return ".jsonl", ""
    return None, "of a kind that is not known" if head else "empty or damaged"


def left_out(unread: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Files that are not read by their suffix, the commonest first: how many, why (of the first), and some names."""
    found: dict[str, dict[str, Any]] = {}
    for name, why in sorted(unread.items()):
        path = Path(name)
        suffixes = path.suffixes[-2:] if path.suffix in COMPRESSIONS else path.suffixes[-1:]
        row = found.setdefault("".join(suffixes) or "no suffix", {"files": 0, "why": why, "names": []})
        row["files"] += 1
        if len(row["names"]) < 3:
            row["names"].append(path.name)
    return dict(sorted(found.items(), key=lambda item: -item[1]["files"]))


def readable(files: Iterable[RawFile], unread: dict[str, str]) -> list[RawFile]:
    """The files that are read; the others go into `unread` with the reason."""
    kept = []
    for file in files:
        found, why = kind(file.path)
        if found:
            kept.append(file)
        else:
            unread[file.path] = why
    return kept
