"""The rewards of whole groups where answers come one by one, as verl sends them; nothing here imports verl.

An answer waits until all answers to its prompt are there, so that agreement among them, a judge that sees them
together, and the mean of the group mean what they mean in the native loop. Groups that are whole while others are being
scored make the next batch: the judge is asked for many prompts at once. Rewards run in one process of their own, in its
main thread, where their time limits act (verl's reward workers run in a thread).
"""

from __future__ import annotations

import asyncio
import atexit
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from in2x.errors import In2xError
from in2x.language.reasoning import without_reasoning
from in2x.records import Instruction
from in2x.rl.config import RlConfig
from in2x.rl.rewards.base import RewardItem
from in2x.rl.rewards.judge import open_scorer
from in2x.rl.rewards.route import Scorer, Scores
from in2x.rl.schedule import length_penalty

CONFIG = "rl.json"
"""The section `rl` of the recipe, in the folder that verl is given."""
PATIENCE = 1800.0
"""Seconds without a further answer after which a group is scored as it is: verl may lose an answer."""


@dataclass
class _Group:
    size: int
    done: asyncio.Future[list[dict[str, float]]]
    items: list[RewardItem] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    patience: asyncio.TimerHandle | None = None


class GroupScores:
    """Scores answers by group, with the rewards and lengths of the `rl.json` in a folder."""

    def __init__(self, folder: Path, model: Path) -> None:
        """Start the process of the rewards.

        Args:
            folder: holds `rl.json`; what a judge said is kept there.
            model: judges where the config names no server.

        Raises:
            In2xError: what `open_scorer` raises.
        """
        self.config = RlConfig.model_validate_json((folder / CONFIG).read_text(encoding="utf-8"))
        self._rewards = ProcessPoolExecutor(1, get_context("spawn"))
        self._rewards.submit(_open, folder, model).result()
        self._filling: dict[str, _Group] = {}
        self._whole: list[_Group] = []
        self._working: asyncio.Task[None] | None = None
        self._unrewarded = 0

    async def score(
        self, prompt: str, instruction: Instruction, size: int, answer: str, tokens: int
    ) -> dict[str, float]:
        """What one answer earns; returns when its group is scored.

        Args:
            prompt: name of the prompt in this step; answers of one name are a group.
            instruction: what was asked.
            size: answers of the group.
            answer: as sampled, control tokens taken off.
            tokens: its length.

        Returns:
            "score" (rewards and length penalty), "unscored", "length_penalty", and each reward (-1 where it does not
            apply). An answer that nothing could judge earns the mean of its group, so its advantage is 0.

        Raises:
            In2xError: no answer of a whole batch could be rewarded.
        """
        loop = asyncio.get_running_loop()
        group = self._filling.setdefault(prompt, _Group(size, loop.create_future()))
        if group.patience:
            group.patience.cancel()
        place = len(group.items)
        group.items.append(RewardItem(instruction, without_reasoning(answer).strip()))
        group.tokens.append(tokens)
        if place + 1 == group.size:
            self._close(prompt)
        else:
            group.patience = loop.call_later(PATIENCE, self._close, prompt)
        return (await group.done)[place]

    def close(self) -> None:
        """End the process of the rewards."""
        self._rewards.shutdown(cancel_futures=True)

    def _close(self, prompt: str) -> None:
        self._whole.append(self._filling.pop(prompt))
        if self._working is None:
            self._working = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while self._whole:
            groups, self._whole = self._whole, []
            items = [item for group in groups for item in group.items]
            try:
                scores = await asyncio.get_running_loop().run_in_executor(self._rewards, _score, items)
                self._go_on(scores)
            except Exception as error:  # verl decides what becomes of the run
                for group in groups:
                    group.done.set_exception(error)
                continue
            first = 0
            for group in groups:
                group.done.set_result(self._earned(scores, first, group.tokens))
                first += len(group.items)
        self._working = None

    def _go_on(self, scores: Scores) -> None:
        """Raise In2xError where a whole batch in a row could not be rewarded."""
        rewarded = any(total is not None for total in scores.total)
        self._unrewarded = 0 if rewarded else self._unrewarded + len(scores.total)
        if self._unrewarded >= self.config.prompts * self.config.samples:
            reasons = "; ".join(f"{name}: {why}" for name, why in scores.errors.items())
            raise In2xError(
                f"no answer could be rewarded in a whole batch ({reasons or 'no reward is about these prompts'})",
                mend="mend the reward and run again",
            )

    def _earned(self, scores: Scores, first: int, tokens: list[int]) -> list[dict[str, float]]:
        rows: list[dict[str, float]] = []
        longest, buffer = self.config.max_new_tokens, self.config.overlong_buffer
        for n, length in enumerate(tokens, first):
            total, penalty = scores.total[n], length_penalty(length, longest, buffer)
            parts = {name: -1.0 if values[n] is None else values[n] or 0.0 for name, values in scores.parts.items()}
            rows.append({"score": (total or 0.0) + penalty, "unscored": float(total is None),
                         "length_penalty": penalty, **parts})  # fmt: skip
        scored = [row["score"] for row in rows if not row["unscored"]]
        for row in rows:
            if row["unscored"]:
                row["score"] = sum(scored) / len(scored) if scored else 0.0
        return rows


_scorer: Scorer


def _open(folder: Path, model: Path) -> None:
    """Open the rewards in their process; they are closed when it ends."""
    global _scorer
    config = RlConfig.model_validate_json((folder / CONFIG).read_text(encoding="utf-8"))
    opened = ExitStack()
    atexit.register(opened.close)
    _scorer = opened.enter_context(open_scorer(config, folder / "judge", model, print))


def _score(items: list[RewardItem]) -> Scores:
    return asyncio.run(_scorer.score(items))
