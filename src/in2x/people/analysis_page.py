"""The page of an analysis: who is better, how sure that is, and what to read first. Self-contained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from in2x.pages.charts import Bar, IntervalChart, LineChart, Series, bars, interval_chart, line_chart
from in2x.pages.environment import environment
from in2x.pages.spans import Piece, cut
from in2x.people.analysis import power
from in2x.people.analysis.answers import ALL, Answers
from in2x.people.analysis.ranks import Pair
from in2x.people.analysis.reading import Odd
from in2x.people.analysis.whole import Analysis
from in2x.people.model import RANK, SCORE, SPANS, Campaign, Judgement

SHOWN = 30
"""Translations to read first that the page shows."""
CURVE = 24
"""Points of a power curve."""
NAMES = {SCORE: "score", SPANS: "error spans", RANK: "preference"}


@dataclass(frozen=True)
class Read:
    """One translation to read: what was said of it, cut at what was marked."""

    odd: Odd
    source: str
    said: list[tuple[Judgement, list[Piece]]]
    unseen: int
    """Marks without a place in the text, such as omissions."""


@dataclass(frozen=True)
class Asked:
    """One question over all segments and by phenomenon: [phenomenon][system]."""

    question: str
    systems: list[str]
    phenomena: list[str]
    cells: dict[tuple[str, str], Answers]
    chart: IntervalChart | None


def marked(text: str, judgement: Judgement) -> list[Piece]:
    """`text` cut at the spans of a judgement; the kind of a piece is the mark of its severity."""
    kinds = {"neutral": "punctuation", "minor": "residue"}
    return cut(text, [(s.start, s.end, kinds.get(s.severity, "trap"), f"{s.severity} {s.category}".strip())
                      for s in judgement.spans if s.side == "target"])  # fmt: skip


def to_show(odds: Sequence[Odd], campaign: Campaign) -> list[Read]:
    """Those to read with their texts; where the campaign holds none, what was said alone."""
    items = campaign.items()
    texts = {c.id: (i.source, c.text) for i in items.values() for c in i.candidates}
    found = []
    for odd in odds[:SHOWN]:
        source = texts.get(odd.said[0].candidate, ("", ""))[0]
        said = [(j, marked(texts.get(j.candidate, ("", ""))[1], j)) for j in odd.said]
        unseen = sum(s.start == s.end or s.side == "source" for j in odd.said for s in j.spans)
        found.append(Read(odd, source, said, unseen))
    return found


def questions(rows: Sequence[Answers], order: Sequence[str]) -> list[Asked]:
    """The answers, one table a question; systems in the order of the ranking."""
    found = []
    for name in dict.fromkeys(a.question for a in rows):
        own = [a for a in rows if a.question == name]
        systems = sorted({a.system for a in own}, key=lambda s: (order.index(s) if s in order else len(order), s))
        chart = interval_chart(f"{name}: worth of the answers, %", [
            (a.system, 100 * a.worth.value, *_ends(100 * a.worth.low, 100 * a.worth.high, 100 * a.worth.value))
            for a in own if a.phenomenon == ALL and a.worth is not None])  # fmt: skip
        kinds = list(dict.fromkeys(a.phenomenon for a in own))
        whole = sum(a.n + a.cannot_tell for a in own if a.phenomenon == ALL)
        if len(kinds) == 2 and whole == sum(a.n + a.cannot_tell for a in own if a.phenomenon != ALL):
            kinds = [ALL]  # asked of one phenomenon alone: one column says it
        found.append(Asked(name, systems, kinds,
                           {(a.phenomenon, a.system): a for a in own}, chart))  # fmt: skip
    return found


def _ends(low: float, high: float, value: float) -> tuple[float, float]:
    """An interval that can be drawn: the value alone where there is none."""
    return (value, value) if math.isnan(low) or math.isnan(high) else (low, high)


def power_chart(analysis: Analysis) -> LineChart | None:
    """Chance of finding each difference by segments judged a system, documents cut evenly."""
    if analysis.power is None:
        return None
    most = max(analysis.power.needed.values()) * 1.2
    least = max(8.0, min(analysis.power.needed.values()) / 8)
    # Closer together where the curves are steep.
    sizes = [round(least * (most / least) ** (i / (CURVE - 1))) for i in range(CURVE)]
    spread = analysis.power.spread
    series = [
        Series(f"difference {name}", [(float(n), 100 * power.chance(spread, float(name), n)) for n in sizes])
        for name in analysis.power.needed
    ]
    chart = line_chart("Chance of telling two systems apart, %", series, x_name="segments judged a system",
                       note="one-sided test at .05, documents of the mean size", zero=True)  # fmt: skip
    return chart


def systems_chart(analysis: Analysis) -> IntervalChart | None:
    """Means by the mixed model where there is one, else raw ones, with 95% intervals."""
    rows = [
        (s.system, s.model.value, s.model.low, s.model.high)
        if s.model
        else (s.system, s.mean, *_ends(s.low, s.high, s.mean))
        for s in analysis.systems
    ]
    name = "Means by the mixed model" if any(s.model for s in analysis.systems) else "Means"
    return interval_chart(f"{name}, 95% intervals", rows)


def against_best(analysis: Analysis) -> IntervalChart | None:
    """Differences to the best system on the same segments, bootstrap-t over documents."""
    if analysis.ranking is None or len(analysis.ranking.places) < 2:
        return None
    best = analysis.ranking.places[0].system
    rows = [(p.worse, -p.difference.value, *_ends(-p.difference.high, -p.difference.low, -p.difference.value))
            for p in analysis.ranking.pairs if p.better == best and not math.isnan(p.difference.value)]  # fmt: skip
    return interval_chart(f"Difference to {best}, same segments", rows, difference=True)


def counts(asked: Asked, campaign: Campaign) -> list[Bar]:
    """How often each answer was given, by system; answers in the order of the question."""
    order = next(([c.value for c in q.choices] for q in campaign.protocol.questions if q.name == asked.question), [])
    given = {value for cell in asked.cells.values() for value in cell.counts}
    order = [value for value in [*order, *sorted(given - set(order))] if value in given]
    rows: dict[str, Mapping[str, float]] = {}
    for system in asked.systems:
        if (cell := asked.cells.get((ALL, system))) is not None:
            rows[system] = {**{v: cell.counts.get(v, 0) for v in order}, "cannot tell": cell.cannot_tell}
    return bars(rows)


def render(analysis: Analysis, campaign: Campaign) -> str:
    """The page."""
    order = [s.system for s in analysis.systems]
    asked = questions(analysis.answers, order)
    pairs: dict[tuple[str, str], Pair] = {}
    if analysis.ranking is not None:
        pairs = {(p.better, p.worse): p for p in analysis.ranking.pairs}
    title = next(iter(campaign.title.values()), "") or campaign.id
    preferred = analysis.preferences
    return (
        environment()
        .get_template("people/analysis.html.jinja")
        .render(
            a=analysis, campaign=campaign, title=title, names=NAMES, order=order, pairs=pairs, asked=asked, all=ALL,
            counts=counts, systems_chart=systems_chart(analysis), against=against_best(analysis),
            power_chart=power_chart(analysis), reading=to_show(analysis.reading, campaign),
            strengths=preferred and interval_chart(
                "Bradley-Terry strength, log2 odds", [(p.system, p.strength, p.strength_low, p.strength_high)
                                                      for p in preferred.systems]),
            digits=1 if analysis.dimension in (SCORE, SPANS) else 3,
        )
    )  # fmt: skip
