"""Personal data made unreal: what is found, what stays, and how often real text is touched."""

# ruff: noqa: E501  # tables of rows

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from in2x.corpus.clean import clean, rules
from in2x.corpus.config import CorpusConfig
from in2x.corpus.personal import MAIL, mask_personal

ALL = ("mail", "phone", "card", "address")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Write to ada.lovelace+boat@harbour-mail.co.uk today.", f"Write to {MAIL} today."),
        ("連絡先はminato@umi.ne.jpです。", f"連絡先は{MAIL}です。"),
        ("電話03-5550-1234まで", "電話00-0000-0000まで"), ("携帯は090-1234-5678。", "携帯は000-0000-0000。"),
        ("090-1234-5678と０３（５５５０）１２３４", "000-0000-0000と00（0000）0000"),
        ("Call (415) 555-0132 or 415-555-0132.", "Call (000) 000-0000 or 000-000-0000."),
        ("My number: +44 20 7946 0958, any time.", "My number: +00 00 0000 0000, any time."),
        ("我的手机是13912345678，请打。", "我的手机是00000000000，请打。"), ("电话：021-62345678。", "电话：000-00000000。"),
        ("제 번호는 010-1234-5678입니다.", "제 번호는 000-0000-0000입니다."),
        ("Appelez le 06 12 34 56 78.", "Appelez le 00 00 00 00 00."), ("Tel.: 030 1234567", "Tel.: 000 0000000"),
        ("card 4111 1111 1111 1111 exp", "card 4111 1111 1111 1111 exp"), ("card 4539 1488 0343 6467", "card 0000 0000 0000 0000"),
        ("住所は神奈川県灯浜市港町3丁目4番5号です", "住所は神奈川県灯浜市港町0丁目0番0号です"),
        ("地址：浙江省海门市港口路123号5楼", "地址：浙江省海门市港口路000号0楼"),
        ("at 12 Harbour Lane, Portsmouth, PO1 2AB now", "at 00 Harbour Lane, Portsmouth, PO0 0AB now"),
    ],
)  # fmt: skip
def test_what_is_personal_becomes_unreal(text: str, wanted: str) -> None:
    assert clean(text, rules("drop", ALL))[0] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "The war of 1939-1945 cost 1,234,567,890 crowns.", "ISBN 978-4-10-109205-8", "2024-11-30 12:34:56", "3.14159265358979",
        "小説は1,234,567部売れた。", "第123-4567号", "人口は13000000000人", "面積は0.1234567平方キロ", "192.168.100.200",
        "@user@social.example", "v1.2.3-4567-890", "x = 555-123+4567", "1234 5678 9012 3456", "name@example.com", "a @ b",
        "3時15分に港に着いた", "東京都の人口は1400万人", "지구 시간으로 150년", "第3章 5節 2-3-4", "He lived at 221B Baker Street.",
        "10-20-30-40-50", "e15542694953", "id_09012345678x", "+5 to strength, +10 to luck", "1/2/2024", "午前0時30-45分", "スコアは21-15、21-18", "0120年", "(2019) 123-145",
    ],
)  # fmt: skip
def test_other_numbers_stay(text: str) -> None:
    assert mask_personal(text, ALL) == (text, 0)


def test_it_is_a_knob_and_counted() -> None:
    text = "港の電話は03-5550-1234、mailはminato@umi.ne.jpへ。"
    assert mask_personal(text, ()) == (text, 0)
    assert mask_personal(text, ("mail",)) == (f"港の電話は03-5550-1234、mailは{MAIL}へ。", 1)
    assert mask_personal(text, CorpusConfig().personal)[1] == 2, "on by default"
    with pytest.raises(ValueError):
        CorpusConfig.model_validate({"personal": ["shoe_size"]})


@pytest.mark.parametrize("unit", ["1-", "0", "a@", "1 ", "+1 ", "(0", "東京都1", "1-2-3丁目"])
def test_a_line_of_half_a_million_letters_is_looked_through(unit: str) -> None:
    assert len(mask_personal(unit * (500_000 // len(unit)), ALL)[0]) > 100_000


@pytest.mark.shared
def test_books_hold_no_telephone_numbers(shared_data: Path) -> None:
    """The false alarms: behind the frames of their makers the Japanese and Chinese texts hold next to nothing."""
    for lang in ("ja", "zh"):
        with gzip.open(shared_data / "raw" / f"{lang}.jsonl.gz", "rt", encoding="utf-8") as stream:
            texts = [clean(json.loads(line)["text"], rules())[0] for line in stream]
        assert sum(mask_personal(text, ("mail", "phone", "card"))[1] for text in texts) <= 3
