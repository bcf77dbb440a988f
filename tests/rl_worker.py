"""Reinforcement learning on a tiny model with a checkpoint after every batch; the test beside it starts and kills it.

python rl_worker.py FOLDER STEPS
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

import in2x.rl.loop as loop
from in2x.rl.config import TemperatureConfig
from in2x.rl.rewards.route import Scorer
from in2x.training.config import OptimizerConfig
from test_rl_loop import ShareOfA, config, setup, stage


def main(folder: Path, steps: int) -> None:
    torch.set_num_threads(1)
    loop.SAVE_SECONDS = 0.0
    policy, instructions = setup()
    knobs = config(
        steps=steps, refill=2, sft_weight=0.1, temperature=TemperatureConfig(start=1.0, end=0.6),
        optimizer=OptimizerConfig(name="muon", lr=1e-2, schedule="cosine", warmup=0.1, ema=0.9),
    )  # fmt: skip
    loop.reinforce(policy, instructions, Scorer({"share_of_a": 1}, [ShareOfA()]), knobs, stage(folder))
    save_file({n: p.detach().clone() for n, p in policy.model.named_parameters()}, folder / "end.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
