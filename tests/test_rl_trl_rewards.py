"""The TRL backend through the stage with every reward there is, a judge over HTTP among them; killed and resumed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import MT5Config, MT5ForConditionalGeneration

from chat_server import ChatServer
from in2x.chat.profile import PromptProfile
from in2x.chat.translation import translation
from in2x.errors import In2xError, UsageError
from in2x.records import Instruction, Pair, write_records
from in2x.rl.config import JudgeConfig, RlConfig, TemperatureConfig, TrlConfig
from in2x.rl.rewards.code import walls
from in2x.rl.rewards.registry import REWARDS
from in2x.rl.stage import run
from in2x.rl.trl import grpo_arguments
from in2x.stage import Stage
from in2x.training.config import OptimizerConfig
from in2x.training.model import load_model, save_model
from in2x.training.tokenizer import train_tokenizer
from judge_reply import judge_reply
from test_rl_loop import setup


def checked(name: str, answer: str, **verifier: object) -> Instruction:
    asked = [{"role": "user", "content": f"{name}?"}]
    return Instruction(name, "en", name, asked, answer=answer, verifier={"name": name, **verifier})


def prompts() -> list[Instruction]:
    """One prompt or more for every reward; nearly untrained models answer some of them rightly."""
    facts = {"traps": ["a"], "natural": ["b", "c"], "names": {"Ann": "アン"}, "glossary": {"cats": "猫"}}
    pairs = [
        Pair("1", "en", "ja", "Ann has 3 cats.", "アンは猫を三匹飼っています。", "polite", checks=facts),
        Pair("2", "en", "ja", "One.\nTwo.", "一つ。\n二つ。", "plain"),
        # the micro-world's grammar reads this one
        Pair("3", "en", "ja", "The child ate an apple.", "子供はりんごを食べました。"),
        Pair("4", "en", "zh", "a b c", "猫在睡觉。"),
    ]
    return [
        *(translation(pair, PromptProfile()) for pair in pairs),
        checked("number", "3", value="3"), checked("choice", "a", value="A"), checked("exact", "a", value="a"),
        checked("set", "a, b", values=["a", "b"]), checked("contains", "a", any=["a", "b", "c"]),
        checked("format", "a", matches=".*[a-m]"), checked("format", "b", matches="[n-z ]*"),
        checked("code", "x = 1", tests="assert x == 1"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def metric(tmp_path_factory) -> Path:
    """A tiny random MetricX."""
    folder = tmp_path_factory.mktemp("metricx")
    tokenizer = train_tokenizer(["source: candidate: reference: a b c"] * 3, 300)
    torch.manual_seed(0)
    model = MT5ForConditionalGeneration(MT5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2, decoder_start_token_id=0,
        pad_token_id=0,
    ))  # fmt: skip
    model.save_pretrained(folder)
    # MetricX has an output matrix of its own; without one it would be drawn anew by every process.
    file = folder / "model.safetensors"
    save_file({**load_file(file), "lm_head.weight": model.lm_head.weight.detach().clone()}, file, {"format": "pt"})
    tokenizer.save_pretrained(folder)
    return folder


def stage(folder: Path) -> Stage:
    policy, _ = setup()
    for name in ("sft", "select", "data"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    save_model(policy.model, policy.tokenizer, folder / "sft" / "model")
    PromptProfile().save(folder / "sft" / "model")
    write_records(folder / "select" / "rl.parquet", prompts(), Instruction)
    write_records(folder / "data" / "pairs.dev.parquet", [Pair("d", "en", "ja", "b", "a a")], Pair)
    recipe = SimpleNamespace(seed=0, languages=SimpleNamespace(target="ja"))
    (folder / "rl").mkdir(exist_ok=True)
    return Stage("rl", recipe, folder / "rl", {n: SimpleNamespace(path=folder / n) for n in ("sft", "select", "data")})


def weights(place: Stage) -> list[torch.Tensor]:
    return list(load_model(place.out / "model").parameters())


@pytest.mark.slow
@pytest.mark.parametrize("processes", (1, 2))
def test_every_reward_trains_and_a_killed_run_ends_in_the_same_weights(tmp_path, metric, processes):
    """Killed in the middle of a batch; the judge is asked nothing twice, whatever the number of processes."""
    torchrun = f"{sys.executable} -m torch.distributed.run --nproc_per_node {processes} --master_port 2963{processes}"
    alone = sys.executable if processes == 1 else torchrun
    rewards = {name: 1.0 for name in REWARDS} | {f"metricx:{metric}": 1.0, f"metricx-src:{metric}": 1.0, "judged": 1.0}
    places = {name: stage(tmp_path / name) for name in ("whole", "cut")}

    def knobs(server: ChatServer, launch: str) -> RlConfig:
        return RlConfig(
            backend="trl", steps=3, prompts=12, samples=4, minibatch=6, max_new_tokens=5, overlong_buffer=2,
            rewards=rewards, dev_every=0, temperature=TemperatureConfig(start=1.0, end=0.6),
            run_code_unconfined=not walls(),  # an untrained model's programs of five tokens
            judge=JudgeConfig(llm={"base_url": server.url, "model": "qwen3-thinker"}, written=2),
            optimizer=OptimizerConfig(lr=1e-2, schedule="linear", warmup=0.0),
            trl=TrlConfig(vllm="none", device_batch=6, checkpointing=False, save_every=1, launch=launch),
        )  # fmt: skip

    asked = {}
    for name, place in places.items():
        with ChatServer(judge_reply("a")) as server:
            if name == "cut":
                killer = f"{alone} {Path(__file__).with_name('trl_killed.py')} 3"
                with pytest.raises(In2xError, match="ended with code"):
                    run(knobs(server, killer), place)
                assert not (place.out / "model").exists()
            run(knobs(server, "" if processes == 1 else torchrun), place)
            bodies = [str(body) for body in server.asked]
            assert len(bodies) == len(set(bodies))
            asked[name] = len(bodies)
            assert place.figures["why_failed"] == {}
    assert asked["whole"] == asked["cut"]
    start = load_model(tmp_path / "whole" / "sft" / "model").parameters()
    for before, whole, cut in zip(start, weights(places["whole"]), weights(places["cut"]), strict=True):
        assert torch.isfinite(whole).all() and torch.equal(whole, cut) and not torch.equal(before, whole)
    figures = places["cut"].figures
    assert figures["processes"] == processes
    rows = [row for row in places["cut"].log.read() if "lr" in row]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {f"reward/{name}" for name in rewards} <= {key for row in rows for key in row}


def test_processes_that_would_tear_a_group_apart_are_refused(tmp_path):
    knobs = RlConfig(backend="trl", prompts=6, samples=4, minibatch=6, rewards={"chrf": 1, "consensus": 1},
                     trl=TrlConfig(device_batch=2))  # fmt: skip
    grpo_arguments(knobs, tmp_path, 1, 0, processes=3)
    with pytest.raises(UsageError, match="consensus must see them together"):
        grpo_arguments(knobs, tmp_path, 1, 0, processes=4)
