"""The scorer of a run: its rewards by name, and the judge where one of them needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from in2x.judge.ask import Judge
from in2x.llm.cache import Cache
from in2x.llm.open import open_model
from in2x.principles.dynamic import PrincipleWriter
from in2x.rl.config import RlConfig
from in2x.rl.rewards.base import Reward
from in2x.rl.rewards.code import Code
from in2x.rl.rewards.judged import JudgedPrinciples
from in2x.rl.rewards.route import Scorer


@contextmanager
def open_scorer(
    config: RlConfig, folder: Path, model: Path, say: Callable[[str], None] = lambda text: None
) -> Iterator[Scorer]:
    """The scorer of `config.rewards`.

    Args:
        config: rewards and, for the reward "judged", the judge.
        folder: scratch that outlives a kill: the judge's answers and the principles it wrote are kept there.
        model: judges where the config names no server.
        say: is told why a reward fails.

    Raises:
        UsageError: an unknown reward, a weight that is not positive, or programs that this machine cannot confine.
        In2xError: the judge cannot be opened.
    """
    made: list[Reward] = [Code(unconfined=config.run_code_unconfined)] if Code.name in config.rewards else []
    if JudgedPrinciples.name not in config.rewards:
        yield Scorer(config.rewards, made, say=say)
        return
    folder.mkdir(parents=True, exist_ok=True)
    knobs = config.judge
    with Cache(folder / "judge.cache") as cache:
        ask = Judge(open_model(knobs.llm, cache, None if knobs.llm.base_url else model))
        writer = PrincipleWriter(ask, knobs.principles, folder / "principles.jsonl") if knobs.principles else None
        judged = JudgedPrinciples(ask, writer, mode=knobs.mode, group=knobs.group, reference=knobs.reference)
        yield Scorer(config.rewards, [*made, judged], say=say)
