"""The journal: kept at once, whole after a kill, one owner; edits that outrank all; the table that they come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from in2x.errors import In2xError, UsageError
from in2x.formats.document import Segment, Tag, Text
from in2x.llm.request import Answer
from in2x.translate.findings import Finding
from in2x.translate.journal import Journal, Kept, Owner, journal_of
from in2x.translate.outcome import Outcome
from in2x.translate.review import Edit, Edits, read_edits, review_table

BOOK = Owner("book.txt", "en", "ja")


def kept(number: int, text: str = "訳", **other: object) -> Kept:
    return Kept(f"key{number}", f"line {number}", f"source {number}", text, **other)  # type: ignore[arg-type]


def test_a_segment_is_on_disk_the_moment_it_is_kept(tmp_path: Path) -> None:
    path = journal_of(tmp_path / "out.txt")
    with Journal(path, BOOK) as journal:
        journal.keep(kept(1))
        assert json.loads(path.read_text().splitlines()[1])["text"] == "訳"
        journal.keep(kept(1))
        assert path.read_text().count("key1") == 1, "the same again costs nothing"
    with Journal(path, BOOK) as journal:
        assert journal.get("key1") == kept(1) and journal.get("key2") is None


@given(st.integers(1, 400))
def test_a_kill_at_any_byte_costs_at_most_the_line_it_tore(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "out.journal.jsonl"
    with Journal(path, BOOK) as journal:
        for number in range(4):
            journal.keep(kept(number))
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    lines = whole[:cut].count(b"\n")
    with Journal(path, BOOK) as journal:
        assert [journal.get(f"key{n}") is not None for n in range(4)] == [n + 1 < lines for n in range(4)]
        journal.keep(kept(9))
    with Journal(path, BOOK) as journal:
        assert journal.get("key9") is not None


def test_a_journal_of_something_else_or_in_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.journal.jsonl"
    with Journal(path, BOOK) as journal:
        journal.keep(kept(1))
        with pytest.raises(In2xError, match="another in2x is writing this translation; wait for it"):
            Journal(path, BOOK)
    with pytest.raises(UsageError, match=r"the journal of book\.txt from en to ja, not of other\.txt from en to ja"):
        Journal(path, Owner("other.txt", "en", "ja"))
    with pytest.raises(UsageError, match=r"not of book\.txt from en to zh"):
        Journal(path, Owner("book.txt", "en", "zh"))
    path.write_text(path.read_text() + "{broken\n")
    with pytest.raises(In2xError, match=r"line 3: not a line of a journal .*mend the line"):
        Journal(path, BOOK)
    path.write_text('{"hello": 1}\n')
    with pytest.raises(UsageError, match="not a journal of this version"):
        Journal(path, BOOK)


def test_an_empty_journal_leaves_no_file(tmp_path: Path) -> None:
    with Journal(tmp_path / "out.journal.jsonl", BOOK):
        pass
    assert not list(tmp_path.iterdir())


def test_answers_on_the_way_survive_a_kill_and_not_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.journal.jsonl"
    with Journal(path, BOOK) as journal:
        journal.answers.put(b"\x01" * 16, "model", Answer("駅", prompt_tokens=3, answer_tokens=1))
    with Journal(path, BOOK) as journal:
        found = journal.answers.get(b"\x01" * 16)
        assert found == Answer("駅", prompt_tokens=3, answer_tokens=1, cached=True)
        assert journal.answers.count() == 1 and journal.answers.get(b"\x02" * 16) is None
        journal.keep(kept(1, repairs=0))
        journal.keep(kept(1, "訳二", repairs=1, repaired=("numbers",)))
        journal.finish()
    assert len(path.read_text().splitlines()) == 2
    with Journal(path, BOOK) as journal:
        assert journal.answers.count() == 0
        assert journal.get("key1") == kept(1, "訳二", repairs=1, repaired=("numbers",))


def test_words_written_into_the_journal_are_edits(tmp_path: Path) -> None:
    path = tmp_path / "out.journal.jsonl"
    with Journal(path, BOOK) as journal:
        journal.keep(kept(1))
        journal.take_edits(edits_of(Edit("source 2", "人の訳", "line 2")))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1]["edited"] = "手直し"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for _ in range(2):  # also after the journal was written anew
        with Journal(path, BOOK) as journal:
            assert journal.edits.matched([("source 1", "line 1"), ("source 2", "line 2"), ("source 3", "line 3")]) == [
                "手直し", "人の訳", None,
            ]  # fmt: skip
            journal.finish()


# --- edits and the table ----------------------------------------------------------------------------------------------


def edits_of(*edits: Edit) -> Edits:
    found = Edits()
    for edit in edits:
        found.add(edit)
    return found


def test_an_edit_belongs_to_its_place_and_follows_its_text() -> None:
    edits = edits_of(Edit("Yes.", "はい。", "line 1"), Edit("No.", "いいえ。"))
    assert edits.matched([("Yes.", "line 1"), ("Yes.", "line 5"), ("No.", "line 7")]) == ["はい。", None, "いいえ。"]
    assert edits.matched([("New.", "line 1"), ("Yes.", "line 2")]) == [None, "はい。"], "a line was added above"
    assert edits_of(Edit("A", "1", "p"), Edit("A", "2", "p")).matched([("A", "p")]) == ["2"]


def outcomes(*texts: tuple[str, str]) -> list[Outcome]:
    return [Outcome(Segment(a, place=f"line {n}"), Text(b), "model")
            for n, (a, b) in enumerate(texts, 1)]  # fmt: skip


@given(st.text(min_size=1).filter(lambda text: text.strip()), st.text().filter(lambda text: text.strip()))
def test_what_is_filled_in_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, source: str, edit: str
) -> None:
    if "\0" in source + edit or any(0xD800 <= ord(char) < 0xE000 for char in source + edit):
        return
    rows = review_table([Outcome(Segment(source, place="line 1"), Text(edit), "edited")])
    file = tmp_path_factory.mktemp("edits") / "review.tsv"
    file.write_text(rows, encoding="utf-8", newline="")
    assert list(read_edits(file)) == [Edit(source, edit, "line 1")]


def test_the_table_has_the_riskiest_first_and_no_formula() -> None:
    table = outcomes(
        ("Good.", "良い。"), ("=1+1 is two", "=1+1は2"), ("---", "---"), ("Bad 5.", "悪い。"), ("Lost.", "Lost.")
    )
    table[2] = Outcome(Segment("---", place="line 3"), Text("---"), "untouched")
    table[3] = Outcome(Segment("Bad 5.", place="line 4"), Text("悪い。"), "model", findings=(
        Finding("numbers", "5 of the source is missing", "major"),))  # fmt: skip
    table[4] = Outcome(Segment("Lost.", place="line 5"), Text("Lost."), "failed", "the answer is empty")
    rows = [line.split("\t") for line in review_table(table).splitlines()]
    assert rows[0] == ["risk", "place", "source", "translation", "why", "edited"]
    assert [row[1] for row in rows[1:]] == ["line 5", "line 4", "line 1", "line 2"]
    assert rows[1][3] == "" and rows[1][4] == "the answer is empty"
    assert rows[2][4] == "numbers: 5 of the source is missing"
    assert rows[4][2:4] == ["\\=1+1 is two", "\\=1+1は2"]


def test_tags_stand_as_placeholders_in_the_table() -> None:
    source = Segment("See the map.", (Tag(8, "<b>", 1, "open"), Tag(11, "</b>", 1, "close")), place="p")
    one = Outcome(source, Text("地図を見て。", (Tag(0, "<b>", 1, "open"), Tag(2, "</b>", 1, "close"))), "model")
    assert review_table([one]).splitlines()[1].split("\t")[2:4] == ["See the <1>map</1>.", "<1>地図</1>を見て。"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("e.tsv", "a\tb\n1\t2\n", "it needs the columns source and edited"),
        ("e.jsonl", "{]\n", "line 1: not JSON"),
        ("e.tsv", "source\tedited\n\tx\n", "line 2: an edit without its source"),
        ("e.tsv", b"source\tedited\n\xe9\tx\n", "not UTF-8"),
        ("none.tsv", None, "cannot be read"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, name: str, text: str | bytes | None, message: str) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(In2xError, match=message):
        read_edits(file)


def test_edits_also_come_as_json_lines_and_from_spreadsheets(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text('{"source": "a\\\\n", "edited": "b", "place": "p"}\n\n', encoding="utf-8")
    assert list(read_edits(tmp_path / "e.jsonl")) == [Edit("a\\n", "b", "p")]
    (tmp_path / "e.csv").write_text('\ufeffsource,edited\n"a, b",c\nd,\n', encoding="utf-8")
    assert list(read_edits(tmp_path / "e.csv")) == [Edit("a, b", "c")]
