"""Rewards: each value by hand or against sacrebleu, routing, and what happens when a reward fails."""

from __future__ import annotations

import asyncio
import math
import sys
import time
import types
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from in2x.errors import UsageError
from in2x.metrics.chrf import sentence_chrf
from in2x.metrics.significance import mean
from in2x.principles.case import Case
from in2x.principles.fundamental import PRINCIPLES, check_principles
from in2x.principles.verdict import Verdict
from in2x.records import Instruction
from in2x.rl.loop import principle_table
from in2x.rl.rewards.base import Reward, RewardItem, reward_items
from in2x.rl.rewards.choice import chosen
from in2x.rl.rewards.code import Code, walls
from in2x.rl.rewards.number import judge
from in2x.rl.rewards.registry import REWARDS, make_reward
from in2x.rl.rewards.route import Scorer

_CHRF = CHRF()


def item(
    answer: str, verifier: dict | None, task: str = "qa", reference: str | None = None, lang: str = "ja"
) -> RewardItem:
    messages = [{"role": "user", "content": "問い"}]
    return RewardItem(Instruction("i", lang, task, messages, reference, verifier), answer)


def translation(answer: str, reference: str, source: str = "He threw in the towel.", **more: object) -> RewardItem:
    verifier = {"name": "translation", "from": "en", "to": "ja", "source": source, **more}
    return item(answer, verifier, "translate", reference)


def value(name: str, one: RewardItem) -> float | None:
    return asyncio.run(make_reward(name)([one]))[0]


text = st.text(alphabet="abcab あいうい漢字。、 \n\U00020000é", max_size=40)


@given(text, text)
@settings(max_examples=400, deadline=None)
def test_chrf_equals_sacrebleu(hypothesis: str, reference: str) -> None:
    assert sentence_chrf(hypothesis, reference) == pytest.approx(
        _CHRF.sentence_score(hypothesis, [reference]).score, abs=1e-9
    )


def test_chrf_is_fast_enough_for_rl() -> None:
    pairs = [(f"彼は{i}時に駅で友達を待っていました。", f"彼は{i % 64}時ごろ駅前で友人を待った。") for i in range(3000)]
    started = time.process_time()
    for hypothesis, reference in pairs:
        sentence_chrf(hypothesis, reference)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        ("12", "答えは12です。", True),
        ("12", "3と4を掛けて十二", True),
        ("1234", "1,234円です", True),
        ("1234", "千二百三十四", True),
        ("1234", "一二三四", True),
        ("1/3", "三分の一", True),
        (r"\frac{1}{3}", "三分の一", True),
        ("0.5", "1/2", True),
        ("50%", "50", True),
        ("35000", "3万5千円", True),
        ("-5", "マイナス五", True),
        ("12", "13", False),
        ("12", "", False),
        ("12", "9^9^9^9^9", False),
        ("3", "りんごは12個ありましたが、答え：3個", True),
        ("12", "12個のうち、残りは3個", False),
        ("x^2+1", "1+x^2", True),
        ("x^2+1", "x^2-1", False),
        (r"\sqrt{2}", r"\boxed{2^{1/2}}", True),
    ],
)
def test_number(expected: str, answer: str, right: bool) -> None:
    assert judge(expected, answer) is right
    assert value("number", item(answer, {"name": "number", "value": expected})) == float(right)


def test_number_that_cannot_be_judged_is_counted_not_zero() -> None:
    scores = asyncio.run(Scorer({"number": 1}).score([item("x", {"name": "number", "value": "+*"})]))
    assert scores.total == [None]
    assert scores.failures == {"number": 1}
    assert "no expression" in scores.errors["number"]


def test_a_broken_verifier_fails_its_item_only_and_says_why() -> None:
    items = [item("1", {"name": "number"}), item("12", {"name": "number", "value": "12"})]
    scores = asyncio.run(Scorer({"number": 1}).score(items))
    assert scores.total == [None, 1.0]
    assert (scores.failures, scores.errors) == ({"number": 1}, {"number": "KeyError: 'value'"})


def test_principles_of_an_answer_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share, single principles and the loop's table, and equal answers to one prompt, rest on one check."""
    checked: list[tuple[str, str]] = []

    def count(case: Case, answer: str) -> dict[str, Verdict]:
        checked.append((case.source, answer))
        return check_principles(case, answer)

    monkeypatch.setattr("in2x.rl.rewards.base.check_principles", count)
    prompts = [translation("", "彼は諦めた。", source).instruction for source in ("He gave up.", "He left.")]
    items = reward_items(prompts, ["彼は諦めた。", "諦めた。", "彼は諦めた。", "彼は去った。", "諦めた。", "去った。"])
    names = ["principles", *(principle.name for principle in PRINCIPLES)]
    scores = asyncio.run(Scorer(dict.fromkeys(names, 1.0)).score(items))
    assert scores.total == [None] * 6, "gates alone tell nothing of what an answer is worth"
    assert None not in scores.parts["principles"]
    table = principle_table(items)
    assert table["language"] == 1.0
    assert sorted(checked) == sorted({(i.instruction.verifier["source"], i.answer) for i in items})  # type: ignore[index]
    assert len(checked) == 5


@pytest.mark.parametrize(
    ("answer", "option"),
    [("B", "B"), ("(b)", "B"), ("答えはBです。", "B"), ("答えはイ", "B"), ("The answer is C.", "C"), ("A or B", None),
     ("I think it is a dog", None), ("A dog ran. Therefore D.", "D"), ("Not A. The answer is B", "B"), ("②", "2")],
)  # fmt: skip
def test_choice(answer: str, option: str | None) -> None:
    assert chosen(answer) == option


def test_choice_by_the_text_of_an_option() -> None:
    assert chosen("それは東京です", {"A": "大阪", "B": "東京"}) == "B"


def test_exact_set_contains() -> None:
    assert value("exact", item("「東京」。", {"name": "exact", "value": "東京"})) == 1
    assert value("exact", item("大阪", {"name": "exact", "values": ["東京", "京都"]})) == 0
    assert value("set", item("春、夏", {"name": "set", "values": ["夏", "春"]})) == 1
    assert value("set", item("春、冬", {"name": "set", "values": ["夏", "春"]})) == pytest.approx(0.5)
    contains = {"name": "contains", "all": ["雨"], "any": ["傘", "合羽"], "none": ["晴れ"]}
    assert value("contains", item("雨なので傘を持つ。", contains)) == 1
    assert value("contains", item("雨のち晴れ", contains)) == pytest.approx(1 / 3)
    assert value("contains", item("", contains)) == 0


def test_format() -> None:
    assert value("format", item('{"a": 1}', {"name": "format", "json": ["a"]})) == 1
    assert value("format", item("a: 1", {"name": "format", "json": True})) == 0
    assert value("format", item("・一\n・二", {"name": "format", "bullets": 2, "max_chars": 4})) == 0.5
    assert value("format", item("ねこ", {"name": "format", "script": "hiragana"})) == 1
    assert value("format", item("猫がいる。犬もいる。", {"name": "format", "sentences": 2})) == 1
    assert value("format", item("", {"name": "format", "max_chars": 4})) == 0


def test_a_pattern_that_never_ends_is_excluded_and_counted() -> None:
    endless = item("a" * 60 + "b", {"name": "format", "matches": "(a+)+c"})
    fine = item("abc", {"name": "format", "matches": "a.c"})
    scores = asyncio.run(Scorer({"format": 1}).score([endless, fine]))
    assert scores.total == [None, 1.0]
    assert scores.failures == {"format": 1}


def test_bleu_is_one_for_the_reference_and_not_given_without() -> None:
    assert value("bleu", translation("彼は匙を投げた。", "彼は匙を投げた。")) == pytest.approx(1)
    assert value("bleu", item("彼", {"name": "exact", "value": "彼"})) is None


def test_bleu_of_a_corpus_that_is_cut_into_words() -> None:
    answer, reference = "私 は ラーメン が 好き だ 。", "僕 は ラーメン が 大好き だ 。"
    by_words = BLEU(effective_order=True, tokenize="none").sentence_score(answer, [reference]).score / 100
    assert value("bleu:none", translation(answer, reference)) == pytest.approx(by_words)
    assert value("bleu", translation(answer, reference)) != pytest.approx(by_words, abs=0.05)
    with pytest.raises(UsageError, match="bleu:words"):
        make_reward("bleu:words")


def test_consensus_is_the_mean_chrf_against_the_other_answers() -> None:
    answers = ["彼は匙を投げた。", "彼は諦めた。", "彼は匙を投げた。", "全く違う話です。"]
    group = [translation(answer, "参照") for answer in answers]
    alone = replace(group[0].instruction, id="another")
    exercise = RewardItem(replace(alone, id="sum", verifier={"name": "number", "value": "1"}), "1")
    found = asyncio.run(make_reward("consensus")([*group, RewardItem(alone, "彼"), exercise, exercise]))
    assert found[4:] == [None, None, None]
    for n, answer in enumerate(answers):
        others = answers[:n] + answers[n + 1 :]
        assert found[n] == pytest.approx(sum(_CHRF.sentence_score(answer, [o]).score for o in others) / 300)
    assert max(found[:4]) == found[0] == found[2]


def test_each_reward_minds_its_own_business() -> None:
    for name in REWARDS:
        if name != "code" or walls():
            assert make_reward(name).name == name
    items = [item("12", {"name": "number", "value": "12"}), translation("彼は諦めた。", "彼は諦めた。")]
    scores = asyncio.run(Scorer({"number": 1, "chrf": 1, "principles": 1}).score(items))
    assert [value is None for value in scores.parts["number"]] == [False, True]
    assert [value is None for value in scores.parts["chrf"]] == [True, False]
    assert scores.parts["principles"] == [None, 1.0]
    assert scores.total == [1.0, 1.0]


class Given:
    def __init__(self, name: str, result: object) -> None:
        self.name, self.result = name, result

    async def __call__(self, items: Sequence[RewardItem]) -> list[float | None]:
        if isinstance(self.result, Exception):
            raise self.result
        if isinstance(self.result, float) and self.result > 1:
            await asyncio.sleep(self.result)
        return self.result  # type: ignore[return-value]


ITEMS = [item("a", None), item("b", None)]


def score(*rewards: Reward, weights: dict[str, float], timeout: float = 5.0):
    return asyncio.run(Scorer(weights, rewards, timeout=timeout).score(ITEMS))


def test_total_is_the_weighted_mean_of_what_applies() -> None:
    scores = score(Given("x", [1.0, None]), Given("y", [0.0, 0.5]), weights={"x": 3, "y": 1})
    assert scores.total == [0.75, 0.5]
    assert scores.mean("x") == 1.0


@pytest.mark.parametrize(
    ("bad", "why"),
    [(RuntimeError("down"), "RuntimeError: down"), ([1.0], "1 values for 2 items"), (30.0, "longer than")],
)
def test_a_failing_reward_is_excluded_and_counted(bad: object, why: str) -> None:
    scores = score(Given("x", bad), Given("y", [0.2, 0.4]), weights={"x": 9, "y": 1}, timeout=0.1)
    assert scores.total == [0.2, 0.4]
    assert scores.failures == {"x": 2}
    assert why in scores.errors["x"]


def test_nan_is_excluded_for_its_item_only() -> None:
    scores = score(Given("x", [math.nan, 1.0]), Given("y", [0.2, 0.0]), weights={"x": 1, "y": 1})
    assert scores.total == [0.2, 0.5]
    assert scores.failures == {"x": 1}


def test_nothing_applies() -> None:
    assert score(Given("x", [None, None]), weights={"x": 1}).total == [None, None]


@pytest.mark.parametrize(
    ("weights", "word"), [({"chrff": 1}, "chrf"), ({"chrf": 0}, "positive"), ({"chrf": math.nan}, "positive")]
)
def test_bad_weights_are_named(weights: dict[str, float], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        Scorer(weights)


def test_a_batch_of_2048_short_answers_takes_seconds() -> None:
    items = [
        translation(
            f"彼は{i}時に駅で友達を待っていました。", f"彼は{i % 64}時ごろ駅前で友人を待った。", register="polite"
        )
        for i in range(2048)
    ]
    started = time.process_time()
    scores = asyncio.run(Scorer({"chrf": 1, "principles": 1}).score(items))
    assert all(total is not None for total in scores.total)
    assert time.process_time() - started < 6


@pytest.mark.parametrize(
    ("answer", "passes"),
    [
        ("def add(a, b):\n    return a + b", 1.0),
        ("Here it is:\n```python\ndef add(a, b):\n    return b + a\n```\nDone.", 1.0),
        ("def add(a, b):\n    return a - b", 0.0),
        ("import sys\nprint('passed')\nsys.exit(0)", 0.0),
        ("while True: pass", 0.0),
        ("add = lambda a, b: a + b\nx = 'a' * (1 << 31)", 0.0),
        ("not python", 0.0),
    ],
)
def test_code_runs_within_limits(answer: str, passes: float) -> None:
    verifier = {"name": "code", "tests": "assert add(1, 2) == 3"}
    reward = Code(seconds=1.0, unconfined=True)  # where the machine has no walls: these programs do no harm
    assert asyncio.run(reward([item(answer, verifier), item(answer, None)])) == [passes, None]


def test_a_learned_metric_scores_each_distinct_answer_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Sequence[str], Sequence[str] | None]] = []

    def statistics(
        kind: str, model: str, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str] | None
    ):
        calls.append((f"{kind}:{model}", hypotheses, references))
        return mean([-5.0 * len(text) for text in hypotheses])

    # in the place of the real module, whose import alone takes seconds
    monkeypatch.setitem(sys.modules, "in2x.metrics.learned", types.SimpleNamespace(statistics=statistics))
    items = [
        translation("猫", "猫だ"),
        translation("猫", "猫だ"),
        translation("犬だ", "犬"),
        item("3", {"name": "number", "value": "3"}),
    ]
    assert asyncio.run(make_reward("metricx:some/model")(items)) == [0.8, 0.8, 0.6, None]
    assert asyncio.run(make_reward("comet-src:some/model")(items[:1])) == [-5.0]
    assert calls == [("metricx:some/model", ["猫", "犬だ"], ["猫だ", "犬"]), ("comet:some/model", ["猫"], None)]
    with pytest.raises(UsageError, match="names no learned metric"):
        make_reward("comet:")
