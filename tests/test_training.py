"""The training core: batches, loss, schedules, optimizer, tokenizer, model folders and exact resume."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import in2x.training.compiling as compiling
import in2x.training.loop as loop
from in2x.corpus.pack import pack
from in2x.errors import In2xError
from in2x.pretrain.blocks import block_batch, plan_blocks
from in2x.records import Instruction
from in2x.stage import Log, Stage
from in2x.training.batches import COLUMNS, Example, collate, example_rows, plan_batches
from in2x.training.examples import ExampleTable, chat_examples
from in2x.training.loss import LanguageModelingLoss, hidden_states
from in2x.training.model import ShapeConfig, build_model, load_model, load_tokenizer, save_model
from in2x.training.optimizer import Average, Optimizer, OptimizerConfig, learning_rate_factor
from in2x.training.precision import autocast
from in2x.training.shapes import round_up
from in2x.training.tokenizer import train_tokenizer

SHAPE = ShapeConfig(width=32, layers=2, heads=4, kv_heads=2, mlp=48, vocabulary=400, context=64)
TEXTS = [
    "the cat sat on the mat.",
    "猫がマットの上に座った。",
    "私はコーヒーを３杯飲みました。",
    "我昨天去了学校。",
] * 20


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, 400)


@pytest.fixture
def model(tokenizer):
    return build_model(SHAPE, tokenizer, seed=0)


def stage(folder: Path, name: str = "sft") -> Stage:
    folder.mkdir(parents=True, exist_ok=True)
    return Stage(name, SimpleNamespace(seed=0), folder)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=200), st.integers(16, 300), st.integers(0, 5))
def test_every_example_is_in_one_batch_within_the_budget(lengths, budget, seed):
    batches = plan_batches(lengths, budget, seed, 0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) == 1 or len(rows) * round_up(max(lengths[i] for i in rows), COLUMNS) <= budget
    again = plan_batches(lengths, budget, seed, 0)
    assert all((a == b).all() for a, b in zip(batches, again, strict=True))


def test_little_padding():
    lengths = np.random.default_rng(0).integers(5, 60, 5000)
    computed = sum(len(b) * round_up(max(lengths[i] for i in b), COLUMNS) for b in plan_batches(lengths, 2048, 0, 0))
    assert computed / lengths.sum() < 1.08


def test_few_shapes_however_many_lengths_and_passes():
    """A matrix kernel is made for every shape that is new, so lengths are rounded and cuts are those of every pass."""
    lengths = np.random.default_rng(1).integers(5, 60, 5000)
    shapes = {
        (len(b), round_up(max(lengths[i] for i in b), COLUMNS))
        for e in range(4)
        for b in plan_batches(lengths, 2048, 0, e)
    }
    assert len(shapes) < 45


def test_collate_puts_loss_on_the_answer():
    batch = collate([Example([5, 6, 7, 8], 2), Example([9, 10, 1], 1)], pad=0)
    assert batch.ids.tolist() == [[5, 6, 7, 8], [9, 10, 1, 0]]
    assert batch.where.tolist() == [1, 2, 4, 5]
    assert batch.targets.tolist() == [7, 8, 10, 1]


@pytest.mark.parametrize(("temperature", "smoothing"), [(1.0, 0.0), (1.5, 0.0), (0.7, 0.1)])
def test_loss_is_the_cross_entropy_of_scaled_logits(model, temperature, smoothing):
    examples = [Example([5, 6, 7, 8, 9], 2), Example([10, 11, 12], 1)]
    loss = float(LanguageModelingLoss(model, temperature, smoothing)(collate(examples, 0)).detach())
    total, count = 0.0, 0
    for example in examples:
        with torch.no_grad():
            logits = model(torch.tensor([example.tokens])).logits[0].double() / temperature
        logs = torch.log_softmax(logits, -1)
        for place in range(example.answer_start, len(example.tokens)):
            row = logs[place - 1]
            total -= float((1 - smoothing) * row[example.tokens[place]] + smoothing * row.mean())
            count += 1
    assert loss == pytest.approx(total / count, rel=1e-5)


def test_batches_in_the_form_of_packed_blocks_have_the_same_loss(model):
    loss_of = LanguageModelingLoss(model)
    batch = collate([Example([5, 6, 7, 8, 9], 2), Example([10, 11, 12], 1)], 0)
    plain = float(loss_of(batch).detach())
    loss_of.one_graph = True
    assert float(loss_of(batch).detach()) == pytest.approx(plain, rel=1e-6)


def test_a_small_batch_runs_outside_the_compiled_graph(model, monkeypatch):
    calls = []

    def backend(graph, inputs):
        def run(*arguments):
            calls.append(graph)
            return graph.forward(*arguments)

        return run

    full = collate([Example([5, 6, 7, 8, 9, 10, 11], 1)] * 8, 0)
    small = collate([Example([5, 6, 7, 8, 9], 2)], 0)
    expected = [float(LanguageModelingLoss(model)(batch).detach()) for batch in (full, small)]
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    torch._dynamo.reset()
    loss_of = LanguageModelingLoss(model, compiled=True)
    loss_of.smallest = 40
    assert float(loss_of(full).detach()) == pytest.approx(expected[0], rel=1e-5)
    through_graph = len(calls)
    assert through_graph
    assert float(loss_of(small).detach()) == pytest.approx(expected[1], rel=1e-5)
    assert len(calls) == through_graph
    torch._dynamo.reset()


def test_a_document_does_not_see_its_neighbour(model, tmp_path):
    """Changing one document of a packed block leaves the other's hidden states as they are, and equal to its own."""
    first, second = [5, 6, 7, 8, 1], [9, 10, 11, 1]
    other = [50, 51, 52, 53, 1]
    blocks = [pack([a, second], 16, tmp_path / str(n), vocabulary=400, pad=0) for n, a in enumerate((first, other))]
    states = [hidden_states(model, block_batch([(b, 0)])).detach() for b in blocks]
    torch.testing.assert_close(states[0][0, 5:9], states[1][0, 5:9], rtol=0, atol=0)
    assert not torch.allclose(states[0][0, :5], states[1][0, :5])
    alone = model.model(input_ids=torch.tensor([second])).last_hidden_state.detach()
    torch.testing.assert_close(states[0][0, 5:9], alone[0], rtol=1e-4, atol=1e-5)


def test_packed_loss_never_predicts_across_documents(tmp_path):
    blocks = pack([[5, 6, 1], [9, 10, 11, 1]], 8, tmp_path / "b", vocabulary=400, pad=0)
    batch = block_batch([(blocks, 0)])
    flat = batch.ids.reshape(-1)
    assert (flat[batch.where] != 1).all()
    assert len(batch.where) == 5


def test_block_plan_is_whole_epochs():
    plan = plan_blocks(10, 4, 10, seed=3)
    seen = np.concatenate(plan)
    assert sorted(seen[:10].tolist()) == list(range(10))
    assert np.bincount(seen).tolist() == [4] * 10


@pytest.mark.parametrize(
    ("schedule", "step", "value"),
    [
        ("constant", 99, 1.0), ("linear", 0, 1.0), ("linear", 50, 0.5), ("cosine", 50, 0.5), ("cosine", 25, 0.853553),
        ("trapezoid", 0, 1.0), ("trapezoid", 70, 1.0), ("trapezoid", 85, 0.5),
    ],
)  # fmt: skip
def test_schedules(schedule, step, value):
    assert learning_rate_factor(schedule, step, 100) == pytest.approx(value, abs=1e-6)


def test_warm_up_rises():
    factors = [learning_rate_factor("constant", s, 100, warmup=0.1) for s in range(12)]
    assert factors == sorted(factors)
    assert 0 < factors[0] < 0.2
    assert factors[10] == 1.0


def test_average_is_the_weighted_mean_of_the_past():
    parameter = torch.nn.Parameter(torch.zeros(3))
    average = Average([parameter], 0.5)
    expected = torch.zeros(3)
    for step in range(1, 6):
        with torch.no_grad():
            parameter += 1.0
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * parameter.detach()
    average.swap()
    torch.testing.assert_close(parameter.detach(), expected)
    average.swap()
    assert parameter.tolist() == [5, 5, 5]


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_optimizer_state_survives(model, tokenizer, name):
    twin = build_model(SHAPE, tokenizer, seed=0)
    config = OptimizerConfig(name=name, lr=1e-2, matrix_lr=1e-2)
    one, two = Optimizer(model, config), Optimizer(twin, config)
    batch = collate([Example([5, 6, 7, 8, 9], 1)], 0)

    def step(m, optimizer):
        LanguageModelingLoss(m)(batch).backward()
        optimizer.step(1.0)

    step(model, one)
    step(model, one)
    step(twin, two)
    fresh = Optimizer(twin, config)
    fresh.load_state_tensors(two.state_tensors())
    step(twin, fresh)
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


class Killed(Exception):
    """Stands for kill -9 in these tests; tests/test_run.py kills real processes."""


def run_training(
    folder: Path, tokenizer, monkeypatch, die_at: int | None, compiled: bool = False
) -> list[torch.Tensor]:
    model = build_model(SHAPE, tokenizer, seed=0)
    rng = np.random.default_rng(0)
    rows = [Example(rng.integers(5, 300, 12).tolist(), 3) for _ in range(64)]

    def batch(step: int):
        if step == die_at:
            raise Killed
        return example_rows([rows[(step * 4 + i) % 64] for i in range(4)], 0)

    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    config = OptimizerConfig(name="muon", lr=1e-2, matrix_lr=1e-2, ema=0.9)
    loop.train(model, loop.Plan(60, batch, {}), config, stage(folder), what="t", compiled=compiled)
    return [p.detach().clone() for p in model.parameters()]


@pytest.mark.usefixtures("compute")
def test_a_killed_run_ends_in_the_same_weights_and_log(tokenizer, tmp_path, monkeypatch):
    whole = run_training(tmp_path / "whole", tokenizer, monkeypatch, None)
    with pytest.raises(Killed):
        run_training(tmp_path / "cut", tokenizer, monkeypatch, 47)
    resumed = run_training(tmp_path / "cut", tokenizer, monkeypatch, None)
    for a, b in zip(whole, resumed, strict=True):
        assert torch.equal(a, b)
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / f / "log.jsonl").read_text().splitlines()]
        for f in ("whole", "cut")
    ]
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0]


def test_killed_behind_its_last_step_it_keeps_its_figures(tokenizer, tmp_path, monkeypatch):
    train, measure, told = loop.train, loop._measure, []
    monkeypatch.setattr(loop, "train", lambda *a, **more: told.append(train(*a, **more)))
    run_training(tmp_path / "whole", tokenizer, monkeypatch, None)

    def killed(*_, **__):
        raise Killed

    monkeypatch.setattr(loop, "_measure", killed)
    with pytest.raises(Killed):
        run_training(tmp_path / "cut", tokenizer, monkeypatch, None)
    monkeypatch.setattr(loop, "_measure", measure)
    run_training(tmp_path / "cut", tokenizer, monkeypatch, None)
    assert told[1]["loss"] == told[0]["loss"] and set(told[1]) == set(told[0])


def test_what_closes_a_log_stands_there_once(tmp_path):
    log = Log(tmp_path / "log.jsonl")
    log.write({"step": 1, "loss": 0.5})
    for _ in range(2):
        log.write_once({"step": 2, "dev_loss/ja": 0.25, "at": (1, 2)})
    log.write_once({"step": 2, "dev_loss/ja": 0.125})
    assert [row["step"] for row in log.read()] == [1, 2, 2]


@pytest.mark.slow
@pytest.mark.skipif(not compiling.can_compile(), reason="no C++ compiler")
@pytest.mark.usefixtures("compute")
def test_a_killed_compiled_run_ends_in_the_same_weights(tokenizer, tmp_path, monkeypatch):
    whole = run_training(tmp_path / "whole", tokenizer, monkeypatch, None, compiled=True)
    with pytest.raises(Killed):
        run_training(tmp_path / "cut", tokenizer, monkeypatch, 47, compiled=True)
    resumed = run_training(tmp_path / "cut", tokenizer, monkeypatch, None, compiled=True)
    for a, b in zip(whole, resumed, strict=True):
        assert torch.equal(a, b)


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_comes_back(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    if not any(special in text for special in tokenizer.all_special_tokens):
        assert tokenizer.decode(ids) == text


def test_chat_examples_learn_the_answer_and_the_end(tokenizer):
    instruction = Instruction("1", "ja", "translate", [{"role": "user", "content": "the cat"}], answer="猫")
    (example,) = chat_examples(tokenizer, [instruction], max_tokens=64)
    assert tokenizer.decode(example.tokens[: example.answer_start]) == "<|user|>the cat<|assistant|>"
    assert tokenizer.decode(example.tokens[example.answer_start :]) == "猫<|end|>"
    assert not list(chat_examples(tokenizer, [instruction], max_tokens=3))


def test_a_template_that_rewrites_the_prompt_is_refused(tokenizer):
    import copy

    bad = copy.deepcopy(tokenizer)
    bad.chat_template = "{{ messages | length }}:{% for m in messages %}{{ m['content'] }}{% endfor %}"
    instruction = Instruction("1", "ja", "translate", [{"role": "user", "content": "the cat"}], answer="猫")
    with pytest.raises(In2xError, match="rewrites the prompt"):
        list(chat_examples(bad, [instruction], max_tokens=64))


def test_example_table_on_disk(tmp_path):
    rows = [Example([1, 2, 3], 1), Example([4, 5], 1), Example(list(range(30)), 7)]
    table = ExampleTable.write(tmp_path / "t", iter(rows))
    assert [table[i] for i in range(3)] == rows
    assert table.lengths.tolist() == [3, 2, 30]
    assert len(ExampleTable.write(tmp_path / "t", iter([]))) == 3  # a finished table is taken as it is


def test_the_folder_loads_without_in2x(model, tokenizer, tmp_path):
    """A model folder is plain Hugging Face: transformers alone loads it and gives the same logits."""
    save_model(model, tokenizer, tmp_path / "m")
    ids = tokenizer("猫がマットの上に", add_special_tokens=False)["input_ids"]
    code = (
        "import sys, json, torch\n"
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        "m = AutoModelForCausalLM.from_pretrained(sys.argv[1])\n"
        "t = AutoTokenizer.from_pretrained(sys.argv[1])\n"
        "assert 'in2x' not in sys.modules and t.chat_template\n"
        "ids = t('猫がマットの上に', add_special_tokens=False)['input_ids']\n"
        "print(json.dumps([ids, m(torch.tensor([ids])).logits[0, -1].tolist()]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "m")], capture_output=True, text=True, check=True)
    other_ids, logits = json.loads(done.stdout.strip().splitlines()[-1])
    assert other_ids == ids
    with torch.no_grad():
        own = load_model(tmp_path / "m")(torch.tensor([ids])).logits[0, -1]
    torch.testing.assert_close(torch.tensor(logits), own, rtol=1e-4, atol=1e-5)
    assert load_tokenizer(tmp_path / "m").decode(ids) == "猫がマットの上に"


def test_not_a_model(tmp_path):
    with pytest.raises(In2xError, match="not a model"):
        load_model(tmp_path)
    with pytest.raises(In2xError, match="not a model"):
        load_tokenizer(tmp_path)


@pytest.mark.usefixtures("compute")
def test_held_out_loss_is_the_mean_over_tokens(model):
    batches = [collate([Example([5, 6, 7], 1)], 0), collate([Example([8, 9, 10, 11, 12], 1)], 0)]
    total = count = 0.0
    for batch in batches:
        with torch.no_grad(), autocast(torch.device("cpu")):
            total += float(LanguageModelingLoss(model)(batch)) * len(batch.targets)
        count += len(batch.targets)
    assert loop.held_out_loss(LanguageModelingLoss(model), batches) == pytest.approx(total / count)
    assert 0 < loop.held_out_loss(LanguageModelingLoss(model), batches) < 2 * math.log(400)


def test_a_batch_moves_whole_to_another_device() -> None:
    batch = collate([Example([5, 6, 7, 8], 2), Example([5, 6], 1)], 0)
    batch.starts = torch.zeros_like(batch.ids)
    moved = batch.to(torch.device("meta"))
    for name in ("ids", "where", "targets", "starts"):
        assert getattr(moved, name).device.type == "meta" and getattr(moved, name).shape == getattr(batch, name).shape
    assert moved.positions is None and moved.shared is None and batch.ids.device.type == "cpu"


def test_a_plan_without_steps_is_empty():
    assert plan_blocks(5, 4, 0, 0) == []


@pytest.mark.usefixtures("compute")
def test_checkpointing_changes_memory_not_numbers(tmp_path):
    found = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        tokenizer = train_tokenizer(["a b c d e f g"] * 20, 300)
        model = build_model(ShapeConfig(width=32, layers=2, heads=2, kv_heads=1, mlp=32, vocabulary=300), tokenizer, 0)
        calls = []
        model.model.layers[0].mlp.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        plan = loop.Plan(3, lambda k: example_rows([Example([5, 6, 7, 8, 9 + k], 1)], 0), {})
        stage = Stage("sft", SimpleNamespace(seed=0), tmp_path / str(checkpointing))
        stage.out.mkdir()
        knobs = OptimizerConfig(lr=1e-2, schedule="constant")
        loop.train(model, plan, knobs, stage, what="sft", compiled=False, checkpointing=checkpointing)
        found.append((len(calls), [p.detach() for p in model.parameters()]))
    assert found[1][0] == 2 * found[0][0]  # every layer ran once more, in the backward pass
    for a, b in zip(found[0][1], found[1][1], strict=True):
        assert torch.equal(a, b)


def test_compiling_is_decided_by_the_work_and_said(model, monkeypatch):
    """A function of the plan and the compute type: a run that is resumed decides as before."""
    monkeypatch.setenv("IN2X_COMPUTE", "float32")
    monkeypatch.setattr(compiling, "can_compile", lambda: True)
    size = SHAPE.layers * SHAPE.width
    even = compiling.COMPILING / (compiling.SAVED[torch.float32] * size * 1000)  # steps of 1,000 tokens
    few, many = (compiling.decide("auto", model, round(share * even), 1000) for share in (0.9, 1.1))
    assert (few.compiled, many.compiled) == (False, True)
    assert few.why.startswith("not compiled: ") and "steps of 1,000 tokens save some" in few.why
    assert "float32 (" in many.why
    assert compiling.decide(True, model, 1, 1).compiled and not compiling.decide(False, model, 10**9, 1000).compiled
    monkeypatch.setattr(compiling, "can_compile", lambda: False)
    assert "no C++ compiler" in compiling.decide(True, model, 10**9, 1000).why


def test_steps_too_small_for_the_graph_are_counted_and_said(tokenizer, tmp_path, monkeypatch, capsys):
    """Compiled without a compiler (each layer as it is): what runs outside of the graph is a figure, resumed or not."""
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    monkeypatch.setattr(torch.nn.Module, "compile", lambda *_, **__: None)
    monkeypatch.setattr(compiling, "can_compile", lambda: True)
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)

    def go(folder: Path, die_at: int | None) -> dict[str, float]:
        def batch(step: int):
            if step == die_at:
                raise Killed
            return example_rows([Example([5, 6, 7, 8], 1)] * (2 if step % 4 == 0 else 8), 0)

        plan = loop.Plan(60, batch, {})
        knobs = OptimizerConfig(lr=1e-2)
        return loop.train(build_model(SHAPE, tokenizer, 0), plan, knobs, stage(folder), what="t", compiled=True)

    figures = go(tmp_path / "whole", None)
    assert (figures["compiled"], figures["eager_steps"]) == (1, 15)
    said = " ".join(capsys.readouterr().err.split())
    assert "compiled, as the recipe asks" in said and "15 of 60 steps ran outside of the compiled graph" in said
    with pytest.raises(Killed):
        go(tmp_path / "cut", 47)
    assert go(tmp_path / "cut", None)["eager_steps"] == 15


def test_each_kind_of_processor_has_its_own_compiled_code(tmp_path, monkeypatch):
    monkeypatch.setenv(compiling.CACHE, str(tmp_path))
    found = set()
    for capability in ("AVX2", "AVX512", "AVX512"):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda capability=capability: capability)
        compiling.own_cache()
        found.add(Path(os.environ[compiling.CACHE]))
    assert len(found) == 2 and {folder.parent for folder in found} == {tmp_path}
