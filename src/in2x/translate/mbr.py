"""Minimum Bayes risk decoding: of several sampled translations, the one that the others agree with most.

The expected utility of a candidate is its mean chrF against all samples, which stand for what the model believes
(the system paper's submission was decoded so, METHOD 7; its utility is not given, chrF is our choice). Samples of
several systems stand for what all of them believe, each with the same voice. A metric that chooses must not be the one
that judges: report other metrics too, and with MBR off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from in2x.chat.source import Source
from in2x.metrics.chrf import SIGNATURE, expected_utility
from in2x.translate.backend import Backend, Done, Translation
from in2x.translate.request import TranslationRequest

UTILITY = f"chrF2|{SIGNATURE}"
"""The utility that chooses."""


def consensus(candidates: Sequence[str], samples: Sequence[str] = ()) -> str:
    """The candidate of the highest expected utility over `samples` (without any, over all candidates).

    Of equal ones the first. A candidate that several systems gave counts once to be chosen and each time to agree.
    """
    different = list(dict.fromkeys(candidates))
    return different[int(expected_utility(different, samples or candidates).argmax())]


class MbrBackend:
    """A translator that samples answers of one or several systems and returns the best by expected utility.

    Args:
        translators: where the answers come from, in this process or at servers.
        samples: how many of each, at least 2, beside its greedy one.
        temperature: they are drawn at. 1 is the model's own distribution.
    """

    signature = f"mbr|{UTILITY}"
    """What chooses, for whoever keeps or reports what was chosen."""

    def __init__(self, translators: Sequence[Backend], samples: int, temperature: float = 1.0) -> None:
        self.translators, self.samples, self.temperature = translators, samples, temperature

    def translations(
        self, sources: Sequence[str | Source], request: TranslationRequest, done: Done | None = None
    ) -> list[Translation]:
        """One translation for each source; of equal ones a greedy, then the first drawn, in the order of the systems.

        Only whole answers are chosen from; where there is none the first system's greedy one stands, with its fault.
        """
        questions = request.sources(sources)
        greedy: list[list[Translation]] = [[] for _ in sources]
        drawn: list[list[Translation]] = [[] for _ in sources]
        for number, translator in enumerate(self.translators):
            for place, one in enumerate(translator.translations(sources, replace(request, temperature=0.0))):
                greedy[place].append(one)
            # Seeds of their own: models of one kind would draw nearly the same with the same numbers.
            drawing = replace(request, temperature=self.temperature, seed=request.seed + number * self.samples)
            last = number + 1 == len(self.translators)
            for place, some in enumerate(translator.candidates(sources, drawing, self.samples, done if last else None)):
                drawn[place] += some
        return [self._chosen(*three) for three in zip(questions, greedy, drawn, strict=True)]

    def _chosen(self, source: Source, greedy: Sequence[Translation], drawn: Sequence[Translation]) -> Translation:
        samples = [one.text for one in drawn if not one.fault]
        candidates = [one.text for one in greedy if not one.fault] + samples
        return Translation(self._choice(source, candidates, samples)) if candidates else greedy[0]

    def _choice(self, source: Source, candidates: Sequence[str], samples: Sequence[str]) -> str:
        """The best of `candidates`, of which `samples` are those that were drawn."""
        return consensus(candidates, samples)
