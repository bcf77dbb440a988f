"""The one loop of asking until an answer can be read, scripted and against a real HTTP server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pytest

from in2x.errors import In2xError
from in2x.judge.retry import CHUNK, Question, Reply, Unreadable, ask_until_read, demand_one, json_of
from in2x.llm.cache import Cache
from in2x.llm.client import Client
from in2x.llm.limits import Usage
from in2x.llm.request import Answer, Request, again, chat
from test_llm_client import SCHEMA, Server, config, serve

__all__ = ["serve"]


class Script:
    """An asker that answers by a function of the request and how often it was asked that."""

    name = "script"

    def __init__(self, reply: Callable[[Request], Answer]) -> None:
        self.reply, self.asked, self.usage = reply, list[Request](), Usage()

    def ask_all(self, requests: Iterable[Request], advance: object = None) -> Iterator[Answer]:
        for request in requests:
            self.asked.append(request)
            yield self.reply(request)


def number(answer: Answer) -> int:
    if not answer.text.isdigit():
        raise Unreadable(f"no number ({answer.text})")
    return int(answer.text)


def words(request: Request) -> str:
    return (request.messages or ())[-1]["content"]


def test_what_is_asked_again_and_with_what() -> None:
    asker = Script(lambda r: Answer("7" if "no number" in words(r) else "seven"))
    (reply,) = ask_until_read(asker, [Question(chat("How many?", system="Count."), number)])
    assert reply == Reply(7, text="7", tries=2)
    first, second = asker.asked
    assert [m["role"] for m in second.messages or ()] == ["system", "user", "assistant", "user"]
    assert (second.messages or ())[:2] == first.messages and (second.messages or ())[2]["content"] == "seven"
    assert words(second).startswith("That could not be used: no number (seven).")


def test_a_stubborn_model_is_bounded_and_each_try_is_a_question_of_its_own() -> None:
    asker = Script(lambda r: Answer("seven"))
    (reply,) = ask_until_read(asker, [Question(chat("How many?"), number)], tries=3)
    assert (reply.value, reply.unasked, reply.tries, reply.text) == (None, False, 3, "seven")
    assert "no number" in reply.fault
    assert len({r.key("m") for r in asker.asked}) == len(asker.asked) == 3, "a cache must not answer the second try"


def test_a_fault_of_the_server_is_told_apart_and_final() -> None:
    faults = {"refused": Answer(error="the budget is spent"), "misread": Answer("x", error="no JSON", unusable=True)}
    asker = Script(lambda r: faults[(r.messages or ())[0]["content"]])
    refused, misread = ask_until_read(asker, [Question(chat(text), number) for text in faults])
    assert (refused.fault, refused.unasked, refused.tries) == ("the budget is spent", True, 1)
    assert (misread.fault, misread.unasked, misread.tries) == ("no JSON", False, 3)
    assert len(asker.asked) == 1 + 3
    with pytest.raises(In2xError, match=r"here: the judge gave no answer at all \(the budget is spent\)"):
        demand_one([refused, misread], "here")
    with pytest.raises(In2xError, match=r"here: the judge gave no usable answer \(no JSON\)"):
        demand_one([misread], "here")
    demand_one([refused, Reply(3)], "here")


def test_many_questions_are_read_as_they_are_needed_and_answered_in_order() -> None:
    taken = []

    def questions() -> Iterator[Question[int]]:
        for n in range(3 * CHUNK):
            taken.append(n)
            yield Question(chat(str(n)), number)

    asker = Script(lambda r: Answer("?" if int((r.messages or ())[0]["content"]) % 7 == 0 else words(r)))
    replies = ask_until_read(asker, questions(), tries=1)
    assert next(replies).fault and len(taken) == CHUNK
    assert [reply.value for reply in replies] == [n if n % 7 else None for n in range(1, 3 * CHUNK)]


def test_a_continuation_cannot_be_talked_about() -> None:
    with pytest.raises(ValueError, match="only a chat"):
        again(Request(prompt="Once upon"), "a time", "no")


def test_a_judge_that_thinks_aloud_is_told_and_read(serve: Callable[..., Server], tmp_path) -> None:
    server = serve("--mode", "mumble")
    question = Question(chat("Grade it.", schema=SCHEMA), partial(json_of, schema=SCHEMA))
    with Cache(tmp_path / "c") as cache:
        client = Client(config(server), cache)
        (reply,) = ask_until_read(client, [question])
    assert reply.value == {"score": 4, "why": "told"} and reply.tries == 2
    assert "<think>" not in reply.text, "what was thought is no part of the answer"
