"""The `rl` stage with a judge at a server, and a checkpoint after every batch; the tests beside it start and kill it.

python rl_judge_worker.py FOLDER URL
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

import in2x.rl.loop as loop
from in2x.chat.profile import PromptProfile
from in2x.records import Instruction, Pair, write_records
from in2x.rl.config import RlConfig
from in2x.rl.stage import run
from in2x.stage import Stage
from in2x.training.config import OptimizerConfig
from in2x.training.model import save_model
from test_rl_loop import config, setup


def knobs(url: str, llm: dict[str, Any] | None = None, **judge: Any) -> RlConfig:
    """Four batches; `judge` and `llm` change the judge's knobs."""
    server = {"base_url": url, "model": "judge", "in_flight": 2, "backoff": 0.01, "timeout": 5.0, **(llm or {})}
    given = {"llm": server, **judge}
    changes = config(steps=4, samples=4, rewards={"judged": 1.0}, judge=given, dev_every=2, shown=2)
    return changes.model_copy(update={"optimizer": OptimizerConfig(lr=1e-2, schedule="constant", warmup=0.0)})


def prepare(folder: Path) -> Stage:
    """The stage in `folder`, whose inputs are a tiny model, thirteen prompts without a verifier, and held-out pairs."""
    if not (folder / "data").exists():
        policy, instructions = setup()
        for name in ("sft", "select", "rl"):
            (folder / name).mkdir(parents=True)
        save_model(policy.model, policy.tokenizer, folder / "sft" / "model")
        PromptProfile().save(folder / "sft" / "model")
        stories = [Instruction(i.id, "en", "story", i.messages) for i in instructions]
        write_records(folder / "select" / "rl.parquet", stories, Instruction)
        write_records(folder / "data" / "pairs.dev.parquet", [Pair(c, "en", "ja", c, "a a") for c in "bcd"], Pair)
    recipe = SimpleNamespace(seed=0, languages=SimpleNamespace(target="ja"))
    inputs = {n: SimpleNamespace(path=folder / n) for n in ("sft", "select", "data")}
    return Stage("rl", recipe, folder / "rl", inputs)


if __name__ == "__main__":
    torch.set_num_threads(1)
    loop.SAVE_SECONDS = 0.0
    run(knobs(sys.argv[2]), prepare(Path(sys.argv[1])))
