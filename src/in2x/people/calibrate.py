"""A judge model held against people: the same translations, the project's own question, and what sways the judge.

The judge sees all translations of a segment at once, as the reward `judged` shows them, in one order and in the
reverse; the reference is among them only if people judged it too. People's truth about a principle comes from the
questions and categories that speak of it (`calibration.yaml`); a principle that none speaks of is held against scores.

by answers   mean of the share of right verdicts where people say that the principle is kept and where they say that it
             is broken (right is "no" where it is broken, anything else where it is kept), as judge-check has it
by scores    of two translations of one segment, one kept and one broken to the judge: how often people score the kept
             one higher; from `LEAST` such pairs on
overall      all verdicts by answers together; without them how often the judge's share orders two translations as
             people's scores do, ties by half

All three are .5 for a coin and 1 for a judge that is always right, so `rl.judge.reliability` can read the file.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml

from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.evaluate.correlation import pearson_by_group
from in2x.evaluate.express.score import wilson
from in2x.evaluate.human import HumanScore
from in2x.evaluate.judge_check import Agreement
from in2x.judge.ask import Judge
from in2x.language.language import language
from in2x.llm.request import Asker
from in2x.metrics.significance import Interval, bootstrap, mean
from in2x.people.analysis.intervals import Mean, mean_by_documents
from in2x.people.analysis.rows import COUNTED, counted, main_dimension, number
from in2x.people.analysis.scores import standardised
from in2x.people.model import SCORE, SPANS, Campaign, Candidate, Item, Judgement
from in2x.principles.judged import Judgement as Verdicts
from in2x.principles.judged import Question, fundamental, judge_in_order
from in2x.principles.prompts import table
from in2x.principles.verdict import share
from in2x.records import content_id

AT_ONCE = 16
"""Segments whose questions are sent together."""
LEAST = 20
"""Pairs below which agreement by scores is not told (our choice)."""


@dataclass(frozen=True)
class Group:
    """All translations of one segment, each text once."""

    item: Item
    document: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Heard:
    """What the judge said of a group, in one order and in the reverse: text -> verdicts."""

    group: Group
    order: tuple[str, ...]
    forth: Mapping[str, Verdicts]
    back: Mapping[str, Verdicts]


@dataclass(frozen=True)
class Measured:
    """Agreement of the judge with people about one principle."""

    agreement: float
    n: int
    by: str
    """"answers" or "scores"."""
    kept: Interval | None = None
    broken: Interval | None = None


@dataclass(frozen=True)
class Calibration:
    """What `in2x people judge` writes; a figure is None where nothing was to be compared."""

    judge: str
    campaign: str
    principles: dict[str, Measured]
    overall: Measured | None
    position: Interval | None
    """Share of a translation shown first less its share shown last."""
    length: Interval | None
    """Correlation of relative length with the judge's standard share less people's standard score."""
    systems: dict[str, Mean]
    """How much better the judge likes a system than people do, in standard scores."""
    shares: dict[str, float]
    """Candidate -> share of principles kept, mean of both orders."""
    unreadable: dict[str, int] = field(default_factory=dict)
    """Why a translation has no verdict, and how often."""

    def as_json(self) -> dict[str, Any]:
        """The file: `rl.judge.reliability` reads "principles" and "overall"."""

        def row(m: Measured) -> dict[str, Any]:
            sides = {"kept": m.kept and asdict(m.kept), "broken": m.broken and asdict(m.broken)}
            return {"agreement": m.agreement, "n": m.n, "by": m.by, **sides}

        bias = {"position": self.position, "length": self.length}
        return {
            "judge": {"name": self.judge, "campaign": self.campaign, "why": self.unreadable},
            "principles": {text: row(m) for text, m in self.principles.items()},
            "overall": row(self.overall) if self.overall else {"agreement": 0.5, "n": 0, "by": "nothing"},
            "bias": {name: found and asdict(found) for name, found in bias.items()},
            "systems": {name: {"value": m.value, "low": _plain(m.low), "high": _plain(m.high), "n": m.n}
                        for name, m in self.systems.items()},
            "shares": self.shares,
        }  # fmt: skip


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else value


@cache
def _mapping() -> Mapping[str, Mapping[str, str]]:
    found = yaml.safe_load(files("in2x.people").joinpath("calibration.yaml").read_text(encoding="utf-8"))
    return dict(found)


def principle_of(name: str, lang: str, *, kind: str = "questions") -> str | None:
    """The judge's principle, in the words it is asked in, that a question ("questions") or category speaks of."""
    first = [str(next(iter(row.values()))) for row in table("judged")["principles"]["translate"]]
    told = _mapping()[kind]
    if kind == "categories":
        name = next((key for key in told if name.lower().startswith(key)), "")
    sentence = told.get(name)
    return None if sentence is None else fundamental("translate", lang)[first.index(sentence)]


def groups(campaign: Campaign, judgements: Sequence[Judgement]) -> list[Group]:
    """The segments that people judged with their translations.

    Raises:
        In2xError: the campaign holds no texts.
    """
    seen = {j.candidate for j in counted(judgements)}
    by: dict[str, Group] = {}
    for screen in campaign.screens:
        for item in screen.items:
            if item.role != "real" or screen.practice:
                continue
            own = [c for c in item.candidates if c.id in seen and c.role in COUNTED and c.text.strip()]
            before = by.get(item.segment)
            old = before.candidates if before else ()
            if (old or own) and item.source.strip():
                by[item.segment] = Group(before.item if before else item, screen.document, (*old, *own))
    if not by:
        raise In2xError("the campaign holds no texts that were judged",
                        mend="import it again with --texts, the test set with sources and outputs")  # fmt: skip
    return list(by.values())


def ask(
    asker: Asker, campaign: Campaign, listed: Sequence[Group], advance: Callable[[int], object] = lambda count: None
) -> list[Heard]:
    """Ask the judge about every group, twice; with a cache a killed run goes on where it stopped."""
    found: list[Heard] = []
    for start in range(0, len(listed), AT_ONCE):
        part = listed[start : start + AT_ONCE]
        found += asyncio.run(_ask(asker, campaign, part))
        advance(len(part))
    return found


async def _ask(asker: Asker, campaign: Campaign, part: Sequence[Group]) -> list[Heard]:
    judge = Judge(asker)
    return list(await asyncio.gather(*(_one(judge, campaign, group) for group in part)))


async def _one(judge: Judge, campaign: Campaign, group: Group) -> Heard:
    prompt = PromptProfile().prompt(Source(group.item.source, campaign.source_lang, campaign.target_lang))
    question = Question(prompt, campaign.target_lang, tuple(fundamental("translate", campaign.target_lang)))
    texts = {c.text for c in group.candidates}
    order = tuple(sorted(texts, key=lambda text: content_id(prompt, text)))  # says nothing of quality
    forth = await judge_in_order(judge, question, order)
    back = await judge_in_order(judge, question, order[::-1])
    return Heard(group, order, forth, back)


def measure(name: str, campaign: Campaign, judgements: Sequence[Judgement], heard: Sequence[Heard]) -> Calibration:
    """Hold what the judge said against what people said."""
    principles = fundamental("translate", campaign.target_lang)
    human = _people(judgements)
    truth = _truth(judgements, campaign.target_lang)
    kept: dict[str, list[bool]] = defaultdict(list)
    broken: dict[str, list[bool]] = defaultdict(list)
    ordered: dict[str, list[float]] = defaultdict(list)
    overall: list[float] = []
    position: list[float] = []
    shares: dict[str, float] = {}
    why: dict[str, int] = defaultdict(int)
    for one in heard:
        for verdicts in (one.forth, one.back):
            for text in one.order:
                if verdicts[text].fault:
                    why[verdicts[text].fault] += 1
        position += _position(one)
        for c in one.group.candidates:
            told = [share(v[c.text].verdicts) for v in (one.forth, one.back) if not v[c.text].fault]
            both = [s for s in told if s is not None]
            if both:
                shares[c.id] = sum(both) / len(both)
            for principle, verdict in zip(principles, one.forth[c.text].verdicts, strict=False):
                said = truth.get((principle, c.id))
                if said is not None:
                    (kept if said else broken)[principle].append((verdict.kept is False) is not said)
        scored = [c for c in one.group.candidates if c.id in human]
        for i, a in enumerate(scored):
            for b in scored[:i]:
                gap = human[a.id] - human[b.id]
                if gap == 0 or a.text == b.text:
                    continue
                better, worse = (a, b) if gap > 0 else (b, a)
                if better.id in shares and worse.id in shares:
                    more = shares[better.id] - shares[worse.id]
                    overall.append(0.5 if more == 0 else float(more > 0))
                both_said = (one.forth[better.text].verdicts, one.forth[worse.text].verdicts)
                for principle, up, down in zip(principles, *both_said, strict=False):
                    if {up.kept, down.kept} == {True, False}:
                        ordered[principle].append(float(bool(up.kept)))
    found: dict[str, Measured] = {}
    for principle in principles:
        answers = Agreement(_rate(kept[principle]), _rate(broken[principle]))
        if answers.agreement is not None:
            found[principle] = Measured(answers.agreement, answers.n, "answers", answers.kept, answers.broken)
        elif len(ordered[principle]) >= LEAST:
            found[principle] = Measured(float(np.mean(ordered[principle])), len(ordered[principle]), "scores")
    pooled = Agreement(_rate([v for p in kept for v in kept[p]]), _rate([v for p in broken for v in broken[p]]))
    whole = None
    if pooled.agreement is not None:
        whole = Measured(pooled.agreement, pooled.n, "answers", pooled.kept, pooled.broken)
    elif overall:
        whole = Measured(float(np.mean(overall)), len(overall), "scores")
    length, systems = _sways(campaign, heard, human, shares)
    first = bootstrap(mean(position)) if position else None
    return Calibration(name, campaign.id, found, whole, first, length, systems, shares, dict(why))


def _people(judgements: Sequence[Judgement]) -> dict[str, float]:
    """Candidate -> people's mean standard score in the main dimension (standard by annotator for scores)."""
    main = main_dimension(judgements)
    rows = [(j, value) for j in counted(judgements) if j.dimension == main and (value := number(j)) is not None]
    scores = [HumanScore(j.system, j.segment, j.document, value, j.annotator) for j, value in rows]
    if main in (SCORE, SPANS):
        scores = standardised(scores)
    by: dict[str, list[float]] = defaultdict(list)
    for (j, _), s in zip(rows, scores, strict=True):
        by[j.candidate].append(s.score)
    return {name: sum(values) / len(values) for name, values in by.items()}


def _truth(judgements: Sequence[Judgement], lang: str) -> dict[tuple[str, str], bool]:
    """(principle, candidate) -> whether people say that it is kept, by majority; ties say nothing."""
    votes: dict[tuple[str, str], list[float]] = defaultdict(list)
    rows = counted(judgements)
    spoken = {p for j in rows for s in j.spans if (p := principle_of(s.category, lang, kind="categories"))}
    for j in rows:
        if j.dimension == SPANS:
            own = {p for s in j.spans if (p := principle_of(s.category, lang, kind="categories"))}
            for principle in spoken:
                votes[principle, j.candidate].append(0.0 if principle in own else 1.0)
        elif j.worth is not None and (asked := principle_of(j.dimension, lang)) is not None:
            votes[asked, j.candidate].append(j.worth)
    means = {key: sum(v) / len(v) for key, v in votes.items()}
    return {key: value > 0.5 for key, value in means.items() if value != 0.5}


def _position(one: Heard) -> list[float]:
    """For the ends of the order: the share when shown first less that when shown last."""
    if len(one.order) < 2:
        return []
    found = []
    for text, first, last in ((one.order[0], one.forth, one.back), (one.order[-1], one.back, one.forth)):
        if not first[text].fault and not last[text].fault:
            a, b = share(first[text].verdicts), share(last[text].verdicts)
            if a is not None and b is not None:
                found.append(a - b)
    return found


def _sways(
    campaign: Campaign, heard: Sequence[Heard], human: Mapping[str, float], shares: Mapping[str, float]
) -> tuple[Interval | None, dict[str, Mean]]:
    """(correlation of relative length with the judge's surplus, that surplus by system)."""
    both = [(one.group, c) for one in heard for c in one.group.candidates if c.id in human and c.id in shares]
    if len(both) < 3:
        return None, {}
    judge, people = (np.array([values[c.id] for _, c in both]) for values in (shares, human))
    if not judge.std() or not people.std():
        return None, {}
    surplus = (judge - judge.mean()) / judge.std() - (people - people.mean()) / people.std()
    weigh = language(campaign.target_lang).weigh
    sizes = np.array([np.log(weigh(c.text) + 4.0) for _, c in both])
    segments = [g.item.segment for g, _ in both]
    usual = {name: np.mean([s for s, other in zip(sizes, segments, strict=True) if other == name]) for name in segments}
    relative = sizes - np.array([usual[name] for name in segments])
    length = None
    if relative.std() > 1e-9 and len(usual) > 2:
        length = bootstrap(pearson_by_group(relative[:, None], surplus[:, None], segments))
    documents = [g.document for g, _ in both]
    systems = {}
    for name in sorted({c.system for _, c in both}):
        own = [i for i, (_, c) in enumerate(both) if c.system == name]
        systems[name] = mean_by_documents(surplus[own], [documents[i] for i in own])
    return length, systems


def _rate(values: Sequence[bool]) -> Interval | None:
    return wilson(sum(values), len(values)) if values else None
