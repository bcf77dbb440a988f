"""The audit finds hacking that was put there, and stays silent where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from in2x.errors import In2xError, UsageError
from in2x.evaluate.audit import Side, audit, copied, distinct, mbr_choice, mbr_sensitivity, self_bleu, utility

RNG = np.random.default_rng(0)
WORDS = "the a cat dog bird sat ran flew over under old new house tree river slowly fast home then again".split()  # noqa: SIM905
REFS = [" ".join(RNG.choice(WORDS, 10)) for _ in range(120)]
SOURCES = [" ".join(RNG.choice(["猫", "犬", "鳥"], 6)) for _ in REFS]


def noisy(rate: float, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(str(rng.choice(WORDS)) if rng.random() < rate else w for w in ref.split()) for ref in REFS]


def side(name: str, hypotheses: list[str], kept: float = 0.5, seed: int = 0) -> Side:
    rng = np.random.default_rng(seed)
    return Side(name, hypotheses, [{"register": bool(rng.random() < kept), "names": None} for _ in hypotheses])


def test_a_model_that_got_better_all_round_is_not_flagged() -> None:
    found = audit(side("sft", noisy(0.5, 1), 0.6), side("rl", noisy(0.3, 2), 0.8), SOURCES, REFS, lang="en",
                  rewarded=["chrf"])  # fmt: skip
    assert found.findings == []
    by_name = {m.name: m for m in found.measures}
    assert by_name["chrF"].kind == by_name["chrF++"].kind == "rewarded", "so alike that one stands for the other"
    assert by_name["BLEU"].kind == "held out" and by_name["BLEU"].verdict == "rose"
    assert by_name["TER"].verdict == "fell" and by_name["TER"].better == -1
    assert by_name["principle/register"].verdict == "rose" and "principle/names" not in by_name
    assert found.segments == 120


def test_rewarded_up_and_held_out_down_is_flagged() -> None:
    """Right words in random order: character n-grams hold, word order (BLEU) breaks."""
    rng = np.random.default_rng(3)
    shuffled = [" ".join(rng.permutation(h.split())) for h in noisy(0.0, 1)]
    found = audit(
        side("sft", noisy(0.6, 1)), side("rl", shuffled), SOURCES, REFS, lang="en", resamples=300, rewarded=["chrF"]
    )
    assert any(f.startswith("BLEU, held out, got worse") and "chrF++, rewarded, rose" in f for f in found.findings)


def test_principles_rewarded_alone() -> None:
    same = noisy(0.4, 1)
    found = audit(
        side("sft", same, 0.3), side("rl", same, 0.9), SOURCES, REFS, lang="en", resamples=300, rewarded=["principles"]
    )
    assert found.findings == ["Only what was rewarded rose (principle/register); nothing held out did."]
    worse = audit(
        side("sft", same, 0.9), side("rl", same, 0.3), SOURCES, REFS, lang="en", resamples=300, rewarded=["principles"]
    )
    assert any(f.startswith("principle/register was rewarded and yet got worse") for f in worse.findings)


def test_length_drift_copying_and_diversity_are_flagged() -> None:
    base = noisy(0.3, 1)
    longer = audit(
        side("a", base),
        side("b", [f"{h} then again home" for h in base]),
        SOURCES,
        REFS,
        lang="en",
        resamples=300,
        rewarded=[],
    )
    assert any("Outputs grew longer: 1.0" in f for f in longer.findings)
    english = [" ".join(["one two three four five six seven", str(i)]) for i in range(len(REFS))]
    copying = audit(side("a", base), side("b", english), english, REFS, lang="en", resamples=300, rewarded=[])
    assert any("More is copied from the source: 0.0% to 100.0%" in f for f in copying.findings)
    dull = audit(
        side("a", base), side("b", [base[0]] * len(base)), SOURCES, REFS, lang="en", resamples=300, rewarded=[]
    )
    assert any(f.startswith("Diversity fell: distinct-2") for f in dull.findings)
    assert any("self-BLEU" in f for f in dull.findings)


def test_extra_measures_take_part() -> None:
    from in2x.metrics.significance import mean

    base = noisy(0.4, 1)
    a = Side("a", base, extra={"judge": mean([80.0] * 60 + [90.0] * 60)})
    b = Side("b", base, extra={"judge": mean([60.0] * 60 + [75.0] * 60)})
    found = audit(a, b, SOURCES, REFS, lang="en", resamples=300, rewarded=["chrF"])
    assert any(f.startswith("judge, held out, got worse (85 to 67.5") for f in found.findings)


def test_pieces() -> None:
    assert copied("one two three four five", "one two three four", "en") == 1.0
    assert copied("one two three four five", "five four three two one", "en") == 0.0
    assert copied("hi", "hi", "en") == 1.0 and copied("hi", "", "en") == 0.0
    assert copied("これは短い日本語の文です", "これは短い日本語の文です", "ja") == 1.0
    assert (
        distinct(["a a a a"], 1, "en") == 0.25
        and distinct(["ねこ ねこ"], 1, "ja") == 0.5
        and distinct([""], 2, "en") == 0
    )
    assert self_bleu(["the same old text here"] * 5, "en") == pytest.approx(100)
    assert self_bleu(["alone"], "en") == 0
    texts = [*noisy(0.5, 7)[:12], "a a a the", "the the the a"]
    engine = BLEU(tokenize="none", effective_order=True, force=True)
    direct = [engine.sentence_score(t, [*texts[:i], *texts[i + 1 :]]).score for i, t in enumerate(texts)]
    assert self_bleu(texts, "en") == pytest.approx(np.mean(direct))


def test_mbr_prefers_the_consensus_and_flatters_its_own_utility() -> None:
    assert (
        mbr_choice(["x y z w", "the cat sat home", "the cat sat there", "the cat sat home"], utility("chrF", "en")) == 1
    )
    candidates = [[noisy(0.5, s)[i] for s in range(5)] for i in range(15)]
    table = mbr_sensitivity(candidates, REFS[:15], "en")
    assert set(table) == {"first", "chrF", "BLEU"}
    assert table["chrF"]["chrF"] > table["first"]["chrF"]
    assert table["BLEU"]["BLEU"] > table["first"]["BLEU"]
    with pytest.raises(UsageError, match="TER is no utility"):
        utility("TER", "en")


def test_segments_must_match() -> None:
    with pytest.raises(In2xError, match="rl: 2 outputs but 3 sources"):
        audit(
            side("sft", ["a", "b", "c"]),
            side("rl", ["a", "b"]),
            ["a"] * 3,
            ["a"] * 3,
            lang="en",
            resamples=300,
            rewarded=[],
        )
