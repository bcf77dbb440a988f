"""Commands that are loaded when they are asked for: `in2x --help` needs their names and one line each.

An entry of the table says where a command is. Loading it also lays its example under its help (`examples.py`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info, get_group
from typer.models import CommandInfo


@dataclass(frozen=True)
class Entry:
    """Where a command is, and the line that the list of commands shows."""

    module: str
    """Below `in2x.commands`."""
    pick: str | Callable[[Any], Any]
    """The name, in the module, of its function or its `typer.Typer`; or what gets it from the module."""
    line: str
    grouped: bool = False
    """Its help shows its options by group (`options.Grouped`)."""

    def load(self, name: str) -> Any:
        """The command, as the command line calls it."""
        module = importlib.import_module(f"in2x.commands.{self.module}")
        found = self.pick(module) if callable(self.pick) else getattr(module, self.pick)
        if isinstance(found, typer.Typer):
            command: Any = get_group(found)
            command.name = name
        else:
            from in2x.commands.options import Grouped

            info = CommandInfo(name=name, callback=found, cls=Grouped if self.grouped else None)
            command = get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=None)
        _lay_examples(command, name)
        return command


def _lay_examples(command: Any, path: str) -> None:
    """Put the example of `command`, or of every command in it, below its help."""
    from in2x.commands.examples import EXAMPLES

    for name, inner in getattr(command, "commands", {}).items():
        _lay_examples(inner, f"{path} {name}")
    if path in EXAMPLES:
        command.epilog = f"\b\nExample:\n  in2x {path} {EXAMPLES[path]}".rstrip()


class Commands(MutableMapping[str, Any]):
    """Name -> command, each loaded at first sight."""

    def __init__(self, table: Mapping[str, Entry], more: Mapping[str, Any]) -> None:
        """The commands of `table`, and `more` that are loaded already."""
        self._table = table
        self._found: dict[str, Any] = {**dict.fromkeys(table), **more}

    def __getitem__(self, name: str) -> Any:
        """The command; KeyError where there is none."""
        if (found := self._found[name]) is None:
            found = self._found[name] = self._table[name].load(name)
        return found

    def __setitem__(self, name: str, command: Any) -> None:
        """Add a command that is loaded."""
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        """Take a command away."""
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of the table."""
        return iter(self._found)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._found)


def lazy_group(table: dict[str, Entry]) -> type[TyperGroup]:
    """A group whose commands are those of `table`, and what is registered on it as usual."""

    class LazyGroup(TyperGroup):
        def __init__(self, **attrs: Any) -> None:
            super().__init__(**attrs)
            self.commands = Commands(table, dict(self.commands))

        def list_commands(self, ctx: Any) -> list[str]:
            return list(self.commands)

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            lines = [(n, table[n].line if n in table else self.commands[n].get_short_help_str(100))
                     for n in self.commands]  # fmt: skip
            with formatter.section("Commands"):
                formatter.write_dl(lines)

    return LazyGroup
