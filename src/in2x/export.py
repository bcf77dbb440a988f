"""What a run gives to other programs: reinforcement learning by verl."""

from __future__ import annotations

from pathlib import Path

from in2x.artifact import Artifact
from in2x.recipe import Recipe
from in2x.rl.questions import held_out, payable, questions
from in2x.rl.verl_job import write_job


def verl_job(recipe: Recipe, run: Path, out: Path) -> tuple[int, list[str]]:
    """Write what verl trains with from the finished run `run` to the folder `out`.

    Returns how many prompts, and what of the recipe verl does without.

    Raises:
        UsageError: the recipe asks for what verl has not.
        In2xError: the run has no finished selection, model of SFT or pairs.
    """
    for stage in ("data", "select", "sft"):
        Artifact.open(run / stage)
    config = recipe.rl
    chosen = payable(questions(config, run / "select", recipe), config.rewards)
    held = held_out(config, run / "sft", run / "data", recipe)
    return write_job(config, recipe.name, recipe.seed, run / "sft" / "model", chosen, held, out)
