"""The evaluate stage on tiny random models: real translation, real checks, resume, perplexity that cannot peek."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from in2x.artifact import Artifact
from in2x.chat.profile import PromptProfile
from in2x.errors import In2xError
from in2x.evaluate import stage as evaluate_stage
from in2x.evaluate.config import EvaluateConfig
from in2x.evaluate.outputs import Output
from in2x.evaluate.systems import choose_pairs, spread_over
from in2x.inference.perplexity import Surprise, surprise
from in2x.recipe import Recipe
from in2x.records import Document, Pair, read_records, write_records
from in2x.stage import Stage
from in2x.training.model import ShapeConfig, build_model, load_model, load_tokenizer, save_model
from in2x.training.tokenizer import train_tokenizer

JA = ["猫が寝ています。", "駅で待ってください。", "雨が降った。", "姉は本を読みます。"]
EN = ["The cat is sleeping.", "Please wait at the station.", "It rained.", "My sister reads books."]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    tokenizer = train_tokenizer([*JA, *EN, "English: a\nJapanese: b"] * 4, 400)
    shape = ShapeConfig(width=32, layers=1, heads=2, kv_heads=1, mlp=48, vocabulary=400, context=128)
    folders = {}
    for seed, name in enumerate(["base/model", "pretrain/phase1", "pretrain/model", "sft/model", "rl/model"]):
        folders[name] = root / name
        save_model(build_model(shape, tokenizer, seed), tokenizer, root / name)
        if name.startswith(("sft", "rl")):
            PromptProfile().save(root / name)
    return folders


@pytest.fixture
def stage(tmp_path: Path, models: dict[str, Path]) -> Stage:
    data, corpus = tmp_path / "data", tmp_path / "corpus"
    pairs = [
        Pair(f"{s}{t}{i}", s, t, a, b, "polite" if t == "ja" else None, ["general", "story"][i % 2])
        for s, t, sources, targets in (("en", "ja", EN, JA), ("ja", "en", JA, EN), ("en", "zh", EN, JA))
        for i, (a, b) in enumerate(zip(sources, targets, strict=True))
    ]
    write_records(data / "pairs.test.parquet", pairs, Pair)
    held = [
        Document("d0", " ".join(EN) * 9, "en"),
        Document("d1", "".join(JA), "ja", "creative"),
        Document("d2", "x", "ko"),
    ]
    write_records(corpus / "heldout.parquet", held, Document)
    root = models["base/model"].parents[1]
    inputs = {n: Artifact(p, {"key": n}) for n, p in {"data": data, "corpus": corpus}.items()}
    inputs |= {n: Artifact(root / n, {"key": n}) for n in ("base", "pretrain", "sft", "rl")}
    out = tmp_path / "out"
    out.mkdir()
    return Stage("evaluate", Recipe(name="test"), out, inputs)


CONFIG = EvaluateConfig(segments=3, sampled=2, documents=5, resamples=100)


def test_every_model_is_scored_on_the_same_segments(stage: Stage) -> None:
    evaluate_stage.run(CONFIG, stage)
    scores = json.loads((stage.out / "scores.json").read_text())
    assert list(dict.fromkeys(s["system"] for s in scores)) == ["base", "phase1", "phase3", "sft", "rl"]
    assert stage.figures["systems"] == ["base", "phase1", "phase3", "sft", "rl"]
    by_key = {(s["system"], s["pair"], s["metric"]): s for s in scores}
    assert len(by_key) == len(scores)
    for system in stage.figures["systems"]:
        assert by_key[system, "en-ja", "BLEU"]["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:ja-mecab")
        assert by_key[system, "en-ja", "chrF"]["n"] == 3
        share = by_key[system, "all", "principles"]
        assert 0 <= share["low"] <= share["value"] <= share["high"] <= 1
        # A random model spreads its guess over the 400 entries of the vocabulary.
        assert 2 < by_key[system, "en", "bits per byte"]["value"] < 9
    assert ("sft", "en-ja", "chrF sampled") in by_key and ("base", "en-ja", "chrF sampled") not in by_key
    assert not any(pair == "en-zh" for _, pair, _ in by_key), "not a direction of the recipe"
    differences = json.loads((stage.out / "differences.json").read_text())
    assert {(d["a"], d["b"]) for d in differences} == {("phase3", "base"), ("sft", "phase3"), ("rl", "sft")}
    for d in differences:
        gap = by_key[d["a"], d["pair"], d["metric"]]["value"] - by_key[d["b"], d["pair"], d["metric"]]["value"]
        assert d["difference"] == pytest.approx(gap) and 0 < d["p"] <= 1
    outputs = list(read_records(stage.out / "outputs.parquet", Output))
    assert len(outputs) == 5 * 6
    assert all("register" in o.principles for o in outputs)
    assert len(list(read_records(stage.out / "sampled.parquet", Output))) == 2 * 4


def test_finished_systems_are_not_redone_and_the_result_is_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = evaluate_stage._answer

    def until_sft(name: str, *rest: Any) -> None:
        if name == "sft" and "killed" not in asked:
            asked.append("killed")
            raise KeyboardInterrupt
        asked.append(name)
        real(name, *rest)

    monkeypatch.setattr(evaluate_stage, "_answer", until_sft)
    with pytest.raises(KeyboardInterrupt):
        evaluate_stage.run(CONFIG, stage)
    evaluate_stage.run(CONFIG, stage)
    assert asked == ["base", "phase1", "phase3", "killed", "sft", "rl"]
    first = (stage.out / "scores.json").read_bytes()
    evaluate_stage.run(CONFIG, stage)
    assert (stage.out / "scores.json").read_bytes() == first


def test_meaning_is_told_of_the_micro_world_alone() -> None:
    said = ["トムは本を読んだ。", "トムは本を読まなかった。", "猫。"]
    rows = [Output("rl", "en-ja", str(n), "Tom read a book.", "", None, "general", text) for n, text in enumerate(said)]
    other = Output("rl", "en-ja", "3", "Parliament was dissolved.", "", None, "general", "国会が解散した。")
    table = evaluate_stage.measure({"rl": [*rows, other]}, {"rl": rows[:1]}, {}, CONFIG, micro_world=True)
    assert table["rl", "en-ja", "meaning"].value == pytest.approx(1 / 3) and len(table["rl", "all", "meaning"]) == 3
    assert table["rl", "all", "meaning sampled"].value == 1.0
    assert not any("meaning" in key[2] for key in evaluate_stage.measure({"rl": rows}, {}, {}, CONFIG))


def test_a_test_set_without_the_recipes_directions_is_a_sentence() -> None:
    pairs = [Pair("1", "de", "fr", "a", "b")]
    with pytest.raises(In2xError, match="none of the directions en-ja, ja-en, zh-ja"):
        choose_pairs(pairs, "ja", "en", ["zh"], 10)


def test_pairs_are_spread_over_the_file() -> None:
    pairs = [Pair(str(i), "en", "ja", "a", "b") for i in range(10)]
    assert [p.id for p in spread_over(pairs, 4)] == ["0", "2", "5", "7"]
    assert spread_over(pairs, 0) == spread_over(pairs, 99) == pairs


def test_surprise_is_transformers_own_loss(models: dict[str, Path]) -> None:
    model, tokenizer = load_model(models["base/model"]), load_tokenizer(models["base/model"])
    found = surprise(model, tokenizer, [EN[1], JA[0], EN[0] * 40], context=64)
    for text, mine in zip([EN[1], JA[0]], found, strict=False):
        ids = torch.tensor([[tokenizer.eos_token_id, *tokenizer.encode(text, add_special_tokens=False)]])
        model.set_attn_implementation("eager")
        loss = model(input_ids=ids, labels=ids).loss.item()
        assert mine.nats == pytest.approx(loss * (ids.shape[1] - 1), rel=1e-4)
        assert mine.bytes == len(text.encode()) and mine.tokens == ids.shape[1] - 1
    assert found[2].tokens > 64, "a long text is read in windows, every token counted"
    assert found[2].nats / found[2].tokens == pytest.approx(math.log(400), rel=0.3)


def test_surprise_cannot_look_ahead(models: dict[str, Path]) -> None:
    """Changing the end of a text must not change what its beginning cost."""
    model, tokenizer = load_model(models["base/model"]), load_tokenizer(models["base/model"])
    head = surprise(model, tokenizer, [EN[0]])[0]
    [longer] = surprise(model, tokenizer, [EN[0] + JA[0]])
    assert longer.nats > head.nats
    alone, batched = surprise(model, tokenizer, [EN[0]]), surprise(model, tokenizer, [EN[0], EN[1] * 3])
    assert batched[0].nats == pytest.approx(alone[0].nats, rel=1e-5), "padding must not leak"


def test_bits_per_byte() -> None:
    assert Surprise(nats=math.log(2) * 16, tokens=4, bytes=8).bits_per_byte == pytest.approx(2)
    assert Surprise(nats=math.log(2) * 4, tokens=4, bytes=8).perplexity == pytest.approx(2)


def test_without_held_out_documents_there_are_no_bits_per_byte(stage: Stage) -> None:
    evaluate_stage.run(CONFIG.model_copy(update={"documents": 0, "sampled": 0, "segments": 1}), stage)
    metrics = {s["metric"] for s in json.loads((stage.out / "scores.json").read_text())}
    assert "bits per byte" not in metrics and "chrF sampled" not in metrics and "chrF" in metrics
