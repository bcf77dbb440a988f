"""How good is a judge? It judges good answers and faulty ones, and the faults are known.

Each pair makes one group: its target, the target with each fault that it allows (`planted.py`), and the target said
twice. The judge is asked the project's own question (`principles/judged.py`) three times: in one order, in the reverse
order, and in the first order once more as another sample. Its reference is never shown.

agreement     of a principle: the mean of the share of right verdicts where it is kept (targets) and where it is broken
              (answers with a fault that breaks it), so that a judge who always says yes, or always no, has .5; right is
              "no" where it is broken, and anything else where it is kept. A principle that no fault breaks has none.
faults        how often the share of kept principles is lower for the faulty answer than for the target
position      mean share of the target shown first less that of the target shown last, from -1 to 1
length        how often the target said twice has a higher share than the target said once
consistency   share of verdicts that are the same when the same question is asked again
unreadable    share of answers without a verdict

Shares have Wilson's 95% interval, the position a bootstrap one. What is asked twice of one pair is not independent, so
only the first asking counts for agreement and faults.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.evaluate.express.score import wilson
from in2x.evaluate.planted import FAULTS, Planted, broken_by
from in2x.judge.ask import Judge
from in2x.llm.request import Advance, Answer, Asker, Request
from in2x.metrics.significance import Interval, bootstrap, mean
from in2x.principles.judged import Judgement, Question, fundamental, judge_in_order
from in2x.principles.verdict import share
from in2x.records import content_id

AT_ONCE = 32
"""Pairs whose questions are sent together."""
_AGAIN = 1000
"""Added to the number of the sample where a question is asked again, beyond what a retry adds."""


@dataclass(frozen=True)
class Agreement:
    """How often the judge is right about one principle."""

    kept: Interval | None
    """Where it is kept."""
    broken: Interval | None
    """Where a planted fault breaks it."""

    @property
    def agreement(self) -> float | None:
        """The mean of both; None where one of them is missing."""
        return None if self.kept is None or self.broken is None else (self.kept.value + self.broken.value) / 2

    @property
    def n(self) -> int:
        """Verdicts."""
        return sum(part.n for part in (self.kept, self.broken) if part is not None)


@dataclass(frozen=True)
class JudgeCheck:
    """See the module docstring; a figure is None where nothing was judged."""

    judge: str
    pairs: int
    principles: dict[str, Agreement]
    overall: Agreement
    faults: dict[str, Interval]
    """Kind of fault -> how often the judge's share fell."""
    position: Interval | None
    length: Interval | None
    consistency: Interval | None
    unreadable: Interval | None
    why: dict[str, int] = field(default_factory=dict)
    """Why answers have no verdict, and how many."""

    def as_json(self) -> dict[str, Any]:
        """What a file of this check holds; `rl` weighs a judge's principles by it."""
        rows = {text: a for text, a in self.principles.items() if a.agreement is not None}

        def row(a: Agreement) -> dict[str, Any]:
            sides = {"kept": a.kept and asdict(a.kept), "broken": a.broken and asdict(a.broken)}
            return {"agreement": a.agreement, "n": a.n, **sides}

        bias = {name: getattr(self, name) for name in ("position", "length", "consistency", "unreadable")}
        return {
            "judge": {"name": self.judge, "pairs": self.pairs, "why": self.why},
            "principles": {text: row(a) for text, a in rows.items()},
            "overall": row(self.overall),
            "faults": {kind: asdict(fell) for kind, fell in self.faults.items()},
            "bias": {name: found and asdict(found) for name, found in bias.items()},
        }


class _OnceMore:
    """The same model, asked for another sample: a cache must not answer for it."""

    def __init__(self, asker: Asker) -> None:
        self._asker, self.name, self.usage = asker, asker.name, asker.usage

    def ask_all(self, requests: Iterable[Request], advance: Advance | None = None) -> Iterator[Answer]:
        return self._asker.ask_all((replace(r, sample=r.sample + _AGAIN) for r in requests), advance)


@dataclass(frozen=True)
class _Told:
    """What a judge said of one group."""

    planted: Planted
    principles: tuple[str, ...]
    forth: Mapping[str, Judgement]
    back: Mapping[str, Judgement]
    again: Mapping[str, Judgement]
    first: str
    last: str
    """The answers shown first and last in `forth`; `back` has them the other way round."""


def check_judge(
    asker: Asker, planted: Sequence[Planted], advance: Callable[[int], object] = lambda count: None
) -> JudgeCheck:
    """Ask `asker` about all of `planted`; with a cache a killed check goes on where it stopped.

    Raises:
        In2xError: the judge cannot be asked at all.
    """
    told: list[_Told] = []
    for start in range(0, len(planted), AT_ONCE):
        told += asyncio.run(_ask(asker, planted[start : start + AT_ONCE]))
        advance(len(planted[start : start + AT_ONCE]))
    return _measure(asker.name, told)


async def _ask(asker: Asker, planted: Sequence[Planted]) -> list[_Told]:
    judge, second = Judge(asker), Judge(_OnceMore(asker))
    return list(await asyncio.gather(*(_one(judge, second, group) for group in planted)))


async def _one(judge: Judge, second: Judge, planted: Planted) -> _Told:
    pair = planted.pair
    prompt = PromptProfile().prompt(Source.of_pair(pair))
    principles = tuple(fundamental("translate", pair.tgt_lang))
    question = Question(prompt, pair.tgt_lang, principles)
    # The target stands first in half of the groups, last in the others; the rest in an order that says nothing.
    others = sorted(set(planted.answers) - {pair.target}, key=lambda text: content_id(prompt, text))
    ahead = int(content_id("ahead", prompt), 16) % 2 == 0
    order = [pair.target, *others] if ahead else [*others, pair.target]
    # One after the other: `Judge` sends what comes at one time as one stream, and each stream keeps its order.
    forth = await judge_in_order(judge, question, order)
    back = await judge_in_order(judge, question, order[::-1])
    again = await judge_in_order(second, question, order)
    return _Told(planted, principles, forth, back, again, order[0], order[-1])


def _measure(name: str, told: Sequence[_Told]) -> JudgeCheck:
    kept: dict[str, list[bool]] = {}
    broken: dict[str, list[bool]] = {}
    fell: dict[str, list[bool]] = {}
    position: list[float] = []
    longer: list[bool] = []
    same: list[bool] = []
    for group in told:
        pair = group.planted.pair
        good = group.forth[pair.target]
        for principle, verdict in zip(group.principles, good.verdicts, strict=False):
            kept.setdefault(principle, []).append(verdict.kept is not False)
        for fault, answer in group.planted.faults.items():
            by_name = dict(zip(group.principles, group.forth[answer].verdicts, strict=False))
            for principle in broken_by(fault, pair.tgt_lang):
                if principle in by_name:
                    broken.setdefault(principle, []).append(by_name[principle].kept is False)
            worse, better = _share(group.forth[answer]), _share(good)
            if worse is not None and better is not None:
                fell.setdefault(fault, []).append(worse < better)
        position += _position(group)
        twice, once = _share(group.forth[group.planted.padded]), _share(good)
        if twice is not None and once is not None:
            longer.append(twice > once)
        for answer, judgement in group.forth.items():
            pairs = zip(judgement.verdicts, group.again[answer].verdicts, strict=False)
            same += [one.kept is other.kept for one, other in pairs]
    askings = [
        found for group in told for asking in (group.forth, group.back, group.again) for found in asking.values()
    ]
    why: dict[str, int] = {}
    for judgement in askings:
        if judgement.fault:
            why[judgement.fault] = why.get(judgement.fault, 0) + 1
    principles = {text: Agreement(_rate(kept[text]), _rate(broken.get(text, []))) for text in kept}
    everything = Agreement(_rate([v for text in broken for v in kept.get(text, [])]),
                           _rate([v for values in broken.values() for v in values]))  # fmt: skip
    return JudgeCheck(
        name, len(told), principles, everything,
        {kind: wilson(sum(fell[kind]), len(fell[kind])) for kind in FAULTS if fell.get(kind)},
        bootstrap(mean(position)) if position else None, _rate(longer), _rate(same),
        _rate([bool(judgement.fault) for judgement in askings]), why,
    )  # fmt: skip


def _position(group: _Told) -> list[float]:
    """Share of an answer shown first less its share shown last, for the target."""
    target = group.planted.pair.target
    one, other = (group.forth, group.back) if group.first == target else (group.back, group.forth)
    first, last = _share(one[target]), _share(other[target])
    return [] if first is None or last is None else [first - last]


def _share(judgement: Judgement) -> float | None:
    return None if judgement.fault else share(judgement.verdicts)


def _rate(values: Sequence[bool]) -> Interval | None:
    return wilson(sum(values), len(values)) if values else None
