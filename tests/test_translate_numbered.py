"""Several segments in one question: numbers that hold, answers that are short, shifted or garbage, and what is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from chat_server import Body, ChatServer, Reply
from in2x.chat.source import Source
from in2x.llm.open import open_server
from in2x.translate.numbered import ask_numbered
from in2x.translate.request import TranslationRequest

REQUEST = TranslationRequest("en", "ja")
NAMES = ["Hanna", "Oskar", "Marlene", "Viktor", "Ingrid", "Tobias", "Greta", "Anton", "Frieda", "Emil", "Clara", "Hugo"]
THERE = ["ハンナ", "オスカー", "マルレーネ", "ヴィクトル", "イングリッド", "トビアス", "グレタ", "アントン", "フリーダ",
         "エミール", "クララ", "フーゴ"]  # fmt: skip
PAIRS = {
    f"{name} bought {13 + 7 * n} books{' and a map' * (n % 3)}.": (
        f"{there}は{'地図と' * (n % 3)}本を{13 + 7 * n}冊買いました。"
    )
    for n, (name, there) in enumerate(zip(NAMES, THERE, strict=True))
}
TEXTS = list(PAIRS)


def sources(texts: list[str], **fields: object) -> list[Source]:
    return [Source(text, "en", "ja", **fields) for text in texts]  # type: ignore[arg-type]


def texts_of(body: Body) -> dict[str, str]:
    """The numbered texts of a question."""
    last: str = body["messages"][0]["content"].splitlines()[-1]
    return {key: value if isinstance(value, str) else value["text"] for key, value in json.loads(last).items()}


def answered(body: Body) -> dict[str, str]:
    return {key: PAIRS[text] for key, text in texts_of(body).items()}


def said(reply: Callable[[Body], Reply], texts: list[str], **fields: object) -> tuple[list[str | None], list[Body]]:
    with ChatServer(reply) as server:
        [found] = ask_numbered(open_server(server.url), [sources(texts, **fields)], REQUEST)
        return [None if one is None else one.text for one in found], server.asked


def test_a_list_is_one_question_and_an_answer_each() -> None:
    found, asked = said(lambda body: json.dumps(answered(body)), TEXTS[:10])
    assert found == [PAIRS[text] for text in TEXTS[:10]] and len(asked) == 1
    schema = asked[0]["response_format"]["json_schema"]["schema"]
    assert schema["required"] == [str(n) for n in range(1, 11)]


def test_a_long_list_is_parted_and_a_single_one_is_none_of_it() -> None:
    found, asked = said(lambda body: json.dumps(answered(body)), TEXTS)
    assert found == [PAIRS[text] for text in TEXTS]
    assert sorted(len(texts_of(body)) for body in asked) == [2, 10]
    assert said(lambda body: json.dumps(answered(body)), TEXTS[:1]) == ([None], [])


def test_what_is_missing_is_asked_again_in_halves_and_then_alone() -> None:
    def short(body: Body) -> str:
        return json.dumps({key: "" if "Viktor" in text else PAIRS[text] for key, text in texts_of(body).items()})

    found, asked = said(short, TEXTS[:8])
    assert found == [None if "Viktor" in text else PAIRS[text] for text in TEXTS[:8]]
    sizes = [len(texts_of(body)) for body in asked]
    assert sizes == [8, 4, 2], "only the half with the missing one, and what was answered stays"


def test_moved_lines_are_not_taken() -> None:
    """A right count, and every answer one line down: asked again in halves until the lines are right."""

    def moved(body: Body) -> str:
        right = answered(body)
        if len(right) <= 2:
            return json.dumps(right)
        keys = list(right)
        return json.dumps({key: right[keys[n - 1]] for n, key in enumerate(keys)})

    found, asked = said(moved, TEXTS[:8])
    assert found == [PAIRS[text] for text in TEXTS[:8]]
    assert len(asked) > 1


@pytest.mark.parametrize(
    "garbage",
    [
        "I am sorry, but I cannot help with that.",
        "<think>Let me see. 1 is easy",
        {"message": {"role": "assistant", "content": '{"1": "ハン'}, "finish_reason": "length"},
        "[1, 2, 3]",
    ],
)
def test_garbage_leaves_every_one_to_be_asked_alone(garbage: Reply) -> None:
    found, _ = said(lambda body: garbage, TEXTS[:4])
    assert found == [None] * 4


def test_a_fence_words_around_and_reasoning_do_no_harm() -> None:
    def wordy(body: Body) -> str:
        return f"<think>Numbers.</think>Here you are:\n```json\n{json.dumps(answered(body))}\n```\nAnything else?"

    found, asked = said(wordy, TEXTS[:4])
    assert found == [PAIRS[text] for text in TEXTS[:4]] and len(asked) == 1


def test_a_server_that_refuses_is_not_asked_in_pieces() -> None:
    found, asked = said(lambda body: (400, {"error": {"message": "no"}}), TEXTS[:8])
    assert found == [None] * 8
    assert {len(texts_of(body)) for body in asked} == {8}


def test_the_question_says_once_what_holds_for_all() -> None:
    _, asked = said(
        lambda body: json.dumps(answered(body)), TEXTS[:3], register="polite", scene="A harbour town.", style="dry",
        terms=(("map", "地図"),), before=(("It rained.", "雨だった。"), ("Nobody came.", "")), tagged=True,
    )  # fmt: skip
    prompt = asked[0]["messages"][0]["content"]
    for part in (
        "from English into Japanese",
        "A harbour town.",
        "dry",
        "map = 地図",
        "It rained. => 雨だった。",
        "<1>",
    ):
        assert prompt.count(part) == 1, part
    assert re.search(r"^Nobody came\.$", prompt, re.MULTILINE)
    assert prompt.count("Register: polite") == 1


def test_manners_that_differ_stand_at_their_texts() -> None:
    one, two = Source(TEXTS[0], "en", "ja", "polite"), Source(TEXTS[1], "en", "ja", "casual", scene="To a friend.")
    with ChatServer(lambda body: json.dumps(answered(body))) as server:
        ask_numbered(open_server(server.url), [[one, two]], REQUEST)
        rows = json.loads(server.asked[0]["messages"][0]["content"].splitlines()[-1])
    assert "polite" in rows["1"]["how"] and "To a friend." in rows["2"]["how"]
