"""A learned metric as reward: "comet:MODEL", "metricx:MODEL", and with "-src" (comet-src:MODEL) without reference.

Never let one metric be reward and yardstick at once: what is rewarded here must not be the metric that decides.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from in2x.errors import UsageError
from in2x.principles.case import is_translation
from in2x.rl.rewards.base import RewardItem, Sight, Value

LEARNED = ("comet", "comet-src", "metricx", "metricx-src")
_ONE_AT_A_TIME = threading.Lock()


class Learned:
    """Items with a "translation" verifier; with reference only where there is one.

    Values: COMET as the model gives it (about 0 to 1), MetricX as 1 - error / 25.
    """

    def __init__(self, name: str) -> None:
        """`name`: "KIND:MODEL", MODEL a hub name or folder. The model is loaded at the first batch.

        Raises:
            UsageError: another kind, or no model.
        """
        self.name = name
        kind, _, self.model = name.partition(":")
        if kind not in LEARNED or not self.model:
            raise UsageError(
                f"{name!r} names no learned metric", mend=f"use KIND:MODEL with one of {', '.join(LEARNED)}"
            )
        self.kind, self.free = kind.removesuffix("-src"), kind.endswith("-src")
        self.sees: Sight = "meaning" if self.free else "reference"

    async def __call__(self, items: Sequence[RewardItem]) -> list[Value]:
        """One score per item, computed in a thread, each distinct answer once."""
        values: list[Value] = [None] * len(items)
        wanted: dict[tuple[str, str, str | None], list[int]] = {}
        for index, item in enumerate(items):
            reference = None if self.free else item.case.reference
            if is_translation(item.instruction) and item.case.source and (self.free or reference):
                wanted.setdefault((item.case.source, item.answer, reference), []).append(index)
        if wanted:
            scores = await asyncio.to_thread(self._score, list(wanted))
            for where, score in zip(wanted.values(), scores, strict=True):
                for index in where:
                    values[index] = score
        return values

    def _score(self, triples: list[tuple[str, str, str | None]]) -> list[float]:
        import torch

        from in2x.metrics.learned import statistics  # heavy: transformers and a model

        sources, hypotheses = [source for source, _, _ in triples], [answer for _, answer, _ in triples]
        references = None if self.free else [reference or "" for _, _, reference in triples]
        # Loading a model is not safe in two threads at once, and may draw random numbers, which are the training's.
        with _ONE_AT_A_TIME, torch.random.fork_rng():
            found = statistics(self.kind, self.model, sources, hypotheses, references).segments
        return [1 + float(score) / 25 if self.kind == "metricx" else float(score) for score in found]
