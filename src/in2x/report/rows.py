"""Files of JSON lines that a stage may be writing, or was killed over: what is whole of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def rows_of(file: Path) -> Iterator[dict[str, Any]]:
    """The whole rows of a file, none where there is none."""
    if not file.exists():
        return
    with file.open(encoding="utf-8", errors="replace") as stream:  # a kill may cut a letter
        for line in stream:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(row, dict):
                yield row
