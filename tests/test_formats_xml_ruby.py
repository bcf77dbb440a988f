"""Ruby by its three uses: a reading is dropped, what the base does not say is passed."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

import pytest

from in2x.formats import ruby
from in2x.formats.document import Options
from in2x.formats.html import read

RUBY = re.compile("([々〆ヶ\u4e00-\u9fff]+)《([^》\n]+)》([\u3041-\u3096]{0,4})")
JA_EN = Options(source_lang="ja", target_lang="en")


def said(markup: str, options: Options = JA_EN) -> list[str]:
    return [segment.text for segment in read(markup.encode(), "a.html", options).segments]


@pytest.mark.parametrize(
    ("base", "above", "after", "use"),
    [
        ("東京", "とうきょう", "", "reading"),
        ("読", "よ", "み方", "reading"),
        ("大人", "おとな", "", "reading"),
        ("一生懸命", "いっしょうけんめい", "", "reading"),
        ("今日", "けふ", "", "reading"),
        ("流", "ながれ", "", "reading"),
        ("時々", "ときどき", "", "reading"),
        ("宇宙", "そら", "", "context"),
        ("運命", "さだめ", "", "context"),
        ("地球", "ほし", "", "context"),
        ("親友", "とも", "", "context"),
        ("友", "ライバル", "", "double"),
        ("月", "ライト", "", "double"),
        ("魔法", "magic", "", "double"),
        ("大事", "・・", "", "reading"),
    ],
)
def test_the_use_of_ruby(base, above, after, use) -> None:
    assert ruby.use(base, above, "ja", after) == use


def test_without_a_grammar_ruby_is_a_reading() -> None:
    assert ruby.use("北京", "Běijīng", "zh") == "reading"
    assert ruby.use("北京", "x", "") == "reading"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<ruby>漢字<rp>（</rp><rt>かんじ</rt><rp>）</rp></ruby>です", "漢字です"),
        ("<ruby>東<rt>とう</rt>京<rt>きょう</rt></ruby>へ", "東京へ"),
        ("<ruby><rb>東</rb><rb>京</rb><rt>とう</rt><rt>きょう</rt></ruby>へ", "東京へ"),
        ("<ruby>友<rp>(</rp><rt>ライバル</rt><rp>)</rp></ruby>と", "友（ライバル）と"),
        ("<ruby>漢字<rt>かんじ<rt>character</ruby>", "漢字（character）"),
        ("彼の<ruby><span>宇宙</span><rt>そら</rt></ruby>。", "彼の宇宙（そら）。"),
    ],
)
def test_ruby_in_a_page(markup, text) -> None:
    assert said(f"<p>{markup}</p>") == [text]


def test_dropped_readings_are_listed() -> None:
    document = read("<p><ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby></p>".encode(), "a.html", JA_EN)
    assert [(s.text, s.why) for s in document.skipped] == [("かんじ", "the reading of 漢字")]


def test_ruby_that_never_ends_or_holds_an_image_is_markup() -> None:
    assert said("<p><ruby>川<rt>かわ<p>次") == ["川かわ", "次"]
    assert said("<p>あ<ruby><img src=x>川<rt>かわ</rt></ruby>い") == ["あ川かわい"]


@pytest.mark.shared
def test_readings_of_real_books_are_known_as_such(shared_data: Path) -> None:
    """Books of before 1945 mark rare words most, and many a word that is read as another one (手巾 as ハンケチ)."""
    pairs: list[tuple[str, str, str]] = []
    with gzip.open(shared_data / "raw" / "ja.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            pairs += RUBY.findall(json.loads(line)["text"])
    sample = random.Random(0).sample(pairs, 3000)
    passed = sum(ruby.use(base, above, "ja", after) != "reading" for base, above, after in sample)
    assert passed / len(sample) < 0.22
