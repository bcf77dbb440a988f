"""The leaderboard of one WMT language pair as a self-contained page: systems x metrics x domains, clusters, outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from in2x.evaluate.autorank import DocumentScores, autorank
from in2x.evaluate.clusters import ALPHA, better, rank_clusters
from in2x.evaluate.wmt import TestDocument, score_key
from in2x.language.finding import Finding
from in2x.language.grammar import Grammar, grammar
from in2x.language.language import language
from in2x.metrics.significance import Floats
from in2x.pages.environment import environment
from in2x.pages.spans import Piece, cut

LONGEST = 500
"""Longest source paragraph shown side by side, in characters: more is not read on a phone."""


@dataclass(frozen=True)
class Cell:
    """One system's mean under one metric; `tied`: not significantly below the best of the column."""

    value: float
    best: bool
    tied: bool
    digits: int


@dataclass(frozen=True)
class Row:
    """One system."""

    system: str
    autorank: float
    cluster: int
    first: int
    last: int
    cells: list[Cell]
    domains: dict[str, float]


@dataclass(frozen=True)
class Board:
    """The leaderboard, best system first."""

    pair: str
    metrics: list[str]
    domains: list[str]
    rows: list[Row]
    paragraphs: int
    alpha: float


@dataclass(frozen=True)
class Said:
    """One system's paragraph, cut for highlighting, with its mean standard score."""

    system: str
    pieces: list[Piece]
    z: float


@dataclass(frozen=True)
class SideBySide:
    """One paragraph through several systems, best first."""

    source: str
    source_lang: str
    target_lang: str
    domain: str
    document: str
    answers: list[Said]


@dataclass(frozen=True)
class Paragraphs:
    """Paragraph scores laid out: [paragraphs, systems] by metric, NaN where there is none."""

    keys: list[tuple[str, str, int]]
    """(domain, document, number from 0)."""
    systems: list[str]
    scores: dict[str, Floats]

    @property
    def standard(self) -> Floats:
        """Mean over metrics of (score - mean) / deviation, both over all paragraphs and systems of the metric."""
        tables = [(t - np.nanmean(t)) / (np.nanstd(t) or 1.0) for t in self.scores.values()]
        return np.asarray(np.mean(tables, axis=0))


def lay_out(scores: Mapping[str, Sequence[DocumentScores]], metrics: Sequence[str]) -> Paragraphs:
    """Paragraph tables of `metrics` over all systems."""
    systems = list(scores)
    places: dict[tuple[str, str, int], int] = {}
    for documents in scores.values():
        for d in documents:
            for number in range(max(len(d.metrics.get(m, [])) for m in metrics)):
                places.setdefault((d.domain, d.document, number), len(places))
    tables = {m: np.full((len(places), len(systems)), np.nan) for m in metrics}
    for column, system in enumerate(systems):
        for d in scores[system]:
            for metric in metrics:
                for number, value in enumerate(d.metrics.get(metric, [])):
                    if value is not None:
                        tables[metric][places[d.domain, d.document, number], column] = value
    return Paragraphs(list(places), systems, tables)


def leaderboard(scores: dict[str, list[DocumentScores]], pair: str, *, alpha: float = ALPHA) -> Board:
    """The board of `scores` (from `autorank.read_scores`). Errors as in `autorank.autorank`."""
    ranking = autorank(scores, pair)
    domains = list(dict.fromkeys(d.domain for documents in scores.values() for d in documents))
    by_domain = {d: {r.system: r.autorank for r in autorank(scores, pair, domain=d).rows} for d in domains}
    laid = lay_out(scores, ranking.metrics)
    placed = {p.system: p for p in rank_clusters(laid.standard, laid.systems, alpha=alpha)}
    column = {s: i for i, s in enumerate(laid.systems)}
    best = {m: max(ranking.rows, key=lambda r: r.metrics[m]).system for m in ranking.metrics}
    rows = []
    for r in ranking.rows:
        cells = []
        for m in ranking.metrics:
            table = laid.scores[m]
            worse = better(table[:, column[best[m]]], table[:, column[r.system]]) < alpha
            cells.append(Cell(r.metrics[m], r.system == best[m], not worse, 3 if "comet" in m.lower() else 1))
        p = placed[r.system]
        rows.append(Row(r.system, r.autorank, p.cluster, p.first, p.last, cells,
                        {d: by_domain[d][r.system] for d in domains if r.system in by_domain[d]}))  # fmt: skip
    return Board(pair, ranking.metrics, domains, rows, len(laid.keys), alpha)


def side_by_side(
    scores: dict[str, list[DocumentScores]], testset: Mapping[str, TestDocument], pair: str, count: int = 12
) -> list[SideBySide]:
    """The `count` paragraphs, domains in turn, whose standard scores are furthest apart among systems with outputs."""
    laid = lay_out(scores, autorank(scores, pair).metrics)
    standard = laid.standard
    line = {key: i for i, key in enumerate(laid.keys)}
    column = {s: i for i, s in enumerate(laid.systems)}
    source_lang, target_lang = (part.split("_")[0] for part in pair.split("-", 1))
    rules = grammar(language(target_lang).code)
    queues: dict[str, list[tuple[float, SideBySide]]] = {}
    for document in testset.values():
        domain, name = score_key(document.doc_id)
        for number, source in enumerate(document.paragraphs):
            at = line.get((domain, name, number))
            known = [s for s in document.hypotheses if s in column and number < len(document.hypotheses[s])]
            if at is None or len(known) < 2 or len(source) > LONGEST:
                continue
            said = [
                Said(s, cut(document.hypotheses[s][number],
                            [(f.start, f.end, f.kind, f.en) for f in findings(document, s, number, rules)]
                            if rules else []),
                     float(standard[at, column[s]])) for s in known
            ]  # fmt: skip
            said.sort(key=lambda one: (-one.z, one.system))
            item = SideBySide(source, source_lang, target_lang, document.domain, name, said)
            queues.setdefault(document.domain, []).append((said[-1].z - said[0].z, item))
    for queue in queues.values():
        queue.sort(key=lambda pair: pair[0])
    chosen: list[SideBySide] = []
    while len(chosen) < count and any(queues.values()):
        for queue in queues.values():
            if queue and len(chosen) < count:
                chosen.append(queue.pop(0)[1])
    return chosen


def findings(document: TestDocument, system: str, number: int, rules: Grammar) -> list[Finding]:
    """What the target language's grammar finds in one paragraph: residue, typesetting, names spelt otherwise."""
    text, source = document.hypotheses[system][number], document.paragraphs[number]
    found = [*rules.residue(text, source), *rules.punctuation(text)]
    if len(document.hypotheses[system]) == len(document.paragraphs):
        drifts = rules.name_drift(document.paragraphs, document.hypotheses[system])
        found += [finding for place, finding in drifts if place == number]
    return found


def render(board: Board, samples: Sequence[SideBySide] = ()) -> str:
    """The page."""
    return environment().get_template("evaluate/leaderboard.html.jinja").render(board=board, samples=samples)
