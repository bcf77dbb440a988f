"""Merging: do four specialists from one base become one model that is good at all four, and by which method?

    in2x run recipes/demo.yaml --until pretrain
    python benchmarks/merge_specialists.py runs/demo             three seeds, some 20 minutes on one thread
    python benchmarks/merge_specialists.py runs/demo --from sft  gentler specialists, of a model that can do all four
    python benchmarks/merge_specialists.py runs/demo --quick     one seed, a few steps: does it run?

The base is the pretrained model of the run, which has seen no instruction (or its SFT model). Each specialist learns
one task of the micro-world: en->ja, ja->en, zh->ja, or a Japanese sentence in another register. "joint" learns what the
four learn, in as many steps as they take together. Each method has six tries at its knobs (TRIES), of which the best
mean over the four development sets is kept; scores are of test sets that nothing was chosen on. Score: mean chrF of
greedy answers, mean over the four sets; intervals by bootstrap over sentences, each set by itself, after the mean over
seeds. What is done is kept in `--cache`: a stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from small_model import examples, machine, plan, stage

from in2x.artifact import write_json
from in2x.chat.profile import PromptProfile
from in2x.chat.translation import translation
from in2x.merge.config import MixConfig
from in2x.merge.engine import merge
from in2x.metrics.chrf import sentence_chrf
from in2x.records import Instruction, Pair, content_id
from in2x.rl.loop import Policy
from in2x.sample import world
from in2x.sample.clauses import Item
from in2x.training.batches import Example
from in2x.training.config import OptimizerConfig
from in2x.training.loop import Plan, train
from in2x.training.model import load_model, load_tokenizer, save_model

TASKS = ("en-ja", "ja-en", "zh-ja", "register")
HELD_OUT = 1
"""Seed of the demonstration: its corpus holds none of the sentences held out under it."""
OBIM: list[dict[str, Any]] = [{"density": d, "scale": s} for d in (0.15, 0.25) for s in (0.5, 1.0, 1.5)]
TRIES: dict[str, list[dict[str, Any]]] = {
    "linear": [{"method": "linear", "scale": s} for s in (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)],
    "TIES": [{"method": "ties", "density": d, "scale": s} for d in (0.3, 0.7) for s in (0.5, 1.0, 1.5)],
    "OBIM, Hessian": [{"method": "obim", "saliency": "hessian", **knobs} for knobs in OBIM],
    "OBIM, Fisher": [{"method": "obim", "saliency": "fisher", **knobs} for knobs in OBIM],
    "OBIM, magnitude": [{"method": "obim", "saliency": "magnitude", **knobs} for knobs in OBIM],
}
"""Of linear, `scale` 1 is the mean of the models and 4 the sum of their changes."""
OPTIMIZERS = {
    "pretrain": OptimizerConfig(name="muon", lr=3e-3, matrix_lr=4e-3, schedule="cosine", ema=0.99),
    "sft": OptimizerConfig(name="adamw", lr=3e-4, schedule="cosine", ema=0.99),
}
"""What teaches from nothing, and what changes little."""
Scores = dict[str, list[float]]
"""Task -> chrF of each sentence."""


def pairs_of(item: Item, task: str, rng: random.Random) -> Iterator[Pair]:
    """The pairs that an item gives for one task."""
    if task != "register":
        yield from (p for p in world.pairs(item, rng) if f"{p.src_lang}-{p.tgt_lang}" == task)
    elif len(item.ja) > 1:
        given, asked = rng.sample(sorted(item.ja), 2)
        if item.ja[given] != item.ja[asked]:
            source, target = item.ja[given], item.ja[asked]
            yield Pair(content_id(source, asked), "ja", "ja", source, target, register=asked, domain=item.domain)


class Bench:
    """One run of the benchmark."""

    def __init__(self, run: Path, start: str, place: Path, quick: bool) -> None:
        self.base, self.cache, self.knobs = run / start / "model", place, OPTIMIZERS[start]
        self.tokenizer, self.profile = load_tokenizer(self.base), PromptProfile.load(run / "sft" / "model")
        if not (run / "sft" / "model").exists():
            self.profile = PromptProfile.load(self.base)
        self.steps, self.count, self.read = (4, 12, 200) if quick else (120, 100, 3000)
        self.lessons: dict[tuple[str, int], list[Example]] = {}
        self.tries = {name: tries[: 1 if quick else None] for name, tries in TRIES.items()}
        dev, test, self.banned = world.heldout(HELD_OUT, 2 * self.count)
        self.dev = {task: self.held(dev, task, self.count // 2) for task in TASKS}
        self.test = {task: self.held(test, task, self.count) for task in TASKS}

    def held(self, items: list[Item], task: str, count: int) -> list[Instruction]:
        rng = random.Random(f"{task}/held")
        pairs = (pair for item in items for pair in pairs_of(item, task, rng))
        return [translation(pair, self.profile) for pair in islice(pairs, count)]

    def learnt(self, task: str, seed: int) -> list[Example]:
        if (task, seed) not in self.lessons:
            rng = random.Random(f"{seed}/{task}")
            items = world.train(1000 + seed, self.banned)
            pairs = islice((pair for item in items for pair in pairs_of(item, task, rng)), self.read)
            self.lessons[task, seed] = examples(self.tokenizer, [translation(p, self.profile) for p in pairs])
        return self.lessons[task, seed]

    def taught(self, name: str, tasks: tuple[str, ...], seed: int) -> Path:
        """A model folder that learnt `tasks`, made once."""
        folder = self.cache / f"seed-{seed}" / name
        if not folder.exists():
            model, steps = load_model(self.base), self.steps * len(tasks)
            found = [example for task in tasks for example in self.learnt(task, seed)]
            whole = plan(found, self.tokenizer.pad_token_id, 2048, epochs=8)
            with tempfile.TemporaryDirectory() as work:
                train(model, Plan(min(steps, whole.steps), whole.batch, {}), self.knobs, stage(Path(work), seed),
                      what="sft", compiled=False)  # fmt: skip
            partial = folder.with_name(folder.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            save_model(model, self.tokenizer, partial)
            partial.rename(folder)
        return folder

    def score(self, folder: Path, held: dict[str, list[Instruction]]) -> Scores:
        policy = Policy(load_model(folder), self.tokenizer)
        found = {}
        for task, asked in held.items():
            _, _, texts = policy.ask(asked, samples=1, temperature=0.0, longest=48, seed=0)
            found[task] = [sentence_chrf(text, i.answer or "") for text, i in zip(texts, asked, strict=True)]
        return found

    def kept(self, seed: int, name: str, make: Any) -> Any:
        """What `make` gives, kept in the cache as JSON."""
        file = self.cache / f"seed-{seed}" / f"{name}.json"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, make())
        return json.loads(file.read_text(encoding="utf-8"))

    def merged(self, seed: int, knobs: dict[str, Any], held: dict[str, list[Instruction]]) -> Scores:
        models = {task: self.taught(task, (task,), seed) for task in TASKS}
        shared = self.cache / f"seed-{seed}" / "importance" / str(knobs.get("saliency"))  # does not hang on the rest
        shared.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            texts = lambda task: examples(self.tokenizer, self.dev[task])  # noqa: E731
            merge(Path(folder), shared, self.base, models, MixConfig(**knobs), texts, 10**9, _silent)
            return self.score(Path(folder), held)

    def tested(self, seed: int, name: str, folder: Path) -> Scores:
        found: Scores = self.kept(seed, f"test {name}", lambda: self.score(folder, self.test))
        return found

    def method(self, seed: int, name: str) -> tuple[dict[str, Any], Scores]:
        """The best of a method's tries on the development sets, and its test scores."""
        tried = [
            self.kept(seed, f"dev {name} {number}", lambda knobs=knobs: self.merged(seed, knobs, self.dev))
            for number, knobs in enumerate(self.tries[name])
        ]
        knobs = self.tries[name][max(range(len(tried)), key=lambda n: mean(tried[n]))]
        return knobs, self.kept(seed, f"test {name}", lambda: self.merged(seed, knobs, self.test))


@contextmanager
def _silent(what: str, total: float) -> Iterator[Any]:
    yield lambda count: None


def mean(scores: Scores) -> float:
    return float(np.mean([np.mean(values) for values in scores.values()]))


def interval(scores: list[Scores], less: list[Scores] | None = None) -> str:
    """Mean over sets and seeds with its 95% interval; of the difference to `less` where that is given."""
    rows = [
        np.mean([s[task] for s in scores], 0) - (np.mean([s[task] for s in less], 0) if less else 0)
        for task in TASKS
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    drawn = np.mean([row[rng.integers(0, len(row), (2000, len(row)))].mean(1) for row in rows], 0)
    low, high = np.percentile(drawn, [2.5, 97.5])
    sign = "+" if less else ""
    return f"{np.mean([row.mean() for row in rows]):{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run whose pretrain stage is finished, for example runs/demo")
    parser.add_argument("--from", dest="start", choices=list(OPTIMIZERS), default="pretrain")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path("runs/merge-specialists"))
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    began = time.time()
    print(machine("transformers"), flush=True)
    place = given.cache / (given.start + ("-quick" if given.quick else ""))
    bench = Bench(given.run, given.start, place, given.quick)
    seeds = range(1 if given.quick else given.seeds)
    systems: dict[str, list[Scores]] = {}
    chosen: dict[str, list[str]] = {}
    for seed in seeds:
        lone = {"base": bench.base, **{task: bench.taught(task, (task,), seed) for task in TASKS}}
        for name, folder in lone.items():
            systems.setdefault(name, []).append(bench.tested(seed, name, folder))
        for name in bench.tries:
            knobs, scores = bench.method(seed, name)
            systems.setdefault(name, []).append(scores)
            chosen.setdefault(name, []).append(f"{knobs.get('density', '')} x{knobs['scale']}".strip())
        systems.setdefault("joint", []).append(bench.tested(seed, "joint", bench.taught("joint", TASKS, seed)))
    single = max(TASKS, key=lambda task: np.mean([mean(s) for s in systems[task]]))
    print(f"\nThe best single specialist is {single}.\n")
    print(
        "| system | " + " | ".join(TASKS) + " | mean of four | against it | by seed | density and scale chosen on dev |"
    )
    print("|---|" + "---:|" * 7 + "---|")
    for name, scores in systems.items():
        cells = [f"{np.mean([np.mean(s[task]) for s in scores]):.1f}" for task in TASKS]
        by_seed = " ".join(f"{mean(s):.1f}" for s in scores)
        against = interval(scores, systems[single])
        row = [name, *cells, interval(scores), against, by_seed, "; ".join(chosen.get(name, []))]
        print(f"| {' | '.join(row)} |")
    print(f"\n{len(seeds)} seed(s), {bench.count} sentences a set, {(time.time() - began) / 60:.0f} min", flush=True)


if __name__ == "__main__":
    main()
