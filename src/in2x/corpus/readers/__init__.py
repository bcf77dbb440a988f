"""One file a format. A reader takes an open stream and yields `(line, row)`: a row with the fields `text`, `id`,
`source`, `domain`, or a sentence that says why there is none."""

from __future__ import annotations

from typing import Any

Row = tuple[int, dict[str, Any] | str]
"""`line` (or number of the record, from 1), and the row or what is wrong with it."""

LEFT_OUT = "left out: "
"""Begins the sentence about a record that is whole but holds no text to read; it is counted, but is no fault."""
