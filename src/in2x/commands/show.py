"""What the commands of this room print: tables for people, or one JSON document for programs."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
WIDE = 200
"""Columns of a table that goes to a file or a pipe, where nothing is there to be narrow."""


def emit(value: Any) -> None:
    """One JSON document on stdout; numbers that are not finite become null."""

    def clean(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: clean(item) for key, item in node.items()}
        if isinstance(node, list | tuple):
            return [clean(item) for item in node]
        return None if isinstance(node, float) and not math.isfinite(node) else node

    print(json.dumps(clean(value), ensure_ascii=False, indent=1, allow_nan=False))


def show(table: Table) -> None:
    """Print a table, as wide as the terminal."""
    from rich.console import Console

    Console(highlight=False, width=None if sys.stdout.isatty() else WIDE).print(table)
