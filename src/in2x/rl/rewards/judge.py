"""The judge of a run, and the scorer: its rewards by name, and the judge where one of them needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from in2x.errors import In2xError
from in2x.judge.ask import Judge
from in2x.llm.cache import Cache, cache_beside
from in2x.llm.open import open_model
from in2x.rl.config import RlConfig
from in2x.rl.rewards.base import Reward
from in2x.rl.rewards.code import Code
from in2x.rl.rewards.judged import JudgedPrinciples
from in2x.rl.rewards.reliability import Reliability, read_reliability
from in2x.rl.rewards.route import Scorer
from in2x.rl.rewards.written import FILE, read_written


@contextmanager
def open_judge(
    config: RlConfig, out: Path, model: Path, say: Callable[[str], None] = lambda text: None
) -> Iterator[Judge | None]:
    """The judge of a stage that writes to `out`; None where no reward asks one.

    Its answers are kept the moment they come, the unreadable ones too: what is asked again is answered from there, so a
    run that was killed learns from the same verdicts.

    Args:
        config: rewards, and the judge.
        out: folder of the stage.
        model: judges where the config names no server.
        say: is told when a judge is waited for.

    Raises:
        UsageError: the file of its reliability cannot be read.
        In2xError: nobody answers, or the cache cannot be used.
    """
    if JudgedPrinciples.name not in config.rewards:
        yield None
        return
    knobs = config.judge
    _reliability(config)
    with Cache(Path(knobs.cache) if knobs.cache else cache_beside(out, "judge-cache.sqlite"), unusable=True) as cache:
        folder = None if knobs.llm.base_url else model
        judge = Judge(open_model(knobs.llm, cache, folder, patience=knobs.patience, say=say))
        judge.check()
        try:
            yield judge
        except In2xError:  # another question may be under way: its answer belongs into the cache
            judge.finish()
            raise


def make_scorer(
    config: RlConfig, judge: Judge | None, out: Path, say: Callable[[str], None] = lambda text: None
) -> Scorer:
    """The scorer of `config.rewards`.

    Args:
        config: rewards.
        judge: for the reward "judged" (`open_judge`).
        out: folder of the stage, which holds the principles that the judge wrote (`written.FILE`).
        say: is told why a reward fails.

    Raises:
        UsageError: an unknown reward, a weight that is not positive, or programs that this machine cannot confine.
    """
    made: list[Reward] = [Code(unconfined=config.run_code_unconfined)] if Code.name in config.rewards else []
    if judge is not None:
        knobs = config.judge
        written = {row.id: row.kept for row in read_written(out / FILE)} if knobs.principles != "fundamental" else {}
        judged = JudgedPrinciples(
            judge, written, fundamental=knobs.principles != "dynamic", tasks=knobs.tasks, mode=knobs.mode,
            group=knobs.group, reference=knobs.reference, reliability=_reliability(config),
        )  # fmt: skip
        made.append(judged)
    return Scorer(config.rewards, made, say=say)


def _reliability(config: RlConfig) -> Reliability:
    file = config.judge.reliability
    return read_reliability(Path(file)) if file else Reliability()


@contextmanager
def open_scorer(
    config: RlConfig, out: Path, model: Path, say: Callable[[str], None] = lambda text: None
) -> Iterator[Scorer]:
    """`make_scorer` with the judge that it needs, for a process of its own (`open_judge`)."""
    with open_judge(config, out, model, say) as judge:
        yield make_scorer(config, judge, out, say)
