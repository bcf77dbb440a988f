"""The shift test: lines that stand at another line's place are named, and lines in their place are not."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.principles.likeness import fits, signs
from in2x.principles.shift import shifted

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

LINES = [
    ("Kyle opened the door and called for his dog.", "カイルはドアを開けて犬を呼んだ。"),
    ("It was raining, and nobody was in the garden.", "雨が降っていて、庭には誰もいなかった。"),
    ("Where did you buy that red umbrella?", "その赤い傘をどこで買ったの？"),
    ("My sister works at a hospital in Osaka.", "姉は大阪の病院で働いている。"),
    ("The train leaves at 7:45 from platform 12.", "電車は12番線から7時45分に出る。"),
    ('"Don\'t touch it," said the old teacher.', "「触るな」と年老いた先生は言った。"),
    ("I have read this book three times already.", "この本はもう三回読みました。"),
    ("Emma sang a song about the sea.", "エマは海の歌を歌った。"),
    ("We will eat fish and rice tonight.", "今夜は魚とご飯を食べます。"),
    ("He lost all his money in the war.", "彼は戦争で全財産を失った。"),
    ("Why are the children crying?", "なぜ子供たちは泣いているのですか。"),
    ("The king gave the prince a silver sword.", "王は王子に銀の剣を与えた。"),
]
SOURCES, ANSWERS = [a for a, _ in LINES], [b for _, b in LINES]


@pytest.mark.parametrize("flip", [False, True])
def test_lines_in_their_place(flip: bool) -> None:
    sides = (ANSWERS, SOURCES, "ja", "en") if flip else (SOURCES, ANSWERS, "en", "ja")
    assert shifted(*sides) == []


@pytest.mark.parametrize("at", range(len(LINES) - 1))
def test_two_neighbours_exchanged(at: int) -> None:
    made = list(ANSWERS)
    made[at], made[at + 1] = made[at + 1], made[at]
    found = {shift.line: shift.by for shift in shifted(SOURCES, made, "en", "ja")}
    assert found == {at: -1, at + 1: 1}


@pytest.mark.parametrize(("first", "last"), [(0, 12), (2, 9), (5, 10), (0, 4)])
def test_a_run_moved_by_one(first: int, last: int) -> None:
    down = [*ANSWERS[:first], "", *ANSWERS[first : last - 1], *ANSWERS[last:]]
    found = {shift.line: shift.by for shift in shifted(SOURCES, down, "en", "ja")}
    assert set(found.values()) == {1} and len(set(range(first + 1, last)) - set(found)) <= 1
    assert set(found) <= set(range(first + 1, last))
    assert "line above" in shifted(SOURCES, down, "en", "ja")[0].why


def test_two_lines_merged_and_one_doubled() -> None:
    made = [*ANSWERS[:3], ANSWERS[3] + ANSWERS[4], *ANSWERS[5:10], ANSWERS[9], *ANSWERS[10:]]
    found = {shift.line: shift.by for shift in shifted(SOURCES, made, "en", "ja")}
    assert set(found) <= {3, 4, 5, 6, 7, 8} and {5, 6, 7, 8} <= set(found) and set(found.values()) == {-1}


def test_lines_far_apart_exchanged() -> None:
    made = list(ANSWERS)
    made[1], made[10] = made[10], made[1]
    assert {shift.line for shift in shifted(SOURCES, made, "en", "ja")} == {1, 10}


def test_a_long_document_is_looked_at_in_blocks() -> None:
    rng = random.Random(0)
    order = [rng.randrange(len(LINES)) for _ in range(400)]
    order = [n for at, n in enumerate(order) if not at or n != order[at - 1]]
    sources, answers = [SOURCES[n] for n in order], [ANSWERS[n] for n in order]
    assert shifted(sources, answers, "en", "ja") == []
    answers[250:260] = [answers[259], *answers[250:259]]
    found = {shift.line for shift in shifted(sources, answers, "en", "ja")}
    assert found and found <= set(range(250, 260))


def test_lines_without_letters_and_empty_ones_say_nothing() -> None:
    assert shifted(["---", "", "…", "A cat."], ["---", "", "…", "猫。"], "en", "ja") == []
    assert shifted([], [], "en", "ja") == [] and shifted(["A cat."], ["犬。"], "en", "ja") == []
    with pytest.raises(ValueError, match="2 sources and 1 answers"):
        shifted(["a", "b"], ["a"], "en", "ja")


def test_signs_meet_across_languages() -> None:
    shared = signs("I bought 12 computers in Paris?", "en", "ja") & signs(
        "パリで12台のコンピューターを買ったの？", "ja", "en"
    )
    assert {("number", "12"), ("loan", "computer"), ("mark", "?")} <= shared
    assert any(kind == "meaning" for kind, _ in shared)


def test_a_pair_fits_better_than_other_lines() -> None:
    fit = fits(SOURCES, ANSWERS, "en", "ja")
    own = np.diagonal(fit)
    others = (fit.sum(0) - own) / (len(fit) - 1)
    assert (own > others + 2).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=8))
def test_any_texts(pairs: list[tuple[str, str]]) -> None:
    for source_lang, target_lang in (("en", "ja"), ("ja", "zh"), ("en", "de"), ("sw", "ka")):
        for shift in shifted([a for a, _ in pairs], [b for _, b in pairs], source_lang, target_lang):
            assert 0 <= shift.line < len(pairs) and 0 <= shift.line - shift.by < len(pairs) and shift.by


@pytest.mark.shared
def test_planted_shifts_in_batches_of_real_pairs(shared_data: Path) -> None:
    from shift import measure, pairs

    found, false, clean = measure(*pairs(shared_data, "enja", "test"), 200, 0)
    planted = sum(count for _, count in found.values())
    assert sum(hits for hits, _ in found.values()) >= 0.95 * planted and false <= 0.01 * clean
