"""`in2x instruct-check`: the gates measured on labelled sets, by code and by a judge of known error, and on a file."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from chat_server import ChatServer
from in2x.cli import main
from in2x.instructions.gate_check import Case, by_code, measured, read_cases
from in2x.records import Instruction

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
OURS, MORE, ROUNDS, BLIND, BLIND2 = (
    BENCHMARKS / f"instruction_gates{name}.yaml" for name in ("", "_more", "_rounds", "_blind", "_blind2")
)
ASK = {"ja": "短い文章を書いてください。", "en": "Write a short passage.", "zh": "写一小段文字。"}
SMALL = """
sound:
  fog: [[en, "Describe fog in one line.", "The fog has mislaid the bridge again."]]
faulty:
  refusal: [[en, "Describe fog in one line.", "I'm sorry, but I can't assist with that request."]]
  opening: [[en, "Describe fog in one line.", "Sure! Here's a line about fog:\\n\\nFog mislaid the bridge.", code]]
  flat: [[en, "Describe fog in one line.", "Fog is nice and it was good to look at.", judge]]
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def test_the_labelled_sets_are_large_and_of_three_languages() -> None:
    cases = [*read_cases(OURS), *read_cases(BLIND)]
    labels = Counter("sound" if case.label == "sound" else "faulty" for case in cases)
    assert min(labels.values()) >= 400
    langs = Counter((case.item.lang, case.label == "sound") for case in cases)
    assert all(langs[lang, sound] >= 80 for lang in ("ja", "en", "zh") for sound in (True, False))
    assert any(case.label == "judge" for case in cases)


@pytest.mark.parametrize("file", [OURS, MORE, ROUNDS, BLIND], ids=lambda file: file.stem)
def test_precision_and_recall_of_the_rules(file: Path) -> None:
    checked = by_code(read_cases(file))
    wrong = [one.case.item.id for one in checked if one.right is False and one.case.label != "judge"]
    found = measured(checked)
    assert found.precision and found.recall and found.sound_kept
    assert min(found.precision, found.recall) >= 0.96 and found.sound_kept >= 0.97, wrong


def test_on_items_by_which_nobody_mended_a_rule() -> None:
    """The bounds stand below what was measured, not at what is wanted (.97 both)."""
    found = measured(by_code(read_cases(BLIND2)))
    assert found.precision and found.recall and found.sound_kept
    assert found.precision >= 0.94 and found.recall >= 0.84 and found.sound_kept >= 0.94


def test_a_labelled_set_is_measured(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instruct-check", str(small), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["code"]
    assert (found["precision"], found["recall"], found["sound_kept"], found["recall_judge"]) == (1.0, 1.0, 1.0, 0.0)
    assert {row["gate"]: row["kind"] for row in found["rows"]} == {
        "rules: refusal": "refusal", "tidy: opening": "opening",
    }  # fmt: skip
    assert main(["instruct-check", str(small), "--wrong"]) == 0
    said = capsys.readouterr()
    assert "judge: flat" in said.out and "recall 1.000" in said.err
    assert main(["instruct-check", str(small), "--skip", "refusal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["code"]["recall"] == 0.5


def test_a_set_without_labels_is_a_table_by_gate_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"instruction": "Describe the harbour.", "output": "Three boats, and one of them awake."},
        {"instruction": "Describe the harbour.", "output": "Describe the harbour."},
        {"instruction": "Describe the <b>old</b> mill.", "output": "As an AI language model, I cannot visit mills."},
    ]
    file, page = tmp_path / "mine.jsonl", tmp_path / "page.html"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert main(["instruct-check", str(file), "-o", str(page)]) == 0
    said = capsys.readouterr()
    assert "rules: copy" in said.out and "rules: refusal" in said.out and "2 of 3 items" in said.err
    text = page.read_text(encoding="utf-8")
    assert "rules: refusal" in text and "&lt;b&gt;old" in text and "<b>old" not in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fine: {a: []}", "sound, faulty, judge"),
        ("sound: [1]", "no table of kinds"),
        ("sound: {a: [[en, only]]}", "row 1 of sound, a"),
        ("faulty: {a: [[en, p, a, nobody]]}", "neither code nor judge"),
        ("sound: [", "not YAML"),
    ],
)
def test_a_set_that_is_none_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    file = tmp_path / "set.yaml"
    file.write_text(text, encoding="utf-8")
    assert main(["instruct-check", str(file)]) == 1
    said = capsys.readouterr()
    assert says in said.err and "Traceback" not in said.err and not said.out


def test_an_unknown_rule_is_refused(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instruct-check", str(small), "--skip", "nothing"]) == 2
    assert "no such rule" in capsys.readouterr().err


def test_a_judge_of_known_error_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It finds what answers marked "!" hold, misses one fault in four, and complains of one sound item in ten."""
    rows: dict[str, dict[str, list[list[str]]]] = {"sound": {"plain": []}, "faulty": {"marked": []}}
    for number in range(20):
        rows["sound"]["plain"].append(["en", f"Describe boat {number}.", f"Boat {number} keeps its name in the bow."])
        rows["faulty"]["marked"].append(["en", f"Describe tree {number}.", f"Tree {number} is tall! And it is tall!"])
    file = tmp_path / "set.yaml"
    file.write_text(json.dumps(rows), encoding="utf-8")  # JSON is YAML

    def reply(body: dict[str, Any]) -> str:
        text = body["messages"][0]["content"]
        if "response_format" not in body:
            return "yes"
        if "faults" in body["response_format"]["json_schema"]["schema"]["properties"]:
            return json.dumps({"faults": [], "why": "A clear task."})
        numbers = re.findall(r"(?:boat|tree) (\d+)", text, re.IGNORECASE)
        number, faulty = int(numbers[0]), "!" in text
        if faulty and number == 1:
            return "I would rather not say."  # however often it is asked
        bad = number % 4 != 0 if faulty else number % 10 == 3
        return json.dumps({"hallucination": [], "contradiction": False, "valid": not bad, "score": 4, "why": "So."})

    with ChatServer(reply) as server:
        assert main(["instruct-check", str(file), "--judge", server.url, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["judge"]
        asked = len(server.asked)
    assert asked >= 2 * 40
    assert found["failed"] == 1, "no verdict is no pass"
    assert found["recall"] == pytest.approx(14 / 19) and found["sound_kept"] == pytest.approx(18 / 20)
    assert found["precision"] == pytest.approx(14 / 16)
    assert [gate["name"] for gate in found["gates"]] == ["critic: no valid result"]


def _lines(file: Path, key: str, most: int, every: int) -> list[str]:
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as rows:
        return [json.loads(row)[key] for row in islice(rows, 0, most * every, every)]


def test_false_alarms_on_what_people_wrote(shared_data: Path) -> None:
    """Sentences of people as answers to a free task: what the gates touch there is a false alarm."""
    parallel = shared_data / "parallel"
    enja = next(parallel.glob("enja.train*"))
    three = next(parallel.glob("trilingual*"))
    texts = {
        "ja": [*_lines(enja, "ja", 300, 50), *_lines(three, "ja", 150, 20)],
        "en": [*_lines(enja, "en", 300, 50), *_lines(three, "en", 150, 20)],
        "zh": _lines(three, "zh", 300, 12),
    }
    for lang, answers in texts.items():
        items = [Instruction("x", lang, "chat", [{"role": "user", "content": ASK[lang]}], text) for text in answers]
        checked = by_code([Case(item) for item in items])
        touched = [(one.gate, one.case.item.answer) for one in checked if one.gate]
        assert len(touched) <= 0.007 * len(items), (lang, touched)
