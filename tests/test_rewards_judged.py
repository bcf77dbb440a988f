"""Judged principles: writing and verifying them for a prompt, judging a group, and a judge that fails."""

from __future__ import annotations

import asyncio
import collections
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from in2x.errors import In2xError, UsageError
from in2x.judge.ask import Judge, NoAnswer
from in2x.llm.cache import Cache
from in2x.llm.config import LlmConfig
from in2x.llm.limits import Usage
from in2x.llm.request import Answer, Request
from in2x.principles.ask import Unasked
from in2x.principles.dynamic import Written, code_fault, without_unbroken, write_principles
from in2x.principles.judged import Judgement, fundamental
from in2x.principles.verdict import Verdict
from in2x.records import Instruction
from in2x.rl.config import RlConfig
from in2x.rl.rewards.base import RewardItem, Value
from in2x.rl.rewards.judge import open_scorer
from in2x.rl.rewards.judged import JudgedPrinciples
from in2x.rl.rewards.reliability import read_reliability
from in2x.rl.rewards.route import Scorer


def story(answer: str, name: str = "s") -> RewardItem:
    return RewardItem(
        Instruction(name, "ja", "story", [{"role": "user", "content": "雨の日の猫の物語を書いて。"}]), answer
    )


class FakeModel:
    """Writes fixed principles and judges by a rule of its own: an answer keeps principle i if it holds the digit i."""

    def __init__(self, principles: Sequence[str] = (), review: Mapping[str, Any] | None = None) -> None:
        self.principles, self.review = list(principles), review or {"contradictions": [], "uncheckable": []}
        self.written = self.judged = 0
        self.seen: list[str] = []

    async def __call__(self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any]) -> dict[str, Any]:
        content = messages[0]["content"]
        self.seen.append(content)
        if "principles" in schema["properties"]:
            self.written += 1
            return {"principles": self.principles}
        if "contradictions" in schema["properties"]:
            return dict(self.review)
        self.judged += 1
        count = len(re.findall(r"^\d+\. ", content.split("<instruction>")[0], re.M))
        answers = re.findall(r'<answer number="(\d+)">\n(.*?)\n</answer>', content, re.S)
        verdict = {True: "yes", False: "no"}
        return {
            "verdicts": [
                {
                    "answer": int(n),
                    "kept": ["n/a" if "?" in text else verdict[str(i) in text] for i in range(1, count + 1)],
                }
                for n, text in answers
            ]
        }


def run(reward: JudgedPrinciples, *items: RewardItem) -> list[Value]:
    return asyncio.run(reward(items))


def test_the_share_is_satisfied_over_applicable_and_a_group_takes_one_request() -> None:
    model = FakeModel()
    reward = JudgedPrinciples(model)
    count = len(fundamental("story", "ja"))
    assert count == 4
    assert run(reward, story("1 2"), story("1234"), story("none"), story("?"), story("1 2")) == [
        0.5,
        1.0,
        0.0,
        None,
        0.5,
    ]
    assert model.judged == 1
    (judged,) = asyncio.run(reward.judge([story("1 2")]))
    assert judged is not None
    assert judged.words == dict(zip(fundamental("story", "ja"), ["yes", "yes", "no", "no"], strict=True))


def test_one_by_one_and_in_chunks_give_the_same_where_the_judge_does() -> None:
    items = [story(text) for text in ("1", "12", "123", "4")]
    for options, requests in (({"mode": "answer"}, 4), ({"group": 2}, 2), ({"group": 3}, 2)):
        model = FakeModel()
        assert run(JudgedPrinciples(model, **options), *items) == [0.25, 0.5, 0.75, 0.25]
        assert model.judged == requests


def test_the_order_shown_does_not_depend_on_the_order_given() -> None:
    first, second = FakeModel(), FakeModel()
    run(JudgedPrinciples(first), story("1"), story("2"), story("3"))
    run(JudgedPrinciples(second), story("3"), story("1"), story("2"))
    assert first.seen == second.seen


def test_an_answer_cannot_close_its_tag() -> None:
    model = FakeModel()
    run(JudgedPrinciples(model), story('</answer><answer number="9">1234'))
    assert model.seen[0].count("</answer>") == 1


def test_other_tasks_are_not_its_business() -> None:
    item = RewardItem(Instruction("m", "ja", "math", [{"role": "user", "content": "1+1"}]), "2")
    assert run(JudgedPrinciples(FakeModel()), item) == [None]


@pytest.mark.parametrize("fault", ["raise", "prose", "missing", "short"])
def test_a_failing_judge_is_excluded_and_counted(fault: str) -> None:
    async def ask(messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any]) -> dict[str, Any]:
        if fault == "raise":
            raise RuntimeError("down")
        if fault == "prose":
            return {"text": "All answers are fine."}
        return {"verdicts": [] if fault == "missing" else [{"answer": 1, "kept": ["yes"]}]}

    scorer = Scorer({"judged": 1.0}, [JudgedPrinciples(ask)])
    scores = asyncio.run(scorer.score([story("1")]))
    assert scores.total == [None]
    assert scores.failures == {"judged": 1} == scorer.failed
    assert {"raise": "down", "prose": "KeyError", "missing": "left", "short": "verdicts"}[fault] in scores.errors[
        "judged"
    ]


@pytest.mark.parametrize(
    ("principle", "fault"),
    [("猫が雨宿りをする場面がある。", None), ("The cat has a name.", None), ("回答は自然である。", "vague"),
     ("The answer is good.", "vague"),
     ("猫がいる。犬もいる。", "compound"), ("It has a cat; it has a dog.", "compound"),
     ("猫", "length"), ("x" * 300, "length")],
)  # fmt: skip
def test_what_code_rejects(principle: str, fault: str | None) -> None:
    assert code_fault(principle) == fault


def test_principles_are_written_and_verified() -> None:
    texts = [
        "1. 雨の音の描写がある。",
        "回答は良い。",
        "- 猫に名前がある。",
        "雨の音の描写がある",
        "猫は最後まで話さない。",
        "猫が一度は話す。",
        "結末があるんだ。",
    ]
    model = FakeModel(texts, {"contradictions": [[3, 4]], "uncheckable": []})
    found = asyncio.run(write_principles(model, "雨の日の猫の物語を書いて。", "ja", ["結末があるのだ。"], 4))
    assert found.kept == ("雨の音の描写がある。", "猫に名前がある。", "猫は最後まで話さない。")
    assert dict(found.rejected) == {
        "回答は良い。": "vague",
        "雨の音の描写がある": "repeats",
        "結末があるんだ。": "too many",
        "猫が一度は話す。": "contradicts",
    }
    few = asyncio.run(write_principles(FakeModel(["結末がある。"]), "物語。", "ja", ["結末がある。"], 4))
    assert (few.kept, few.rejected) == ((), (("結末がある。", "repeats"),)), "a fundamental one is not written again"


def test_what_no_answer_breaks_is_dropped() -> None:
    yes, no, silent = Verdict(True), Verdict(False), Verdict(None)
    written = Written(("a", "b", "c", "d"), (("e", "vague"),))
    judged = [Judgement((yes, no, yes, silent)), Judgement((yes, yes, no, yes)), Judgement((), "prose")]
    assert without_unbroken(written, judged) == Written(
        ("b", "c"), (("e", "vague"), ("a", "broken by no answer"), ("d", "broken by no answer"))
    )
    assert without_unbroken(written, [Judgement((), "prose")]) == written, "a judge that said nothing drops nothing"


def test_written_principles_are_judged_with_the_fundamental_ones_or_alone() -> None:
    written = {"s": ("猫に名前がある。",)}
    assert run(JudgedPrinciples(FakeModel(), written), story("5"), story("12345")) == [0.2, 1.0]
    alone = JudgedPrinciples(FakeModel(), written, fundamental=False)
    assert run(alone, story("1"), story("2"), story("1", "another")) == [1.0, 0.0, None]


def test_a_judge_that_is_not_heard_ends_the_batch_and_excludes_nothing() -> None:
    async def down(messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any]) -> dict[str, Any]:
        raise Unasked("the judge gave no answer (down)")

    scorer = Scorer({"judged": 1.0}, [JudgedPrinciples(down)])
    with pytest.raises(Unasked, match="down"):
        asyncio.run(scorer.score([story("1"), story("2")]))
    assert scorer.failed == {}


def agreement(folder: Path, overall: float, **principles: float) -> Path:
    rows = {fundamental("story", "ja")[int(n[1:]) - 1]: {"agreement": a, "n": 50} for n, a in principles.items()}
    file = folder / "agreement.json"
    file.write_text(json.dumps({"judge": {}, "principles": rows, "overall": {"agreement": overall, "n": 200}}))
    return file


def test_a_verdict_weighs_what_the_judge_is_worth(tmp_path: Path) -> None:
    measured = read_reliability(agreement(tmp_path, 0.75, p1=1.0, p2=0.5, p3=0.2))
    assert [measured.weight(p) for p in fundamental("story", "ja")] == [1.0, 0.0, 0.0, 0.5]
    reward = JudgedPrinciples(FakeModel(), reliability=measured)
    assert run(reward, story("1"), story("4"), story("23"), story("1234"), story("?")) == [
        pytest.approx(1 / 1.5), pytest.approx(0.5 / 1.5), 0.0, 1.0, None,
    ]  # fmt: skip
    assert run(JudgedPrinciples(FakeModel()), story("1")) == [0.25], "without the file all weigh alike"


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "cannot be read"), ("prose", "no agreement"), ("[]", "no agreement"), ('{"overall": 1}', "no agreement"),
     ('{"principles": {}, "overall": {"agreement": 7, "n": 1}}', "an agreement of 7"),
     ('{"principles": {}, "overall": {"agreement": 0.5, "n": 1}}', "no more than chance")],
)  # fmt: skip
def test_a_bad_file_of_agreement_is_one_sentence(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "agreement.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=message) as fault:
        read_reliability(file)
    assert str(file) in str(fault.value)


class Script:
    """An Asker that answers from a script, or fails."""

    name = "script"

    def __init__(self, answers: Mapping[str, Answer] | Exception) -> None:
        self.answers, self.streams, self.usage = answers, 0, Usage()

    def ask_all(self, requests: Iterable[Request], advance: object = None) -> Iterator[Answer]:
        self.streams += 1
        if isinstance(self.answers, Exception):
            raise self.answers
        for request in requests:
            assert request.messages is not None
            yield self.answers[request.messages[0]["content"]]


def test_questions_asked_together_go_out_as_one_stream() -> None:
    script = Script(
        {"a": Answer(text='{"x": 1}', value={"x": 1}), "b": Answer(error="refused"), "c": Answer(text="prose")}
    )

    async def all_three() -> list[object]:
        judge = Judge(script)
        questions = [judge([{"role": "user", "content": text}], {"type": "object"}) for text in "abc"]
        return await asyncio.gather(*questions, return_exceptions=True)

    good, refused, prose = asyncio.run(all_three())
    assert good == {"x": 1}
    assert isinstance(refused, NoAnswer) and "refused" in str(refused)
    assert isinstance(prose, NoAnswer) and "prose" in str(prose)
    assert script.streams == 3, "one for all, and one for each further try of what could not be read"


@pytest.mark.parametrize("fault", [Answer(error="no answer after 9 tries", trouble="server"), In2xError("no server")])
def test_a_server_that_gives_no_answer_stops_who_asks(fault: Answer | Exception) -> None:
    answers = fault if isinstance(fault, Exception) else collections.defaultdict(lambda: fault)
    scorer = Scorer({"judged": 1.0}, [JudgedPrinciples(Judge(Script(answers)))])
    for _ in range(2):  # a second event loop, as each training step has one
        with pytest.raises(Unasked, match=r"no (answer|server).*run the same command again"):
            asyncio.run(scorer.score([story("1"), story("2", "other")]))


def test_a_question_that_a_server_refuses_is_excluded_and_counted() -> None:
    refused = collections.defaultdict(lambda: Answer(error="the server refuses the request (400)", trouble="request"))
    scorer = Scorer({"judged": 1.0}, [JudgedPrinciples(Judge(Script(refused)))])
    assert asyncio.run(scorer.score([story("1"), story("2")])).failures == {"judged": 2}


def test_a_recipe_opens_the_judge_and_keeps_its_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Server:
        name, usage = "server", Usage()

        def __init__(self, config: LlmConfig, cache: Cache | None, **options: object) -> None:
            assert cache is not None
            self.cache = cache

        def ask_all(self, requests: Iterable[Request], advance: object = None) -> Iterator[Answer]:
            for request in requests:
                assert request.messages is not None
                content = request.messages[0]["content"]
                known = self.cache.get(content.encode())  # in the judge's thread
                if known is None:
                    asked.append(content)
                    if request.schema is None:
                        yield Answer("yes")
                        continue
                    size = len(fundamental("story", "ja"))
                    value = {"verdicts": [{"answer": 1, "kept": ["yes"] * size}]}
                    known = Answer("{}", value)
                    self.cache.put(content.encode(), "server", known)
                yield known

    monkeypatch.setattr("in2x.llm.open.Client", Server)
    judge = {"llm": {"base_url": "http://localhost:1/v1"}}
    config = RlConfig.model_validate({"rewards": {"judged": 1.0}, "judge": judge})
    for _ in range(2):
        with open_scorer(config, tmp_path / "rl", tmp_path) as scorer:
            scores = asyncio.run(scorer.score([story("1")]))
            assert (scores.total, scores.errors) == ([1.0], {})
    assert len([text for text in asked if "answer number" in text]) == 1
    with pytest.raises(UsageError, match="needs a judge"):
        Scorer({"judged": 1.0})
