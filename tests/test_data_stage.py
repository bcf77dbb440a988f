"""The data stage: the micro-world's artifact, the user's files, and every way in which they can be wrong."""

import gzip
import json

import pytest

from in2x.data.stage import run
from in2x.errors import In2xError
from in2x.recipe import Recipe
from in2x.records import Instruction, Pair, read_records
from in2x.stage import Stage

SMALL = {"pairs": 60, "documents": 60, "heldout": 12, "collected": 40}
ROWS = [{"en": f"Sentence {i}.", "ja": f"文{i}。"} for i in range(45)]


def data(tmp_path, config, **recipe):
    out = tmp_path / "data"
    out.mkdir(exist_ok=True)
    made = Recipe.model_validate({"name": "t", "data": config, **recipe})
    stage = Stage("data", made, out)
    run(made.data, stage)
    return stage


def write(path, rows):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return str(path)


def pairs(stage, split):
    return list(read_records(stage.out / f"pairs.{split}.parquet", Pair))


TWO = {"languages": {"target": "ja", "hub": "en", "others": []}}


def test_micro_world_artifact(tmp_path):
    stage = data(tmp_path, SMALL)
    sides = {s: {t for p in pairs(stage, s) for t in (p.source, p.target)} for s in ("train", "dev", "test")}
    assert not sides["train"] & (sides["dev"] | sides["test"]) and not sides["dev"] & sides["test"]
    made = stage.figures["pairs"]["train"]
    assert made.pop("en-ja") > 60  # everyday sentences are asked in each of their registers
    assert set(made) == {"en-zh", "ja-en", "ja-zh", "zh-en", "zh-ja"}
    assert all(45 <= count <= 60 for count in made.values())  # which skip half of the everyday sentences
    assert stage.figures["pairs"]["test"]["en-ja"] == 12
    raw = json.loads((stage.out / "raw.json").read_text())["paths"]
    rows = [json.loads(line) for path in raw for line in (stage.out / path).read_text("utf-8").split("\n") if line]
    assert len(rows) == 60 and set(rows[0]) == {"id", "text", "source", "domain"}
    assert len(list(read_records(stage.out / "instructions.parquet", Instruction))) == 40
    assert not list(stage.out.rglob("*.partial"))


def test_micro_world_is_the_same_again(tmp_path):
    (tmp_path / "b").mkdir()
    first, second = data(tmp_path, SMALL), data(tmp_path / "b", SMALL)
    for name in ("pairs.train.parquet", "pairs.test.parquet", "instructions.parquet", "raw/00000.jsonl"):
        assert (first.out / name).read_bytes() == (second.out / name).read_bytes()


def test_micro_world_keeps_to_the_languages_of_the_recipe(tmp_path):
    stage = data(tmp_path, SMALL, **TWO)
    assert set(stage.figures["pairs"]["train"]) == {"en-ja", "ja-en"}
    with pytest.raises(In2xError, match="does not speak 'fr'"):
        data(tmp_path, SMALL, languages={"target": "fr", "hub": "en", "others": []})


def test_pairs_are_held_out_where_no_file_is_named(tmp_path):
    rows = [{"en": f"Sentence {i}.", "ja": f"文{i}。"} for i in range(300)]
    train = write(tmp_path / "train.jsonl", [*rows, *rows[:40]])
    stage = data(tmp_path, {"train": train, "hold_out": 10}, **TWO)
    sides = {s: {p.source for p in pairs(stage, s)} for s in ("train", "dev", "test")}
    assert {s: len(sides[s]) for s in sides} == {"train": 600 - 40, "dev": 20, "test": 20}, "both directions"
    assert not sides["train"] & (sides["dev"] | sides["test"]) and not sides["dev"] & sides["test"]
    (tmp_path / "again").mkdir()
    again = data(tmp_path / "again", {"train": train, "hold_out": 10}, **TWO)
    assert [p.id for p in pairs(again, "test")] == [p.id for p in pairs(stage, "test")]
    (tmp_path / "other").mkdir()
    other = data(tmp_path / "other", {"train": train, "hold_out": 10}, seed=2, **TWO)
    assert {p.source for p in pairs(other, "test")} != sides["test"]
    (tmp_path / "half").mkdir()
    test = write(tmp_path / "test.jsonl", rows[:3])
    half = data(tmp_path / "half", {"train": train, "test": test, "hold_out": 10**6}, **TWO)
    assert len(pairs(half, "test")) == 6 and 40 <= len(pairs(half, "dev")) <= 2 * 34, "a tenth at most"
    few = write(tmp_path / "few.jsonl", rows[:15])
    with pytest.raises(In2xError, match=r"too few pairs .* as dev; give more, or a file: --set data\.dev="):
        data(tmp_path, {"train": few, "hold_out": 10}, **TWO)


def test_user_pairs_both_directions(tmp_path):
    rows = [*ROWS, {"en": "He reads.", "ja": "彼は読みます。", "register": "polite", "checks": {"traps": ["x"]}}]
    train = write(tmp_path / "train.jsonl", rows)
    test = write(tmp_path / "test.jsonl", [{"en": "Sentence 3.", "ja": "別の文。"}, {"en": "New.", "ja": "文7。"}])
    stage = data(tmp_path, {"train": train, "test": test}, **TWO)
    got = pairs(stage, "train")
    assert stage.figures["dropped from train"] == {"also in dev or test": 2}
    assert len(got) == 2 * (len(rows) - 2)
    polite = [p for p in got if p.register]
    assert [(p.src_lang, p.tgt_lang, p.checks) for p in polite] == [("en", "ja", {"traps": ["x"]})]
    paths = json.loads((stage.out / "raw.json").read_text())["paths"]
    assert paths == ["raw/en.jsonl", "raw/ja.jsonl"]
    assert "training pairs" in stage.figures["raw"]
    documents = [json.loads(line) for line in (stage.out / paths[1]).read_text("utf-8").split("\n") if line]
    assert sum(len(d["text"].split("\n")) for d in documents) == len(rows) - 2
    assert pairs(stage, "dev") == [] and len(pairs(stage, "test")) == 4


def test_registers_that_the_prompt_does_not_tell_apart_are_said(tmp_path, capsys):
    rows = [*ROWS, {"en": "He reads.", "ja": "彼は読みます。", "register": "polite"}]
    train = {"train": write(tmp_path / "train.jsonl", rows)}
    data(tmp_path, train, prompt={"*": "{to}: {source}"}, **TWO)
    said = " ".join(capsys.readouterr().err.split())
    assert "en-ja: pairs have a register (polite) that the prompt does not ask for" in said
    assert "ja-en: pairs" not in said
    named = {"*": "{to}: {source}", "*-ja/*": "{to} {register}: {source}"}  # as the sentence says
    data(tmp_path, train, prompt=named, **TWO)
    data(tmp_path, train, **TWO)
    assert "register" not in capsys.readouterr().err


def test_gzip_max_train_and_raw(tmp_path):
    path = tmp_path / "train.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(r) + "\n" for r in ROWS).encode()))
    (tmp_path / "raw").mkdir()
    write(tmp_path / "raw" / "a.jsonl", [{"text": "x"}])
    stage = data(tmp_path, {"train": str(path), "max_train": 10, "raw": str(tmp_path / "raw")}, **TWO)
    assert stage.figures["pairs"]["train"] == {"en-ja": 10, "ja-en": 10}
    assert json.loads((stage.out / "raw.json").read_text())["paths"] == [str(tmp_path / "raw")]
    assert not (stage.out / "raw").exists()
    stage = data(tmp_path, {"train": str(path), "raw": str(tmp_path / "raw" / "*.jsonl")}, **TWO)
    assert json.loads((stage.out / "raw.json").read_text())["paths"] == [str(tmp_path / "raw" / "a.jsonl")]


def test_instructions_of_the_user(tmp_path):
    train = write(tmp_path / "train.jsonl", ROWS)
    rows = [
        {"instruction": "Add.", "input": "1 2", "output": "3", "lang": "en"},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
    ]
    stage = data(tmp_path, {"train": train, "instructions": write(tmp_path / "i.jsonl", rows)}, **TWO)
    first, second = read_records(stage.out / "instructions.parquet", Instruction)
    assert first.messages == [{"role": "user", "content": "Add.\n\n1 2"}] and first.answer == "3" and first.lang == "en"
    assert second.answer == "Hello" and second.lang == "ja" and second.origin == "collected:i.jsonl"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"train\.jsonl: no such file"),
        (b"", "the data set is empty"),
        (b'\n{"en": "a", \n', r"train\.jsonl, line 2: not JSON"),
        (b'\n\n{"en": "a"}\n', r"line 3: the field 'ja' is missing"),
        (b'{"en": "a", "ja": " "}\n', r"line 1: the field 'ja' is empty"),
        (b'{"en": 5, "ja": "b"}\n', r"line 1: the field 'en' is not text"),
        (b'["a", "b"]\n', r"line 1: the line is not a JSON object"),
        (b'{"en": "a", "ja": "b", "register": "rude"}\n', r"line 1: Japanese has no register 'rude'; use one of plain"),
        (b'{"en": "a", "ja": "\xff\xfe"}\n', r"line 1: not UTF-8"),
        (b'{"en": "a", "fr": "b"}\n', r"line 1: the field 'ja' is missing"),
    ],
)
def test_wrong_pairs(tmp_path, content, said):
    path = tmp_path / "train.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(In2xError, match=said) as caught:
        data(tmp_path, {"train": str(path)}, **TWO)
    assert str(caught.value).endswith(".") and caught.value.mend
    assert not (tmp_path / "data" / "pairs.train.parquet").exists()


def test_a_language_without_data(tmp_path):
    train = write(tmp_path / "train.jsonl", [{"en": "a", "zh": "b"}])
    with pytest.raises(In2xError, match="no training pair holds the language 'ja'"):
        data(tmp_path, {"train": train})


def test_all_of_train_held_out(tmp_path):
    train = write(tmp_path / "train.jsonl", ROWS)
    with pytest.raises(In2xError, match="every training pair is also in dev or test"):
        data(tmp_path, {"train": train, "test": train}, **TWO)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"raw": "nowhere/*.jsonl"}, "no raw documents here"),
        ({"dev": "x.jsonl"}, "data.dev and data.test need data.train"),
    ],
)
def test_wrong_settings(tmp_path, config, said):
    with pytest.raises(In2xError, match=said):
        data(tmp_path, {**SMALL, **config})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"input": "x"}, "line 1: neither"),
        ({"messages": []}, "line 1: no answer to a user's turn"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "no answer to a user's turn"),
    ],
)
def test_wrong_instructions(tmp_path, row, said):
    train = write(tmp_path / "train.jsonl", ROWS)
    with pytest.raises(In2xError, match=said):
        data(tmp_path, {"train": train, "instructions": write(tmp_path / "i.jsonl", [row])}, **TWO)


def test_truncated_gzip(tmp_path):
    path = tmp_path / "train.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(r) + "\n" for r in ROWS).encode())[:-20])
    with pytest.raises(In2xError, match="not a whole gzip file"):
        data(tmp_path, {"train": str(path)}, **TWO)
