"""Commands that are loaded when they are asked for: `in2x --help` needs their names and one line each.

An entry of the table says where a command is. What its help shows beside its own words: `shown_help.py`.
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

from in2x.commands.shown_help import Command, Group, lay_examples


@dataclass(frozen=True)
class Entry:
    """Where a command is, and the line that the list of commands shows."""

    module: str
    """Below `in2x.commands`."""
    pick: str | Callable[[Any], Any]
    """The name, in the module, of its function or its `typer.Typer`; or what gets it from the module."""
    line: str
    section: str
    """Heading that it stands under in the list of commands."""

    def load(self, name: str) -> Any:
        """The command, as the command line calls it."""
        module = importlib.import_module(f"in2x.commands.{self.module}")
        found = self.pick(module) if callable(self.pick) else getattr(module, self.pick)
        if isinstance(found, typer.Typer):
            command: Any = get_group(found)
            command.name = name
        else:
            info = CommandInfo(name=name, callback=found, cls=Command)
            command = get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=None)
        lay_examples(command, name)
        return command


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
    """A group whose commands are those of `table`, listed by their sections."""

    class LazyGroup(Group):
        def __init__(self, **attrs: Any) -> None:
            super().__init__(**attrs)
            self.commands = Commands(table, dict(self.commands))

        def list_commands(self, ctx: Any) -> list[str]:
            return list(self.commands)

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            width = max(map(len, table))
            for section in dict.fromkeys(entry.section for entry in table.values()):
                lines = [(f"{name:{width}}", entry.line) for name, entry in table.items() if entry.section == section]
                with formatter.section(section):
                    formatter.write_dl(lines)

    return LazyGroup
