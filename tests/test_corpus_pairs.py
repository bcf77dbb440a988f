"""Pairs are cleaned and judged as raw text is."""

# ruff: noqa: E501  # tables of rows

from __future__ import annotations

import gzip
import json
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from in2x.corpus.clean import rules
from in2x.corpus.pairs import clean_pairs, judged
from in2x.records import Pair


def gate(source: str, target: str, langs: tuple[str, str] = ("en", "ja")) -> tuple[list[Pair], list[str]]:
    lost: Counter[str] = Counter()
    kept = list(clean_pairs([Pair("p", *langs, source, target)], rules("drop", ("mail", "phone")), lost))
    assert len(kept) + lost.total() == 1
    return kept, list(lost)


@pytest.mark.parametrize(
    ("source", "target", "langs", "reason"),
    [
        ("All rights reserved.", "無断転載を禁じます", ("en", "ja"), "nothing is left"),
        ("The harbour wakes early.", "港\ufffd\ufffd早い。", ("en", "ja"), "characters that could not be decoded"),
        ("=== --- *** ||| ~~~ ### +++ 1", "港の朝は早い。", ("en", "ja"), "no letter"),
        ("a === --- *** ||| ~~~ ### +++ 1", "港の朝は早い。", ("en", "ja"), "few_letters"),
        ('<a href="https://example.com/?id=5"><br/></a>', "港の朝は早い。", ("en", "ja"), "markup"),
        ("https://example.com/index.html", "https://example.com/index.html", ("en", "ja"), "markup"),
        ("The harbour wakes early every day.", "The harbour wakes early every day.", ("en", "ja"), "another script"),
        ("Le port se lève tôt, et les bateaux.", "Le port se lève tôt, et les bateaux.", ("fr", "de"), "copied"),
        ("The harbour wakes early.", "Гавань просыпается рано.", ("en", "ja"), "another script"),
        ("Yes.", "港の朝はいつも早い。漁師たちは暗いうちから網を船に積み、灯台の光が消えるころには沖に出ている。", ("en", "ja"), "length"),
        ("buy now " * 40, "港の朝は早く、漁師たちは暗いうちから網を船に積み、沖へ出て、夜まで帰らないし、誰も待っていない。" * 2, ("en", "ja"), "repeated_runs"),
        ("港口的早晨总是来得很早，渔民们已经出海了，灯塔的光也熄灭了。", "港口的早晨总是来得很早，渔民们已经出海。", ("ja", "zh"), "the other language"),
    ],
)  # fmt: skip
def test_garbage_is_left_out_with_a_reason(source: str, target: str, langs: tuple[str, str], reason: str) -> None:
    assert gate(source, target, langs) == ([], [reason])


@pytest.mark.parametrize(
    ("source", "target", "langs"),
    [
        ("OK", "OK", ("en", "ja")), ("...", "……", ("en", "ja")), ("\"Huh?\"", "「……えっ？」", ("en", "ja")), ("BBC", "BBC", ("en", "ja")),
        ("Wow!!! 😭😭😭", "うわー！！！😭😭😭", ("en", "ja")), ("No.", "いいえ、まだ一度も行ったことがありません。", ("en", "ja")),
        ("「……」", "“好。”", ("ja", "zh")), ("Tokyo", "東京", ("en", "ja")), ("レーザー・ソード", "“光剑”", ("ja", "zh")),
        ("Landing soon: https://example.org/a/very/long/path/to/the/page/of/it", "もうすぐ着陸：https://example.org/a/very/long/path/to/the/page/of/it", ("en", "ja")),
        ("Click clack, click clack, click clack, click clack.", "ガタンゴトン、ガタンゴトン、ガタンゴトン。", ("en", "ja")),
        ("She wrote <b>no</b> on it.", "彼女はそれに<b>否</b>と書いた。", ("en", "ja")), ("42", "42", ("en", "ja")),
        ("Der Hafen ist still.", "The harbour is quiet.", ("de", "en")), ("毕业", "卒業", ("zh", "ja")),
    ],
)  # fmt: skip
def test_human_pairs_stay(source: str, target: str, langs: tuple[str, str]) -> None:
    (kept,), lost = gate(source, target, langs)
    assert not lost and (kept.source, kept.target) == (source, target)


def test_both_sides_go_through_the_rules_of_raw_text() -> None:
    (kept,), _ = gate("Write to  ada@harbour.org\u200b now.", "｜今日《きょう》ﾒｰﾙして。")
    assert (kept.source, kept.target) == ("Write to name@example.com now.", "今日メールして。")


def test_pairs_are_read_as_a_stream() -> None:
    seen = 0

    def stream():
        nonlocal seen
        for k in range(10_000):
            seen += 1
            yield Pair(str(k), "en", "ja", f"The harbour wakes early {k}.", f"港の朝は早い{k}。")

    first = next(iter(clean_pairs(stream(), rules(), Counter())))
    assert first.id == "0" and seen <= 5000


@pytest.mark.parametrize(
    ("name", "langs"),
    [
        ("enja.train*", ("en", "ja")), ("trilingual*", ("ja", "zh")), ("trilingual*", ("en", "zh")),
        ("jazh.train*", ("ja", "zh")), ("multi30k.en-de.test*", ("en", "de")),
    ],
)  # fmt: skip
def test_false_alarms_on_human_translations(shared_data: Path, name: str, langs: tuple[str, str]) -> None:
    file = next((shared_data / "parallel").glob(name))
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, 2000)]
    pairs = [
        Pair(str(n), *langs, row[langs[0]], row[langs[1]]) for n, row in enumerate(rows) if all(map(row.get, langs))
    ]
    faulty = [(pair.source, pair.target, why) for pair, _, why in judged(pairs, rules()) if why]
    assert len(pairs) > 500 and len(faulty) <= 0.005 * len(pairs), faulty
