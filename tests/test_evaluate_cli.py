"""`in2x evaluate score|report`: one JSON document on stdout, faults in one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from in2x.cli import app as in2x_app
from in2x.commands.evaluate import app
from in2x.errors import In2xError, UsageError
from in2x.evaluate import audit_run as audit_room
from in2x.evaluate import leaderboard as room
from in2x.evaluate.autorank import read_scores
from in2x.evaluate.inputs import read_lines, read_parallel
from in2x.translate.request import TranslationRequest
from test_evaluate_judge import Script
from test_report import audit as audit_page
from test_report import synthetic_run

REFS = ["猫が寝ています。", "駅で待ってください。", "雨が降った。"]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    texts = {"ref": REFS, "good": REFS, "bad": ["犬が寝た。", "駅で待つ。", "雪が降った。"], "long": [*REFS, "余分。"],
             "hole": [REFS[0], "", REFS[2]]}  # fmt: skip
    for name, lines in texts.items():
        (tmp_path / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return {name: tmp_path / name for name in texts}


def test_score_prints_one_json_document(files: dict[str, Path]) -> None:
    result = CliRunner().invoke(
        app,
        [
            "score",
            "--hyp",
            str(files["bad"]),
            "--hyp",
            str(files["good"]),
            "--ref",
            str(files["ref"]),
            "--to",
            "ja",
            "--json",
        ],
    )
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [r["metric"] for r in rows] == ["BLEU"] * 2 + ["chrF"] * 2 + ["chrF++"] * 2 + ["TER"] * 2
    best = {r["metric"]: r for r in rows if r["system"].endswith("good")}
    assert best["chrF"]["value"] == pytest.approx(100) and best["TER"]["value"] == 0
    assert best["chrF"]["difference"] > 0 and best["TER"]["difference"] < 0
    assert "ja-mecab" in best["BLEU"]["signature"]
    assert "difference" not in rows[0]


def test_score_shows_a_table(files: dict[str, Path]) -> None:
    result = CliRunner().invoke(
        app, ["score", "--hyp", str(files["good"]), "--ref", str(files["ref"]), "--to", "ja", "--metric", "chrF"]
    )
    assert result.exit_code == 0 and "100.00" in result.stdout


@pytest.mark.parametrize(
    ("hyp", "message"),
    [("long", r"long, line 4: 1 line too many \(4, where .*ref has 3\)"), ("hole", "hole, line 2: empty line")],
)
def test_bad_hypothesis_files(files: dict[str, Path], hyp: str, message: str) -> None:
    result = CliRunner().invoke(app, ["score", "--hyp", str(files[hyp]), "--ref", str(files["ref"]), "--to", "ja"])
    assert isinstance(result.exception, In2xError)
    assert result.exception.code == 1
    with pytest.raises(In2xError, match=message):
        raise result.exception


def test_empty_lines_may_be_allowed(files: dict[str, Path]) -> None:
    assert read_parallel([files["ref"], files["hole"]], allow_empty=[files["hole"]])[1][1][1] == ""
    result = CliRunner().invoke(
        app, ["score", "--hyp", str(files["hole"]), "--ref", str(files["ref"]), "--to", "ja", "--allow-empty", "--json"]
    )
    assert result.exit_code == 0 and json.loads(result.stdout)[1]["value"] < 100


def test_lines_empty_in_every_file_are_no_segments(tmp_path: Path) -> None:
    texts = {"hyp": "猫がいる。\n\n犬がいる。\n", "ref": "猫がいる。\n\n犬がいます。\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    numbers, (_, hyp) = read_parallel([tmp_path / "ref", tmp_path / "hyp"])
    assert numbers == [1, 3] and hyp == ["猫がいる。", "犬がいる。"]
    (tmp_path / "ref").write_text("\n\n", encoding="utf-8")
    (tmp_path / "hyp").write_text("\n\n", encoding="utf-8")
    with pytest.raises(In2xError, match="ref: the file is empty"):
        read_parallel([tmp_path / "ref", tmp_path / "hyp"])


def test_learned_metrics_need_sources(files: dict[str, Path]) -> None:
    result = CliRunner().invoke(
        app, ["score", "--hyp", str(files["good"]), "--ref", str(files["ref"]), "--to", "ja", "--metric", "comet:x"]
    )
    assert isinstance(result.exception, UsageError) and "--src" in str(result.exception)


def test_lines_are_cut_at_line_feeds_only(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes("\ufeffa\u2028b\r\nc\x0cd\n".encode())
    assert read_lines(file) == ["a\u2028b", "c\x0cd"]
    file.write_bytes(b"ok\n\xff\n")
    with pytest.raises(In2xError, match="f, line 2: not UTF-8"):
        read_lines(file)
    with pytest.raises(In2xError, match="cannot be read"):
        read_lines(tmp_path / "none")


def test_report_of_a_finished_run(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "run")
    result = CliRunner().invoke(app, ["report", str(run)])
    assert result.exit_code == 0 and result.stdout.strip() == str(run / "report.html")
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    empty = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert isinstance(empty.exception, UsageError) and "no finished stage" in str(empty.exception)


def test_audit_of_a_run_reads_its_own_rewards(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "run")
    manifest = json.loads((run / "rl" / "manifest.json").read_text())
    manifest["config"] = {"rewards": {"chrf": 1.0, "bleu": 0.0}}
    (run / "rl" / "manifest.json").write_text(json.dumps(manifest))
    result = CliRunner().invoke(app, ["audit", str(run), "--json"])
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)
    kinds = {m["name"]: m["kind"] for m in found["measures"]}
    assert kinds["chrF"] == "rewarded" and kinds["BLEU"] == "held out" and kinds["length / reference"] == "drift"
    assert page_is_sound((run / "audit.html").read_text(encoding="utf-8"))
    wrong = CliRunner().invoke(app, ["audit", str(run), "--pair", "en-fr"])
    assert isinstance(wrong.exception, UsageError) and "directions: en-ja, ja-en, zh-ja" in str(wrong.exception)


def page_is_sound(html: str) -> bool:
    found = audit_page(html)
    return found.scripts == 1 and all(link.startswith("#") for link in found.links) and found.anchors <= found.ids


def test_leaderboard_page(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scores, testset = tmp_path / "scores", tmp_path / "test.jsonl"
    scores.mkdir()
    for level, system in enumerate(["low", "mid", "<b>top</b>".replace("/", "")]):
        rows = [
            {"language_pair": "en-ja_JP", "domain": domain, "document_id": f"d{n}",
             "metric_scores": {m: (rng.normal(level, 0.3, 6)).tolist() for m in ("XCOMET-XL", "GEMBA")}}
            for n, domain in enumerate(["news", "speech", "news"])
        ]  # fmt: skip
        (scores / f"{system}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    rows = [{"doc_id": f"en-ja_JP_#_{d}_#_{'vid_' * (d == 'speech')}d{n}", "src": f"Source {s}.", "domain": d,
             "hyps": {"low": f"訳 left{s}", "mid": "訳"}} for n, d in enumerate(["news", "speech", "news"])
            for s in range(6)]  # fmt: skip
    testset.write_text("".join(json.dumps(r) + "\n" for r in rows))
    out = tmp_path / "board.html"
    base = ["leaderboard", str(scores), "--pair", "en-ja_JP", "-o", str(out), "--outputs", str(testset)]
    result = CliRunner().invoke(app, base)
    assert result.exit_code == 0, result.exception
    html = out.read_text(encoding="utf-8")
    assert page_is_sound(html)
    text = "".join(audit_page(html).text)
    assert "AutoRank by domain" in text and "left0" in text and "<b>top<b>" in text
    board = room.leaderboard(read_scores(scores, "en-ja_JP"), "en-ja_JP")
    assert [r.cluster for r in board.rows] == [1, 2, 3] and [r.system for r in board.rows][1:] == ["mid", "low"]
    assert [c.best for c in board.rows[0].cells] == [True, True] and not board.rows[1].cells[0].tied


TURNS = ((1, 4), (2, 8), (2, -1))


def test_mtbench_table(tmp_path: Path) -> None:
    (tmp_path / "q").write_text('{"question_id": 1, "category": "writing", "turns": ["a"]}\n')
    (tmp_path / "j").write_text("".join(
        json.dumps({"question_id": "1", "model": "m", "turn": t, "score": s}) + "\n" for t, s in TURNS
    ))  # fmt: skip
    base = ["mtbench", "--questions", str(tmp_path / "q"), "--judgements", str(tmp_path / "j")]
    [row] = json.loads(CliRunner().invoke(app, [*base, "--json"]).stdout)
    assert (row["score"], row["failed"], row["turns"]) == (6, 1, {"1": 4, "2": 8})
    assert "6.00" in CliRunner().invoke(app, base).stdout


def test_mtbench_answers_judges_and_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "q").write_text('{"question_id": 1, "category": "a<b", "turns": ["x", "y"]}\n')
    model, judge = Script(lambda r: "答え"), Script(lambda r: "[[8]]")
    monkeypatch.setattr("in2x.llm.open.open_judge", lambda name, *_: model if name == "M" else judge)
    base = ["mtbench", "--questions", str(tmp_path / "q"), "--judgements", str(tmp_path / "j"), "--answers",
            str(tmp_path / "a"), "--name", "mine", "--radar", str(tmp_path / "r.svg"), "--samples", "2"]  # fmt: skip
    result = CliRunner().invoke(app, [*base, "--model", "M", "--judge", "J", "--unit-scale", "--json"])
    assert result.exit_code == 0, result.exception
    [row] = json.loads(result.stdout)
    assert (row["model"], row["score"], row["n"], row["turns"]) == ("mine", 0.8, 4, {"1": 0.8, "2": 0.8})
    assert len(model.asked) == 2 and len(judge.asked) == 4
    drawn = ElementTree.fromstring((tmp_path / "r.svg").read_text(encoding="utf-8"))
    assert [t.text for t in drawn.iter("{http://www.w3.org/2000/svg}text")] == ["a<b", "mine"]
    nobody = CliRunner().invoke(app, [*base[:5], "--judge", "J"])
    assert isinstance(nobody.exception, UsageError) and "--answers" in str(nobody.exception)


def test_audit_shows_what_each_utility_flatters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sampler:
        def translate(self, sources: list[str], request: TranslationRequest) -> list[str]:
            return [f"訳{request.seed % 2}{source}" for source in sources]

    run = synthetic_run(tmp_path / "run")
    monkeypatch.setattr(audit_room, "open_translator", lambda folder: Sampler())
    result = CliRunner().invoke(app, ["audit", str(run), "--rewarded", "chrF", "--candidates", "3", "--json"])
    assert result.exit_code == 0, result.exception
    html = (run / "audit.html").read_text(encoding="utf-8")
    assert page_is_sound(html) and "Minimum Bayes risk" in html and "no MBR" in html


COMMAND = re.compile(r"^in2x (evaluate [\w-]+|language register)(.*)$", re.M)


def test_every_command_of_the_how_to_exists_with_its_options() -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    commands = COMMAND.findall(text.replace("\\\n", " "))
    named = {command.split()[1] for command, _ in commands}
    assert {"score", "autorank", "leaderboard", "wmt", "judge", "mtbench", "correlate", "audit", "report"} <= named
    tree = typer.main.get_command(in2x_app)
    for command, rest in commands:
        group, name = command.split()
        known = {flag for option in tree.commands[group].commands[name].params for flag in option.opts}  # type: ignore[attr-defined]
        assert set(re.findall(r"(?<!\w)--?[a-z][a-z-]*", rest.partition(" # ")[0])) <= known, command


def test_mbr_chooses_line_by_line_what_systems_agree_on(in2x, tmp_path):
    said = {
        "a": ["猫が庭で眠る", "", "駅はどこですか", ""],
        "b": ["犬が走る", "", "駅はどこだ", "雨だ"],
        "c": ["猫は庭で眠る", "", "駅はどこですか", ""],
    }
    files = [tmp_path / f"{name}.txt" for name in said]
    for file, lines in zip(files, said.values(), strict=True):
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    code, out, err = in2x("evaluate", "mbr", *files, "-o", tmp_path / "best.txt")
    assert code == 0 and out.strip() == str(tmp_path / "best.txt")
    assert re.fullmatch(r"utility: chrF2\|.*\n", err), "what chose is named: judge by another metric"
    assert (tmp_path / "best.txt").read_text(encoding="utf-8") == "猫が庭で眠る\n\n駅はどこですか\n雨だ\n"
    code, _, err = in2x("evaluate", "mbr", *files[:2], "-o", tmp_path / "two.txt")
    assert code == 2 and "give three files" in err and not (tmp_path / "two.txt").exists()
    files[1].write_text("犬が走る\n", encoding="utf-8")
    code, _, err = in2x("evaluate", "mbr", *files, "-o", tmp_path / "two.txt")
    assert code == 1 and "3 lines too few" in err and not (tmp_path / "two.txt").exists()
