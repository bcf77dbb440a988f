"""Every stabiliser of the objective taken away, one at a time: micro-world, three seeds, one table.

python benchmarks/rl_ablation.py
python benchmarks/rl_ablation.py --quick    2 iterations, one seed
python benchmarks/rl_ablation.py --only 5 6     some rows, by number from 0, so that processes share it
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from small_model import SHAPE, interval, machine, rl_run, sft_start, tasks

from in2x.rl.config import ObjectiveConfig, RlConfig, TemperatureConfig
from in2x.training.config import OptimizerConfig

ROWS: dict[str, dict[str, Any]] = {
    "all (the paper)": {},
    "no dual clip": {"objective": ObjectiveConfig(dual_clip=None)},
    "with a lower bound (.2)": {"objective": ObjectiveConfig(clip_low=0.2)},
    "no clip-higher (.2)": {"objective": ObjectiveConfig(clip_high=0.2)},
    "no length penalty": {"overlong_buffer": 0},
    "no temperature decay": {"temperature": TemperatureConfig(start=1.0, end=1.0)},
    "no entropy bonus": {"objective": ObjectiveConfig(entropy=0.0)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=int, nargs="*", default=range(len(ROWS)))
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "in2x-bench")
    given = parser.parse_args()
    steps, seeds = (2, 1) if given.quick else (40, 3)
    start = sft_start(given.cache, SHAPE, *((400, 1) if given.quick else (20_000, 2)))
    asked, held = tasks(2000), tasks(8 if given.quick else 200, "dev")
    base: dict[str, Any] = dict(
        steps=steps, prompts=8 if given.quick else 16, samples=8, minibatch=4,
        max_new_tokens=40, overlong_buffer=10, rewards={"chrf": 1.0},
        temperature=TemperatureConfig(start=1.0, end=0.7), dev_every=0,
        optimizer=OptimizerConfig(lr=1e-4, schedule="constant", warmup=0.0),
    )  # fmt: skip
    print(machine())
    print(f"{steps} iterations of {8 if given.quick else 16} prompts x 8 answers, reward chrF, {seeds} seed(s)\n")
    print("| | sampled chrF | greedy chrF | entropy, last | length, last | worst gradient norm |\n|---|" + "---:|" * 5)
    for name, changes in (list(ROWS.items())[number] for number in given.only):
        runs = [rl_run(start, RlConfig(**{**base, **changes}), seed, asked, held) for seed in range(seeds)]
        cells = [interval([r["after"][f"dev/chrf_{k}"] for r in runs]) for k in ("sampled", "greedy")]
        cells += [f"{statistics.fmean(r['rows'][-1][k] for r in runs):.2f}" for k in ("entropy", "length")]
        cells += [f"{max(row['grad_norm'] for r in runs for row in r['rows']):.1f}"]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
