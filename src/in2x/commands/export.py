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
    to: Annotated[Format, typer.Option("--to", help="verl: the stage rl of a run whose sft is finished.")],
    target: Annotated[Path, typer.Option("--output", "-o", help="Write into this folder.")],
    out: Out = None,
    sets: Sets = None,
) -> None:
    """Write what another program trains with: verl's prompts, rewards and a script with its settings."""
    from in2x.export import verl_job
    from in2x.recipe import load_recipe

    loaded = load_recipe(recipe, sets or [])
    count, without = verl_job(loaded, out or Path("runs") / loaded.name, target)
    for words in without:
        print(f"not in verl: {words}")
    print(f"{count:,} prompts; train with: bash {target / 'verl.sh'}")
