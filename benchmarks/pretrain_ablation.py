"""What the parts of continued pretraining bring: three phases, bilingual documents, the choice for annealing.

    python benchmarks/pretrain_ablation.py --raw RAW --pairs train.jsonl.gz --test test.jsonl
    python benchmarks/pretrain_ablation.py ... --quick        one seed, a hundredth of the tokens

RAW is a folder of raw documents in the target language, the hub and perhaps others (JSON Lines), the pairs have fields
"en" and "ja". Every arm reads as many tokens as the others, at the same rates, and gets the same supervised
fine-tuning. Figures: Japanese bits per byte on held-out documents after pretraining (smaller is better), and en-ja chrF
(greedy) after fine-tuning; with the 95% interval of the mean over seeds, and of the difference to the whole method,
seed by seed. A killed run goes on where it was.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sacrebleu
import yaml
from small_model import interval, machine

from in2x.inference.perplexity import surprise
from in2x.recipe import load_recipe
from in2x.records import Document, read_records
from in2x.run import run
from in2x.training.model import load_model, load_tokenizer
from in2x.translate.engine import LocalBackend
from in2x.translate.request import TranslationRequest

PAIRS, RAW = 4000, 0.15
"""Sentence pairs, and the share of the raw documents, that each seed draws."""
CONSTANT = {"name": "muon", "lr": 3e-3, "matrix_lr": 4e-3, "schedule": "constant", "warmup": 0.0}
LINEAR = {**CONSTANT, "schedule": "linear"}
BEST = {"best": 0.4}

ARMS: dict[str, dict[str, Any]] = {
    "three phases (the method)": {},
    "one phase, shuffled": {"one_phase": True},
    "annealing on a random choice": {"choice": {}},
    "no bilingual documents": {"bilingual": 0.0},
}
Figures = tuple[float, float]
"""Japanese bits per byte after pretraining, en-ja chrF after fine-tuning."""


def recipe(
    given: argparse.Namespace, folder: Path, seed: int, *, one_phase: bool = False, choice: Mapping[str, float] = BEST,
    bilingual: float = 0.2,
) -> dict[str, Any]:  # fmt: skip
    share = 0.01 if given.quick else 1.0
    first, second, third = (int(share * n) for n in (400_000, 100_000, 200_000))
    block = {"context": 128, "batch_tokens": 2048}

    def phase(tokens: int, optimizer: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"tokens": tokens if tokens > 2048 else 0, **block, "optimizer": optimizer, **more}

    if one_phase:
        whole = first + second + third
        fall = {**CONSTANT, "schedule": "trapezoid", "decay": third / whole}
        phases = [phase(whole, fall), phase(0, CONSTANT), phase(0, LINEAR)]
    else:
        phases = [
            phase(first, CONSTANT), phase(second, CONSTANT, view={"longest": 0.5}),
            phase(third, LINEAR, view=dict(choice)),
        ]  # fmt: skip
    return {
        "name": "ablation", "seed": seed, "prompt": {"*": "{to}: {source}"},
        "data": {"train": str(folder / "pairs.jsonl"), "dev": str(given.test), "test": str(given.test),
                 "raw": str(folder / "raw")},
        "corpus": {
            "domain": "creative", "mix": {"epochs": 2}, "select": None, "heldout": 40,
            "bilingual": {"share": bilingual},
        },
        "base": {
            "shape": {"width": 128, "layers": 4, "heads": 4, "kv_heads": 2, "mlp": 384, "vocabulary": 4096,
                      "context": 256},
            "train": phase(int(share * 150_000), {**CONSTANT, "warmup": 0.05}), "compile": False,
        },
        "pretrain": {"phase1": phases[0], "phase2": phases[1], "phase3": phases[2], "dev_every": 0, "compile": False},
        "instruct": {"synthesize": False, "rewritten": 0, "rl_share": 0.0},
        "select": {"near": 1.0, "overlap": 1.0, "round1": {"share": 0.5}, "round2": {"share": 1.0}},
        "sft": {
            "passes": 2, "batch_tokens": 2048, "max_tokens": 128, "compile": False, "dev_every": 0,
            "optimizer": {**CONSTANT, "schedule": "trapezoid", "decay": 0.35},
        },
    }  # fmt: skip


def draw(source: Path, target: Path, seed: int, *, count: int = 0, share: float = 0.0) -> None:
    """Lay down a sample of the lines of `source`, other ones for other seeds."""
    if target.exists():
        return
    opener = gzip.open if source.suffix == ".gz" else open
    with opener(source, "rt", encoding="utf-8") as stream:
        lines = stream.readlines()
    target.parent.mkdir(parents=True, exist_ok=True)
    chosen = random.Random(seed).sample(lines, count or max(1, int(share * len(lines))))
    target.write_text("".join(chosen), encoding="utf-8")


def measure(folder: Path, test: Path, count: int) -> Figures:
    model, tokenizer = load_model(folder / "pretrain" / "model"), load_tokenizer(folder / "pretrain" / "model")
    held = [d.text for d in read_records(folder / "corpus" / "heldout.parquet", Document) if d.lang == "ja"]
    found = surprise(model, tokenizer, held, context=128)
    bits = sum(s.nats for s in found) / 0.6931471805599453 / sum(s.bytes for s in found)
    rows = [json.loads(line) for line in test.read_text(encoding="utf-8").splitlines()][:count]
    request = TranslationRequest("en", "ja", max_new_tokens=48)
    said = LocalBackend(folder / "sft" / "model").translate([r["en"] for r in rows], request)
    return bits, sacrebleu.corpus_chrf(said, [[r["ja"] for r in rows]]).score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "in2x-pretrain-ablation")
    given = parser.parse_args()
    seeds = given.seeds[:1] if given.quick else given.seeds
    found: dict[str, dict[int, Figures]] = {name: {} for name in ARMS}
    for seed in seeds:
        folder = given.cache / f"{'quick' if given.quick else 'full'}-{seed}"
        draw(given.pairs, folder / "pairs.jsonl", seed, count=300 if given.quick else PAIRS)
        for source in sorted(given.raw.iterdir()):
            draw(source, folder / "raw" / source.name.removesuffix(".gz"), seed, share=RAW)
        for number, (name, changes) in enumerate(ARMS.items()):
            figures = folder / f"figures-{number}.json"
            if not figures.exists():
                file = folder / f"recipe-{number}.yaml"
                file.write_text(yaml.safe_dump(recipe(given, folder, seed, **changes)), encoding="utf-8")
                # One run folder for all arms of a seed: what they share is made once.
                run(load_recipe(file), folder / "run", until="sft")
                figures.write_text(json.dumps(measure(folder / "run", given.test, 20 if given.quick else 500)))
            found[name][seed] = tuple(json.loads(figures.read_text()))
    print(machine())
    print(f"{len(seeds)} seed(s); bits per byte: smaller is better\n")
    print("| | ja bits per byte | to the method | en-ja chrF | to the method |\n|---|---:|---:|---:|---:|")
    method = next(iter(found.values()))
    for name, by_seed in found.items():
        cells = [name]
        for k, digits in ((0, 3), (1, 2)):
            cells.append(interval([by_seed[s][k] for s in seeds], digits))
            gaps = [by_seed[s][k] - method[s][k] for s in seeds]
            cells.append("" if by_seed is method else interval(gaps, digits))
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
