"""Agreement with the other answers to the same prompt: the utility of minimum Bayes risk decoding, as a reward.

One reference is one draw from all that could have been said; the other answers stand for the rest. So training on it
brings greedy decoding nearer to the choice of MBR decoding, which Finkelstein and Freitag (2023) reach by fine-tuning
on that choice (as a reward within the group: our choice). It needs no reference and pays for what is usual: mix it with
a reward that knows what is right, and watch the entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from in2x.metrics.chrf import expected_utility, sentence_chrf
from in2x.principles.case import is_translation
from in2x.rl.rewards.base import RewardItem, Sight, Value


class Consensus:
    """Items with a "translation" verifier that stand beside other answers to their prompt; others are left out."""

    name = "consensus"
    sees: Sight = "peers"
    signature = "chrF2 among the answers of a prompt"

    async def __call__(self, items: Sequence[RewardItem]) -> list[Value]:
        """Mean chrF2 / 100 of each answer, as hypothesis, against each other answer to its prompt."""
        values: list[Value] = []
        for _, group in groupby(items, key=lambda item: item.instruction.id):
            beside = list(group)
            if len(beside) < 2 or not is_translation(beside[0].instruction):
                values += [None] * len(beside)
            else:
                values += _agreement([item.answer for item in beside])
        return values


def _agreement(answers: list[str]) -> list[float]:
    different = list(dict.fromkeys(answers))  # of which there are few at low temperatures
    agreed = dict(zip(different, expected_utility(different, answers), strict=True))
    count = len(answers)
    return [float(count * agreed[answer] - sentence_chrf(answer, answer)) / (count - 1) / 100 for answer in answers]
