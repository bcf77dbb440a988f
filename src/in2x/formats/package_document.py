"""A document that is a package of parts: which parts changed, and the package with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from in2x.formats.document import Document, Text
from in2x.formats.package import Package
from in2x.formats.part import Part


@dataclass(slots=True)
class PackageDocument(Document):
    """A package, and those of its parts that hold texts or say which language they are in."""

    package: Package = field(kw_only=True)
    parts: Mapping[str, Part] = field(kw_only=True)

    def write(self, texts: Mapping[int, Text]) -> bytes:
        """See `Document.write`."""
        if not any(part.changed(texts) for part in self.parts.values()):
            return self.raw
        new = {name: part.write(texts, True) for name, part in self.parts.items()}
        return self.package.written({name: raw for name, raw in new.items() if raw != self.parts[name].source.raw})
