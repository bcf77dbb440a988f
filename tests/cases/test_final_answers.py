"""What an answer states in the end: rewards `number`, `choice`, `exact`, `set`, `contains`, `format`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import pytest

from in2x.records import Instruction
from in2x.rl.rewards.base import CannotJudge, RewardItem
from in2x.rl.rewards.choice import chosen
from in2x.rl.rewards.format import BULLET
from in2x.rl.rewards.number import judge
from in2x.rl.rewards.registry import make_reward


def value(name: str, answer: str, lang: str = "ja", **verifier: Any) -> float | None:
    asked = Instruction("i", lang, "qa", [{"role": "user", "content": "?"}], None, {"name": name, **verifier})
    return asyncio.run(make_reward(name)([RewardItem(asked, answer)]))[0]  # type: ignore[return-value]


RIGHT = [
    ("9", "Answer: 4 + 5 = 9"),
    ("18", "答え: 6×3=18個"),
    ("4", "答えは、20÷5で4です。"),
    ("26", "So 13 × 2 = 26 pens in all."),
    ("7", "<think>the answer is 9</think>The answer is 7."),
    ("2.5", "The answer is 2½."),
    ("8", "Answer: 2³"),
    ("0.45", "答えは4割5分です。"),
    ("73000", "\\boxed{73{,}000}"),
    ("2500", "\\boxed{2,\\!500}"),
    ("16", "答えは15ではなく16です。"),
    ("16", "The answer is not 15 but 16."),
    ("15", "It is 15, not 16."),
    ("16", "答案不是15而是16"),
    ("16", "답은 15가 아니라 16입니다"),
    ("16", "答えは15、いや16です。"),
    ("21", "The answer is 21 because 3 boxes hold 7 each."),
    ("21", "答えは、3人に7個ずつなので21個です。"),
    ("6", "Answer: 6 pears (out of 20)"),
    ("6", "答え：6個（20個のうち）"),
    ("24", "**Answer: 24**"),
    ("24", "\\boxed{24\\text{ km}}"),
    ("95000", "The profit is $95,000."),
    ("11", "The answer is eleven."),
    ("20000000", "20 million"),
    ("3", "√9"),
    ("3y+2", "答えは 3y+2 です"),
    ("\\{3,4\\}", "{4,3}"),
    ("4321", "4\u200b3\u200b2\u200b1"),
    ("5", "x = 5"),
    ("5/8", "\\frac{5}{8}"),
    ("75%", "0.75"),
    ("2019", "平成31年"),
    ("5", "答えは5、理由は2と3を足すからです"),
]
WRONG = [
    ("4", "Answer: 4 + 5 = 9"),
    ("6", "答え: 6×3=18個"),
    ("2", "答えは 2 3/4 です"),
    ("15", "答えは15ではなく16です。"),
    ("8", "8、9、10のどれかです"),
    ("8", "It is either 7 or 8."),
    ("9", "1 2 3 4 5 6 7 8 9"),
    ("8", "\\boxed{8}\n\n答えは9"),
    ("8", "#### 8\n#### 9"),
    ("20", "20,5"),
    ("30", "0.30%"),
    ("0.667", "2/3"),
    ("4", "-4"),
    ("15", "答案不是15而是16"),
    ("5", ""),
    ("5", "<think>5"),
]


@pytest.mark.parametrize(("expected", "answer"), RIGHT)
def test_the_stated_number(expected: str, answer: str) -> None:
    assert judge(expected, answer) is True


@pytest.mark.parametrize(("expected", "answer"), WRONG)
def test_no_other_number(expected: str, answer: str) -> None:
    assert judge(expected, answer) is False


@pytest.mark.parametrize(
    ("lang", "expected", "answer"),
    [
        ("de", "2.5", "Die Antwort ist 2,5."),
        ("de", "4321.5", "Das Ergebnis ist 4.321,5 Euro."),
        ("fr", "34", "La réponse est trente-quatre."),
        ("es", "16", "La respuesta no es 15, sino 16."),
        ("ru", "12", "Ответ: двенадцать."),
        ("hi", "25", "उत्तर: पच्चीस"),
        ("vi", "16", "Đáp án là 16."),
    ],
)
def test_the_stated_number_in_the_answers_language(lang: str, expected: str, answer: str) -> None:
    assert value("number", answer, lang, value=expected) == 1


@pytest.mark.parametrize(
    "answer",
    [
        "x^{x^{x^{x}}}",
        "\\int_0^1 " * 90,
        "(" * 900 + ")" * 900,
        "\\frac{" * 200 + "1" + "}{2}" * 200,
        "88888888!",
        "10^{8888888}",
        "8**8**8",
        "\\sum_{k=1}^{9000000} k",
        "factorial(88888)",
        "x^{888}*(x+1)^{888}",
        "\\binom{888888}{444444}",
        "9^9^9^9^9^9",
    ],
)
def test_a_hostile_answer_costs_nothing(answer: str) -> None:
    judge("y+1", "y")  # sympy is there
    started = time.process_time()
    with contextlib.suppress(CannotJudge):
        assert judge("y+1", answer) is False
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("answer", "option"),
    [
        ("イギリスの首都を聞かれているので、Cを選びます。", "C"),
        ("エジプトの首都はDである。", "D"),
        ("正解はイタリア、つまりA", "A"),
        ("Answer: C. Note that B is tempting.", "C"),
        ("2番", "2"),
        ("ウシ", None),
        ("ANSWER: None of these", None),
        ("Answer: Can't say", None),
        ("正解はBではなくDです。", "D"),
        ("Bではない。Dだ。", "D"),
        ("④", "4"),
        ("Ｄ", "D"),
        ("(c)", "C"),
        ("answer: A, answer: C, answer: A, answer: D", "D"),
        ("Option C is wrong, D is right, so D", "D"),
        ("答えはCかDです", None),
        ("Both A and C are correct", None),
        ("B or C", None),
        ("3匹の猫がいる", None),
        ("C++ is a language", None),
        ("Die richtige Antwort ist C.", "C"),
        ("La réponse est B.", "B"),
        ("Ответ: B", "B"),
        ("정답은 A가 아니라 B입니다", "B"),
        ("选C", "C"),
        ("The answer is 2.5", None),
        ("<think>A?</think>B", "B"),
        ("\\boxed{C}", "C"),
        ("ア：正しい。よって答えはウ", "C"),
        ("アとウで迷ったが、ウにします", "C"),
        ("I'd go with D", "D"),
    ],
)
def test_the_chosen_option(answer: str, option: str | None) -> None:
    assert chosen(answer) == option


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        ("...", "???", 0),
        ("F#", "F", 0),
        ("-8", "8", 0),
        ("€20", "20", 0),
        ("B+", "B", 0),
        ("40%", "40", 0),
        ("2.71", "271", 0),
        ("京都", "「京都」。", 1),
        ("Rome", "rome.", 1),
        ("-8", "−8", 1),
        ("New Delhi", "new  delhi", 1),
        ("can't", "can’t", 1),
        ("7 > 2", "7 < 2", 0),
        ("10 20", "1020", 0),
        ("ok", "<think>no</think>OK!", 1),
    ],
)
def test_exact(expected: str, answer: str, right: float) -> None:
    assert value("exact", answer, value=expected) == right


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        (["F", "F#"], "F, F#"),
        (["green", "grey"], "green and grey"),
        (["2,000", "3"], "2,000, 3"),
        (["鳥", "魚"], "鳥と魚"),
        (["鳥", "魚"], "①鳥\n②魚"),
        (["km/h", "m/s"], "km/h, m/s"),
        (["Salt and Pepper"], "Salt and Pepper"),
        (["verde", "gris"], "verde y gris"),
    ],
)
def test_sets(values: list[str], answer: str) -> None:
    assert value("set", answer, values=values) == 1


@pytest.mark.parametrize(
    ("phrase", "answer", "there"),
    [
        ("7", "17個", 0),
        ("7", "7個", 1),
        ("7", "7.5", 0),
        ("7", "-7", 0),
        ("art", "a party", 0),
        ("pear", "pears", 1),
        ("F", "F#", 0),
        ("京都", "京 都", 1),
        ("good day", "Good,  day", 0),
        ("good day", "Good  day", 1),
    ],
)
def test_contains(phrase: str, answer: str, there: float) -> None:
    assert value("contains", answer, all=[phrase]) == there


@pytest.mark.parametrize(
    ("answer", "bullets"),
    [
        ("**題**\n- 春\n- 秋", 2),
        ("-8度まで冷えた。\n・春\n・秋", 2),
        ("①春\n②秋", 2),
        ("●春\n●夏\n●秋", 3),
        ("（1）春\n（2）秋", 2),
        ("a) one\nb) two", 2),
        ("１．春\n２．秋", 2),
        ("3.5 percent\n- one", 1),
        ("10:30 start", 0),
        ("---\n* one", 1),
        ("*強調*した", 0),
    ],
)
def test_bullets(answer: str, bullets: int) -> None:
    assert len(BULLET.findall(answer)) == bullets


@pytest.mark.parametrize(
    ("lang", "answer", "sentences"),
    [
        ("en", "It fell by 2.5 percent.", 1),
        ("en", "Mrs. Hall met Prof. Reed. They left.", 2),
        ("en", "See www.example.org now.", 1),
        ("en", "Fruit, e.g. Kiwis, is sold in the U.S. today.", 1),
        ("de", "Das war z. B. am 4. Juni so.", 1),
        ("ja", "約2.7です。", 1),
        ("ja", "Mrs. Hall met Prof. Reed. They left.", 2),
        ("fr", "M. Petit est là.", 1),
    ],
)
def test_sentences(lang: str, answer: str, sentences: int) -> None:
    assert value("format", answer, lang, sentences=sentences) == 1
