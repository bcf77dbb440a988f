"""What selection is worth: a small model taught with equally many instructions, chosen in three ways, three seeds.

    python benchmarks/selection_ablation.py --data FOLDER            FOLDER/parallel holds the real sentence pairs
    python benchmarks/selection_ablation.py --data FOLDER --quick    two steps a model

The pool is the pairs as instructions in both directions. From it `SIZE` are taken: by the select stage (clusters,
difficulty quotas, variety), evenly over its clusters (no difficulty, no labels), or by lot. Each choice trains the same
model from the same random weights with equally many steps of equally many tokens: selection by difficulty prefers long
sentences, and must not win by being longer to read. Scores: chrF of greedy answers on the test pairs. A cell that is
done is kept in `--cache`, so a stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import sacrebleu
from small_model import examples, interval, machine, pair_instruction, read_pairs, stage

from in2x.artifact import Artifact, write_json
from in2x.records import Instruction, read_records, write_records
from in2x.rl.loop import Policy
from in2x.selection.config import Sample, SelectConfig
from in2x.selection.sample import allocate, chance
from in2x.selection.stage import run as select
from in2x.stage import Stage
from in2x.training.batches import example_rows, plan_batches
from in2x.training.config import OptimizerConfig, ShapeConfig
from in2x.training.loop import Plan, train
from in2x.training.model import build_model
from in2x.training.tokenizer import train_tokenizer

SIZE, STEPS, BATCH_TOKENS, SEEDS = 16_000, 700, 2048, 3
SHAPE = ShapeConfig(width=144, layers=4, heads=6, kv_heads=3, mlp=384, vocabulary=4096, context=256)
ARMS = ("two-step", "evenly over clusters", "by lot")
DIRECTIONS = (("en", "ja"), ("ja", "en"))


def pool(folder: Path, file: Path, limit: int | None) -> Path:
    """The artifact of an instruct stage: `pool.sft.parquet` and an empty `pool.rl.parquet`."""
    unique = {}
    for pair in list(read_pairs(file))[:limit]:
        for source, target in DIRECTIONS:
            made = pair_instruction(pair, source, target)
            unique[made.id] = made
    folder.mkdir(parents=True)
    write_records(folder / "pool.sft.parquet", list(unique.values()), Instruction)
    write_records(folder / "pool.rl.parquet", [], Instruction)
    return folder


def two_step(source: Path, work: Path, size: int, seed: int) -> tuple[list[Instruction], dict[str, int]]:
    """The select stage's first round, and the cluster of every instruction of the pool by id."""
    out = work / f"select-{seed}"
    out.mkdir()
    artifact = Artifact(source, {})
    recipe: Any = SimpleNamespace(seed=seed)
    config = SelectConfig(round1=Sample(size=size), round2=Sample(share=1.0), near=1.0, overlap=1.0)
    select(config, Stage("select", recipe, out, {"instruct": artifact}))
    rounds = [list(read_records(out / f"round{n}.parquet", Instruction)) for n in (1, 2)]
    return rounds[0], {i.id: int(i.cluster or 0) for part in rounds for i in part}


def evenly(asked: list[Instruction], cluster_of: dict[str, int], size: int, seed: int) -> list[Instruction]:
    """Water-filling over clusters: one of a large cluster for one of a small one, until that is empty."""
    known = [i for i in asked if i.id in cluster_of]
    clusters = np.array([cluster_of[i.id] for i in known])
    sizes = np.bincount(clusters)
    numbers = allocate(size, np.ones(len(sizes)), sizes)
    lots = chance([i.id for i in known], seed)
    order = np.lexsort((lots, clusters))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return [known[k] for c, n in enumerate(numbers) for k in order[starts[c] : starts[c] + n]]


def by_lot(asked: list[Instruction], size: int, seed: int) -> list[Instruction]:
    return [asked[i] for i in np.argsort(chance([i.id for i in asked], seed), kind="stable")[:size]]


def learn(chosen: list[Instruction], tokenizer: Any, seed: int, steps: int) -> Policy:
    """A model from random weights after `steps` steps of at most BATCH_TOKENS tokens on `chosen`."""
    model = build_model(SHAPE, tokenizer, seed)
    policy = Policy(model, tokenizer)
    found = examples(tokenizer, chosen)
    lengths = [len(e.tokens) for e in found]
    order: list[np.ndarray] = []
    while len(order) < steps:
        order += plan_batches(lengths, BATCH_TOKENS, seed, len(order))
    run = Plan(steps, lambda k: example_rows([found[i] for i in order[k]], policy.pad), {})
    knobs = OptimizerConfig(name="muon", lr=3e-3, matrix_lr=4e-3, schedule="linear", warmup=0.02)
    with tempfile.TemporaryDirectory() as work:
        train(model, run, knobs, stage(Path(work), seed), what="sft", smoothing=0.1)
    return policy


def chrf(policy: Policy, test: list[Instruction]) -> float:
    _, _, texts = policy.ask(test, samples=1, temperature=0.0, longest=60, seed=0)
    return float(sacrebleu.corpus_chrf(texts, [[i.answer or "" for i in test]]).score)


def cells(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    folder = given.data / "parallel"
    quick = given.quick
    size, steps, seeds = (200, 2, 1) if quick else (SIZE, STEPS, SEEDS)
    test = {d: [pair_instruction(p, *d) for p in read_pairs(folder / "tatoeba50k.test.jsonl")][: 8 if quick else None]
            for d in DIRECTIONS}  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        source = pool(work / "instruct", folder / "tatoeba50k.train.jsonl.gz", 500 if quick else None)
        asked = list(read_records(source / "pool.sft.parquet", Instruction))
        tokenizer = train_tokenizer((f"{i.messages[0]['content']} {i.answer}" for i in asked), SHAPE.vocabulary)
        for seed in range(seeds):
            best, cluster_of = two_step(source, work, size, seed)
            choices = (best, evenly(asked, cluster_of, size, seed), by_lot(asked, size, seed))
            for arm, chosen in zip(ARMS, choices, strict=True):
                kept = given.cache / f"selection-{arm.replace(' ', '-')}-{size}-{steps}-{seed}.json"
                if not kept.exists():
                    policy = learn(chosen, tokenizer, seed, steps)
                    tokens = statistics.fmean(len(e.tokens) for e in examples(tokenizer, chosen))
                    scores = {f"{s}-{t}": chrf(policy, test[s, t]) for s, t in DIRECTIONS}
                    given.cache.mkdir(parents=True, exist_ok=True)
                    write_json(kept, {"arm": arm, "seed": seed, "size": len(chosen), "tokens": tokens, **scores})
                yield json.loads(kept.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "in2x-bench")
    given = parser.parse_args()
    found = list(cells(given))
    print(machine("scikit-learn", "sacrebleu"))
    print("\n| chosen | instructions | tokens each | en-ja chrF | ja-en chrF |\n|---|---:|---:|---:|---:|")
    for arm in ARMS:
        mine = [cell for cell in found if cell["arm"] == arm]
        scores = " | ".join(interval([cell[f"{s}-{t}"] for cell in mine]) for s, t in DIRECTIONS)
        tokens = statistics.fmean(cell["tokens"] for cell in mine)
        print(f"| {arm} | {mine[0]['size']:,} | {tokens:.1f} | {scores} |")


if __name__ == "__main__":
    main()
