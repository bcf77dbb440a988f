"""What a system said: one record a segment, kept for the report, the audit and whoever wants to look again."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from in2x.records import Record


@dataclass(frozen=True, slots=True)
class Output(Record):
    """One translation by one system, with what code found in it."""

    system: str
    pair: str
    """Direction, source and target code with a hyphen between."""
    id: str
    source: str
    reference: str
    register: str | None
    domain: str
    hypothesis: str
    principles: dict[str, bool | None] = field(default_factory=dict)
    """Principle -> kept, broken, or None where it does not apply or cannot be told."""
    why: dict[str, str] = field(default_factory=dict)
    """Principle -> why it is broken, for those that are."""
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Principle -> (start, end) in the hypothesis, for those that are broken at one place."""

    SCHEMA = pa.schema(
        [
            ("system", pa.string()), ("pair", pa.string()), ("id", pa.string()), ("source", pa.string()),
            ("reference", pa.string()), ("register", pa.string()), ("domain", pa.string()),
            ("hypothesis", pa.string()), ("principles", pa.string()), ("why", pa.string()),
            ("places", pa.string()),
        ]
    )  # fmt: skip
    JSON_FIELDS = frozenset({"principles", "why", "places"})
