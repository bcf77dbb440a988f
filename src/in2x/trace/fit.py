"""Whether the steps of a recipe fit a device, and the largest `device_tokens` that does, by traces of the real code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import process_time

from in2x.cost.hardware import Hardware
from in2x.cost.job import Job, jobs
from in2x.errors import In2xError
from in2x.recipe import Recipe
from in2x.trace.fake import model_config
from in2x.trace.step import Traced, trace
from in2x.training.config import OptimizerConfig

MOST = 1 << 17
"""Tokens of a pass beyond which no larger one is looked for: larger ones gain no speed."""


@dataclass(frozen=True)
class Fit:
    """A stage's step on one device."""

    job: Job
    traced: Traced | None
    """None where it could not be traced."""
    room: float
    """Bytes that a step may fill."""
    device_tokens: int | None
    """The largest pass that fits, in tokens; None where not one row does, or nothing was traced."""
    problem: str
    """Why nothing was traced, or why the stage would refuse to start; "" otherwise."""
    seconds: float
    """Of one core, that its traces took."""

    @property
    def fits(self) -> bool:
        """Whether the step as the recipe has it fits."""
        return self.traced is not None and self.traced.memory <= self.room


def fits(recipe: Recipe, hardware: Hardware) -> Iterator[Fit]:
    """Trace each training stage of `recipe`. Raises In2xError where the model's shape is not known."""
    config, gpu = model_config(recipe), hardware.device != "cpu"
    known: dict[str, Traced] = {}

    def look(job: Job) -> Traced:
        """The trace of `job`; phases that differ in their rates alone have the same."""
        same = job.optimizer.name, job.optimizer.ema, job.lora
        plain = repr((replace(job, stage="", problem="", optimizer=OptimizerConfig()), same))
        if plain not in known:
            known[plain] = trace(config, job, gpu)
        return known[plain]

    for job in jobs(recipe, hardware.count):
        room = hardware.usable
        if job.stage == "rl" and recipe.rl.backend == "trl" and recipe.rl.trl.vllm == "colocate":
            room -= recipe.rl.trl.vllm_memory * hardware.kind.memory
        began = process_time()
        try:
            traced = look(job)
        except In2xError as error:
            yield Fit(job, None, room, None, str(error), process_time() - began)
            continue
        most = largest(look, job, room)
        yield Fit(job, traced, room, most, job.problem, process_time() - began)


def largest(look: Callable[[Job], Traced], job: Job, room: float) -> int | None:
    """The most tokens of a pass, whole rows, that fit into `room` bytes; None where one row does not.

    Args:
        look: traces a job.
        job: of which `rows` are varied.
        room: bytes.

    Memory grows about linearly with rows, so a line through two traces tells where to look, and a third one checks it.
    """

    def memory(rows: int) -> int:
        return look(replace(job, rows=rows, passes=max(2, job.passes))).memory  # with gradients of earlier passes

    if memory(1) > room:
        return None
    top = max(1, MOST // job.length)
    other = min(top, job.rows if job.rows > 1 else 2)
    if other == 1:
        return job.length
    slope = (memory(other) - memory(1)) / (other - 1)
    rows = max(1, min(top, 1 + int((room - memory(1)) / max(slope, 1.0))))
    while rows > 1 and memory(rows) > room:
        rows -= max(1, rows // 16)
    return rows * job.length
