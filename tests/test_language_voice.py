"""Voice, surface and consistency of Japanese text."""

from __future__ import annotations

import pytest

from in2x.errors import UsageError
from in2x.language.finding import Finding
from in2x.language.japanese import analyse, formality, keigo_class, politeness
from in2x.language.japanese.consistency import narration, narration_consistency, speaker_consistency
from in2x.language.japanese.roles import role_language
from in2x.language.japanese.surface import numerals, onomatopoeia, punctuation, residue, ruby
from in2x.language.japanese.voice import final_particles, gendered_speech, person_words, titles
from in2x.language.register import describe_lines, label_lines


def labels(findings: list[Finding]) -> list[str]:
    return [finding.label for finding in findings]


def shown(text: str, findings: list[Finding]) -> list[str]:
    return [text[finding.start : finding.end] for finding in findings]


@pytest.mark.parametrize(
    ("text", "role"),
    [("わしは知らんのじゃ。", "elder"), ("拙者が参るでござる。", "samurai"), ("あら、素敵ですわ。", "lady"),
     ("なんでやねん。", "kansai"), ("おらは行くべ。", "rural"), ("知るかよ、てめえ。", "rough"), ("眠いにゃ。", "cat")],
)  # fmt: skip
def test_role_language(text: str, role: str) -> None:
    assert set(labels(role_language(text))) == {role}


@pytest.mark.parametrize(
    "text", ["雨じゃないか。", "今日は晴れです。", "彼は学校へ行った。", "それじゃ、また。", "行きますよ。"]
)
def test_ordinary_speech_plays_no_role(text: str) -> None:
    assert role_language(text) == []


def test_particles_persons_titles() -> None:
    text = "ボクは行かないよね。君は？ 田中様と鈴木くんが来たぞ。"
    assert shown(text, final_particles(text)) == ["よ", "ね", "ぞ"]
    assert labels(person_words(text)) == ["ボク", "君"]
    assert labels(titles(text)) == ["様", "君"]
    assert person_words("君子は危うきに近寄らず。") == []


@pytest.mark.parametrize(
    ("text", "gender"),
    [("もう行くわよ。", "feminine"), ("素敵ね。", "feminine"), ("あたし、買いたいの。", "feminine"),
     ("もう行くぜ。", "masculine"),
     ("俺は知らないぞ。", "masculine"), ("素敵だね。", "neutral"), ("行きます。", "neutral")],
)  # fmt: skip
def test_gendered_speech(text: str, gender: str) -> None:
    assert gendered_speech(text).label == gender


def test_residue() -> None:
    text = "彼は finally 来た。NASAのRyanが说った。"
    assert shown(text, residue(text)) == ["finally", "Ryan", "说"]
    assert shown(text, residue(text, source="Ryan of NASA finally came.")) == ["finally", "Ryan", "说"]
    assert shown(text, residue(text, source="He came.")) == ["说"]


def test_ruby() -> None:
    text = "｜黒い猫《くろねこ》と東京《とうきょう》と<ruby>犬<rt>いぬ</rt></ruby>と鼠（ねずみ）"
    assert labels(ruby(text)) == ["くろねこ", "とうきょう", "いぬ", "ねずみ"]


def test_punctuation() -> None:
    assert labels(punctuation("これは,だめ. です...「そう。」")) == [
        "half-width comma", "half-width stop", "three dots", "stop before a closing quote",
    ]  # fmt: skip
    assert punctuation("これは、よい……「そう」　円周率は3.14です。") == []


def test_numerals_and_onomatopoeia() -> None:
    text = "１２と12と十二と三人"
    assert labels(numerals(text)) == ["full-width digits", "digits", "kanji numerals", "kanji numerals"]
    mimetic = "ドキドキする。ぐっすり寝た。しとしと降る。きらりと光る。いろいろある。やっと来た。かなり遠い。"
    assert shown(mimetic, onomatopoeia(mimetic)) == ["ドキドキ", "ぐっすり", "しとしと", "きらり"]


def test_a_speaker_who_changes_register_or_pronoun_is_found() -> None:
    turns = ["僕が行きます。", "ああ、頼む。", "すぐ戻ります。", "気をつけろよ。", "俺に任せろ。", "うん。"]
    a, b = speaker_consistency(turns, ["A", "B", "A", "B", "A", "B"])
    assert (a.speaker, a.style, a.counts) == ("A", "polite", {"polite": 2, "plain": 1})
    assert a.consistency == pytest.approx(2 / 3)
    assert [(found.turn, found.finding.label) for found in a.breaks] == [(4, "plain"), (4, "俺")]
    assert (b.style, b.breaks) == ("plain", ())


def test_register_may_change_with_the_listener() -> None:
    voices = speaker_consistency(["行きます。", "行くよ。"], ["A", "A"], ["boss", "child"])
    assert [voice.breaks for voice in voices] == [(), ()]
    with pytest.raises(ValueError, match="2 turns, 1 speakers"):
        speaker_consistency(["行きます。", "行くよ。"], ["A"])


def test_narration_leaves_quotations_out() -> None:
    text = "「行きますか」と彼は言った。外は雨だった。"
    assert len(narration(text)) == len(text)
    voice = narration_consistency([text, "彼女は笑いました。"])
    assert voice.counts == {"plain": 2, "polite": 1}
    assert [found.turn for found in voice.breaks] == [1]
    assert narration_consistency([]).consistency is None


def test_politeness_grows_along_a_paraphrase() -> None:
    ladder = ["食べて。", "食べてください。", "お食べください。", "お召し上がりいただけますでしょうか。"]
    scores = [politeness(text) for text in ladder]
    assert scores == sorted(scores) and len(set(scores)) == 4


@pytest.mark.parametrize(
    ("text", "kind"),
    [("先生がお書きになりました。", "sonkei"), ("私がご案内いたします。", "kenjou"), ("雨が降っています。", "teinei"),
     ("雨が降っている。", "none"), ("社長は明日戻られます。", "sonkei"), ("財布を盗まれました。", "teinei"),
     ("お茶を飲みます。", "teinei"), ("ご意見をお聞かせください。", "sonkei"),
     ("お荷物をお持ちします。", "kenjou"), ("お忙しいですか。", "sonkei"), ("お恥ずかしい話です。", "kenjou"),
     ("おめでとうございます。", "teinei"), ("社長は先月退任されました。", "sonkei"), ("それ、いただくね。", "none"),
     ("会議は延期されました。", "teinei"), ("国へ帰られるのですか。", "sonkei")],
)  # fmt: skip
def test_keigo_class(text: str, kind: str) -> None:
    assert keigo_class(text) == kind


@pytest.mark.parametrize(
    ("text", "label"),
    [("おかしい。もっと知りたいです。", "formal"), ("そこでしている。", "informal"),
     ("疲れてしまいました、とても若いため", "formal"),
     ("これは良いことです。でも行けなかった。", "informal"), ("「行きますか」と彼は言った。", "informal"),
     ("", "informal")],
)  # fmt: skip
def test_formality_of_a_segment(text: str, label: str) -> None:
    assert formality(text) == label


def test_lines_are_labelled_one_by_one() -> None:
    assert label_lines(["行きます。\n", "\n", "行くよ。"], "ja") == ["polite", "none", "casual"]
    (row,) = describe_lines(["行きますよ。"], "ja")
    assert (row["register"], row["formality"], row["keigo"]) == ("polite", "formal", "teinei")
    assert {finding["kind"] for finding in row["findings"]} == {"predicate", "particle"}
    assert describe_lines(["请坐。"], "zh") == [{"text": "请坐。", "register": "polite"}]
    with pytest.raises(UsageError, match="'xx'"):
        label_lines(["a"], "xx")


def test_all_findings_of_a_text_carry_spans_and_reasons() -> None:
    text = "田中様、わしは12時に｜東京《とうきょう》へ finally 参るのじゃ。ドキドキするぞ..."
    findings = analyse(text)
    assert {f.kind for f in findings} >= {
        "keigo",
        "title",
        "first person",
        "role",
        "residue",
        "ruby",
        "number",
        "particle",
    }
    for finding in findings:
        assert 0 <= finding.start < finding.end <= len(text)
        assert finding.en and finding.ja
    assert findings == sorted(findings, key=lambda f: (f.start, f.end, f.kind))
