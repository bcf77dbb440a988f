"""The judge of a run, and the scorer: its rewards by name, and the judge where one of them needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from in2x.judge.ask import Judge
from in2x.llm.cache import Cache, cache_beside
from in2x.llm.open import open_model
from in2x.rl.config import JudgeConfig, RlConfig
from in2x.rl.rewards.base import Reward
from in2x.rl.rewards.code import Code
from in2x.rl.rewards.judged import JudgedPrinciples
from in2x.rl.rewards.reliability import Reliability, read_reliability
from in2x.rl.rewards.route import Scorer
from in2x.rl.rewards.written import FILE, read_written


@contextmanager
def open_judge(
    knobs: JudgeConfig, out: Path, model: Path, say: Callable[[str], None] = lambda text: None
) -> Iterator[Judge]:
    """The judge of a stage that writes to `out`; `model` judges where the config names no server.

    Its answers are kept the moment they come, the unreadable ones too: what is asked again is answered from there, so a
    run that was killed learns from the same verdicts.

    Raises:
        In2xError: nobody answers, or the cache cannot be used.
    """
    with Cache(Path(knobs.cache) if knobs.cache else cache_beside(out, "judge-cache.sqlite"), unusable=True) as cache:
        folder = None if knobs.llm.base_url else model
        judge = Judge(open_model(knobs.llm, cache, folder, patience=knobs.patience, say=say))
        judge.check()
        yield judge


@contextmanager
def open_scorer(
    config: RlConfig, out: Path, model: Path, say: Callable[[str], None] = lambda text: None
) -> Iterator[Scorer]:
    """The scorer of `config.rewards`.

    Args:
        config: rewards and, for the reward "judged", the judge.
        out: folder of the stage, which holds the principles that the judge wrote (`written.FILE`).
        model: judges where the config names no server.
        say: is told why a reward fails, and that a judge is waited for.

    Raises:
        UsageError: an unknown reward, a weight that is not positive, a reliability file that cannot be read, or
            programs that this machine cannot confine.
        In2xError: the judge cannot be opened.
    """
    made: list[Reward] = [Code(unconfined=config.run_code_unconfined)] if Code.name in config.rewards else []
    if JudgedPrinciples.name not in config.rewards:
        yield Scorer(config.rewards, made, say=say)
        return
    knobs = config.judge
    reliability = read_reliability(Path(knobs.reliability)) if knobs.reliability else Reliability()
    written = {row.id: row.kept for row in read_written(out / FILE)} if knobs.principles != "fundamental" else {}
    with open_judge(knobs, out, model, say) as judge:
        judged = JudgedPrinciples(
            judge, written, fundamental=knobs.principles != "dynamic", tasks=knobs.tasks, mode=knobs.mode,
            group=knobs.group, reference=knobs.reference, reliability=reliability,
        )  # fmt: skip
        yield Scorer(config.rewards, [*made, judged], say=say)
