"""The prompts of reinforcement learning: the RL set of a selection and, where wanted, a part of its SFT set."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest
from itertools import chain
from pathlib import Path

from in2x.records import Instruction, content_id, read_records
from in2x.rl.config import RlConfig
from in2x.stage import Facts


def questions(config: RlConfig, select: Path, recipe: Facts) -> list[Instruction]:
    """What has a verifier in the `select` folder's RL set, then `sft_prompts` of its SFT set, drawn by the seed."""
    target = recipe.languages.target

    def read(name: str) -> Iterator[Instruction]:
        for i in read_records(select / f"{name}.parquet", Instruction):
            wanted = not config.tasks or i.task in config.tasks
            if i.verifier is not None and wanted and (not config.target_only or i.lang == target):
                yield i

    seen = chain(read("round1"), read("round2")) if config.sft_prompts else ()
    return [*read("rl"), *nsmallest(config.sft_prompts, seen, key=lambda i: content_id(recipe.seed, i.id))]
