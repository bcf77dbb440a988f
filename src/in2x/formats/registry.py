"""Which format a file has, and its reader: by its name, and a look at its first bytes where the name may lie."""

from __future__ import annotations

import importlib
from pathlib import Path, PurePath

from in2x.errors import In2xError, UsageError
from in2x.formats.document import Document, Options

READERS = {
    ".txt": "plain", ".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html", ".xhtml": "html",
    ".json": "json", ".jsonl": "jsonl", ".xcstrings": "xcstrings", ".yaml": "yaml", ".yml": "yaml",
    ".csv": "table", ".tsv": "table", ".xlsx": "xlsx",
    ".po": "po", ".pot": "po", ".xlf": "xliff", ".xliff": "xliff", ".tmx": "tmx", ".srt": "srt",
    ".vtt": "vtt", ".ass": "ass", ".ssa": "ass", ".epub": "epub", ".docx": "docx", ".pptx": "pptx", ".xml": "android",
    ".strings": "strings", ".properties": "properties", ".ftl": "fluent", ".rpy": "renpy",
}  # fmt: skip
"""Suffix -> module of this room, each with `read(raw, name, options) -> Document`; errors call the file `name`."""
MAGIC = {
    b"PK\x03\x04": "a zip archive (xlsx, docx, pptx and epub are such)", b"%PDF": "a PDF", b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"\xd0\xcf\x11\xe0": "a document of old Office",
    b"\x1f\x8b": "compressed by gzip", b"SQLite format 3": "a database",
}  # fmt: skip
"""First bytes that no text begins with -> what the file is."""
ARCHIVES = frozenset((".xlsx", ".epub", ".docx", ".pptx"))
LARGEST = 1 << 30
"""Bytes of the largest file that is read (our choice): formats hold a file in memory."""


def read_document(file: Path, options: Options, kind: str | None = None) -> Document:
    """Read a file; `kind` is a suffix without its dot, for a file whose name does not say what it is.

    Raises:
        UsageError: an unknown format.
        In2xError: the file is not what it says it is, or cannot be read safely.
    """
    if file.stat().st_size > LARGEST:
        raise In2xError("the file is larger than 1 GiB", file=file, mend="split it; plain text is read line by line")
    return parse(file.read_bytes(), file.name, options, kind, file)


def parse(raw: bytes, name: str, options: Options, kind: str | None = None, file: Path | None = None) -> Document:
    """The document in `raw`; as `read_document` does, for what came over a wire."""
    suffix = f".{kind}" if kind else PurePath(name).suffix.lower()
    if suffix not in READERS:
        known = ", ".join(sorted(s[1:] for s in READERS))
        raise UsageError(f"{suffix or name} is no format that is known here", file=file, mend=f"known are {known}")
    lie = next((what for head, what in MAGIC.items() if raw.startswith(head)), None)
    if lie and suffix not in ARCHIVES:
        raise In2xError(
            f"it is {lie}, not {suffix}", file=file or name, mend="give the file its true suffix, or unpack it"
        )
    module = importlib.import_module(f"in2x.formats.{READERS[suffix]}")
    document: Document = module.read(raw, str(file or name), options)
    return document
