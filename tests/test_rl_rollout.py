"""The sampler against transformers' generate and against the distribution that it must draw from."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from scipy.stats import chi2
from transformers import LlamaConfig, LlamaForCausalLM

from in2x.inference import sampler as rollout
from in2x.inference.choice import choose
from in2x.inference.sampler import compiled_decode, decode, refresh, sample, sampling_copy
from in2x.rl.policy import Group, answer_logprobs
from in2x.training.compiling import can_compile
from in2x.training.model import ShapeConfig, build_model, for_device
from in2x.training.tokenizer import train_tokenizer

SHAPE = ShapeConfig(width=32, layers=2, heads=4, kv_heads=2, mlp=48, vocabulary=300, context=64)


@pytest.fixture(scope="module")
def model():
    tokenizer = train_tokenizer(["a b c 猫 犬"] * 10, 300)
    built = build_model(SHAPE, tokenizer, seed=1).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(3.0 if parameter.ndim == 2 else 1.0)  # far from uniform
    return built


def prompts(seed: int, count: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(5, 250, int(n)).tolist() for n in rng.integers(1, 14, count)]


def test_greedy_is_what_generate_gives(model):
    asked = prompts(0, 12)
    ours = sample(model, asked, max_new_tokens=10, stop_ids=[1], temperature=0)
    for prompt, (completion,) in zip(asked, ours, strict=True):
        ids = torch.tensor([prompt])
        theirs = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=10, do_sample=False)
        assert completion.tokens == theirs[0, len(prompt) :].tolist()


def test_another_architecture():
    config = LlamaConfig(vocab_size=200, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=64)  # fmt: skip
    torch.manual_seed(0)
    llama = LlamaForCausalLM(config).eval()
    asked = [[5, 6, 7], [9], [11, 12, 13, 14, 15]]
    theirs = [llama.generate(torch.tensor([p]), max_new_tokens=6, do_sample=False)[0, len(p) :].tolist() for p in asked]
    ours = sample(for_device(llama), asked, max_new_tokens=6, stop_ids=[2], temperature=0)
    assert [c.tokens for (c,) in ours] == theirs


@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.7])
def test_logprobs_are_those_of_the_tempered_softmax_and_of_training(model, temperature):
    """Sampling and scoring agree at every temperature, before and after it changes."""
    asked = prompts(1, 10)
    answers = sample(model, asked, max_new_tokens=8, stop_ids=[1], temperature=temperature, samples=3, seed=4)
    groups = [Group(p, [c.tokens for c in cs]) for p, cs in zip(asked, answers, strict=True)]
    with torch.no_grad():
        scored = answer_logprobs(model, groups, temperature, pad=0)
    row = 0
    for prompt, completions in zip(asked, answers, strict=True):
        for completion in completions:
            with torch.no_grad():
                logits = model(torch.tensor([prompt + completion.tokens])).logits[0].double() / temperature
            logs = torch.log_softmax(logits, -1)
            expected = [float(logs[len(prompt) - 1 + k, t]) for k, t in enumerate(completion.tokens)]
            assert completion.logprobs == pytest.approx(expected, abs=1e-4)
            size = len(expected)
            assert scored.mask[row].sum() == size
            assert scored.logprobs[row, :size].tolist() == pytest.approx(expected, abs=1e-4)
            entropy = -(logs.exp() * logs).sum(-1)[len(prompt) - 1 : -1]
            assert scored.entropy[row, :size].tolist() == pytest.approx(entropy.tolist(), abs=1e-3)
            row += 1


def test_draws_follow_the_distribution():
    """Chi-square of 40,000 draws against the softmax, over a vocabulary that is no multiple of the block."""
    torch.manual_seed(0)
    logits = torch.randn(70) * 2
    uniform = torch.rand(40_000, dtype=torch.float64)
    tokens, logprobs = choose(logits.repeat(40_000, 1), uniform, 0.8)
    expected = torch.softmax(logits.double() / 0.8, 0) * 40_000
    counts = torch.bincount(tokens, minlength=70).double()
    often = expected >= 5
    statistic = float(((counts - expected)[often] ** 2 / expected[often]).sum())
    assert statistic < chi2.ppf(0.999, int(often.sum()) - 1)
    torch.testing.assert_close(logprobs, torch.log_softmax(logits / 0.8, 0)[tokens], rtol=1e-4, atol=1e-4)


def test_edges_of_the_inverse_cdf():
    logits = torch.full((3, 130), -torch.inf)
    logits[0, 129] = 0.0  # all weight on the last entry
    logits[1, [0, 64]] = 0.0  # halves on both sides of a block border
    logits[2, 3] = 0.0
    tokens, _ = choose(logits, torch.tensor([0.999999999, 0.5, 0.0], dtype=torch.float64), 1.0)
    assert tokens.tolist() == [129, 64, 3]


def test_an_answer_does_not_depend_on_its_neighbours(model):
    asked = prompts(2, 9)
    whole = sample(model, asked, max_new_tokens=6, stop_ids=[1], samples=2, seed=7)
    small = sample(model, asked, max_new_tokens=6, stop_ids=[1], samples=2, seed=7, rows=4)
    assert [[c.tokens for c in g] for g in whole] == [[c.tokens for c in g] for g in small]
    other = sample(model, asked, max_new_tokens=6, stop_ids=[1], samples=2, seed=8)
    assert [[c.tokens for c in g] for g in whole] != [[c.tokens for c in g] for g in other]


def test_rows_and_columns_that_only_fill_a_shape_change_nothing(model, monkeypatch):
    """Answers that end at many different steps, in shapes rounded up and exact: the same tokens."""
    asked, stops = prompts(5, 40), list(range(0, 300, 9))
    ways = []
    for columns, rows in ((16, 64), (1, 1), (16, 8)):
        monkeypatch.setattr(rollout, "COLUMNS", columns)
        monkeypatch.setattr(rollout, "STEP_ROWS", rows)
        ways.append(sample(model, asked, max_new_tokens=12, stop_ids=stops, samples=4, seed=3))
    tokens, logprobs = ([[getattr(c, f) for g in way for c in g] for way in ways] for f in ("tokens", "logprobs"))
    assert tokens[0] == tokens[1] == tokens[2]
    assert len({len(t) for t in tokens[0]}) > 6
    assert all(np.allclose(a, b, atol=1e-4) for a, b in zip(logprobs[0], logprobs[1], strict=True))


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_model_with_itself_answers_as_alone(model, temperature):
    asked = prompts(6, 12)
    knobs = {"max_new_tokens": 8, "stop_ids": [1], "temperature": temperature, "samples": 2, "seed": 5}
    alone, pair = sample(model, asked, **knobs), sample([model, copy.deepcopy(model)], asked, **knobs)
    for one, both in zip([c for g in alone for c in g], [c for g in pair for c in g], strict=True):
        assert both.tokens == one.tokens
        assert both.logprobs == pytest.approx(one.logprobs, abs=1e-4)


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_models_answer_by_the_mean_of_their_probabilities(model, temperature):
    """Of another depth and width, with caches of their own: each token's probability is computed anew by hand."""
    other = ShapeConfig(width=16, layers=3, heads=2, kv_heads=2, mlp=32, vocabulary=300, context=64)
    models = [model, build_model(other, train_tokenizer(["a b c 猫 犬"] * 10, 300), seed=2).eval()]
    with torch.no_grad():
        for parameter in models[1].parameters():
            parameter.mul_(4.0 if parameter.ndim == 2 else 1.0)
    asked, differ = prompts(3, 10), 0
    answers = sample(models, asked, max_new_tokens=6, stop_ids=[1], temperature=temperature, samples=2, seed=4)
    for prompt, completions in zip(asked, answers, strict=True):
        for completion in completions:
            ids = torch.tensor([prompt + completion.tokens])
            with torch.no_grad():
                each = torch.stack([one(ids).logits[0, len(prompt) - 1 : -1].double().softmax(-1) for one in models])
            mixed = each.mean(0).log()
            tempered = mixed if temperature == 0 else (mixed / temperature).log_softmax(-1)
            tokens = torch.tensor(completion.tokens)
            torch.testing.assert_close(
                torch.tensor(completion.logprobs).double(), tempered.gather(1, tokens[:, None])[:, 0], atol=1e-4, rtol=0
            )
            if temperature == 0:
                assert torch.equal(mixed.argmax(-1), tokens)
                differ += int((each.argmax(-1) != tokens).any(-1).sum())
    assert temperature > 0 or differ > 1, "each model alone would have said something else"


@pytest.mark.slow
@pytest.mark.skipif(not can_compile(), reason="no C++ compiler")
def test_a_compiled_step_samples_the_same_and_is_compiled_once(model):
    """At other temperatures, numbers of rows and lengths than it was compiled for, and after the weights changed."""
    twin = copy.deepcopy(model)
    torch._dynamo.reset()
    decoder = compiled_decode(twin)
    with torch.no_grad():
        next(twin.parameters()).mul_(1.1)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for temperature, count, samples in ((1.0, 30, 4), (0.7, 9, 8), (0.7, 5, 1)):
            asked = prompts(count, count)
            knobs = {"max_new_tokens": 40, "stop_ids": [1, 7], "temperature": temperature, "samples": samples}
            plain, joined = (sample(twin, asked, **knobs, decoder=way) for way in (decode, decoder))
            for one, other in zip((c for g in plain for c in g), (c for g in joined for c in g), strict=True):
                assert one.tokens == other.tokens
                assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)


def test_stop_tokens_end_an_answer(model):
    asked = prompts(3, 6)
    free = sample(model, asked, max_new_tokens=8, stop_ids=[], temperature=0)
    stop = free[0][0].tokens[3]
    stopped = sample(model, asked, max_new_tokens=8, stop_ids=[stop], temperature=0)
    for (long,), (short,) in zip(free, stopped, strict=True):
        if stop in long.tokens:
            cut = long.tokens.index(stop) + 1
            assert short.tokens == long.tokens[:cut]
            assert short.finished
        else:
            assert short.tokens == long.tokens
            assert not short.finished


def test_refresh_follows_the_trained_model(model):
    twin = sampling_copy(model, torch.float32)
    with torch.no_grad():
        next(model.parameters()).mul_(1.01)
    refresh(twin, model)
    for a, b in zip(twin.parameters(), model.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(ValueError, match="empty prompt"):
        sample(twin, [[]], max_new_tokens=1, stop_ids=[1])
