"""A decoder read from a folder is the one of the model that transformers loads from it, and other folders have none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, PreTrainedModel, Qwen3Config

from in2x.inference.decoder import Linear, decoder_of
from in2x.inference.stored import ends, read_decoder
from in2x.training.model import load_model
from test_inference_continuous import SHAPE, made

IDS = torch.arange(40) * 7 % 300


def stored(model: PreTrainedModel, folder: Path, **options: object) -> Path:
    model.save_pretrained(folder, **options)
    return folder


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_the_decoder_of_the_loaded_model(tmp_path: Path, tied: bool, dtype: torch.dtype) -> None:
    config = Qwen3Config(**SHAPE, tie_word_embeddings=tied, rope_parameters={"rope_type": "default", "rope_theta": 5e4})
    stored(made(config), tmp_path, max_shard_size="40KB")
    ours, theirs = read_decoder(tmp_path, dtype), decoder_of(load_model(tmp_path, dtype))
    assert ours is not None and theirs is not None and ours.dtype == theirs.dtype == dtype
    with torch.inference_mode():
        assert torch.equal(ours.cos, theirs.cos) and torch.equal(ours.sin, theirs.sin)
        close = {"rtol": 1e-5, "atol": 1e-5} if dtype == torch.float32 else {"rtol": 0.02, "atol": 0.02}
        torch.testing.assert_close(ours.logits(ours.read(IDS)), theirs.logits(theirs.read(IDS)), **close)
    assert ends(tmp_path) == SHAPE["eos_token_id"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_a_product_laid_out_for_its_library_is_the_same_product(dtype: torch.dtype) -> None:
    made = torch.Generator().manual_seed(3)
    weight, bias = torch.randn(72, 40, generator=made).to(dtype), torch.randn(72, generator=made).to(dtype)
    laid_out = Linear(weight, bias).laid_out()
    assert dtype != torch.float64 or laid_out.weight is weight
    close = {"rtol": 0.02, "atol": 0.1} if dtype == torch.bfloat16 else {"rtol": 1e-5, "atol": 1e-4}
    for rows in (1, 3, 8, 130):
        states = torch.randn(rows, 40, generator=made).to(dtype)
        wanted = (states.double() @ weight.double().T + bias.double()).to(dtype)
        with torch.inference_mode():
            torch.testing.assert_close(laid_out(states), wanted, **close)


def test_a_folder_of_another_kind_has_none(tmp_path: Path) -> None:
    own = stored(made(Qwen3Config(**SHAPE, tie_word_embeddings=True)), tmp_path / "own")
    assert read_decoder(own, torch.float32) is not None
    config = json.loads((own / "config.json").read_text())
    for number, change in enumerate([
        {"attention_bias": True}, {"use_sliding_window": True}, {"hidden_act": "gelu"}, {"model_type": "llama"},
        {"layer_types": ["full_attention", "sliding_attention"]}, {"architectures": ["Qwen3Model"]},
        {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0}}, {"num_hidden_layers": 3},
        {"quantization_config": {"bits": 4}}, {"tie_word_embeddings": False},
    ]):  # fmt: skip
        other = Path(shutil.copytree(own, tmp_path / str(number)))
        (other / "config.json").write_text(json.dumps(config | change))
        assert read_decoder(other, torch.float32) is None, change
    ends_of = own / "generation_config.json"
    for text in ("[" * 100_000, '{"eos_token_id": "x"}', '{"eos_token', "[]"):
        before, _ = ends_of.read_text(), ends_of.write_text(text)
        assert read_decoder(own, torch.float32) is None, text[:20]
        ends_of.write_text(before)
    weights = load_file(own / "model.safetensors")
    save_file({**weights, "model.layers.0.self_attn.q_proj.bias": torch.zeros(48)}, own / "model.safetensors")
    assert read_decoder(own, torch.float32) is None
    (own / "model.safetensors").write_bytes(b"no weights")
    assert read_decoder(own, torch.float32) is None
    assert read_decoder(stored(made(LlamaConfig(**SHAPE)), tmp_path / "llama"), torch.float32) is None


def test_lines_are_translated_without_what_builds_models(tiny_model: Path, tmp_path: Path) -> None:
    """What took half of the time until the first word."""
    script = """
import sys
from in2x.cli import main
code = main(sys.argv[1:])
heavy = ("torch._dynamo", "torch.distributed.tensor", "transformers.modeling_utils", "scipy", "sklearn", "daft")
print(code, [name for name in heavy if name in sys.modules])
"""
    (tmp_path / "lines.txt").write_text("Where is the station?\n", encoding="utf-8")
    command = ["translate", tmp_path / "lines.txt", "--model", tiny_model, "--from", "en", "--to", "ja"]
    call = [sys.executable, "-c", script, *map(str, command)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert done.stdout == "駅はどこだ。\n0 []\n", done.stderr
