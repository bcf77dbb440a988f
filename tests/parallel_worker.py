"""Trains a tiny model as one of the processes that torchrun started; the test beside it starts it.

python parallel_worker.py FOLDER OPTIMIZER STEPS [DIE_AT [DEVICE_TOKENS]]
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

import in2x.training.loop as loop
from in2x.stage import Stage
from in2x.training import parallel
from in2x.training.batches import Example, Rows, collate, example_rows
from in2x.training.config import OptimizerConfig, ShapeConfig
from in2x.training.loop import Plan, train
from in2x.training.model import build_model, save_model
from in2x.training.tokenizer import train_tokenizer

SHAPE = ShapeConfig(width=32, layers=2, heads=2, kv_heads=1, mlp=48, vocabulary=300, context=64)


def examples(step: int) -> list[Example]:
    """1 to 5 rows of unequal length: other shares for the processes, and at times none."""
    rng = np.random.default_rng(step % 5)
    rows = [rng.integers(3, 250, int(n)).tolist() for n in rng.integers(4, 30, 1 + step % 5)]
    return [Example([*row, *row], 2 + n % 3) for n, row in enumerate(rows)]


def main(folder: Path, name: str, steps: int, die_at: int = -1, device_tokens: int | None = None) -> None:
    parallel.start()
    torch.set_num_threads(1)
    loop.LOG_EVERY, loop.SAVE_SECONDS = 1, 0.0
    # Sums in another order differ in the last digit, and in bfloat16 that is a tenth of a percent: fp32 everywhere.
    os.environ.setdefault("IN2X_COMPUTE", "float32")
    tokenizer = train_tokenizer(["a b c d e f g"] * 20, 300)
    model = build_model(SHAPE, tokenizer, 0)

    asked: Counter[int] = Counter()

    def rows(step: int) -> Rows:
        asked[step] += 1
        if step == die_at and asked[step] == 2:  # the first time is the warm-up
            raise SystemExit(3)
        return example_rows(examples(step), 0)

    gathered: set[str] = set()
    model.model.layers[0].mlp.register_forward_pre_hook(lambda mlp, _: gathered.add(str(mlp.up_proj.weight.dtype)))
    held = collate(examples(100), 0)
    stage = Stage("sft", SimpleNamespace(seed=0), folder, rank=parallel.rank())  # type: ignore[arg-type]
    knobs = OptimizerConfig(name=name, lr=1e-2, matrix_lr=1e-2, weight_decay=0.1, ema=0.9, schedule="linear")
    train(
        model, Plan(steps, rows, {}, device_tokens), knobs, stage, what="sft", compiled=False, dev=[held], dev_every=4,
        on_dev=lambda measure: {"dev_loss/again": measure([held])},
    )  # fmt: skip
    save_model(model, tokenizer, folder / "model")
    if parallel.rank() == 0:
        (folder / "gathered.txt").write_text(" ".join(gathered), encoding="utf-8")
    parallel.wait()
    parallel.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
