"""RL on real sentence pairs, a grid: can rewards raise greedy chrF and BLEU, or only sampled ones?

    in2x run recipes/enja-cpu.yaml --until sft --set data.train=... --set data.dev=... --set data.test=...
    python benchmarks/rl_pairs.py runs/enja-cpu              every setting, some four minutes each on one thread
    python benchmarks/rl_pairs.py runs/enja-cpu --quick      two batches of the first setting, few questions

Every setting starts from the run's SFT model and its RL prompts, which SFT has not seen. Scores are of dev and test
pairs together: difference to the SFT model with its 95% interval (paired bootstrap), for the RL model and for the mean
of its weights and those of SFT. A setting that is done is kept in `--cache`, so a stopped grid goes on; `--only` lets
several processes share it.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from small_model import machine, stage

from in2x.artifact import write_json
from in2x.evaluate.metrics import statistics
from in2x.evaluate.significance import paired_bootstrap
from in2x.records import Instruction, Pair, read_records
from in2x.rl.config import ObjectiveConfig, RlConfig, TemperatureConfig
from in2x.rl.loop import Policy, reinforce
from in2x.rl.rewards.route import Scorer
from in2x.training.config import OptimizerConfig
from in2x.training.model import load_model, load_tokenizer
from in2x.translate.profile import PromptProfile

Texts = dict[str, list[str]]
"""Direction and way of decoding -> answers in the order of the held-out pairs."""


def setting(
    lr: float, steps: int, temperature: tuple[float, float], *, schedule: str = "linear", ema: float = 0.95,
    anchor: float = 0.0, **changes: Any,
) -> RlConfig:  # fmt: skip
    return RlConfig(**{
        "steps": steps, "prompts": 64, "samples": 8, "minibatch": 32, "max_new_tokens": 40, "overlong_buffer": 8,
        "rewards": {"chrf": 1.0, "bleu": 1.0}, "objective": ObjectiveConfig(entropy=0.0), "dev_every": 0,
        "temperature": TemperatureConfig(start=temperature[0], end=temperature[1]),
        "optimizer": OptimizerConfig(lr=lr, schedule=schedule, warmup=0.05, ema=ema),
        "sft_weight": anchor, "sft_smoothing": 0.1, **changes,
    })  # fmt: skip


GRID = {
    "as the recipe": setting(5e-5, 80, (1.0, 0.7), anchor=0.3),
    "1e-4, one epoch, no anchor": setting(1e-4, 46, (1.0, 0.6)),
    "2e-4, one epoch, no anchor": setting(2e-4, 46, (1.0, 0.6)),
    "5e-5, T = .5": setting(5e-5, 46, (0.5, 0.5)),
    "2e-5, T = .5": setting(2e-5, 46, (0.5, 0.5)),
    "2e-5, T = .3, 32 x 16": setting(2e-5, 92, (0.3, 0.3), prompts=32, samples=16),
    "5e-5, T = .5, chrF alone": setting(5e-5, 46, (0.5, 0.5), rewards={"chrf": 1.0}),
    "5e-5, T = 1 to .3": setting(5e-5, 46, (1.0, 0.3)),
    "1e-4 constant, T = .5, anchor, two epochs": setting(1e-4, 100, (0.5, 0.5), schedule="constant", anchor=0.3),
    "1e-4 constant, T = 1 to .4, anchor, two epochs": setting(1e-4, 100, (1.0, 0.4), schedule="constant", anchor=0.3),
}


def answers(policy: Policy, held: list[Instruction]) -> Texts:
    policy.model.eval()
    found: Texts = {}
    for lang in sorted({i.lang for i in held}):
        asked = [i for i in held if i.lang == lang]
        for name, temperature in (("greedy", 0.0), ("sampled", 1.0)):
            _, _, texts = policy.ask(asked, samples=1, temperature=temperature, longest=40, seed=7)
            found[f"{lang} {name}"] = texts
    return found


def run(source: Path, config: RlConfig, asked: list[Instruction], held: list[Instruction]) -> dict[str, Any]:
    """Answers of the RL model and of its mean with SFT; seconds of the training."""
    policy = Policy(load_model(source), load_tokenizer(source))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as work:
        reinforce(policy, asked, Scorer(config.rewards), config, stage(Path(work), 1))
    seconds = time.perf_counter() - began
    found = {"rl": answers(policy, held)}
    with torch.no_grad():
        for own, other in zip(policy.model.parameters(), load_model(source).parameters(), strict=True):
            own.lerp_(other, 0.5)
    return {**found, "mean": answers(policy, held), "seconds": seconds}


def differences(texts: Texts, before: Texts, references: dict[str, list[str]]) -> Iterator[str]:
    """Cells: sampled chrF, greedy chrF, greedy BLEU; one direction beside the other."""
    for name, metric in (("sampled", "chrF"), ("greedy", "chrF"), ("greedy", "BLEU")):
        cell = []
        for lang, wanted in sorted(references.items()):
            new, old = (statistics(t[f"{lang} {name}"], wanted, metric, tokenize="none") for t in (texts, before))
            gap = paired_bootstrap(new, old)
            cell.append(f"{lang} {gap.difference:+.1f} ({gap.low:+.1f} to {gap.high:+.1f})")
        yield "; ".join(cell)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the settings to run, from 0")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "in2x-bench" / "rl-pairs")
    given = parser.parse_args()
    source = given.run / "sft" / "model"
    profile = PromptProfile.load(source)
    held = [
        Instruction(id=p.id, lang=p.tgt_lang, task="translate", answer=p.target,
                    messages=profile.messages(p.source, p.src_lang, p.tgt_lang, p.register))
        for split in ("dev", "test")
        for p in read_records(given.run / "data" / f"pairs.{split}.parquet", Pair)
    ][: 16 if given.quick else None]  # fmt: skip
    asked = [i for i in read_records(given.run / "select" / "rl.parquet", Instruction) if i.verifier]
    references = {lang: [i.answer or "" for i in held if i.lang == lang] for lang in sorted({i.lang for i in held})}
    grid = dict(list(GRID.items())[:1]) if given.quick else GRID
    given.cache.mkdir(parents=True, exist_ok=True)
    before_file = given.cache / ("quick-sft.json" if given.quick else "sft.json")
    if not before_file.exists():
        write_json(before_file, answers(Policy(load_model(source), load_tokenizer(source)), held))
    before = json.loads(before_file.read_text(encoding="utf-8"))
    print(machine())
    print(f"{len(asked):,} prompts, {len(held):,} held-out questions, os load {os.getloadavg()[0]:.1f}\n")
    print("| setting | model | sampled chrF | greedy chrF | greedy BLEU | seconds |\n|---|---|---|---|---|---:|")
    for number, (name, config) in enumerate(grid.items()):
        if given.only is not None and number not in given.only:
            continue
        file = given.cache / f"{'quick-' if given.quick else ''}{number}.json"
        if not file.exists():
            chosen = config.model_copy(update={"steps": 2}) if given.quick else config
            write_json(file, run(source, chosen, asked, held))
        found = json.loads(file.read_text(encoding="utf-8"))
        for model in ("rl", "mean"):
            cells = " | ".join(differences(found[model], before, references))
            print(f"| {name} | {model} | {cells} | {found['seconds']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
