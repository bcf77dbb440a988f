"""What commands print: tables and progress for people, one JSON document for programs; the options they share."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)  # fmt: skip
from rich.text import Text

from in2x.stage import console

if TYPE_CHECKING:
    from rich.table import Table

RecipeFile = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe: a file, or a name of `in2x recipes`.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the run.  [default: runs/NAME]", show_default=False)]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="Override a knob; may be given again.")
]
Force = Annotated[bool, typer.Option("--force", help="Run even where nothing changed.")]
Keep = Annotated[
    bool,
    typer.Option("--keep", help="Take what is there, finished or half done, whatever changed since."),
]
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


def tell(words: str, style: str = "") -> None:
    """A line on stderr. Brackets in it are no markup: names of files and words of servers stand in such lines."""
    console.print(escape(words), style=style or None, soft_wrap=True)


def note(words: str) -> None:
    """A line on stderr about what a figure does not say."""
    console.print(f"[yellow]note[/yellow]  {escape(words)}", soft_wrap=True)


def show(table: Table) -> None:
    """Print a table, as wide as the terminal. Brackets in its cells are no markup."""
    from rich.console import Console

    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDE).print(table)


def duration(seconds: float) -> str:
    """`seconds` for people: "8 s", "3 min 20 s", "2 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


class _Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        """The rate, while there is one."""
        return Text(f"{task.speed:,.1f}/s" if task.speed else "")


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Any]:
    """A bar on stderr for a command that is no stage; yields `advance(count)`. Nothing where stderr is no terminal."""
    bar = Progress(
        TextColumn("[bold]{task.description}[/bold]"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn(),
        _Rate(), TextColumn("eta"), TimeRemainingColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task(escape(what), total=total)
        yield lambda count: bar.update(task, advance=count)
