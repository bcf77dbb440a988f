"""Readers of open sets in their published layouts, and the whole stage against a server."""

# ruff: noqa: E501  # a table of rows

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from in2x.artifact import Artifact
from in2x.errors import In2xError
from in2x.instructions.collect import read_set
from in2x.instructions.config import SetConfig
from in2x.instructions.stage import run
from in2x.recipe import Recipe
from in2x.records import Instruction, Pair, Verdict, read_records, write_records
from in2x.stage import Stage
from test_llm_client import Server


def write(path: Path, rows: list[Any]) -> Path:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, **more: Any) -> list[Instruction]:
    return list(read_set(SetConfig.model_validate({"path": str(path)} | more)))


LAYOUTS: dict[str, tuple[dict[str, Any], str, str | None, str]] = {
    "alpaca": ({"instruction": "Shorten it.", "input": "A long line.", "output": "A line."}, "Shorten it.\n\nA long line.", "A line.", "en"),
    "dolly": ({"instruction": "川の名は？", "context": "", "response": "みどり川です。", "category": "open_qa"}, "川の名は？", "みどり川です。", "ja"),
    "sharegpt": ({"conversations": [{"from": "human", "value": "你好吗？"}, {"from": "gpt", "value": "我很好。"}, {"from": "human", "value": "再见"}]}, "你好吗？", "我很好。", "zh"),
    "messages": ({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]}, "Why?", "Because.", "en"),
    "prompted": ({"inputs": "Is rain wet?\n", "targets": "Yes, it is"}, "Is rain wet?", "Yes, it is", "en"),
    "prompted-t0": ({"prompt": "Is snow warm?\n", "completion": "No, never<|endoftext|>"}, "Is snow warm?", "No, never", "en"),
    "prompted-response": ({"prompt": "Name a river.", "response": "The Tarn."}, "Name a river.", "The Tarn.", "en"),
    "prompted-answer": ({"prompt": "朝の挨拶は？", "answer": "おはようございます。"}, "朝の挨拶は？", "おはようございます。", "ja"),
    "prompted-orca": ({"system_prompt": "", "question": "Why is it dark?", "response": "The lamp is out."}, "Why is it dark?", "The lamp is out.", "en"),
    "alpaca-response": ({"instruction": "Name a bird.", "response": "A wren."}, "Name a bird.", "A wren.", "en"),
    "question": ({"question": "二と三の和は？", "answer": "5"}, "二と三の和は？", "5", "ja"),
    "question-gsm": ({"question": "What is 2 + 3?", "answer": "Two and three make five.\n#### 5"}, "What is 2 + 3?", "Two and three make five.\n5", "en"),
    "seed-tasks": ({"instruction": "Name a tree.", "instances": [{"input": "", "output": "An elm."}]}, "Name a tree.", "An elm.", "en"),
    "plain": ({"lang": "ja", "instruction": "俳句を詠んで"}, "俳句を詠んで", None, "ja"),
    "oasst-tree": ({"message_tree_id": "t", "prompt": {"text": "Hi there, who are you?", "role": "prompter", "lang": "en", "replies": [
        {"text": "worse", "role": "assistant", "rank": 1, "replies": []}, {"text": "I am the better one.", "role": "assistant", "rank": 0}]}}, "Hi there, who are you?", "I am the better one.", "en"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_layouts_are_known_by_their_keys(name: str, tmp_path: Path) -> None:
    row, prompt, answer, lang = LAYOUTS[name]
    (item,) = read(write(tmp_path / "set.jsonl.gz", [row]), license="CC0-1.0")
    assert (item.messages[-1], item.answer, item.lang) == ({"role": "user", "content": prompt}, answer, lang)
    assert item.origin == "collected:set" and item.license == "CC0-1.0"
    if name.startswith("question"):
        assert item.task == "math" and item.verifier == {"name": "number", "value": "5"}
    if name == "dolly":
        assert item.labels == ["open_qa", ""]


def test_the_language_is_the_answers_not_the_thoughts(tmp_path: Path) -> None:
    answer = "<think>\nThe user asks for a riddle. I should take a cat, since cats are funny.\n</think>\n足音のない泥棒は？ 猫。"
    (item,) = read(write(tmp_path / "set.jsonl", [{"prompt": "なぞなぞを一つ。", "response": answer}]))
    assert item.lang == "ja" and item.answer == answer


def message(number: str, parent: str | None, role: str, text: str, **more: Any) -> dict[str, Any]:
    return {"message_id": number, "parent_id": parent, "role": role, "text": text, "lang": "en"} | more


def test_oasst_takes_the_best_ranked_path(tmp_path: Path) -> None:
    rows = [
        message("a", None, "prompter", "Question one?"), message("c", "a", "assistant", "second best", rank=1),
        message("b", "a", "assistant", "best", rank=0), message("d", "b", "prompter", "And then?", rank=0),
        message("e", "d", "assistant", "The end.", license="Apache-2.0"), message("f", "x", "assistant", "orphan"),
        message("g", None, "prompter", "Unanswered"), message("h", "b", "prompter", "gone", deleted=True),
    ]  # fmt: skip
    (item,) = read(write(tmp_path / "o.jsonl", rows))
    assert [m["content"] for m in item.messages] == ["Question one?", "best", "And then?"]
    assert item.answer == "The end."


def test_bad_sets_are_sentences(tmp_path: Path) -> None:
    def complaint(path: Path, **more: Any) -> str:
        with pytest.raises(In2xError) as caught:
            read(path, **more)
        return str(caught.value)

    circle = [
        message("a", "c", "prompter", "x"),
        message("b", "a", "assistant", "y"),
        message("c", "b", "prompter", "z"),
    ]
    found = complaint(write(tmp_path / "circle.jsonl", [message("r", None, "prompter", "fine"), *circle]))
    assert "circle.jsonl, line 2: the message tree of 'a' runs in a circle" in found
    bad = write(tmp_path / "bad.jsonl", [])
    bad.write_text("\n{oops\n", encoding="utf-8")
    assert "bad.jsonl, line 2: not JSON" in complaint(bad)
    many = write(tmp_path / "many.jsonl", [{"instruction": "a", "output": "b"}] * 50 + [{"foo": 1}] * 11)
    assert "many.jsonl, line 51: 11 of the first 61 rows cannot be read" in complaint(many)
    assert len(read(many, max_bad_share=0.2)) == 50
    assert "line 1: no known layout has the keys ['foo']" in complaint(write(tmp_path / "k.jsonl", [{"foo": 1}]))
    odd = write(tmp_path / "odd.jsonl", [{"instruction": "a", "instances": []}])
    assert "line 1: not a row of the seed-tasks layout" in complaint(odd)
    assert "the instruction set is empty" in complaint(write(tmp_path / "empty.jsonl", []))
    assert "there is no such instruction set" in complaint(tmp_path / "none.jsonl")
    assert "line 1: not a JSON object" in complaint(write(tmp_path / "list.jsonl", [[1, 2]]))


def test_real_sets(shared_data: Path) -> None:
    prompts = read(shared_data / "instructions" / "prompts.ja.jsonl")
    assert len(prompts) == 220 and {i.lang for i in prompts} == {"ja"}
    seeds = read(shared_data / "instructions" / "seed_tasks.en.jsonl", license="Apache-2.0")
    assert len(seeds) == 175 and all(i.answer is not None and i.license == "Apache-2.0" for i in seeds)
    for lang in ("en", "ja", "zh"):
        math = read(shared_data / "math" / f"mgsm.{lang}.jsonl")
        assert len(math) == 150 and sum(i.task == "math" for i in math) >= 149 and {i.lang for i in math} == {lang}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*options: str) -> Server:
        started.append(Server(tmp_path, *options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_the_stage_against_a_server_and_again(tmp_path: Path, server: Callable[..., Server], tiny_model: Path) -> None:
    """Collect, self-instruct with Magpie over raw completions, answers, critic: every item accounted for; a second
    run asks nothing."""
    live = server("--mode", "script")
    data = tmp_path / "data"
    data.mkdir()
    write_records(data / "pairs.train.parquet", [], Pair)
    math = write(tmp_path / "math.jsonl", [
        {"question": f"Ann has {n} pears and buys {n + 3} more of them. How many has she?", "answer": str(2 * n + 3)}
        for n in range(3, 15)
    ])  # fmt: skip
    instruct = {
        "sets": [{"path": str(math), "license": "CC0-1.0"}], "balance": "off",
        "llm": {"base_url": live.url, "model": "m", "backoff": 0.02, "timeout": 20, "template": str(tiny_model)},
        "rewrite": {"localized": 6}, "magpie": {"turns": 20}, "self_instruct": {"tasks": 12},
        "judges": {"critic": True, "responses": 1},
    }  # fmt: skip

    def once(name: str) -> Stage:
        out = tmp_path / name
        out.mkdir()
        recipe = Recipe.model_validate({"name": "t", "instruct": instruct})
        stage = Stage("instruct", recipe, out, {"data": Artifact(data, {})})
        run(recipe.instruct, stage)
        return stage

    first = once("one")
    funnel = first.figures["funnel"]
    assert funnel["in"] == funnel["kept"] + funnel["rejected"] + funnel["failed"]
    assert {"collected:math", "rewritten:localized", "magpie", "self-instruct"} == set(funnel["origins"])
    assert funnel["origins"]["collected:math"]["kept"] == 12 and funnel["origins"]["rewritten:localized"]["in"] == 6
    assert funnel["origins"]["magpie"]["in"] == 20
    assert len(list(read_records(first.out / "verdicts.parquet", Verdict))) == funnel["in"]
    items = [i for p in ("sft", "rl") for i in read_records(first.out / f"pool.{p}.parquet", Instruction)]
    assert all(i.license == "CC0-1.0" for i in items if i.origin == "collected:math")
    asked = live.get("/stats")["asked"]
    second = once("two")
    assert live.get("/stats")["asked"] == asked and second.figures["llm"]["author"]["asked"] == 0
    for name in ("pool.sft.parquet", "pool.rl.parquet", "verdicts.parquet", "funnel.json"):
        assert (second.out / name).read_bytes() == (first.out / name).read_bytes()
