"""The loop: batch -> loss -> step -> checkpoint -> log, with exact resume.

Order and content are a pure function of the config and the seed: batch k of the plan is the same in every run, nothing
draws from a global random stream, and a run that was killed goes on from its last checkpoint to the very same weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from in2x.stage import Stage
from in2x.training import parallel
from in2x.training.attention import NAME as OURS
from in2x.training.batches import Batch, Rows
from in2x.training.checkpoint import Checkpoints
from in2x.training.compiling import decide
from in2x.training.config import Checkpointing, Compile, OptimizerConfig
from in2x.training.forward import forward_of
from in2x.training.loss import LanguageModelingLoss
from in2x.training.model import for_device, to_training_device
from in2x.training.optimizer import Average, Optimizer, learning_rate_factor
from in2x.training.passes import ahead, parts_of
from in2x.training.start import share
from in2x.training.step import Part, train_step

Measure = Callable[[Sequence[Batch]], float]
"""Mean held-out loss in nats per token over batches."""
SAVE_SECONDS = 30.0
LOG_EVERY = 20
WARM_UP, SMALL = 32, 0.7
"""The graph is compiled on the fullest of so many batches; those of less than this share of its tokens run without."""
MANY = 0.1
"""Share of such steps from which on it is said, and not only in the figures."""


@dataclass(frozen=True)
class Plan:
    """What a training run reads."""

    steps: int
    rows: Callable[[int], Rows]
    """The rows of step k, a function of the seed alone; called by a thread."""
    tags: dict[str, Any]
    """Goes into every log row (for example {"phase": 1})."""
    device_tokens: int | None = None
    """Most positions of a pass of one process, padding included; None: all of its rows."""


def train(
    model: PreTrainedModel,
    plan: Plan,
    config: OptimizerConfig,
    stage: Stage,
    *,
    what: str,
    temperature: float = 1.0,
    smoothing: float = 0.0,
    compiled: Compile = "auto",
    checkpointing: Checkpointing = False,
    dev: Sequence[Batch] = (),
    dev_every: int = 0,
    on_dev: Callable[[Measure], dict[str, float]] | None = None,
) -> dict[str, float]:
    """Train `model` in place over `plan`; on return it holds the weight average where the config asks for one.

    Where several processes were started (`parallel.start`) they share the work, and the first of them alone has the
    result. `model` then comes back sharded, and each process holds no more than its part of it.

    Args:
        model: fp32 parameters; matrix products run in `precision.compute_dtype`. Moved to the GPU where there is one.
            In several processes it may be without weights (`start.open_model`).
        plan: the batches.
        config: optimizer and schedule.
        stage: for the log, progress and the place of checkpoints (`stage.work / what`).
        what: name of this run within the stage.
        temperature: loss temperature (METHOD 4).
        smoothing: label smoothing.
        compiled: use torch.compile: see `compiling.decide`. What was decided is said, and is a figure.
        checkpointing: recompute the activations of each layer, or of every second one, in the backward pass.
        dev: held-out batches; their loss (temperature 1, no smoothing) is logged every `dev_every` steps.
        dev_every: steps between held-out losses (0: only at the end).
        on_dev: called beside the held-out loss with what measures it on other batches; what it returns is logged too.

    Returns:
        Figures: steps, tokens, seconds, tokens_per_s, compiled (1 or 0), eager_steps (those too small for the compiled
        graph), last smoothed loss, dev_loss.
    """
    torch._dynamo.reset()
    alone = parallel.processes() == 1
    device = to_training_device(model) if alone else parallel.device()
    if not alone:
        for_device(model, device)
    if checkpointing:
        every = 2 if checkpointing == "selective" else 1
        model.activation_checkpointing_enable({"use_reentrant": False}, every_n_layers=every)
    found = forward_of(model)
    if not (found.plain or found.balance):  # those of the plain pass keep the fused one of their kind
        model.set_attn_implementation(OURS)
    fullest = _fullest(plan)
    decision = decide(compiled, model, plan.steps, fullest.tokens if fullest else 0, device)
    loss_of = LanguageModelingLoss(model, temperature, smoothing, decision.compiled)
    if not alone:
        share(loss_of, model, stage.seed)
    optimizer = Optimizer(model, config)
    average = Average(optimizer.parameters, config.ema) if config.ema else None
    checkpoints = Checkpoints(stage.work / what, model, optimizer, average, stage.say)
    state = checkpoints.load() or {"step": 0, "tokens": 0, "seconds": 0.0, "eager": 0}
    step, tokens, spent = int(state["step"]), int(state["tokens"]), float(state["seconds"])
    loss_of.eager = int(state["eager"])
    stage.log.rewind(step, **plan.tags)
    model.train()

    def parts(rows: Rows) -> list[Part]:
        found = parts_of(rows, plan.device_tokens, loss_of.prepared)
        return [replace(p, batch=p.batch.pinned()) for p in found] if device.type == "cuda" else found

    def made(step: int) -> tuple[int, list[Part]]:
        rows = plan.rows(step)
        return rows.tokens, parts(rows)

    if fullest is not None and step < plan.steps:
        stage.say(f"{what}: {decision.why}")
        _warm_up(loss_of, parts(fullest), device)
    began = saved = time.monotonic()
    sums: list[Tensor] = []
    last: dict[str, float] = dict(state.get("last", {}))  # nothing is left to do where it was the last step
    with stage.progress(what, plan.steps) as advance, closing(ahead(made, step, plan.steps)) as coming:
        advance(step, "")
        for positions, mine in coming:
            factor = learning_rate_factor(config.schedule, step, plan.steps, config.warmup, config.decay)
            passes = (replace(part, batch=part.batch.to(device)) for part in mine)
            loss, norm = train_step(loss_of, passes, optimizer, factor)
            if average is not None:
                average.update()
            sums.append(parallel.total(loss))
            tokens += positions
            step += 1
            if step % LOG_EVERY == 0 or step == plan.steps:
                seconds = spent + time.monotonic() - began
                last = {"loss": float(torch.stack(sums).mean())}
                row = {**plan.tags, "step": step, **last, "lr": config.lr * factor, "grad_norm": float(norm),
                       "tokens": tokens, "tokens_per_s": round(tokens / max(seconds, 1e-9))}  # fmt: skip
                sums = []
                stage.log.write(row)
            if dev_every and step % dev_every == 0 and step < plan.steps:
                _measure(loss_of, average, dev, on_dev, stage, plan, step)
            advance(1, f"loss {last['loss']:.3f}" if last else "")
            if step % LOG_EVERY == 0 and parallel.agreed(time.monotonic() - saved > SAVE_SECONDS):
                seconds = spent + time.monotonic() - began
                told = {"step": step, "tokens": tokens, "seconds": seconds, "eager": loss_of.eager}
                checkpoints.save({**told, "last": last})
                saved = time.monotonic()
    seconds = spent + time.monotonic() - began
    checkpoints.wait()
    if average is not None:
        average.swap()
    measured = _measure(loss_of, None, dev, on_dev, stage, plan, step)
    if checkpointing:
        model.activation_checkpointing_disable()
    model.eval()
    eager = loss_of.eager if decision.compiled else step
    if decision.compiled and eager > MANY * step:
        stage.say(
            f"{what}: {eager:,} of {step:,} steps ran outside of the compiled graph (under {SMALL:.0%} of its size)"
        )
    return {"steps": step, "tokens": tokens, "seconds": round(seconds, 1),
            "tokens_per_s": round(tokens / max(seconds, 1e-9)), "compiled": int(decision.compiled),
            "eager_steps": eager, **last, **measured}  # fmt: skip


def _fullest(plan: Plan) -> Rows | None:
    """The step of most tokens among the first ones; None of an empty plan."""
    first = (plan.rows(step) for step in range(min(WARM_UP, plan.steps)))
    return max(first, key=lambda rows: rows.tokens, default=None)


def _warm_up(loss_of: LanguageModelingLoss, parts: Sequence[Part], device: torch.device) -> None:
    """Compile on one pass of the plan, wherever a run begins: kernels, and so bits, are the same on resume.

    On the fullest of the first ones: the compiler's choices hold for like sizes, and much smaller ones run eagerly.
    """
    mine = max((part.batch for part in parts), key=lambda batch: batch.tokens)
    loss_of.smallest = round(SMALL * mine.tokens)
    with parallel.products(device):
        loss_of(mine.to(device)).backward()
    for parameter in loss_of.parameters():
        parameter.grad = None


@torch.no_grad()
def held_out_loss(loss_of: LanguageModelingLoss, batches: Sequence[Batch]) -> float:
    """Mean cross-entropy in nats per token over `batches`, temperature 1, no smoothing."""
    total, count = 0.0, 0
    device = next(loss_of.parameters()).device
    with parallel.products(device):
        for batch in batches:
            ready = loss_of.prepared(batch, held_out=True).to(device)
            total += float(loss_of(ready, held_out=True)) * len(batch.targets)
            count += len(batch.targets)
    return total / max(1, count)


def _measure(
    loss_of: LanguageModelingLoss,
    average: Average | None,
    dev: Sequence[Batch],
    on_dev: Callable[[Measure], dict[str, float]] | None,
    stage: Stage,
    plan: Plan,
    step: int,
) -> dict[str, float]:
    if not dev and on_dev is None:
        return {}
    if average is not None:
        average.swap()
    loss_of.eval()
    # Eager: a held-out pass must not make the compiler specialise on evaluation mode.
    with torch.compiler.set_stance("force_eager"):
        measured = {"dev_loss": held_out_loss(loss_of, dev)} if dev else {}
        if on_dev is not None:
            measured |= on_dev(partial(held_out_loss, loss_of))
    parallel.reshard(loss_of)
    stage.log.write_once({**plan.tags, "step": step, **measured})
    loss_of.train()
    if average is not None:
        average.swap()
    return measured
