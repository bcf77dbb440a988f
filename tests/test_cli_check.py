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
    assert "numbers" in out and "│ line 1 " in out and "│ line 3 " not in out
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


def test_lines_of_subtitles_are_judged_as_their_file_breaks_them(tmp_path: Path, capsys) -> None:
    app = typer.Typer()
    app.command()(check)
    cue = "1\n00:00:01,000 --> 00:00:04,000\n{}\n\n2\n00:00:05,000 --> 00:00:08,000\n<i>{}</i>\n"
    (tmp_path / "a.srt").write_text(cue.format("Let's meet at the station at seven.", "It is going to rain tomorrow."))
    found = []
    for first, second in (("七時に駅の前で\n会いましょう。", "明日は雨が降ります。"),
                          ("七時に駅の前で会いましょうね。", "明日は\n雨が\n降ります。")):  # fmt: skip
        (tmp_path / "a.ja.srt").write_text(cue.format(first, second), encoding="utf-8")
        files = [str(tmp_path / "a.srt"), str(tmp_path / "a.ja.srt")]
        app([*files, "--from", "en", "--to", "ja", "--json"], standalone_mode=False)
        rows = json.loads(capsys.readouterr().out)
        found.append([row["kept"] for row in rows if row["principle"] == "layout"])
    assert found == [[True, True], [False, False]]
