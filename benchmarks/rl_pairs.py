"""RL on real sentence pairs, a grid: can rewards raise greedy chrF and BLEU, or only sampled ones?

    in2x run recipes/enja-cpu.yaml --until sft --set data.train=... --set data.dev=... --set data.test=...
    python benchmarks/rl_pairs.py runs/enja-cpu              every setting, 15 to 20 minutes each on one thread
    python benchmarks/rl_pairs.py runs/enja-cpu --quick      two batches of the first setting, few questions

Every setting starts from the run's SFT model; its prompts are the run's RL set, which SFT has not seen, and where said
so many of the SFT set. Scores are of dev and test pairs together (`--splits dev` to choose by): difference to the SFT
model with its 95% interval (paired bootstrap), for the RL model and for weighted means of its weights and those of SFT;
"both" is corpus chrF over the two directions. A setting that is done is kept in `--cache`, so a stopped grid goes on;
`--only` lets several processes share it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from small_model import held_out, machine, stage

from in2x.artifact import write_json
from in2x.metrics.significance import paired_bootstrap
from in2x.metrics.strings import statistics
from in2x.recipe import Recipe, load_recipe
from in2x.records import Instruction
from in2x.rl.config import RlConfig
from in2x.rl.loop import Policy, reinforce
from in2x.rl.questions import questions
from in2x.rl.rewards.route import Scorer
from in2x.training.model import load_model, load_tokenizer

ROOT = Path(__file__).parent.parent
Texts = dict[str, list[str]]
"""Direction and way of decoding -> answers in the order of the held-out pairs."""


GRID: dict[str, dict[str, Any]] = {
    "the recipe's": {},
    "no consensus": {"rewards": {"chrf": 1.0, "bleu:none": 1.0}},
    "no SFT prompts": {"sft_prompts": 0},
    "T = .5": {"temperature": {"start": 0.5, "end": 0.5}},
    "T = 1 to .6": {"temperature": {"start": 1.0, "end": 0.6}},
    "half the batches": {"steps": 200},
    "5e-5": {"optimizer": {"lr": 5e-5}},
    "2e-4": {"optimizer": {"lr": 2e-4}},
    "anchor": {"sft_weight": 0.3, "sft_smoothing": 0.1},
    "gates and adequacy": {"rewards": {"principles": 1.0, "adequacy": 1.0}},
    "gates, adequacy, consensus": {"rewards": {"principles": 1.0, "adequacy": 1.0, "consensus": 1.0}},
}
"""What each setting changes of `recipes/enja-cpu.yaml` for corpora that are cut into words."""
CUT: dict[str, Any] = {"rewards": {"chrf": 1.0, "bleu:none": 1.0, "consensus": 1.0}, "dev_every": 0}


def setting(recipe: Recipe, changes: dict[str, Any]) -> RlConfig:
    knobs = {**recipe.section("rl"), **CUT}
    for name, value in changes.items():
        knobs[name] = {**knobs[name], **value} if isinstance(value, dict) and name != "rewards" else value
    return RlConfig(**knobs)


PARTS = (1.0, 0.7, 0.5)
"""Of the RL model in the mean of its weights with those of SFT."""


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
    """Answers by part of the RL model in the mean; seconds of the training."""
    policy = Policy(load_model(source), load_tokenizer(source))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as work:
        reinforce(policy, asked, Scorer(config.rewards), config, stage(Path(work), 1))
    found: dict[str, Any] = {"seconds": time.perf_counter() - began}
    trained = [p.detach().clone() for p in policy.model.parameters()]
    for part in PARTS:
        with torch.no_grad():
            for own, new, old in zip(policy.model.parameters(), trained, load_model(source).parameters(), strict=True):
                own.copy_(old.lerp(new, part))
        found[f"{part:g}"] = answers(policy, held)
    return found


def differences(texts: Texts, before: Texts, references: dict[str, list[str]]) -> Iterator[str]:
    """Cells: sampled chrF, greedy chrF, greedy BLEU, one direction beside the other; greedy chrF of both together."""

    def gap(langs: list[str], name: str, metric: str) -> str:
        wanted = [line for lang in langs for line in references[lang]]
        new, old = (
            statistics([line for lang in langs for line in t[f"{lang} {name}"]], wanted, metric, tokenize="none")
            for t in (texts, before)
        )
        found = paired_bootstrap(new, old)
        return f"{found.difference:+.1f} ({found.low:+.1f} to {found.high:+.1f})"

    langs = sorted(references)
    for name, metric in (("sampled", "chrF"), ("greedy", "chrF"), ("greedy", "BLEU")):
        yield "; ".join(f"{lang} {gap([lang], name, metric)}" for lang in langs)
    yield gap(langs, "greedy", "chrF")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the settings to run, from 0")
    parser.add_argument("--splits", nargs="+", choices=("dev", "test"), default=["dev", "test"])
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "in2x-bench" / "rl-pairs")
    given = parser.parse_args()
    source = given.run / "sft" / "model"
    held = held_out(given.run, *given.splits)[: 16 if given.quick else None]
    recipe = load_recipe(ROOT / "recipes" / "enja-cpu.yaml")
    references = {lang: [i.answer or "" for i in held if i.lang == lang] for lang in sorted({i.lang for i in held})}
    grid = dict(list(GRID.items())[:1]) if given.quick else GRID
    given.cache.mkdir(parents=True, exist_ok=True)
    prefix = ("quick-" if given.quick else "") + "".join(f"{split}-" for split in given.splits)
    before_file = given.cache / f"{prefix}sft.json"
    if not before_file.exists():
        write_json(before_file, answers(Policy(load_model(source), load_tokenizer(source)), held))
    before = json.loads(before_file.read_text(encoding="utf-8"))
    print(machine())
    print(f"{len(held):,} held-out questions\n")
    print("| setting | RL's part | sampled chrF | greedy chrF | greedy BLEU | greedy chrF, both | minutes |")
    print("|---|---:|---|---|---|---|---:|")
    for number, (name, changes) in enumerate(grid.items()):
        if given.only is not None and number not in given.only:
            continue
        file = given.cache / f"{prefix}{number}.json"
        if not file.exists():
            chosen = setting(recipe, {**changes, "steps": 2} if given.quick else changes)
            write_json(file, run(source, chosen, questions(chosen, given.run / "select", recipe), held))
        found = json.loads(file.read_text(encoding="utf-8"))
        for part in PARTS:
            cells = " | ".join(differences(found[f"{part:g}"], before, references))
            print(f"| {name} | {part:g} | {cells} | {found['seconds'] / 60:.0f} |", flush=True)


if __name__ == "__main__":
    main()
