"""Which measures a reward pays for: those may rise with the reward and prove nothing.

A reward covers a measure where it is that measure, or so near it that gaming one games the other: chrF stands for
chrF++, consensus is chrF among a group's answers, and a learned metric stands for every model of its kind, for those
are trained on the same human judgements (our choice).
"""

from __future__ import annotations

from collections.abc import Sequence

from in2x.errors import UsageError
from in2x.metrics.strings import METRICS
from in2x.principles.fundamental import PRINCIPLES

ANY_PRINCIPLE = "principle/"
_CHRF = frozenset({"chrF", "chrF++"})
_NAMED: dict[str, frozenset[str]] = {
    **{metric.lower(): _CHRF if metric in _CHRF else frozenset({metric}) for metric in METRICS},
    "consensus": _CHRF,
    "adequacy": _CHRF | {"BLEU"},  # likeness to the reference in words: every string measure rises with it
    "principles": frozenset({ANY_PRINCIPLE}),
    **{principle.name: frozenset({ANY_PRINCIPLE + principle.name}) for principle in PRINCIPLES},
    "judged": frozenset({ANY_PRINCIPLE + "register", ANY_PRINCIPLE + "natural"}),  # its sentences ask for these
    # they pay for results of mathematics, choices, code, forms and micro-world meanings: no measure is one of these
    **dict.fromkeys(("number", "choice", "exact", "set", "contains", "format", "code", "world"), frozenset[str]()),
}
_LEARNED = ("comet", "metricx")


def covered(reward: str) -> frozenset[str]:
    """Measures that a reward pays for, by name; "principle/" stands for every principle, "comet:" for every COMET.

    Args:
        reward: as a recipe names it ("bleu:none", "consensus", "register", "comet-src:MODEL"), or a measure of the
            audit ("principle/register").

    Raises:
        UsageError: there is no such reward.
    """
    kind, colon, _ = reward.lower().partition(":")
    if colon and kind.removesuffix("-src") in _LEARNED:
        return frozenset({kind.removesuffix("-src") + ":"})
    if reward.startswith(ANY_PRINCIPLE):
        kind = reward.removeprefix(ANY_PRINCIPLE)
    if kind not in _NAMED:
        known = ", ".join(_NAMED)
        raise UsageError(f"there is no reward {reward!r}", mend=f"use {known}, comet:MODEL or metricx:MODEL")
    return _NAMED[kind]


def is_rewarded(measure: str, rewards: Sequence[str]) -> bool:
    """Whether one of `rewards` pays for `measure` (a name of the audit's: "BLEU", "principle/register", "comet:X")."""
    kind, colon, _ = measure.partition(":")
    family = f"{kind.removesuffix('-src')}:" if colon else ANY_PRINCIPLE if measure.startswith(ANY_PRINCIPLE) else ""
    paid = frozenset[str]().union(*map(covered, rewards))
    return measure in paid or family in paid
