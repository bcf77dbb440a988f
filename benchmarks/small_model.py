"""What the training benchmarks share: the 3.3M-parameter model of the claims, micro-world prompts, a run of RL."""

from __future__ import annotations

import gzip
import json
import os
import platform
import random
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as `in2x` sets it
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.records import Instruction, Pair, content_id, read_records
from in2x.rl.config import RlConfig
from in2x.rl.loop import Policy, reinforce
from in2x.rl.rewards.route import Scorer
from in2x.rl.stage import held_out_scores
from in2x.sample import world
from in2x.stage import Stage
from in2x.training.batches import Example, example_rows, plan_batches
from in2x.training.config import OptimizerConfig, ShapeConfig
from in2x.training.examples import chat_examples
from in2x.training.loop import Plan, train
from in2x.training.model import build_model, load_model, load_tokenizer, save_model
from in2x.training.precision import compute_dtype
from in2x.training.tokenizer import train_tokenizer

FAST = compute_dtype(torch.device("cpu"))
"""The format in which this processor multiplies fastest; peers get it too."""
FORMAT = "bf16" if torch.bfloat16 == FAST else "fp32"

SHAPE = ShapeConfig(width=192, layers=4, heads=6, kv_heads=3, mlp=512, vocabulary=8192, context=1024)
SHAPE_8M = ShapeConfig(width=256, layers=6, heads=8, kv_heads=4, mlp=768, vocabulary=8192, context=1024)


def machine(*packages: str) -> str:
    """One line: processor, threads, versions of what is compared."""
    found = {"torch": torch.__version__}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    text = ", ".join(f"{k} {v}" for k, v in found.items())
    where = f"{platform.machine()}, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}"
    return f"{where}, {FORMAT} fastest; {text}"


def tasks(count: int, split: str = "train", seed: int = 1) -> list[Instruction]:
    """`count` translation tasks of the micro-world between English and Japanese."""
    dev, _, banned = world.heldout(seed, 400)
    items = dev if split == "dev" else world.train(seed, banned)
    rng = random.Random(f"{seed}/{split}")
    made = (p for item in items for p in world.pairs(item, rng) if {p.src_lang, p.tgt_lang} == {"en", "ja"})
    return [instruction(pair) for pair in islice(made, count)]


def instruction(pair: Pair) -> Instruction:
    asked = f"{pair.tgt_lang}{'/' + pair.register if pair.register else ''}: {pair.source}"
    return Instruction(
        id=content_id(pair.id, "asked"), lang=pair.tgt_lang, task="translate", answer=pair.target,
        messages=[{"role": "user", "content": asked}],
        verifier={**pair.checks, "name": "translation", "from": pair.src_lang, "to": pair.tgt_lang,
                  "source": pair.source, "register": pair.register},
    )  # fmt: skip


def fresh(shape: ShapeConfig, tasks_: Sequence[Instruction], seed: int = 0) -> Policy:
    """A model with random weights; its vocabulary is filled up to the shape's size."""
    tokenizer = train_tokenizer((t.messages[0]["content"] + " " + (t.answer or "") for t in tasks_), shape.vocabulary)
    model = build_model(shape, tokenizer, seed)
    model.resize_token_embeddings(shape.vocabulary)
    return Policy(model, tokenizer)


def stage(folder: Path, seed: int) -> Stage:
    folder.mkdir(parents=True, exist_ok=True)
    return Stage("rl", SimpleNamespace(seed=seed), folder)  # type: ignore[arg-type]


def examples(tokenizer: PreTrainedTokenizerBase, tasks_: Sequence[Instruction]) -> list[Example]:
    return list(chat_examples(tokenizer, tasks_, max_tokens=128))


def plan(found: Sequence[Example], pad: int, batch_tokens: int, epochs: int = 1) -> Plan:
    steps = [b for e in range(epochs) for b in plan_batches([len(x.tokens) for x in found], batch_tokens, 0, e)]
    return Plan(len(steps), lambda k: example_rows([found[i] for i in steps[k]], pad), {})


def sft_start(folder: Path, shape: ShapeConfig, count: int, epochs: int) -> Path:
    """A model folder trained on `count` micro-world tasks, made once."""
    name = folder / f"start-{shape.width}-{count}-{epochs}"
    if not name.exists():
        asked = tasks(count)
        policy = fresh(shape, asked)
        run = plan(examples(policy.tokenizer, asked), policy.pad, 2048, epochs)
        knobs = OptimizerConfig(name="muon", lr=3e-3, matrix_lr=4e-3, schedule="linear")
        with tempfile.TemporaryDirectory() as work:
            train(policy.model, run, knobs, stage(Path(work), 0), what="sft", compiled=False)
        save_model(policy.model, policy.tokenizer, name)
    return name


def read_pairs(file: Path) -> Iterator[dict[str, str]]:
    """Sentence pairs, {"en": ..., "ja": ...} a line; gzip by the name's ending."""
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def pair_instruction(pair: dict[str, str], source: str, target: str) -> Instruction:
    """A pair asked in one direction, in the words of `recipes/enja-cpu.yaml`."""
    return Instruction(
        id=content_id(pair[source], pair[target], target), lang=target, task="translate", answer=pair[target],
        messages=[{"role": "user", "content": f"{target}: {pair[source]}"}],
        verifier={"name": "translation", "from": source, "to": target, "source": pair[source], "register": None},
    )  # fmt: skip


def held_out(run: Path, *splits: str) -> list[Instruction]:
    """The pairs of a run's splits as questions, in the words of its recipe."""
    profile = PromptProfile.load(run / "sft" / "model")
    return [
        Instruction(
            id=p.id, lang=p.tgt_lang, task="translate", answer=p.target,
            messages=profile.messages(Source.of_pair(p)),
        )
        for split in splits
        for p in read_records(run / "data" / f"pairs.{split}.parquet", Pair)
    ]  # fmt: skip


def rl_run(
    start: Path, config: RlConfig, seed: int, asked: Sequence[Instruction], held: Sequence[Instruction]
) -> dict[str, Any]:
    """One run of the native loop: rows of its log, and held-out scores at step 0, each `dev_every` and the end."""
    policy = Policy(load_model(start), load_tokenizer(start))
    with tempfile.TemporaryDirectory() as work:
        place = stage(Path(work), seed)
        reinforce(
            policy, asked, Scorer(config.rewards), config, place,
            on_dev=lambda step: held_out_scores(policy, list(held), config, 0)[0],
        )  # fmt: skip
        log = [json.loads(line) for line in (Path(work) / "log.jsonl").read_text().splitlines()]
    rows, scored = [r for r in log if "reward" in r], [r for r in log if "dev/chrf_greedy" in r]
    return {"rows": rows, "held": scored, "before": scored[0], "after": scored[-1]}


def interval(values: Sequence[float], digits: int = 2) -> str:
    """Mean and the half-width of its 95% interval (t distribution) over seeds."""
    from scipy.stats import t

    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:.{digits}f}"
    half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.{digits}f} +- {half:.{digits}f}"


def parameters(model: PreTrainedModel) -> str:
    return f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f}M parameters"
