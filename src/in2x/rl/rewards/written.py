"""The principles that a judge writes for each prompt, once, before training: `principles.jsonl` of the stage.

Prompts are taken in fixed chunks: the judge writes and reviews their principles, the model that is to be trained
answers each prompt some times, and the judge says which principles those answers break; what none of them breaks is
dropped. A chunk's rows are written when it is done. A pass that was killed does its last chunk again: the judge's
answers come from its cache, the model's from the same seed, so nothing is asked twice and the rows are the same.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from in2x.judge.ask import Judge
from in2x.principles.ask import Unasked
from in2x.principles.dynamic import Written, without_unbroken, write_principles
from in2x.principles.judged import Question, fundamental, judge_answers
from in2x.records import Instruction
from in2x.rl.config import JudgeConfig
from in2x.rl.rewards.judged import asked
from in2x.stage import Log, Stage

FILE = "principles.jsonl"
CHUNK = 64
"""Prompts that are answered as one batch."""


class Answers(Protocol):
    """The model that is to be trained."""

    def __call__(self, instructions: Sequence[Instruction], number: int) -> list[str]:
        """Answers [P * G], prompt by prompt, to [P] instructions; `number` is that of the chunk, for the seed."""


@dataclasses.dataclass(frozen=True, slots=True)
class PromptPrinciples:
    """The principles of one prompt: a row of `principles.jsonl`."""

    id: str
    """Of the instruction."""
    task: str
    lang: str
    prompt: str
    kept: tuple[str, ...] = ()
    rejected: tuple[tuple[str, str], ...] = ()
    """(principle, reason)."""
    tried: int = 0
    """Answers by which they were tried."""
    failed: str = ""
    """Why there are none, where the writer gave none that can be read."""


def read_written(file: Path) -> list[PromptPrinciples]:
    """The whole rows of `file`, none where there is no file."""
    return [PromptPrinciples(**row | {"kept": tuple(row["kept"])}) for row in Log(file).read()]


def write_all(
    judge: Judge, instructions: Sequence[Instruction], knobs: JudgeConfig, answers: Answers, stage: Stage
) -> list[PromptPrinciples]:
    """The principles of each instruction, in their order; also in `stage.out / FILE`.

    Raises:
        Unasked: the judge gave no answer, however long it was waited for.
    """
    log = Log(stage.out / FILE)
    log.rewind(0)  # a row that a kill cut short
    known = {row.id: row for row in read_written(log.path)}
    with stage.progress("principles", len(instructions)) as advance:
        for start in range(0, len(instructions), CHUNK):
            chunk = instructions[start : start + CHUNK]
            if any(i.id not in known for i in chunk):
                for row in asyncio.run(_write_chunk(judge, chunk, knobs, partial(answers, number=start))):
                    if row.id not in known:
                        known[row.id] = row
                        log.write(dataclasses.asdict(row))
            advance(len(chunk), "")
    return [known[i.id] for i in instructions]


async def _write_chunk(
    judge: Judge,
    chunk: Sequence[Instruction],
    knobs: JudgeConfig,
    answers: Callable[[Sequence[Instruction]], list[str]],
) -> list[PromptPrinciples]:
    rows = await asyncio.gather(*(_write(judge, i, knobs) for i in chunk))
    written = [place for place, row in enumerate(rows) if row.kept]
    if knobs.tried and written:
        texts = answers([chunk[place] for place in written])
        groups = [texts[n * knobs.tried : (n + 1) * knobs.tried] for n in range(len(written))]
        tried = await asyncio.gather(
            *(_try(judge, chunk[p], rows[p], group, knobs) for p, group in zip(written, groups, strict=True))
        )
        for place, row in zip(written, tried, strict=True):
            rows[place] = row
    return rows


async def _write(judge: Judge, instruction: Instruction, knobs: JudgeConfig) -> PromptPrinciples:
    prompt = asked(instruction)
    row = PromptPrinciples(instruction.id, instruction.task, instruction.lang, prompt)
    general = fundamental(instruction.task, instruction.lang)
    try:
        found = await write_principles(judge, prompt, instruction.lang, general, knobs.written)
    except Unasked:
        raise
    except Exception as error:  # prose, refused: this prompt has no principles, and the row says why
        return dataclasses.replace(row, failed=str(error))
    return dataclasses.replace(row, kept=found.kept, rejected=found.rejected)


async def _try(
    judge: Judge, instruction: Instruction, row: PromptPrinciples, answers: Sequence[str], knobs: JudgeConfig
) -> PromptPrinciples:
    question = Question(row.prompt, row.lang, row.kept, instruction.answer if knobs.reference else None)
    judged = await judge_answers(judge, question, answers, most=1 if knobs.mode == "answer" else knobs.group)
    found = without_unbroken(Written(row.kept, row.rejected), judged.values())
    heard = sum(not judged[answer].fault for answer in answers)
    return dataclasses.replace(row, kept=found.kept, rejected=found.rejected, tried=heard)


def counts(rows: Sequence[PromptPrinciples]) -> dict[str, Any]:
    """Counts for the manifest: prompts, principles kept, rejected by reason, prompts without any and why."""
    return {
        "prompts": len(rows),
        "kept": sum(len(row.kept) for row in rows),
        "rejected": dict(Counter(reason for row in rows for _, reason in row.rejected).most_common()),
        "failed": sum(bool(row.failed) for row in rows),
        "why_failed": next((row.failed for row in reversed(rows) if row.failed), ""),
    }
