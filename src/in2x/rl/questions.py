"""The prompts of reinforcement learning: the RL set of a selection, where wanted a part of its SFT set; those held out.

Translations that no reward can pay are left out: without a reference, only what sees meaning by itself could.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import chain, islice
from pathlib import Path

from in2x.chat.profile import PromptProfile
from in2x.chat.translation import translation
from in2x.errors import UsageError
from in2x.principles.case import case_of, is_translation
from in2x.records import Instruction, Pair, content_id, read_records
from in2x.rl.config import RlConfig
from in2x.stage import Facts


def questions(config: RlConfig, select: Path, recipe: Facts) -> list[Instruction]:
    """What can be checked in the `select` folder's RL set, then `sft_prompts` of its SFT set, drawn by the seed.

    Checked by the verifier it brings, or by a judge.

    Raises:
        UsageError: nothing is of a task that the judge judges.
    """
    target, judged = recipe.languages.target, config.judged_tasks
    tasks: set[str] = set()

    def read(name: str) -> Iterator[Instruction]:
        for i in read_records(select / f"{name}.parquet", Instruction):
            tasks.add(i.task)
            wanted = not config.tasks or i.task in config.tasks
            if (i.verifier is not None or i.task in judged) and wanted and (not config.target_only or i.lang == target):
                yield i

    seen = chain(read("round1"), read("round2")) if config.sft_prompts else ()
    found = [*read("rl"), *nsmallest(config.sft_prompts, seen, key=lambda i: content_id(recipe.seed, i.id))]
    if judged and judged.isdisjoint(i.task for i in found):
        raise UsageError(
            f"no prompt is of a task that the judge judges ({', '.join(sorted(judged))})",
            mend=f"name some of {', '.join(sorted(tasks))} in rl.judge.tasks, or leave judged out of rl.rewards",
        )
    return found


def payable(instructions: Sequence[Instruction], rewards: Iterable[str]) -> list[Instruction]:
    """`instructions` without the translations whose meaning none of `rewards` (names) can see.

    Raises:
        UsageError: no translation is left of some.
    """
    if any(name in ("judged", "world") or name.partition(":")[0].endswith("-src") for name in rewards):
        return list(instructions)
    kept = [i for i in instructions if not is_translation(i) or case_of(i).reference]
    if any(map(is_translation, instructions)) and not any(map(is_translation, kept)):
        raise UsageError(
            f"no translation of the RL set has a reference, and without one none of the rewards {', '.join(rewards)} "
            "sees what an answer means",
            mend="add judged (asks a judge) or comet-src:MODEL to rl.rewards, or use prompts with references",
        )
    return kept


def held_out(config: RlConfig, sft: Path, data: Path, recipe: Facts) -> list[Instruction]:
    """The first `dev_pairs` held-out pairs in the folder `data`, in the words of the model in the folder `sft`."""
    profile = PromptProfile.load(sft / "model")
    pairs = (
        p
        for p in read_records(data / "pairs.dev.parquet", Pair)
        if not config.target_only or p.tgt_lang == recipe.languages.target
    )
    return [translation(pair, profile) for pair in islice(pairs, config.dev_pairs)]
