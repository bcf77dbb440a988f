"""`in2x recipes`: the recipes that come with the package, listed, or one of them to be copied and changed."""

from __future__ import annotations

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
        for one, file in known.items():
            first = file.read_text(encoding="utf-8").partition("\n")[0]
            print(f"{one:{wide}}  {first.removeprefix('# ').partition('. ')[0].rstrip('.:')}")
        return
    if name not in known:
        raise UsageError(f"there is no recipe {name!r}", mend=instead(name))
    print(known[name].read_text(encoding="utf-8"), end="")
