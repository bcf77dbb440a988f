"""On one GPU: are the numbers right, does the memory agree with the trace, and how fast is it beside TRL?

    python benchmarks/gpu.py                  all four parts, on one GPU (a row of step needs 91 GB)
    python benchmarks/gpu.py --only losses    one of: losses, step, sft, rl
    python benchmarks/gpu.py --quick          tiny models, on the CPU where there is no GPU: only that it runs

losses: 103M parameters, twelve steps of packed blocks in bfloat16 with the variable-length kernel and cross-entropy
        in chunks, against the same steps on the CPU in float32 with a dense mask and all logits at once. Beyond the
        tolerance all ends with an error: the speed of wrong numbers is worth nothing.
step:   1.1B, one SFT step in one pass: tokens a second, peak memory, and what `in2x plan --trace` says of such a step.
sft:    1.1B, the same examples twice by the native loop and by TRL's SFTTrainer; the second time is timed.
rl:     1.1B, a rollout batch with one update: the native update, the TRL backend and TRL's own GRPOTrainer. The native
        loop samples on CPUs, so of it only the update is there; the two others sample by transformers' `generate`.

All models have random weights, fp32 masters and AdamW. Activations are recomputed only where that is said. TRL's
packing needs the package flash-attn and is left out. Nothing is written but the tables.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import gc
import importlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # of several, transformers' Trainer would take all

import numpy as np
import torch
from datasets import Dataset
from sft import rows as labelled
from small_model import machine, parameters, plan, stage, tasks
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

from in2x.chat.render import prompt_tokens
from in2x.rl.config import RlConfig, TrlConfig
from in2x.rl.loop import Policy, Rollout, update
from in2x.rl.policy import Group
from in2x.rl.rewards.base import RewardItem
from in2x.rl.rewards.route import Scorer
from in2x.rl.trl import TrajectoryTrainer, grpo_arguments
from in2x.training import attention, loop, loss, parallel
from in2x.training.attention import NAME as OURS
from in2x.training.batches import Batch, Example
from in2x.training.config import COMPUTE, OptimizerConfig, ShapeConfig
from in2x.training.loss import LanguageModelingLoss
from in2x.training.model import build_model
from in2x.training.optimizer import Optimizer
from in2x.training.precision import compute_dtype, describe
from in2x.training.step import Part, train_step
from in2x.training.tokenizer import train_tokenizer

STEPS = 12
LOSS, COSINE = 0.02, 0.99
"""Largest difference of a step's loss in nats, smallest cosine of the first gradient of the attention (our choice)."""


@dataclass(frozen=True)
class Size:
    """How large a run of this script is."""

    small: ShapeConfig
    large: ShapeConfig
    row: int
    """Tokens of a packed block, of a row of `step`, and of the longest example."""
    device_tokens: tuple[int, ...]
    """Of `step`; the first is what a step of `sft` holds, too."""
    prompts: int
    samples: int
    """Answers to each of the `prompts` of `rl`, and answers that one pass holds."""
    answer: int
    """Tokens of an answer."""
    repeats: int
    """Timed steps of `step`; rollout batches of `rl`, of which the first is not timed."""


FULL = Size(
    small=ShapeConfig(width=512, layers=8, heads=8, kv_heads=4, mlp=1536, vocabulary=151_936, context=32_768),
    large=ShapeConfig(width=2048, layers=16, heads=16, kv_heads=8, mlp=6144, vocabulary=151_936, context=32_768),
    row=2048, device_tokens=(8192, 16_384, 32_768), prompts=8, samples=8, answer=512, repeats=5,
)  # fmt: skip
TINY = ShapeConfig(width=64, layers=2, heads=4, kv_heads=2, mlp=128, vocabulary=1024, context=512)
QUICK = Size(TINY, TINY, row=64, device_tokens=(128, 256), prompts=2, samples=4, answer=16, repeats=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    cuda = torch.cuda.is_available()
    if not (cuda or asked.quick):
        raise SystemExit("benchmarks/gpu.py needs a GPU that torch can use (--quick tries it on this CPU).")
    device = torch.device("cuda" if cuda else "cpu")
    size = QUICK if asked.quick else FULL
    print(
        machine("transformers", "trl", "accelerate"),
        describe(),
        f"small: {size.small}",
        f"large: {size.large}",
        sep="\n",
    )
    for name, part in PARTS.items():
        if asked.only in (None, name):
            print(f"\n## {name}\n", flush=True)
            part(size, device)


def row(*cells: object) -> None:
    """A line of a table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def heading(*cells: str) -> None:
    row(*cells)
    row("---", *["---:"] * (len(cells) - 1))


# What each part needs: a model on the device, its memory and its clock.


def fresh(shape: ShapeConfig, device: torch.device) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A random model on `device`, and a tokenizer that knows some of its vocabulary."""
    tokenizer = train_tokenizer((t.messages[0]["content"] for t in tasks(16)), 300)
    with device:
        model = build_model(shape, tokenizer, 0)
        model.resize_token_embeddings(shape.vocabulary, mean_resizing=False)
    return model, tokenizer


def clear(device: torch.device) -> None:
    """Give back what the run before held, and count memory anew."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak(device: torch.device) -> float | None:
    """Bytes of tensors at most since `clear`; None on a CPU."""
    return float(torch.cuda.max_memory_allocated()) if device.type == "cuda" else None


def gigabytes(size: float | None) -> str:
    return "-" if size is None else f"{size / 1e9:.1f}"


def now(device: torch.device) -> float:
    """Seconds, when all that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


# Losses.


def packed(shape: ShapeConfig, length: int, seed: int) -> Batch:
    """Two blocks of some eight documents, each with frequent words of its own, so that there is something to learn."""
    rng, size = np.random.default_rng([seed, 0]), (2, length)
    begins = rng.random(size) < 8 / length
    begins[:, 0] = True
    column = np.broadcast_to(np.arange(length), size)
    starts = np.maximum.accumulate(np.where(begins, column, 0), axis=1)
    topics = rng.integers(16, size=int(begins.sum())) * (shape.vocabulary // 16)
    ids = (topics[begins.cumsum().reshape(size) - 1] + rng.zipf(1.3, size) % (1 << 40)) % shape.vocabulary
    ends = np.roll(begins, -1, axis=1)
    ends[:, -1] = True
    where = torch.from_numpy(np.flatnonzero(~ends))
    flat = torch.from_numpy(ids.reshape(-1))
    return Batch(flat.view(size), where, flat[where + 1], torch.from_numpy(starts), torch.from_numpy(column - starts))


@contextmanager
def as_on_a_gpu(yes: bool) -> Iterator[mock.Mock]:
    """bfloat16, borders of documents and chunks whatever the size, or nothing of it; gives the kernel, counted."""
    with ExitStack() as with_:
        with_.enter_context(mock.patch.dict(os.environ, {COMPUTE: "bfloat16" if yes else "float32"}))
        with_.enter_context(mock.patch.object(loss, "LONG", 0 if yes else 1 << 60))
        with_.enter_context(mock.patch.object(loss, "ONE_PIECE", 0 if yes else 1 << 60))
        yield with_.enter_context(mock.patch.object(attention, "varlen_attn", wraps=attention.varlen_attn))


def losses_of(model: PreTrainedModel, batches: Sequence[Batch], device: torch.device) -> tuple[list[float], Tensor]:
    """The loss of each step of a copy of `model` on `device`, and the first gradient of its attention."""
    own = copy.deepcopy(model).to(device).train()
    own.set_attn_implementation(OURS)
    loss_of = LanguageModelingLoss(own)
    parts = [Part(loss_of.prepared(batch).to(device), 1.0, 1.0) for batch in batches]
    with parallel.products(device):
        first = loss_of(parts[0].batch)
    first.backward()
    slopes = [p.grad.flatten().double().cpu() for n, p in own.named_parameters() if ".self_attn." in n]
    own.zero_grad(set_to_none=True)
    optimizer = Optimizer(own, OptimizerConfig(lr=1e-3))
    return [float(train_step(loss_of, [part], optimizer, 1.0)[0]) for part in parts], torch.cat(slopes)


def losses(size: Size, device: torch.device) -> None:
    """Print the losses of both ways; SystemExit where they differ too much, or where the check sees no wrong mask."""
    clear(device)
    model, _ = fresh(size.small, torch.device("cpu"))
    batches = [packed(size.small, size.row, step) for step in range(STEPS)]
    with as_on_a_gpu(False):
        exact, slope = losses_of(model, batches, torch.device("cpu"))
        one = [Batch(b.ids, b.where, b.targets) for b in batches[:1]]  # a mask without the borders of documents
        wrong = losses_of(model, one, torch.device("cpu"))[1]
    with as_on_a_gpu(True) as kernel:
        found, other = losses_of(model, batches, device)
    print(f"{parameters(model)}; calls of the variable-length kernel: {kernel.call_count}\n")
    heading("step", "float32, CPU, dense mask, one piece", f"bfloat16, {device}, documents, chunks", "difference")
    for number, (a, b) in enumerate(zip(exact, found, strict=True), 1):
        row(number, f"{a:.4f}", f"{b:.4f}", f"{b - a:+.4f}")
    difference = max(abs(a - b) for a, b in zip(exact, found, strict=True))
    cosine, blind = (float(torch.cosine_similarity(slope, g, dim=0)) for g in (other, wrong))
    print(f"\nlargest difference {difference:.4f} nats (tolerance {LOSS}); cosine of attention's first gradients "
          f"{cosine:.4f} (at least {COSINE}), without borders of documents {blind:.4f}", flush=True)  # fmt: skip
    if device.type == "cuda" and not kernel.call_count:
        raise SystemExit("losses: the variable-length kernel was not called.")
    if not (difference <= LOSS and cosine >= COSINE > blind):
        raise SystemExit("losses: beyond the tolerance.")


# One step against the trace.


def traced(model: PreTrainedModel, rows: int, length: int, checkpointing: bool, gpu: bool) -> Any:
    """What the tracer says of such a step, None where there is no tracer."""
    try:
        tracer, cost = importlib.import_module("in2x.trace.step"), importlib.import_module("in2x.cost.job")
    except ModuleNotFoundError:
        return None
    return tracer.trace(model.config, cost.Job("sft", 1, rows, length, 1, checkpointing), gpu)


def one_step(model: PreTrainedModel, rows: int, length: int, repeats: int, device: torch.device) -> float:
    """Seconds of a step in one pass over full rows with loss on every token; the median of `repeats`."""
    model.set_attn_implementation(OURS)
    loss_of, optimizer = LanguageModelingLoss(model.train()), Optimizer(model, OptimizerConfig())
    ids = torch.randint(model.config.vocab_size, (rows, length), generator=torch.Generator().manual_seed(0))
    where = torch.arange(rows * length).view(rows, length)[:, :-1].reshape(-1)
    part = Part(loss_of.prepared(Batch(ids, where, ids.view(-1)[where + 1])).to(device), 1.0, 1.0)
    times = []
    for _ in range(2 + repeats):
        began = now(device)
        train_step(loss_of, [part], optimizer, 1.0)
        times.append(now(device) - began)
    return statistics.median(times[2:])


def step(size: Size, device: torch.device) -> None:
    """Print speed and memory of one step, not compiled, with what the trace says of it."""
    heading("device_tokens", "recomputed", "tokens/s", "TFLOP/s", "peak, GB", "by the trace, GB", "measured / trace")
    for checkpointing in (False, True):
        for tokens in size.device_tokens:
            clear(device)
            rows = tokens // size.row
            model, _ = fresh(size.large, device)
            said = traced(model, rows, size.row, checkpointing, device.type == "cuda")
            if checkpointing:
                model.activation_checkpointing_enable({"use_reentrant": False})
            try:
                seconds = one_step(model, rows, size.row, size.repeats, device)
                cells = f"{tokens / seconds:,.0f}", "-" if said is None else f"{said.flops / seconds / 1e12:,.2f}"
                most = peak(device)
            except torch.OutOfMemoryError:
                cells, most = ("out of memory", "-"), None
            row(
                f"{tokens:,}", "all layers" if checkpointing else "none", *cells, gigabytes(most),
                "trace: not there" if said is None else f"{said.memory / 1e9:.3g}",
                "-" if said is None or most is None else f"{most / said.memory:.2f}",
            )  # fmt: skip
            del model


# SFT.


class Marks(TrainerCallback):
    """When training began and when each step ended."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.times: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.times.append(now(self.device))

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.times.append(now(self.device))


def timed(trainer: Any, device: torch.device) -> list[float]:
    """Let `trainer` train, and give its `Marks`."""
    marks = Marks(device)
    trainer.add_callback(marks)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return marks.times


def common(work: str, device: torch.device) -> dict[str, Any]:
    """What both trainers of TRL are told."""
    return dict(
        output_dir=work, use_cpu=device.type == "cpu", bf16=compute_dtype(device) == torch.bfloat16, report_to="none",
        save_strategy="no", disable_tqdm=True, logging_steps=10**6, activation_checkpointing=False,
        lr_scheduler_type="constant", learning_rate=1e-5,
    )  # fmt: skip


def sft_native(size: Size, device: torch.device, found: list[Example], tokens: int, compiled: bool) -> float:
    model, tokenizer = fresh(size.large, device)
    run, ends = plan(found, tokenizer.pad_token_id, tokens, epochs=2), []

    def noted(*given: Any) -> Any:
        result = train_step(*given)
        ends.append(now(device))
        return result

    with (
        tempfile.TemporaryDirectory() as work,
        mock.patch.object(loop, "train_step", noted),
        mock.patch.object(loop, "SAVE_SECONDS", float("inf")),
    ):
        knobs = OptimizerConfig(lr=1e-5, schedule="constant", warmup=0.0)
        loop.train(model, run, knobs, stage(Path(work), 0), what="sft", compiled=compiled)
    return ends[-1] - ends[run.steps // 2 - 1]


def sft_trl(size: Size, device: torch.device, found: list[Example], tokens: int, order: str) -> float:
    model, tokenizer = fresh(size.large, device)
    model.set_attn_implementation("sdpa")
    batch = max(1, round(tokens * len(found) / sum(len(x.tokens) for x in found)))
    with tempfile.TemporaryDirectory() as work:
        arguments = SFTConfig(
            **common(work, device), max_length=None, per_device_train_batch_size=batch, num_train_epochs=2,
            train_sampling_strategy=order,
        )  # fmt: skip
        trainer = SFTTrainer(
            model=model, args=arguments, train_dataset=labelled(found), processing_class=tokenizer
        )  # fmt: skip
        times = timed(trainer, device)
    return times[-1] - times[len(times) // 2]


def sft(size: Size, device: torch.device) -> None:
    """Print tokens a second of both on the same examples, padding not counted."""
    rng, tokens, usual = np.random.default_rng(0), size.device_tokens[0], size.row // 8
    lengths = np.clip(rng.lognormal(np.log(usual), 0.5, 8 * tokens // usual), 4, size.row).astype(int)
    found = [Example(rng.integers(size.large.vocabulary, size=n).tolist(), int(n) // 2) for n in lengths]
    peers: dict[str, Callable[..., float]] = {
        "native": lambda *given: sft_native(*given, compiled=False),
        "TRL SFTTrainer": lambda *given: sft_trl(*given, order="random"),
        "TRL SFTTrainer, by length": lambda *given: sft_trl(*given, order="group_by_length"),
    }
    if size is FULL:
        peers["native, compiled"] = lambda *given: sft_native(*given, compiled=True)
    total = int(lengths.sum())
    print(f"{len(found):,} examples, {total:,} tokens, steps of some {tokens:,} positions\n")
    heading("", "tokens/s", "native is faster by", "peak, GB")
    own = float("nan")
    for name, run in peers.items():
        clear(device)
        try:
            speed = total / run(size, device, found, tokens)
        except torch.OutOfMemoryError:
            row(name, "out of memory", "-", "-")
            continue
        own = speed if name == "native" else own
        row(name, f"{speed:,.0f}", f"{own / speed:.2f}", gigabytes(peak(device)))


# RL.


def rl_native(size: Size, device: torch.device, config: RlConfig) -> list[tuple[float, float]]:
    """(0, seconds of the update) of each rollout batch, whose answers and rewards are drawn."""
    model, tokenizer = fresh(size.large, device)
    asked, rng = tasks(size.prompts), np.random.default_rng(0)
    answers = rng.integers(size.large.vocabulary, size=(size.prompts, config.samples, size.answer)).tolist()
    prompts = prompt_tokens(tokenizer, [task.messages for task in asked])
    groups = [Group(prompt, own) for prompt, own in zip(prompts, answers, strict=True)]
    rewards = torch.from_numpy(rng.normal(size=(size.prompts, config.samples)))
    policy, optimizer = Policy(model.eval(), tokenizer), Optimizer(model, config.optimizer)
    times = []
    for _ in range(size.repeats):
        began = now(device)
        update(policy, Rollout(asked, groups, [], [], rewards, {}), optimizer, 1.0, config, 1.0, None)
        times.append((0.0, now(device) - began))
    return times


def rl_trl(size: Size, device: torch.device, config: RlConfig, ours: bool) -> list[tuple[float, float]]:
    """(seconds of sampling and scoring, of the update) of each rollout batch, by the TRL backend or TRL alone."""
    model, tokenizer = fresh(size.large, device)
    asked, scorer = tasks(size.prompts), Scorer(config.rewards)
    sampling: list[float] = []

    def reward(completions: Any, item: list[int], **_: Any) -> list[float | None]:
        answers = [RewardItem(asked[n], c[0]["content"].strip()) for n, c in zip(item, completions, strict=True)]
        return asyncio.run(scorer.score(answers)).total

    with tempfile.TemporaryDirectory() as work:
        trainer: Any
        if ours:
            arguments = grpo_arguments(config, Path(work), size.repeats, 0)
            trainer = TrajectoryTrainer(model, tokenizer, asked, scorer, config, arguments)
        else:
            arguments = GRPOConfig(
                **common(work, device), per_device_train_batch_size=config.trl.device_batch, max_steps=size.repeats,
                gradient_accumulation_steps=size.prompts * config.samples // config.trl.device_batch, beta=0.0,
                num_generations=config.samples, max_completion_length=size.answer,
            )  # fmt: skip
            rows = [{"prompt": task.messages, "item": n} for n, task in enumerate(asked)]
            trainer = GRPOTrainer(
                model=model, reward_funcs=reward, args=arguments, train_dataset=Dataset.from_list(rows),
                processing_class=tokenizer,
            )  # fmt: skip
        generate = trainer._generate_and_score_completions

        def noted(inputs: Any) -> Any:
            began = now(device)
            output = generate(inputs)
            sampling.append(now(device) - began)
            return output

        trainer._generate_and_score_completions = noted
        times = timed(trainer, device)
    return [(s, end - begin - s) for s, (begin, end) in zip(sampling, pairwise(times), strict=True)]


def rl(size: Size, device: torch.device) -> None:
    """Print the seconds of a rollout batch of both parts, medians without the first batch."""
    config = RlConfig(
        steps=size.repeats, prompts=size.prompts, samples=size.samples, minibatch=size.prompts,
        max_new_tokens=size.answer, overlong_buffer=0, rewards={"chrf": 1.0}, dev_every=0,
        device_tokens=size.samples * (size.answer + 64),
        optimizer=OptimizerConfig(lr=1e-6, schedule="constant", warmup=0.0),
        trl=TrlConfig(vllm="none", device_batch=size.samples, checkpointing=False, save_every=10**6),
    )  # fmt: skip
    peers: dict[str, Callable[..., list[tuple[float, float]]]] = {
        "native": rl_native,
        "TRL GRPOTrainer": lambda *given: rl_trl(*given, ours=False),
        "TRL backend (rl/trl.py)": lambda *given: rl_trl(*given, ours=True),
    }
    print(f"{size.prompts} prompts x {size.samples} answers of up to {size.answer} tokens, a prompt a pass\n")
    heading("", "sampling and rewards, s", "update, s", "native's update is faster by", "peak, GB")
    own = float("nan")
    for name, run in peers.items():
        clear(device)
        try:
            times = run(size, device, config)[1:]
        except torch.OutOfMemoryError:
            row(name, "out of memory", "-", "-", "-")
            continue
        sampled, updated = (statistics.median(values) for values in zip(*times, strict=True))
        own = updated if name == "native" else own
        seconds = f"{sampled:.2f}" if sampled else "-", f"{updated:.2f}"
        row(name, *seconds, f"{updated / own:.2f}", gigabytes(peak(device)))


PARTS: dict[str, Callable[[Size, torch.device], None]] = {"losses": losses, "step": step, "sft": sft, "rl": rl}

if __name__ == "__main__":
    main()
