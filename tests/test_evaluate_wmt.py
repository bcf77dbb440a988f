"""WMT files, human scores, correlations and clusters: round trips, numbers done by hand, and every named fault."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from in2x.commands.evaluate import app
from in2x.errors import In2xError
from in2x.evaluate.clusters import better, rank_clusters
from in2x.evaluate.correlation import segment_level, system_level, tie_calibrated_accuracy
from in2x.evaluate.human import HumanScore, read_esa, read_mqm, tabulate
from in2x.evaluate.wmt import (
    align,
    check_submission,
    chrf_by_domain,
    parse_doc_id,
    read_submission,
    read_testset,
    score_key,
)

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "eval"
STORY, TALK = "en-ja_JP_#_literary_#_tale_1", "en-ja_JP_#_speech_#_vid_abc"


def submit(file: Path, said: dict[str, list[str]]) -> Path:
    rows = [{"doc_id": doc_id, "hypothesis": "\n\n".join(paragraphs)} for doc_id, paragraphs in said.items()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def testset(tmp_path: Path) -> Path:
    rows = [
        {"doc_id": STORY, "src_text": "A cat.\n\nA dog.", "refs": {"refA": {"ref": "猫。\n\n犬。"}}},
        {"doc_id": TALK, "src_text": "Hello there.", "refs": {"refA": {"ref": "やあ。"}}},
        {"doc_id": "en-zh_CN_#_news_#_x", "src_text": "Hi."},
    ]
    file = tmp_path / "test.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return file


def test_doc_ids_and_the_vid_trap() -> None:
    assert parse_doc_id(STORY) == ("en-ja_JP", "literary", "tale_1")
    assert score_key(TALK) == ("speech", "abc")
    assert score_key("en-ja_JP_#_literary_#_vid_abc") == ("literary", "vid_abc"), "only speech carries the prefix"
    assert parse_doc_id("test-en-news_x.1") == ("", "", "test-en-news_x.1")


def test_a_submission_is_read_pair_by_pair(testset: Path, tmp_path: Path) -> None:
    documents = read_testset(testset, "en-ja_JP")
    assert [len(d.paragraphs) for d in documents.values()] == [2, 1]
    said = {STORY: ["猫だ。", "犬だ。\n本当に。"], TALK: ["やあ。"]}
    found = read_submission(submit(tmp_path / "s.jsonl", said | {"ja-zh_CN_#_news_#_x": ["好。"]}), "en-ja_JP")
    assert found.documents == said and found.others == {"ja-zh_CN": 1}
    assert check_submission(said, documents, "mine") == []
    assert align(said, documents, "mine") == ["猫だ。", "犬だ。\n本当に。", "やあ。"]
    scores = chrf_by_domain(documents, align(said, documents, "mine"), "ja")
    assert list(scores) == ["literary", "speech", "all"]
    assert scores["speech"].value == pytest.approx(100) and scores["all"].n == 3


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({STORY: ["猫。", "犬。"]}, f"mine: document {TALK} is missing."),
        ({STORY: ["猫。", "犬。", "余。"], TALK: ["や"]}, f"mine: document {STORY} has 3 paragraphs, its source 2."),
        ({STORY: ["猫。", " "], TALK: ["や"]}, f"mine: document {STORY}, paragraph 2 is empty."),
        ({STORY: ["猫。", "A dog."], TALK: ["や"]}, f"mine: document {STORY}, paragraph 2 is its source, untransla"),
        ({STORY: ["猫。", "犬。"], TALK: ["や"], "en-ja_JP_#_news_#_24": ["x"]},
         "mine: document en-ja_JP_#_news_#_24 is not in the test set (of another year)."),
        ({STORY: ["猫。", "犬。"], "en-ja_JP_#_speech_#_abc": ["や"]},
         f"mine: document {TALK} is missing (there is en-ja_JP_#_speech_#_abc: the vid_ prefix differs)."),
    ],
)  # fmt: skip
def test_every_fault_names_system_and_document(testset: Path, said: dict[str, list[str]], fault: str) -> None:
    [found] = check_submission(said, read_testset(testset, "en-ja_JP"), "mine")
    assert found.startswith(fault)


def test_bad_files(testset: Path, tmp_path: Path) -> None:
    with pytest.raises(In2xError, match="no document of en-de; pairs in this file: en-ja_JP, en-zh_CN"):
        read_testset(testset, "en-de")
    file = tmp_path / "s.jsonl"
    file.write_text('{"doc_id": "a"}\n')
    with pytest.raises(In2xError, match='line 1: no "doc_id" and "hypothesis"'):
        read_submission(file, "en-ja_JP")
    file.write_text('{"doc_id": "a", "hypothesis": "x"}\n' * 2)
    with pytest.raises(In2xError, match="line 2: document a is given twice"):
        read_submission(file, "en-ja_JP")
    submit(file, {"ja-zh_CN_#_news_#_x": ["好。"]})
    with pytest.raises(In2xError, match="no document of en-ja_JP; pairs in this file: ja-zh_CN"):
        read_submission(file, "en-ja_JP")


def test_the_check_command(testset: Path, tmp_path: Path) -> None:
    good = submit(tmp_path / "good.jsonl", {STORY: ["猫。", "犬。"], TALK: ["やあ。"]})
    base = ["wmt", str(good), "--test", str(testset), "--pair", "en-ja_JP"]
    result = CliRunner().invoke(app, [*base, "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["faults"] == [] and found["chrF"]["all"]["value"] == pytest.approx(100)
    submit(good, {STORY: ["猫。"]})
    result = CliRunner().invoke(app, base)
    assert result.exit_code == 1 and "has 1 paragraphs, its source 2" in result.stdout


@pytest.mark.shared
def test_every_shared_document_has_its_scores() -> None:
    file = SHARED / "wmt25.en-ja.jsonl.gz"
    if not file.exists():
        pytest.skip("the WMT25 outputs are not in ../shared/data/eval")
    documents = read_testset(file, "en-ja_JP")
    lines = (SHARED / "wmt25_scores.en-ja" / "In2x.jsonl").read_text().splitlines()
    scored = {(r["domain"], r["document_id"]): len(r["metric_scores"]["CometKiwi-XL"]) for r in map(json.loads, lines)}
    assert {score_key(d): len(doc.paragraphs) for d, doc in documents.items()} == scored


def test_esa_and_its_faults(tmp_path: Path) -> None:
    file = tmp_path / "esa.jsonl"
    rows = [{"annotator": "x", "system": s, "line": n, "score": v, "doc_id": "d", "errors": []}
            for s, n, v in (("a", 1, 80), ("a", 1, 60), ("b", 1, 50), ("b", 2, 90.5))]  # fmt: skip
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    table = tabulate(read_esa(file))
    assert table.systems == ["a", "b"] and table.items == ["1", "2"]
    assert table.values[0].tolist() == [70, 50] and np.isnan(table.values[1, 0])
    file.write_text(json.dumps({**rows[0], "score": 101}) + "\n")
    with pytest.raises(In2xError, match="line 1: a, document d: the score is 101"):
        read_esa(file)


def test_mqm_weights(tmp_path: Path) -> None:
    file = tmp_path / "mqm.tsv"
    head = "system\tdoc\tseg_id\trater\tcategory\tseverity\n"
    file.write_text(head + "a\td\t1\tr\tAccuracy/Omission\tMajor\na\td\t1\tr\tFluency/Punctuation\tMinor\n"
                    "a\td\t2\tr\tNon-translation!\tMajor\na\td\t3\tr\tNo-error\tno-error\n")  # fmt: skip
    assert [(s.item, s.score) for s in read_mqm(file)] == [("1", -5.1), ("2", -25.0), ("3", -0.0)]
    file.write_text(head + "a\td\t1\tr\tAccuracy\tHuge\n")
    with pytest.raises(In2xError, match="line 2: a, segment 1: unknown severity 'Huge'"):
        read_mqm(file)


def test_correlations_of_known_tables() -> None:
    human = np.array([[1.0, 2, 3, 4], [2, 3, 4, 5], [1, 3, 4, 6]])
    assert system_level(2 * human + 1, human).pearson == pytest.approx(1)
    perfect = segment_level(human, human)
    assert (perfect.spearman, perfect.kendall, perfect.accuracy, perfect.n) == pytest.approx((1, 1, 1, 12))
    assert segment_level(-human, human).accuracy < 0.2
    with_hole = human.copy()
    with_hole[0, 0] = np.nan
    assert segment_level(with_hole, human).n == 11
    assert np.isnan(segment_level(np.ones_like(human), human).pearson)
    with pytest.raises(In2xError, match="only 2 systems"):
        system_level(human[:, :2], human[:, :2])


def brute_force(metric: np.ndarray, human: np.ndarray) -> float:
    gaps = [(metric[s, i] - metric[s, j], human[s, i] - human[s, j]) for s in range(len(metric))
            for i in range(metric.shape[1]) for j in range(i + 1, metric.shape[1])]  # fmt: skip
    best = 0.0
    for epsilon in [0.0, *(abs(m) for m, _ in gaps)]:
        right = [
            (abs(m) <= epsilon and h == 0) or (abs(m) > epsilon and h != 0 and (m > 0) == (h > 0)) for m, h in gaps
        ]
        best = max(best, sum(right) / len(right))
    return best


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 4), st.integers(2, 4), st.integers(0, 10**6))
def test_tie_calibration_equals_trying_every_epsilon(segments: int, systems: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    metric, human = rng.integers(0, 5, (segments, systems)) * 1.0, rng.integers(0, 3, (segments, systems)) * 1.0
    accuracy, epsilon = tie_calibrated_accuracy(metric, human)
    assert accuracy == pytest.approx(brute_force(metric, human))
    assert epsilon >= 0


def test_clusters_and_rank_ranges() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(0, 1, 200)
    columns = [base + rng.normal(shift, 0.2, 200) for shift in (1.0, 1.0, 0.0, -2.0)]
    placed = rank_clusters(np.stack(columns, axis=1), ["top", "also", "mid", "low"])
    assert [p.cluster for p in placed] == [1, 1, 2, 3]
    assert {p.system for p in placed[:2]} == {"top", "also"}
    assert [(p.first, p.last) for p in placed] == [(1, 2), (1, 2), (3, 3), (4, 4)]
    assert better(base, base) == 1.0
    with pytest.raises(In2xError, match="b has no score"):
        rank_clusters(np.array([[1.0, np.nan]]), ["a", "b"])


def test_repeated_judgements_are_averaged() -> None:
    rows = [HumanScore("a", "1", "d", 10), HumanScore("a", "1", "d", 20)]
    assert tabulate(rows).values.tolist() == [[15]]
