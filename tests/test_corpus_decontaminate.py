"""Evaluation texts in the corpus: found, cut out, reported; against a search by plain Python."""

import gzip
import json
import random
import re
from pathlib import Path

import pytest

from in2x.contamination.config import DecontaminateConfig
from in2x.contamination.evaluation import evaluation_rows
from in2x.contamination.table import Contamination
from in2x.errors import In2xError

CONFIG = DecontaminateConfig(words=5, chars=10)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _runs(words: list[str], n: int) -> set[tuple[str, ...]]:
    return {tuple(words[k : k + n]) for k in range(len(words) - n + 1)}


def test_the_same_documents_as_a_plain_search() -> None:
    rng = random.Random(3)
    vocabulary = ["harbour", "early", "boats", "light", "tower", "birds", "water", "nets", "sea", "morning"]
    sets = {f"s{k}": [" ".join(rng.choices(vocabulary, k=rng.randint(5, 9))) for _ in range(30)] for k in range(3)}
    texts = [" ".join(rng.choices(vocabulary, k=40)).replace(" sea", ", Sea!") for _ in range(300)]
    found = Contamination.build(sets, CONFIG).documents(texts)
    runs = {name: set().union(*(_runs(_words(t), 5) for t in held)) for name, held in sets.items()}
    expected = [[name for name in sets if runs[name] & _runs(_words(text), 5)] for text in texts]
    assert [names for _, names, _, _ in found] == expected
    assert 20 < sum(map(bool, expected)) < 300  # both kinds occur


def test_matched_lines_are_cut_and_the_rest_stays() -> None:
    quoted = "灯台の光が消えるころには沖に出ている。"
    table = Contamination.build({"suite": [quoted], "other": ["全く関係のない別の文がここにある。"]}, CONFIG)
    text = f"港の朝はいつも早い。\nある人は「{quoted}」と書いた。\n漁師たちは網を積む。\n" + "静かな海だ。\n" * 30
    left, names, share, lines = table.documents([text])[0]
    assert names == ["suite"] and lines == 1 and 0 < share < 0.2
    assert "灯台" not in left and left.startswith("港の朝はいつも早い。\n漁師たちは")


def test_a_run_over_a_line_end_is_found() -> None:
    table = Contamination.build({"suite": ["The harbour wakes early in the morning"]}, CONFIG)
    left, names, _, lines = table.documents(["One line.\nSo the harbour wakes\nearly in the morning light.\nEnd."])[0]
    assert names == ["suite"] and lines == 2 and left == "One line.\nEnd."


def test_a_short_evaluation_text_counts_only_as_a_whole_line() -> None:
    table = Contamination.build({"suite": ["港の朝は早い。"]}, CONFIG)  # six characters, a run is ten
    (_, line, _, _), (_, inside, _, _) = table.documents(
        ["前の行。\n港の朝は早い！\n後の行。", "きっと港の朝は早いと彼は言った。"]
    )
    assert line == ["suite"] and inside == []


def test_saved_and_read_again_it_finds_the_same(tmp_path: Path) -> None:
    table = Contamination.build({"a": ["one two three four five six"]}, CONFIG)
    table.save(tmp_path / "t.npz")
    again = Contamination.load(tmp_path / "t.npz")
    texts = ["so one two three four five", "one two three", ""]
    assert again.documents(texts) == table.documents(texts)
    assert again.documents(texts)[0].sets == ["a"] and again.config == CONFIG


def test_every_string_of_an_evaluation_file_counts(tmp_path: Path) -> None:
    rows = [{"src": "first source", "refs": ["one", {"hyp": "two"}], "score": 3}, {"src": "second"}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "b.txt").write_text("a plain line\n\nanother\n")
    assert list(evaluation_rows("a.jsonl.gz", tmp_path)) == [["first source", "one", "two"], ["second"]]
    assert list(evaluation_rows("b.txt", tmp_path)) == [["a plain line"], ["another"]]
    (tmp_path / "c.jsonl").write_text("{broken\n")
    with pytest.raises(In2xError, match=r"c.jsonl, line 1: not JSON"):
        list(evaluation_rows("c.jsonl", tmp_path))
    with pytest.raises(In2xError, match="no file here"):
        list(evaluation_rows("d.jsonl", tmp_path))


def test_a_set_without_a_recognisable_text_is_an_error() -> None:
    with pytest.raises(In2xError, match="'empty' holds no text"):
        Contamination.build({"empty": ["a b", ""]}, CONFIG)
