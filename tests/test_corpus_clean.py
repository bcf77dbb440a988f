"""Each cleaning rule by itself, and what no rule may touch."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from in2x.corpus import clean as c
from in2x.language import characters


def test_newlines() -> None:
    assert c.newlines("a\r\nb\rc\u2028d\n") == ("a\nb\nc\nd\n", 3)


def test_control_characters() -> None:
    assert c.control_characters("a\u200bb\x00c\ufeffd\te\n") == ("abcd\te\n", 3)


def test_mojibake_is_repaired_and_clean_text_left() -> None:
    wrong = "the cafÃ© on the corner"
    assert c.mojibake(wrong) == ("the café on the corner", 1)
    broken = "灯台の光".encode().decode("cp1252", "ignore")
    assert c.mojibake("普通の文です。 naïve café") == ("普通の文です。 naïve café", 0)
    assert c.mojibake(broken)[1] in (0, 1)


def test_mojibake_of_east_asian_text_is_repaired_before_its_bytes_look_like_controls() -> None:
    text = "灯台の光が消えるころ、船は沖にいる。\n我们今天早上要走到公司。"
    assert c.clean(text.encode().decode("latin-1"), c.rules())[0] == text


@given(st.text(max_size=60))
def test_looking_up_code_units_misses_nothing_that_the_patterns_find(text: str) -> None:
    assert c.control_characters(text)[1] == len(text) - len(c.control_characters(text)[0])
    if not characters._CONTROL.search(text):
        assert c.control_characters(text) == (text, 0)
    assert c.normalise(text)[0] == characters._COMPATIBILITY.sub(characters._usual, unicodedata.normalize("NFC", text))


def test_gutenberg_frame() -> None:
    book = (
        "The Project Gutenberg EBook of Nothing\n\nTitle: Nothing\n\n"
        "*** START OF THIS PROJECT GUTENBERG EBOOK NOTHING ***\n\n\n"
        "Produced by Somebody\n\n\nCHAPTER I\n\nIt rained.\n\nEnd of Project Gutenberg's Nothing\n\n"
        "*** END OF THIS PROJECT GUTENBERG EBOOK NOTHING ***\n\nlicence and more licence\n"
    )
    text, count = c.gutenberg(book)
    assert text.strip() == "CHAPTER I\n\nIt rained."
    assert count >= 3
    assert c.gutenberg("A story about Gutenberg, the printer.")[0] == "A story about Gutenberg, the printer."


AOZORA = (
    "灯台\n作者名\n\n-------------------------------------------------------\n【テキスト中に現れる記号について】\n\n《》：ルビ\n"
    "（例）灯台《とうだい》\n-------------------------------------------------------\n\n"
    "　古い灯台《とうだい》の｜上の人《うえのひと》は、※［＃「さんずい＋心」、U+6C81、5-3］みる。［＃「みる」に傍点］\n"
    "　誰※［＃「牙へん」、12-3］か来た。\n\n\n"
    "底本：「灯台全集」架空社\n入力：誰か\n青空文庫作成ファイル：\nこのファイルは、\n"
)


def test_aozora_text_comes_out_plain() -> None:
    text, counts = c.clean(AOZORA, c.rules())
    assert text == "灯台\n作者名\n\n　古い灯台の上の人は、沁みる。\n　誰〓か来た。"
    by_rule = dict(zip(c.RULE_NAMES, counts, strict=True))
    assert by_rule["aozora_frame"] == 2 and by_rule["aozora_notes"] == 3 and by_rule["ruby"] == 3


def test_ruby_can_be_kept() -> None:
    assert c.ruby("｜上の人《うえのひと》と灯台《とうだい》", "keep") == ("上の人（うえのひと）と灯台（とうだい）", 2)
    assert c.ruby("《本の題》を読む")[0] == "《本の題》を読む"
    assert c.ruby("響《ひゞ》き、種々《しゆ／″＼》の")[0] == "響き、種々の"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("※［＃「火＋華」、第3水準1-87-62］火の夜", "燁火の夜"),
        ("※［＃「魚＋潯のつくり」、第4水準2-93-82］を釣る。", "鱘を釣る。"),
        ("ゆら／＼と、ほの／″＼と。", "ゆら〳〵と、ほの〴〵と。"),
        ("虹🏳️‍🌈と宇宙飛行士👩🏽‍🚀", "虹🏳️‍🌈と宇宙飛行士👩🏽‍🚀"),
    ],
)
def test_signs_that_no_keyboard_has(typed: str, meant: str) -> None:
    """Characters by their number in JIS X 0213, the marks of repetition, emoji of several parts."""
    assert c.clean(typed, c.rules())[0] == meant


def test_chinese_titles_are_no_ruby() -> None:
    text = "我在《港口》上读到灯塔的故事，又看了他的《海与鸟》。"
    assert c.ruby(text) == (text, 0)


def test_normalise_keeps_style() -> None:
    kept = "「ええ〜っ！？」（と、彼は言った）…①～⑤：；，．"
    assert c.normalise(kept) == (kept, 0)
    assert c.normalise("ＡＢＣ１２３ﾊﾟｿｺﾝ ﬁn ㌔") == ("ABC123パソコン fin キロ", 3)
    assert c.normalise("か\u3099") == ("が", 1)


@pytest.mark.parametrize("line", ["All rights reserved.", "続きを読む", "版权所有 某公司", "Read more...", "広告"])
def test_boilerplate_lines(line: str) -> None:
    assert c.boilerplate(f"A story.\n{line}\nIts end.") == ("A story.\nIts end.", 1)


def test_boilerplate_leaves_sentences() -> None:
    text = "He asked for all rights to be reserved for her.\n広告を見た人が来た。"
    assert c.boilerplate(text) == (text, 0)


def test_furniture() -> None:
    assert c.furniture("```\n正文。\n\n※ ※ ※\n完。\n```") == ("正文。\n\n完。", 2)


def test_repeated_lines() -> None:
    assert c.repeated_lines("a\nb\nb\nb\nb\nb\nc\nc\n") == ("a\nb\nc\nc\n", 4)
    assert c.repeated_lines("b\nb\nb\nb\nb") == ("b", 4)
    assert c.repeated_lines("la la\nla la\nla la\nla la") == ("la la\nla la\nla la\nla la", 0)
    assert c.repeated_lines("a\nab\nab\nabab\n") == ("a\nab\nab\nabab\n", 0)


def test_boilerplate_keeps_the_blank_lines_around_it() -> None:
    assert c.boilerplate("SATIRES.\n\n\nADVERTISEMENT\nTo the reader.") == ("SATIRES.\n\n\nTo the reader.", 1)
    assert c.boilerplate("広告\n広告\nText") == ("Text", 2)


def test_spaces() -> None:
    assert c.spaces("\n  a  b\t c　\n\n\n\n　字下げ \n\tif x:\n") == ("  a b c\n\n　字下げ\n\tif x:", 5)


@given(st.text(max_size=200))
def test_cleaning_is_total_and_settles(text: str) -> None:
    """No rule raises, and a second pass changes nothing that matters."""
    once, counts = c.clean(text, c.rules())
    assert all(count >= 0 for count in counts)
    assert len(c.clean(once, c.rules())[0]) <= len(once)


@given(st.text(alphabet="あいう漢字アab .。、「」\n", max_size=100))
def test_plain_text_keeps_its_letters(text: str) -> None:
    letters = [ch for ch in c.clean(text, c.rules())[0] if ch.isalpha()]
    lines = text.split("\n")
    if all(lines[k : k + 3] != [lines[k]] * 3 for k in range(len(lines))):
        assert letters == [ch for ch in text if ch.isalpha()]


def test_aozora_frames_of_other_typists() -> None:
    body = "　海\n\n海を越えて行く。\n" * 20
    legends = [
        "-" * 55 + "\n《テキスト中に現れる記号について》\n\n《》：ルビ\n（例）花《はな》\n\n［＃］：入力者注\n"
        "　　　（数字は、行数）\n（例）※［＃「感」、1-8-78］\n" + "-" * 55 + "\n",
        "［表記について］\n●底本のルビは「《ルビ》」の形式で処理した。\n●底本に準じた。\n",
    ]  # fmt: skip
    colophons = [
        "=" * 60 + "底本：ある文庫（ある書店）\nテキスト入力：ある人\n青空文庫公開：1999年１月\n",
        "［＃本文終わり］\n翻訳の底本： A BOOK, by A. Writer\n翻訳者：ある人\n青空文庫収録ファイル：\n",
        'This is a Japanese translation of "A Book".\n翻訳：ある人\n青空文庫収録ファイル：\n',
        "青空文庫収録ファイル：\nこのファイルは、著作権者自らの意思により、インターネットの図書館、青空文庫に収録。\n",
    ]
    for legend in legends:
        for colophon in colophons:
            assert c.aozora_frame("題\n" + legend + body + colophon) == ("題\n" + body, 2)
    assert c.aozora_frame(body) == (body, 0)


def test_ruby_of_signs_in_parts_and_of_loan_words() -> None:
    text = "［＃ここから］＋《プラス》だけ、稚之出居《ミツハモワカ（？）ニイデヰル》神、"
    text += "ディヴィーズ《金満家》の、中古派《ロマン、スクール》"
    assert c.ruby(text) == ("［＃ここから］＋だけ、稚之出居神、ディヴィーズの、中古派", 4)
    assert c.ruby("［＃改行］＋《プラス》", "keep")[0] == "［＃改行］＋（プラス）"
    assert c.ruby("他说《新闻》和“BBC”《新闻》、《ありがとう》")[0] == "他说《新闻》和“BBC”《新闻》、《ありがとう》"


def test_transcriber_notes_go_and_transcribers_in_the_story_stay() -> None:
    box = "+----------------+\n | Transcriber's Note: |\n | |\n | Obvious errors mended. |\n +----------------+\n"
    heading = "Transcriber\u2019s note:\n\nThis text has been\nproduced twice.\n"
    bracket = "[Transcriber's Note: two pages\nare missing.]\n"
    story = "The transcriber wrote on.\n\nNobody read it.\n"
    assert c.transcriber_notes(box + story + "\n" + heading + "\n" + bracket + story) == (story + "\n\n" + story, 3)
    assert c.transcriber_notes(story) == (story, 0)


def test_note_marks_and_their_apparatus_go() -> None:
    body = "　　他看见〔1〕许多人，说到《新报》〔2〕的事。\n" * 5
    notes = "\n　　〔1〕　本篇最初发表于一份报纸。\n　　〔2〕　报纸名。\n"
    text, count = c.note_marks("题目\n" + body + notes)
    assert text == "题目\n" + body.replace("〔1〕", "").replace("〔2〕", "") + "\n" and count == 12
    code = "x = a[1] + b[2]\n"
    assert c.note_marks(code) == (code, 0)
    assert c.note_marks("第〔1〕章の海。") == ("第〔1〕章の海。", 0)
