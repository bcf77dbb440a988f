"""What a run gives to other programs: reinforcement learning by verl."""

from __future__ import annotations

import shutil
from pathlib import Path

from in2x.artifact import Artifact
from in2x.errors import UsageError
from in2x.recipe import Recipe
from in2x.rl.config import RlConfig
from in2x.rl.questions import held_out, payable, questions
from in2x.rl.rewards.judged import JudgedPrinciples
from in2x.rl.rewards.written import FILE
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
    count, without = write_job(config, recipe.name, recipe.seed, run / "sft" / "model", chosen, held, out)
    if JudgedPrinciples.name in config.rewards and config.judge.principles != "fundamental":
        without += _principles(config, run / "rl" / FILE, out / "judge")
    return count, without


def _principles(config: RlConfig, written: Path, folder: Path) -> list[str]:
    """Lay the principles that a judge wrote in the run's own RL down in `folder`; else what verl then does without."""
    if written.exists():
        folder.mkdir(exist_ok=True)
        shutil.copyfile(written, folder / FILE)
        return []
    if config.judge.principles == "dynamic":
        raise UsageError("the judge's own principles are written by the stage rl of a run, and this run has none",
                         mend="run `in2x rl` for one batch first, or set rl.judge.principles: both")  # fmt: skip
    return ["principles that the judge writes for a prompt (the stage rl writes them): it judges by those of the task"]
