"""Reasoning told apart from the answer, in every dialect; what only speaks of it stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from in2x.language.reasoning import spoken, without_reasoning

HARMONY = "<|channel|>analysis<|message|>Easy one.<|end|><|start|>assistant"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("<think>a {1} b</think>\n\nanswer", "answer"),
        ("<think>\n\n</think>\n\n犬が吠える。", "犬が吠える。"),
        ("<THINK>Caps.</THINK> fine", "fine"),
        ("<think> hm </think> 犬", "犬"),
        ("<thinking>One moment.</thinking>Hund", "Hund"),
        ("<thought>짧다</thought>\n개", "개"),
        ("<reasoning>\nकुत्ता\n</reasoning>\nकुत्ता भौंकता है।", "कुत्ता भौंकता है।"),
        ("<seed:think>budget 512</seed:think>狗", "狗"),
        ("<scratchpad>draft</scratchpad>\nchien", "chien"),
        ("[THINK]The user wants German.[/THINK]Hund", "Hund"),
        ("◁think▷短い◁/think▷犬", "犬"),
        ("<|begin_of_thought|>a<|end_of_thought|>\n<|begin_of_solution|>b<|end_of_solution|>", "b"),
        ("<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>b<|END_RESPONSE|>", "b"),
        ("<|inner_prefix|>a<|inner_suffix|>b", "b"),
        ("<unused94>thought\na<unused95>b", "b"),
        ("<|channel>thought\na<channel|>b", "b"),
        ("Here is my thought process:\nShort.\nHere is my response:\nb", "b"),
        (HARMONY + "<|channel|>final<|message|>犬<|return|>", "犬"),
        (HARMONY + '<|channel|>final <|constrain|>json<|message|>{"a": 1}', '{"a": 1}'),
        (HARMONY + "<|channel|>commentary<|message|>tool", ""),
        ("<|channel|>final<|message|>犬", "犬"),
        ("analysisThe user wants a dog.assistantfinal犬", "犬"),
        ("analysisThe user wan", ""),
        ("<think>a</think>\n<answer>\nb\n</answer>", "b"),
        ("<think>a</think>\n<think>b</think>\nc", "c"),
        ("<think>a <think>b</think> c</think> d", "d"),
        ("<think>They wrote <think> there.</think>d", "d"),
        ('<think>It says "dog".</think>"犬"', '"犬"'),
        ("opened by the prompt</think>answer", "answer"),
        ("Okay, Japanese.\n</think>\n\n犬", "犬"),
        ("</think>\n\n犬", "犬"),
        ("まず考える。[/THINK]犬", "犬"),
        ("<think>cut in the middle", ""),
        ("Nothing follows.\n</think>\n", ""),
    ],
)
def test_reasoning_is_split_off(said: str, left: str) -> None:
    assert without_reasoning(said) == left


@pytest.mark.parametrize(
    "said",
    [
        "",
        "no thought, but I think> so",
        "the tag <think> is text",
        "the tags <think> and </think> are text",
        "The mark </think> ends it.",
        "`</think>` closes the block.",
        "これは「</think>」という印です。",
        "Use (</reasoning>) there.",
        "analysis of the market",
        "Analysis: it rains.",
        "[1] See [THINK] below.",
        "<p>I thought</p> so",
        "<b>thinking</b> is hard",
        "  indented",
    ],
)
def test_what_only_speaks_of_it_stays(said: str) -> None:
    assert without_reasoning(said) == said


ASKED = "Translate: The tags <think> and </think> surround it."


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("<think> und </think> umgeben es.", None),
        ("Es steht zwischen <think> und </think>", None),
        ("</think>で終わる", None),
        ("タグ</think>で終わる", None),
        ("<think>\nTwo tags, <think> and </think>, stay.\n</think>\n\n<think> und </think> umgeben es.",
         "<think> und </think> umgeben es."),
        ("Two tags.\n</think>\n</think> umgibt es.", "</think> umgibt es."),
    ],
)  # fmt: skip
def test_a_question_that_speaks_of_the_marks_keeps_them(said: str, left: str | None) -> None:
    assert without_reasoning(said, ASKED) == (left or said)


def test_nothing_is_read_out_of_reasoning_wherever_it_stands() -> None:
    assert spoken("a <think>b</think> c [THINK]d[/THINK] e") == "a  c  e"
    assert spoken("a <think>b") == "a "


@given(st.text(max_size=60))
def test_any_text_without_marks_stays(text: str) -> None:
    if not any(sign in text for sign in "<[◁"):
        assert without_reasoning(text) == text


@given(st.text(max_size=40), st.text(alphabet="犬が吠えるabc .", min_size=1, max_size=20))
def test_a_closed_block_leaves_just_the_answer(thought: str, answer: str) -> None:
    if "think" not in thought.lower():
        assert without_reasoning(f"<think>{thought}</think>\n{answer}") == answer.strip()
