"""`in2x check`: what a translation breaks, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from in2x.commands.check import check, excerpt
from in2x.errors import In2xError, UsageError

SOURCES = ["The bill comes to 42 dollars.", "", "He kicked the bucket."]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    app = typer.Typer()
    app.command()(check)
    source, translation = tmp_path / "source.txt", tmp_path / "translation.txt"

    def call(answers: list[str], *options: str) -> str:
        source.write_text("".join(f"{line}\n" for line in SOURCES), encoding="utf-8")
        translation.write_text("".join(f"{line}\n" for line in answers), encoding="utf-8")
        app([str(source), str(translation), *options], standalone_mode=False)
        return capsys.readouterr().out

    return call


def test_what_is_broken_is_a_table(run) -> None:
    out = run(["Die Rechnung beträgt 24 Dollar.", "", "Er ist gestorben."], "--from", "en", "--to", "de")
    assert "numbers" in out and "│ 1 " in out and "│ 3 " not in out
    assert run(["Die Rechnung beträgt 42 Dollar.", "", "Er ist gestorben."], "--from", "en", "--to", "de") == ""


def test_json_has_a_row_for_each_line_and_principle(run) -> None:
    rows = json.loads(run(["Die Rechnung beträgt 24 Dollar.", "", ""], "--from", "en", "--to", "de", "--json"))
    assert set(rows[0]) == {"line", "principle", "kept", "why", "start", "end"}
    kept = {(row["line"], row["principle"]): row["kept"] for row in rows}
    assert kept[1, "numbers"] is False and kept[1, "glossary"] is None and kept[1, "copied"] is True
    assert kept[3, "copied"] is False, "an empty translation keeps nothing"
    assert {line for line, _ in kept} == {1, 3}


def test_the_register_asked_for_is_checked(run) -> None:
    answers = ["お会計は42ドルだよ。", "", "あいつは死んだよ。"]
    rows = json.loads(run(answers, "--from", "en", "--to", "ja", "--register", "polite", "--json"))
    assert [row["kept"] for row in rows if row["principle"] == "register"] == [False, False]
    with pytest.raises(UsageError, match="German tells polite, casual"):
        run(answers, "--from", "en", "--to", "de", "--register", "literary")


def test_files_of_different_length_are_one_sentence(run) -> None:
    with pytest.raises(In2xError, match=r"translation.txt, line 3: 1 line too few"):
        run(["eins", "zwei"], "--from", "en", "--to", "de")


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [(-1, -1, "abcdefghij" * 4 + "abcdefg…"), (0, 2, "[ab]cdefghijabcd…"), (30, 32, "…ijabcdefghij[ab]cdefghijabcd…")],
)
def test_excerpts(start: int, end: int, shown: str) -> None:
    assert excerpt("abcdefghij" * 6, start, end) == shown
