"""A chapter with a characters file and a model that drifts: repair leaves no drift, and the report names each place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from in2x.chat.known import named
from in2x.chat.source import Source
from in2x.formats.document import Options
from in2x.formats.registry import parse
from in2x.translate.job import Checks
from in2x.translate.page import page
from in2x.translate.summary import Summary, summary
from in2x.translate.translator import Translator
from scripted_backend import Scripted

PEOPLE = """
characters:
  - name: Hanna
    target: ハンナ
    first person: わたし
    register: polite
  - name: Oskar
    target: オスカー
    first person: 俺
    register: casual
    to:
      Captain Brandt: {register: polite}
  - name: Captain Brandt
    target: ブラント船長
    register: plain
"""
TERMS = "source\ttarget\nlogbook\t航海日誌\nnorth light\t北の灯\n"
ROWS = """\
The rain had not stopped since Hanna came aboard.
ハンナが船に乗ってから、雨はやんでいなかった。
ハナが船に乗ってから、雨はやんでいなかった。
Hanna: I have read the logbook twice.
ハンナ：わたしは航海日誌を二度読みました。
ハンナ：わたしは航海日誌を二度読んだ。
Oskar: And? Did you find anything?
オスカー：それで？何か見つけたの？

Hanna: Three pages are missing.
ハンナ：三ページなくなっています。
ハンナ：三ページなくなってるよ。
Oskar: I swear it was whole last night.
オスカー：俺は誓うよ、昨夜は全部あったんだ。
オスカー：僕は誓うよ、昨夜は全部あったんだ。
Captain Brandt came in and shut the door.
ブラント船長が入ってきて、扉を閉めた。
ブラント隊長が入ってきて、扉を閉めた。
Captain Brandt: Who has touched the logbook?
ブラント船長：航海日誌に触ったのは誰だ。
ブラント船長：日記に触ったのは誰だ。
Oskar: It was me, I only carried it.
オスカー：俺です。運んだだけです。
オスカー：俺だよ。運んだだけだよ。
Hanna: I saw the north light go out at four.
ハンナ：わたしは北の灯が四時に消えるのを見ました。
ハンナ：わたしは北の光が四時に消えるのを見ました。
Captain Brandt: The north light never goes out.
ブラント船長：北の灯は決して消えない。

Hanna looked at Oskar for a long time.
ハンナは長いことオスカーを見ていた。
ハンナは長いことオスカルを見ていた。
Hanna: Then I must have been dreaming.
ハンナ：それならわたしは夢を見ていたのでしょう。
ハンナ：それなら俺は夢を見ていたのでしょう。
"""
"""Three lines each: the source, its translation, and that of a model that drifts (empty where it does not)."""
_ROWS = ROWS.split("\n")
CHAPTER = {
    source: (right, drifted) for source, right, drifted in zip(_ROWS[::3], _ROWS[1::3], _ROWS[2::3], strict=False)
}
DRIFTED = [source for source, (_, drifted) in CHAPTER.items() if drifted]


def translated(folder: Path, checks: Checks) -> tuple[Summary, list[str], Scripted]:
    (folder / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    (folder / "terms.tsv").write_text(TERMS, encoding="utf-8")
    told: dict[str, int] = {}

    def reply(source: Source) -> str:
        right, drifted = CHAPTER[source.text]
        if source.finding:
            told[source.text] = told.get(source.text, 0) + 1
        return right if source.finding or not drifted else drifted

    backend = Scripted(reply)
    backend.profile = named("chat")  # type: ignore[attr-defined]
    document = parse("\n\n".join(CHAPTER).encode(), "chapter.txt", Options("en", "ja"))
    done = Translator(backend, "scripted", probed=True).translate(
        document, "en", "ja", glossary=folder / "terms.tsv", characters=folder / "people.yaml", checks=checks
    )
    return summary("chapter.txt", "scripted", [("chapter.txt", done)]), done.texts, backend


@pytest.fixture
def places() -> dict[str, str]:
    """Source -> its place in the chapter."""
    return {source: f"line {2 * n + 1}" for n, source in enumerate(CHAPTER)}


def test_every_drift_is_named_and_none_is_left_after_repair(tmp_path: Path, places: dict[str, str]) -> None:
    before, _, _ = translated(tmp_path, "mark")
    named_places = {place for _, place, _, _ in before.departures()}
    named_places |= {one.segment.place for one in before.outcomes if one.findings}
    assert {places[source] for source in DRIFTED} <= named_places
    html = page(before)
    shown = set(re.findall(r'<span class="tag">(line \d+)</span>|<th scope="row">(line \d+)</th>', html))
    assert {places[source] for source in DRIFTED} <= {a or b for a, b in shown}

    after, texts, backend = translated(tmp_path, "repair")
    assert texts == [right for right, _ in CHAPTER.values()]
    assert after.departures() == []
    assert {one.segment.place for one in after.outcomes if one.repaired} == {places[source] for source in DRIFTED}
    assert after.drift.adherence == 1.0
    again = [source.text for source in backend.asked if source.finding]
    assert sorted(again) == sorted(DRIFTED), "each once, and no sound one"


def test_the_model_is_told_who_speaks_and_what_stands_before(tmp_path: Path) -> None:
    _, _, backend = translated(tmp_path, "off")
    by_text = {source.text: source for source in backend.asked}
    asked = by_text["Oskar: It was me, I only carried it."]
    assert asked.register == "polite", "to the captain, who spoke before"
    assert "Oskar" in asked.scene
    assert by_text["Oskar: And? Did you find anything?"].register == "casual"
    assert dict(by_text["Hanna: I have read the logbook twice."].terms) == {"Hanna": "ハンナ", "logbook": "航海日誌"}
    last = by_text["Hanna: Then I must have been dreaming."]
    assert last.before[-1][0] == "Hanna looked at Oskar for a long time." and last.before[-1][1]
    assert len(last.before) == 11
