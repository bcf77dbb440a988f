"""Rewards by the name that a recipe gives."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial

from sacrebleu.metrics.bleu import BLEU

from in2x.errors import UsageError
from in2x.principles.fundamental import PRINCIPLES
from in2x.rl.rewards.adequacy import Adequacy
from in2x.rl.rewards.base import Reward
from in2x.rl.rewards.bleu import Bleu
from in2x.rl.rewards.choice import Choice
from in2x.rl.rewards.chrf import Chrf
from in2x.rl.rewards.code import Code
from in2x.rl.rewards.consensus import Consensus
from in2x.rl.rewards.format import Format
from in2x.rl.rewards.judged import JudgedPrinciples
from in2x.rl.rewards.learned import LEARNED, Learned
from in2x.rl.rewards.number import NumberReward
from in2x.rl.rewards.principle_share import PrincipleShare, SinglePrinciple
from in2x.rl.rewards.wording import Contains, Exact, SetMatch
from in2x.rl.rewards.world import World

REWARDS: dict[str, Callable[[], Reward]] = {
    "adequacy": Adequacy,
    "chrf": Chrf,
    "bleu": Bleu,
    "consensus": Consensus,
    "principles": PrincipleShare,
    "number": NumberReward,
    "choice": Choice,
    "exact": Exact,
    "set": SetMatch,
    "contains": Contains,
    "format": Format,
    "code": Code,
    "world": World,
    **{principle.name: partial(SinglePrinciple, principle.name) for principle in PRINCIPLES},
}
"""Name -> factory. The names of the principles (language, register, length, ...) are gates of one principle each."""


def make_reward(name: str) -> Reward:
    """The reward called `name`.

    "bleu:TOKENISER" is BLEU under a tokeniser of sacrebleu's; "comet:MODEL", "metricx:MODEL" (and "-src" without
    reference) are learned metrics.

    Raises:
        UsageError: there is none of that name (the nearest is named).
    """
    if name.partition(":")[0] in LEARNED and ":" in name:
        return Learned(name)
    kind, _, tokeniser = name.partition(":")
    if kind == "bleu" and tokeniser in BLEU.TOKENIZERS:
        return Bleu(tokeniser)
    if name == JudgedPrinciples.name:
        raise UsageError(f"the reward {name!r} needs a judge", mend="use it in the rl stage, which opens rl.judge")
    if name not in REWARDS:
        near = difflib.get_close_matches(name, REWARDS, n=1)
        raise UsageError(
            f"there is no reward {name!r}",
            mend=f"did you mean {near[0]!r}" if near else f"use one of {', '.join(REWARDS)}",
        )
    return REWARDS[name]()
