"""Ask again for what the checks find fault with, and keep the best attempt.

Only a line with a critical or major finding, or one that leaves an agreed voice, is asked for again, with its attempt
and the finding in the question where the model's profile has words for that (`Source.attempt`, `.finding`); a model
that takes none draws another answer. Of all attempts the one with the fewest and least severe findings stays, and of
equal ones the first: an attempt to mend that harms is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from in2x.chat.source import Source
from in2x.formats.document import Text
from in2x.translate.findings import Finding, weight

AGREED = frozenset({"first person", "address", "titles"})
"""Minor findings that are mended too: what the characters file says of a voice was agreed on."""


def failing(findings: Iterable[Finding]) -> bool:
    """Whether a translation with these findings is to be asked for again."""
    return any(finding.severity != "minor" or finding.principle in AGREED for finding in findings)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer to one question, read and checked."""

    text: Text
    said: str
    """As the model wrote it, placeholders and all."""
    findings: tuple[Finding, ...] = ()
    fault: str = ""
    """Why it is no translation."""
    unasked: bool = False
    """The fault is not the model's."""

    @property
    def failing(self) -> bool:
        """Whether it is to be asked for again."""
        return failing(self.findings)

    @property
    def cost(self) -> tuple[bool, int]:
        """Less is better."""
        return bool(self.fault), weight(list(self.findings))


@dataclass(slots=True)
class Line:
    """One question on its way: its best attempt so far, and what was spent on it."""

    question: Source
    best: Attempt
    repairs: int = 0
    repaired: tuple[str, ...] = ()
    """Principles that an earlier attempt broke and the best one keeps."""


def mend(
    lines: Sequence[Line],
    ask: Callable[[list[Line], list[Source], int], list[Attempt]],
    most: int,
    resample: bool = False,
) -> None:
    """Ask again for the failing ones of `lines`, at most `most` times each, and put the best attempt in its place.

    Args:
        lines: with their first attempts.
        ask: answers a question for each line; it is told which round of asking this is, from 1.
        most: rounds.
        resample: draw other answers instead of telling the model what is wrong; then also for what is no translation.
    """
    for number in range(1, most + 1):
        left = [
            line for line in lines
            if line.repairs < most and not line.best.unasked
            and (line.best.failing if not line.best.fault else resample)
        ]  # fmt: skip
        if not left:
            return
        questions = [line.question if resample else told(line.question, line.best) for line in left]
        for line, attempt in zip(left, ask(left, questions, number), strict=True):
            line.repairs += 1
            if attempt.cost < line.best.cost:
                gone = {finding.principle for finding in line.best.findings}
                gone -= {finding.principle for finding in attempt.findings}
                line.repaired = tuple(dict.fromkeys((*line.repaired, *sorted(gone))))
                line.best = attempt


def told(question: Source, attempt: Attempt) -> Source:
    """`question` with what is wrong with `attempt`, the worst first."""
    worst = sorted(attempt.findings, key=lambda finding: -weight([finding]))
    return replace(question, attempt=attempt.said, finding="; ".join(finding.why for finding in worst))
