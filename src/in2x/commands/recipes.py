"""`in2x recipes`: the recipes that come with the package, listed, or one of them to be copied and changed."""

from __future__ import annotations

import shutil
import sys
import textwrap
from itertools import takewhile
from typing import Annotated

import typer

from in2x.errors import UsageError


def show_recipes(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Print this one.", show_default=False)] = None,
) -> None:
    """List the recipes that come with in2x, or print one. `in2x run NAME` runs it as it is."""
    from in2x.bundled import instead, recipes

    known = recipes()
    if name is None:
        wide = max(map(len, known), default=0)
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
        for one, file in known.items():
            line = f"{one:{wide}}  {about(file.read_text(encoding='utf-8'))}"
            print(textwrap.fill(line, columns, subsequent_indent=" " * (wide + 2)))
        return
    if name not in known:
        raise UsageError(f"there is no recipe {name!r}", mend=instead(name))
    print(known[name].read_text(encoding="utf-8"), end="")


def about(recipe: str) -> str:
    """The first sentence of the comment at the head of a recipe; commands in it are indented."""
    head = takewhile(lambda line: line.startswith("# ") and not line.startswith("#  "), recipe.splitlines())
    return " ".join(line[2:] for line in head).partition(". ")[0].rstrip(".:")
