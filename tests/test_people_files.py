"""Judgements of other tools in, ours out: small files made here in the layouts of those tools, sound and faulty."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.errors import In2xError, UsageError
from in2x.evaluate.human import read_mqm
from in2x.people import exports, heds, latex
from in2x.people.analysis.whole import analyse
from in2x.people.import_formats import format_of
from in2x.people.imports import read_file, save
from in2x.people.model import (
    SCORE,
    SPANS,
    Campaign,
    Candidate,
    Item,
    Judgement,
    Protocol,
    Screen,
    Span,
)
from in2x.people.store import Store

ESA = [
    {"annotator": "a1", "system": "one", "line": 7, "score": 80, "doc_id": "d1", "end_time": 1000.0,
     "errors": [{"start_i": 2, "end_i": 4, "severity": "minor", "error_type": None}]},
    {"annotator": "a1", "system": "one", "line": 8, "score": 60.5, "doc_id": "d1", "end_time": 1030.0,
     "errors": [{"start_i": "missing", "end_i": "missing", "severity": "major"}]},
    {"annotator": "a1", "system": "one", "line": 7, "score": 90, "doc_id": "d1", "end_time": 9000.0, "errors": []},
    {"annotator": "a2", "system": "refA", "line": 7, "score": 100, "doc_id": "d1", "end_time": 50.0,
     "errors": [{"start_i": 0, "end_i": 1, "severity": "undecided"}]},
]  # fmt: skip
TEXTS = [
    {"line": 7, "src": "One source.", "ref": "参照訳。", "hyps": {"one": "一つの訳。"}},
    {"line": 8, "src": "Another.", "ref": "別の参照。", "hyps": {"one": "別の訳。"}},
]


def lines(path, rows) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def judged(tmp_path, file, **options) -> tuple[list[Judgement], Campaign]:
    with Store.open(tmp_path / "people.db", create=True) as store:
        found = read_file(file, "imported", "en", "ja", **options)
        save(store, found)
        return store.judgements("imported"), store.campaign("imported")


def test_wmt_esa_comes_in_with_spans_times_and_texts(tmp_path) -> None:
    lines(tmp_path / "esa.jsonl", ESA)
    lines(tmp_path / "test.jsonl", TEXTS)
    rows, campaign = judged(tmp_path, tmp_path / "esa.jsonl", texts=tmp_path / "test.jsonl")
    scores = [j for j in rows if j.dimension == SCORE]
    assert [(j.annotator, j.system, j.segment, j.value) for j in scores] == [
        ("a1", "one", "7", 80), ("a1", "one", "8", 60.5), ("a1", "one", "7", 90), ("a2", "refA", "7", 100)]  # fmt: skip
    assert scores[0].spans == (Span(2, 5, "minor"),)  # the end is inclusive there
    assert scores[1].spans == (Span(0, 0, "major", "missing", "source"),)
    assert scores[3].spans[0].severity == "neutral"
    assert [j.seconds for j in scores] == [None, 30.0, None, None]  # the first has no time, and two hours are a pause
    assert [j.role for j in scores] == ["real", "real", "real", "reference"]
    texts = {c.id: c.text for item in campaign.items().values() for c in item.candidates}
    assert texts[scores[0].candidate] == "一つの訳。" and texts[scores[3].candidate] == "参照訳。"
    assert texts[scores[0].candidate][2:5] == "の訳。"
    spans = [j for j in rows if j.dimension == SPANS]
    assert [j.value for j in spans] == [-1.0, -5.0, 0.0, 0.0]


def test_an_import_that_was_killed_goes_on_and_nothing_doubles(tmp_path) -> None:
    lines(tmp_path / "esa.jsonl", ESA)
    found = read_file(tmp_path / "esa.jsonl", "imported", "en", "ja")
    with Store.open(tmp_path / "people.db", create=True) as store:
        store.add_campaign(found.campaign, found.assignments, status="closed")  # killed here, before any event
        save(store, found)
        before = store.judgements("imported")
        save(store, found)
        assert store.judgements("imported") == before and len(before) == 8
        lines(tmp_path / "esa.jsonl", ESA[:1])
        other = read_file(tmp_path / "esa.jsonl", "imported", "en", "ja")
        with pytest.raises(UsageError, match="another campaign"):
            save(store, other)


MQM = """system\tdoc\tdoc_id\tseg_id\trater\tsource\ttarget\tcategory\tseverity
one\td1\t1\t1\tr1\tThe cat sat.\t猫が<v>座</v>った。\tAccuracy/Mistranslation\tMajor
one\td1\t1\t1\tr1\tThe <v>black</v> cat.\t猫が座った。\tAccuracy/Omission\tMinor
one\td1\t1\t2\tr1\tIt slept.\t寝た。\tNo-error\tNo-error
two\td1\t1\t1\tr2\tThe cat sat.\t猫は座る<v>、</v>\tFluency/Punctuation\tMinor
"""


def test_mqm_comes_in_with_the_places_of_its_marks(tmp_path) -> None:
    (tmp_path / "mqm.tsv").write_text(MQM, encoding="utf-8")
    rows, campaign = judged(tmp_path, tmp_path / "mqm.tsv")
    assert not campaign.protocol.score and campaign.protocol.spans
    by = {(j.system, j.segment): j for j in rows}
    first = by["one", "d1:1"]
    assert first.spans == (Span(2, 3, "major", "Accuracy/Mistranslation"),
                           Span(4, 9, "minor", "Accuracy/Omission", "source"))  # fmt: skip
    # a system's weights are those that `in2x evaluate correlate` reads from the same file
    theirs = {(s.system, f"d1:{s.item}"): s.score for s in read_mqm(tmp_path / "mqm.tsv")}
    assert {key: j.value for key, j in by.items()} == pytest.approx(theirs)
    assert by["two", "d1:1"].value == -0.1
    assert first.value == -6 and by["one", "d1:2"].value == 0 and by["one", "d1:2"].spans == ()
    texts = {c.id: c.text for item in campaign.items().values() for c in item.candidates}
    assert texts[first.candidate] == "猫が座った。"


def test_pearmut_comes_in_with_its_checks_and_tutorial_apart(tmp_path) -> None:
    item = {"item_id": "n1", "src": "Hello.", "tgt": {"one": "こんにちは。", "two": "やあ。"}}
    said = {"one": {"score": 70, "error_spans": [{"start_i": 0, "end_i": 1, "severity": "minor", "category": None}]},
            "two": {"score": 90, "error_spans": []}}  # fmt: skip
    check = {**item, "item_id": "n2", "validation": {"one": {"score": [0, 50]}}}
    actions = [{"time": 10.0, "action": "load"}, {"time": 34.0, "action": "submit"}]
    lines(tmp_path / "log.jsonl", [
        {"user_id": "u", "item_i": "welcome_0", "item": [item], "annotation": [said], "actions": actions},
        {"user_id": "u", "item_i": 0, "item": [item, check], "annotation": [said, {"one": said["one"]}],
         "actions": actions},
        {"user_id": "u", "action": "login"},
    ])  # fmt: skip
    rows, _ = judged(tmp_path, tmp_path / "log.jsonl")
    roles = {(j.segment, j.system, j.role): j for j in rows if j.dimension == SCORE}
    assert set(roles) == {("n1", "one", "practice"), ("n1", "two", "practice"), ("n1", "one", "real"),
                          ("n1", "two", "real"), ("n2", "one", "degraded")}  # fmt: skip
    assert roles["n1", "one", "real"].spans == (Span(0, 2, "minor"),)
    assert roles["n1", "one", "real"].seconds == pytest.approx(8)


def test_appraise_comes_in_whatever_way_its_spans_are_written(tmp_path) -> None:
    (tmp_path / "scores.csv").write_text(
        'u1,one,5,TGT,eng,jpn,81,doc-a,False,"[{""start_i"": 1, ""end_i"": 3, ""severity"": ""major""}]",10.0,31.5\n'
        "u1,one,5,BAD,eng,jpn,12,doc-a,False,\"{'start_i': 0, 'end_i': 9, 'severity': 'minor', 'category': None}\","
        "31.5,50\n"
        "u1,one,5,CHK,eng,jpn,80,doc-a,False,,50,60\n"
        "u1,one,-1,TGT,eng,jpn,77,doc-a,True,[],60,61\n",
        encoding="utf-8",
    )
    rows, _ = judged(tmp_path, tmp_path / "scores.csv")
    scores = [j for j in rows if j.dimension == SCORE]
    assert [(j.value, j.role) for j in scores] == [(81, "real"), (12, "degraded"), (80, "repeat")]
    assert scores[0].spans == (Span(1, 4, "major"),) and scores[0].seconds == 21.5


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("a.jsonl", '{"annotator": "a", "system": "s", "line": 1, "score": 300}\n', "the score is 300"),
        ("a.jsonl", '{"annotator": "a", "system": "s", "score": 3}\n', 'no "line"'),
        ("a.jsonl", '{"annotator": "a", "system": "s", "line": 1, "score": 5, "errors": [{"start_i": 5, "end_i": 2, '
         '"severity": "minor"}]}\n', "a span from 5 to 2"),
        ("a.jsonl", '{"annotator": "a", "system": "s", "line": 1, "score": 5, "errors": [{"start_i": 1, "end_i": 2, '
         '"severity": "dire"}]}\n', "unknown severity 'dire'"),
        ("a.jsonl", '{"system": "s", "score"\n', "not JSON"),
        ("a.tsv", "system\tseg_id\tcategory\n", "no column 'rater'"),
        ("a.csv", "u1,one,5\n", "3 columns"),
        ("a.csv", "u1,one,5,XYZ,e,j,81,d,False\n", "unknown type of item 'XYZ'"),
        ("a.csv", "u1,one,5,TGT,e,j,many,d,False\n", "no number"),
        ("a.csv", "u1,one,5,TGT,e,j,81,d,False,[oh\n", "the spans are no JSON"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(tmp_path, name, text, what) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(In2xError, match=what) as error:
        read_file(file, "x", "en", "ja")
    assert error.value.file == file and error.value.line == 1


def test_what_no_reader_knows_is_refused(tmp_path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("hello\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no format of judgements"):
        format_of(file)
    empty = tmp_path / "b.tsv"
    empty.write_text("system\trater\tseg_id\tseverity\n", encoding="utf-8")
    with pytest.raises(In2xError, match="no judgement"):
        read_file(empty, "x", "en", "ja")


def exported() -> tuple[list[Judgement], Campaign]:
    items = tuple(
        Item(f"i{n}", f"s{n}", f"Source {n}, “quoted”.", (Candidate(f"c{n}", "sys_1", f"訳{n}👨‍👩‍👧が\n次の行。"),))
        for n in range(3)
    )
    campaign = Campaign("out_put", {"en": "Out"}, "en", "ja", Protocol(score=True, spans=True),
                        (Screen("s", "doc & co", items),))  # fmt: skip
    spans = (Span(1, 6, "major", "accuracy"), Span(0, 6, "minor", "", "source"))
    rows = []
    for n in range(3):
        for who in ("a,b", "c"):
            common = {"campaign": "out_put", "item": f"i{n}", "segment": f"s{n}", "document": "doc & co",
                      "system": "sys_1", "annotator": who, "candidate": f"c{n}", "seconds": 12.5}  # fmt: skip
            rows.append(Judgement(dimension=SCORE, value=70.0 + n, spans=spans if n == 0 else (), **common))
            rows.append(Judgement(dimension=SPANS, value=-6.0 if n == 0 else 0.0, spans=spans if n == 0 else (),
                                  **common))  # fmt: skip
            rows.append(
                Judgement(dimension="native", value="no", why="=1+1", worth=0.0, phenomena=("idiom",), **common)
            )
    return rows, campaign


def test_plain_exports_hold_every_row_and_the_texts(tmp_path) -> None:
    rows, campaign = exported()
    exports.write(tmp_path / "a.jsonl", "jsonl", rows, campaign)
    told = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(told) == len(rows) and tuple(told[0]) == exports.COLUMNS
    assert told[0]["spans"][0] == {"start": 1, "end": 6, "severity": "major", "category": "accuracy", "side": "target"}
    assert told[2]["answer"] == "no" and told[2]["value"] is None and told[2]["why"] == "=1+1"
    exports.write(tmp_path / "a.csv", "csv", rows, campaign)
    listed = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text(encoding="utf-8"))))
    assert [r["text"] for r in listed] == [r["text"] for r in told]
    assert listed[2]["why"] == "'=1+1"  # no spreadsheet runs it
    exports.write(tmp_path / "a.parquet", "parquet", rows, campaign)
    table = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [r["value"] for r in table] == [r["value"] for r in told] and table[2]["phenomena"] == ["idiom"]
    with pytest.raises(UsageError, match="no format"):
        exports.write(tmp_path / "a.doc", "word", rows, campaign)


@pytest.mark.parametrize(("form", "name"), [("pearmut", "log.jsonl"), ("appraise", "scores.csv")])
def test_what_goes_out_to_another_tool_comes_back_the_same(tmp_path, form, name) -> None:
    rows, campaign = exported()
    exports.write(tmp_path / name, form, rows, campaign)
    back, _ = judged(tmp_path, tmp_path / name)
    mine = {(j.annotator, j.system, j.segment): (j.value, j.spans[:1]) for j in rows if j.dimension == SCORE}
    theirs = {(j.annotator, j.system, j.segment): (j.value, j.spans[:1]) for j in back if j.dimension == SCORE}
    assert mine == theirs
    placeless = [s for j in back if j.dimension == SCORE for s in j.spans[1:]]
    assert placeless and all((s.start, s.end, s.side) == (0, 0, "source") for s in placeless)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=5))
def test_inclusive_ends_are_one_less(places) -> None:
    spans = [Span(start, start + size, "minor") for start, size in places]
    assert [(s["start_i"], s["end_i"] + 1) for s in exports.inclusive(spans)] == [(s.start, s.end) for s in spans]


def test_the_table_for_a_paper_is_sound_latex() -> None:
    rows, campaign = exported()
    text = latex.table(analyse(rows, campaign), campaign)
    assert r"sys\_1 & 6 &" in text and r"\label{tab:out-put}" in text
    assert text.count("{") == text.count("}") and "out_put" not in text.replace(r"out\_put", "")
    assert r"Krippendorff's $\alpha$ = 1.00" in text
    assert latex.escape("50% & {x}_\\") == r"50\% \& \{x\}\_\textbackslash{}"


def test_the_datasheet_is_filled_in_and_says_what_is_open() -> None:
    rows, campaign = exported()
    sheet = heds.datasheet(campaign, analyse(rows, campaign))
    by = {(row.number, row.criterion): row.answer for row in sheet}
    assert by["2.5", ""].endswith("(ja)") and by["3.2.1", ""] == "2"
    assert by["3.2.2", ""] == f"{heds.OPEN} (about.evaluators)"
    assert "1.00" in by["4.3.11.2", SCORE] and by["4.3.4", SCORE] == "0 to 100"
    numbers = [row.number for row in sheet if not row.criterion]
    assert numbers == sorted(numbers, key=lambda n: [int(x) for x in n.split(".")])
    told = heds.as_json(sheet)
    assert told["heds"] == "3.0" and set(told["criteria"]) == {SCORE, SPANS}
    text = heds.as_latex(sheet)
    assert text.count(r"\begin{description}") == text.count(r"\end{description}")


def test_the_commands_take_in_and_write_out(in2x, tmp_path) -> None:
    lines(tmp_path / "wmt.en-ja.jsonl", ESA)
    store = str(tmp_path / "people.db")
    code, out, _ = in2x("people", "import", str(tmp_path / "wmt.en-ja.jsonl"), "--store", store, "--json")
    assert code == 0
    assert json.loads(out) == {"campaign": "wmt-en-ja", "format": "wmt-esa", "judgements": 4, "annotators": 2}
    code, out, _ = in2x("people", "analyse", "--store", store, "--json")
    assert code == 0
    means = {row["system"]: row["mean"] for row in json.loads(out)["systems"]}
    assert means == {"one": pytest.approx((80 + 60.5 + 90) / 3), "refA": 100}
    for form in ("jsonl", "csv", "parquet", "pearmut", "appraise", "latex", "heds", "heds-latex"):
        file = tmp_path / f"out.{form}"
        code, _, err = in2x("people", "export", "--store", store, "--format", form, "-o", str(file))
        assert code == 0, err
        assert file.stat().st_size > 100
    code, _, err = in2x("people", "export", "--store", store, "--format", "word", "-o", str(tmp_path / "x"))
    assert code == 2 and "use one of" in err
    code, _, err = in2x("people", "import", str(tmp_path / "wmt.en-ja.jsonl"), "--store", store, "--name", "a b")
    assert code == 2
