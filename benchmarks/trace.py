"""What a step takes of one device, by recipe and number of devices: the table of docs/results/training.md.

    python benchmarks/trace.py [RECIPE] --devices N... [--device h100] [--set KNOB=VALUE]

Nothing is computed: the training code runs on tensors without numbers (`in2x plan --trace`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from in2x.cost.formula import step_flops, step_memory
from in2x.cost.hardware import Hardware
from in2x.cost.shape import shape_of
from in2x.recipe import load_recipe
from in2x.trace.fit import fits


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", type=Path, nargs="?", default=Path("recipes/qwen3-8b-ja.yaml"))
    parser.add_argument("--device", default="h100")
    parser.add_argument("--devices", type=int, nargs="+", default=[8])
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE")
    given = parser.parse_args()
    recipe = load_recipe(given.recipe, given.set)
    shape, _ = shape_of(recipe)
    print("| devices | stage | passes | state | gathered | activations | peak | by formula | TFLOP | by formula "
          "| gathers | reduces | fits, tokens | s |")  # fmt: skip
    print("|" + "---|" * 14)
    for count in given.devices:
        for fit in fits(recipe, Hardware(given.device, count, 0.4)):
            job, traced = fit.job, fit.traced
            cells = [f"{count:,}", job.stage.removeprefix("pretrain "), f"{job.passes:,} x {job.rows} x {job.length:,}"]
            if traced is not None:
                peak = traced.peak
                state = peak["parameters"] + peak["gradients"] + peak["optimizer"]
                cells += [f"{size / 1e9:.1f}" for size in (state, peak["gathered"], peak["activations"])]
                cells += [f"{traced.memory / 1e9:.1f}", f"{step_memory(shape, job) / traced.memory - 1:+.1%}"]
                cells += [f"{traced.flops / 1e12:,.0f}", f"{step_flops(shape, job) / traced.flops - 1:+.1%}"]
                cells += [f"{traced.sent.get(name, 0) / 1e9:,.0f}" for name in ("all-gather", "reduce-scatter")]
                cells += ["none" if fit.device_tokens is None else f"{fit.device_tokens:,}", f"{fit.seconds:.0f}"]
            print("| " + " | ".join(cells) + " |", flush=True)
            if fit.problem:
                print(f"<!-- {job.stage}: {fit.problem} -->", flush=True)


if __name__ == "__main__":
    main()
