"""Do the intervals of human scores hold the truth, and does the power come true? Simulated campaigns, known effects.

    python benchmarks/people_coverage.py [--runs 1000] [--power-runs 2000] [--data ../shared/data]

Prints Markdown tables. Coverage: the share of campaigns whose 95% interval for "system A minus system B", and for the
mean of A, holds the planted value. "normal" draws annotators, documents, document x system, segments and error as
normal with deviations like those of WMT24 en-ja; "skewed" bends the sum at a ceiling as ESA scores are (83%
of judgements without an error), so no model is right; "few" has twelve documents, "very few" six. Answers are worth 0,
.5 or 1. Power: predicted against the share of campaigns in which the test finds the planted difference. With --data,
the segments needed on WMT24 en-ja, and the mixed model beside statsmodels' own.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from in2x.evaluate.human import HumanScore, read_esa, tabulate
from in2x.metrics.significance import Floats, bootstrap, mean
from in2x.people.analysis.intervals import mean_by_documents, share_by_documents
from in2x.people.analysis.mixed import fit_mixed
from in2x.people.analysis.power import Spread, chance, needed, simulated, usual_spread

Z95 = (0.93, 0.97)


@dataclass(frozen=True)
class World:
    """A kind of campaign: sizes, and the standard deviation of each effect (points of a scale to 100)."""

    name: str
    systems: tuple[float, ...] = (90.0, 88.0, 87.0, 84.0)
    documents: int = 40
    segments: int = 3
    annotators: int = 10
    twice: float = 0.2
    """Share of documents judged by a second annotator."""
    annotator: float = 5.3
    document: float = 2.1
    segment: float = 2.4
    by_document: float = 6.0
    """Document x system."""
    error: float = 10.9
    ceiling: bool = False


WORLDS = (
    World("normal"),
    World("skewed", ceiling=True),
    World("few", documents=12, segments=6, annotators=4),
    World("very few", documents=6, segments=8, annotators=4),
)


def bend(x: Floats) -> Floats:
    """A ceiling as that of ESA: above 90 the scale is pressed together, errors pull far down."""
    return np.asarray(100 - 10 * np.log1p(np.exp((97 - x) / 5.0)) * 0.9)


def campaign(world: World, chosen: np.random.Generator) -> list[HumanScore]:
    """One simulated campaign: each document with all its systems goes to one annotator, some to a second one too."""
    people = chosen.normal(0, world.annotator, world.annotators)
    rows = []
    for d in range(world.documents):
        base = chosen.normal(0, world.document)
        fits = chosen.normal(0, world.by_document, len(world.systems))
        hard = chosen.normal(0, world.segment, world.segments)
        who = chosen.choice(world.annotators, 2, replace=False)
        for a in who[: 2 if chosen.random() < world.twice else 1]:
            raw = (np.array(world.systems) + fits)[None, :] + (base + people[a] + hard)[:, None]
            raw = raw + chosen.normal(0, world.error, raw.shape)
            score = bend(raw) if world.ceiling else raw
            rows += [
                HumanScore(f"s{s}", f"{d}.{i}", str(d), float(score[i, s]), f"a{a}")
                for i in range(world.segments)
                for s in range(len(world.systems))
            ]
    return rows


def truth(world: World) -> Floats:
    """Mean of each system over all annotators, documents and segments there could be."""
    if not world.ceiling:
        return np.array(world.systems)
    whole = math.sqrt(world.annotator**2 + world.document**2 + world.segment**2 + world.by_document**2 + world.error**2)
    x, weights = np.polynomial.hermite_e.hermegauss(201)
    return np.array([float((bend(m + whole * x) * weights).sum() / weights.sum()) for m in world.systems])


Method = Callable[[list[HumanScore]], tuple[tuple[float, float], tuple[float, float]]]


def by_model(rows: list[HumanScore]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Intervals of the mixed model: (s0 - s1, mean of s0)."""
    found = fit_mixed(rows, sorted({r.system for r in rows}))
    assert found is not None
    gap = found.differences["s0", "s1"]
    return (gap.low, gap.high), (found.means[0].low, found.means[0].high)


def by_bootstrap(rows: list[HumanScore]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Bootstrap-t over documents."""
    table = tabulate(rows, sorted({r.system for r in rows}))
    gap = mean_by_documents(table.values[:, 0] - table.values[:, 1], table.documents, resamples=1000)
    own = mean_by_documents(table.values[:, 0], table.documents, resamples=1000)
    return (gap.low, gap.high), (own.low, own.high)


def by_segments(rows: list[HumanScore]) -> tuple[tuple[float, float], tuple[float, float]]:
    """For comparison: the percentile bootstrap over segments."""
    table = tabulate(rows, sorted({r.system for r in rows}))
    gap, own = (bootstrap(mean(x)) for x in (table.values[:, 0] - table.values[:, 1], table.values[:, 0]))
    return (gap.low, gap.high), (own.low, own.high)


METHODS: dict[str, Method] = {
    "mixed model, Satterthwaite": by_model,
    "bootstrap-t over documents": by_bootstrap,
    "percentile bootstrap over segments": by_segments,
}


def coverage(
    world: World, runs: int, seed: int = 1, methods: dict[str, Method] = METHODS
) -> dict[str, tuple[float, float, float]]:
    """Method -> (share of intervals of A - B that hold it, of the mean of A, mean width of the former)."""
    chosen = np.random.default_rng(seed)
    right = truth(world)
    held = {name: np.zeros((runs, 3)) for name in methods}
    for run in range(runs):
        rows = campaign(world, chosen)
        for name, method in methods.items():
            gap, own = method(rows)
            held[name][run] = (gap[0] <= right[0] - right[1] <= gap[1], own[0] <= right[0] <= own[1], gap[1] - gap[0])
    return {name: tuple(table.mean(axis=0).tolist()) for name, table in held.items()}  # type: ignore[misc]


def answers_held(share: float, documents: int, runs: int, seed: int = 2) -> float:
    """How often the interval of answers' worth (0, .5, 1; three a document, alike inside it) holds the true mean."""
    chosen = np.random.default_rng(seed)
    cuts = np.array([-0.35, 0.35]) - 1.5 * (share - 0.5) / 0.5

    def draw(count: int) -> Floats:
        shared = np.repeat(chosen.normal(0, 0.6, count), 3)
        return np.asarray(np.searchsorted(cuts, shared + chosen.normal(0, 0.8, 3 * count)) / 2)

    right = draw(200_000).mean()
    names = [str(d) for d in range(documents) for _ in range(3)]
    found = [share_by_documents(draw(documents), names) for _ in range(runs)]
    return float(np.mean([one.low <= right <= one.high for one in found]))


def beside_statsmodels(rows: list[HumanScore]) -> None:
    """Print the seconds of statsmodels' MixedLM with two crossing effects, and of ours with all that it finds."""
    import pandas as pd
    import statsmodels.formula.api as smf

    systems = list(dict.fromkeys(r.system for r in rows))
    start = time.process_time()
    ours = fit_mixed(rows, systems)
    mine = time.process_time() - start
    assert ours is not None
    frame = pd.DataFrame({"y": [r.score for r in rows], "s": [r.system for r in rows], "one": 1,
                          "a": [r.annotator for r in rows], "d": [r.document for r in rows]})  # fmt: skip
    parts = {"a": "0 + C(a)", "d": "0 + C(d)"}
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = smf.mixedlm("y ~ 0 + C(s)", frame, groups="one", vc_formula=parts, re_formula="0").fit(reml=True)
    peer = time.process_time() - start
    effects = ", ".join(list(ours.deviations)[1:])
    print(f"\nMixed model of {ours.n} judgements: {mine:.1f} s of processor time with {effects}.")
    print(f"statsmodels, annotator and document alone: {peer:.1f} s, {peer / mine:.0f} times as long.")
    print(f"It converged: {theirs.converged}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--power-runs", type=int, default=2000)
    parser.add_argument("--data", type=Path, help="folder of the real data")
    options = parser.parse_args()
    print("| campaigns | 95% intervals by | hold A - B | hold the mean of A | width of A - B |\n|---|---|---|---|---|")
    for world in WORLDS:
        for name, (gap, own, width) in coverage(world, options.runs).items():
            print(f"| {world.name} | {name} | {100 * gap:.1f}% | {100 * own:.1f}% | {width:.2f} |", flush=True)
    print("\n| answers | documents | hold their mean worth |\n|---|---|---|")
    for share in (0.5, 0.8, 0.95):
        for documents in (8, 30):
            held = answers_held(share, documents, options.runs)
            print(f"| {share:g} | {documents} | {100 * held:.1f}% |", flush=True)
    print("\n| planted | segments | predicted power | simulated |\n|---|---|---|---|")
    usual = Spread(17.4, 0.27, 3.3, 3.3)
    for effect in (3.0, 2.0, 1.0):
        for share in (0.5, 1.0, 1.5):
            n = round(share * needed(usual, effect))
            found = simulated(usual, effect, n, runs=options.power_runs)
            print(f"| {effect:g} | {n} | {chance(usual, effect, n):.3f} | {found:.3f} |", flush=True)
    if options.data is None:
        return
    rows = read_esa(options.data / "eval" / "wmt24.en-ja.esa.jsonl")
    beside_statsmodels(rows)
    table = tabulate(rows)
    spread = usual_spread(table.values, table.documents)
    assert spread is not None
    uneven = spread.design_effect(uneven=True)
    print(f"\nWMT24 en-ja: paired deviation {spread.deviation:.1f}, correlation inside a document "
          f"{spread.correlation:.2f}, {spread.even:.1f} segments a document; design effect "
          f"{spread.design_effect():.2f}, with documents as uneven as there {uneven:.2f}.\n")  # fmt: skip
    print("| difference | segments a system | simulated power there | as uneven as there |\n|---|---|---|---|")
    for effect in (3.0, 2.0, 1.0):
        n = needed(spread, effect)
        found = simulated(spread, effect, n, runs=options.power_runs)
        print(f"| {effect:g} | {n} | {found:.3f} | {needed(spread, effect, uneven=True)} |", flush=True)


if __name__ == "__main__":
    main()
