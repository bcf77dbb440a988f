"""Fundamental principles: each one kept, broken and not applicable."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from in2x.chat.profile import PromptProfile
from in2x.chat.translation import translation
from in2x.principles.case import Case, case_of, case_of_pair
from in2x.principles.fundamental import PRINCIPLES, check_principles, undecided
from in2x.principles.phrases import occurrence
from in2x.principles.place import NOWHERE, normalise, place_of
from in2x.principles.verdict import share
from in2x.records import Instruction, Pair


def case(source: str = "He finally gave up.", **more: Any) -> Case:
    values: dict[str, Any] = {"source_lang": "en", "target_lang": "ja"} | more
    return Case(source, **values)


def verdict(name: str, answer: str, of: Case | None = None) -> bool | None:
    return check_principles(of or case(), answer)[name].kept


def test_a_good_answer_keeps_everything() -> None:
    good = case(
        "Mr. Smith spilled the beans at 10:30.", register="polite", reference="スミスさんは秘密を漏らしました。",
        checks={"traps": ["豆をこぼ"], "natural": ["秘密を漏らす"], "names": {"Smith": "スミス"}},
    )  # fmt: skip
    results = check_principles(good, "スミスさんは10時30分に秘密を漏らしてしまいました。")
    assert False not in {v.kept for v in results.values()}, results
    assert share(results.values()) == 1
    assert set(results) == {p.name for p in PRINCIPLES}


@pytest.mark.parametrize(
    ("asked", "answer", "kept"),
    [
        ("polite", "ついに諦めました。", True), ("polite", "ついに諦めた。", False),
        ("polite", "もう諦めたよ。", False), ("polite", "先生はついにお諦めになりました。", True),
        ("plain", "彼はついに諦めた。", True), ("plain", "ついに諦めました。", False),
        ("plain", "諦めちゃったよ。", False), ("honorific", "先生はついにお諦めになりました。", True),
        ("honorific", "私が参ります。", True), ("honorific", "ついに諦めました。", False),
        ("casual", "ついに諦めちゃったよ。", True), ("casual", "諦めた？", True),
        ("casual", "ついに諦めました。", False), ("casual", "彼は学生である。", False),
        ("literary", "彼は学生である。", True), ("literary", "彼は学生です。", False),
    ],
)  # fmt: skip
def test_register(asked: str, answer: str, kept: bool) -> None:
    assert verdict("register", answer, case(register=asked)) is kept


def test_register_without_a_predicate_is_not_applicable_unless_the_reference_has_one() -> None:
    assert verdict("register", "はい。", case("Yes.", register="polite")) is None
    assert verdict("register", "諦め。", case(register="polite", reference="諦めました。")) is False
    assert verdict("register", "諦めました。", case()) is None
    german = case(register="polite", target_lang="de", reference="Haben Sie aufgegeben?")
    assert verdict("register", "Hast du aufgegeben?", german) is False
    assert verdict("register", "Geben Sie auf?", german) is True
    assert verdict("register", "Er gab auf.", german) is False
    assert verdict("register", "Er gab auf.", case(register="polite", target_lang="de")) is None
    assert verdict("register", "Er gab auf.", case(register="honorific", target_lang="de")) is None


def test_traps_and_natural() -> None:
    beans = case("Don't spill the beans.", checks={"traps": ["豆をこぼす"], "natural": ["秘密をばらす", "口を滑らす"]})
    assert verdict("traps", "豆をこぼさないで。", beans) is False  # found in another inflection
    assert verdict("natural", "秘密をばらさないで。", beans) is True
    assert verdict("natural", "話さないで。", beans) is False
    assert verdict("traps", "秘密をばらすな。", beans) is True
    assert verdict("traps", "秘密をばらすな。") is None
    english = case("秘密をばらすな", source_lang="ja", target_lang="en", checks={"traps": ["bean"]})
    assert verdict("traps", "Don't spill the beans.", english) is True  # whole words only


def test_language_and_residue() -> None:
    assert verdict("language", "彼はついに諦めた。") is True
    assert verdict("language", "He finally gave up.") is False
    assert verdict("language", "他终于放弃了。") is False
    assert verdict("untranslated", "彼は finally 諦めた。") is False
    assert verdict("untranslated", "彼はNASAを去った。", case("He left NASA.")) is True
    assert verdict("untranslated", "彼は说った。") is False
    chinese = case("彼は諦めた。", source_lang="ja", target_lang="zh")
    assert verdict("language", "他终于放弃了。", chinese) is True
    assert verdict("untranslated", "他の放弃了。", chinese) is False


def test_names_glossary_numbers() -> None:
    smith = case(
        "Smith left.", checks={"names": {"Smith": "スミス", "Jones": "ジョーンズ"}, "glossary": {"left": "退社"}}
    )
    assert verdict("names", "スミスは退社した。", smith) is True
    assert verdict("names", "スミースは退社した。", smith) is False
    assert verdict("glossary", "スミスは去った。", smith) is False
    assert verdict("names", "スミスは去った。") is None
    money = case("It costs 1,200 yen.")
    for answer, kept in [
        ("1200円です。", True),
        ("千二百円です。", True),
        ("１，２００円です。", True),
        ("120円です。", False),
    ]:
        assert verdict("numbers", answer, money) is kept
    assert verdict("numbers", "二つある。", case("There are 2 of them.")) is True
    assert verdict("numbers", "双子だ。", case("There are 2 of them.")) is None


def test_lines_copy_notes_loop_length() -> None:
    assert verdict("lines", "一行目\n二行目", case("line one\nline two")) is True
    assert verdict("lines", "一行目 二行目", case("line one\nline two")) is False
    assert verdict("copied", "He finally gave up.") is False
    assert verdict("copied", "彼は諦めた。") is True
    assert verdict("copied", "42", case("42")) is None
    assert verdict("notes", "彼は諦めた。（注：慣用句）") is False
    assert verdict("notes", "以下は翻訳です：彼は諦めた。") is False
    assert verdict("notes", "彼は諦めた。") is True
    assert verdict("repetition", "彼は諦めた。" + "彼は諦めた。" * 5) is False
    assert verdict("repetition", "はははは、とても面白い。") is True
    assert verdict("length", "彼", case("He finally gave up and went home with his old friend.")) is False
    assert (
        verdict("length", "彼はついに諦めた。" + "そして家に帰ってご飯を食べて風呂に入って寝てしまった。" * 2) is False
    )
    assert verdict("length", "あ" * 12, case(task="story", checks={"min_chars": 10, "max_chars": 20})) is True


def test_an_empty_answer_breaks_all_that_apply() -> None:
    results = check_principles(case(register="polite"), " ")
    assert share(results.values()) == 0
    assert results["traps"].kept is None


def test_principles_of_other_tasks_need_no_source() -> None:
    story = case_of(Instruction("s", "ja", "story", [{"role": "user", "content": "物語を書いて。"}]))
    results = check_principles(story, "昔々、小さな村に一匹の猫がいた。")
    assert "copied" not in results
    assert results["language"].kept is True


def test_case_of_a_translation_instruction() -> None:
    verifier = {
        "name": "translation",
        "from": "en",
        "to": "ja",
        "source": "Hi.",
        "register": "casual",
        "traps": ["高い"],
    }
    made = case_of(
        Instruction("t", "ja", "translate", [{"role": "user", "content": "Translate: Hi."}], "やあ。", verifier)
    )
    assert made == Case("Hi.", "en", "ja", "casual", "やあ。", {"traps": ["高い"]}, "translate")


def test_a_pair_becomes_an_instruction_and_gives_back_its_case() -> None:
    pair = Pair("p", "en", "ja", "Hi.", "やあ。", "casual", checks={"traps": ["高い"], "max_chars": 9})
    asked = translation(pair, PromptProfile())
    assert case_of(asked) == case_of_pair(pair)
    assert case_of(Instruction.from_row(asked.to_row())) == case_of_pair(pair)


@pytest.mark.parametrize(
    ("name", "answer", "of", "why", "place"),
    [
        ("untranslated", "彼は ｆｉｎａｌｌｙ 諦めた。", case(), "finally", "ｆｉｎａｌｌｙ"),
        ("untranslated", "彼は说った。", case(), "说", "说"),
        ("numbers", "部屋は3つ。", case("Room 12 and 345."), "12, 345", None),
        ("repetition", "うん、" + "そう です。" * 5, case(), "5 times", "そう です。" * 5),
        ("notes", "諦めた。（訳注：慣用句）", case(), "訳注", "（訳注"),
        ("notes", "諦めた（つまり降参）。", case(), "つまり", "（つまり降参）"),
        ("traps", "豆を、こぼした。", case(checks={"traps": ["豆をこぼす"]}), "豆をこぼす", "豆を、こぼし"),
        ("natural", "つい口を 滑らせた。", case(checks={"natural": ["口を滑らせた"]}), "口を滑らせた", "口を 滑らせた"),
        ("copied", "訳：He finally  gave up!", case(), "copied", "He finally  gave up"),
        ("names", "スミスは。", case("Jones left.", checks={"names": {"Jones": "ジョーンズ"}}), "ジョーンズ", None),
        ("lines", "一\n二", case(), "2 lines", None), ("length", "彼", case("He gave up. " * 9), "shorter", None),
        ("register", "諦めた。", case(register="polite"), "plain", None),
    ],
)  # fmt: skip
def test_a_verdict_says_why_and_where(name: str, answer: str, of: Case, why: str, place: str | None) -> None:
    verdict = check_principles(of, answer)[name]
    assert why in verdict.why
    assert (answer[verdict.start : verdict.end] if place else verdict.start) == (place or -1)


@given(st.text(max_size=30), st.text(max_size=8), st.text(max_size=30))
def test_the_place_of_a_phrase_is_that_phrase(before: str, phrase: str, after: str) -> None:
    text = before + phrase + after
    start, end = place_of(text, phrase)
    assert (start, end) == NOWHERE or (
        normalise(phrase) in normalise(text[start:end]) and 0 <= start < end <= len(text)
    )
    if phrase.isascii() and phrase.isalnum() and before.isascii() and after.isascii():
        assert normalise(text[start:end]) == normalise(phrase)


TEXTS = {
    "en": "We waited at the station until the last train had left.",
    "ja": "私たちは終電が出るまで駅で待っていた。",
    "zh": "我们在车站一直等到末班车开走。",
    "ko": "우리는 막차가 떠날 때까지 역에서 기다렸다.",
    "de": "Wir haben am Bahnhof gewartet, bis der letzte Zug weg war.",
    "fr": "Nous avons attendu à la gare jusqu'au départ du dernier train.",
    "es": "Esperamos en la estación hasta que salió el último tren.",
    "it": "Abbiamo aspettato alla stazione finché è partito l'ultimo treno.",
    "pt": "Esperámos na estação até partir o último comboio.",
    "ru": "Мы ждали на вокзале, пока не ушёл последний поезд.",
    "hi": "हम आख़िरी ट्रेन के जाने तक स्टेशन पर इंतज़ार करते रहे।",
    "vi": "Chúng tôi đã đợi ở nhà ga cho đến khi chuyến tàu cuối cùng rời đi.",
}


@pytest.mark.parametrize("target", TEXTS)
def test_language_and_untranslated_decide_in_every_language(target: str) -> None:
    for source in TEXTS:
        if source == target:
            continue
        of = Case(TEXTS[source], source, target)
        good = check_principles(of, TEXTS[target])
        assert (good["language"].kept, good["untranslated"].kept, good["copied"].kept) == (True, True, True)
        for wrong in (TEXTS[source], f"{TEXTS[target]} {TEXTS[source]}"):
            bad = check_principles(of, wrong)
            assert (bad["language"].kept, bad["untranslated"].kept) == (False, False), wrong
            found = wrong[bad["untranslated"].start : bad["untranslated"].end]
            assert found and found in TEXTS[source]


def test_single_words_are_seen_where_the_script_differs() -> None:
    for target, answer, left in [
        ("ko", "우리는 station에서 기다렸다.", "station"), ("ru", "Мы ждали на station до поезда.", "station"),
        ("hi", "हम station पर इंतज़ार करते रहे।", "station"), ("zh", "我们在station等车。", "station"),
    ]:  # fmt: skip
        verdict = check_principles(Case(TEXTS["en"], "en", target), answer)["untranslated"]
        assert verdict.kept is False and left in verdict.why
        assert answer[verdict.start : verdict.end] == left
    for source, answer, left in [
        ("ja", "We waited at the 駅 for hours.", "駅"),
        ("ru", "We waited at the вокзал.", "вокзал"),
    ]:
        verdict = check_principles(Case(TEXTS[source], source, "en"), answer)["untranslated"]
        assert (verdict.kept, answer[verdict.start : verdict.end]) == (False, left)
    named = Case("Ask NASA about the iPhone and Open Street Map.", "en", "ru")
    assert check_principles(named, "Спросите NASA про iPhone и Open Street Map.")["untranslated"].kept is True


@pytest.mark.parametrize(
    ("lang", "asked", "answer", "kept"),
    [
        ("de", "polite", "Kommen Sie mit?", True), ("de", "polite", "Kommst du mit?", False),
        ("fr", "casual", "Tu viens avec nous ?", True), ("fr", "casual", "Vous venez avec nous ?", False),
        ("ru", "polite", "Вы придёте завтра?", True), ("ru", "polite", "Ты придёшь завтра?", False),
        ("ko", "polite", "내일 오세요?", True), ("ko", "polite", "내일 와?", False),
        ("hi", "casual", "तुम कल आओगे?", True), ("hi", "casual", "आप कल आएँगे?", False),
        ("vi", "polite", "Ngày mai ông có đến không ạ?", True), ("de", "polite", "Es regnet.", None),
        ("zh", "polite", "请您明天来。", True), ("zh", "casual", "请您明天来。", False),
        ("de", "literary", "Es regnet.", None), ("th", "polite", "พรุ่งนี้มาไหม", None),
    ],
)  # fmt: skip
def test_register_in_other_languages(lang: str, asked: str, answer: str, kept: bool | None) -> None:
    assert verdict("register", answer, Case("Will you come tomorrow?", "en", lang, asked)) is kept


def test_notes_are_known_in_every_language() -> None:
    for lang, answer in [("de", "Übersetzung: Er gab auf."), ("fr", "Il a abandonné. (Note du traducteur : idiome)"),
                         ("zh", "他放弃了。（译注：习语）"), ("ko", "그는 포기했다. (역주: 관용구)")]:  # fmt: skip
        assert verdict("notes", answer, Case("He threw in the towel.", "en", lang)) is False


def test_phrases_are_whole_words_where_spaces_part_them() -> None:
    assert occurrence("Er hat das Handtuch geworfen.", "handtuch", "de")
    assert not occurrence("Er hat Badehandtuchhalter.", "handtuch", "de")
    assert occurrence("나는 서울에서 왔다.", "서울", "ko") and not occurrence("남서울에서", "서울", "ko")
    assert occurrence("彼は匙を投げた。", "匙を投げる", "ja") and occurrence("他放弃了", "放弃", "zh")


def test_what_cannot_be_told_is_said_once_a_language() -> None:
    assert undecided(["en", "de", "ja", "de"]) == []
    found = undecided(["haw", "haw", "sw"])
    assert [sentence.partition(" (")[0] for sentence in found] == ["Hawaiian", "Hawaiian", "Swahili"]
    case_of_it = Case("We waited at the station.", "en", "haw")
    result = check_principles(case_of_it, "Ua kali mākou ma ke kahua kaʻaahi.")
    assert (result["language"].kept, result["untranslated"].kept) == (None, None)
    assert "Hawaiian" in result["language"].why and "Hawaiian" in result["untranslated"].why


FALSE_ALARMS = {
    "language": 0.005, "untranslated": 0.015, "length": 0.005, "repetition": 0.005, "copied": 0.005, "notes": 0.005,
    "register": 0.03,
}  # fmt: skip
"""Most of the human translations that a principle may call broken, over sets of several languages together."""


@pytest.mark.shared
def test_false_alarms_on_human_translations(shared_data: Path) -> None:
    broken, decided = Counter[str](), Counter[str]()
    for lang in ("de", "es", "fr", "hi", "it", "ja", "ko", "pt", "ru", "vi"):
        rows = (shared_data / "register" / f"formality.en-{lang}.jsonl").read_text("utf-8").split("\n")
        for row in map(json.loads, filter(None, rows[:60])):
            for column, register in (("formal", "polite"), ("informal", "casual")):
                for name, found in check_principles(Case(row["en"], "en", lang, register), row[column]).items():
                    broken[name] += found.kept is False
                    decided[name] += found.kept is not None
    assert {name: broken[name] / decided[name] for name, most in FALSE_ALARMS.items()
            if broken[name] > most * decided[name]} == {}  # fmt: skip
    assert decided["language"] == decided["untranslated"] == 1200
