"""How help looks: what a command takes in words and by group, whole lines for the commands of a group, an example."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from in2x.commands.examples import EXAMPLES

F = TypeVar("F", bound=Callable[..., Any])
KINDS = {"str": "TEXT", "path": "PATH", "int": "N", "float": "NUMBER"}
"""What typer calls a value that the command line gives no name -> what people read."""
LINE = 300
"""Characters of a command's first sentence that lists show."""


class Command(TyperCommand):
    """A command whose help has its arguments, then its options by their `rich_help_panel`, those without one first."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section a group."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for one in self.get_params(ctx):
            if (record := one.get_help_record(ctx)) is not None:
                panel = getattr(one, "rich_help_panel", None) or "Options"
                if one.param_type_name == "argument":
                    groups["Arguments"].append((record[0].partition(" ")[0], record[1]))
                else:
                    groups.setdefault(panel, []).append((_plain(record[0]), record[1]))
        for name, records in groups.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


def _plain(name: str) -> str:
    """`--model <list[str]>` as `--model TEXT`; a choice (`<off|mark>`) stays."""
    return re.sub(r"<(?:list\[)?(\w+)(?: range)?\]?>", lambda kind: KINDS.get(kind[1], kind[1].upper()), name)


class Group(TyperGroup):
    """A group that says what it has, in whole lines, where no command is given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As usual; nothing at all is wrong usage, and answered with the help."""
        if not args and not ctx.resilient_parsing:
            print(ctx.get_help(), file=sys.stderr)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the first sentence of each."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(LINE)) for name, one in self.commands.items()])


class App(typer.Typer):
    """The commands of a group, to be registered by `@app.command()`."""

    def __init__(self, help: str) -> None:
        """`help` is its line."""
        super().__init__(cls=Group, help=help, rich_markup_mode=None)

    def command(self, name: str | None = None, **options: Any) -> Callable[[F], F]:
        """Register a function."""
        return super().command(name, cls=Command, **options)


def example_of(path: str) -> str:
    """An example of the command `path` ("evaluate score"), as it is typed; "" of a group."""
    return f"in2x {path} {EXAMPLES[path]}" if path in EXAMPLES else ""


def lay_examples(command: Any, path: str) -> None:
    """Put the example of `command`, or of every command in it, below its help."""
    for name, inner in getattr(command, "commands", {}).items():
        lay_examples(inner, f"{path} {name}")
    if example := example_of(path):
        command.epilog = f"\b\nExample:\n  {example}"
