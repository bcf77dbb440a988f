"""What each training stage of a recipe makes one device do in a step: rows, their length, passes.

The same jobs are priced by formulas (`formula.py`) and run on fake tensors (`trace/step.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from in2x.pretrain.config import PhaseConfig
from in2x.recipe import Recipe
from in2x.training.config import Checkpointing, LoraConfig, OptimizerConfig

EXAMPLE = 512
"""Tokens of an instruction with its answer, and of a prompt of RL: the mean where the recipe cannot know it."""


@dataclass(frozen=True)
class Job:
    """A step of one device."""

    stage: str
    processes: int
    """Devices that train together, the model sharded over them."""
    rows: int
    """Rows of one pass."""
    length: int
    """Tokens of a row."""
    passes: int
    """Forward and backward passes a step."""
    checkpointing: Checkpointing = False
    lora: LoraConfig = field(default_factory=LoraConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    policy: bool = False
    """An update of reinforcement learning: scores of answers instead of a supervised loss."""
    problem: str = ""
    """Why the stage would refuse to start so; "" where it would not."""

    @property
    def tokens(self) -> int:
        """Tokens of one pass."""
        return self.rows * self.length

    def of_rows(self, rows: int) -> Job:
        """The same step in passes of at most `rows` rows."""
        here = self.rows * self.passes
        passes = -(-here // rows)
        return replace(self, rows=-(-here // passes), passes=passes)


def jobs(recipe: Recipe, devices: int) -> Iterator[Job]:
    """The step of each training stage of `recipe` on one of `devices`."""
    base, pretrain = recipe.base, recipe.pretrain
    if base.model is None:
        yield _phase("base", base.train, devices, base.checkpointing)
    for name in ("phase1", "phase2", "phase3"):
        yield _phase(f"pretrain {name}", getattr(pretrain, name), devices, pretrain.checkpointing)
    sft = recipe.sft
    yield _supervised(
        "sft", sft.batch_tokens, sft.max_tokens, sft.device_tokens, devices,
        checkpointing=sft.checkpointing, lora=sft.lora, optimizer=sft.optimizer,
    )  # fmt: skip
    yield _rl(recipe, devices)


def _phase(name: str, phase: PhaseConfig, devices: int, checkpointing: Checkpointing) -> Job:
    return _supervised(
        name, phase.batch_tokens, phase.context, phase.device_tokens, devices,
        checkpointing=checkpointing, optimizer=phase.optimizer, lora=LoraConfig(),
    )  # fmt: skip


def _supervised(
    stage: str, batch_tokens: int, length: int, device_tokens: int | None, devices: int,
    *, checkpointing: Checkpointing, optimizer: OptimizerConfig, lora: LoraConfig,
) -> Job:  # fmt: skip
    """Rows of the full `length`, dealt out as `training/passes.py` does."""
    rows = max(1, batch_tokens // length)
    here = -(-rows // devices)
    most = here if device_tokens is None else max(1, device_tokens // length)
    problem = "" if rows >= devices else (
        f"a step of {batch_tokens:,} tokens is {rows:,} row(s) of {length:,}, too few for {devices:,} devices: raise "
        f"batch_tokens to {devices * length:,} or take at most {rows:,}"
    )  # fmt: skip
    whole = Job(stage, devices, here, length, 1, checkpointing, lora, optimizer, problem=problem)
    return whole.of_rows(most)


def _rl(recipe: Recipe, devices: int) -> Job:
    """TRL shards over all devices (its launch line says so); the native loop is one process."""
    rl = recipe.rl
    length = EXAMPLE + rl.max_new_tokens
    update = rl.minibatch * rl.samples
    if rl.backend == "native":
        rows = max(1, min(update, rl.device_tokens // length))
        return Job("rl", 1, rows, length, -(-update // rows), False, rl.lora, rl.optimizer, policy=True)
    once = rl.trl.device_batch * devices
    problem = "" if update % once == 0 else (
        f"an update of {rl.minibatch} prompts x {rl.samples} = {update:,} trajectories is no multiple of "
        f"{rl.trl.device_batch} on each of {devices:,} devices: change rl.trl.device_batch or rl.minibatch"
    )  # fmt: skip
    return Job("rl", devices, rl.trl.device_batch, length, max(1, update // once), rl.trl.checkpointing, rl.lora,
               rl.optimizer, policy=True, problem=problem)  # fmt: skip
