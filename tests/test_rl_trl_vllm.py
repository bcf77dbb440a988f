"""`rl.trl.vllm: server` from the stage to the new weights, against a stand-in of vLLM's HTTP routes.

Replaced in this process: that vLLM is installed, the CUDA device of the transfer, and NCCL itself. TRL's client and
generation are TRL's, line by line, and so is every request.
"""

from __future__ import annotations

import json
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
import torch
import trl.generation.vllm_client as client
import trl.generation.vllm_generation as generation

from in2x.errors import In2xError
from in2x.rl import trl_job
from in2x.rl.config import TrlConfig
from in2x.rl.objective import objective
from in2x.rl.schedule import temperature_at
from in2x.rl.stage import run
from in2x.rl.trl import TrajectoryTrainer
from in2x.training.config import LoraConfig
from in2x.training.model import load_model
from test_rl_trl import config, prepared
from vllm_server import VllmServer


def broadcast(server: VllmServer):
    """In the place of vLLM's NCCL broadcast: the same tensors in the same order, copied as a broadcast does."""

    def producer(iterator, group, src, post_iter_func):
        assert group is not None and src == 0
        for item in iterator:
            server.send.put(post_iter_func(item).detach().clone())

    return producer


@pytest.fixture
def vllm(monkeypatch):
    """vLLM 0.28 or later, as far as TRL's client asks; returns what connects it to a stand-in."""
    package = ModuleType("vllm")
    package.__spec__ = ModuleSpec("vllm", None)
    monkeypatch.setitem(sys.modules, "vllm", package)
    monkeypatch.setattr(client, "is_vllm_available", lambda *_, **__: True)
    monkeypatch.setattr(generation, "is_vllm_available", lambda *_, **__: True)
    monkeypatch.setattr(client, "_HAS_STATEFUL_TRAINER_ENGINE", True)
    monkeypatch.setattr(client, "_HAS_RESET_PREFIX_CACHE_SUCCESS", True)
    monkeypatch.setattr(client, "get_ip", lambda: "127.0.0.1", raising=False)
    monkeypatch.setattr(client, "open_trainer_endpoint", lambda info: ("group of", info["world_size"]), raising=False)
    monkeypatch.setattr(client.VLLMClient, "close_communicator", lambda self: None)  # it closes NCCL's sockets
    real = client.VLLMClient.init_communicator
    monkeypatch.setattr(client.VLLMClient, "init_communicator", lambda self, device: real(self, device="cuda"))
    # The training process in this one.
    monkeypatch.setattr(
        trl_job, "start",
        lambda command, stage, figures: (trl_job.train(Path(command[-1])), json.loads(figures.read_text()))[1],
    )  # fmt: skip

    def connect(server: VllmServer) -> None:
        monkeypatch.setattr(client, "packed_nccl_broadcast_producer", broadcast(server), raising=False)

    return connect


def knobs(server: VllmServer, **changes):
    trl = TrlConfig(vllm="server", vllm_url=server.url, device_batch=4, checkpointing=True, save_every=1)
    return config(rewards={"format": 1.0}, trl=trl, **changes)


@pytest.mark.parametrize("rank", (0, 2))
def test_a_server_gives_the_answers_and_follows_temperature_and_weights(tmp_path, vllm, monkeypatch, rank):
    batches = []
    scored = TrajectoryTrainer._generate_and_score_completions

    def seen(self, inputs):
        output = scored(self, inputs)
        batches.append((self.temperature, {k: v for k, v in output.items() if isinstance(v, torch.Tensor)}))
        return output

    monkeypatch.setattr(TrajectoryTrainer, "_generate_and_score_completions", seen)
    place = prepared(tmp_path, config())
    with VllmServer(place.input("sft") / "model") as server:
        vllm(server)
        settings = knobs(server, lora=LoraConfig(rank=rank))
        run(settings, place)
    asked = [temperature_at(settings.temperature, step, 3) for step in range(3)]
    assert [body["temperature"] for body in server.completions] == asked == [1.0, 0.8, 0.6]
    assert all(body["n"] == 4 and len(body["prompt"]) == 4 and body["max_tokens"] == 5 for body in server.completions)
    # Each batch is answered by the weights of its time: one update before each, the first with those of SFT.
    assert server.calls.count("/update_weights") == len(server.updates) == 3
    assert server.calls.count("/reset_prefix_cache") == 3
    used = [body["sampled_with"] for body in server.completions]
    start = load_model(place.input("sft") / "model")
    assert torch.equal(used[0], torch.cat([p.detach().flatten() for p in start.parameters()]))
    assert not torch.equal(used[0], used[1]) and not torch.equal(used[1], used[2])
    # What the server said of its tokens is what this process computes: weights of 1, at every temperature.
    for temperature, batch in batches:
        assert temperature in asked
        torch.testing.assert_close(batch["importance_sampling_ratio"], torch.ones(16, 1), atol=1e-3, rtol=0)
    assert [row["step"] for row in place.log.read() if "lr" in row] == [1, 2, 3, 4, 5, 6]


def test_log_probabilities_of_the_server_weigh_the_trajectory(tmp_path, vllm, monkeypatch):
    """A server that samples from other weights than are trained: the weights of trajectories say by how much."""
    batches, gains = [], []
    scored = TrajectoryTrainer._generate_and_score_completions

    def seen(self, inputs):
        output = scored(self, inputs)
        batches.append({k: v.clone() for k, v in output.items() if isinstance(v, torch.Tensor)})
        return output

    def told(logprobs, old, gain, mask, settings, **more):
        gains.append(gain.clone())
        return objective(logprobs, old, gain, mask, settings, **more)

    monkeypatch.setattr(TrajectoryTrainer, "_generate_and_score_completions", seen)
    monkeypatch.setattr("in2x.rl.trl.objective", told)
    place = prepared(tmp_path, config())
    with VllmServer(place.input("sft") / "model") as server:
        vllm(server)
        load, shift = server.update, torch.randn(1, generator=torch.Generator().manual_seed(1))

        def skewed(body):
            done = load(body)
            with torch.no_grad():
                server.model.get_output_embeddings().weight[:40] += 0.3 * shift
            return done

        server.update = skewed
        run(knobs(server, steps=1), place)
    batch = batches[0]
    ratio = batch["importance_sampling_ratio"]
    off = batch["old_per_token_logps"] - batch["sampling_per_token_logps"]
    expected = (off * batch["completion_mask"]).sum(1, keepdim=True).exp().clamp(max=3)
    torch.testing.assert_close(ratio, expected)
    assert (ratio - 1).abs().max() > 0.01
    rows = batch["useful"]
    used = torch.cat(gains).sort().values
    torch.testing.assert_close(used, (batch["advantages"] * ratio[:, 0])[rows].sort().values)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda server: setattr(server, "logprobs_mode", "raw_logprobs"), "--logprobs-mode processed_logprobs"),
        (lambda server: setattr(server, "url", "http://127.0.0.1:9"), "does not answer"),
    ],
)
def test_a_server_that_cannot_serve_is_one_sentence(tmp_path, vllm, monkeypatch, change, word):
    monkeypatch.setattr("in2x.rl.vllm.PATIENCE", 0.0)
    place = prepared(tmp_path, config())
    with VllmServer(place.input("sft") / "model") as server:
        vllm(server)
        change(server)
        with pytest.raises(In2xError, match=word):
            run(knobs(server), place)
