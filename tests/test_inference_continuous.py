"""Continuous batching on the lean forward pass: what it says is what `generate` and the sampler say."""

from __future__ import annotations

import random

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    GemmaConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

from in2x.inference import continuous
from in2x.inference.continuous import answers, best
from in2x.inference.decoder import Decoder, decoder_of
from in2x.inference.sampler import sample

SHAPE = {
    "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 12, "max_position_embeddings": 96, "initializer_range": 0.3,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
STOPS = range(2, 22)
KNOWN = [
    Qwen3Config(**SHAPE),
    Qwen3Config(**SHAPE, tie_word_embeddings=True),
    Qwen2Config(**{k: v for k, v in SHAPE.items() if k != "head_dim"}),
    LlamaConfig(**SHAPE, attention_bias=True),
    LlamaConfig(**SHAPE, rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}),
    MistralConfig(**SHAPE, sliding_window=None),
]


def made(config: PretrainedConfig, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config).to(dtype).eval()
    with torch.no_grad():  # norms and biases that begin at one and zero would hide a wrong one
        for part in model.parameters():
            if part.dim() == 1:
                part.add_(torch.randn_like(part) * 0.2)
    return model


def asked(count: int, seed: int = 3) -> tuple[list[list[int]], list[int]]:
    """Prompts of 3 to 30 tokens that begin alike, and how long each answer may be."""
    draw = random.Random(seed)
    prompts = [[40, 41, *(draw.randrange(30, 300) for _ in range(draw.randint(1, 28)))] for _ in range(count)]
    return prompts, [draw.randint(1, 40) for _ in range(count)]


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return made(KNOWN[0])


@pytest.fixture(scope="module")
def decoder(model: PreTrainedModel) -> Decoder:
    found = decoder_of(model)
    assert found
    return found


def by_generate(model: PreTrainedModel, prompt: list[int], limit: int) -> list[int]:
    out = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), do_sample=False,
                         max_new_tokens=limit, eos_token_id=list(STOPS), pad_token_id=0)  # fmt: skip
    return out[0, len(prompt) :].tolist()


@pytest.mark.parametrize("config", KNOWN, ids=lambda config: config.model_type)
def test_greedy_is_what_generate_gives_one_by_one(config, monkeypatch):
    monkeypatch.setattr(continuous, "ROWS", 8)  # so that places are given on
    model = made(config)
    prompts, limits = asked(40)
    expected = [[by_generate(model, prompt, limit)] for prompt, limit in zip(prompts, limits, strict=True)]
    found = decoder_of(model)
    assert found
    assert answers(found, prompts, limits, stop_ids=STOPS) == expected
    assert len({len(one[0]) for one in expected}) > 5, "answers must end at different times"


@pytest.mark.parametrize("rows", [3, 16, 128])
def test_draws_are_those_of_the_sampler(model, decoder, monkeypatch, rows):
    monkeypatch.setattr(continuous, "ROWS", rows)
    prompts, limits = asked(20)
    expected = sample(model, prompts, max_new_tokens=max(limits), stop_ids=STOPS, samples=3, seed=5, temperature=0.7)
    drawn = answers(decoder, prompts, limits, stop_ids=STOPS, samples=3, seed=5, temperature=0.7)
    assert drawn == [
        [one.tokens[:limit] for one in many] for many, limit in zip(expected, limits, strict=True)
    ]  # fmt: skip


def test_an_answer_does_not_depend_on_its_neighbours(decoder):
    prompts, limits = asked(12)
    together = answers(decoder, prompts, limits, stop_ids=STOPS)
    alone = [answers(decoder, [p], [n], stop_ids=STOPS)[0] for p, n in zip(prompts, limits, strict=True)]
    assert together == alone


def test_few_passes_are_made(decoder, monkeypatch):
    """One long answer among many short ones does not keep places empty."""
    monkeypatch.setattr(continuous, "ROWS", 8)
    calls: list[int] = []
    states = decoder.states
    monkeypatch.setattr(decoder, "states", lambda ids, *rest: [calls.append(len(ids)), states(ids, *rest)][1])
    prompts, _ = asked(64)
    answers(decoder, prompts, [60, *[4] * 63], stop_ids=())
    assert len(calls) < 100, "in batches of eight, each of which waits for its longest, there are more"
    monkeypatch.undo()


def test_the_beginning_in_common_is_read_once(decoder, monkeypatch):
    read: list[int] = []
    states = decoder.states
    monkeypatch.setattr(decoder, "states", lambda ids, *rest: [read.append(len(ids)), states(ids, *rest)][1])
    prompts = [[*range(30, 70), 100 + n] for n in range(20)]
    answers(decoder, prompts, [1] * 20, stop_ids=())
    assert sum(read) == 40 + 20 * 4, "the beginning once, then each prompt's own token in a width of four"
    monkeypatch.undo()


def test_loops_are_cut_where_they_are_watched(decoder, model):
    prompts, _ = asked(16)
    for watched in ([True] * 16, [False] * 16, [n % 2 == 0 for n in range(16)]):
        expected = sample(model, prompts, max_new_tokens=60, stop_ids=(), temperature=0, watched=watched)
        said = answers(decoder, prompts, [60] * 16, stop_ids=(), watched=watched)
        assert said == [[one.tokens for one in many] for many in expected]


def test_the_most_probable_token_is_found_in_any_vocabulary():
    torch.manual_seed(0)
    for size in (1, 7, 128, 300, 1000):
        logits = torch.randn(50, size)
        assert best(logits).tolist() == logits.argmax(-1).tolist()


def test_weights_are_held_once_and_the_model_stays_what_it_was():
    model = made(KNOWN[0])
    ids = torch.arange(10)[None]
    before = model(ids).logits
    decoder = decoder_of(model)
    assert decoder and torch.equal(model(ids).logits, before)
    attention = model.model.layers[1].self_attn
    assert attention.k_proj.weight.data_ptr() == decoder.layers[1].qkv.weight[48:].data_ptr()


def test_models_that_it_does_not_compute_are_left_to_the_sampler():
    assert decoder_of(made(GPT2Config(vocab_size=300, n_embd=48, n_layer=2, n_head=4))) is None
    assert decoder_of(made(GemmaConfig(**SHAPE))) is None, "its embeddings are scaled"
    scaled = made(KNOWN[0])
    mlp = scaled.model.layers[0].mlp
    mlp.register_forward_hook(lambda _, __, out: out * 1.5)
    assert decoder_of(scaled) is None, "its layers do more than their parts say"


def test_half_types_say_nearly_the_same(decoder):
    half = decoder_of(made(KNOWN[0], torch.bfloat16))
    assert half
    prompts, _ = asked(60)
    exact = answers(decoder, prompts, [1] * 60, stop_ids=())
    assert sum(a == b for a, b in zip(answers(half, prompts, [1] * 60, stop_ids=()), exact, strict=True)) >= 45
