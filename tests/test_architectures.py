"""Every path gives the figures of transformers' own forward pass, whatever the family of the model."""

from __future__ import annotations

import copy
import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from in2x.training.batches import Example, collate
from in2x.training.config import LoraConfig
from in2x.training.forward import UNBOUNDED, Forward, body, forward_of, head, layers, watch
from in2x.training.lora import add_adapters, merge_adapters
from in2x.training.loss import LanguageModelingLoss
from in2x.training.model import for_device

FILE = Path(__file__).parents[1] / "benchmarks" / "architectures.py"
LIMIT = 1e-4


def _table():
    spec = importlib.util.spec_from_file_location("architectures", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["architectures"] = module
    spec.loader.exec_module(module)
    return module


table = _table()


@pytest.mark.parametrize("family", table.FAMILIES)
def test_every_path_gives_the_figures_of_transformers(family):
    pytest.importorskip("trl")
    subject = table.Differences(family)
    found = {path: way() for path, way in subject.paths.items()}
    assert all(value < LIMIT for value in found.values()), found


FAST = ("qwen2", "qwen3", "qwen3_moe", "llama", "mistral full", "olmo2", "hunyuan_v1_dense", "gpt2", "gpt_neox")
WINDOWED = ("qwen2 sliding", "mistral", "gemma3_text", "phi3", "olmo3", "llama4_text", "starcoder2")
PLAIN = {
    "gemma2": "softcap", "gpt_oss": "s_aux", "cohere": "scaled or capped", "granite": "scaled or capped",
    "phi": "bias", "opt": "changed on the way", "bloom": "of its own kind", "mamba": "a state",
    "qwen3_next": "a state", "falcon_h1": "a state",
}  # fmt: skip


@pytest.mark.parametrize("family", FAST)
def test_the_fast_pass_serves_what_it_fits(family):
    found = forward_of(table.tiny(family))
    assert not found.plain
    assert found.window == UNBOUNDED and found.dense


@pytest.mark.parametrize("family", WINDOWED)
def test_a_window_is_found_and_the_fast_pass_serves_within_it(family):
    subject = table.Differences(family)
    assert not subject.forward.plain
    assert subject.forward.window == table.WINDOW
    subject.documents = table.texts(5, 8, 3, 7, 8)  # a row longer than the window, of texts that are not
    assert subject.packed() < LIMIT
    assert subject.forward.reads(8) and not subject.forward.reads(9)


@pytest.mark.parametrize("family", PLAIN)
def test_what_does_not_fit_is_told(family):
    found = forward_of(table.tiny(family))
    assert PLAIN[family] in found.plain
    assert found.words.startswith("plain forward pass")
    assert not found.reads(1)


@pytest.mark.parametrize("family", [*FAST, *PLAIN, *WINDOWED])
def test_it_is_told_without_weights_too(family):
    with torch.device("meta"):
        empty = table.empty(family).bfloat16()
    with_weights, without = watch(table.tiny(family)), watch(empty)
    assert (with_weights.plain, with_weights.dense) == (without.plain, without.dense)
    assert without.window in (with_weights.window, 0)  # chunks stay unknown


def test_a_model_whose_packed_texts_meet_is_found_out(monkeypatch):
    """Positions that are not read: nothing in the graph shows it, the figures do."""
    model = table.tiny("llama")
    whole = body(model).forward
    monkeypatch.setattr(body(model), "forward", lambda *a, position_ids=None, **k: whole(*a, **k))
    assert "change each other" in forward_of(model).plain


def test_what_is_found_changes_nothing_in_the_model():
    model = table.tiny("gemma2").train()
    kept = model.config._attn_implementation
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert isinstance(forward_of(model), Forward)
    assert model.training and model.config._attn_implementation == kept
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model._forward_hooks and not body(model)._forward_hooks and not head(model)._forward_hooks


def test_attention_is_chosen_by_device():
    fits, capped = table.tiny("llama"), table.tiny("gemma2")
    assert for_device(fits).config._attn_implementation == "in2x_dense"
    assert for_device(fits, torch.device("cuda")).config._attn_implementation == "sdpa"
    assert for_device(capped).config._attn_implementation == "eager"
    assert for_device(capped, torch.device("cuda")).config._attn_implementation == "eager"


@pytest.mark.parametrize("family", ["gpt2", "gpt_neox", "llama4_text", "opt", "gemma2", "mamba"])
def test_parts_are_found_whatever_their_names(family):
    model = table.tiny(family)
    assert len(layers(model)) == 4
    assert head(model).weight.shape == (96, 32)


@pytest.mark.parametrize("family", ["llama", "gemma2", "mistral", "cohere", "qwen3_moe"])
def test_gradients_are_those_of_transformers(family):
    subject = table.Differences(family)
    batch = collate([Example(document, 3) for document in subject.documents], pad=0)
    subject.loss_of(batch).backward()
    width = batch.ids.shape[1]
    mask = torch.arange(width)[None] < torch.tensor([[len(d)] for d in subject.documents])
    labels = batch.ids.masked_fill(~mask | (torch.arange(width)[None] < 3), -100)
    options = {"output_router_logits": True} if subject.forward.balance else {}
    subject.own(batch.ids, attention_mask=mask.long(), labels=labels, use_cache=False, **options).loss.backward()
    for (name, ours), theirs in zip(subject.model.named_parameters(), subject.own.parameters(), strict=True):
        if theirs.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=1e-3, msg=name)


def test_the_balance_loss_is_in_training_and_not_in_what_is_held_out():
    model = for_device(table.tiny("mixtral"))
    loss_of = LanguageModelingLoss(model)
    assert loss_of.balance == pytest.approx(0.001)
    batch = collate([Example(document, 3) for document in table.texts(1, 9, 12)], pad=0)
    with torch.no_grad():
        share = float(loss_of(batch) - loss_of(batch, held_out=True))
    assert 0.001 < share < 0.01, "about the number of experts chosen, times the coefficient"


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2", "gpt_oss", "llama4_text", "opt", "qwen3_moe", "mistral"])
def test_adapters_fit_and_the_passes_see_them(family):
    subject = table.Differences(family)
    before = table.Differences(family)
    adapters = add_adapters(subject.model, LoraConfig(rank=2), seed=0)
    assert subject.packed() < LIMIT, "they start as nothing"
    with torch.no_grad():
        for name, parameter in subject.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.1)
    subject.own = copy.deepcopy(subject.model)
    subject.own.set_attn_implementation(subject.forward.attention)
    ids = before.documents[0]
    assert (subject.logprobs(ids, 1) - before.logprobs(ids, 1)).abs().max() > 100 * LIMIT, "they do something"
    assert max(subject.packed(), subject.rl(), subject.sampled()) < LIMIT
    merge_adapters(subject.model, adapters)
    assert max(subject.packed(), subject.rl(), subject.sampled()) < LIMIT
