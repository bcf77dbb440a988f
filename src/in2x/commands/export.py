"""`in2x export`: what a run gives to other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from in2x.commands.show import Out, RecipeFile, Sets


class Format(StrEnum):
    """What can be written."""

    verl = "verl"


def export(
    recipe: RecipeFile,
    to: Annotated[Format, typer.Option("--to", help="verl: the RL prompts of a finished selection, as Parquet.")],
    target: Annotated[Path, typer.Option("--output", "-o", help="Write here (beside, then renamed).")],
    out: Out = None,
    sets: Sets = None,
) -> None:
    """Write what another program trains on: verl's prompts, with all that the rewards need."""
    from in2x.export import verl_prompts
    from in2x.recipe import load_recipe

    loaded = load_recipe(recipe, sets or [])
    count = verl_prompts(loaded, out or Path("runs") / loaded.name, target)
    print(f"{count:,} prompts in {target}")
