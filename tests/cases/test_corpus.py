"""Corpus, sets, rules and selection lose nothing in silence: small inputs that users met, and more of their kinds."""

# ruff: noqa: E501  # a table of rows

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from in2x.chat.turns import LeftOut, exchange
from in2x.contamination.config import DecontaminateConfig
from in2x.contamination.table import Contamination
from in2x.corpus.clean import RULE_NAMES, clean, rules
from in2x.corpus.encoding import detect
from in2x.corpus.quality import heuristics
from in2x.corpus.read import Limits, find_files, plan, read_split
from in2x.corpus.tongues import document_languages, own_lines
from in2x.data import reader
from in2x.instructions.collect import read_set
from in2x.instructions.config import RulesConfig, SetConfig
from in2x.instructions.neardup import NearDuplicateIndex
from in2x.instructions.rules import check
from in2x.instructions.tidy import tidy
from in2x.language.identify import identify
from in2x.language.signs import signs
from in2x.recipe import Recipe
from in2x.records import Aside, Instruction, Pair
from in2x.selection.birch import Birch
from in2x.selection.teacher import Taxonomy

GAIJI = bytes([0x8F, 0xA0 + 3, 0xA0 + 71]).decode("euc_jis_2004")
LIMITS = Limits(record_bytes=1 << 20, document_chars=1_000_000)


def cleaned(text: str) -> str:
    return clean(text, rules())[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # names of cards, songs, pictures and books
        ("手札の《ミラーの壁》を捨てる。", None), ("昨夜は《ツインクルスター》を弾いた。", None),
        ("他喜欢《となりの山田くん》这部电影。", None), ("あの《ひこうき雲》が流れた。", None),
        ("名曲《さくら》を歌う。", None), ("新作《サイレン》の発売日", None), ("SNSの《カナリア》さん", None),
        # readings
        ("灯台《とうだい》の光", "灯台の光"), ("読《よ》み方を学《まな》ぶ", "読み方を学ぶ"),
        ("町立図書館《としょかん》へ", "町立図書館へ"), ("｜賢者《ワイズマン》が来た", "賢者が来た"),
        ("［＃２字下げ］彼女《ひと》は笑った", "彼女は笑った"),
        ("海《うみ》と山《やま》と空《そら》、そして運命《さだめ》", "海と山と空、そして運命"),
        # characters that the typist could not write, and marks of repetition
        ("※［＃「口＋亞」、第3水準1-15-8、12-3］の声", "啞の声"), ("※［＃「口＋皀」、第4水準2-3-71］", GAIJI),
        ("※［＃「王＋攵」、U+739F、7-1］", "玟"), ("※［＃知られぬ字、7-1］の山", "〓の山"),
        ("モ※［＃小書き片仮名ヰ、2-3］", "モヰ"), ("ザ※［＃小書き片仮名ム、2-3］", "ザㇺ"), ("待て※［＃感嘆符三つ、1-2］", "待て！！！"),
        ("第※［＃ローマ数字61小文字、4-9］章", "第lxi章"), ("ヒン／＼／＼と", "ヒン〳〵〳〵と"), ("（突）／＼する", "（突）〳〵する"),
        ("「／＼」の字", None), ("ちら／＼と降る", "ちら〳〵と降る"), ("しみ／″＼と聞く", "しみ〴〵と聞く"),
        # joiners
        ("海辺の👩‍👩‍👦", None), ("👨🏿‍🚀が手を振る", None), ("می‌روم", None), ("क्‍ष", None), ("🏳️‍🌈の旗", None),
        ("海\u200d辺", "海辺"), ("a\u200cb", "ab"),
        # voicing marks of half width
        ("さ\uff9eる", "ざる"), ("ハ\uff9fン", "パン"), ("ﾊﾞﾅﾅ", "バナナ"), ("うっ、あ\uff9e", "うっ、あ゛"),
        # spaces of width one and indentation
        ("　行くぞ！　待て！", None), ("海野　港", None), ("if x:\n    go()\n\tback()", None), ("a  b\tc", "a b c"),
    ],
)  # fmt: skip
def test_cleaning_takes_marks_and_leaves_text(text: str, wanted: str | None) -> None:
    assert cleaned(text) == (text if wanted is None else wanted)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp932", "港の朝は早い。漁師は網を積む。"), ("euc_jp", "港の朝は早い。漁師は網を積む。"),
        ("iso2022_jp", "港の朝"), ("gb18030", "港口的早晨总是来得很早，渔民们已经出海。"),
        ("big5", "港口的早晨總是來得很早，漁民們已經出海了，燈塔的光也熄滅了。"), ("cp949", "항구의 아침은 언제나 이르다."),
        ("euc_kr", "항구의 아침은 언제나 이르다."), ("latin-1", "Nous prenons le thé près de la forêt, l'été déjà passé."),
        ("cp1252", "„Über dem Hafen“ – so heißt das Lied, für das er übte."), ("cp1251", "Утро в гавани всегда раннее."),
        ("koi8-r", "Утро в гавани всегда раннее."), ("cp1250", "Ráno v přístavu začíná vždy časně, řekl rybář Jiří."),
        ("cp874", "เช้าที่ท่าเรือมาเร็วเสมอ ชาวประมงออกทะเล"), ("utf-16", "港の朝は早い。"), ("utf-8-sig", "港の朝"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ahead", [0, 7000])
def test_an_encoding_is_told_by_the_whole_file(encoding: str, text: str, ahead: int, tmp_path: Path) -> None:
    """Short, and behind 70 KB of ASCII."""
    whole = "plain line\n" * ahead + text
    (tmp_path / "a.txt").write_bytes(whole.encode(encoding))
    (row,) = (row for split in plan(find_files(["a.txt"], tmp_path), 1 << 20) for row in read_split(split, LIMITS))
    assert (row["fault"], (row["text"] or "").removeprefix("\ufeff")) == (None, whole)


def test_a_file_of_two_encodings_keeps_both(tmp_path: Path) -> None:
    lines = ["港の朝は早い。漁師は網を積む。"] * 400
    mixed = [line.encode("cp932" if 200 <= k < 280 else "utf-8") for k, line in enumerate(lines)]
    (tmp_path / "a.txt").write_bytes(b"\n".join(mixed))
    (row,) = (row for split in plan(find_files(["a.txt"], tmp_path), 1 << 20) for row in read_split(split, LIMITS))
    assert row["text"] == "\n".join(lines)


def test_bytes_in_no_encoding_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("港の朝は早い。".encode() * 3000 + b"\xff\xfe" + "港".encode() * 9)
    (row,) = (row for split in plan(find_files(["a.txt"], tmp_path), 1 << 20) for row in read_split(split, LIMITS))
    struck = dict(zip(RULE_NAMES, clean(row["text"], rules())[1], strict=True))
    assert struck["unreadable"] == row["text"].count("\ufffd") == 2
    assert detect(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4) is None


ROWS = [{"text": "港の朝は早い。"}, {"text": "網を積む。"}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.jsonl", LINES.encode("utf-16")), ("b.jsonl", LINES.encode("utf-8-sig")), ("c.jsonl", LINES.encode("utf-32")),
        ("d.json.gz", gzip.compress(LINES.encode(), mtime=0)), ("e.json", LINES.encode()), ("f.jsonl", LINES.encode("cp932")),
        ("g.jsonl", "".join("\ufeff" + line + "\n" for line in LINES.splitlines()).encode()),
        ("h.jsonl", LINES.splitlines()[0].encode() + b"\n" + LINES.splitlines()[1].encode("euc_jp")),
        ("i.json", json.dumps(ROWS).encode()), ("j.jsonl", LINES.encode("iso2022_jp")),
    ],
)  # fmt: skip
def test_json_in_every_dress(name: str, raw: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(raw)
    rows = [row for split in plan(find_files([name], tmp_path), 1 << 20) for row in read_split(split, LIMITS)]
    assert [(row["text"], row["fault"]) for row in rows] == [(row["text"], None) for row in ROWS]
    assert len({row["index"] for row in rows}) == 2


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    for name in ("a.txt", "paper.pdf", "box.tar.gz", "sub/map.xml", "sub/photo.JPG", "notes"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    unread: dict[str, str] = {}
    assert [Path(file.path).name for file in find_files(["."], tmp_path, unread)] == ["a.txt"]
    assert {Path(file).name: why.split(":")[0] for file, why in unread.items()} == {
        "paper.pdf": "a document format", "box.tar.gz": "an archive", "map.xml": "XML that is no dump of a wiki",
        "photo.JPG": "no text", "notes": "of a kind that is not known",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Still waters run deep.\n能ある鷹は爪を隠す。\nA rolling stone gathers no moss.\n転石苔を生ぜず。", "ja"),
        ("夜の海を見てた\nTell me where the stars have gone\n波の音だけ\nHold me till the morning comes", "ja"),
        ("「…………」\n「……なに？」\n「…………」\n――返事はない。\n「……ち、違うの、待ってただけなんだから……っ！」", "ja"),
        ("やったー！！♪☆\nみんなありがとう♡♡♡\nうれしい(*´▽｀*)ﾉ ✨", "ja"),
        ("今晩の夕飯🍛🍛🍛 おいしかった〜😋✨", "ja"),
        ("早起きの鳥のことを話しましょう。\n谚语：早起的鸟儿有虫吃。\n私は毎朝五時に起きて、川まで歩いています。", "ja"),
        ("ねえ\n・・・・・\n聞いてる？\n――――\nうん、ずっと聞いてるよ、最初から全部。", "ja"),
        ("夜が来る\nラララ ラララ\nラララ ラララ\nラララ ラララ\n朝が来る、君のいない朝が", "ja"),
        ("Good night 🌙✨✨ see you tomorrow everyone 💤💤💤", "en"),
    ],
)  # fmt: skip
def test_expressive_documents_stay_whole(text: str, lang: str) -> None:
    new = cleaned(text)
    assert document_languages([new]) == [lang]
    assert own_lines(new, lang, ("en", "ja", "zh")) == (new, 0, 0.0)
    quality, reasons = heuristics(pa.array([new], pa.large_string()), np.array([lang != "en"]), 8)
    assert reasons == [None] and quality[0] >= 0.1


def test_a_foreign_title_page_does_not_make_a_book_foreign() -> None:
    title = "Französische und englische Schulbibliothek, herausgegeben von einem Verein von Lehrern in Leipzig. " * 6
    story = "The boat had been lying on the beach since the spring, and nobody remembered whose it was. " * 200
    assert document_languages([title + "\n" + story]) == ["en"]


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("ko", "항구의 아침은 언제나 이르다. 어부들은 어두울 때부터 그물을 배에 싣는다."), ("ru", "Утро в гавани всегда раннее, рыбаки грузят сети."),
        ("th", "เช้าที่ท่าเรือมาเร็วเสมอ ชาวประมงออกทะเล"), ("ar", "صباح الخير في الميناء يبدأ مبكرا دائما"), ("el", "Καλημέρα στο λιμάνι, οι ψαράδες φεύγουν νωρίς."),
        ("hi", "बंदरगाह की सुबह हमेशा जल्दी होती है।"), ("vi", "Buổi sáng ở bến cảng luôn bắt đầu sớm."), ("id", "Pagi di pelabuhan selalu dimulai lebih awal, para nelayan memuat jala."),
    ],
)  # fmt: skip
def test_a_document_is_known_in_any_language(lang: str, text: str) -> None:
    assert document_languages([text, text * 40]) == [lang, lang]


def test_a_line_in_a_language_that_nobody_wants_goes() -> None:
    text = "港の朝はいつも早い。漁師は網を積んだ。\nLes bateaux sortent avant la lumière du matin.\n灯台の光が消えた。"
    assert own_lines(text, "ja", ("en", "ja"))[1] == 1 and own_lines(text, "ja", ("fr", "ja"))[1] == 0


@pytest.mark.parametrize(
    ("one", "other", "two"),
    [
        ("Sort a list in C.", "Sort a list in C++.", True), ("Sort a list in C.", "Sort a list in C#.", True),
        ("8 > 2 は本当ですか。", "8 < 2 は本当ですか。", True), ("What is 9 + 4?", "What is 9 - 4?", True),
        ("What is 9 × 4?", "What is 9 ÷ 4?", True), ("Round 4.5 up.", "Round 45 up.", True),
        ("当 a ≠ b 时", "当 a = b 时", True), ("－8℃の氷", "8℃の氷", True), ("if x == y", "if x != y", True),
        ("Prove p ∧ q.", "Prove p ∨ q.", True), ("x² を微分する", "x2 を微分する", True),
        ("A well-known — old — song.", "A well known old song!", False), ("- item 5\n**bold**", "Item 5, bold", False),
        ("5＞3 です。", "5 > 3 です", False),
    ],
)  # fmt: skip
def test_texts_that_differ_by_a_sign_are_two(one: str, other: str, two: bool) -> None:
    index = NearDuplicateIndex()
    index.add(one)
    assert (index.add(other) is None) is two and (signs(one) != signs(other)) is two


def read(tmp_path: Path, rows: list[Any] | bytes, **more: Any) -> tuple[list[Instruction], Aside]:
    path = tmp_path / "set.jsonl"
    raw = rows if isinstance(rows, bytes) else "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(raw)
    aside = Aside(path, 0.05, "knob")
    return list(read_set(SetConfig.model_validate({"path": str(path)} | more), aside)), aside


def turns(*texts: Any) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[k % 2], "content": text} for k, text in enumerate(texts)]


PARTS = [{"type": "text", "text": "Name "}, {"type": "text", "text": "a tree."}]


@pytest.mark.parametrize(
    ("row", "prompt", "answer"),
    [
        ({"instruction": "Say \ud83d", "output": "So \udc00"}, "Say \ufffd", "So \ufffd"),
        ({"messages": turns(PARTS, [{"type": "text", "text": "An elm."}])}, "Name a tree.", "An elm."),
        ({"messages": turns(PARTS, "An elm.")}, "Name a tree.", "An elm."),
        ({"prompt": turns("Name a tree."), "completion": turns("", "An elm.")[1:]}, "Name a tree.", "An elm."),
        ({"prompt": turns("Tree?"), "chosen": turns("", "Elm")[1:], "rejected": turns("", "Rock")[1:]}, "Tree?", "Elm"),
        ({"chosen": turns("Tree?", "Elm"), "rejected": turns("Tree?", "Rock")}, "Tree?", "Elm"),
        ({"prompt": "Tree?", "chosen": "Elm", "rejected": "Rock"}, "Tree?", "Elm"),
        ({"prompt": "Tree?", "chosen": turns("Tree?", "Elm"), "rejected": turns("Tree?", "Rock")}, "Tree?", "Elm"),
        ({"prompt": "Tree?", "completion": "Elm", "label": True}, "Tree?", "Elm"),
        ({"conversations": [{"from": "human", "value": "Tree?"}, {"from": "gpt", "value": "Elm"}], "system": "Be brief"},
         "Tree?", "Elm"),
        ({"instruction": "Tree?", "input": "", "output": "Elm", "history": [["Hi", "Hello"]]}, "Tree?", "Elm"),
        ({"prompt": turns("Tree?")}, "Tree?", None),
    ],
)  # fmt: skip
def test_rows_in_every_layout(row: dict[str, Any], prompt: str, answer: str | None, tmp_path: Path) -> None:
    (item,), aside = read(tmp_path, [row])
    assert [m["role"] for m in item.messages].count("user") == 1 + ("history" in row)
    assert (item.messages[-1], item.answer) == ({"role": "user", "content": prompt}, answer) and not aside.reasons


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": [*turns("Weather?"), {"role": "assistant", "content": None, "tool_calls": [{}]}]}, "tool calls"),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "observation", "value": "b"}]}, "tool calls"),
        ({"messages": turns([{"type": "image_url", "image_url": {}}], "A cat.")}, "content that is no text"),
        ({"messages": turns("Only a question")}, "no answer to a user's turn"),
        ({"prompt": "Tree?", "completion": "Rock", "label": False}, "a completion that was marked as bad"),
        ({"conversations": [{"from": "stranger", "value": "x"}]}, "not a row of the sharegpt layout"),
        ({"instruction": "a", "output": 5}, "not a row of the alpaca layout"),
        ([1], "not a JSON object"),
        ({"foo": 1}, "no known layout has the keys ['foo']"),
    ],
)
def test_a_row_that_gives_nothing_is_counted_and_the_set_goes_on(row: Any, reason: str, tmp_path: Path) -> None:
    good = {"instruction": "Name a tree.", "output": "An elm."}
    items, aside = read(tmp_path, [good, row, good])
    assert [item.answer for item in items] == ["An elm."] * 2
    assert dict(aside.reasons) == {reason: 1} and aside.rows == 3 and f"1 {reason} (line 2)" in (aside.said() or "")


def test_a_byte_order_mark_may_stand_before_any_line(tmp_path: Path) -> None:
    line = '\ufeff{"instruction": "Name a tree.", "output": "An elm."}\n'
    assert len(read(tmp_path, (line * 2).encode())[0]) == 2


def test_the_turns_of_a_conversation_end_with_the_last_answer() -> None:
    assert exchange({"messages": turns("a", "b", "c")}) == (turns("a"), "b")
    with pytest.raises(LeftOut):
        exchange({"messages": []})


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("急げ！　遅れるぞ！", "急げ！　遅れるぞ！"),
        ("海野　港", "海野　港"),
        ("　海辺にて", "　海辺にて"),
        ("ﾃｽﾄ　１２", "テスト　12"),
        ("two\n  lines\there ", "two lines here"),
        ("half \ud83d", "half \ufffd"),
        ("👩‍💻です", "👩‍💻です"),
    ],
)
def test_pairs_are_put_in_order_as_text_is(given: str, wanted: str, tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"en": "x", "ja": "y"}\n{oops\n' + json.dumps({"en": given, "ja": given}) + "\n")
    aside = Aside(file, 0.05, "data.max_bad_share")
    found = list(reader.lines(file, ("en", "ja"), "ja", aside=aside))
    assert found[-1].texts == {"en": wanted, "ja": wanted} and len(found) == 2 and aside.reasons == {"not JSON": 1}


def fault(prompt: str, answer: str | None, lang: str = "ja") -> str | None:
    found = check(Instruction("x", lang, "chat", [{"role": "user", "content": prompt}], answer=answer), RulesConfig())
    return found and found[0]


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("四字熟語を三つ教えてください。", "一石二鳥、以心伝心、七転八倒"),
        ("蒸気機関車の場面を書いてください。", "駅を出た。シュッポ、シュッポ、シュッポ、シュッポ、シュッポ、シュッポ、煙が夜空へ流れた。"),
        ("Write a scene on a train.", "We left the town. Choo choo choo choo choo choo choo choo, and the hills came near."),
        ("芝居の台本を書いてください。", "「申し訳ございませんが、その質問にはお答えできません」\n支配人は目をそらした。"),
        ("取引先への断り状の例を書いてください。", "申し訳ございませんが、今回のお申し出には対応いたしかねます。"),
        ("Write a letter that declines an offer.", "I'm sorry, but I cannot provide the service you asked for this year."),
        ("写一封婉拒邀约的信。", "非常抱歉，这次我无法提供协助，望您谅解。"),
        ("人工知能の少女の物語を書いて。", "AIとして目を覚ました少女は、雨に触れることができません。"),
        ("HTMLで打ち消し線を引くには？", "<s>古い値段</s> と書きます。"), ("Jinja2で値を出すには？", "{{ price }} と書きます。"),
        ("設定に名前を入れる書き方は？", "`{{ user }}` を使います。"),
        ("What ends a turn in ChatML tokens?", "The token <|im_end|> ends it."),
        ("電話の受け答えの例文をください。", "かしこまりました。少々お待ちください。"),
        ("How should a waiter reply to an order?", "Certainly, one moment, please."),
        ("この店の魅力を書いて。", "一概に回答することは難しいですが、まず朝の静けさを挙げたいと思います。"),
        ("Is it true? The answer is in the book. Find it.", "Yes, on page two."),
        ("言葉を使わずに気持ちを伝える方法を教えてください。", "目を合わせ、うなずくことです。"),
        ("「海」という言葉を使わずに海を描写してください。", "青い広がりが空の端まで続く。"),
        ("Summarise this long story in at most three words: a boy lost his dog and found it.", "Boy finds dog"),
    ],
)  # fmt: skip
def test_sound_exchanges_pass_the_rules(prompt: str, answer: str) -> None:

    assert fault(prompt, answer, identify([prompt])[0]) is None


@pytest.mark.parametrize(
    ("prompt", "answer", "name"),
    [
        ("海辺の夕方を描写して。", "<think>The user wants an evening.</think>\n海辺の夕方は長い。", "instructed"),
        ("海辺の夕方を描写して。", "承知しました！以下に夕方の描写を作成しました。\n\n海辺の夕方は長い。", "framed"),
        ("Describe the beach.", "Sure! Here is a description of the beach:\n\nThe sand is warm.", "framed"),
        ("描写海边。", "好的，以下是关于海边的描写：\n\n沙滩很暖和。", "framed"),
        ("海辺の夕方を描写して。", "かしこまりました。二千字の随筆を書きます。しばらくお待ちください。", "promise"),
        ("Describe the beach.", "Certainly! I will write a description for you. Please wait a moment.", "promise"),
        ("描写海边。", "好的，我会为您写一篇文章，请稍等。", "promise"),
        ("海辺の夕方を描写して。", "このご依頼についてはお答えすることが難しいです。他の話題はいかがですか。", "refusal"),
        ("Describe the beach.", "I'm not comfortable discussing that. Let's talk about something else.", "refusal"),
        ("描写海边。", "这个话题不便讨论。我们换个话题吧。", "refusal"),
        ("海辺の夕方を描写して。", "AIですので、そのご質問には回答できません。", "refusal"),
        ("What is 8 plus 5? The answer is 13.", None, "self-answered"),
        ("Who wrote it? Of course, it is Ms. Hill.", None, None),
        ("What is the capital of France? It is Paris, of course.", None, "self-answered"),
        ("八足す五はいくつですか。答えは十三です。", None, "self-answered"),
        ("フランスの首都は？もちろんパリです。", None, "self-answered"), ("法国的首都是哪里？当然是巴黎。", None, "self-answered"),
        ("Repeat the word \"paper boat\".", None, "too-simple"), ("「うん」と言ってください。", None, "too-simple"),
        ("写一个“二”字。", None, "too-simple"),
        ("Talk about boats, rain, trade, songs, and also bread and anything else.", None, "no-focus"),
        ("船や雨や歌やパンや、その他さまざまなことについて書いてください。", None, "no-focus"),
        ("聊聊船、下雨、唱歌、面包，还有其他各种各样的事。", None, "no-focus"),
        ("Tell a long tale about a boat in no more than four words.", None, "contradiction"),
        ("船についての長い物語を五文字以内で書いてください。", None, "contradiction"),
        ("用不超过五个字写一篇关于船的长故事。", None, "contradiction"),
        ("Explain the tides in detail without any words.", None, "contradiction"),
        ("文字を一切使わずに、潮の満ち引きを説明してください。", None, "contradiction"),
        ("不使用任何文字，介绍潮汐。", None, "contradiction"),
    ],
)  # fmt: skip
def test_faults_that_wording_shows(prompt: str, answer: str | None, name: str | None) -> None:

    assert fault(prompt, answer, identify([prompt])[0]) == name


@pytest.mark.parametrize(
    ("answer", "wanted", "taken"),
    [
        ("<think>\nhm\n</think>\n海は青い。", "海は青い。", ("reasoning",)),
        ("承知しました。\n\n海は青い。\n\nご参考になれば幸いです。", "海は青い。", ("opening", "closing")),
        ("Here is the poem you asked for:\n\nSea.\n\nSky.\n\nLet me know if you want changes.", "Sea.\n\nSky.",
         ("opening", "closing")),
        ("好的！\n\n海是蓝的。", "海是蓝的。", ("opening",)), ("海は青い。\n\n空も青い。", "海は青い。\n\n空も青い。", ()),
        ("もちろんです。答えは四十二です。\n\n理由は次のとおりです。", None, ()),
         ("Sure! Here is the answer: 42.\n\nIt is even.", "42.\n\nIt is even.", ("opening",)),
        ("週末の案です。\n\n海へ行くのはいかがでしょうか。", None, ()), ("好的，这是错的。\n\n原因有二。", None, ()),
        ("Here is the river. It runs past the mill.\n\nThen it stops.", None, ()), ("承知しました。", None, ()),
    ],
)  # fmt: skip
def test_answers_are_freed_of_what_is_said_around_them(answer: str, wanted: str | None, taken: tuple[str, ...]) -> None:
    assert tidy(answer) == (answer if wanted is None else wanted, taken)


def test_the_closing_of_a_letter_is_part_of_it() -> None:
    answer = "拝啓\n\n港の集いにお越しください。\n\nご不明な点がございましたら、お気軽にお問い合わせください。"
    assert fault("港の集いへの招待の手紙を書いてください。", answer) is None
    assert tidy(answer, letter=True) == (answer, ()) and tidy(answer)[1] == ("closing",)


def test_pairs_with_evaluation_text_are_dropped() -> None:
    held = ["The lighthouse keeper wrote down the names of all the ships that passed before the storm.", "はい。", "🙌"]
    found = Contamination.build({"test": held}, DecontaminateConfig())
    sides = [held[0], "He said: " + held[0], "はい。", "もちろんです。", "The boats came home."]
    pairs = [Pair(str(k), "en" if side.isascii() else "ja", "zh", side, "船") for k, side in enumerate(sides)]
    lost = Counter()
    assert [pair.id for pair in found.pairs(pairs, lost)] == ["3", "4"] and lost == {"test": 3}
    turned = [pair.reversed() for pair in pairs]
    assert len(list(found.pairs(turned, lost))) == 2


def test_evaluation_sets_are_named_once() -> None:
    named = {"decontaminate": {"sets": {"a": "a.jsonl"}}}
    assert Recipe.model_validate({"name": "t", "data": named}).data.decontaminate.sets == {"a": "a.jsonl"}
    assert Recipe.model_validate({"name": "t", "corpus": named}).data.decontaminate.sets == {"a": "a.jsonl"}
    both = {"corpus": named, "instruct": {"decontaminate": ["b.jsonl"]}, "data": {"decontaminate": {"words": 9}}}
    found = Recipe.model_validate({"name": "t", **both}).data.decontaminate
    assert found.sets == {"a": "a.jsonl", "b.jsonl": "b.jsonl"} and found.words == 9
    with pytest.raises(ValidationError, match="as NAME: FILE"):
        Recipe.model_validate({"name": "t", "corpus": {"decontaminate": "a.jsonl"}})


BLOBS = np.concatenate([np.random.default_rng(k).normal(size=(60, 2)) / 3 + 30 * k for k in range(5)])


@pytest.mark.parametrize("shift", [1e4, 1e7, 1e9])
def test_a_far_batch_keeps_its_digits(shift: float) -> None:
    near = len(Birch(threshold=1).fit(BLOBS).subcluster_centers_)
    both = Birch(threshold=1).partial_fit(BLOBS).partial_fit(BLOBS + shift)
    assert near == 5 and len(both.subcluster_centers_) == 10


@pytest.mark.parametrize("unit", [1e-25, 1e-3, 1e15, 1e25])
def test_a_change_of_unit_changes_nothing(unit: float) -> None:
    points = BLOBS.astype(np.float32)
    plain, other = Birch(threshold=1).fit(points), Birch(threshold=unit).fit(points * np.float32(unit))
    assert (plain.labels_ == other.labels_).all() and np.isfinite(other.radii_).all()


def test_parameters_of_birch() -> None:
    assert (
        Birch(threshold=0.5, cells=np.int64(3)).fit(BLOBS).labels_ == Birch(threshold=0.5, cells=3).fit(BLOBS).labels_
    ).all()
    with pytest.raises(ValueError, match="cells must be"):
        Birch(cells="many").fit(BLOBS)
    with pytest.raises(ValueError, match="cannot be told there"):
        Birch(threshold=1e-12).fit(BLOBS * 1e9)


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (("World War I", "World War II"), 2), (("Punic War 1", "Punic War 2"), 2), (("C", "C++", "C#"), 3),
        (("Vitamin A", "Vitamin K"), 2), (("organic chemistry", "inorganic chemistry"), 2), (("第一章", "第二章"), 2),
        (("Mathematics", "Maths", "Math", "数学", "Mathematik"), 1), (("Physics", "物理", "Физика"), 1),
        (("Linear equation", "linear equations", "Linear  Equations"), 1), (("Research & trade", "research and trade"), 1),
        (("Boxes", "Box"), 1), (("Roman art", "Romance art"), 2),
    ],
)  # fmt: skip
def test_labels_are_one_by_name(names: tuple[str, ...], count: int) -> None:
    fields, topics = Taxonomy(), Taxonomy()
    assert len({fields.add(name, "x")[0] for name in names}) == count
    assert len({topics.add("All", name)[1] for name in names}) == count
