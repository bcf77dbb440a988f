"""What a hostile input is: files that lie in a folder, and commands that are given there.

A command is one of `in2x`, or `read FILE` (a raw file of the corpus through reader and cleaning), `tiny FOLDER` (lays a
small model there), `serve METHOD PATH TYPE` and `people METHOD PATH TYPE` (one request with the file `body`). MODEL
stands for the address of a scripted model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Files = Mapping[str, bytes]
Command = tuple[str, ...]


@dataclass(frozen=True)
class Input:
    """One hostile input."""

    room: str
    label: str
    files: Callable[[], Files]
    commands: tuple[Command, ...]


def one(room: str, label: str, make: Callable[[], Files], *commands: Command) -> Input:
    return Input(room, label, make, commands)
