"""Scripts, the language a script tells, and numbers in three scripts."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from in2x.language.identify import language_of, written_in
from in2x.language.numbers import numbers, parse_numeral
from in2x.language.script import make_up, simplified_only


def test_make_up_counts_letters_only() -> None:
    assert make_up("猫とネコとcat 3匹。") == (2, 2, 2, 3, 1)
    assert make_up("。、 !").letters == 0


@pytest.mark.parametrize(
    ("text", "lang"),
    [("学校に行く", "ja"), ("東京", "ja"), ("我们去东京", "zh"), ("中国人民银行", "zh"), ("I saw 東京 today", "en"),
     ("iPhone 15 Proを買った", "ja"), ("今日", None), ("123", None), ("ﾊﾟｿｺﾝ", "ja"), ("日本国憲法第九条", "ja")],
)  # fmt: skip
def test_language_of(text: str, lang: str | None) -> None:
    assert language_of(text) == lang


def test_written_in_accepts_a_short_word_that_two_languages_share() -> None:
    assert written_in("今日", "ja") is True
    assert written_in("今日", "zh") is True
    assert written_in("今天", "en") is False
    assert written_in("12", "ja") is None
    assert written_in("hello", "fr") is None


def test_simplified_only() -> None:
    assert simplified_only("说話する") == ["说"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234", "1234"), ("１２３", "123"), ("一二三四", "1234"), ("千二百三十四", "1234"),
     ("3万5千", "35000"), ("2億3,000万", "230000000"),
     ("十", "10"), ("〇", "0"), ("二〇二四", "2024"), ("两百", "200"), ("百二十三万四千五百六十七", "1234567")],
)  # fmt: skip
def test_numerals(text: str, value: str) -> None:
    assert parse_numeral(text) == Fraction(value)


@pytest.mark.parametrize(
    ("text", "values"),
    [("答えは-12", ["-12"]), ("マイナス三", ["-3"]), ("三分の一と2/3", ["1/3", "2/3"]),
     ("三割引で50%", ["3/10", "1/2"]),
     ("二点五倍", ["5/2"]), ("3-2", ["3", "2"]), ("なし", []), ("1/0", [])],
)  # fmt: skip
def test_numbers_in_text(text: str, values: list[str]) -> None:
    assert [str(number.value) for number in numbers(text)] == values


def _kanji(value: int) -> str:
    """Write a number below 10^8 in kanji (an independent writer to test the reader against)."""
    digits, small = "〇一二三四五六七八九", ["", "十", "百", "千"]
    if value >= 10_000:
        return _kanji(value // 10_000) + "万" + (_kanji(value % 10_000) if value % 10_000 else "")
    out = ""
    for place, digit in enumerate(reversed(str(value))):
        if digit != "0":
            out = ("" if digit == "1" and place else digits[int(digit)]) + small[place] + out
    return out


@given(st.integers(1, 10**8 - 1))
def test_kanji_numerals_of_any_size(value: int) -> None:
    assert parse_numeral(_kanji(value)) == value
    assert parse_numeral(f"{value:,}") == value
