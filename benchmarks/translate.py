"""How fast are 1,000 sentences translated, against transformers' generate and CTranslate2 int8 of the same weights?

    python benchmarks/translate.py --model runs/enja-cpu/merge/model --pairs test.jsonl
    python benchmarks/translate.py --train train.jsonl.gz --pairs test.jsonl     such a model, trained a little
    python benchmarks/translate.py --train train.jsonl.gz --count 0 --pairs test.jsonl --tokens 16
                                             one that is not trained: products and bookkeeping alone, no BLEU to compare
    python benchmarks/translate.py ... --limit 200 --rounds 1

Pairs are one JSON object a line, {"en": "...", "ja": "..."}. "in2x" takes the model's shortlist, if it has one (`in2x
export --to shortlist`). The ways run in turns, `--rounds` times, those of CTranslate2 in a process of their own (its
OpenMP slows torch's down); the best round counts. Loading is not timed; tokenising, sorting, batching and reading are.
All are asked with the same tokens, decode greedily and may say as much. generate gets the batch size and the format in
which it is fastest here. CPU seconds are those of all threads: on a machine that others use they say more than the
clock.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from small_model import examples, fresh, machine, pair_instruction, plan, read_pairs, stage

from in2x.chat.profile import PromptProfile
from in2x.metrics.strings import statistics
from in2x.training.config import OptimizerConfig, ShapeConfig
from in2x.training.loop import train
from in2x.training.model import save_model
from in2x.translate.request import TranslationRequest

SHAPE = ShapeConfig(width=256, layers=4, heads=8, kv_heads=4, mlp=768, vocabulary=8192, context=512)
"""That of recipes/enja-cpu.yaml."""
SIZES = (16, 32, 64, 128, 256)
OURS = {"in2x": "model", "in2x, whole vocabulary": "model", "in2x, ct2": "ct2", "in2x, ct2 int8": "int8"}
"""Way -> the folder that it opens."""
WAYS = (*OURS, *(f"generate {kind}, {size}" for kind in ("fp32", "bf16") for size in SIZES))


def trained(folder: Path, file: Path, count: int) -> Path:
    """A model folder trained for one pass over `count` pairs, both ways; made once."""
    out = folder / f"model-{count}"
    if not out.exists():
        asked = [
            pair_instruction(pair, *way)
            for pair in islice(read_pairs(file), count or 5000)
            for way in (("en", "ja"), ("ja", "en"))
        ]
        policy = fresh(SHAPE, asked)
        if count:
            run = plan(examples(policy.tokenizer, asked), policy.pad, 4096, 1)
            knobs = OptimizerConfig(name="muon", lr=3e-3, matrix_lr=4e-3, schedule="linear")
            with tempfile.TemporaryDirectory() as work:
                train(policy.model, run, knobs, stage(Path(work), 0), what="sft", compiled=False)
        save_model(policy.model, policy.tokenizer, out)
        PromptProfile({"*": "{to}: {source}"}, languages=("en", "ja")).save(out)
    return out


def by_generate(model: Path, kind: str, size: int) -> Callable[[list[str], TranslationRequest], list[str]]:
    """transformers' generate over batches of `size`, sorted by length, with the same prompts, limits and reading."""
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig

    from in2x.translate.engine import LocalBackend

    ours = LocalBackend(model, device="cpu")
    dtype = torch.bfloat16 if kind == "bf16" else torch.float32
    theirs = AutoModelForCausalLM.from_pretrained(model, dtype=dtype).eval()
    pad = ours.tokenizer.pad_token_id

    def run(sources: list[str], request: TranslationRequest) -> list[str]:
        asked = request.sources(sources)
        prompts = [ours._prompt(source) for source in asked]
        limits = [request.max_new_tokens or ours._limit(source) for source in sources]
        order = sorted(range(len(sources)), key=lambda i: -len(prompts[i]))
        said = [""] * len(sources)
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            width = max(len(prompts[i]) for i in batch)
            ids = torch.tensor([[pad] * (width - len(prompts[i])) + prompts[i] for i in batch])
            mask = torch.tensor([[0] * (width - len(prompts[i])) + [1] * len(prompts[i]) for i in batch])
            config = GenerationConfig(
                max_new_tokens=max(limits[i] for i in batch), do_sample=False, pad_token_id=pad,
                eos_token_id=sorted(ours.stop_ids),
            )  # fmt: skip
            with torch.inference_mode():
                out = theirs.generate(ids, attention_mask=mask, generation_config=config)
            for i, row in zip(batch, out, strict=True):
                said[i] = ours._read(row[width:].tolist()[: limits[i]], sources[i]).text
        return said

    return run


def by_backend(folder: Path, shortlist: bool) -> Callable[[list[str], TranslationRequest], list[str]]:
    from in2x.translate.open import open_backend

    os.environ["IN2X_SHORTLIST"] = "on" if shortlist else "off"
    backend = open_backend(str(folder))
    return lambda sources, request: [one.text for one in backend.translations(sources, request)]


def in_turn(ways: list[str], folder: Path, pairs: Path, limit: int, tokens: int | None) -> None:
    """Run `ways` in this process, one after the other; prints one JSON object each."""
    rows = list(islice(read_pairs(pairs), limit))
    directions = [("en", "ja"), ("ja", "en")]
    for way in ways:
        if way.startswith("generate"):
            kind, size = way.removeprefix("generate ").split(", ")
            run = by_generate(folder / "model", kind, int(size))
        else:
            run = by_backend(folder / OURS[way], "whole" not in way)
        asked = [TranslationRequest(source, target, max_new_tokens=tokens) for source, target in directions]
        for (source, _), request in zip(directions, asked, strict=True):
            run([row[source] for row in rows[:8]], request)  # what the first call makes (buffers, kernels)
        wall, cpu, said = time.perf_counter(), time.process_time(), {}
        for (source, target), request in zip(directions, asked, strict=True):
            share = rows[: len(rows) // 2] if target == "ja" else rows[len(rows) // 2 :]
            said[target] = run([row[source] for row in share], request)
        found = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "said": said}
        print(json.dumps({"way": way, **found}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a model folder that knows en and ja")
    parser.add_argument("--train", type=Path, help="pairs to train one on, where there is none")
    parser.add_argument("--count", type=int, default=30_000, help="pairs to train on")
    parser.add_argument("--pairs", type=Path, required=True, help="test pairs")
    parser.add_argument("--limit", type=int, default=1000, help="test pairs, half for each direction")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, help="longest answer, whatever the source")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="batch sizes of generate")
    parser.add_argument("--work", type=Path, default=Path("work/translate"), help="where models are kept")
    parser.add_argument("--way", action="append", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        in_turn(given.way, given.work, given.pairs, given.limit, given.tokens)
        return
    from in2x.converted import to_ct2

    given.work.mkdir(parents=True, exist_ok=True)
    source = (given.model or trained(given.work, given.train, given.count)).resolve()
    model = given.work / "model"
    if model.is_symlink() and model.resolve() != source:
        sys.exit(f"{given.work} is of another model: give another --work")
    if not model.exists():
        model.symlink_to(source)
    for name, int8 in (("ct2", False), ("int8", True)):
        if not (given.work / name).exists():
            to_ct2(source, given.work / name, int8=int8)
    sizes = given.sizes.split(",")
    ways = [way for way in WAYS if not way.startswith("generate") or way.rsplit(", ", 1)[1] in sizes]
    best: dict[str, dict[str, Any]] = {}
    print(machine("transformers", "ctranslate2"), flush=True)
    for number in range(given.rounds):
        for together in ([way for way in ways if ("ct2" in way) == theirs] for theirs in (False, True)):
            done = subprocess.run(
                [sys.executable, __file__, *(f"--way={way}" for way in together), "--pairs", given.pairs,
                 "--limit", str(given.limit), "--work", given.work,
                 *(["--tokens", str(given.tokens)] if given.tokens else [])],
                capture_output=True, text=True, env={**os.environ, "TOKENIZERS_PARALLELISM": "false"}, check=False,
            )  # fmt: skip
            if done.returncode:
                print(f"{', '.join(together)}: failed: {done.stderr.strip().splitlines()[-1]}", flush=True)
            for found in map(json.loads, done.stdout.splitlines()):
                way = found["way"]
                print(f"round {number + 1}, {way}: {found['wall']:.1f} s, cpu {found['cpu']:.1f} s", flush=True)
                if way not in best or found["cpu"] < best[way]["cpu"]:
                    best[way] = found
    show(best, list(islice(read_pairs(given.pairs), given.limit)))


def show(best: dict[str, dict[str, Any]], rows: list[dict[str, str]]) -> None:
    """The table: each way, and of generate the fastest of each format."""
    half = len(rows) // 2
    references = {"ja": [row["ja"] for row in rows[:half]], "en": [row["en"] for row in rows[half:]]}
    ways = [way for way in best if not way.startswith("generate")]
    for kind in ("fp32", "bf16"):
        if these := [way for way in best if way.startswith(f"generate {kind}")]:
            ways.append(min(these, key=lambda way: best[way]["cpu"]))
    first = next((way for way in ways if way.startswith("generate fp32")), ways[0])
    slow = min(best[way]["cpu"] for way in ways if way.startswith("generate"))
    print("\n| | seconds | CPU seconds | times generate | answers as generate fp32 | BLEU en-ja | BLEU ja-en |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for way in ways:
        said, same = best[way]["said"], 0
        for target in said:
            same += sum(a == b for a, b in zip(said[target], best[first]["said"][target], strict=True))
        bleu = [
            statistics(said[target], references[target], "bleu", tokenize=tokenize).value
            for target, tokenize in (("ja", "ja-mecab"), ("en", "13a"))
        ]
        print(f"| {way} | {best[way]['wall']:.1f} | {best[way]['cpu']:.1f} | {slow / best[way]['cpu']:.1f} | "
              f"{same / len(rows):.1%} | {bleu[0]:.1f} | {bleu[1]:.1f} |")  # fmt: skip


if __name__ == "__main__":
    main()
