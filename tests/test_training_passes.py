"""Passes of a step: rows, weights, attention inside documents, the thread that makes them ahead."""

from __future__ import annotations

import threading
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

import in2x.training.loss as loss
from in2x.corpus.pack import pack
from in2x.errors import In2xError
from in2x.pretrain.blocks import block_rows
from in2x.pretrain.config import PhaseConfig
from in2x.sft.config import SftConfig
from in2x.stage import Stage
from in2x.training import attention, loop, parallel
from in2x.training.attention import NAME
from in2x.training.batches import COLUMNS, Example, Rows, collate, example_rows
from in2x.training.config import LoraConfig, OptimizerConfig
from in2x.training.lora import add_adapters
from in2x.training.loss import LanguageModelingLoss
from in2x.training.model import ShapeConfig, build_model, for_device
from in2x.training.passes import ahead, divide, enough_rows, parts_of
from in2x.training.shapes import round_up
from in2x.training.tokenizer import train_tokenizer

SHAPE = ShapeConfig(width=32, layers=3, heads=4, kv_heads=2, mlp=48, vocabulary=300, context=64)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["a b c d e f g"] * 20, 300)


@pytest.fixture
def model(tokenizer):
    model = build_model(SHAPE, tokenizer, seed=0).double()
    for module in model.modules():  # their norms would go by float32, whose rounding hangs on the last bit
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = partial(torch.nn.functional.rms_norm, normalized_shape=module.weight.shape,
                                     weight=module.weight, eps=module.variance_epsilon)  # fmt: skip
    return model


def documents(seed: int, *lengths: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(3, 250, n).tolist() for n in lengths]


def asked() -> Rows:
    """Nine rows of unlike length with loss on unlike shares of them, and one without any."""
    examples = [Example(d, 1 + n % 5) for n, d in enumerate(documents(0, 7, 8, 9, 12, 13, 16, 21, 22, 30))]
    examples.append(Example(documents(1, 30)[0], 30))
    return example_rows(examples, 0)


def packed(folder) -> Rows:
    blocks = pack(documents(2, 5, 30, 17, 8, 9, 41, 3, 12, 20), 32, folder / "blocks", vocabulary=300)
    assert len(blocks) >= 4
    return block_rows([(blocks, i) for i in range(len(blocks))])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(1, 9), st.none() | st.integers(44, 200))
def test_every_row_is_in_one_pass_and_all_processes_make_as_many(lengths, processes, device_tokens):
    size = np.array(lengths)
    passes = divide(size, processes, device_tokens)
    assert len(passes) == processes and len({len(own) for own in passes}) == 1
    assert sorted(row for own in passes for part in own for row in part) == list(range(len(size)))
    for own in passes:
        for rows in own:
            assert device_tokens is None or not len(rows) or (
                len(rows) * round_up(int(size[rows].max()), COLUMNS) <= device_tokens
            )  # fmt: skip
    if device_tokens is None:
        assert len(passes[0]) == 1


def gradients(loss_of: LanguageModelingLoss, rows: Rows, monkeypatch, processes: int, device_tokens: int | None):
    """Loss and gradients of one step, as FSDP makes them: sums in a process, means over processes."""
    loss_of.zero_grad()
    value, passes = 0.0, 0
    monkeypatch.setattr(parallel, "processes", lambda: processes)
    for number in range(processes):
        monkeypatch.setattr(parallel, "rank", lambda number=number: number)
        for part in parts_of(rows, device_tokens, loss_of.prepared):
            part_loss = loss_of(part.batch, weight=part.weight, even=part.even) / processes
            part_loss.backward()
            value, passes = value + float(part_loss.detach()), passes + 1
    return value, passes, {n: p.grad.clone() for n, p in loss_of.named_parameters() if p.grad is not None}


SPLITS = [(1, 128), (1, 64), (2, None), (2, 64), (3, 32), (12, None)]


def equal_in_all_splits(loss_of: LanguageModelingLoss, rows: Rows, monkeypatch) -> None:
    whole, one, expected = gradients(loss_of, rows, monkeypatch, 1, None)
    assert one == 1 and expected
    for processes, device_tokens in SPLITS:
        value, passes, found = gradients(loss_of, rows, monkeypatch, processes, device_tokens)
        assert passes > 1 and value == pytest.approx(whole, rel=1e-7)
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, rtol=1e-6, atol=1e-8, msg=f"{name} {processes}")


@pytest.mark.parametrize("kind", ["examples", "packed", "lora"])
def test_the_gradient_is_the_same_however_a_step_is_split(model, tmp_path, monkeypatch, kind):
    if kind == "lora":
        add_adapters(model, LoraConfig(rank=4), 0)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.1)
        model.double()
    rows = packed(tmp_path) if kind == "packed" else asked()
    equal_in_all_splits(LanguageModelingLoss(model, temperature=1.3, smoothing=0.1), rows, monkeypatch)


def experts():
    from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

    torch.manual_seed(0)
    shape = Qwen3MoeConfig(
        vocab_size=300, hidden_size=32, intermediate_size=32, moe_intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, num_experts=4, num_experts_per_tok=2,
        router_aux_loss_coef=0.01, output_router_logits=False,
    )  # fmt: skip
    model = for_device(Qwen3MoeForCausalLM(shape)).double()
    model.set_experts_implementation("eager")
    return model


def test_a_mixture_of_experts_has_the_same_cross_entropy_and_the_balance_loss_counts_once(monkeypatch):
    loss_of = LanguageModelingLoss(experts())
    assert loss_of.balance == 0.01
    monkeypatch.setattr(loss_of, "fits", lambda _: False)  # by the plain pass, as its training goes
    loss_of.balance = 0.0
    equal_in_all_splits(loss_of, asked(), monkeypatch)
    for processes, device_tokens in SPLITS:
        monkeypatch.setattr(parallel, "processes", lambda processes=processes: processes)
        even = 0.0
        for number in range(processes):
            monkeypatch.setattr(parallel, "rank", lambda number=number: number)
            even += sum(part.even for part in parts_of(asked(), device_tokens, lambda batch: batch)) / processes
        assert even == pytest.approx(1.0)


def test_training_in_passes_ends_in_the_weights_of_training_in_one(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("IN2X_COMPUTE", "float32")
    found, figures = [], []
    for device_tokens in (None, 64):
        model = build_model(SHAPE, tokenizer, 0)
        place = Stage("sft", SimpleNamespace(seed=0), tmp_path / str(device_tokens))
        place.out.mkdir()
        plan = loop.Plan(6, lambda step: asked(), {}, device_tokens)
        knobs = OptimizerConfig(lr=1e-2, schedule="constant")
        figures.append(loop.train(model, plan, knobs, place, what="t", compiled=False))
        found.append(dict(model.named_parameters()))
    assert figures[0]["tokens"] == figures[1]["tokens"]
    for name, parameter in found[0].items():
        torch.testing.assert_close(found[1][name], parameter, rtol=1e-3, atol=1e-4, msg=name)


def test_selective_checkpointing_computes_every_second_layer_again(tokenizer, tmp_path):
    calls = {}
    for how in (False, "selective", True):
        model = build_model(SHAPE, tokenizer, 0)
        count = calls.setdefault(how, [])
        for layer in model.model.layers:
            layer.mlp.register_forward_pre_hook(lambda *_, count=count: count.append(1))
        place = Stage("sft", SimpleNamespace(seed=0), tmp_path / str(how))
        place.out.mkdir()
        plan = loop.Plan(1, lambda step: asked(), {})
        loop.train(model, plan, OptimizerConfig(), place, what="t", compiled=False, checkpointing=how)
    plain, selective, full = (len(calls[how]) for how in (False, "selective", True))
    assert full == 2 * plain and plain < selective < full


class Largest(TorchDispatchMode):
    """The most elements that any tensor made under it has."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.untyped_storage().nbytes() // tensor.element_size())
        return out


@pytest.mark.parametrize("kind", ["examples", "packed"])
@pytest.mark.parametrize("family", ["ours", "experts"])
def test_attention_document_by_document_is_the_dense_one(model, tmp_path, monkeypatch, kind, family):
    """Loss and gradients; and no tensor of length x length is made."""
    loss_of = LanguageModelingLoss(model if family == "ours" else experts())
    loss_of.balance = 0.0
    assert loss_of.model.config._attn_implementation == NAME
    rows = packed(tmp_path) if kind == "packed" else asked()
    dense = gradients(loss_of, rows, monkeypatch, 1, None)
    monkeypatch.setattr(loss, "LONG", 8)
    assert loss_of.prepared(rows.make(np.arange(3))).borders is not None
    found = gradients(loss_of, rows, monkeypatch, 1, None)
    assert found[0] == pytest.approx(dense[0], rel=1e-7)
    for name, gradient in dense[2].items():
        torch.testing.assert_close(found[2][name], gradient, rtol=1e-6, atol=1e-8, msg=name)


def test_the_kernel_of_gpus_is_called_as_it_wants_to_be(monkeypatch):
    """Without a GPU: on tensors without values, shapes and types of its forward and backward pass."""
    monkeypatch.setattr(attention, "VARIABLE", {"cpu"})
    with FakeTensorMode():
        query, key, value = (torch.empty(2, h, 256, 64, dtype=torch.bfloat16, requires_grad=True) for h in (8, 2, 2))
        borders = torch.empty(7, dtype=torch.int32)
        out = attention.by_document(query, key, value, borders, 128, 0.1)
        out.sum().backward()
    assert out.shape == (2, 256, 8, 64) and out.dtype == torch.bfloat16
    assert key.grad is not None and key.grad.shape == key.shape


def test_a_long_row_makes_nothing_of_length_times_length(tokenizer):
    model = build_model(SHAPE.model_copy(update={"context": 4096}), tokenizer, 0)
    loss_of = LanguageModelingLoss(model)
    batch = loss_of.prepared(collate([Example(documents(0, 3000)[0], 2990)], 0))
    with Largest() as largest:
        loss_of(batch).backward()
    assert largest.elements < 3000 * 3000


def test_batches_come_in_order_from_another_thread_and_a_fault_comes_where_its_batch_would():
    names = []

    def make(step):
        names.append(threading.current_thread().name)
        if step == 7:
            raise In2xError("no block 7")
        return step

    coming = ahead(make, 3, 10)
    assert [next(coming) for _ in range(4)] == [3, 4, 5, 6]
    with pytest.raises(In2xError, match="no block 7"):
        next(coming)
    assert threading.current_thread().name not in names
    assert list(ahead(make, 5, 5)) == []
    closed = ahead(make, 0, 6)
    next(closed)
    closed.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("batches")]


def test_what_does_not_fit_is_one_sentence(monkeypatch):
    with pytest.raises(ValidationError, match="device_tokens 512 is less than one block of 1024 tokens"):
        PhaseConfig(tokens=10**6, context=1024, batch_tokens=4096, device_tokens=512)
    with pytest.raises(ValidationError, match="device_tokens 64 holds no example of max_tokens 128"):
        SftConfig(max_tokens=128, device_tokens=64)
    monkeypatch.setattr(parallel, "processes", lambda: 8)
    enough_rows("phase1", 8 * 1024, 1024)
    with pytest.raises(In2xError, match=r"phase1: a step of 4,096 tokens is 4 row\(s\) of 1,024, too few for 8"):
        enough_rows("phase1", 4096, 1024)
