"""Kinds of Japanese that were once read wrongly: drawn-out endings, half-width kana, お that raises nobody, dialect,
classical closings, and letters that only look like role language. All sentences are ours."""

from __future__ import annotations

import pytest

from in2x.language import japanese
from in2x.language.japanese import roles, surface, voice
from in2x.language.japanese.spelling import as_read

REGISTERS = {
    "polite": (
        "おはようございまーす",
        "行ってきま〜す♪",
        "終わりましたー！",
        "貸してくださ〜い",
        "できませーん",
        "ﾀﾍﾞﾏｽ",
        "駅に着きﾏｼﾀ!",
        "お帰りなさい、お父さん。",
        "朝からお掃除します。",
        "子どもとお昼寝します。",
        "彼とお勉強します。",
        "いただきます。",
        "いただきまーす",
    ),
    "honorific": (
        "課長が送ってくださいました。",
        "貸してくださいませんか。",
        "社長が話しておられます。",
        "お目にかかれて嬉しいです。",
        "お話しできて幸せです。",
        "お役に立てて幸いです。",
        "荷物はお届けします。",
        "答えはお調べします。",
        "駅までお供します。",
        "何かお探しですか。",
        "この色はお気に召しませんか。",
        "先生がご出席されました。",
    ),
    "casual": (
        "いけるっしょ！",
        "ﾏｼﾞﾃﾞ?",
        "あっちを見てちょうだい。",
        "寒かばい。",
        "もう遅いべや。",
        "んなこと知るか。",
        "立派になったのう。",
    ),
    "plain": (
        "遠くに鐘の音あり。",
        "真実とは何か。",
    ),
    "none": ("予約あり。",),
}


@pytest.mark.parametrize(("text", "label"), [(text, label) for label, texts in REGISTERS.items() for text in texts])
def test_register(text: str, label: str) -> None:
    assert japanese.register_of(text) == label


def test_an_order_in_nasai_is_no_honorific_speech() -> None:
    assert japanese.register_of("お座りなさい。") in ("plain", "casual")
    assert japanese.register_of("ご挨拶なさいました。") == "honorific"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ｶﾞｷﾞﾊﾟﾀﾍﾞﾏｽ", "ガギパタベます"),
        ("ま〜〜す", "ます"),
        ("コーヒーです", "コーヒーです"),
        ("まーするどい", "まーするどい"),
    ],
)
def test_spellings_are_read_and_keep_their_places(text: str, read: str) -> None:
    reading = as_read(text)
    assert reading.text == read
    places = [reading.at(i) for i in range(len(reading.text) + 1)]
    assert places[0] == 0 and places[-1] == len(text)
    assert places == sorted(places)


def test_tokens_cover_a_drawn_out_ending() -> None:
    text = "今日も走りま〜〜す！"
    tokens = japanese.tokenise(text)
    assert tokens[-1].surface == "！" and text[tokens[-1].start : tokens[-1].end] == "！"
    ending = next(token for token in tokens if token.surface == "ます")
    assert text[ending.start : ending.end] == "ま〜〜す"


def test_a_very_long_line_is_read() -> None:
    assert len(japanese.tokenise("あ" * 300_000)) > 0
    assert japanese.tokenise("雨です。" * 5000)[-1].end == 20_000


@pytest.mark.parametrize(
    "text", ["たいへんだ。", "へんな話。", "悪天候。", "かなり。", "打つ手を知るすべ。", "ほんまぐろ", "新緑の候。"]
)
def test_letters_inside_other_words_are_no_role(text: str) -> None:
    assert roles.role_language(text) == []


@pytest.mark.parametrize(
    ("text", "role"),
    [("知りまへん。", "kansai"), ("これにて候。", "samurai"), ("時は金なり。", "classical"), ("話すべ。", "rural")],
)
def test_role_language_is_still_found(text: str, role: str) -> None:
    assert [finding.label for finding in roles.role_language(text)] == [role]


def test_titles_behind_an_office_and_old_person_words() -> None:
    assert [finding.label for finding in voice.titles("女王陛下と首相閣下")] == ["陛下", "閣下"]
    for text in ("朕は眠い。", "わらわは知らぬ。", "あっしが行きます。", "貴公は誰だ。"):
        assert len(voice.person_words(text)) == 1


def test_rough_wa_is_not_feminine() -> None:
    assert voice.gendered_speech("すげえわ。").label != "feminine"
    assert voice.gendered_speech("わからんわ。").label != "feminine"
    assert voice.gendered_speech("もう行くわ。").label == "feminine"


@pytest.mark.parametrize("text", ["ゴーゴー鳴る。", "じーんとくる。"])
def test_drawn_out_mimetic_words(text: str) -> None:
    assert len(surface.onomatopoeia(text)) == 1
