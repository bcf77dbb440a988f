"""AutoRank: the published WMT25 table at printed precision, its algebra, and bad score files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from in2x.commands.evaluate import app
from in2x.errors import In2xError, UsageError
from in2x.evaluate.autorank import autorank, organisers_metrics, read_scores

NAN = float("nan")
SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "eval"


def digits(metric: str) -> int:
    return 3 if "comet" in metric.lower() else 1


@pytest.mark.shared
def test_the_published_table_of_43_systems() -> None:
    folder, table = SHARED / "wmt25_scores.en-ja", SHARED / "wmt25.published.en-ja.tsv"
    if not table.exists():
        pytest.skip("the organisers' score files are not in ../shared/data/eval")
    result = CliRunner().invoke(app, ["autorank", str(folder), "--pair", "en-ja_JP", "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert len(found["systems"]) == 43 and found["warnings"] == []
    with table.open(encoding="utf-8") as stream:
        published = list(csv.DictReader(stream, delimiter="\t"))
    ours = sorted(
        [round(s["autorank"], 1), *(round(s["metrics"][m], digits(m)) for m in found["metrics"])]
        for s in found["systems"]
    )
    theirs = sorted([float(row["AutoRank"]), *(float(row[m]) for m in found["metrics"])] for row in published)
    assert ours == theirs
    ranked = {s["system"]: s["autorank"] for s in found["systems"]}
    assert round(ranked["In2x"], 1) == 2.3 and ranked["Shy"] == 1.0


def write(folder: Path, scores: dict[str, Any], pair: str = "en-ja_JP", docs: tuple[str, ...] = ("d1", "d2")) -> Path:
    """{system: {metric: [per document lists]}} as score files."""
    folder.mkdir(exist_ok=True)
    for system, metrics in scores.items():
        rows = [
            {"language_pair": pair, "domain": "news", "document_id": doc,
             "metric_scores": {m: values[i] for m, values in metrics.items()}}
            for i, doc in enumerate(docs)
        ]  # fmt: skip
        (folder / f"{system}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return folder


def test_paragraphs_are_pooled_and_nulls_skipped(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", {"a": {"M": [[1.0, None, 2.0], [6.0]]}, "b": {"M": [[0, 0, 0], [0]]}})
    ranking = autorank(read_scores(folder, "en-ja_JP"), "en-ja_JP")
    assert ranking.rows[0].metrics["M"] == 3.0, "not the mean of document means (3.75)"


def test_the_algebra_on_numbers_done_by_hand(tmp_path: Path) -> None:
    # means 1, 2, 3, 5: median 2.5, 25th percentile 1.75, spread 3.25
    folder = write(tmp_path / "s", {n: {"M": [[v], [v]]} for n, v in zip("abcd", (1, 2, 3, 5), strict=True)})
    rows = {r.system: r for r in autorank(read_scores(folder, "en-ja_JP"), "en-ja_JP").rows}
    assert rows["d"].z == pytest.approx(2.5 / 3.25) and rows["a"].z == pytest.approx(-1.5 / 3.25)
    assert [rows[n].autorank for n in "dcba"] == pytest.approx([1, 1 + 3 * 2 / 4, 1 + 3 * 3 / 4, 4])


def test_rank_is_between_1_and_n_and_scale_free(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = {
        f"s{i}": {"A": [rng.normal(size=3).tolist(), [0.0]], "B": [rng.normal(size=3).tolist(), [1.0]]}
        for i in range(9)
    }
    scaled = {s: {"A": [[7 * x + 3 for x in d] for d in m["A"]], "B": m["B"]} for s, m in base.items()}
    one = autorank(read_scores(write(tmp_path / "one", base), "en-ja_JP"), "en-ja_JP").rows
    two = autorank(read_scores(write(tmp_path / "two", scaled), "en-ja_JP"), "en-ja_JP").rows
    assert [r.system for r in one] == [r.system for r in two]
    assert [r.autorank for r in one] == pytest.approx([r.autorank for r in two])
    assert one[0].autorank == 1 and one[-1].autorank == pytest.approx(9)


def test_equal_systems_share_rank_one(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", {n: {"M": [[1], [2]]} for n in "abc"})
    assert [r.autorank for r in autorank(read_scores(folder, "en-ja_JP"), "en-ja_JP").rows] == [1, 1, 1]


def test_organisers_choice_of_metrics() -> None:
    every = ["CometKiwi-XL", "MetricX", "chrF++"]
    assert organisers_metrics("en-bho_IN", every) == ["chrF++"]
    assert organisers_metrics("en-ja_JP", every) == every
    assert organisers_metrics("en-de_DE", ["CometKiwi-XL", "MetricX"]) == ["MetricX"]


@pytest.mark.parametrize(
    ("scores", "docs", "message"),
    [
        ({"a": {"M": [[1], [2]]}, "b": {"M": [[1], [NAN]]}}, ("d1", "d2"), "b, document d2: M of paragraph 1 is nan"),
        ({"a": {"M": [[1], [2]]}, "b": {"M": [[1], ["x"]]}}, ("d1", "d2"), "b, document d2: M of paragraph 1 is 'x'"),
        ({"a": {"M": [[1], [2]], "N": [[1], [2]]}, "b": {"M": [[1], [2]]}}, ("d1", "d2"), "b, document d1: N is miss"),
        ({"a": {"M": [[1], [2]]}, "b": {"M": [[None], [None]]}}, ("d1", "d2"), "b: every M score is null"),
        ({"a": {"M": [[1], [2]]}}, ("d1", "d1"), "a: document news/d1 is scored twice"),
        ({"a": {"M": [1, [2]]}}, ("d1", "d2"), "a, document d1: M is not a list"),
    ],
)  # fmt: skip
def test_bad_scores_name_system_and_document(tmp_path: Path, scores: Any, docs: tuple[str, ...], message: str) -> None:
    folder = write(tmp_path / "s", scores, docs=docs)
    with pytest.raises(In2xError, match=message):
        autorank(read_scores(folder, "en-ja_JP"), "en-ja_JP")


def test_documents_of_another_year(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", {n: {"M": [[1], [2]]} for n in "ab"})
    write(folder, {"c": {"M": [[1], [2]]}}, docs=("d1", "wmt24_x"))
    with pytest.raises(In2xError, match="c: document news/wmt24_x is known to no other system"):
        autorank(read_scores(folder, "en-ja_JP"), "en-ja_JP")


def test_a_gap_is_told_not_hidden(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", {n: {"M": [[1], [2]]} for n in "ab"})
    write(folder, {"c": {"M": [[1]]}}, docs=("d1",))
    ranking = autorank(read_scores(folder, "en-ja_JP"), "en-ja_JP")
    assert ranking.warnings == ["c lacks 1 of 2 documents, news/d2 among them"]


def test_bad_folders_and_names(tmp_path: Path) -> None:
    with pytest.raises(In2xError, match="no folder of score files"):
        read_scores(tmp_path / "none", "en-ja_JP")
    with pytest.raises(In2xError, match=r"no \.jsonl file"):
        read_scores(tmp_path, "en-ja_JP")
    folder = write(tmp_path / "s", {"a": {"M": [[1], [2]]}})
    with pytest.raises(In2xError, match="no system has scores for en-xx; use one of en-ja_JP"):
        read_scores(folder, "en-xx")
    scores = read_scores(folder, "en-ja_JP")
    with pytest.raises(UsageError, match="no metric 'X'; use one of M"):
        autorank(scores, "en-ja_JP", metrics=["X"])
    with pytest.raises(UsageError, match="no domain 'x'; use one of news"):
        autorank(scores, "en-ja_JP", domain="x")
    (folder / "a.jsonl").write_text('{"language_pair": "en-ja_JP"}\n{oops\n')
    with pytest.raises(In2xError, match=r"a\.jsonl, line 1: a, document None: no metric_scores"):
        read_scores(folder, "en-ja_JP")
    (folder / "a.jsonl").write_text("{oops\n")
    with pytest.raises(In2xError, match=r"a\.jsonl, line 1: not JSON"):
        read_scores(folder, "en-ja_JP")
