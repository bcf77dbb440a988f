"""Metrics equal sacrebleu's to the last bit that matters; intervals and tests behave as statistics says they must."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF, TER

from in2x.errors import In2xError, UsageError
from in2x.metrics.significance import bootstrap, mean, paired_bootstrap, ratio
from in2x.metrics.strings import score, statistics

WORDS = ["the", "cat", "sat", "on", "a", "mat", "dog", "ran", "home", "."]
JA = ["猫が", "犬は", "家で", "寝る", "走った", "。", "です", "よ"]


def corpus(n: int, seed: int = 0, noise: float = 0.3, words: list[str] = WORDS) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    refs = [[words[i] for i in rng.integers(0, len(words), rng.integers(3, 15))] for _ in range(n)]
    hyps = [[words[rng.integers(len(words))] if rng.random() < noise else w for w in ref] for ref in refs]
    return [" ".join(h) for h in hyps], [" ".join(r) for r in refs]


@pytest.mark.parametrize(
    ("metric", "engine"),
    [("BLEU", BLEU(force=True)), ("chrF", CHRF()), ("chrF++", CHRF(word_order=2)), ("TER", TER())],
)
def test_value_is_sacrebleus(metric: str, engine: BLEU) -> None:
    hyps, refs = corpus(60)
    mine = score(hyps, refs, metric, lang="en", resamples=50)
    assert mine.value == pytest.approx(engine.corpus_score(hyps, [refs]).score, abs=1e-10)
    assert mine.signature == str(engine.get_signature())
    assert mine.low <= mine.value <= mine.high
    assert mine.n == 60


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text("ab c.", max_size=12), st.text("ab c.", max_size=12)), min_size=1, max_size=6))
def test_value_is_sacrebleus_on_degenerate_text(pairs: list[tuple[str, str]]) -> None:
    hyps, refs = [p[0] for p in pairs], [p[1] for p in pairs]
    for metric, engine in (
        ("BLEU", BLEU(force=True)),
        ("chrF", CHRF()),
        ("chrF++", CHRF(word_order=2)),
        ("TER", TER()),
    ):
        assert statistics(hyps, refs, metric).value == pytest.approx(engine.corpus_score(hyps, [refs]).score, abs=1e-9)


def test_tokeniser_follows_language() -> None:
    hyps, refs = corpus(5, words=JA)
    assert "ja-mecab" in score(hyps, refs, "bleu", lang="ja", resamples=5).signature
    assert "tok:zh" in score(hyps, refs, "bleu", lang="zh", resamples=5).signature
    assert "tok:none" in score(hyps, refs, "bleu", lang="ja", tokenize="none", resamples=5).signature
    assert "asian:yes" in score(hyps, refs, "ter", lang="ja", resamples=5).signature


def test_several_references() -> None:
    refs = [["the cat sat", "a dog ran"], ["the cat is sitting", "the dog ran home"]]
    hyps = ["the cat is sitting", "a dog ran"]
    assert score(hyps, refs, "chrF", resamples=5).value == pytest.approx(100)


def test_bad_input() -> None:
    with pytest.raises(In2xError, match="2 hypotheses but 1 references"):
        score(["a", "b"], ["a"], "chrF")
    with pytest.raises(UsageError, match="no metric 'ROUGE'; use one of BLEU"):
        score(["a"], ["a"], "ROUGE")
    with pytest.raises(UsageError, match="tokeniser 'spm'"):
        score(["a"], ["a"], "BLEU", tokenize="spm")
    with pytest.raises(UsageError, match="does not part the words of Japanese; use ja-mecab or char"):
        score(["a"], ["a"], "BLEU", tokenize="zh", lang="ja")
    with pytest.raises(In2xError, match="no segments"):
        score([], [], "BLEU")


def test_bootstrap_is_deterministic_and_covers() -> None:
    """Nominal 95% intervals of a mean hold the truth in about 95% of repeated experiments."""
    hits = 0
    for seed in range(200):
        sample = np.random.default_rng(seed).exponential(1.0, 80)
        interval = bootstrap(mean(sample), resamples=300, seed=seed)
        hits += interval.low <= 1.0 <= interval.high
    assert 0.88 <= hits / 200 <= 0.99
    assert bootstrap(mean(sample), seed=1) == bootstrap(mean(sample), seed=1)


def test_bootstrap_matches_the_direct_computation() -> None:
    """A weighted sum of statistics equals scoring the resampled text itself."""
    hyps, refs = corpus(40)
    stats = statistics(hyps, refs, "BLEU", lang="en")
    draw = np.random.default_rng(7).integers(0, 40, 40)
    direct = BLEU(force=True).corpus_score([hyps[i] for i in draw], [[refs[i] for i in draw]]).score
    assert stats.aggregate(stats.rows[draw].sum(axis=0)) == pytest.approx(direct, abs=1e-10)


def test_paired_bootstrap_tells_real_from_chance() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(0, 1, 300)
    better, same = base + rng.normal(0.2, 0.3, 300), base + rng.normal(0, 0.3, 300)
    won = paired_bootstrap(mean(better), mean(base))
    assert won.p < 0.01 and won.low > 0 and won.difference == pytest.approx((better - base).mean())
    drawn = paired_bootstrap(mean(same), mean(base))
    assert drawn.p > 0.05 and drawn.low < 0 < drawn.high
    assert paired_bootstrap(mean(base), mean(base)).p == 1.0


def test_paired_systems_must_share_segments() -> None:
    with pytest.raises(In2xError, match="3 and 2 segments"):
        paired_bootstrap(mean([1, 2, 3]), mean([1, 2]))


def test_ratio_weighs_by_denominator() -> None:
    assert ratio([1, 3], [1, 9]).value == pytest.approx(0.4)
    assert np.isnan(ratio([0], [0]).value)


def test_a_thousand_resamples_of_a_thousand_segments_take_under_a_second() -> None:
    stats = statistics(*corpus(1000), "chrF++")
    started = time.process_time()
    bootstrap(stats)
    assert time.process_time() - started < 1.0
