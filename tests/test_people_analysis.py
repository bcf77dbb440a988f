"""The numbers of human judgement against independent references, printed examples and planted truths."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask
from scipy import stats
from statsmodels.stats.multitest import multipletests

from in2x.evaluate.clusters import rank_clusters
from in2x.evaluate.human import HumanScore, tabulate
from in2x.people.analysis.agreement import alpha, span_overlap
from in2x.people.analysis.intervals import mean_by_documents, share_by_documents, t_test
from in2x.people.analysis.mixed import fit_mixed
from in2x.people.analysis.power import Spread, chance, even_sizes, needed, spread_of
from in2x.people.analysis.preference import bradley_terry
from in2x.people.analysis.ranks import holm, rank
from in2x.people.analysis.scores import standardised, system_means

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): four observers A to D, twelve units.
PRINTED = [
    "1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .",
]  # fmt: skip


def printed() -> dict[int, list[int]]:
    rows = [line.split() for line in PRINTED]
    return {u: [int(row[u]) for row in rows if row[u] != "."] for u in range(12)}


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_the_printed_example(level, value) -> None:
    found = alpha(printed(), level)
    assert found.value == pytest.approx(value, abs=5e-4)
    assert found.low < found.value < found.high <= 1
    assert (found.units, found.values) == (11, 40)


def nltk_alpha(units: dict[int, list], distance) -> float:
    data = [(f"c{i}", str(unit), value) for unit, values in units.items() for i, value in enumerate(values)]
    return float(AnnotationTask(data=data, distance=distance).alpha())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=2, max_size=4), min_size=3, max_size=12))
def test_alpha_is_that_of_nltk(values) -> None:
    units = dict(enumerate(values))
    if len({v for some in values for v in some}) < 2:
        assert math.isnan(alpha(units, "nominal", resamples=0).value)
        return
    pairs = (("nominal", lambda a, b: float(a != b)), ("interval", lambda a, b: float((a - b) ** 2)))
    for level, distance in pairs:
        assert alpha(units, level, resamples=0).value == pytest.approx(nltk_alpha(units, distance), abs=1e-9)


def test_alpha_says_when_it_cannot_be_told() -> None:
    assert math.isnan(alpha({1: [3.0], 2: [4.0]}, "interval").value)
    assert math.isnan(alpha({1: [3.0, 3.0], 2: [3.0, 3.0]}, "interval").value)


def test_alpha_of_chance_is_about_0_and_its_interval_says_so() -> None:
    rng = random.Random(1)
    found = alpha({u: [rng.randint(0, 100), rng.randint(0, 100)] for u in range(300)}, "interval")
    assert found.low < 0 < found.high and abs(found.value) < 0.1


def test_span_overlap_is_f1_over_characters() -> None:
    found = span_overlap({"a": [[(0, 4)], [(2, 6)]], "b": [[], []], "c": [[(0, 2)], []]})
    assert found.f1 == pytest.approx(2 * 2 / (4 + 4 + 2))
    assert (found.pairs, found.empty) == (3, 1)
    assert span_overlap({"a": [[(1, 3), (2, 5)], [(1, 5)]]}).f1 == 1  # overlapping marks of one person count once


def campaign(seed: int = 0, *, systems=(90.0, 86.0, 80.0), documents=14, segments=3, people=5) -> list[HumanScore]:
    rng = np.random.default_rng(seed)
    stern = rng.normal(0, 5, people)
    rows = []
    for d in range(documents):
        base = rng.normal(0, 3)
        fits = rng.normal(0, 4, len(systems))
        for a in rng.choice(people, 2, replace=False):
            for i in range(segments):
                for s, mean in enumerate(systems):
                    score = mean + base + fits[s] + stern[a] + rng.normal(0, 6)
                    rows.append(HumanScore(f"s{s}", f"{d}.{i}", str(d), float(score), f"a{a}"))
    return rows


def test_the_mixed_model_is_that_of_statsmodels() -> None:
    import pandas as pd
    import statsmodels.formula.api as smf

    # one judgement a segment and person, every segment in a document of its own: annotator and document are left
    rng = np.random.default_rng(3)
    stern, base = rng.normal(0, 4, 6), rng.normal(0, 5, 25)
    rows = [
        HumanScore(f"s{s}", str(d), str(d), float(80 + 3 * s + stern[a] + base[d] + rng.normal(0, 6)), f"a{a}")
        for d in range(25)
        for s in range(3)
        for a in rng.choice(6, 2, replace=False)
    ]
    found = fit_mixed(rows, ["s0", "s1", "s2"])
    assert found is not None
    frame = pd.DataFrame({"y": [r.score for r in rows], "s": [r.system for r in rows], "d": [r.document for r in rows],
                          "a": [r.annotator for r in rows], "one": 1})  # fmt: skip
    frame["out"] = frame.d + frame.s
    parts = {"a": "0 + C(a)", "d": "0 + C(d)", "o": "0 + C(out)"}
    theirs = smf.mixedlm("y ~ 0 + C(s)", frame, groups="one", vc_formula=parts, re_formula="0").fit(reml=True)
    assert set(found.deviations) == {"error", "annotator", "document", "document x system"}
    # The same optimum: their search stops nearby, so ours is at least as likely and the estimates are equal to that.
    assert found.deviance <= -2 * theirs.llf + 1e-3
    assert found.deviance == pytest.approx(-2 * theirs.llf, abs=0.05)
    assert [c.value for c in found.means] == pytest.approx(list(theirs.fe_params), abs=0.02)
    gap = found.differences["s0", "s1"]
    c = np.array([1, -1, 0])
    v = float(c @ theirs.cov_params().iloc[:3, :3].to_numpy() @ c)
    assert gap.error == pytest.approx(math.sqrt(v), rel=0.02)


def test_the_mixed_model_gives_the_paired_t_test_where_that_is_exact() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(0, 5, 12)
    rows = [HumanScore(f"s{s}", str(d), str(d), float(80 + 2 * s + base[d] + rng.normal(0, 3)), "a")
            for d in range(12) for s in range(2)]  # fmt: skip
    found = fit_mixed(rows, ["s1", "s0"])
    assert found is not None
    table = tabulate(rows, ["s1", "s0"]).values
    theirs = stats.ttest_rel(table[:, 0], table[:, 1])
    gap = found.differences["s1", "s0"]
    assert gap.p == pytest.approx(theirs.pvalue, rel=1e-3)
    assert gap.df == pytest.approx(11, rel=1e-3)
    low, high = theirs.confidence_interval()
    assert (gap.low, gap.high) == pytest.approx((low, high), abs=2e-3)


def test_the_mixed_model_moves_with_the_scale_and_survives_poor_data() -> None:
    rows = campaign()
    found, tenth = fit_mixed(rows, ["s0", "s1"]), fit_mixed(
        [HumanScore(r.system, r.item, r.document, r.score / 100, r.annotator) for r in rows], ["s0", "s1"])  # fmt: skip
    assert found is not None and tenth is not None
    one, other = found.differences["s0", "s1"], tenth.differences["s0", "s1"]
    assert (other.value, other.low) == pytest.approx((one.value / 100, one.low / 100), rel=1e-3)
    assert fit_mixed(rows[:3], ["s0", "s1", "s2"]) is None
    assert fit_mixed([HumanScore("s0", str(i), "d", 50.0, "a") for i in range(9)], ["s0"]) is None
    alone = fit_mixed([HumanScore("s0", str(i), "d", float(i), "a") for i in range(9)], ["s0"])
    assert alone is not None and alone.means[0].value == pytest.approx(4)


def test_the_interval_of_a_mean_is_wider_where_documents_are_alike() -> None:
    rng = np.random.default_rng(0)
    documents = [str(i // 5) for i in range(200)]
    alike = np.repeat(rng.normal(0, 10, 40), 5) + rng.normal(0, 2, 200)
    apart = rng.permutation(alike)
    one, other = mean_by_documents(alike, documents), mean_by_documents(apart, documents)
    assert one.value == pytest.approx(alike.mean()) == pytest.approx(other.value)
    assert one.high - one.low > 1.6 * (other.high - other.low)
    assert (one.n, one.documents) == (200, 40)


def test_documents_of_one_segment_give_the_plain_t_test() -> None:
    x = np.random.default_rng(1).normal(0.3, 1, 30)
    names = [str(i) for i in range(30)]
    assert t_test(x, names) == pytest.approx(stats.ttest_1samp(x, 0, alternative="greater").pvalue, rel=1e-9)
    assert mean_by_documents(x, names).error == pytest.approx(stats.sem(x), rel=1e-9)


def test_means_without_spread_or_documents() -> None:
    assert math.isnan(mean_by_documents(np.array([np.nan]), ["a"]).value)
    same = mean_by_documents(np.full(10, 3.0), [str(i) for i in range(10)])
    assert (same.low, same.value, same.high) == (3, 3, 3)
    x = np.array([1.0, 2.0, 4.0, 3.0, 1.0])
    few = mean_by_documents(x, list("abcde"))
    assert (few.low, few.high) == pytest.approx(stats.t.interval(0.95, 4, x.mean(), stats.sem(x)))
    assert math.isnan(mean_by_documents(x, ["a"] * 5).low)


def test_the_interval_of_a_share_stays_within_0_and_1() -> None:
    names = [str(i) for i in range(12)]
    all_kept = share_by_documents(np.ones(12), names)
    assert all_kept.high == 1 and 0.6 < all_kept.low < 0.85
    # of independent answers of 0 and 1 it is Wilson's, with t for z and one value less
    some = np.array([1.0] * 9 + [0.0] * 3)
    found = share_by_documents(some, names)
    n, p, z = 11, 0.75, stats.t.isf(0.025, 11)
    middle, reach = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n * n))
    assert (found.low, found.high) == pytest.approx(
        ((middle - reach) / (1 + z**2 / n), (middle + reach) / (1 + z**2 / n))
    )
    odd = share_by_documents(np.array([0.3, 1, 0.3, 0.3, 0, 1, 0.3, 0.3, 0.3, 0.3, 0.3]), [str(i) for i in range(11)])
    assert 0 <= odd.low < odd.value < odd.high <= 1


def test_ranks_are_those_of_the_clusters_and_holm_parts_less() -> None:
    table = tabulate(campaign(documents=40))
    found = rank(table)
    plain = rank_clusters(table.values, table.systems)
    assert [(p.system, p.cluster, p.first, p.last) for p in found.places] == [
        (p.system, p.cluster, p.first, p.last) for p in plain
    ]
    assert [p.system for p in found.places] == ["s0", "s1", "s2"]
    assert all(p.cluster_holm <= p.cluster for p in found.places)
    for pair in found.pairs:
        a, b = (table.values[:, table.systems.index(name)] for name in (pair.better, pair.worse))
        assert pair.p == pytest.approx(stats.wilcoxon(a - b, alternative="greater").pvalue)
        assert pair.p_holm >= pair.p


def test_holm_is_the_step_down() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    some = np.random.default_rng(0).random(30) ** 3
    assert holm(some) == pytest.approx(list(multipletests(some, method="holm")[1]))


def test_standard_scores_take_the_annotator_out() -> None:
    rows = [HumanScore("a", str(i), "d", 50.0 + i, "stern") for i in range(5)]
    rows += [HumanScore("a", str(i), "d", 90.0 + 2 * i, "mild") for i in range(5)]
    rows += [HumanScore("a", "9", "d", 70.0, "once")]
    z = standardised(rows)
    assert [s.score for s in z[:5]] == pytest.approx([s.score for s in z[5:10]])
    assert z[-1].score == 0
    assert system_means(rows, {"stern": 0.0, "mild": 1.0, "once": 0.0})["a"] == (pytest.approx(94.0), 5)


def test_needed_segments_are_those_of_the_textbook() -> None:
    spread = Spread(17.4, 0.27, 1 + 0.6 / 0.27, 3.3)  # design effect 1.6
    assert spread.design_effect() == pytest.approx(1.6)
    for effect, usual in ((3, 330), (2, 750), (1, 3000)):
        assert needed(spread, effect) == pytest.approx(usual, rel=0.02)
        assert chance(spread, effect, needed(spread, effect)) == pytest.approx(0.8, abs=0.01)
    assert chance(spread, 3, 100) < chance(spread, 3, 200) < chance(spread, 3, 400)
    assert even_sizes(10, 3.3) == [4, 3, 3]


def test_the_spread_of_differences_is_found_again() -> None:
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 8, 3000)
    shared = np.repeat(rng.normal(0, math.sqrt(0.3), 3000), sizes)
    gap = 10 * (shared + rng.normal(0, math.sqrt(0.7), len(shared)))
    documents = [str(d) for d in np.repeat(np.arange(3000), sizes)]
    found = spread_of(gap, documents)
    assert found is not None
    assert found.deviation == pytest.approx(10, rel=0.03)
    assert found.correlation == pytest.approx(0.3, abs=0.03)
    assert found.even == pytest.approx(sizes.mean()) and found.uneven == pytest.approx((sizes**2).sum() / sizes.sum())
    assert spread_of(np.array([1.0, 2.0]), ["a", "a"]) is None


def test_bradley_terry_finds_planted_strengths() -> None:
    truth = np.array([2.0, 0.5, -0.5, -2.0])
    rng = np.random.default_rng(0)
    wins = np.zeros((4, 4))
    for i in range(4):
        for j in range(i):
            chance_i = 1 / (1 + 2 ** (truth[j] - truth[i]))
            won = rng.binomial(4000, chance_i)
            wins[i, j], wins[j, i] = won, 4000 - won
    assert bradley_terry(wins) == pytest.approx(truth, abs=0.12)
    never = bradley_terry(np.array([[0.0, 5.0], [0.0, 0.0]]))
    assert np.isfinite(never).all() and never[0] > never[1]


@pytest.mark.slow
def test_intervals_hold_the_truth_and_power_comes_true() -> None:
    """A short form of benchmarks/people_coverage.py: 200 campaigns, so 3 to 4 points of noise on either side of 95%."""
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    try:
        import people_coverage as bench
    finally:
        sys.path.pop(0)
    mixed, documents = "mixed model, Satterthwaite", "bootstrap-t over documents"
    for world in bench.WORLDS[::2]:
        found = bench.coverage(world, 200, 11, {mixed: bench.by_model, documents: bench.by_bootstrap})
        for name in (mixed, documents):
            assert 0.905 <= found[name][0] <= 0.99, (world.name, name, found[name])
        assert 0.895 <= found[mixed][1] <= 0.99, (world.name, found)
    assert 0.905 <= bench.answers_held(0.8, 8, 300) <= 0.99
    from in2x.people.analysis.power import simulated

    spread = Spread(17.4, 0.27, 3.3, 3.3)
    for effect in (3.0, 2.0):
        for share in (0.5, 1.0):
            n = round(share * needed(spread, effect))
            assert simulated(spread, effect, n, runs=600) == pytest.approx(chance(spread, effect, n), abs=0.05)


@pytest.mark.shared
def test_means_clusters_and_alpha_of_wmt24_are_those_of_a_plain_recomputation(shared_data, tmp_path) -> None:
    import json

    from in2x.people.analysis.whole import analyse
    from in2x.people.imports import read_file, save
    from in2x.people.store import Store

    file = shared_data / "eval" / "wmt24.en-ja.esa.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    with Store.open(tmp_path / "people.db", create=True) as store:
        save(store, read_file(file, "wmt24", "en", "ja"))
        judgements, held = store.judgements("wmt24"), store.campaign("wmt24")
    found = analyse(judgements, held)
    sums, counts = Counter(), Counter()  # type: ignore[var-annotated]
    for row in rows:
        sums[row["system"]] += row["score"]
        counts[row["system"]] += 1
    assert found.judgements == len(rows) == 3629
    assert {s.system: (s.mean, s.n) for s in found.systems} == {
        name: (pytest.approx(sums[name] / counts[name], abs=1e-9), counts[name]) for name in counts
    }
    # clusters by hand: means over segments, one-sided Wilcoxon on all pairs, a line where all above beat all below
    cells: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        cells.setdefault((row["system"], row["line"]), []).append(row["score"])
    lines = sorted({row["line"] for row in rows})
    mean = {key: sum(v) / len(v) for key, v in cells.items()}
    order = sorted(counts, key=lambda s: -np.mean([mean[s, line] for line in lines if (s, line) in mean]))

    def beats(a: str, b: str) -> bool:
        gap = [mean[a, n] - mean[b, n] for n in lines if (a, n) in mean and (b, n) in mean]
        return bool(stats.wilcoxon(gap, alternative="greater").pvalue < 0.05)

    clusters, at = {}, 1
    for place, system in enumerate(order):
        if place and all(beats(a, b) for a in order[:place] for b in order[place:]):
            at += 1
        clusters[system] = at
    assert {s.system: s.cluster for s in found.systems} == clusters
    assert [s.system for s in found.systems] == order
    # nothing was judged twice by different people, and it is said
    assert math.isnan(found.agreement[0].alphas["as given"].value)
    assert "agreement cannot be computed" in found.notes[0]
    # the systems of a segment as its coders: alpha on real scores equals nltk's
    units = {n: [mean[s, n] for s in order if (s, n) in mean] for n in lines[:60]}
    theirs = nltk_alpha({u: v for u, v in units.items()}, lambda a, b: float((a - b) ** 2))
    assert alpha(units, "interval", resamples=0).value == pytest.approx(theirs, abs=1e-9)
    assert found.power is not None
    assert found.power.spread.deviation == pytest.approx(17.4, abs=0.05)
    assert found.power.design_effect == pytest.approx(1.6, abs=0.02)
    for name, usual in (("3", 330), ("2", 750), ("1", 3000)):
        assert found.power.needed[name] == pytest.approx(usual, rel=0.1)


@pytest.mark.shared
def test_the_rules_exclude_no_annotator_of_wmt24_without_evidence(shared_data) -> None:
    """A rule that excludes is first run over real annotators: none of 105 may fall without a control or a repeat."""
    from in2x.people.analysis.annotators import Rules, annotators
    from in2x.people.imports import read_file
    from in2x.people.model import Judgement

    imported = read_file(shared_data / "eval" / "wmt24.en-ja.esa.jsonl", "wmt24", "en", "ja")
    items = imported.campaign.items()
    rows = [
        Judgement("wmt24", e.item, items[e.item].segment, "d", items[e.item].candidates[0].system, who, "score",
                  e.value["score"])
        for who, events in imported.events.items() for e in events if e.kind == "score"
    ]  # fmt: skip
    found = annotators(rows, "score", Rules())
    assert len(found) == 105
    assert not [a for a in found if a.fails]
    assert all(a.weight == 1 for a in found)
