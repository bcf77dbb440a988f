"""Everything that follows from the judgements of a campaign, in one record: `analyse`."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from in2x.errors import In2xError
from in2x.evaluate.clusters import ALPHA
from in2x.evaluate.human import HumanScore, ScoreTable, tabulate
from in2x.people.analysis import power
from in2x.people.analysis.agreement import Alpha, Overlap, alpha, span_overlap
from in2x.people.analysis.annotators import Annotator, Rules, annotators, read_rules
from in2x.people.analysis.answers import Answers, answers
from in2x.people.analysis.intervals import mean_by_documents
from in2x.people.analysis.machines import METRICS, ByPhenomenon, machines
from in2x.people.analysis.mixed import Contrast, Mixed, fit_mixed
from in2x.people.analysis.preference import Preferences, preferences
from in2x.people.analysis.ranks import Ranking, rank
from in2x.people.analysis.reading import Odd, to_read
from in2x.people.analysis.rows import counted, main_dimension, questions, scored
from in2x.people.analysis.scores import standardised, system_means
from in2x.people.model import CANNOT_TELL, RANK, SCORE, SPANS, Campaign, Judgement

TWICE = 0.2
"""Share of translations judged twice below which agreement says little (99.6% of WMT24's were judged once)."""
EFFECTS = {SCORE: (3.0, 2.0, 1.0), SPANS: (2.0, 1.0, 0.5)}
"""Differences for which needed segments are told, by dimension; for the worth of answers `WORTHS`."""
MANY = 12
"""Annotators up to whom signs of haste and the like are told one by one among the notes."""
WORTHS = (0.1, 0.05, 0.02)


@dataclass(frozen=True)
class System:
    """One system in the main dimension."""

    system: str
    mean: float
    """Over all judgements that count."""
    low: float
    high: float
    """95%, documents drawn again, the same annotators."""
    n: int
    """Judgements."""
    z: float
    """Mean of standard scores by annotator."""
    model: Contrast | None
    """Mean by the mixed model; its interval also holds for other annotators."""
    weighted: float
    """Mean with annotators weighed by care."""
    without: float
    """Mean without annotators who fail a rule."""
    cluster: int
    cluster_without: int
    """Without annotators who fail a rule."""


@dataclass(frozen=True)
class Agreed:
    """Agreement between annotators in one dimension."""

    dimension: str
    alphas: dict[str, Alpha]
    """"as given", and for scores "by annotator's standard"; for answers "as answers", "by worth"."""
    overlap: Overlap | None
    """Of spans, in characters."""
    twice: int
    """Translations that two or more annotators judged."""
    units: int
    """Translations judged."""


@dataclass(frozen=True)
class Reach:
    """Whether two neighbours can be told apart, and with how many more segments."""

    better: str
    worse: str
    difference: float
    n: int
    """Segments that both have."""
    power: float
    """Chance of finding this difference with as many segments again."""
    needed: int | None
    """Segments for 80% power at the difference seen; None where there is none."""
    more: int | None


@dataclass(frozen=True)
class Power:
    """What campaigns like this one can find."""

    spread: power.Spread
    design_effect: float
    """With documents of the mean size, all alike."""
    design_effect_here: float
    """With documents as uneven as here."""
    needed: dict[str, int]
    """Difference -> judged segments a system, for 80% power."""
    needed_here: dict[str, int]
    neighbours: list[Reach]


@dataclass(frozen=True)
class Analysis:
    """All there is to tell; parts that the campaign did not ask for are None or empty."""

    campaign: str
    dimension: str
    judgements: int
    people: int
    """Annotators with a judgement that counts."""
    segments: int
    documents: int
    systems: list[System]
    ranking: Ranking | None
    mixed: Mixed | None
    agreement: list[Agreed]
    annotators: list[Annotator]
    rules: Rules
    rules_fixed: bool
    """Whether the campaign fixed them beforehand."""
    answers: list[Answers]
    preferences: Preferences | None
    power: Power | None
    reading: list[Odd]
    machines: list[ByPhenomenon]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """For `--json`: NaN becomes null, pairs of names become "A > B"."""
        found = plain(dataclasses.asdict(self))
        assert isinstance(found, dict)
        return found


def plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {" > ".join(key) if isinstance(key, tuple) else str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def analyse(
    judgements: Sequence[Judgement],
    campaign: Campaign,
    *,
    dimension: str | None = None,
    significance: float = ALPHA,
    metrics: Sequence[str] = METRICS,
    judges: Mapping[str, Mapping[str, float]] | None = None,
) -> Analysis:
    """Analyse the judgements of one campaign.

    Args:
        judgements: all of them, controls and repeats too.
        campaign: for texts, and for the rules of exclusion that it fixed.
        dimension: what systems are ranked by, if not what the campaign asks first for.
        significance: level of the tests.
        metrics: to correlate with people, where references are among the candidates.
        judges: name -> candidate -> share of kept principles (`in2x people judge`).

    Raises:
        In2xError: there is no judgement that counts, or none in `dimension`.
    """
    rows = counted(judgements)
    if not rows:
        raise In2xError("no finished judgement yet", mend="wait for the first item, or import some")
    main = dimension or main_dimension(judgements)
    scores = scored(judgements, main)
    if not scores and main != RANK:
        raise In2xError(
            f"no judgement in {main!r}", mend=f"use one of {', '.join(dict.fromkeys(j.dimension for j in rows))}"
        )
    rules, fixed = read_rules(campaign.about)
    lengths = {i.id: len(i.source) + sum(len(c.text) for c in i.candidates) for i in campaign.items().values()}
    people = annotators(judgements, main, rules, {k: v for k, v in lengths.items() if v}) if scores else []
    table = tabulate(scores) if scores else None
    ranking = rank(table, alpha=significance) if table is not None else None
    mixed = fit_mixed(scores, [p.system for p in ranking.places]) if ranking else None
    agreed = [found for name in dict.fromkeys((main, SCORE, SPANS, *questions(judgements), RANK))
              if (found := _agreement(rows, name)) is not None]  # fmt: skip
    notes = _notes(agreed, people, fixed, mixed, table)
    return Analysis(
        campaign.id, main, len({(j.annotator, j.item, j.candidate) for j in rows}),
        len({j.annotator for j in rows}), len({j.segment for j in rows}),
        len({j.document for j in rows}),
        _systems(scores, ranking, mixed, people, significance) if ranking and table is not None else [],
        ranking, mixed, agreed, people, rules, fixed, answers(judgements), preferences(judgements),
        _power(table, ranking, main) if table is not None and ranking else None, to_read(judgements),
        machines(campaign, scores, metrics=metrics, judges=judges), notes,
    )  # fmt: skip


def _systems(
    scores: Sequence[HumanScore], ranking: Ranking, mixed: Mixed | None, people: Sequence[Annotator], level: float
) -> list[System]:
    means = system_means(scores)
    z = system_means(standardised(scores))
    weighted = system_means(scores, {a.name: a.weight for a in people})
    failing = {a.name for a in people if a.fails}
    kept = [s for s in scores if s.annotator not in failing]
    without = system_means(kept)
    places = {p.system: p.cluster for p in rank(tabulate(kept), alpha=level).places} if failing and kept else {}
    model = {c.name: c for c in mixed.means} if mixed else {}
    by: dict[str, list[HumanScore]] = defaultdict(list)
    for s in scores:
        by[s.system].append(s)
    found = []
    for p in ranking.places:
        own = by[p.system]
        interval = mean_by_documents(np.array([s.score for s in own]), [s.document or s.item for s in own])
        found.append(System(
            p.system, means[p.system][0], interval.low, interval.high, means[p.system][1], z[p.system][0],
            model.get(p.system), weighted[p.system][0], without.get(p.system, (math.nan, 0))[0], p.cluster,
            places.get(p.system, 0) if failing else p.cluster))  # fmt: skip
    return found


def _agreement(rows: Sequence[Judgement], dimension: str) -> Agreed | None:
    own = [j for j in rows if j.dimension == dimension]
    if not own:
        return None
    # One value a person: who judged a translation twice does not agree with himself here.
    units: dict[Hashable, dict[str, list[Judgement]]] = defaultdict(lambda: defaultdict(list))
    for j in own:
        units[j.segment, j.system][j.annotator].append(j)
    alphas: dict[str, Alpha] = {}
    overlap = None
    if dimension in (SCORE, SPANS):
        given = {k: [_mean(v) for v in who.values()] for k, who in units.items()}
        alphas["as given"] = alpha(given, "interval")
    if dimension == SCORE:
        scores = [HumanScore(j.system, j.segment, j.document, float(j.value or 0), j.annotator) for j in own]
        standard: dict[Hashable, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for s in standardised(scores):
            standard[s.item, s.system][s.annotator].append(s.score)
        by_person = {k: [float(np.mean(v)) for v in who.values()] for k, who in standard.items()}
        alphas["by annotator's standard"] = alpha(by_person, "interval")
    elif dimension == SPANS:
        texts = {k: [[(s.start, s.end) for s in said[0].spans if s.side == "target"] for said in who.values()]
                 for k, who in units.items()}  # fmt: skip
        overlap = span_overlap(texts)
    elif dimension == RANK:
        alphas["as given"] = alpha({k: [_mean(v) for v in who.values()] for k, who in units.items()}, "ordinal")
    else:
        told = {k: [v[0] for v in who.values() if v[0].value != CANNOT_TELL] for k, who in units.items()}
        alphas["as answers"] = alpha({k: [str(j.value) for j in said] for k, said in told.items()}, "nominal")
        worths = {k: [j.worth for j in said if j.worth is not None] for k, said in told.items()}
        if len({w for some in worths.values() for w in some}) > 2:
            alphas["by worth"] = alpha(worths, "ordinal")
    return Agreed(dimension, alphas, overlap, sum(len(who) > 1 for who in units.values()), len(units))


def _mean(said: Sequence[Judgement]) -> float:
    return float(np.mean([float(j.value or 0) for j in said]))


def _power(table: ScoreTable, ranking: Ranking, dimension: str) -> Power | None:
    spread = power.usual_spread(table.values, table.documents)
    if spread is None:
        return None
    effects = EFFECTS.get(dimension, WORTHS)
    column = {name: i for i, name in enumerate(table.systems)}
    neighbours = []
    for pair in ranking.pairs:
        if not pair.neighbours:
            continue
        gap = table.values[:, column[pair.better]] - table.values[:, column[pair.worse]]
        own = power.spread_of(gap, table.documents) or spread
        effect, n = pair.difference.value, pair.difference.n
        some = n > 1 and effect > 0
        need = power.needed(own, effect, uneven=True) if some else None
        neighbours.append(Reach(
            pair.better, pair.worse, effect, n, power.chance(own, effect, n, uneven=True) if some else math.nan,
            need, None if need is None else max(0, need - n)))  # fmt: skip
    return Power(
        spread, spread.design_effect(), spread.design_effect(uneven=True),
        {f"{e:g}": power.needed(spread, e) for e in effects},
        {f"{e:g}": power.needed(spread, e, uneven=True) for e in effects}, neighbours,
    )  # fmt: skip


def _notes(
    agreed: Sequence[Agreed], people: Sequence[Annotator], fixed: bool, mixed: Mixed | None, table: ScoreTable | None
) -> list[str]:
    notes = []
    main = agreed[0]
    if main.twice < TWICE * main.units:
        notes.append(f"{main.twice} of {main.units} translations were judged by two or more annotators: "
                     + ("agreement cannot be computed" if main.twice < 2 else "agreement says little")
                     + "; have at least 20% judged twice")  # fmt: skip
    for a in people:
        notes += [f"{a.name}: {sign}" for sign in a.signs] if len(people) <= MANY else []
    if people and not any(a.controls for a in people):
        notes.append("no control items were judged: careless annotators cannot be told from careful ones")
    if not fixed and any(a.fails for a in people):
        notes.append("the rules of exclusion are the usual ones: the campaign fixed none beforehand (about.exclusion)")
    if table is not None and len(set(table.documents)) < 10:
        notes.append(f"{len(set(table.documents))} documents only: intervals over so few are wide and rough")
    if mixed is None and table is not None:
        notes.append("too few judgements for the mixed model")
    return notes
