"""Web archives: WARC 1.0 and 1.1 (ISO 28500), whole crawls and their texts (WET).

Pages (`response`, `resource`) are read as HTML or plain text, `conversion` records as plain text. Records about the
crawl (`warcinfo`, `request`, `metadata`, `revisit`) are no documents and are passed over; answers that are no page are
counted with the reason. A record has its address as id and its host as source.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from in2x.corpus.encoding import decode_text, detect
from in2x.corpus.readers import LEFT_OUT, Row
from in2x.corpus.readers.page import decode_page, page_text

_HEADER_BYTES = 1 << 16
_PAGES = ("text/html", "application/xhtml+xml")
_ABOUT = frozenset(("warcinfo", "request", "metadata", "revisit", "continuation"))


def warc(stream: Any, longest: int, ruby: str = "drop") -> Iterator[Row]:
    """Documents of an archive.

    Args:
        stream: bytes, decompressed.
        longest: bytes; a longer record is a fault.
        ruby: see `page_text`.

    Raises:
        EOFError: the file ends inside a record.
    """
    number = 0
    lost = False
    while line := stream.readline(_HEADER_BYTES):
        if not line.startswith(b"WARC/"):
            if line.strip() and not lost:
                lost = True
                yield number + 1, "no WARC record where one should begin"
            continue
        lost = False
        number += 1
        told = _headers(stream)
        try:
            size = int(told.get("content-length", ""))
        except ValueError:
            size = -1
        if size < 0:
            yield number, "a WARC record without Content-Length"
            continue
        if told.get("warc-type") in _ABOUT or size > longest:
            _pass_over(stream, size)
            if told.get("warc-type") not in _ABOUT:
                yield number, f"longer than {longest:,} bytes"
            continue
        block = stream.read(size)
        if len(block) < size:
            raise EOFError("a WARC record is cut off")
        try:
            text = _text(told, block, longest, ruby)
        except zlib.error as error:
            yield number, f"damaged compression ({error})"
            continue
        address = told.get("warc-target-uri", "").strip("<>")
        if text.startswith(LEFT_OUT):
            yield number, text
        else:
            yield number, {"id": address or told.get("warc-record-id", "").strip("<>"), "text": text,
                           "source": _host(address)}  # fmt: skip


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _headers(stream: Any) -> dict[str, str]:
    """Lines up to an empty one, by lower-cased name."""
    found: dict[str, str] = {}
    while (line := stream.readline(_HEADER_BYTES)).strip():
        name, _, value = line.decode("utf-8", "replace").partition(":")
        found[name.strip().lower()] = value.strip()
    if not line:
        raise EOFError("a WARC record is cut off")
    return found


def _pass_over(stream: Any, size: int) -> None:
    while size > 0:
        block = stream.read(min(size, 1 << 20))
        if not block:
            raise EOFError("a WARC record is cut off")
        size -= len(block)


def _text(told: dict[str, str], block: bytes, longest: int, ruby: str) -> str:
    """The text of one record, or why it has none."""
    kind, charset = _kind(told.get("content-type", ""))
    if told.get("warc-type") == "response":
        if not told.get("content-type", "").lower().startswith("application/http"):
            return f"{LEFT_OUT}an answer that is not HTTP"
        head, mark, body = block.partition(b"\r\n\r\n")
        if not mark:
            head, _, body = block.partition(b"\n\n")
        first, *lines = head.decode("latin-1").splitlines() or [""]
        answer = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = first.split(" ")[1:2]
        if status != ["200"]:
            return f"{LEFT_OUT}an answer {status[0] if status else 'without status'}"
        kind, charset = _kind(answer.get("content-type", ""))
        if "chunked" in answer.get("transfer-encoding", "").lower():
            body = _joined(body)
        packed = answer.get("content-encoding", "").lower()
        if packed in ("gzip", "x-gzip", "deflate"):
            body = _unpacked(body, longest)
        elif packed not in ("", "identity") and body.lstrip()[:1] != b"<":
            return f"{LEFT_OUT}a page packed with {packed[:20]}"
        if not kind:
            kind = "text/html" if body.lstrip()[:1] == b"<" else "without type"
        block = body
    if kind in _PAGES:
        return page_text(block, charset, ruby) or f"{LEFT_OUT}a page without text"
    if kind == "text/plain":
        own = detect(block, whole=True)
        text = decode_page(block, charset) if charset and own != "utf-8" else decode_text(block, own or "utf-8")
        return text if text.strip() else f"{LEFT_OUT}a page without text"
    return f"{LEFT_OUT}{kind or 'a record without type'}"


def _kind(told: str) -> tuple[str, str | None]:
    kind, _, rest = told.partition(";")
    name, _, value = rest.strip().partition("=")
    return kind.strip().lower()[:60], value.strip(" \"'") or None if name.strip().lower() == "charset" else None


def _joined(body: bytes) -> bytes:
    """A body without the marks of chunked transfer; one that has none (archives often took them out) as it is."""
    parts: list[bytes] = []
    at = 0
    while at < len(body):
        end = body.find(b"\r\n", at, at + 100)
        try:
            size = int(body[at:end].split(b";")[0].strip() or b"x", 16) if end > 0 else -1
        except ValueError:
            size = -1
        if size < 0:
            return b"".join(parts) if parts else body
        if size == 0:
            break
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 4 + size
    return b"".join(parts)


def _unpacked(body: bytes, longest: int) -> bytes:
    """At most `longest` bytes of what was packed; a body that is not packed in spite of what is said, as it is."""
    try:
        return zlib.decompressobj(47).decompress(body, longest)
    except zlib.error:
        try:
            return zlib.decompressobj(-15).decompress(body, longest)
        except zlib.error:
            if body.lstrip()[:1] == b"<":
                return body
            raise
