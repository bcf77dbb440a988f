"""ZIP packages (epub, docx, pptx, xlsx): parts read safely, and changed parts written among untouched bytes.

A package is judged by its directory before anything is unpacked. Writing copies every other entry as it lies in the
file, with its compression, flags, times and extra fields, in its order; only offsets follow.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from in2x.errors import In2xError

LARGEST = 1 << 30
"""Bytes of all parts together, unpacked (our choice)."""
RATIO = 200
"""How far an entry of more than a MiB may expand (our choice: text and XML reach 50, deflate ends at 1,032)."""
ENTRIES = 20_000
"""Entries of a package (our choice)."""
_EOCD = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIPTOR, _STRONG, _MASKED, _UTF8 = 1 << 0, 1 << 3, 1 << 6, 1 << 13, 1 << 11


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the directory, and where its record lies."""

    name: str
    record: bytes
    """Its record in the central directory."""
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    """Bytes, unpacked."""
    start: int
    """Where its local record begins."""
    data: int
    """Where its packed bytes begin."""


class Package:
    """A ZIP file.

    Args:
        raw: its bytes.
        name: of the file, for faults.

    Raises:
        In2xError: it is no whole ZIP file, is encrypted, or is made to do harm: it expands without measure, its entries
            lie over each other, or their names lead out of it.
    """

    def __init__(self, raw: bytes, name: str) -> None:
        self.raw, self.name = raw, name
        self._eocd = raw.rfind(b"PK\x05\x06", max(0, len(raw) - 65_557))
        if not raw.startswith(b"PK") or self._eocd < 0 or self._eocd + _EOCD.size > len(raw):
            if raw.startswith(b"\xd0\xcf\x11\xe0"):
                raise self._fault("it is an encrypted or an old binary office file", "save it without a password")
            raise self._fault("it is no ZIP file, or its end is missing", "get it again")
        _, disk, first_disk, here, count, size, self._directory, _ = _EOCD.unpack_from(raw, self._eocd)
        if disk or first_disk or here != count:
            raise self._fault("it is a part of a ZIP file in several parts")
        if count == 0xFFFF or self._directory == 0xFFFFFFFF or size == 0xFFFFFFFF:
            raise self._fault("it is a ZIP64 file, which no document needs to be", "pack it again")
        if self._directory + size > self._eocd:
            raise self._fault("its directory does not lie where its end says", "get it again")
        if count > ENTRIES:
            raise self._fault(f"it holds {count:,} entries; {ENTRIES:,} are the most that are read")
        self.entries: dict[str, Entry] = {}
        at = self._directory
        for _ in range(count):
            at = self._entry(at)
        if at != self._directory + size:
            raise self._fault("its directory has another length than its end says", "get it again")
        self._judge()

    def _fault(self, what: str, mend: str | None = None) -> In2xError:
        return In2xError(what, file=self.name, mend=mend)

    def _entry(self, at: int) -> int:
        """Read one record of the directory; where the next begins."""
        raw = self.raw
        if at + _CENTRAL.size > self._eocd or raw[at : at + 4] != b"PK\x01\x02":
            raise self._fault("its directory is damaged", "get it again")
        (_, made, _, flags, method, _, _, crc, packed, size, name_size, extra, comment, disk, _, outside, start) = (
            _CENTRAL.unpack_from(raw, at)
        )
        end: int = at + _CENTRAL.size + name_size + extra + comment
        encoded = raw[at + _CENTRAL.size : at + _CENTRAL.size + name_size]
        try:
            name = encoded.decode("utf-8" if flags & _UTF8 else "cp437")
        except UnicodeDecodeError:
            raise self._fault("the name of an entry is no UTF-8") from None
        shown = ascii(name[:80])
        if flags & (_ENCRYPTED | _STRONG | _MASKED):
            raise self._fault(f"its entry {shown} is encrypted", "save it without a password")
        if method not in (_STORED, _DEFLATED):
            raise self._fault(f"its entry {shown} is packed in a way that documents do not use", "pack it again")
        if (
            not name or name.startswith("/") or "\\" in name or "\0" in name or name[1:2] == ":"
            or ".." in name.split("/")
        ):  # fmt: skip
            raise self._fault(f"the name of its entry {shown} leads out of it")
        if made >> 8 == 3 and stat.S_ISLNK(outside >> 16):
            raise self._fault(f"its entry {shown} is a link")
        if name in self.entries:
            raise self._fault(f"it holds two entries {shown}")
        if 0xFFFFFFFF in (packed, size, start) or disk:
            raise self._fault("it is a ZIP64 file, which no document needs to be", "pack it again")
        if start + _LOCAL.size > self._directory or raw[start : start + 4] != b"PK\x03\x04":
            raise self._fault(f"its entry {shown} is missing or cut", "get it again")
        local = _LOCAL.unpack_from(raw, start)
        data = start + _LOCAL.size + local[9] + local[10]
        if raw[start + _LOCAL.size : start + _LOCAL.size + local[9]] != encoded or local[3] != method:
            raise self._fault(f"its entry {shown} has another name or packing where it lies than in the directory")
        if (local[2] ^ flags) & _ENCRYPTED:
            raise self._fault(f"its entry {shown} is encrypted", "save it without a password")
        self.entries[name] = Entry(name, raw[at:end], flags, method, crc, packed, size, start, data)
        return end

    def _judge(self) -> None:
        """Refuse what expands without measure, and entries that lie over each other or reach past the end."""
        total = sum(entry.size for entry in self.entries.values())
        if total > LARGEST:
            raise self._fault(f"it would unpack to {total:,} bytes; {LARGEST:,} are the most")
        done = 0
        for entry in sorted(self.entries.values(), key=lambda entry: entry.start):
            shown = ascii(entry.name[:80])
            if entry.start < done or entry.data + entry.packed > self._directory:
                raise self._fault(f"its entry {shown} lies over another, or reaches past the end")
            done = entry.data + entry.packed
            if entry.size > 1 << 20 and entry.size > RATIO * entry.packed:
                raise self._fault(f"its entry {shown} would expand more than {RATIO} times: a ZIP bomb?")
            if entry.method == _STORED and entry.size != entry.packed:
                raise self._fault(f"its entry {shown} has two sizes", "get it again")

    def read(self, name: str) -> bytes:
        """The bytes of an entry.

        Raises:
            In2xError: there is none of that name, or it is damaged.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise self._fault(f"it has no part {name[:80]!a}, which such a file must have")
        packed = self.raw[entry.data : entry.data + entry.packed]
        if entry.method == _STORED:
            found = packed
        else:
            unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                found = unpacker.decompress(packed, entry.size + 1)
            except zlib.error:
                found = b""
            if not unpacker.eof and len(found) == entry.size:  # the end mark may still be to come
                found += unpacker.decompress(unpacker.unconsumed_tail, 1)
        if len(found) != entry.size or zlib.crc32(found) != entry.crc:
            raise self._fault(f"its entry {name[:80]!a} is damaged", "get it again")
        return found

    def written(self, parts: Mapping[str, bytes]) -> bytes:
        """The package with other bytes in the named entries, all else as it was."""
        if not parts:
            return self.raw
        order = sorted(self.entries.values(), key=lambda entry: entry.start)
        out = bytearray(self.raw[: order[0].start])
        starts: dict[str, int] = {}
        sizes: dict[str, tuple[int, int, int]] = {}
        ends = [*(entry.start for entry in order[1:]), self._directory]
        for entry, end in zip(order, ends, strict=True):
            starts[entry.name] = len(out)
            if entry.name not in parts:
                out += self.raw[entry.start : end]
                continue
            new = parts[entry.name]
            packed = new if entry.method == _STORED else _deflated(new)
            sizes[entry.name] = zlib.crc32(new), len(packed), len(new)
            local = list(_LOCAL.unpack_from(self.raw, entry.start))
            local[2] &= ~_DESCRIPTOR  # sizes stand here, not behind
            local[6:9] = sizes[entry.name]
            names = self.raw[entry.start + _LOCAL.size : entry.start + _LOCAL.size + local[9]]
            extra = _without_zip64(self.raw[entry.data - local[10] : entry.data])
            local[10] = len(extra)
            out += _LOCAL.pack(*local) + names + extra + packed
        directory = len(out)
        for entry in self.entries.values():
            fields = list(_CENTRAL.unpack_from(entry.record))
            if entry.name in sizes:
                fields[3] &= ~_DESCRIPTOR
                fields[7:10] = sizes[entry.name]
            fields[16] = starts[entry.name]
            out += _CENTRAL.pack(*fields) + entry.record[_CENTRAL.size :]
        end_fields = list(_EOCD.unpack_from(self.raw, self._eocd))
        end_fields[5:7] = len(out) - directory, directory
        tail = self.raw[self._eocd + _EOCD.size :]
        out += _EOCD.pack(*end_fields) + tail
        return bytes(out)


def _deflated(new: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(new) + packer.flush()


def _without_zip64(extra: bytes) -> bytes:
    """A local extra field without its large sizes, which writers that stream leave there."""
    kept, at = b"", 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind != 1:
            kept += extra[at : at + 4 + size]
        at += 4 + size
    return kept + extra[at:]
