"""Steps on tensors without numbers: the formulas of `in2x plan` agree with them, and they with real steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from in2x.cost import formula
from in2x.cost.formula import step_flops, step_memory
from in2x.cost.hardware import Hardware
from in2x.cost.job import Job, jobs
from in2x.cost.shape import Shape
from in2x.errors import In2xError
from in2x.recipe import load_recipe
from in2x.trace.fake import config_of, empty_model
from in2x.trace.fit import largest
from in2x.trace.step import Traced, trace
from in2x.training import entropy, parallel
from in2x.training.config import LoraConfig, OptimizerConfig

ROOT = Path(__file__).parents[1]
DENSE = Shape(6, 1024, 16, 16, 2816, 32000, 64, False)
GROUPED = replace(DENSE, kv_heads=4)
EXPERTS = Shape(6, 1024, 16, 4, 768, 32000, 64, False, experts=16, chosen=4)
SHAPES = {
    "dense": DENSE, "grouped": GROUPED, "tied": replace(GROUPED, tied=True), "experts": EXPERTS, "lora": GROUPED,
}  # fmt: skip
JOB = Job("sft", 8, 2, 2048, 2, True)


def config(shape: Shape):
    if not shape.experts:
        return config_of(shape)
    return config_of(shape, "qwen3_moe", num_experts=shape.experts, num_experts_per_tok=shape.chosen,
                     moe_intermediate_size=shape.mlp)  # fmt: skip


@pytest.mark.parametrize("checkpointing", [True, False])
@pytest.mark.parametrize("name", SHAPES)
def test_formulas_agree_with_the_code(name, checkpointing):
    shape = SHAPES[name]
    job = replace(JOB, checkpointing=checkpointing, lora=LoraConfig(rank=16 if name == "lora" else 0))
    traced = trace(config(shape), job)
    assert step_memory(shape, job) == pytest.approx(traced.memory, rel=0.1)
    assert step_flops(shape, job) == pytest.approx(traced.flops, rel=0.03)


@pytest.mark.parametrize(
    "change",
    [{"processes": 1}, {"processes": 1, "checkpointing": False}, {"policy": True}, {"policy": True, "processes": 1},
     {"checkpointing": "selective"}, {"optimizer": OptimizerConfig(name="muon", ema=0.9)}, {"rows": 1, "passes": 1}],
    ids=str,
)  # fmt: skip
def test_formulas_agree_in_other_steps(change):
    job = replace(JOB, **change)
    traced = trace(config(GROUPED), job)
    assert step_memory(GROUPED, job) == pytest.approx(traced.memory, rel=0.1)
    assert step_flops(GROUPED, job) == pytest.approx(traced.flops, rel=0.03)


def test_parameters_are_those_of_the_model():
    for shape in SHAPES.values():
        model = empty_model(config(shape), gpu=True)
        assert shape.parameters == pytest.approx(sum(p.numel() for p in model.parameters()), rel=1e-3)
    assert (formula.CHUNK, formula.ONE_PIECE) == (entropy.CHUNK, entropy.ONE_PIECE)


def test_what_a_step_holds_by_kind():
    one, eight = (trace(config(GROUPED), replace(JOB, processes=n)) for n in (1, 8))
    weights = 4 * GROUPED.parameters
    for traced, share in ((one, weights), (eight, weights / 8)):
        assert traced.peak["parameters"] == pytest.approx(share, rel=0.01)
        assert traced.peak["gradients"] == pytest.approx(share, rel=0.01)
        assert traced.peak["optimizer"] == pytest.approx(2 * share, rel=0.01)
    assert (one.peak["gathered"], one.sent) == (0, {})
    # Each pass gathers the layers twice and the embeddings once or twice in bfloat16, and sums all gradients in fp32.
    layers, embeddings = GROUPED.layers * GROUPED.layer, 2 * GROUPED.embedding
    gathered = eight.sent["all-gather"] / JOB.passes / 2
    assert 2 * layers + embeddings < gathered * 1.001 and gathered < 2 * (layers + embeddings) * 1.001
    assert eight.sent["reduce-scatter"] == pytest.approx(4 * JOB.passes * GROUPED.parameters, rel=0.01)
    assert not torch.distributed.is_initialized() and parallel.processes() == 1


def test_the_first_pass_holds_no_gradients_of_others():
    once = trace(config(GROUPED), replace(JOB, passes=1))
    assert once.memory < trace(config(GROUPED), JOB).memory


def test_as_many_tokens_fit_as_are_said_to():
    job, room = replace(JOB, rows=1), 1.6e9
    made: dict[int, Traced] = {}

    def look(job: Job) -> Traced:
        return made.setdefault(job.rows, made.get(job.rows) or trace(config(GROUPED), job))

    most = largest(look, job, room)
    assert most % job.length == 0
    rows = most // job.length
    assert look(replace(job, rows=rows)).memory <= room < look(replace(job, rows=rows + 2)).memory
    assert largest(look, job, 0.5e9) is None
    assert len(made) <= 5


def test_experts_on_one_device_are_refused_in_words():
    with pytest.raises(In2xError, match="mixture of experts"):
        trace(config(EXPERTS), replace(JOB, processes=1))


def test_jobs_of_a_recipe_and_what_would_not_start(tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text(
        "name: r\nbase: {model: Qwen/Qwen3-8B-Base}\npretrain:\n"
        "  phase1: {tokens: 4194304, context: 8192, batch_tokens: 1048576, device_tokens: 20000}\n"
        "rl: {backend: trl, trl: {device_batch: 3}}\n"
    )
    found = {job.stage: job for job in jobs(load_recipe(file), 8)}
    phase = found["pretrain phase1"]
    assert (phase.rows, phase.length, phase.passes, phase.problem) == (2, 8192, 8, "")
    assert "no multiple of 3 on each of 8 devices" in found["rl"].problem
    many = {job.stage: job for job in jobs(load_recipe(file), 512)}
    assert many["pretrain phase1"].problem == (
        "a step of 1,048,576 tokens is 128 row(s) of 8,192, too few for 512 devices: raise batch_tokens to 4,194,304 "
        "or take at most 128"
    )


def test_plan_traces_a_recipe(in2x, tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text(
        "name: r\nbase: {shape: {width: 64, layers: 2, heads: 2, kv_heads: 1, mlp: 128, vocabulary: 1000}}\n"
    )
    code, out, _ = in2x("plan", file, "--trace", "--device", "h100", "--devices", "2", "--json")
    assert code == 0
    stages = json.loads(out)["stages"]
    assert [s["job"]["stage"] for s in stages] == [
        "base", "pretrain phase1", "pretrain phase2", "pretrain phase3", "sft", "rl"]  # fmt: skip
    assert all(s["fits"] and s["device_tokens"] >= s["job"]["length"] for s in stages)
    code, out, _ = in2x("plan", file, "--trace")
    assert code == 0 and "activations" in out and "device_tokens" in out


def test_plan_counts_money(in2x, tmp_path):
    code, out, _ = in2x("plan", ROOT / "recipes" / "demo.yaml", "--out", tmp_path / "new", "--price", "2.5", "--json")
    costs = json.loads(out)["costs"]
    assert code == 0 and costs[0]["money"] == pytest.approx(2.5 * costs[0]["device_hours"])
    assert Hardware("h100", 8, 0.4).price is None


@pytest.mark.slow
@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_real_step_takes_what_its_trace_says(checkpointing, monkeypatch):
    from trace_worker import LENGTH, ROWS, SHAPE

    monkeypatch.setenv("IN2X_COMPUTE", "float32")
    traced = trace(config_of(SHAPE), Job("sft", 1, ROWS, LENGTH, 1, checkpointing), gpu=False)
    # Freed memory goes back at once: else the allocator's own store would be measured.
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "trace_worker.py"), str(int(checkpointing))],
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert int(done.stdout.split()[-1]) == pytest.approx(traced.memory, rel=0.15)
