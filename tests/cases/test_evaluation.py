"""Evaluation from the user's end: what used to be a traceback or to pass in silence is one sentence now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from in2x.cli import main
from in2x.errors import UsageError
from in2x.evaluate.rewarded import covered, is_rewarded
from in2x.rl.rewards.registry import REWARDS


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with translations, judged segments and score files, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    for name, line in (("a.ja", "雪が降る。"), ("b.ja", "雨が降る。"), ("r.ja", "雪が降る。")):
        Path(name).write_text(line + "\n", encoding="utf-8")
    segment = {"lp": "en-ja", "line": 1, "doc_id": "d", "src": "Snow.", "ref": "雪。"}
    jsonl("test.jsonl", [segment | {"hyps": {s: f"雪{s}。" for s in "xyz"}}])
    jsonl(
        "human.jsonl",
        [{"system": s, "line": 1, "doc_id": "d", "score": v} for s, v in zip("xyz", (9, 50, 90), strict=True)],
    )
    Path("scores").mkdir()
    for system, values in (("one", [1.0, 2.0]), ("two", [1.0]), ("three", [3.0, 1.0])):
        jsonl(f"scores/{system}.jsonl", [{"language_pair": "en-ja_JP", "domain": "news", "document_id": "d",
                                          "metric_scores": {"M": values}}])  # fmt: skip
    jsonl(
        "questions.jsonl", [{"question_id": n, "category": "writing", "turns": ["書いて。", "短く。"]} for n in (1, 2)]
    )
    judged = [{"question_id": n, "model": "m", "turn": t, "score": 5} for n in (1, 2) for t in (1, 2)]
    jsonl("judged.jsonl", judged)
    jsonl("uneven.jsonl", judged[:3])
    jsonl("twice.jsonl", [*judged, judged[0]])
    jsonl("zero.jsonl", [*judged[:3], judged[3] | {"score": 0}])
    return tmp_path


def jsonl(name: str, rows: list[dict[str, Any]]) -> None:
    Path(name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


CORRELATE = "evaluate correlate --test test.jsonl --human human.jsonl"
TABULATE = "evaluate mtbench --questions questions.jsonl --judgements"
FAULTS = [
    # a place where nothing can be written is refused before the work
    ("evaluate leaderboard scores --pair en-ja_JP -o nowhere/x.html", "there is no folder nowhere"),
    ("evaluate express --baseline copy -o nowhere/x.html", "there is no folder nowhere"),
    ("evaluate express --baseline copy -o scores", "this is a folder"),
    ("evaluate audit . -o nowhere/x.html", "there is no folder nowhere"),
    ("evaluate report . -o nowhere/x.html", "there is no folder nowhere"),
    # the same system twice
    ("evaluate score --hyp a.ja --hyp a.ja --ref r.ja --to ja", "--hyp a.ja is given twice"),
    ("evaluate score --hyp a.ja --hyp ./a.ja --ref r.ja --to ja", "--hyp a.ja is given twice"),
    ("evaluate express --hyp a.ja --hyp a.ja", "--hyp a.ja is given twice"),
    ("evaluate express --baseline copy --baseline copy", "--baseline copy is given twice"),
    ("evaluate judge --hyp a.ja --hyp a.ja --src r.ja --from en --to ja --judge m", "--hyp a.ja is given twice"),
    # a pair or language that the data is not of
    (f"{CORRELATE} --pair en-xx", "there is no language 'xx'"),
    (f"{CORRELATE} --pair en-de", "the test set is en-ja, not en-de"),
    (f"{CORRELATE} --pair ja-en", "the test set is en-ja, not ja-en"),
    (f"{CORRELATE} --pair enja", "'enja' is no language pair"),
    ("evaluate score --hyp a.ja --ref r.ja --to jp", "did you mean 'ja'"),
    ("evaluate judge --hyp a.ja --src r.ja --from en --to jp --judge m", "did you mean 'ja'"),
    ("evaluate autorank scores --pair en-xx", "use one of en-ja_JP"),
    # a score outside the scale
    (f"{TABULATE} zero.jsonl", "m, question 2: the score is 0"),
    # one score where others have two
    ("evaluate autorank scores --pair en-ja_JP", "two, document d: 1 score of M, where 2 are usual"),
    ("evaluate leaderboard scores --pair en-ja_JP -o x.html", "two, document d: 1 score of M, where 2 are usual"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "sentence"), FAULTS)
def test_one_sentence_and_an_exit_code(
    here: Path, capsys: pytest.CaptureFixture[str], command: str, sentence: str
) -> None:
    before = sorted(here.rglob("*"))
    assert main(command.split()) in (1, 2)
    said = capsys.readouterr()
    assert sentence in said.err and "Traceback" not in said.err and said.out == ""
    assert sorted(here.rglob("*")) == before, "nothing is left half written"


@pytest.mark.parametrize(
    ("file", "note"),
    [
        ("judged.jsonl", ""),
        ("uneven.jsonl", "m: 1 of 4 turns are not judged as often as the others: turn 2 of question 2 0 times"),
        ("twice.jsonl", "m: 1 of 4 turns are not judged as often as the others: turn 1 of question 1 2 times"),
    ],
)
def test_a_lopsided_mean_is_told(here: Path, capsys: pytest.CaptureFixture[str], file: str, note: str) -> None:
    """Published judgements have gaps, so this is no error."""
    assert main([*TABULATE.split(), file]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert note in said and bool(note) == ("note" in said)


def test_a_pair_with_its_country_is_the_same_pair(here: Path) -> None:
    assert main(f"{CORRELATE} --pair en-ja_JP --json".split()) == 0


def test_one_submission_file_for_all_pairs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A system hands in one file for all its pairs; the other pairs' documents are told of, and are no fault."""
    ids = {pair: f"{pair}_#_news_#_one" for pair in ("en-ja_JP", "en-de_DE", "cs-uk_UA")}
    jsonl("set.jsonl", [{"doc_id": ids["en-ja_JP"], "src_text": "Snow fell."}])
    jsonl("sub.jsonl", [{"doc_id": doc_id, "hypothesis": "雪だ。"} for doc_id in ids.values()])
    wmt = ["evaluate", "wmt", "sub.jsonl", "--test", "set.jsonl", "--pair"]
    assert main([*wmt, "en-ja_JP"]) == 0
    said = capsys.readouterr()
    assert said.out == "" and "1 documents, no fault" in said.err
    assert "1 documents of en-de_DE" in said.err and "1 documents of cs-uk_UA" in said.err
    assert main([*wmt, "en-ja_JP", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["other_pairs"] == {"en-de_DE": 1, "cs-uk_UA": 1}
    assert main([*wmt, "en-fr_FR"]) == 1
    assert "pairs in this file: en-ja_JP" in capsys.readouterr().err


NOT_MEASURED = {"number", "choice", "exact", "set", "contains", "format", "code", "world"}


@pytest.mark.parametrize("reward", sorted(REWARDS))
def test_the_audit_knows_every_reward(reward: str) -> None:
    """Rewards of translations pay for a measure of the audit; those that read results pay for none of them."""
    assert bool(covered(reward)) == (reward not in NOT_MEASURED)


@pytest.mark.parametrize(
    ("reward", "rewarded", "held_out"),
    [
        ("bleu", ["BLEU"], ["chrF", "TER"]),
        ("bleu:none", ["BLEU"], ["chrF++"]),
        ("bleu:ja-mecab", ["BLEU"], ["chrF"]),
        ("chrf", ["chrF", "chrF++"], ["BLEU"]),
        ("consensus", ["chrF", "chrF++"], ["BLEU", "TER"]),
        ("register", ["principle/register"], ["principle/language", "chrF"]),
        ("principle/register", ["principle/register"], ["principle/language"]),
        ("principles", ["principle/register", "principle/numbers"], ["BLEU"]),
        ("judged", ["principle/register", "principle/natural"], ["principle/numbers", "chrF"]),
        ("comet:some/model", ["comet:some/model", "comet:another", "comet-src:third"], ["metricx:m", "chrF"]),
        ("metricx-src:m", ["metricx:m"], ["comet:m"]),
        ("number", [], ["chrF", "BLEU", "principle/numbers"]),
    ],
)
def test_what_a_reward_covers(reward: str, rewarded: list[str], held_out: list[str]) -> None:
    assert [m for m in rewarded + held_out if is_rewarded(m, [reward])] == rewarded


def test_an_unknown_reward_is_no_held_out_one() -> None:
    with pytest.raises(UsageError, match="there is no reward 'chrff'"):
        covered("chrff")
