"""One RL iteration (rollout, reward, four updates): the native loop against TRL's GRPOTrainer, all else the same.

    python benchmarks/rl_step.py            16 prompts x 8, 30 iterations, three seeds
    python benchmarks/rl_step.py --quick    3 iterations, one seed
    python benchmarks/rl_step.py --memory   8M parameters, one iteration of 2,048 answers of 64 tokens: peak memory

"TRL tuned": the processor's fastest format, no recomputation of activations, plain attention for short rows; and the
same with `torch_compile`. The native loop is compiled too. The adapter is `rl/trl.py`. Wall time of an iteration is the
median without the first; reward is the mean of the last five iterations.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from datasets import Dataset
from small_model import FORMAT, SHAPE, SHAPE_8M, fresh, interval, machine, parameters, sft_start, stage, tasks
from transformers import AutoModelForCausalLM, PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

import in2x.rl.loop as loop
from in2x.records import Instruction
from in2x.rl.config import RlConfig, TrlConfig
from in2x.rl.rewards.base import RewardItem
from in2x.rl.rewards.route import Scorer
from in2x.rl.trl import TrajectoryTrainer, grpo_arguments
from in2x.training.config import OptimizerConfig
from in2x.training.model import load_model, load_tokenizer

UPDATES = 4
Run = tuple[list[float], list[float]]
"""Seconds and mean reward of each iteration."""


class Clock(TrainerCallback):
    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.ends.append(time.perf_counter())

    def on_step_end(self, args: Any, state: Any, *_: Any, **__: Any) -> None:
        if state.global_step % UPDATES == 0:
            self.ends.append(time.perf_counter())


def middle(runs: Sequence[Run]) -> float:
    """Median seconds of an iteration, the first of each run aside (it may compile)."""
    return statistics.median(s for times, _ in runs for s in times[1:])


def timed(trainer: Any) -> Run:
    clock = Clock()
    trainer.add_callback(clock)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    rewards = [row["reward"] for row in trainer.state.log_history if "reward" in row]
    return [b - a for a, b in pairwise(clock.ends)], rewards


def native(start: Path, config: RlConfig, asked: Sequence[Instruction], seed: int) -> Run:
    policy = loop.Policy(load_model(start), load_tokenizer(start))
    ends = [time.perf_counter()]
    rows: list[float] = []
    with tempfile.TemporaryDirectory() as work:
        place = stage(Path(work), seed)
        write = type(place.log).write

        def note(self: Any, row: Any) -> None:
            ends.append(time.perf_counter())
            rows.append(row["reward"])
            write(self, row)

        type(place.log).write = note  # type: ignore[method-assign]
        try:
            loop.reinforce(policy, asked, Scorer(config.rewards), config, place)
        finally:
            type(place.log).write = write  # type: ignore[method-assign]
    return [b - a for a, b in pairwise(ends)], rows


def adapter(start: Path, config: RlConfig, asked: Sequence[Instruction], seed: int) -> Run:
    with tempfile.TemporaryDirectory() as work:
        arguments = grpo_arguments(config, Path(work), config.steps or 0, seed)
        return timed(TrajectoryTrainer(
            load_model(start), load_tokenizer(start), asked, Scorer(config.rewards), config, arguments
        ))  # fmt: skip


def stock(
    start: Path, config: RlConfig, asked: Sequence[Instruction], seed: int, tuned: bool, compiled: bool = False
) -> Run:
    scorer = Scorer(config.rewards)

    def reward(completions: Any, item: list[int], **_: Any) -> list[float | None]:
        answers = [RewardItem(asked[n], c[0]["content"].strip()) for n, c in zip(item, completions, strict=True)]
        return asyncio.run(scorer.score(answers)).total

    with tempfile.TemporaryDirectory() as work:
        arguments = GRPOConfig(
            output_dir=work, use_cpu=True, bf16=tuned and FORMAT == "bf16", activation_checkpointing=not tuned,
            seed=seed, report_to="none", torch_compile=compiled,
            per_device_train_batch_size=config.minibatch * config.samples, steps_per_generation=UPDATES,
            num_generations=config.samples, max_completion_length=config.max_new_tokens, disable_tqdm=True,
            max_steps=UPDATES * (config.steps or 0), learning_rate=config.optimizer.lr, lr_scheduler_type="constant",
            save_strategy="no", logging_steps=1, beta=0.0,
        )  # fmt: skip
        model = load_model(start) if tuned else AutoModelForCausalLM.from_pretrained(start)
        rows = [{"prompt": i.messages, "item": n} for n, i in enumerate(asked)]
        return timed(GRPOTrainer(
            model=model, reward_funcs=reward, args=arguments, train_dataset=Dataset.from_list(rows),
            processing_class=load_tokenizer(start),
        ))  # fmt: skip


def peak_memory() -> float:
    """GB that one iteration of 128 prompts x 16 needs at most, imports included; random weights fill every answer."""
    asked = tasks(128)
    policy = fresh(SHAPE_8M, asked)
    print(parameters(policy.model))
    config = RlConfig(steps=1, max_new_tokens=64, overlong_buffer=0, rewards={"chrf": 1.0}, dev_every=0)
    with tempfile.TemporaryDirectory() as work:
        loop.reinforce(policy, asked, Scorer(config.rewards), config, stage(Path(work), 0))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "in2x-bench")
    given = parser.parse_args()
    if given.memory:
        print(f"{machine()}\n{peak_memory():.2f} GB at most")
        return
    steps, seeds = (3, 1) if given.quick else (given.iterations, 3)
    start = sft_start(given.cache, SHAPE, *((400, 1) if given.quick else (20_000, 2)))
    asked = tasks(480)
    config = RlConfig(
        steps=steps, prompts=16, samples=8, minibatch=16 // UPDATES, max_new_tokens=32, overlong_buffer=0,
        rewards={"chrf": 1.0}, dev_every=0, compile=True,
        optimizer=OptimizerConfig(lr=1e-4, schedule="constant", warmup=0.0),
        trl=TrlConfig(vllm="none", device_batch=32, checkpointing=False, save_every=10**6),
    )  # fmt: skip
    peers = {
        "native": native,
        "TRL stock": partial(stock, tuned=False),
        "TRL tuned": partial(stock, tuned=True),
        "TRL tuned, compiled": partial(stock, tuned=True, compiled=True),
        "adapter (rl/trl.py)": adapter,
    }
    print(machine("transformers", "trl"))
    print(
        f"{parameters(load_model(start))}, 16 prompts x 8 answers, {UPDATES} updates, "
        f"{steps} iterations, {seeds} seed(s)\n"
    )
    runs: dict[str, list[Run]] = {name: [] for name in peers}
    for seed in range(seeds):  # in turn, so that what else the machine does falls on all
        for name, run in peers.items():
            runs[name].append(run(start, config, asked, seed))
            print(f"seed {seed}, {name}: {middle(runs[name][-1:]):.2f} s", file=sys.stderr, flush=True)
    print("| | seconds an iteration | native is faster by | reward, last five |\n|---|---:|---:|---:|")
    own = middle(runs["native"])
    for name, found in runs.items():
        reward = interval([statistics.fmean(rewards[-5:]) for _, rewards in found])
        print(f"| {name} | {middle(found):.2f} | {middle(found) / own:.1f} | {reward} |")


if __name__ == "__main__":
    main()
