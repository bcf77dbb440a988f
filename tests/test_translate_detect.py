"""The language of a text that nobody names: told where it can be, and refused in one sentence where it cannot."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

import desk
from conftest import PAIRS
from in2x.chat.profile import PromptProfile
from in2x.errors import UsageError
from in2x.translate.detect import SAMPLE, detected, known_to, sample_of

Call = Callable[..., tuple[int, str, str]]
DEMO = ("en", "ja", "zh")
GERMAN = "Die alte Katze schläft am Fenster, weil es dort warm ist und die Sonne scheint."


@pytest.mark.parametrize(
    ("text", "target", "known", "code"),
    [
        ("Hello.", "ja", DEMO, "en"),  # Italian to a model of languages; of the three only English has such letters
        ("Take care.", "ja", DEMO, "en"),
        ("你好。", "ja", DEMO, "zh"),
        ("駅はどこですか。", "en", DEMO, "ja"),
        ("東京", "en", ("en", "ja"), "ja"),
        ("안녕하세요", "ja", (), "ko"),
        (GERMAN, "ja", (), "de"),
        (GERMAN, "ja", DEMO, "de"),  # for the check of the request to refuse, by its name
        ("我們在車站前面等了很久，他們還沒有來。", "en", ("en", "zh-Hant"), "zh-Hant"),
    ],
)
def test_it_is_told(text: str, target: str, known: tuple[str, ...], code: str) -> None:
    assert detected(text, target, known) == code


@pytest.mark.parametrize(
    ("text", "target", "known", "why"),
    [
        ("Hello.", "ja", (), "too short to tell its language; name it: --from LANG (de, en,"),
        ("山", "en", DEMO, "too short to tell its language; name it: --from LANG (ja, zh)"),
        ("駅はどこですか。", "ja", DEMO, "reads as Japanese, and so does the other side"),
        ("42 :-)", "ja", DEMO, "no words to tell its language by"),
    ],
)
def test_it_is_not_guessed(text: str, target: str, known: tuple[str, ...], why: str) -> None:
    with pytest.raises(UsageError) as refused:
        detected(text, target, known)
    assert why in str(refused.value)


def test_what_is_read_and_what_models_know() -> None:
    taken = []

    def texts():
        for number in range(10**6):
            taken.append(number)
            yield "x" * 100

    assert len(sample_of(texts())) == SAMPLE and len(taken) < 100
    one, other = PromptProfile(languages=("en", "ja-JP", "de")), PromptProfile(languages=("ja", "en"))
    assert known_to([one, None, PromptProfile(), other]) == ["en", "ja"]
    assert known_to([None, PromptProfile()]) == []


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_translate_says_what_it_took(
    in2x: Call, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right = PAIRS["Where is the station?"]["polite"]
    wanted = ("--model", tiny_model, "--to", "ja", "--register", "polite")
    told = "--from en: it reads as English; name another where it is not\n"
    give(monkeypatch, "---\n\nWhere is the station?\n")
    assert in2x("translate", *wanted) == (0, f"---\n\n{right}\n", told)
    for name, text in (("a.txt", "Where is the station?\n"), ("b.json", '{"t": "Where is the station?"}')):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    assert in2x("translate", tmp_path / "in" / "a.txt", *wanted) == (0, f"{right}\n", told)
    code, _, said = in2x("translate", tmp_path / "in", *wanted, "-o", tmp_path / "out")
    assert code == 0 and said.startswith(told)
    assert (tmp_path / "out" / "a.txt").read_text(encoding="utf-8") == f"{right}\n"
    give(monkeypatch, "Where is the station?\n")
    code, _, said = in2x("translate", "-", *wanted, "-o", tmp_path / "o.txt")
    assert code == 0 and said.startswith(told)
    give(monkeypatch, f"{GERMAN}\n")
    code, out, said = in2x("translate", *wanted)
    assert (code, out) == (2, "") and said.endswith(
        "does not know German (de); it knows English (en), Japanese (ja).\n"
    )


def test_a_talk_takes_the_language_of_the_first_line(
    in2x: Call, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(io.BytesIO("\n駅はどこですか。\nWhere is the station?\n".encode())))
    code, out, said = in2x("translate", "--model", tiny_model, "--to", "en")
    assert code == 0 and out.count("\n") == 3
    assert "The first tells the language" in said and "--from ja: it reads as Japanese" in said


def test_check_and_terms_read_the_languages(in2x: Call, tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(desk.SOURCE, encoding="utf-8")
    (tmp_path / "book.ja.txt").write_text(desk.TARGET, encoding="utf-8")
    (tmp_path / "menu.po").write_text(desk.PO, encoding="utf-8")
    for source, answer in (("book.txt", "book.ja.txt"), ("menu.po", "menu.po")):
        code, named, _ = in2x("check", tmp_path / source, tmp_path / answer, "--from", "en", "--to", "ja", "--json")
        assert code == 0
        code, read, said = in2x("check", tmp_path / source, tmp_path / answer, "--json")
        assert (code, read) == (0, named)
        assert said.startswith("--to ja: it reads as Japanese; name another where it is not\n--from en: it reads")
    code, _, said = in2x("check", tmp_path / "book.txt", tmp_path / "book.txt", "--from", "en")
    assert code == 2 and "the translation reads as English, and so does the other side" in said
    code, out, said = in2x("terms", tmp_path / "book.txt", "--to", "ja", "--json")
    assert code == 0 and said.startswith("--from en: it reads as English")
    assert out == in2x("terms", tmp_path / "book.txt", "--from", "en", "--to", "ja", "--json")[1]
