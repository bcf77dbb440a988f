"""What each training stage of a recipe takes: tokens, steps, operations, memory, time, money.

Every figure is an estimate; `in2x plan --trace` puts measured steps of the real code beside them.

- operations: those of a step (`formula.step_flops`) a token x tokens; a rollout token costs 2 N to generate and 2 N
  for its log-probability under the old policy, and then the update
- time: operations / (devices x peak x utilisation)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from in2x.cost.formula import step_flops, step_memory
from in2x.cost.hardware import Hardware
from in2x.cost.job import EXAMPLE, Job, jobs
from in2x.cost.shape import Shape, shape_of
from in2x.pretrain.config import PhaseConfig
from in2x.recipe import Recipe


@dataclass(frozen=True)
class Cost:
    """The estimate for one stage or phase; None where the recipe alone does not tell."""

    stage: str
    tokens: int | None
    steps: int | None
    flops: float | None
    memory: float
    """Bytes a device."""
    device_hours: float | None
    money: float | None
    """In what the price of a device is in; None without one."""
    words: str
    """The batch arithmetic in words, and what the figures rest on."""
    problem: str
    """Why the stage would refuse to start on so many devices; "" where it would not."""


def costs(recipe: Recipe, hardware: Hardware) -> Iterator[Cost]:
    """The estimate of each training stage of `recipe`."""
    shape, _ = shape_of(recipe)
    for job in jobs(recipe, hardware.count):
        if job.stage == "sft":
            tokens, steps, words = _sft(recipe)
            flops = None if tokens is None else tokens * _token(shape, job, min(EXAMPLE, recipe.sft.max_tokens))
        elif job.stage == "rl":
            tokens, steps, words = _rl(recipe)
            flops = None if tokens is None else tokens * (4.0 * shape.parameters + _token(shape, job, job.length))
        else:
            phase = recipe.base.train if job.stage == "base" else getattr(recipe.pretrain, job.stage.split()[1])
            tokens, steps, words = _phase(phase)
            flops = phase.tokens * _token(shape, job, phase.context)
        hours = None if flops is None else flops / (hardware.kind.peak * hardware.utilisation) / 3600
        yield Cost(
            job.stage, tokens, steps, flops, step_memory(shape, job), hours,
            None if hours is None or hardware.price is None else hours * hardware.price,
            f"{job.passes:,} pass(es) of {job.rows:,} x {job.length:,} tokens a device and step; {words}", job.problem,
        )  # fmt: skip


def _token(shape: Shape, job: Job, length: int) -> float:
    """Operations of a training token in texts of `length`."""
    one = Job("", job.processes, 1, length, 1, job.checkpointing, job.lora, policy=job.policy)
    return step_flops(shape, one) / length


def _phase(phase: PhaseConfig) -> tuple[int, int, str]:
    rows = phase.batch_tokens // phase.context
    return phase.tokens, -(-phase.tokens // phase.batch_tokens), f"{rows:,} blocks of {phase.context:,} tokens a step"


def _sft(recipe: Recipe) -> tuple[int | None, int | None, str]:
    sft, sizes = recipe.sft, (recipe.select.round1.size, recipe.select.round2.size)
    words = f"{sft.passes} pass(es) over each of two rounds, {sft.batch_tokens:,} tokens a step; "
    if None in sizes:
        return None, None, words + "tokens depend on the selection"
    each = min(EXAMPLE, sft.max_tokens)
    examples = sft.passes * sum(size or 0 for size in sizes)
    tokens = examples * each
    return tokens, -(-tokens // sft.batch_tokens), words + f"{examples:,} examples, if one is {each:,} tokens long"


def _rl(recipe: Recipe) -> tuple[int | None, int | None, str]:
    rl = recipe.rl
    trajectories = rl.prompts * rl.samples
    words = (
        f"{rl.prompts} prompts x {rl.samples} rollouts = {trajectories:,} trajectories a batch, "
        f"{rl.prompts // rl.minibatch} updates of {rl.minibatch * rl.samples:,} each; "
    )
    if rl.steps is None:
        return None, None, words + "one epoch: batches depend on the selection"
    words += f"4 N and the update a token if every answer is {rl.max_new_tokens} tokens long, prompts not counted"
    if rl.backend == "trl":
        words += "; the weights sharded over all devices, which the launch line must say (accelerate with FSDP 2)"
    return rl.steps * trajectories * rl.max_new_tokens, rl.steps * (rl.prompts // rl.minibatch), words
