"""Minimum Bayes risk: the utility, the choice, the wrapper."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np

from conftest import PAIRS
from in2x.metrics.chrf import expected_utility, pairwise_chrf, sentence_chrf
from in2x.translate.backend import Translation
from in2x.translate.engine import LocalBackend
from in2x.translate.mbr import MbrBackend
from in2x.translate.request import TranslationRequest


def test_utility_is_the_mean_over_all_samples_repeats_counted():
    samples = ["猫が眠る", "猫が眠る", "犬が走る"]
    by_hand = [np.mean([sentence_chrf(c, s) for s in samples]) for c in ("猫が眠る", "犬が走る")]
    np.testing.assert_allclose(expected_utility(["猫が眠る", "犬が走る"], samples), by_hand)


def plain_chrf(hypothesis: str, reference: str) -> float:
    """chrF2 as its paper has it, effective order as in sacrebleu."""
    hyp, ref = "".join(hypothesis.split()), "".join(reference.split())
    precisions, recalls = [], []
    for n in range(1, 7):
        mine, theirs = (Counter(text[i : i + n] for i in range(len(text) - n + 1)) for text in (hyp, ref))
        if mine and theirs:
            both = (mine & theirs).total()
            precisions.append(both / mine.total())
            recalls.append(both / theirs.total())
    precision, recall = (sum(part) / len(part) if part else 0.0 for part in (precisions, recalls))
    return 500 * precision * recall / (4 * precision + recall) if precision + recall else 0.0


def test_many_to_many_is_one_to_one_and_chooses_the_same():
    rng = random.Random(1)
    for _ in range(3):
        first = "".join(rng.choice("abc d猫が庭で眠る。　é") for _ in range(60))
        texts = ["", " ", "a\ud83d", *("".join(c for c in first if rng.random() < 0.8) for _ in range(12))]
        by_hand = np.array([[plain_chrf(a.replace("\ud83d", "\ufffd"), b.replace("\ud83d", "\ufffd"))
                             for b in texts] for a in texts])  # fmt: skip
        np.testing.assert_allclose(pairwise_chrf(texts, texts), by_hand, atol=1e-9)
        assert expected_utility(texts, texts).argmax() == by_hand.mean(1).argmax()


class Fixed:
    """A translator with given answers."""

    def __init__(self, greedy, drawn):
        self.greedy, self.drawn = greedy, drawn

    def translations(self, *_, **__):
        return [Translation(text) for text in self.greedy]

    def candidates(self, sources, request, samples, done=None):
        assert request.temperature == 1
        assert all(len(row) == samples for row in self.drawn)
        return [[Translation(text) for text in row] for row in self.drawn]


def texts(translations):
    return [one.text for one in translations]


def test_the_outlier_loses_and_empty_lines_stay():
    fixed = Fixed(["遠い山に雪が降る", ""], [["猫が庭で眠る", "猫は庭で眠る", "猫が庭で寝る"], ["", "", ""]])
    found = MbrBackend([fixed], 3).translations(["a", ""], TranslationRequest("en", "ja"))
    assert texts(found) == ["猫が庭で眠る", ""]


def test_systems_agree_with_each_other_and_none_alone_decides():
    """What one system says every time loses against what two say between them."""
    loud = Fixed(["犬が走る"], [["犬が走る", "犬が走る"]])
    quiet = [Fixed([text], [[text, text]]) for text in ("猫が庭で眠る", "猫が庭で寝る")]
    request = TranslationRequest("en", "ja")
    assert texts(MbrBackend([loud], 2).translations(["a"], request)) == ["犬が走る"]
    assert texts(MbrBackend([loud, *quiet], 2).translations(["a"], request)) == ["猫が庭で眠る"]


def test_a_greedy_answer_that_no_system_drew_can_be_chosen():
    words = ["the", "old", "cat", "sleeps", "in", "our", "warm", "garden"]
    drawn = [" ".join([*words[:n], "other", *words[n + 1 :]]) for n in range(len(words))]
    systems = [Fixed([" ".join(words)], [drawn[:4]]), Fixed(["something else"], [drawn[4:]])]
    assert texts(MbrBackend(systems, 4).translations(["a"], TranslationRequest("ja", "en"))) == [" ".join(words)]


def test_progress_is_told_once_a_source(tiny_model):
    seen = []
    translator = LocalBackend(tiny_model)
    MbrBackend([translator, translator], 2).translations(list(PAIRS), TranslationRequest("en", "ja"), seen.append)
    assert sum(seen) == len(PAIRS)


def test_only_whole_answers_are_chosen_from():
    class Cut(Fixed):
        def translations(self, *_, **__):
            return [Translation("猫が", "cut"), Translation("犬が", "cut")]

        def candidates(self, *_, **__):
            return [[Translation("猫が庭で", "cut"), Translation("猫が庭で眠る")], [Translation("", "empty")] * 2]

    found = MbrBackend([Cut([], [])], 2).translations(["a", "b"], TranslationRequest("en", "ja"))
    assert found == [Translation("猫が庭で眠る"), Translation("犬が", "cut")]


def test_with_a_model(tiny_model):
    translator = LocalBackend(tiny_model)
    sources = [*PAIRS, ""]
    request = TranslationRequest("en", "ja", "polite", max_new_tokens=10, temperature=8.0, seed=1)
    drawn = translator.candidates(sources, request, 3)
    assert [len(row) for row in drawn] == [3] * 5
    assert len(set(drawn[0])) > 1 and drawn[4] == [Translation("")] * 3
    chooser = MbrBackend([translator], 4, temperature=0.3)
    answers = chooser.translations(sources, TranslationRequest("en", "ja", "polite"))
    assert texts(answers) == [*(by_register["polite"] for by_register in PAIRS.values()), ""]
