"""A base model is looked at, and what cannot be served is refused by name, before any hour is spent."""

from __future__ import annotations

import json

import pytest
from transformers import AutoConfig, AutoModelForCausalLM, T5Config

from in2x.commands.plan import base_model
from in2x.errors import In2xError
from in2x.recipe import load_recipe
from in2x.run import run
from in2x.training.model import save_model
from in2x.training.preview import preview
from in2x.training.tokenizer import train_tokenizer
from test_architectures import table

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer():
    made = train_tokenizer(["The kettle boils.", "やかんが沸く。"] * 4, 300)
    made.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    made.chat_template = CHATML
    return made


def folder(path, tokenizer, family: str, **changes):
    values = {**table.COMMON, **table.FAMILIES[family], "vocab_size": len(tokenizer), **changes}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **values))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    save_model(model, tokenizer, path)
    return path


@pytest.mark.parametrize(
    ("family", "kind", "words"),
    [
        ("qwen3", "qwen3 (Qwen3ForCausalLM)", "fast forward pass"),
        ("gpt2", "gpt2 (GPT2LMHeadModel)", "fast forward pass"),
        ("mistral", "mistral (MistralForCausalLM)", "up to 8 tokens"),
        ("gemma2", "gemma2 (Gemma2ForCausalLM)", "softcap"),
        ("mixtral", "mixtral (MixtralForCausalLM)", "balance loss"),
    ],
)
def test_what_is_found(tmp_path, tokenizer, family, kind, words):
    found = preview(str(folder(tmp_path / "m", tokenizer, family)))
    assert found.family == kind and words in found.forward
    assert found.ends == ["<|im_end|>", "<|end|>"] and found.note == ""
    assert "no thinking mode" in found.chat


def test_adapters_change_the_end_and_it_is_said(tmp_path, tokenizer):
    found = preview(str(folder(tmp_path / "m", tokenizer, "llama")), adapters=True)
    assert found.ends == ["<|end|>"]
    assert found.note == "answers end with <|end|> instead of <|im_end|>, which adapters cannot teach"


def test_a_model_without_a_template_gets_one_and_it_is_said(tmp_path, tokenizer):
    place = folder(tmp_path / "m", tokenizer, "gpt2")
    (place / "chat_template.jinja").unlink()
    found = preview(str(place))
    assert found.ends == ["<|end|>"] and found.note.startswith("no chat template of its own")


def _change(file, **values):
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_what_cannot_be_served_is_refused_by_name(tmp_path, tokenizer):
    cases = {}
    for name in ("quantised", "no weights", "code"):
        cases[name] = folder(tmp_path / name, tokenizer, "llama")
    cases["small"] = folder(tmp_path / "small", tokenizer, "llama", vocab_size=200)
    _change(cases["quantised"] / "config.json", quantization_config={"quant_method": "awq", "bits": 4})
    (cases["no weights"] / "model.safetensors").unlink()
    _change(cases["code"] / "config.json", model_type="someones_own", auto_map={"AutoConfig": "own.Config"})
    cases["encoder"] = tmp_path / "encoder"
    T5Config().save_pretrained(cases["encoder"])
    cases["nothing"] = tmp_path / "nothing"
    said = {
        "quantised": r"quantised \(awq\)", "no weights": "without safetensors", "encoder": "has an encoder",
        "small": r"tokens and the model 200", "code": "not a model", "nothing": "not a model",
    }  # fmt: skip
    for name, words in said.items():
        with pytest.raises(In2xError, match=words):
            preview(str(cases[name]))


def test_plan_says_it_and_a_run_refuses_before_its_first_stage(tmp_path, tokenizer):
    file = tmp_path / "r.yaml"
    place = folder(tmp_path / "m", tokenizer, "cohere")
    file.write_text(f"name: any\nbase: {{model: {place}}}\nsft: {{lora: {{rank: 4}}}}\n")
    found = base_model(load_recipe(file))
    assert found["base model"] == "cohere (CohereForCausalLM)" and found["end tokens"] == ["<|end|>"]
    assert "scaled or capped" in found["forward pass"] and "instead of <|im_end|>" in found["changed"]
    _change(place / "config.json", quantization_config={"quant_method": "fp8"})
    with pytest.raises(In2xError, match=r"quantised \(fp8\)"):
        base_model(load_recipe(file))
    with pytest.raises(In2xError, match=r"quantised \(fp8\)"):
        run(load_recipe(file), tmp_path / "out")
    assert not (tmp_path / "out").exists(), "nothing was begun"
    file.write_text("name: any\nbase: {model: someone/not-here}\n")
    assert "not on this machine" in str(base_model(load_recipe(file))["base model"])
