"""Opening, keeping and leaving a model in one and several processes: shards, checkpoints, export."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    MixtralConfig,
    PretrainedConfig,
    PreTrainedModel,
    Qwen3Config,
)

from in2x.errors import In2xError
from in2x.training import checkpoint, export, parallel
from in2x.training.checkpoint import Checkpoints
from in2x.training.config import OptimizerConfig, ShapeConfig
from in2x.training.forward import forward_of
from in2x.training.model import build_model, for_device, load_model
from in2x.training.optimizer import Average, Optimizer
from in2x.training.start import open_model
from in2x.training.tokenizer import train_tokenizer

sys.path.insert(0, str(Path(__file__).parent))
import state_worker
from test_parallel import go

SIZES = {"vocab_size": 301, "num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 20, "head_dim": 10}
"""Rows that two or three processes cannot share evenly."""


def config(kind: str) -> PretrainedConfig:
    if kind.startswith("gpt2"):
        return GPT2Config(vocab_size=301, n_layer=2, n_head=2, n_embd=20, n_positions=64)
    more = {"intermediate_size": 33, "num_key_value_heads": 1}
    if kind == "mixtral":
        even = {"hidden_size": 24, "head_dim": 12, "intermediate_size": 40}  # what grouped products need
        return MixtralConfig(**{**SIZES, **more, **even}, num_local_experts=3, tie_word_embeddings=False)
    if kind == "llama":
        return LlamaConfig(**SIZES, **more, tie_word_embeddings=False)
    return Qwen3Config(**SIZES, **more, tie_word_embeddings=True)


def make(folder: Path, kinds: list[str]) -> dict[str, PreTrainedModel]:
    """Random models of `kinds` in `folder`, and a tokenizer for all."""
    train_tokenizer(["a b c d e f g"] * 20, 300).save_pretrained(folder / "tokenizer")
    models = {}
    for kind in kinds:
        torch.manual_seed(0)
        models[kind] = AutoModelForCausalLM.from_config(config(kind), dtype=torch.float32)
        models[kind].generation_config.eos_token_id = [7, 8]
        models[kind].save_pretrained(folder / kind, max_shard_size="20KB" if kind == "llama" else "2GB")
    return models


def equal(one: PreTrainedModel, other: PreTrainedModel) -> None:
    theirs = other.state_dict()
    assert one.state_dict().keys() == theirs.keys()
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(theirs[name], tensor, rtol=1e-6, atol=1e-7, msg=name)


@pytest.mark.slow
def test_a_model_opened_and_left_by_three_processes_is_the_model(tmp_path, monkeypatch):
    kinds = ["qwen3", "llama", "mixtral", "gpt2", "qwen3-lora", "gpt2-lora"]
    models = make(tmp_path, kinds)
    done = go(tmp_path, 3, *kinds, worker=state_worker.__file__)
    assert done.returncode == 0, done.stderr[-3000:]
    plain = [kind for kind in kinds if "-lora" not in kind]
    for kind in plain:
        again = AutoModelForCausalLM.from_pretrained(tmp_path / f"{kind}.again")
        equal(models[kind], again)
        assert again.generation_config.eos_token_id == [7, 8]
        was, found = (json.loads((tmp_path / f / "config.json").read_text()) for f in (kind, f"{kind}.again"))
        assert found == was
    sharded = {kind: AutoModelForCausalLM.from_pretrained(tmp_path / f"{kind}.again") for kind in kinds[4:]}
    assert go(tmp_path, 1, *kinds[4:], worker=state_worker.__file__).returncode == 0
    for kind in kinds[4:]:  # adapters start alike, and change something
        equal(AutoModelForCausalLM.from_pretrained(tmp_path / f"{kind}.again"), sharded[kind])
        with pytest.raises(AssertionError):
            equal(models[kind], sharded[kind])


@pytest.mark.parametrize("kind", ["qwen3", "mixtral", "gpt2"])
def test_a_model_without_weights_is_the_model_but_for_them(tmp_path, monkeypatch, kind):
    make(tmp_path, [kind])
    loaded = load_model(tmp_path / kind)
    monkeypatch.setattr(parallel, "processes", lambda: 2)
    empty = open_model(tmp_path / kind)
    assert all(p.is_meta and p.dtype == torch.float32 for p in empty.parameters())
    assert empty.state_dict().keys() == loaded.state_dict().keys()
    for (name, one), (other_name, other) in zip(empty.named_buffers(), loaded.named_buffers(), strict=True):
        assert name == other_name and torch.equal(one, other)
    assert (empty.lm_head.weight is empty.get_input_embeddings().weight) == (kind != "mixtral")
    assert forward_of(empty) == forward_of(loaded)
    for_device(empty, torch.device("cpu"))
    assert empty.config._attn_implementation == loaded.config._attn_implementation


@pytest.mark.slow
def test_no_process_holds_more_than_its_shard_and_one_tensor(tmp_path):
    shape = {"vocab_size": 4000, "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12,
             "num_attention_heads": 8, "num_key_value_heads": 8, "head_dim": 64}  # fmt: skip
    train_tokenizer(["a b c d e f g"] * 20, 300).save_pretrained(tmp_path / "tokenizer")
    model = AutoModelForCausalLM.from_config(Qwen3Config(**shape, tie_word_embeddings=False), dtype=torch.float32)
    model.save_pretrained(tmp_path / "big")
    whole = sum(p.numel() for p in model.parameters()) * 4
    largest = max(p.numel() for p in model.parameters()) * 4
    assert whole > 190e6
    del model
    done = go(tmp_path, 2, "big", worker=state_worker.__file__)
    assert done.returncode == 0, done.stderr[-3000:]
    for peak in json.loads((tmp_path / "big.json").read_text()):
        assert peak["opening"] < whole / 2 + 2 * largest
    one, two = json.loads((tmp_path / "big.json").read_text())
    assert two["saving"] < whole / 3  # copies of a gathered tensor or two; the others' shards are half
    assert one["saving"] < 4 / 3 * whole  # it fills a file of up to 2 GB


@pytest.mark.slow
def test_a_folder_without_all_its_weights_is_one_sentence(tmp_path):
    make(tmp_path, ["llama", "gpt2", "mixtral"])
    missing = sorted((tmp_path / "llama").glob("*.safetensors"))[2]
    missing.unlink()
    told = json.loads((tmp_path / "gpt2" / "config.json").read_text())
    (tmp_path / "gpt2" / "config.json").write_text(json.dumps({**told, "n_layer": 3}))
    told = json.loads((tmp_path / "mixtral" / "config.json").read_text())
    (tmp_path / "mixtral" / "config.json").write_text(json.dumps({**told, "vocab_size": 302}))
    done = go(tmp_path, 2, "llama", "gpt2", "mixtral", worker=state_worker.__file__)
    assert done.returncode == 0, done.stderr[-3000:]
    said = {line for line in done.stdout.splitlines() if "said: " in line}
    assert any(f"{tmp_path}/llama: {missing.name} is missing; copy" in line for line in said)
    assert any("/gpt2: the weights lack transformer.h.2." in line for line in said)
    assert any(
        "/mixtral: " in line and "is (301, 24) in the weights and (302, 24) by the config" in line for line in said
    )


def test_an_export_has_files_of_bounded_size(tmp_path, monkeypatch):
    """One process with a model that is not sharded writes what transformers reads, file by file."""
    monkeypatch.setattr(export, "SHARD_BYTES", 20_000)
    for kind in ("qwen3", "mixtral"):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config(kind), dtype=torch.float32)
        (tmp_path / kind).mkdir()
        export.save_sharded(model, tmp_path / kind)
        files = sorted((tmp_path / kind).glob("*.safetensors"))
        assert len(files) > 2 and files[0].name == f"model-00001-of-{len(files):05d}.safetensors"
        assert all(f.stat().st_size < 22_000 or len(load_file(f)) == 1 for f in files)
        equal(model, AutoModelForCausalLM.from_pretrained(tmp_path / kind))
        assert not list((tmp_path / kind).glob("*.partial"))


SHAPE = ShapeConfig(width=32, layers=2, heads=2, kv_heads=1, mlp=48, vocabulary=300, context=64)


class Run:
    """A model that learns by random gradients, one `step` after another."""

    def __init__(self, folder: Path, name: str = "adamw", width: int = 32) -> None:
        tokenizer = train_tokenizer(["a b c d e f g"] * 20, 300)
        self.model = build_model(SHAPE.model_copy(update={"width": width}), tokenizer, 0)
        self.optimizer = Optimizer(self.model, OptimizerConfig(name=name, lr=1e-2))
        self.average = Average(self.optimizer.parameters, 0.9)
        self.said: list[str] = []
        self.checkpoints = Checkpoints(folder, self.model, self.optimizer, self.average, self.said.append)
        self.done = 0

    def step(self, save: bool = True) -> None:
        self.done += 1
        generator = torch.Generator().manual_seed(self.done)
        for parameter in self.model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        self.optimizer.step(1.0)
        self.average.update()
        if save:
            self.checkpoints.save({"step": self.done})

    def state(self) -> list[torch.Tensor]:
        moments = [t for _, t in sorted(self.optimizer.state_tensors().items())]
        return [*self.model.parameters(), *moments, *self.average.values, torch.tensor(self.average.steps)]


def trained(folder: Path, steps: int = 4) -> Run:
    run = Run(folder)
    for _ in range(steps):
        run.step()
    run.checkpoints.wait()
    return run


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_what_is_loaded_is_what_was_saved_bit_for_bit(tmp_path, name):
    run = Run(tmp_path / "c", name)
    for _ in range(5):
        run.step()
    other = Run(tmp_path / "c", name)
    assert other.checkpoints.load() == {"step": 5, "average_steps": 5}
    assert all(torch.equal(a, b) for a, b in zip(run.state(), other.state(), strict=True))
    assert not other.said


def test_the_newest_stay_and_the_copy_is_of_the_moment(tmp_path):
    run = trained(tmp_path / "c", 5)
    assert [p.name[-1] for p in sorted((tmp_path / "c").iterdir())] == ["3", "4", "5"]  # two, and the last one written
    before = [t.clone() for t in run.state()]
    run.step()
    run.step(save=False)  # while the one before may still be written
    run.checkpoints.wait()
    other = Run(tmp_path / "c")
    assert other.checkpoints.load() == {"step": 6, "average_steps": 6}
    run.model.load_state_dict(other.model.state_dict())
    assert not torch.equal(before[0], other.state()[0])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


@pytest.mark.parametrize(("name", "harm", "said"), [
    ("0-of-1.safetensors", flip, "is damaged"),
    ("0-of-1.safetensors", cut, r"has [\d,]+ bytes of"),
    ("0-of-1.safetensors", Path.unlink, "cannot be read"),
    ("0-of-1.json", flip, "is damaged"),
    ("0-of-1.json", cut, "is damaged"),
])  # fmt: skip
def test_a_damaged_checkpoint_is_a_sentence_and_the_one_before_is_used(tmp_path, name, harm, said):
    trained(tmp_path / "c")
    harm(tmp_path / "c" / "step-00000004" / name)
    run = Run(tmp_path / "c")
    state = run.checkpoints.load()
    assert state is not None and state["step"] == 3
    assert len(run.said) == 1
    assert re.search(rf"step-00000004/{name}.*{said}.*: going on from step 3$", run.said[0])
    assert all(torch.equal(a, b) for a, b in zip(run.state(), trained(tmp_path / "d", 3).state(), strict=True))
    assert not (tmp_path / "c" / "step-00000004").exists()


def test_where_all_are_damaged_it_starts_from_the_beginning(tmp_path):
    trained(tmp_path / "c", 2)
    for file in (tmp_path / "c").glob("*/*.safetensors"):
        flip(file)
    run = Run(tmp_path / "c")
    assert run.checkpoints.load() is None
    assert [s.rpartition(": ")[2] for s in run.said] == ["going on from step 1", "starting from the beginning"]


def test_half_of_a_checkpoint_is_none(tmp_path):
    """One of two processes was killed before it had written its part."""
    trained(tmp_path / "c")
    place = tmp_path / "c" / "step-00000005"
    shutil.copytree(tmp_path / "c" / "step-00000004", place)
    for file in place.iterdir():
        file.rename(place / file.name.replace("of-1", "of-2"))
    run = Run(tmp_path / "c")
    state = run.checkpoints.load()
    assert state is not None and state["step"] == 4 and not run.said
    assert not place.exists()


def test_a_full_disk_in_the_middle_of_a_checkpoint_is_a_sentence(tmp_path):
    """A limit on the size of files, as a full disk, ends a write in its middle."""
    run = trained(tmp_path / "c", 2)
    size = (tmp_path / "c" / "step-00000002" / "0-of-1.safetensors").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, limits[1]))
    try:
        run.step()
        said = r"cannot be written \(File too large\); make room .* it goes on from step 2\."
        with pytest.raises(In2xError, match=said):
            run.step()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list((tmp_path / "c" / "step-00000003").iterdir())
    other = Run(tmp_path / "c")
    state = other.checkpoints.load()
    assert state is not None and state["step"] == 2 and not other.said


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch):
    run = Run(tmp_path / "c")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13), str(tmp_path / "c"))

    monkeypatch.setattr(Path, "mkdir", refuse)
    run.step()
    with pytest.raises(In2xError, match=r"cannot be written \(Permission denied\); make room or give the right .*"
                                        r"from its beginning"):  # fmt: skip
        run.checkpoints.wait()


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    trained(tmp_path / "c", 1)
    with pytest.raises(In2xError, match="step-00000001: a checkpoint of another model; delete it"):
        Run(tmp_path / "c", width=48).checkpoints.load()


def test_a_checkpoint_is_plain_safetensors_and_json(tmp_path):
    run = trained(tmp_path / "c", 1)
    place = tmp_path / "c" / "step-00000001"
    tensors = load_file(place / "0-of-1.safetensors")
    for name, parameter in run.model.named_parameters():
        assert torch.equal(tensors[f"model/{name}"], parameter)
    assert checkpoint._told(place / "0-of-1.json")["state"]["step"] == 1
