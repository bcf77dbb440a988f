"""What torch.compile costs and gives in training, on this processor: compiling, a step with and without, break-even.

python benchmarks/compile.py [RECIPE] [--steps N]

Each way of training runs in a process of its own, on random tokens in the shapes of the recipe (pretraining blocks,
SFT rows of unequal length, rollout batches), with and without the compiler, in each type of matrix products. "cold"
compiles with an empty cache folder, "warm" once more with the same. Times are processor seconds of one thread with its
compilers, because walls depend on what else runs; a step is the lower quartile, and the better of two processes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

UNIT = {"pretrain": "tokens", "sft": "tokens", "rl": "answers"}


def processor_seconds() -> float:
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def work(recipe: Path, kind: str, compiled: bool, steps: int) -> None:
    """Train `steps` steps of supervised learning, and `report` them."""
    import torch

    from in2x.recipe import load_recipe
    from in2x.training.batches import Batch, Example, collate, plan_batches
    from in2x.training.loop import SMALL
    from in2x.training.loss import LanguageModelingLoss
    from in2x.training.model import build_model
    from in2x.training.optimizer import Optimizer
    from in2x.training.precision import autocast, describe
    from in2x.training.tokenizer import train_tokenizer

    torch.set_num_threads(1)
    knobs = load_recipe(recipe)
    rng = np.random.default_rng(0)
    size = knobs.base.shape.vocabulary
    tokenizer = train_tokenizer(["a b c d e f g"] * 20, 300)
    model = build_model(knobs.base.shape, tokenizer, 0)
    model.resize_token_embeddings(size, mean_resizing=False)
    model.train()

    def rows(lengths: list[int], start: int) -> Batch:
        return collate([Example(rng.integers(3, size, n).tolist(), max(1, n // start)) for n in lengths], 0)

    if kind == "sft":
        lengths = np.clip(rng.lognormal(3.4, 0.35, 40 * steps), 12, 120).astype(int)
        plan = plan_batches(lengths, knobs.sft.batch_tokens, 0, 0)[:steps]
        batches, optimizer = [rows([int(lengths[i]) for i in chosen], 2) for chosen in plan], knobs.sft.optimizer
        smoothing = knobs.sft.smoothing
    else:
        phase = knobs.pretrain.phase1
        batches = [rows([phase.context] * (phase.batch_tokens // phase.context), phase.context) for _ in range(steps)]
        optimizer, smoothing = phase.optimizer, 0.0
        for batch in batches:  # packed blocks bring a mask of documents
            batch.starts = torch.zeros_like(batch.ids)
            batch.positions = torch.arange(batch.ids.shape[1])[None].expand(batch.ids.shape).contiguous()
    loss_of = LanguageModelingLoss(model, 1.0, smoothing, compiled)
    step_all = Optimizer(model, optimizer)
    fullest = max(range(len(batches)), key=lambda i: batches[i].tokens)
    batches.insert(0, batches.pop(fullest))
    loss_of.smallest = round(SMALL * batches[0].tokens)
    times = []
    for batch in batches:
        began = processor_seconds()
        with autocast(torch.device("cpu")):
            loss = loss_of(batch)
        loss.backward()
        step_all.step(1.0)
        times.append(processor_seconds() - began)
    report(times, describe(), float(np.mean([b.tokens for b in batches])))


def work_rl(recipe: Path, compiled: bool, steps: int) -> None:
    """As `work`, of rollout batches with their updates; a model with random weights fills every answer."""
    import torch
    from small_model import fresh, stage, tasks

    from in2x.recipe import load_recipe
    from in2x.rl.loop import reinforce
    from in2x.rl.rewards.route import Scorer
    from in2x.training.precision import describe

    torch.set_num_threads(1)
    knobs = load_recipe(recipe)
    changes = {"steps": steps, "compile": compiled, "rewards": {"chrf": 1.0}, "dev_every": 0}
    config = knobs.rl.model_copy(update=changes)
    asked = tasks(4 * config.prompts)
    policy = fresh(knobs.base.shape, asked)
    ends = [processor_seconds()]
    with tempfile.TemporaryDirectory() as folder:
        place = stage(Path(folder), 0)
        write = type(place.log).write
        type(place.log).write = lambda log, row: (ends.append(processor_seconds()), write(log, row))[1]  # type: ignore
        reinforce(policy, asked, Scorer(config.rewards), config, place)
    report([b - a for a, b in pairwise(ends)], describe(), config.prompts * config.samples)


def report(times: list[float], compute: str, size: float) -> None:
    """Compiling is what the first step, and later ones that compile anew, take beyond the usual one."""
    usual = float(np.quantile(times[3:], 0.25))
    compiling = sum(t - usual for t in times if t > 3 * usual)
    print(json.dumps({"compute": compute, "compiling": compiling, "step": usual, "size": size}))


def measure(recipe: Path, kind: str, compiled: bool, steps: int, compute: str, cache: str) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "IN2X_COMPUTE": compute, "TORCHINDUCTOR_CACHE_DIR": cache,
                   "TORCHINDUCTOR_COMPILE_THREADS": "1"}  # fmt: skip
    command = [sys.executable, __file__, str(recipe), "--worker", kind, "--steps", str(steps)]
    command += ["--compiled"] if compiled else []
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path, nargs="?", default=Path("recipes/demo.yaml"))
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--compute", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--kinds", nargs="+", default=list(UNIT), choices=UNIT)
    parser.add_argument("--worker", choices=UNIT, help=argparse.SUPPRESS)
    parser.add_argument("--compiled", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        if asked.worker == "rl":
            work_rl(asked.recipe, asked.compiled, max(6, asked.steps // 5))
        else:
            work(asked.recipe, asked.worker, asked.compiled, asked.steps)
        return
    print("| compute | shapes | eager step, s | compiled step, s | compiling cold, s | warm, s | break-even, steps |")
    print("|---|---|---|---|---|---|---|")
    for compute in asked.compute:
        for kind in asked.kinds:
            with tempfile.TemporaryDirectory() as cache:
                plain, cold, again, warm = (
                    measure(asked.recipe, kind, compiled, asked.steps, compute, cache)
                    for compiled in (False, True, False, True)  # in turn, so that what else runs falls on both
                )
            plain["step"], cold["step"] = (min(a["step"], b["step"]) for a, b in ((plain, again), (cold, warm)))
            gain = plain["step"] - cold["step"]
            ends = [f"{way['compiling'] / gain:,.0f}" if gain > 0 else "never" for way in (cold, warm)]
            print(
                f"| {plain['compute']} | {kind}, {plain['size']:,.0f} {UNIT[kind]} | {plain['step']:.3f} "
                f"| {cold['step']:.3f} | {cold['compiling']:.1f} | {warm['compiling']:.1f} | {' / '.join(ends)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
