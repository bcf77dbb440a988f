"""The learnt gate for a model that talks where a work should stand: its parts, its tokens, and what it has learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from in2x.instructions.config import RulesConfig
from in2x.instructions.rules import check, voice
from in2x.instructions.rules.view import View
from in2x.records import Instruction


def item(lang: str, prompt: str, answer: str, task: str = "chat") -> Instruction:
    return Instruction("x", lang, task, [{"role": "user", "content": prompt}], answer)  # type: ignore[arg-type]


def test_the_parts_of_an_answer() -> None:
    text = "A toast, then:\n\nTo Mara. To Tom.\n\n(Forty words.)"
    found = voice.parts(text)
    assert {(part.zone, part.text) for part in found} >= {
        ("head", "A toast, then:"), ("tail", "(Forty words.)"), ("whole", text),
    }  # fmt: skip
    apart = {part.text: part.apart for part in found}
    assert apart["A toast, then:"] and found[1].rest.startswith("To Mara")
    assert all(part.rest or part.zone == "whole" for part in found)
    assert [part.zone for part in voice.parts("One line")] == ["whole"]
    assert voice.parts("") == voice.parts("  \n ") == []


def test_what_is_taken_up_from_the_prompt_has_one_token() -> None:
    assert voice.tokens("Here's a poem about lighthouses.", "Write a poem on a lighthouse.")[-4:] == [
        "F", "about", "P", ".",
    ]  # fmt: skip
    said = voice.tokens("灯台の俳句を二つ。", "灯台の俳句を書いてください。")
    assert said[:3] == ["P", "の", "F"] and "灯" not in said
    assert voice.tokens('He said "no" 12 times', "x")[2:5] == ["Q", "0", "times"]


def test_a_row_is_the_same_everywhere() -> None:
    """Places fixed here: weights that were learnt on one machine are read on another."""
    part = voice.Part("tail", "ご感想をお聞かせください。", "雨がやんだ。", True)
    row = voice.features(part, "詩を書いて。", ["verse"])
    assert row.places.max() < voice.SIZE and len(row.places) == len(row.values)
    again = voice.features(part, "詩を書いて。", ["verse"])
    assert (row.places == again.places).all() and (row.values == again.values).all()
    assert (int(row.places.sum()), len(row.places)) == (5140159, 75)
    runs = row.values[row.values != 0.5]
    assert np.isclose(runs @ runs, 9)


@pytest.mark.parametrize(
    ("lang", "prompt", "answer"),
    [
        ("en", "Write a riddle about fog.",
         "A riddle it is, and I do hope that it puzzles you!\n\nI eat the bridge and leave the river."),
        ("en", "Write a ballad about a miller.", "I'm afraid a ballad of that nature isn't one that I can offer you."),
        ("ja", "霧のなぞなぞを作って。",
         "霧を題材にしたなぞなぞを考えてみましたので、どうぞ。\n\n橋を食べて川を残すもの、なあに。"),
        ("ja", "粉屋の民話を書いて。", "大変申し訳ないのですが、その民話をお書きすることはできません。"),
        ("zh", "写一个关于雾的谜语。",
         "吃掉了桥，留下了河。\n\n这个谜语希望您会喜欢，需要的话我还可以再写几个。"),
        ("zh", "写一个磨坊主的传说。", "很抱歉，这样的传说我恐怕没有办法为您创作。"),
    ],
)  # fmt: skip
def test_talk_is_heard(lang: str, prompt: str, answer: str) -> None:
    found = voice.spoken(View(item(lang, prompt, answer), RulesConfig()))
    assert found is not None and found["score"] >= min(voice.LEAST.values())


@pytest.mark.parametrize(
    ("lang", "prompt", "answer"),
    [
        ("en", "Write a riddle about fog.", "I eat the bridge and leave the river."),
        ("en", "Write a scene at a ferry.", "\"I'm sorry,\" said the man, \"I can't help you.\" The rope was wet."),
        ("ja", "渡し場の場面を書いて。", "「申し訳ありません、お乗せできません」と渡し守は言った。綱が濡れていた。"),
        ("ja", "霧のなぞなぞを作って。", "橋を食べて川を残すもの、なあに。"),
        ("zh", "写一个渡口的场景。", "“抱歉，载不了您。”船夫说。绳子是湿的。"),
    ],
)  # fmt: skip
def test_works_are_left_alone(lang: str, prompt: str, answer: str) -> None:
    assert voice.spoken(View(item(lang, prompt, answer), RulesConfig())) is None


def test_it_can_be_switched_off_and_never_looks_at_material() -> None:
    prompt, answer = (
        "Write a ballad about a miller.",
        "I'm afraid a ballad of that nature isn't something that I can offer you.",
    )
    assert check(item("en", prompt, answer), RulesConfig()) is not None
    off = RulesConfig(skip=("refusal", "promise", "voice"))
    assert check(item("en", prompt, answer), off) is None
    assert voice.spoken(View(item("en", prompt, answer, "translate"), RulesConfig())) is None


@pytest.mark.parametrize("name", ["in2x-72b", "qwen3-8b-ja", "instruct-server"])
def test_recipes_with_a_teacher_run_the_judges_for_what_code_cannot_see(name: str) -> None:
    recipe = yaml.safe_load((Path(__file__).parents[1] / "recipes" / f"{name}.yaml").read_text("utf-8"))
    judges = recipe["instruct"]["judges"]
    assert all(judges[each] is True for each in ("assess", "rule_prompts", "critic", "rereading"))
