"""A training stage in several processes: started by the recipe's `launch` command, each runs the stage's function.

The process that was asked for the run writes what they need to know to a job file, waits, and takes the figures back.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from in2x.artifact import Artifact, write_json
from in2x.process import start, work_on
from in2x.recipe import Recipe
from in2x.stage import Stage
from in2x.trackers import Trackers

STAGES = ("base", "pretrain", "sft")
"""The stages that train by `training/loop.py`; RL in several processes is TRL's (`rl.trl.launch`)."""
JOB = "launch.json"
FIGURES = "launch.figures.json"


def run_in_processes(recipe: Recipe, function: Callable[[Any, Stage], None], stage: Stage) -> None:
    """Run the stage by `recipe.launch`, for example "torchrun --nproc_per_node 8"; its figures come back into `stage`.

    Raises:
        In2xError: the processes ended with a fault (theirs is on stderr).
    """
    job = stage.work / JOB
    write_json(job, {
        "module": function.__module__, "stage": stage.name, "out": str(stage.out),
        "recipe": recipe.model_dump(mode="json"),
        "inputs": {name: str(artifact.path) for name, artifact in stage.inputs.items()},
        "trackers": stage.trackers.place if stage.trackers else None,
        "ground": stage.ground, "files": dict(stage.files), "keep": stage.keep,
    })  # fmt: skip
    stage.figures.update(
        start([*shlex.split(recipe.launch), "-m", "in2x.launch", str(job)], stage, stage.work / FIGURES)
    )


def work(job: Path) -> None:
    """One of the processes: join the others, run the stage, leave the figures (the first)."""
    from in2x.pretrain import base
    from in2x.pretrain import stage as pretrain
    from in2x.sft import stage as sft
    from in2x.training import parallel

    functions: Mapping[str, Callable[[Any, Stage], None]] = {m.__name__: m.run for m in (base, pretrain, sft)}
    given = json.loads(job.read_text(encoding="utf-8"))
    recipe = Recipe.model_validate(given["recipe"])
    parallel.start()
    try:
        rank = parallel.rank()
        trackers = Trackers(tuple(given["trackers"][0]), *given["trackers"][1:]) if given["trackers"] else None
        stage = Stage(
            given["stage"], recipe, Path(given["out"]),
            {name: Artifact.open(Path(path)) for name, path in given["inputs"].items()},
            trackers=None if rank else trackers, rank=rank, ground=given["ground"], files=given["files"],
            keep=given["keep"],
        )  # fmt: skip
        functions[given["module"]](getattr(recipe, given["stage"]), stage)
        if rank == 0:
            if trackers is not None:
                trackers.close()
            write_json(stage.work / FIGURES, {**stage.figures, "processes": parallel.processes()})
        parallel.wait()
    finally:
        parallel.stop()


if __name__ == "__main__":
    sys.exit(work_on(sys.argv[1], work))
