"""Packs: every code has its language, a faulty pack has its sentence, and the guide's own example works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.errors import In2xError, UsageError
from in2x.language import canonical, language, packs
from in2x.language.codes import KEPT, _canonical
from in2x.language.pack import HERE, REGISTERS, files, load
from in2x.language.wording import search

ROOT = Path(__file__).resolve().parents[1]
TWELVE = ("en", "ja", "zh", "ko", "de", "fr", "es", "it", "pt", "ru", "hi", "vi")


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("ja-JP", "ja"),
        ("zh_TW", "zh-Hant"),
        ("zh-CN", "zh"),
        ("zh-Hans", "zh"),
        ("zh-Hant-HK", "zh-Hant"),
        ("pt-BR", "pt"),
        ("jpn", "ja"),
        ("iw", "he"),
        ("EN", "en"),
        ("sr-Latn", "sr-Latn"),
        ("sr-Cyrl", "sr"),
        ("ja-Nons", "ja"),  # no script that there is
    ],
)
def test_one_language_has_one_spelling(spelling: str, code: str) -> None:
    assert canonical(spelling) == code
    assert language(spelling) is language(code)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("jp", "ja"), ("cn", "zh"), ("kr", "ko"), ("vn", "vi"), ("gr", "el"), ("cz", "cs"), ("japanese", "ja"),
     ("Deutsch", "de"), ("Portugese", "pt")],
)  # fmt: skip
def test_an_unknown_code_is_told_what_was_meant(wrong: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"there is no language '{wrong}'; did you mean '{meant}'\\?$"):
        language(wrong)


@pytest.mark.parametrize("wrong", ["xx", "", "und", "-", "zz-ZZ"])
def test_a_code_of_nothing_is_a_usage_error(wrong: str) -> None:
    with pytest.raises(UsageError, match="there is no language"):
        language(wrong)


def test_whoever_sends_codes_cannot_fill_the_memory() -> None:
    for number in range(3000):
        assert canonical(f"ja-x-{number}") == "ja"
    assert _canonical.cache_info().currsize <= KEPT
    with pytest.raises(UsageError, match="up to 35 characters"):
        canonical("ja-" + "x" * 1_000_000)


def test_every_pack_is_complete_and_short() -> None:
    assert set(TWELVE) | {"zh-Hant"} == set(packs())
    for code in packs():
        tongue = language(code)
        assert tongue.code == code and tongue.name and tongue.endonym
        assert set(tongue.registers) == set(tongue.register_words) <= set(REGISTERS)
        assert tongue.pack.wording["notes"] and tongue.pack.wording["refusal"]
        assert len((HERE / f"{code}.yaml").read_text("utf-8").splitlines()) < 170


def test_facts() -> None:
    assert language("en").weight == 1
    assert language("de").name_in("ja") == "ドイツ語"
    assert (language("ja").bleu, language("ja").reward_bleu) == ("ja-mecab", "char")
    assert (language("th").spaced, language("th").bleu, language("nl").spaced) == (False, "char", True)
    assert language("ja").weigh("猫とABC12") == pytest.approx(2 * 1.9 + 5)
    assert language("de").weigh("Haus 12") == pytest.approx(4 * 0.83 + 2)
    assert language("zh-Hant").name == "Traditional Chinese"
    assert language("zh-Hant").quotes == ("「", "」")


@pytest.mark.parametrize(
    ("code", "text", "sentences"),
    [
        ("en", "Mr. Hall came. He ate 3.5 kg! \"Really?\" she said.",
         ["Mr. Hall came.", "He ate 3.5 kg!", "\"Really?\" she said."]),
        ("ja", "「はい。」と言った。雨だ……そう！？\n次の行", ["「はい。」と言った。", "雨だ……そう！？", "次の行"]),
        ("hi", "हाँ। ठीक है।", ["हाँ।", "ठीक है।"]),
        ("de", "Das gilt z.B. hier. Oder?", ["Das gilt z.B. hier.", "Oder?"]),
        ("ar", "كيف حالك؟ أنا بخير.", ["كيف حالك؟", "أنا بخير."]),
        ("en", "  ", []),
    ],
)  # fmt: skip
def test_sentences(code: str, text: str, sentences: list[str]) -> None:
    assert language(code).sentences(text) == sentences


@given(st.text(max_size=80), st.sampled_from([*TWELVE, "zh-Hant", "th", "sw"]))
@settings(max_examples=150, deadline=None)
def test_no_letter_is_lost_between_sentences(text: str, code: str) -> None:
    assert "".join("".join(language(code).sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes", "Here is the translation:"), ("notes", "Voici la traduction :"), ("notes", "以下は翻訳です。"),
        ("notes", "Aquí está la traducción:"), ("notes", "Вот перевод:"), ("notes", "(Anm. d. Ü.: ein Wortspiel)"),
        ("notes", "다음은 번역입니다:"), ("notes", "Dưới đây là bản dịch:"), ("notes", "यहाँ अनुवाद है:"),
        ("refusal", "Es tut mir leid, aber ich kann Ihnen dabei nicht helfen."),
        ("refusal", "Lo siento, pero no puedo ayudar con eso."), ("refusal", "Xin lỗi, tôi không thể giúp bạn."),
        ("refusal", "죄송하지만 도와드릴 수 없습니다."), ("refusal", "Desculpe, não posso ajudar com isso."),
    ],
)  # fmt: skip
def test_wordings_of_every_language(name: str, text: str) -> None:
    assert search(name, text)


@pytest.mark.parametrize(
    "text", ["Note well what he said.", "Hier ist es schön.", "Sorry, I am late.", "Voici ma sœur."]
)
def test_plain_sentences_are_no_notes_and_no_refusals(text: str) -> None:
    assert search("notes", text) is None
    assert search("refusal", text) is None


WHOLE = "code: sw\nscripts: [Latn]\nspaced: true\nweight: 1\nends: '.!?'\nquotes: ['“', '”']\nbleu: 13a\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (WHOLE.replace("weight: 1\n", ""), "the field 'weight' is missing"),
        (WHOLE + "colour: red\n", "there is no field 'colour'"),
        (WHOLE.replace("code: sw", "code: xx"), "code: 'xx' differs from the name of the file"),
        (WHOLE + "registers: [posh]\nregister_words: {posh: x}\n", "'posh' is none of the registers"),
        (WHOLE + "wording: {notes: ['(']}\n", "is no regular expression"),
        (WHOLE + "like: qq\n", "there is no other language pack 'qq'"),
        ("- a\n- b\n", "a language pack is a table of fields"),
        ("code: [", "not YAML"),
        (WHOLE.replace("weight: 1", "weight: heavy"), "weight: "),
    ],
)
def test_a_faulty_pack_is_one_sentence_with_file_and_field(tmp_path: Path, content: str, fault: str) -> None:
    path = tmp_path / "sw.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(In2xError) as error:
        load(path)
    assert fault in str(error.value) and str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_the_guides_swahili_works_as_printed(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "language.md").read_text("utf-8")
    (pack,) = re.findall(r"```yaml\n(# sw\.yaml\n.*?)```", page, re.DOTALL)
    scripts = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "sw.yaml").write_text(pack, "utf-8")
    environment = os.environ | {"IN2X_PACKS": str(tmp_path)}
    subprocess.run([sys.executable, "-c", "\n".join(scripts)], env=environment, check=True, timeout=120)


def test_the_guides_first_example_gives_what_it_says() -> None:
    page = (ROOT / "docs" / "language.md").read_text("utf-8")
    first = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    names: dict[str, object] = {}
    imports = [line for line in first.splitlines() if line.startswith("from ")]
    exec("\n".join([*imports, "from in2x.language import Span"]), names)
    shown = [line.partition("  #") for line in first.splitlines() if "  #" in line]
    assert len(shown) == 7
    for expression, _, value in shown:
        assert eval(expression, names) == eval(value.partition(";")[0].strip(), names), expression


def test_a_missing_folder_of_packs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IN2X_PACKS", "/nowhere/packs")
    with pytest.raises(In2xError, match="there is no folder /nowhere/packs of language packs"):
        packs()


def test_our_own_patterns_compile() -> None:
    """They are not tried when a pack of ours is read."""
    for code in packs():
        for name, patterns in load(files()[code]).wording.items():
            for pattern in patterns:
                assert re.compile(pattern), (code, name)
