"""`in2x plan` refuses what cannot run, `--check` asks the servers, and the recipes for large models pass both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chat_server import ChatServer
from in2x.cost.lacking import lacks
from in2x.cost.servers import hear, named
from in2x.cost.supply import items_of, text_of
from in2x.recipe import Recipe, load_recipe

RECIPES = Path(__file__).parents[1] / "recipes"
LARGE = ("in2x-72b", "qwen3-8b-ja", "qwen3-8b-ko")


def recipe(**sections: Any) -> Recipe:
    return Recipe.model_validate({"name": "test", **sections})


def said(given: Recipe, *stages: str) -> str:
    return "\n".join(
        map(str, lacks(given, stages or ("data", "corpus", "base", "pretrain", "instruct", "select", "rl")))
    )


def standing_in(body: dict[str, Any]) -> Any:
    """What a teacher, a judge and an embeddings server say."""
    if "input" in body:
        return 200, {"data": [{"index": i, "embedding": [0.0, 1.0, 2.0]} for i, _ in enumerate(body["input"])]}
    if "prompt" in body:
        return {"text": "港の朝について短い詩を書いてください。"}
    return '<think>{"prime": false}? No.</think>{"prime": true}'


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    texts = {"ja": "港の朝は早い。漁師たちは暗いうちから船を出す。",
             "zh": "港口的早晨来得很早，渔民们在天亮以前就出海了。",
             "en": "The harbour wakes early, and the boats leave long before the sun is up."}  # fmt: skip
    for lang, text in texts.items():
        row = json.dumps({"text": text}, ensure_ascii=False)
        (folder / f"{lang}.jsonl").write_text(f"{row}\n" * 30, encoding="utf-8")
    return folder


def test_the_micro_world_lacks_nothing() -> None:
    assert said(load_recipe(RECIPES / "demo.yaml")) == ""


def test_quotas_that_the_text_cannot_meet(raw: Path) -> None:
    """The case of the issue: 30,720 of 166,666,666,666 tokens were written, and the run said "done"."""
    big = recipe(data={"raw": str(raw)}, corpus={"mix": {"tokens": 500_000_000_000}})
    assert "corpus: corpus.mix wants 166,666,666,666 tokens in ja" in said(big)
    assert said(recipe(data={"raw": str(raw)}, corpus={"mix": {"tokens": 500_000_000_000, "short": "shrink"}})) == ""
    assert said(recipe(data={"raw": str(raw)}, corpus={"mix": {"tokens": 1000}})) == ""
    assert said(recipe(data={"raw": ["hub:owner/name", str(raw)]}, corpus={"mix": {"tokens": 10**12}})) == "", (
        "what lies at the hub is not guessed"
    )


def test_a_language_without_text(raw: Path) -> None:
    (raw / "zh.jsonl").unlink()
    assert "corpus: no raw text is in zh" in said(recipe(data={"raw": str(raw)}))


def test_an_estimate_is_near_what_is_counted(raw: Path) -> None:
    before = text_of(recipe(data={"raw": str(raw)}))
    assert before.whole
    for file in raw.iterdir():
        file.write_text(file.read_text(encoding="utf-8") * 20, encoding="utf-8")
    after = text_of(recipe(data={"raw": str(raw)}))
    assert not after.whole
    for lang, tokens in before.tokens.items():
        assert 0.5 * 20 * tokens < after.tokens[lang] < 2 * 20 * tokens


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"data": {"train": "nowhere.jsonl"}}, "data: nowhere.jsonl: no such file"),
        ({"data": {"raw": "nowhere/*.txt"}}, "data: nowhere/*.txt: no raw documents here"),
        (
            {"data": {"decontaminate": {"sets": {"wmt": "nowhere/*.jsonl"}}}},
            "data: nowhere/*.jsonl: the evaluation set",
        ),
        ({"instruct": {"sets": [{"path": "nowhere.jsonl"}]}}, "instruct: nowhere.jsonl: no such instruction set"),
        ({"instruct": {"sets": [{"path": "./nowhere"}]}}, "instruct: ./nowhere: no such instruction set"),
        ({"select": {"round1": {"size": 10**7}}}, "select: 10,000,000 instructions are wanted (round1 10,000,000)"),
        ({"select": {"embedder": "http://127.0.0.1:9/v1"}}, "select: the embeddings server is not told a model"),
        ({"select": {"llm": {}}}, "select: the model that labels has no server"),
        ({"instruct": {"rl_share": 0.0}}, "rl: no instruction is set aside for it"),
        ({"base": {"model": "/nowhere/model"}}, "base: /nowhere/model: no such model"),
        (
            {"instruct": {"llm": {"base_url": "http://127.0.0.1:9/v1", "template": "./nowhere"}}},
            "./nowhere: no such tokenizer",
        ),
        ({"instruct": {"themes": "nowhere"}}, "instruct: nowhere: no such folder; correct instruct.themes"),
        ({"select": {"fields": "nowhere.yaml"}}, "select: nowhere.yaml: the fields cannot be read"),
        ({"corpus": {"ngram_reference": ["nowhere/*.jsonl"]}}, "corpus: nowhere/*.jsonl: "),
        ({"corpus": {"classifier": {"paths": ["nowhere.jsonl"]}}}, "correct the path in corpus.classifier.paths"),
        ({"corpus": {"causal": {"model": "./nowhere"}}}, "corpus: ./nowhere: no such model"),
        (
            {"corpus": {"select": "qualty > 1"}},
            "corpus: corpus.select: the expression 'qualty > 1' cannot be evaluated",
        ),
        (
            {"corpus": {"select": "classifier > 0.5"}},
            "corpus: corpus.select asks for classifier, which no document has",
        ),
        (
            {"pretrain": {"phase3": {"tokens": 1, "context": 64, "view": {"where": "lm_perplexity < 9"}}}},
            "pretrain: pretrain.phase3.view.where asks for lm_perplexity, which no document has",
        ),
        (
            {"pretrain": {"phase2": {"tokens": 1, "context": 64, "view": {"where": "bucket = head"}}}},
            "pretrain: pretrain.phase2.view.where: the expression 'bucket = head' cannot be evaluated",
        ),
        ({"rl": {"rewards": {"judged": 1.0}, "judge": {"reliability": "nowhere.json"}}}, "rl: nowhere.json: "),
        ({"select": {"rl": {"size": 0}}}, "rl: select.rl takes no prompt"),
    ],
)
def test_what_is_not_there_is_one_sentence(sections: dict[str, Any], sentence: str) -> None:
    found = said(recipe(**sections))
    assert sentence in found
    assert found.count("\n") == 0


def test_expressions_over_scores_that_are_there() -> None:
    views = {"phase2": {"tokens": 1, "context": 64, "view": {"where": "chars > 900 AND bucket <> 'tail'"}}}
    assert said(recipe(pretrain=views, corpus={"select": "quality >= 0.2 AND bucket = 'head'"})) == ""
    made = {"classifier": {"sources": ["essays/*"]}, "select": "classifier > 0.5 OR domain = 'creative'"}
    assert said(recipe(corpus=made)) == ""


def test_nothing_makes_an_instruction(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text('{"en": "a", "ja": "b", "zh": "c"}\n', encoding="utf-8")
    nothing = {"pairs_per_direction": {"*": 0}, "rewritten": 0, "synthesize": False}
    assert "instruct: nothing makes an instruction" in said(recipe(data={"train": str(pairs)}, instruct=nothing))


def test_items_are_counted_where_they_can_be(tmp_path: Path) -> None:
    rows = tmp_path / "set.jsonl"
    rows.write_text('{"instruction": "a", "output": "b"}\n' * 7, encoding="utf-8")
    instruct = {"sets": [{"path": str(rows)}], "pairs_per_direction": {"*": 10, "en-ja": 3}, "rewritten": 2,
                "magpie": {"turns": 5}, "self_instruct": {"tasks": 4}}  # fmt: skip
    assert items_of(recipe(data={"collected": 0, "pairs": 100}, instruct=instruct)) == 7 + 3 + 5 * 10 + 2 + 5 + 4
    instruct["sets"] = [{"path": "owner/name"}]
    assert items_of(recipe(data={"collected": 0}, instruct=instruct)) is None


def test_a_template_that_is_none_is_found_before_the_run(tmp_path: Path, tiny_model: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    llm = {"base_url": "http://127.0.0.1:9/v1", "template": str(empty)}
    assert "instruct: " in said(recipe(instruct={"llm": llm}))
    assert said(recipe(instruct={"llm": {**llm, "template": str(tiny_model)}})) == ""


def test_a_key_that_the_recipe_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OUR_KEY", raising=False)
    llm = {"base_url": "https://models.example/v1", "key_variable": "OUR_KEY"}
    given = recipe(select={"llm": llm})
    assert "OUR_KEY is not set" in said(given)
    monkeypatch.setenv("OUR_KEY", "secret")
    assert said(given) == ""
    assert said(recipe(select={"llm": {"base_url": "http://127.0.0.1:9/v1"}})) == "", "a server of one's own"


def test_run_refuses_before_the_first_stage(in2x, tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("name: r\nselect: {round1: {size: 10000000}}\n")
    code, _, err = in2x("run", file, "--out", tmp_path / "out")
    assert code == 1
    assert "select: 10,000,000 instructions are wanted" in err
    assert not (tmp_path / "out").exists()
    code, out, err = in2x("plan", file, "--out", tmp_path / "out", "--json")
    assert code == 1
    assert json.loads(out)["lacks"][0]["stage"] == "select"
    file.write_text("name: r\nbase: {model: /nowhere/model}\n")
    for command in ("plan", "run"):
        code, _, err = in2x(command, file, "--out", tmp_path / "out")
        assert code == 1 and "/nowhere/model" in err


def overrides(url: str, template: Path) -> list[str]:
    """The recipe's servers and data sets where they are stood in for."""
    values = {
        "instruct.llm.base_url": url, "instruct.llm.template": str(template), "select.llm.base_url": url,
        "select.embedder": url, "rl.judge.llm.base_url": url, "data.decontaminate.sets": "{}",
        "data.decontaminate.embedder": url,
    }  # fmt: skip
    return [word for knob, value in values.items() for word in ("--set", f"{knob}={value}")]


@pytest.mark.parametrize("name", LARGE)
def test_a_large_recipe_passes_against_stand_ins(in2x, name: str, tmp_path: Path, tiny_model: Path) -> None:
    with ChatServer(standing_in) as server:
        options = ("--out", tmp_path / "new", "--check", *overrides(server.url, tiny_model))
        code, out, err = in2x("plan", RECIPES / f"{name}.yaml", *options)
        assert code == 0, err
        asked = server.asked
    lines = {line.split(":")[0]: line for line in out.splitlines() if line.startswith("+ ")}
    assert len(asked) == len(lines) == 3
    teacher, turn, vectors = lines.values()
    assert "teacher, labels and grades, judge of answers" in teacher and "in the form asked for" in teacher
    assert "goes on with its own template" in turn
    assert "3 numbers a text" in vectors and "embeddings, translated evaluation texts" in vectors


def test_each_server_is_told_in_a_line(in2x, tmp_path: Path, tiny_model: Path) -> None:
    """A judge that mumbles, embeddings that are none, a teacher without /completions."""

    def faulty(body: dict[str, Any]) -> Any:
        if "input" in body or "prompt" in body:
            return 404, {"detail": "Not Found"}
        return "Well, seven."

    with ChatServer(faulty) as server:
        options = ("--out", tmp_path / "new", "--check", "--json", *overrides(server.url, tiny_model))
        code, out, err = in2x("plan", RECIPES / "qwen3-8b-ja.yaml", *options)
    assert code == 1
    assert "teacher" in err and "not the JSON asked for" in err
    heard = json.loads(out)["servers"]
    assert [server["ok"] for server in heard] == [False, False, False]
    assert all(server["words"].startswith("does not do it: ") and "\n" not in server["words"] for server in heard)


def test_one_bad_answer_says_nothing_of_a_server(tiny_model: Path) -> None:
    """A run asks again, too; and a teacher that cannot answer in form may write turns all the same."""
    said = iter(("Hm.", "Hm, yes.", '{"prime": true}', *["Hm."] * 6))  # each is asked once to put it right

    def reply(body: dict[str, Any]) -> Any:
        return standing_in(body) if "prompt" in body else next(said)

    with ChatServer(reply) as server:
        given = recipe(instruct={"llm": {"base_url": server.url, "template": str(tiny_model)}})
        assert [(one.ok, one.words) for one in hear(given)] == [
            (True, "answers in the form asked for, at try 2 of 3"), (True, "goes on with its own template"),
        ]  # fmt: skip
        assert [(one.roles, one.ok) for one in hear(given)] == [("teacher", False), ("Magpie", True)]


def test_a_server_that_is_not_there(tiny_model: Path) -> None:
    llm = {"base_url": "http://127.0.0.1:9/v1", "template": str(tiny_model)}
    heard = list(hear(recipe(instruct={"llm": llm})))
    assert [(one.roles, one.ok) for one in heard] == [("teacher", False), ("Magpie", False)]
    assert "it was not asked" in heard[1].words


@pytest.mark.parametrize("name", LARGE)
def test_a_large_recipe_does_what_the_method_names(name: str) -> None:
    """METHOD 2 and 3: rewriting, Magpie, Self-Instruct, judges; labels, embeddings by a model, quotas, two rounds."""
    given = load_recipe(RECIPES / f"{name}.yaml")
    instruct, select = given.instruct, given.select
    assert all(instruct.rewrite.model_dump().values())
    assert instruct.magpie.turns and instruct.self_instruct.tasks and instruct.llm.template
    assert instruct.judges.rule_prompts and instruct.judges.critic and instruct.judges.rereading
    assert select.llm is not None and select.threshold is None and select.embedding_model
    assert tuple(select.quotas) == (3, 3, 3, 1, 0)
    assert select.round1.size and select.round2.size and select.rl.size
    roles = {server.role for server in named(given)}
    asked = {"teacher", "Magpie", "labels and grades", "embeddings", "judge of answers"}
    assert roles == asked | {"translated evaluation texts"}
