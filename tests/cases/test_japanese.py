"""Japanese as users met it, and what languages leave in one another: register, keigo, role language, names, residue."""

from __future__ import annotations

import pytest

from in2x.language import japanese
from in2x.language.identify import identify, language_of, split_languages
from in2x.language.japanese import surface, voice
from in2x.language.japanese.misuse import misused_keigo
from in2x.language.japanese.names import name_drift
from in2x.language.japanese.roles import role_language
from in2x.principles.case import Case
from in2x.principles.fundamental import check_principles

REGISTERS = {
    "honorific": (
        "部長が資料を送ってくださいました。", "貸してくださいますか。", "会長が庭で休んでおられます。",
        "またお会いできて嬉しいです。",
        "お力になれず、お役に立てませんでした。", "重い荷物をお運びします。", "ホテルまでお供します。",
        "住所をお調べします。",
        "お疲れですか。", "お料理はお口に合いましたか。", "この柄はお気に召しましたか。", "お迎えに上がります。",
        "お待たせしました。", "鍵はお渡しできます。", "お詳しいですね。", "教授が駅に来られました。",
        "お客様が見えました。",
    ),
    "polite": (
        "おやすみなさい。", "お帰りなさい、先生。", "いってらっしゃい。", "庭でお昼寝します。",
        "公園をお散歩しました。",
        "明日お買い物しましょう。", "猫とお留守番します。", "祖母の家にお泊まりします。", "朝からお出かけします。",
        "夏にお引っ越ししました。",
        "毎朝お祈りします。", "姉とお料理します。", "よろしくお願いしまーす！", "おはようございま〜す",
        "見てくださーい",
        "ｽﾐﾏｾﾝﾃﾞｼﾀ、もう帰ります。", "駅へ行きﾏｽ。",
    ),
    "casual": (
        "余裕っしょ！", "もう行くっぺ。", "ほんまやで。", "めっちゃ寒い。", "うるせえ。", "どうしようもなかばい。",
        "たいぎいべや。",
        "んなことあるか。", "よう似合うのう。", "開けてちょうだい。", "ﾏｼﾞﾃﾞ?",
    ),
    "plain": ("お黙りなさい。", "早くお座りなさい。", "愛とは何か。", "我思う、ゆえに我あり。", "山寺に鐘の音あり。",
    "注意が必要である。"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "label"), [(text, label) for label, texts in REGISTERS.items() for text in texts])
def test_register(text: str, label: str) -> None:
    assert japanese.register_of(text) == label


MISUSED = {
    "double keigo": (
        "新聞をお読みになられますか。", "もうお帰りになられました。", "会長がおっしゃられました。",
        "何を召し上がられますか。",
        "絵をご覧になられた。",
    ),
    "humble verb raised": ("先方が参られます。", "お酒をいただかれましたか。", "そう申されました。",
    "手紙を拝見されましたか。"),
    "humble form of the other": (
        "日付をご確認してください。", "こちらでお待ちしてください。", "どうぞいただいてください。",
        "お客様が申しました。",
    ),
    "needless さ": ("本を読まさせていただきます。", "先に帰らさせていただきます。"),
    "double title": ("社長様", "保護者各位様"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "label"), [(text, label) for label, texts in MISUSED.items() for text in texts])
def test_misuse_of_keigo_is_named(text: str, label: str) -> None:
    assert [finding.label for finding in misused_keigo(text)] == [label]
    assert any(finding.kind == "keigo misuse" for finding in japanese.analyse(text))


@pytest.mark.parametrize(
    "text",
    ["新聞をお読みになりますか。", "私が参ります。", "日付をご確認ください。", "お客様からいただきました。",
    "本を読ませていただきます。",
     "お見えになりました。", "お伺いします。", "部屋をお掃除してください。", "お客様に申し上げました。",
     "妹が世話になられた。",
     "様子がうかがわれる。", "お一人になられて"],
)  # fmt: skip
def test_right_keigo_is_no_misuse(text: str) -> None:
    assert misused_keigo(text) == []


@pytest.mark.parametrize(
    "text",
    ["きのう。", "あのう…", "いわしは旨い。", "遠まわしに言う。", "それがしたい。", "それがしばしば起きる。",
    "ご意見。", "まだぜんぜんだ。",
     "なんでやめたの。", "赤ん坊", "あかんべえ", "しちゃうでしょ。", "たいへんなの", "へんな話だ。", "この辺で。",
     "めっちゃ美味しい。", "ほんまぐろ",
     "道しるべ。", "井戸のつるべ。", "友達とだべっていた。", "なすすべ。", "彼はいやがるだろう。", "行かにゃ。",
     "穏やかな気候。", "かなり。",
     "言いなり。", "さぞかし驚いただろう。", "余は昨日これを書いた。", "妾を囲う。", "子供を庭であそばせておく。",
     "それじゃ。", "いいんじゃ？",
     "声をおおきにする。"],
)  # fmt: skip
def test_ordinary_text_plays_no_role(text: str) -> None:
    assert role_language(text) == []


@pytest.mark.parametrize(
    ("text", "role"),
    [("わしに任せるのじゃ。", "elder"), ("よう来たのう。", "elder"), ("拙者に構うな。", "samurai"),
    ("それがしが参る。", "samurai"),
     ("まあ、嫌ですわ。", "lady"), ("お許しあそばせ。", "lady"), ("知らへんわ。", "kansai"), ("そうやで。", "kansai"),
     ("行きまへん。", "kansai"), ("あかんやろ。", "kansai"), ("もう帰るべ。", "rural"), ("おらの村だ。", "rural"),
     ("逃げやがった。", "rough"),
     ("行くんだぜ。", "rough"), ("朕は国家である。", "sovereign"), ("苦しゅうない。", "sovereign"),
     ("おなかすいたにゃ〜", "cat"),
     ("花咲きけり。", "classical"), ("人情なり。", "classical")],
)  # fmt: skip
def test_role_language(text: str, role: str) -> None:
    assert {finding.label for finding in role_language(text)} == {role}


@pytest.mark.parametrize(
    ("text", "title"),
    [("皇后陛下", "陛下"), ("首相閣下", "閣下"), ("皇太子殿下", "殿下"), ("陛下、こちらへ。", "陛下"), ("山田教授",
    "教授"), ("ローズ夫人", "夫人"),
     ("グレイ伯爵", "伯爵"), ("田中くん", "君")],
)  # fmt: skip
def test_titles(text: str, title: str) -> None:
    assert [finding.label for finding in voice.titles(text)] == [title]


@pytest.mark.parametrize(
    "text",
    [
        "朕が命ずる",
        "わらわの城",
        "あっしがやります",
        "貴公の名は",
        "我々は進む",
        "小職が伺います",
        "おぬしは誰だ",
        "諸君、聞け",
        "わっちの店",
        "拙僧は行く",
    ],
)
def test_person_words(text: str) -> None:
    assert len(voice.person_words(text)) == 1


@pytest.mark.parametrize(
    "text",
    ["ゴーゴー燃える。", "ピューピュー吹く", "ガヤガヤ騒ぐ", "しーんとなる", "シーンと静まる", "しーん……",
    "がちゃんと割れた", "ほっとした", "どたばた走る",
     "ポンと叩く"],
)  # fmt: skip
def test_mimetic_words(text: str) -> None:
    assert len(surface.onomatopoeia(text)) == 1


@pytest.mark.parametrize(
    "text", ["コーヒーを飲む", "もっと食べる", "ときどき行く", "ルールを守る", "たぶん行く", "シーンが変わる"]
)
def test_other_words_are_not_mimetic(text: str) -> None:
    assert surface.onomatopoeia(text) == []


@pytest.mark.parametrize("text", ["すげえわ", "わからんわ", "うざいわ", "言うとるわ", "そうやわ", "やってらんねえわ"])
def test_a_rough_or_western_wa_is_anyones(text: str) -> None:
    assert voice.gendered_speech(text).label == "neutral"


@pytest.mark.parametrize(
    ("text", "lang"),
    [("給付対象者認定基準", "ja"), ("地方自治体的枠組", "ja"), ("会議終了", "ja"), ("不動産取引", "ja"), ("我々", "ja"),
     ("読書中", "ja"), ("你們明天來嗎？", "zh"), ("這件事情沒有那麼簡單。", "zh"), ("謝謝你", "zh"),
     ("他在「セブン」買了咖啡。", "zh"),
     ("我在看《ナルト》", "zh"), ("新開的店「タナカ」，就在車站旁邊", "zh"), ("「アンナ」読了", "ja")],
)  # fmt: skip
def test_kanji_alone_and_quoted_kana(text: str, lang: str) -> None:
    assert identify([text]) == [lang]
    assert language_of(text) == lang


def test_half_an_emoji_has_a_language() -> None:
    assert identify(["\ud83dです。"]) == ["ja"]


def test_headings_of_kanji_stay_in_japanese_documents() -> None:
    text = "次のとおり定める。\n包括的地域支援事業実施要領\n被保険者資格喪失完了届\n以上である。"
    assert split_languages(text, "ja")[1] == 0


UNTRANSLATED = [
    ("en", "ja", "The rope is 20 meters long.", "縄の長さは20mです。", True),
    ("en", "ja", "He drove at ninety miles per hour.", "彼は90mphで走った。", True),
    ("en", "ja", "Soap has a pH of 9.", "石鹸のpH値は9だ。", True),
    ("en", "ja", "I found it on facebook.", "facebookで見つけた。", True),
    ("en", "ja", "We built it with svelte.", "Svelteで作った。", True),
    ("en", "ja", "@ana7 look at https://x.example #dogs 🐶", "@ana7 見て https://x.example #dogs 🐶", True),
    ("en", "ja", "I read Lord of the Flies.", "Lord of the Fliesを読んだ。", True),
    ("zh", "ja", "我用支付宝。", "Alipayを使う。", True),
    ("ja", "zh", "コスプレの写真", "cosplay的照片", True),
    ("en", "ru", "It runs at 60 Hz, fps is low.", "Работает на 60 Hz, fps низкий.", True),
    ("en", "ja", "The bridge is closed.", "そのbridgeは閉まっている。", False),
    ("en", "ja", "We need a plan and some luck.", "私たちには計画と some luck が必要だ。", False),
    ("zh", "ja", "这件事很重要。", "それはとてもimportantなことだ。", False),
    ("zh", "ja", "我们需要时间。", "私たちには时间が必要だ。", False),
    ("en", "ja", "You should rest now.", "你應該好好休息，不要再工作了。", False),
]


@pytest.mark.parametrize(("source_lang", "target_lang", "source", "answer", "kept"), UNTRANSLATED)
def test_what_may_stay_and_what_is_left(
    source_lang: str, target_lang: str, source: str, answer: str, kept: bool
) -> None:
    assert check_principles(Case(source, source_lang, target_lang), answer)["untranslated"].kept is kept


SAME = [
    (["Then Karen met Corinne.", "So Karen waved at Corinne."], ["カレンはコリーンに会った。",
    "カレンはコリーンに手を振った。"]),
    (["When Dan met Don in Kyoto.", "Then Dan hugged Don."], ["ダンは京都でドンに会った。", "ダンはドンを抱いた。"]),
    (["Then Paul met Paula.", "And Paul saw Paula."], ["ポールはポーラに会った。", "ポールはポーラを見た。"]),
    (["Then Jean met Joan and John.", "And John saw Joan."], ["ジーンはジョーンとジョンに会った。",
    "ジョンはジョーンを見た。"]),
    (["艾伦见了艾琳。", "艾琳笑了，艾伦也笑了。"], ["アランはアイリーンに会った。", "アイリーンもアランも笑った。"]),
]  # fmt: skip
DRIFTS = [
    (["When Blake came.", "Then Blake left.", "So Blake said no."], ["ブレイクが来た。", "ブレークは去った。",
    "ブレイクは断った。"], "Blake"),
    (["Then Alan met Ellen.", "Alan saw Ellen.", "And Alan left."], ["アランはエレンに会った。",
    "アランはエレンを見た。", "アレンは去った。"], "Alan"),
    (["昨天艾伦来了。", "艾伦特别高兴。", "我们喜欢艾伦。"], ["アランが来た。", "アレンは喜んだ。",
    "私たちはアランが好きだ。"], "艾伦"),
]  # fmt: skip


@pytest.mark.parametrize(("sources", "targets"), SAME)
def test_two_people_do_not_drift(sources: list[str], targets: list[str]) -> None:
    assert name_drift(sources, targets) == []


@pytest.mark.parametrize(("sources", "targets", "name"), DRIFTS)
def test_one_person_drifts(sources: list[str], targets: list[str], name: str) -> None:
    assert [drift.name for drift in name_drift(sources, targets)] == [name]


@pytest.mark.parametrize(
    ("case", "answer", "kept"),
    [(Case("Yesterday Susan called.", "en", "ja"), "昨日スーザンが電話した。", True),
     (Case("Yesterday Susan called.", "en", "ja"), "昨日ロバートが電話した。", False),
     (Case("Yesterday Susan called.", "en", "ja"), "昨日彼女が電話した。", None),
     (Case("He went to Germany.", "en", "ja"), "彼はドイツへ行った。", None),
     (Case("Yesterday Susan called.", "en", "ja", reference="昨日スーザンが電話した。"), "昨日マイクが電話した。",
     False),
     (Case("汤姆昨天来了。", "zh", "ja", reference="昨日トムが来た。"), "昨日ジョンが来た。", False),
     (Case("Ms. Tanaka agreed.", "en", "ja", reference="田中さんは賛成した。"), "鈴木さんは賛成した。", False),
     (Case("I met Susan there.", "en", "de", reference="Ich traf Susan dort."), "Ich traf Robert dort.", False),
     (Case("I met Susan there.", "en", "de", reference="Ich traf Susan dort."), "Dort traf ich sie.", None),
     (Case("I met Susan there.", "en", "ru", reference="Я встретил Сьюзан там."), "Я встретил Роберта там.", False)],
)  # fmt: skip
def test_a_swapped_name(case: Case, answer: str, kept: bool | None) -> None:
    assert check_principles(case, answer)["names"].kept is kept


def test_a_line_of_a_million_letters_has_a_register() -> None:
    assert japanese.register_of("あ" * 1_000_000) in ("none", "plain", "casual")
