"""What a run gives to other programs: the RL prompts of a finished selection as verl's Parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from in2x.artifact import Artifact
from in2x.recipe import Recipe
from in2x.rl.questions import questions
from in2x.rl.verl import verl_row


def verl_prompts(recipe: Recipe, run: Path, out: Path) -> int:
    """Write the RL prompts of the finished run `run` to `out` (beside, then renamed); returns how many.

    Raises:
        In2xError: the run has no finished selection.
    """
    Artifact.open(run / "select")
    chosen = questions(recipe.rl, run / "select", recipe)
    partial = out.with_name(out.name + ".partial")
    pq.write_table(pa.Table.from_pylist([verl_row(i, recipe.rl.rewards) for i in chosen]), partial)
    partial.rename(out)
    return len(chosen)
