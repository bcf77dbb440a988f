"""MT-bench and the ESA-style judge with scripted models: both turns shown, bounded retries, failures counted."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from in2x.errors import In2xError
from in2x.evaluate import mtbench
from in2x.judge.esa import FEW_SHOTS, Segment, grade, read_verdict
from in2x.llm.limits import Usage
from in2x.llm.request import Advance, Answer, Request

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "eval" / "mtbench_ja"


class Script:
    """An asker that answers by a function and keeps what it was asked."""

    name = "script"

    def __init__(self, reply: Callable[[Request], str | None]) -> None:
        self.reply, self.asked, self.usage = reply, list[Request](), Usage()

    def ask_all(self, requests: Iterable[Request], advance: Advance | None = None) -> Iterator[Answer]:
        for request in requests:
            self.asked.append(request)
            text = self.reply(request)
            yield Answer(error="timed out") if text is None else Answer(text)


QUESTIONS = [
    mtbench.Question("1", "writing", ["詩を書いて。", "短くして。"]),
    mtbench.Question("2", "math", ["1+1は?", "では{x}+2は?"]),
]


def last(request: Request) -> str:
    return (request.messages or ())[-1]["content"]


def test_both_turns_are_generated_in_view_of_the_first_at_category_temperatures() -> None:
    model = Script(lambda r: f"答え{len(r.messages or ())}")
    answers, faults = mtbench.generate(QUESTIONS, model)
    assert not faults and answers == {"1": ["答え1", "答え3"], "2": ["答え1", "答え3"]}
    assert [r.temperature for r in model.asked] == [0.7, 0.0, 0.7, 0.0]
    assert [m["content"] for m in model.asked[2].messages or ()] == ["詩を書いて。", "答え1", "短くして。"]


def test_the_judge_sees_both_turns_and_the_reference_only_where_it_belongs() -> None:
    judge = Script(lambda r: "よい。[[8]]" if "二回目の回答" in last(r) else "[[4]]")
    answers = {"1": ["花よ", "花"], "2": ["2", "{y}"]}
    references = {"1": ["REF1a", "REF1b"], "2": ["REF2a", "REF2b"]}
    found = mtbench.judge(QUESTIONS, answers, judge, model="m", references=references)
    assert [(j.question, j.turn, j.score) for j in found] == [("1", 1, 4), ("1", 2, 8), ("2", 1, 4), ("2", 2, 8)]
    second = last(judge.asked[1])
    assert all(part in second for part in ("詩を書いて。", "花よ", "短くして。", "花"))
    assert "REF" not in second
    assert "REF2a" in last(judge.asked[2]) and "REF2b" not in last(judge.asked[2])
    assert "では{x}+2は?" in last(judge.asked[3]) and "{y}" in last(judge.asked[3]), "braces are left alone"


def test_a_judge_without_a_number_is_asked_again_then_counted() -> None:
    replies: dict[str, int] = defaultdict(int)

    def stubborn(request: Request) -> str | None:
        question = "math" if any("1+1" in m["content"] for m in request.messages or ()) else "writing"
        replies[question] += 1
        return "すばらしい回答です。" if question == "math" else ("えっと" if replies[question] == 1 else "[[6]]")

    found = mtbench.judge(QUESTIONS, {"1": ["a", "b"], "2": ["a", "b"]}, Script(stubborn), model="m", tries=3)
    assert [j.score for j in found] == [6, 6, None, None]
    assert replies["math"] == 6, "two turns, three tries each"
    [row] = mtbench.table(found, QUESTIONS)
    assert row.failed == 2 and row.overall.value == 6 and row.categories["writing"] == 6
    with pytest.raises(In2xError, match="m, question 2: the judge gave no score"):
        mtbench.table(found[2:], QUESTIONS)


def test_samples_are_separate_questions_to_a_cache() -> None:
    judge = Script(lambda r: f"[[{3 + r.sample}]]")
    found = mtbench.judge(QUESTIONS[:1], {"1": ["a", "b"]}, judge, model="m", samples=3)
    assert [j.score for j in found] == [3, 4, 5, 3, 4, 5]
    assert len({r.key("j") for r in judge.asked}) == 6
    [row] = mtbench.table(found, QUESTIONS, unit_scale=True)
    assert row.overall.value == pytest.approx(0.4) and row.turns == pytest.approx({1: 0.4, 2: 0.4})


def test_missing_answers_and_bad_files_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(In2xError, match="m, question 1: 1 answers for 2 turns"):
        mtbench.judge(QUESTIONS, {"1": ["a"]}, Script(lambda r: "[[1]]"), model="m")
    file = tmp_path / "j.jsonl"
    file.write_text('{"question_id": 3, "model": "m", "score": "good"}\n')
    with pytest.raises(In2xError, match="line 1: m, question 3: the score is 'good'"):
        mtbench.read_judgements(file)
    with pytest.raises(In2xError, match="m: question 9 is not among the questions"):
        mtbench.table([mtbench.Judgement("9", "m", 1, 5.0)], QUESTIONS)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("[[5]]", 5),
        ("例 [[3]] … 評価：[[ 7.5 ]]", 7.5),
        ("[[11]]", None),
        ("5点", None),
        ("[[0]]", None),
        ("<think>まず [[2]] か。</think>\n評価は6です。", None),
        ("[THINK]下書き [[2]][/THINK][[9]]", 9),
        ("[[4]] としたが、見直して [[6]]", 6),
        ("最初は [[8]]。<think>いや [[1]] かも</think>", 8),
        ("[[8]]。満点は [[100]] ではない。", 8),
        ("例: [[7]] の形で書くと、6点です。", None),
        ("[[7]] のように書きます。\n[[3]]", 3),
        ("ここは [[３]] です", 3),
        ("<think>[[5]]", None),
    ],
)
def test_ratings(text: str, score: float | None) -> None:
    assert mtbench.rating(text) == score


def test_a_fault_of_the_server_is_no_verdict_and_no_answer() -> None:
    down = Script(lambda r: None if "1+1" in str(r.messages) else "[[5]]")
    found = mtbench.judge(QUESTIONS, {"1": ["a", "b"], "2": ["a", "b"]}, down, model="m")
    assert [(j.score, j.text) for j in found[2:]] == [(None, "no answer came: timed out")] * 2
    assert len(down.asked) == 4, "other words mend no server"
    answers, faults = mtbench.generate(QUESTIONS, down)
    assert list(answers) == ["1"] and faults == {"2": "turn 1: timed out"}


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"turn": "two"}, "the turn is 'two'"),
        ({"turn": 1.5}, "the turn is 1.5"),
        ({"turn": None}, "the turn is None"),
        ({"turn": 0}, "the turn is 0"),
        ({"score": True}, "the score is True"),
        ({"score": float("nan")}, "score is nan"),
    ],
)
def test_a_judgement_that_is_none_is_a_sentence(tmp_path: Path, row: dict[str, object], what: str) -> None:
    file = tmp_path / "j.jsonl"
    file.write_text(json.dumps({"question_id": 3, "model": "m", "score": 5} | row) + "\n")
    with pytest.raises(In2xError, match=f"j.jsonl, line 1: m, question 3: .*{what}"):
        mtbench.read_judgements(file)


def test_turns_must_be_texts(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    for turns in ('"abc"', "[1, 2]", "[null]"):
        file.write_text(
            f'{{"question_id": 3, "category": "math", "turns": {turns}, "choices": [{{"turns": {turns}}}]}}'
        )
        for read in (mtbench.read_answers, mtbench.read_questions):
            with pytest.raises(In2xError, match="turns as a list of texts"):
                read(file)


def test_judgements_survive_the_round_trip(tmp_path: Path) -> None:
    rows = [mtbench.Judgement("1", "m", 1, 7.0, "よい", "j"), mtbench.Judgement("1", "m", 2, None, "?", "j")]
    mtbench.write_judgements(tmp_path / "j.jsonl", rows)
    assert mtbench.read_judgements(tmp_path / "j.jsonl") == rows


@pytest.mark.shared
def test_existing_gpt4_judgements_give_the_same_averages_as_a_plain_recomputation() -> None:
    if not SHARED.exists():
        pytest.skip("the MT-bench files are not in ../shared/data/eval")
    rows = [json.loads(line) for line in (SHARED / "judgments.gpt-4.jsonl").read_text(encoding="utf-8").splitlines()]
    questions = mtbench.read_questions(SHARED / "questions.jsonl")
    category = {str(q.id): q.category for q in questions}
    found = {r.model: r for r in mtbench.table(mtbench.read_judgements(SHARED / "judgments.gpt-4.jsonl"), questions)}
    models = {r["model"] for r in rows}
    assert set(found) == models and len(models) == 7
    for model in models:
        own = [r for r in rows if r["model"] == model]
        assert found[model].overall.value == sum(r["score"] for r in own) / len(own)
        for name, value in found[model].categories.items():
            part = [r["score"] for r in own if category[str(r["question_id"])] == name]
            assert value == sum(part) / len(part)
    assert all(mtbench.rating(r["judgment"]) == r["score"] for r in rows), "our reader reads their judge alike"


SEGMENTS = [Segment("It rained.", "雨が降った。", "d1"), Segment("Break a leg!", "足を折れ！", "d2", register="casual")]


def verdict(score: float, *spans: str) -> str:
    return json.dumps(
        {"score": score, "errors": [{"span": s, "severity": "major", "category": "idiom"} for s in spans]}
    )


def test_spans_and_scores() -> None:
    judge = Script(lambda r: verdict(20, "足を折れ") if "Break" in last(r) else verdict(99))
    found = grade(SEGMENTS, "en", "ja", judge, system="s")
    assert [g.score for g in found] == [99, 20]
    assert found[1].errors == [{"span": "足を折れ", "severity": "major", "category": "idiom"}]
    assert "Register asked for: casual" in last(judge.asked[1])
    assert judge.asked[0].schema is not None and judge.asked[0].temperature == 0


def test_prose_is_asked_again_bounded_and_left_out() -> None:
    judge = Script(lambda r: verdict(90) if "rained" in str(r.messages) else "とても良い訳です。")
    found = grade(SEGMENTS, "en", "ja", judge, system="s", tries=2)
    assert found[0].score == 90 and found[1].score is None and "prose instead of JSON" in found[1].fault
    assert len(judge.asked) == 3 and judge.asked[2].sample == 1, "a cache must not answer the second try"
    with pytest.raises(In2xError, match=r"s, document d2: the judge gave no usable answer \(prose"):
        grade(SEGMENTS[1:], "en", "ja", judge, system="s", tries=2)


def test_a_server_that_fails_is_told() -> None:
    judge = Script(lambda r: None)
    with pytest.raises(In2xError, match=r"the judge gave no answer at all \(timed out\)"):
        grade(SEGMENTS, "en", "ja", judge, system="s")
    assert len(judge.asked) == 2, "other words mend no server"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (verdict(120), "answer.score must be at most 100"),
        (verdict(50, "存在しない"), "not in the translation"),
        ("[]", "answer must be object"),
        ('{"score": 5, "errors": [{"span": "", "severity": "huge", "category": ""}]}', "severity must be one of"),
        ('{"score": 5}', "answer lacks errors"),
        ("とても良い", "prose instead of JSON"),
    ],
)
def test_unusable_verdicts(text: str, fault: str) -> None:
    judge = Script(lambda r: verdict(70) if "Break" in last(r) else text)
    graded, good = grade(SEGMENTS, "en", "ja", judge, system="s", tries=2)
    assert graded.score is None and fault in graded.fault and good.score == 70
    assert fault in last(judge.asked[-1]), "the judge is told what was wrong"


def test_the_last_verdict_counts() -> None:
    said = f"First thought: {verdict(10)}. No, that is too strict. {verdict(80)}"
    assert [g.score for g in grade(SEGMENTS, "en", "ja", Script(lambda r: said), system="s")] == [80, 80]


def test_our_examples_obey_our_own_rules() -> None:
    for _, translation, example in FEW_SHOTS:
        assert read_verdict(example, translation).score == example["score"]
