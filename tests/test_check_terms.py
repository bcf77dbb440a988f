"""`in2x terms`: names and terms of a document as a glossary to edit, and a model's proposals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from in2x.commands.terms import terms
from in2x.errors import In2xError
from in2x.formats.document import Segment
from in2x.translate.backend import Backend, Translation
from in2x.translate.glossary import Glossary, Term, read_glossary
from in2x.translate.propose import proposed
from in2x.translate.request import TranslationRequest
from in2x.translate.terms import Candidate, extract, table

ENGLISH = [
    "The rain had stopped. In the morning Kyle met Emma Hartwell at the Tower of Glass.",
    "Kyle was tired, and Emma knew it. Nobody spoke on Monday.",
    "Then Kyle drew his sword. The spirit lamp went out; every spirit lamp in Osterlund did.",
    "Suddenly the spirit lamps burned again. Japan was far away.",
    "Kyle: Where is the guild?",
]  # fmt: skip
JAPANESE = [
    "カイルは魔導騎士団のエマとアイゼンブルクで会った。",
    "魔導騎士団はコーヒーを飲んでいた。田中さんも来た。",
    "月曜日、カイルは三人の兵士を見た。ドアがバタンと閉まった。",
]


def found(lines: Sequence[str], lang: str, known: Glossary | None = None) -> dict[str, Candidate]:
    segments = [Segment(text, place=f"line {n}") for n, text in enumerate(lines, 1)]
    return {one.term: one for one in extract(segments, lang, known)}


def test_names_and_repeated_compounds_of_english() -> None:
    have = found(ENGLISH, "en")
    assert set(have) == {"Kyle", "Emma Hartwell", "Emma", "Tower of Glass", "Osterlund", "spirit lamp"}
    kyle = have["Kyle"]
    assert (kyle.kind, kyle.count, kyle.places[0]) == ("name", 4, "line 1") and "met Emma" in kyle.contexts[0]
    assert (have["spirit lamp"].kind, have["spirit lamp"].count) == ("term", 3)


def test_names_and_terms_of_japanese() -> None:
    have = found(JAPANESE, "ja")
    assert {"カイル", "エマ", "アイゼンブルク", "魔導騎士団", "田中"} <= set(have)
    assert not {"コーヒー", "月曜日", "バタン", "ドア", "三人", "兵士"} & set(have)
    assert have["魔導騎士団"].kind == "term" and have["カイル"].kind == "name"


def test_what_is_agreed_is_left_out_and_speakers_are_names() -> None:
    known = Glossary((Term("Kyle", "カイル"),), "en", "ja")
    assert "Kyle" not in found(ENGLISH, "en", known)
    [one] = extract([Segment("yes, of course", speaker="Old Tom")], "en")
    assert (one.term, one.kind) == ("Old Tom", "name")


def test_german_nouns_are_no_names() -> None:
    lines = ["Der Hund lief durch den Garten, und die Katze sah dem Hund zu.", "Im Haus saß Anna am Fenster."] * 8
    assert set(found([*lines, "Er traf Anna Weber."], "de")) == {"Anna", "Anna Weber"}


def test_the_table_is_a_glossary_once_it_is_filled_in(tmp_path: Path) -> None:
    text = table(list(found(ENGLISH, "en").values()))
    file = tmp_path / "g.tsv"
    file.write_text(text.replace("Kyle\t\t", "Kyle\tカイル\t"), encoding="utf-8")
    assert [(t.source, t.target, t.part) for t in read_glossary(file, "en", "ja").terms] == [("Kyle", "カイル", "name")]


class Scripted(Backend):
    """Answers from a table."""

    def __init__(self, table: dict[str, str]) -> None:
        self.table = table

    def translations(self, sources, request, done=None):  # type: ignore[no-untyped-def]
        return [Translation(self.table.get(text, "なし"), "" if text in self.table else "refused") for text in sources]

    def _draw(self, *arguments):  # type: ignore[no-untyped-def]
        raise NotImplementedError


def test_only_ambiguous_proposals_are_marked() -> None:
    segments = [Segment("Kyle met a mage."), Segment("A mage and an elf.")]
    candidates = [Candidate("Kyle", "name", 1, ("1",), ("",), (0,)),
                  Candidate("mage", "term", 2, ("1",), ("",), (0, 1)),
                  Candidate("elf", "term", 1, ("2",), ("",), (1,))]  # fmt: skip
    backend = Scripted({"Kyle": "カイル。", "mage": "魔導士", "Kyle met a mage.": "カイルは魔法使いに会った。",
                        "A mage and an elf.": "魔術師とエルフ。"})  # fmt: skip
    kyle, mage, elf = proposed(candidates, segments, backend, TranslationRequest("en", "ja"))
    assert (kyle.target, kyle.doubt) == ("カイル", "")
    assert mage.target == "魔導士" and "otherwise in context" in mage.doubt
    assert elf.target == "" and elf.doubt == "refused"
    assert "ambiguous: the model renders it otherwise in context; 2 times" in table([mage])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    app = typer.Typer()
    app.command()(terms)

    def call(*options: str) -> str:
        app([*options, "--from", "en", "--to", "ja"], standalone_mode=False)
        return capsys.readouterr().out

    return call


def test_the_command(run, tmp_path: Path) -> None:
    book, out = tmp_path / "book.txt", tmp_path / "terms.tsv"
    book.write_text("\n".join(ENGLISH), encoding="utf-8")
    assert "Osterlund" in run(str(book))
    rows = json.loads(run(str(book), "--json"))
    assert {"term", "kind", "count", "places", "contexts", "target", "doubt"} <= set(rows[0])
    run(str(book), "-o", str(out))
    assert out.read_text("utf-8").startswith(
        "source\ttarget\tforbidden\tnote\tpart of speech\tcase\nKyle\t\t\t4 times;"
    )
    with pytest.raises(In2xError, match="there already, and may be edited"):
        run(str(book), "-o", str(out))
