"""What Japanese text says of a thing: affirmed or denied, through every usual form of either."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.language.japanese.polarity import denied


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ("昨日は行かなかった。", "行", True),
        ("昨日は行った。", "行", False),
        ("行くかもしれない。", "行", False),
        ("行かないかもしれない。", "行", True),
        ("行かなければならない。", "行", False),
        ("行かなきゃ。", "行", False),
        ("それは言わないで。", "言", True),
        ("言うなよ！", "言う", True),
        ("いいなあ", "いい", False),
        ("そんなわけねえだろ、来るわけが。", "そんな", True),
        ("閉め切っておりません。", "閉め切", True),
        ("予約なしで入れます。", "予約", True),
        ("行くしかない。", "行", False),
        ("来ないはずがない。", "来", False),
        ("食べずに帰った。", "食べ", True),
        ("食べずに帰った。", "帰", False),
        ("休みの予定はまだ何とも言えないの。お父さんが仕事になるかもしれなくて。", "仕事", False),
        ("休みの予定はまだ何とも言えないの。", "言え", True),
        ("来ませんか。", "来", False),
        ("行かない？", "行", True),
        ("いいんじゃない？", "いい", False),
        ("それは嘘ではない。", "嘘", True),
        ("嘘じゃないか！", "嘘", False),
        ("部長、お昼はご一緒できません。", "一緒", True),
        ("ご予約はもう締め切っております。", "締め切", False),
        ("話半分どころか全部本当だよ", "話半分", True),
        ("話半分どころか全部本当だよ", "本当", False),
        ("知らんけど、行くわ", "行", False),
        ("知らんけど、行くわ", "知", True),
        ("誰も来やしない", "来", True),
        ("言わざるを得ない", "言", False),
        ("申し訳ないけど払えない", "申し訳", False),
        ("申し訳ないけど払えない", "払", True),
        ("全然わからへん", "わか", True),
        ("彼は怒っていないようだ", "怒", True),
        ("怒ってはいけない", "怒", True),
        ("泣きながら歌わなかった", "歌", True),
        ("もう二度と行くまい", "行", True),
        ("すみません、遅れました", "遅れ", False),
        ("無理しなくていい", "無理", True),
        ("まだ終わってない", "終わ", True),
        ("彼女を忘れることはない", "忘れ", True),
        ("行きたくないわけじゃない", "行き", False),
        ("味方じゃなくて敵だ", "味方", True),
        ("味方じゃなくて敵だ", "敵", False),
        ("そんなの行くもんか", "行く", True),
        ("彼が犯人だと思わない", "犯人", True),
        ("忘れないで持ってきて", "持", False),
        ("嫌いじゃないよ", "嫌い", True),
        ("あいつ、もう帰ったよ。", "帰", False),
        ("食べられないほど辛い", "食べ", True),
        ("食べられないほど辛い", "辛", False),
        ("お金がないから買えない", "お金", True),
        ("お金がないから買えない", "買", True),
    ],
)
def test_polarity(text: str, said: str, expected: bool) -> None:
    start = text.index(said)
    assert denied(text, start, start + len(said)) is expected


@given(st.text(max_size=40), st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=200, deadline=None)
def test_any_text(text: str, start: int, size: int) -> None:
    assert denied(text, start, start + size) in (True, False)
