"""What of the stage rl can be refused from the recipe alone, before any stage has run."""

from __future__ import annotations

from in2x.errors import In2xError, UsageError
from in2x.llm.client import Client
from in2x.rl.config import RlConfig
from in2x.rl.rewards.code import Code
from in2x.rl.rewards.judged import JudgedPrinciples
from in2x.rl.rewards.registry import make_reward


def check_rl(config: RlConfig) -> list[str]:
    """Look at the rewards, the judge and the backend that a recipe names; returns warnings, a sentence each.

    Raises:
        UsageError: an unknown reward, programs that this machine cannot confine, or a knob that the backend has not.
    """
    for name in config.rewards:
        if name == Code.name:
            Code(unconfined=config.run_code_unconfined)
        elif name != JudgedPrinciples.name:
            make_reward(name)
    if config.backend == "trl":
        check_trl(config)
    return judge_warnings(config) if JudgedPrinciples.name in config.rewards else []


def check_trl(config: RlConfig) -> None:
    """Raise UsageError where the recipe asks for what the `trl` backend does not have."""
    for wrong, what in (
        (config.optimizer.name != "adamw", "rl.optimizer.name other than adamw"),
        (config.optimizer.ema > 0, "rl.optimizer.ema"),
        (config.sft_weight > 0, "rl.sft_weight"),
    ):
        if wrong:
            raise UsageError(f"{what} belongs to the native backend", mend="leave it out or set rl.backend: native")


def judge_warnings(config: RlConfig) -> list[str]:
    """What stands against asking the judge now. Its server may be started later, so none of it is an error."""
    llm = config.judge.llm
    if not llm.base_url:
        return ["the reward judged has no server (rl.judge.llm.base_url): the model that SFT made judges itself"]
    try:
        listed = Client(llm.model_copy(update={"attempts": 1, "timeout": 5.0})).models()
    except In2xError as error:
        return [f"the judge at {llm.base_url} does not answer ({error.what})"]
    if llm.model not in listed:
        return [f"the judge at {llm.base_url} lists no model {llm.model!r}, only {', '.join(listed)}"]
    return []
