"""Human judgements aligned with outputs, checks as numbers, a combination that never sees its test documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from in2x.commands.evaluate import app
from in2x.errors import In2xError, UsageError
from in2x.evaluate.checks import Segments, check_segments
from in2x.evaluate.combination import combined
from in2x.evaluate.correlation import accuracy_by_group, pearson_by_group, segment_level
from in2x.evaluate.judged import check_tables, correlate, metric_table, read_judged, read_score_tables
from in2x.llm.open import open_judge
from test_evaluate_judge import Script

SEGMENTS = [
    {"line": 1, "doc_id": "d1", "src": "Anna paid 120 dollars.", "ref": "アンナは120ドル払った。",
     "hyps": {"good": "アンナは120ドルを払った。", "bad": "Anna paid 99."}},
    {"line": 2, "doc_id": "d1", "src": "She left.", "ref": "彼女は去った。",
     "hyps": {"good": "彼女は立ち去った。", "bad": "去りました。"}},
    {"line": 3, "doc_id": "d2", "src": "It rains.", "ref": "雨だ。", "hyps": {"good": "雨が降る。", "bad": "雪です。"}},
]  # fmt: skip
SCORES = {("good", 1): 95, ("bad", 1): 5, ("good", 2): 90, ("bad", 2): 60, ("good", 3): 80, ("bad", 3): 30}


def rows_of(scores: dict[tuple[str, int], float], documents: tuple[str, ...] = ("d1", "d1", "d2")) -> list[Any]:
    return [{"system": s, "line": n, "doc_id": documents[n - 1], "score": v} for (s, n), v in scores.items()]


def write(file: Path, rows: list[Any]) -> Path:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def test_outputs_and_scores_are_aligned_and_correlate(tmp_path: Path) -> None:
    test, human = write(tmp_path / "t.jsonl", SEGMENTS), write(tmp_path / "h.jsonl", rows_of(SCORES))
    judged = read_judged(test, human, "en-ja")
    assert judged.systems == ["good", "bad"] and judged.documents == ["d1", "d1", "d2"]
    assert judged.human.tolist() == [[95, 5], [90, 60], [80, 30]]
    chrf = metric_table(judged, "chrF", "ja")
    assert (chrf[:, 0] > chrf[:, 1]).all()
    ter = metric_table(judged, "TER", "ja")
    assert (ter <= 0).all(), "negated: higher is better"
    checks = check_tables(judged, "en", "ja")
    assert checks["numbers"][0].tolist() == [1, 0] and np.isnan(checks["numbers"][1:]).all()
    assert checks["katakana of the reference"][0].tolist() == [1, 0]
    assert checks["register as the reference"][1].tolist() == [1, 0]
    assert checks["script"][0, 1] < 0.1 and checks["residue"][0, 1] < checks["residue"][0, 0] == 0


@pytest.mark.parametrize(
    ("scores", "documents", "message"),
    [
        ({("good", 1): 9, ("bad", 9): 9}, ("d1",) * 9, "bad, document d1: segment 9 is not in the test set t.jsonl"),
        ({("good", 1): 9}, ("wmt23-x",), "good, document wmt23-x: segment 1 is of d1 in t.jsonl"),
        ({("other", 1): 9}, ("d1",), r"no output of any judged system \(other\)"),
    ],
)
def test_judgements_of_another_year(
    tmp_path: Path, scores: dict[tuple[str, int], float], documents: tuple[str, ...], message: str
) -> None:
    test, human = write(tmp_path / "t.jsonl", SEGMENTS), write(tmp_path / "h.jsonl", rows_of(scores, documents))
    with pytest.raises(In2xError, match=message):
        read_judged(test, human, "en-ja")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"system": "bad", "line": 1, "scores": {"X": float("nan")}}],
         "bad, document d1: X of segment 1 is nan"),
        ([{"system": "good", "line": 1, "scores": {"X": 1.0}}], "bad, document d1 and all others: X is missing"),
        ([{"system": "good", "line": 1}], "good, segment 1: no scores"),
    ],
)  # fmt: skip
def test_bad_scores_from_elsewhere(tmp_path: Path, rows: list[Any], message: str) -> None:
    test, human = write(tmp_path / "t.jsonl", SEGMENTS), write(tmp_path / "h.jsonl", rows_of(SCORES))
    with pytest.raises(In2xError, match=message):
        read_score_tables(write(tmp_path / "s.jsonl", rows), read_judged(test, human, "en-ja"))


def test_a_check_that_is_the_same_for_all_has_no_correlation() -> None:
    human = np.array([[1.0, 2], [3, 4], [5, 7]])
    [row] = correlate([("flat", "check", np.ones((3, 2)))], human)
    assert row.system is None and row.segment is None


def test_statistics_by_document_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(3)
    human = rng.normal(80, 10, (40, 5))
    metric = human + rng.normal(0, 10, (40, 5))
    human[rng.random((40, 5)) < 0.2] = np.nan
    documents = [f"d{i // 4}" for i in range(40)]
    whole = segment_level(metric, human)
    assert pearson_by_group(metric, human, documents).value == pytest.approx(whole.pearson, abs=1e-12)
    assert accuracy_by_group(metric, human, documents).value == pytest.approx(whole.accuracy, abs=1e-12)
    assert len(pearson_by_group(metric, human, documents)) == 10


def test_a_combination_finds_two_parts_and_cannot_learn_noise() -> None:
    rng = np.random.default_rng(5)
    a, b, noise = (rng.normal(size=(120, 6)) for _ in range(3))
    human = a + b + 0.3 * rng.normal(size=(120, 6))
    documents = [f"d{i // 4}" for i in range(120)]
    both = segment_level(combined([a, b, noise], human, documents), human)
    assert both.pearson > 0.9 > segment_level(a, human).pearson + 0.1
    # What a document adds to all its scores cannot be known from other documents (weights that had seen it would know).
    secret = np.repeat(rng.normal(size=30), 4)[:, None] * np.ones((1, 6))
    blind = combined([noise], secret, documents)
    assert segment_level(blind, secret).pearson < 0.1
    with pytest.raises(In2xError, match="too few for 10 folds"):
        combined([a], human, ["one"] * 120)


def test_names_and_style_are_held_against_the_document() -> None:
    sources = ["They met Kyle here.", "Then Kyle went.", "We saw Kyle too."]
    found = check_segments(Segments(sources, ["カイルに会った。", "ケイルは行った。", "カイルも見ました。"], "en", "ja",
                                    documents=["d"] * 3))  # fmt: skip
    assert found["names as in the document"].tolist() == [0, -1, 0]
    assert found["style as in the document"].tolist() == [1, 1, 0]
    with pytest.raises(In2xError, match="2 hypotheses but 1 sources"):
        check_segments(Segments(["a"], ["b", "c"], "en", "ja"))


def test_the_correlate_command(tmp_path: Path) -> None:
    for segment in SEGMENTS:
        segment["hyps"]["middle"] = segment["hyps"]["bad"] + "。"
    scores = {**SCORES, **{("middle", n): 50 for n in (1, 2, 3)}}
    test, human = write(tmp_path / "t.jsonl", SEGMENTS), write(tmp_path / "h.jsonl", rows_of(scores))
    base = ["correlate", "--test", str(test), "--human", str(human), "--pair", "en-ja"]
    result = CliRunner().invoke(app, [*base, "--json"])
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)
    assert [s["system"] for s in found["systems"]] == ["good", "middle", "bad"]
    chrf = next(r for r in found["agreement"] if r["name"] == "chrF")
    assert chrf["system"]["pearson"] > 0.8 and chrf["segment"]["n"] == 9
    shown = CliRunner().invoke(app, base, env={"COLUMNS": "200"})
    assert shown.exit_code == 0 and "human mean" in shown.stdout


VERDICT = '{"errors": [], "score": 71}'


@pytest.mark.parametrize(("reply", "score"), [(VERDICT, 71), ("I like it very much.", None)])
def test_the_judge_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: str, score: float | None) -> None:
    for name, text in (("s", "A cat.\nA dog.\n"), ("h", "猫。\n犬。\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr("in2x.llm.open.open_judge", lambda *_: Script(lambda request: reply))
    result = CliRunner().invoke(app, ["judge", "--hyp", str(tmp_path / "h"), "--src", str(tmp_path / "s"), "--from",
                                      "en", "--to", "ja", "--judge", "x", "--json"])  # fmt: skip
    if score is None:
        assert isinstance(result.exception, In2xError)
        assert "/h, document 1: the judge gave no usable answer (prose instead of JSON" in str(result.exception)
        return
    [row] = json.loads(result.stdout)
    assert (row["score"], row["n"], row["failed"]) == (score, 2, [])


def test_a_judge_must_be_somewhere(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give an address, or --judge-url"):
        open_judge(str(tmp_path / "none"), None, None)
