"""Options that commands share, checked before any work is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from in2x.errors import UsageError


class Grouped(TyperCommand):
    """A command whose help shows its options by their `rich_help_panel`, those without one first."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section a group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if record is not None and option.param_type_name == "option":
                groups.setdefault(getattr(option, "rich_help_panel", None) or "Options", []).append(record)
        for name, records in groups.items():
            with formatter.section(name):
                formatter.write_dl(records)


def out_option(help: str) -> Any:
    """`-o/--out FILE`: refused at once where nothing can be written, not after an hour's work."""
    return typer.Option("-o", "--out", help=help, show_default=False, callback=_writable)


def _writable(file: Path | None) -> Path | None:
    if file is not None:
        check_writable(file)
    return file


def check_writable(file: Path) -> None:
    """Raise UsageError where `file` cannot be written: its folder is missing or not ours, or it is a folder."""
    if file.is_dir():
        raise UsageError("this is a folder", file=file, mend="give the name of a file in it")
    if not file.parent.is_dir():
        raise UsageError(f"there is no folder {file.parent}", file=file, mend=f"make it first: mkdir -p {file.parent}")
    if not os.access(file.parent, os.W_OK):
        raise UsageError("nothing may be written into its folder", file=file, mend="choose another place")


def once_each(option: str) -> Callable[[Iterable[Any] | None], list[Any] | None]:
    """A callback for an option that may be given again: the same value twice is a slip, and is said to be one."""

    def check(values: Iterable[Any] | None) -> list[Any] | None:
        if values is None:
            return None
        given = list(values)
        places = [os.path.realpath(v) if isinstance(v, Path) else v for v in given]
        twice = next((v for v, place in zip(given, places, strict=True) if places.count(place) > 1), None)
        if twice is not None:
            raise UsageError(f"{option} {twice} is given twice", mend="give each system once")
        return given

    return check


def language_code(code: str) -> str:
    """A callback for an option that names a language: its one spelling, or what was probably meant."""
    from in2x.language.codes import canonical

    return canonical(code)
