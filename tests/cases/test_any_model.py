"""A model folder of any family translates, and RL asks and scores it, with the figures of transformers itself."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from in2x.chat.contract import settle
from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.inference.sampler import sampling_copy
from in2x.records import Instruction
from in2x.rl.loop import Policy
from in2x.rl.policy import Group, answer_logprobs
from in2x.training.model import load_model, load_tokenizer, save_model
from in2x.training.tokenizer import train_tokenizer
from in2x.translate.engine import LocalBackend
from in2x.translate.request import TranslationRequest
from test_architectures import table

FAMILIES = (
    "gpt2",
    "gpt_neox",
    "gemma2",
    "gemma3_text",
    "mistral",
    "cohere",
    "granite",
    "gpt_oss",
    "qwen3_moe",
    "bloom",
)
TURNS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LINES = ["The kettle boils.", "Tea is ready, and so are we, said the old lady at the window.", ""]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    tokenizer = train_tokenizer([*LINES[:2], "やかんが沸く。"] * 4, 300)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = TURNS
    made = {}
    for family in FAMILIES:
        torch.manual_seed(0)
        values = {**table.COMMON, **table.FAMILIES[family], "vocab_size": len(tokenizer)}
        values |= {"max_position_embeddings": 512, "n_positions": 512}
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **values))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(0, 0.15)
        made[family] = tmp_path_factory.mktemp(family)
        save_model(model, tokenizer, made[family])
    return made


@pytest.mark.parametrize("family", FAMILIES)
def test_translating_takes_the_tokens_that_transformers_takes(folders, family, monkeypatch):
    monkeypatch.setenv("IN2X_COMPUTE", "float32")  # random weights are full of near ties
    translator = LocalBackend(folders[family], profile=PromptProfile(), device="cpu")
    request = TranslationRequest("en", "ja", max_new_tokens=12)
    lines = translator.translations(LINES, request)
    assert len(lines) == len(LINES) and lines[2].text == ""
    own = AutoModelForCausalLM.from_pretrained(folders[family]).eval()
    for source, line in zip(LINES[:2], lines, strict=False):
        prompt = torch.tensor([translator._prompt(Source(source, "en", "ja"))])
        ids = own.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=12, do_sample=False, pad_token_id=0,
            eos_token_id=sorted(translator.stop_ids),
        )  # fmt: skip
        assert line.text == translator._read(ids[0, prompt.shape[1] :].tolist(), source).text


@pytest.mark.parametrize("family", FAMILIES)
def test_rl_scores_what_it_sampled_alike(folders, family):
    tokenizer, model = load_tokenizer(folders[family]), load_model(folders[family]).eval()
    settle(tokenizer, model.generation_config)
    asked = [
        Instruction(str(n), "ja", "chat", [{"role": "user", "content": line}], answer="はい")
        for n, line in enumerate(LINES[:2])
    ]
    policy = Policy(model, tokenizer)
    policy.twin = sampling_copy(model, torch.float32)
    prompts, completions, _ = policy.ask(asked, samples=2, temperature=0.9, longest=10, seed=1)
    groups = [Group(prompt, [c.tokens for c in completions[2 * n : 2 * n + 2]]) for n, prompt in enumerate(prompts)]
    with torch.no_grad():
        scored = answer_logprobs(model, groups, 0.9, pad=0)
    for row, completion in enumerate(completions):
        sampled = torch.tensor(completion.logprobs)
        torch.testing.assert_close(scored.logprobs[row, : len(sampled)], sampled, atol=1e-4, rtol=0)


def test_a_sampling_copy_rounds_weights_only():
    """Rotary frequencies in bfloat16 are off by some degrees a hundred tokens on."""
    model = table.tiny("llama")
    twin = sampling_copy(model, torch.bfloat16)
    assert twin.dtype == torch.bfloat16
    assert all(torch.equal(a, b) for a, b in zip(model.buffers(), twin.buffers(), strict=True))
