"""The rehearsal: tiny models of any family, made sentences, a scripted server, and whole recipes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from in2x.errors import In2xError, UsageError
from in2x.language.identify import identify_lines
from in2x.llm.schema import violation
from in2x.principles.dynamic import REVIEW_SCHEMA, WRITE_SCHEMA
from in2x.principles.judged import Question, judge_answers
from in2x.recipe import load_recipe
from in2x.shrink.model import shrink, write_tiny
from in2x.shrink.recipe import shrunk
from in2x.shrink.sentences import _table, sentence
from in2x.shrink.server import reply
from in2x.training.model import load_model, load_tokenizer

RECIPES = Path(__file__).parents[1] / "recipes"
TORCHRUN = f"{sys.executable} -m torch.distributed.run --standalone --nproc_per_node 2"


@pytest.mark.parametrize("lang", sorted(_table()))
def test_made_sentences_are_of_their_language_and_differ(lang: str) -> None:
    texts = [sentence(lang, n) for n in range(448)]
    assert len(set(texts)) == len(texts)
    assert identify_lines(texts[:64]).count(lang) >= 58
    assert all(str(2 + n * 7 % 997) in text for n, text in enumerate(texts))


def test_a_language_without_sentences_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="no sentences in 'eo'"):
        sentence("eo", 0)


FAMILIES = ("llama", "qwen2", "qwen3", "qwen3_moe", "mistral", "mixtral", "gemma2", "gemma3_text", "gpt2", "gpt_neox",
            "olmo2", "phi3", "granite", "opt", "gpt_oss")  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_shrunk_to_a_model_that_runs(family: str, tiny_model: Path) -> None:
    """From the config that its class has by itself, of billions of parameters."""
    config = AutoConfig.for_model(family)
    kinds = set(getattr(config, "layer_types", None) or ())
    ratio = config.num_attention_heads // (getattr(config, "num_key_value_heads", None) or config.num_attention_heads)
    shrink(config, load_tokenizer(tiny_model), 64)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    assert sum(p.numel() for p in model.parameters()) < 2e6
    assert set(getattr(config, "layer_types", None) or ()) == kinds
    now = config.num_attention_heads // (getattr(config, "num_key_value_heads", None) or config.num_attention_heads)
    assert now == min(ratio, 4)
    assert torch.isfinite(model(torch.arange(20)[None]).logits).all()


def test_a_tiny_model_of_a_folder_keeps_its_chat(tiny_model: Path, tmp_path: Path) -> None:
    texts = [sentence("en", n) for n in range(64)]
    folder = write_tiny(str(tiny_model), tmp_path / "small", texts, 64, seed=1)
    before, after = load_tokenizer(tiny_model), load_tokenizer(folder)
    assert after.chat_template == before.chat_template
    assert after.all_special_tokens == before.all_special_tokens
    assert after.decode(after("Zürich 東京 🙂").input_ids) == "Zürich 東京 🙂"
    assert load_model(folder).config.model_type == "qwen3"
    inode = (folder / "model.safetensors").stat().st_ino
    assert write_tiny(str(tiny_model), folder, texts, 64, seed=1) == folder
    assert (folder / "model.safetensors").stat().st_ino == inode, "the same files serve every try"


def test_a_known_family_needs_no_hub(tmp_path: Path) -> None:
    folder = write_tiny("Qwen/Qwen3-8B-Base", tmp_path / "m", [sentence("ja", n) for n in range(64)], 256, seed=0)
    tokenizer, model = load_tokenizer(folder), load_model(folder)
    assert model.config.model_type == "qwen3"
    assert model.config.num_attention_heads // model.config.num_key_value_heads == 4, "as 32 heads over 8"
    assert not model.config.tie_word_embeddings
    said = tokenizer.apply_chat_template(
        [{"role": "user", "content": "駅"}], add_generation_prompt=True, tokenize=False
    )
    assert said == "<|im_start|>user\n駅<|im_end|>\n<|im_start|>assistant\n"


def test_a_hub_name_without_a_network_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(In2xError, match="nobody/nothing: config and tokenizer of the base model cannot be had"):
        write_tiny("nobody/nothing", tmp_path / "m", ["a"], 64, seed=0)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("schema", [WRITE_SCHEMA, REVIEW_SCHEMA, {"type": "object", "properties": {
    "score": {"type": "integer", "minimum": 1, "maximum": 5}, "label": {"enum": ["a", "b"]}, "ok": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "string", "maxLength": 5}, "minItems": 1},
    "either": {"anyOf": [{"const": 3}, {"type": "null"}]},
}, "required": ["score", "label", "ok", "list", "either"]}])  # fmt: skip
def test_the_scripted_server_keeps_to_every_form(schema: dict) -> None:
    for n in range(20):
        body = {"messages": [{"role": "user", "content": f"question {n}"}],
                "response_format": {"json_schema": {"schema": schema}}}  # fmt: skip
        said = reply(body, ["en", "ja"])
        assert violation(json.loads(said), schema) is None
        assert said == reply(body, ["en", "ja"]), "the same question, the same answer"


@pytest.mark.parametrize("lang", ["en", "ja", "zh"])
def test_the_scripted_judge_decides_every_principle_of_every_answer(lang: str) -> None:
    """As the question is really put."""

    async def ask(messages, schema):
        body = {"messages": messages, "response_format": {"json_schema": {"schema": schema}}}
        found = json.loads(reply(body, ["en"]))
        assert violation(found, schema) is None
        return found

    question = Question("1. x", lang, ("It is true.", "It is short."))
    judged = asyncio.run(judge_answers(ask, question, ["no", "yes", "1. so"]))
    assert [(j.fault, len(j.verdicts)) for j in judged.values()] == [("", 2)] * 3


def test_what_makes_the_method_stays(tmp_path: Path) -> None:
    recipe = load_recipe(RECIPES / "in2x-72b.yaml")
    said: list[str] = []
    small = shrunk(recipe, tmp_path, "http://127.0.0.1:1/v1", "LAUNCH", said.append)
    for name in ("optimizer", "temperature", "smoothing"):
        assert getattr(small.sft, name) == getattr(recipe.sft, name)
    assert small.rl.objective == recipe.rl.objective
    assert small.rl.rewards == recipe.rl.rewards
    assert small.rl.backend == recipe.rl.backend
    assert small.merge.method == recipe.merge.method
    assert small.launch == small.rl.trl.launch == "LAUNCH"
    assert [getattr(small.pretrain, f"phase{n}").context for n in (1, 2, 3)] == [64, 256, 256]
    assert small.pretrain.phase3.view == recipe.pretrain.phase3.view
    assert any("in the place of Qwen/Qwen2.5-72B" in text for text in said)
    assert recipe.data.decontaminate.embedder and small.data.decontaminate.embedder is None, "no server is asked"


def test_a_model_from_scratch_has_no_tokenizer_for_magpie(tmp_path: Path) -> None:
    named = ["instruct.llm.template=TOKENIZER", "instruct.llm.base_url=http://localhost:8000/v1"]
    recipe = load_recipe(RECIPES / "instruct-server.yaml", named)
    assert recipe.instruct.magpie.turns and recipe.base.model is None
    said: list[str] = []
    small = shrunk(recipe, tmp_path, "http://127.0.0.1:1/v1", "", said.append)
    assert small.instruct.magpie.turns == 0 and any("no Magpie" in text for text in said)


def rehearse(recipe: str, out: Path, *options: str, **more) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "in2x", "run", str(RECIPES / recipe), "--shrink", "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=out.parent,
                          env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}, **more)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["qwen3-8b-ja.yaml", "in2x-72b.yaml", "qwen3-8b-ko.yaml"])
def test_every_stage_of_a_large_recipe_is_rehearsed(recipe: str, tmp_path: Path) -> None:
    done = rehearse(recipe, tmp_path / "run")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "rehearsed 11 stages" in done.stdout
    assert (tmp_path / "run" / "report" / "report.html").exists()


@pytest.mark.slow
def test_a_rank_is_killed_and_the_rehearsal_goes_on_in_one_process(tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "in2x", "run", str(RECIPES / "qwen3-8b-ja.yaml"), "--shrink", "--out", str(out),
               "--until", "sft", "--launch", TORCHRUN]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    victim = None
    until = time.time() + 240
    while victim is None and time.time() < until and process.poll() is None:
        if (out / "pretrain").exists() and (out / ".partial" / "sft").exists():
            victim = next(iter(_ranks(out / ".partial" / "sft")), None)
        time.sleep(0.1)
    assert victim is not None, process.stderr.read()[-3000:]
    os.kill(victim, signal.SIGKILL)
    said = process.communicate(timeout=240)[1]
    assert process.returncode == 1, said[-3000:]
    assert "the same command resumes" in said
    done = rehearse("qwen3-8b-ja.yaml", out, "--until", "sft")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "rehearsed" in done.stdout


def _ranks(folder: Path) -> list[int]:
    """The processes at work on the job in `folder`, those of torchrun itself left out."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if "in2x.launch" in words and "torch.distributed.run" not in words and any(str(folder) in w for w in words):
            found.append(int(place.name))
    return sorted(found)[1:]
