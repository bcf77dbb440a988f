"""Shortlists: fewer logits, the same answers; made by a command, taken by the translator, refused where they misfit."""

from __future__ import annotations

import json
import random
import shutil
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM, Qwen3Config

from in2x.errors import In2xError, UsageError
from in2x.inference.continuous import answers
from in2x.inference.decoder import decoder_of
from in2x.inference.shortlist import FILE, SWITCH, load_shortlists, save_shortlists, shortlist
from in2x.translate.engine import LocalBackend
from in2x.translate.identity import identity
from in2x.translate.request import TranslationRequest

ENJA = TranslationRequest("en", "ja")
LINES = [
    ("The cat sleeps in the garden.", "猫は庭で眠る。"),
    ("Where is the station?", "駅はどこですか。"),
    ("I like tea.", "私はお茶が好きだ。"),
]


@pytest.fixture(scope="module")
def decoder():
    torch.manual_seed(1)
    shape = {"vocab_size": 300, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2, "head_dim": 12,
             "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3}  # fmt: skip
    return decoder_of(AutoModelForCausalLM.from_config(Qwen3Config(**shape)).eval())


def asked(count):
    draw = random.Random(5)
    return [[40, *(draw.randrange(300) for _ in range(draw.randint(1, 20)))] for _ in range(count)], [20] * count


def test_a_list_of_all_tokens_changes_nothing_and_a_short_one_holds(decoder):
    prompts, limits = asked(30)
    whole = answers(decoder, prompts, limits, stop_ids=range(20))
    assert answers(decoder, prompts, limits, stop_ids=range(20), only=torch.arange(300)) == whole
    said = {token for [answer] in whole for token in answer}
    enough = torch.tensor(sorted(said))
    assert len(enough) < 300 and answers(decoder, prompts, limits, stop_ids=range(20), only=enough) == whole
    few = torch.arange(0, 300, 3)
    short = answers(decoder, prompts, limits, stop_ids=range(20), only=few)
    assert {token for [answer] in short for token in answer} <= set(few.tolist())
    alone = [answers(decoder, [prompt], [20], stop_ids=range(20), only=few)[0] for prompt in prompts[:6]]
    assert alone == short[:6], "an answer depends on its neighbours"


def test_draws_have_the_whole_vocabulary(decoder):
    prompts, limits = asked(8)
    drawn = answers(decoder, prompts, limits, stop_ids=(), temperature=1.0)
    assert answers(decoder, prompts, limits, stop_ids=(), temperature=1.0, only=torch.arange(10)) == drawn


def test_the_command_makes_it_and_the_translator_takes_it(tiny_model, tmp_path, in2x, monkeypatch):
    monkeypatch.delenv(SWITCH, raising=False)
    model, pairs = tmp_path / "model", tmp_path / "pairs.jsonl"
    shutil.copytree(tiny_model, model)
    pairs.write_text("".join(json.dumps({"en": en, "ja": ja}) + "\n" for en, ja in LINES * 20), encoding="utf-8")
    code, said, err = in2x("export", model, "--to", "shortlist", "--pairs", pairs, "-o", model)
    assert code == 0 and "ja: " in said and "of 1 answers" in said, err
    backend = LocalBackend(model, device="cpu")
    ja, en = set(backend.shortlists["ja"].tolist()), set(backend.shortlists["en"].tolist())
    for _, text in LINES:
        assert set(backend.tokenizer.encode(text, add_special_tokens=False)) <= ja
    assert backend.stop_ids <= ja and ja != en and max(len(ja), len(en)) < len(backend.tokenizer)
    narrow = torch.tensor(sorted(backend.stop_ids))
    backend.shortlists = {"ja": narrow}
    assert backend.translate([LINES[0][0]], ENJA) == [""], "nothing but the end is left to say"
    monkeypatch.setenv(SWITCH, "off")
    off, plain = LocalBackend(model, device="cpu"), LocalBackend(tiny_model, device="cpu")
    assert not off.shortlists
    sources = [en for en, _ in LINES]
    assert off.translate(sources, ENJA) == plain.translate(sources, ENJA)
    assert identity(off, 0) != identity(backend, 0), "a journal would mix the two"
    monkeypatch.setenv(SWITCH, "perhaps")
    with pytest.raises(UsageError, match="give on or off"):
        LocalBackend(model, device="cpu")


def test_anything_can_be_spelt(tiny_model):
    backend = LocalBackend(tiny_model, device="cpu")
    tokens = set(shortlist(backend.tokenizer, ["a"], backend.stop_ids).tolist())
    single = {ids for token, ids in backend.tokenizer.get_vocab().items() if len(token) == 1}
    assert len(single) >= 256 and single <= tokens


def test_what_does_not_fit_is_refused_in_a_sentence(tiny_model, tmp_path, in2x):
    tokenizer = LocalBackend(tiny_model, device="cpu").tokenizer
    other = SimpleNamespace(get_vocab=lambda: {"a": 0, "b": 1})
    save_shortlists(tmp_path, {"ja": torch.arange(2)}, other, {})
    with pytest.raises(In2xError, match="of another tokenizer than the model's"):
        load_shortlists(tmp_path, tokenizer)
    (tmp_path / FILE).write_bytes(b"nothing")
    with pytest.raises(In2xError, match="not a shortlist"):
        load_shortlists(tmp_path, tokenizer)
    assert "give --pairs" in in2x("export", tiny_model, "--to", "shortlist", "-o", tiny_model)[2]
    assert "--pairs is for shortlists" in in2x("export", tiny_model, "--to", "ct2", "--pairs", "x", "-o", tmp_path)[2]
