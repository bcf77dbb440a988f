"""Longer contexts: YaRN and the rotary base against the formulas of the paper, and what the saved model carries."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from in2x.pretrain.config import PhaseConfig
from in2x.pretrain.context import stretch
from in2x.training import parallel
from in2x.training.config import ShapeConfig
from in2x.training.model import build_model, load_model, save_model
from in2x.training.start import open_model
from in2x.training.tokenizer import train_tokenizer

HEAD, MADE_FOR, THETA = 16, 64, 10000.0


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return train_tokenizer(["a small harbour at night"] * 20, 320)


@pytest.fixture
def model(tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    shape = ShapeConfig(width=32, layers=1, heads=2, kv_heads=1, mlp=32, vocabulary=320, context=MADE_FOR)
    return build_model(shape, tokenizer, seed=0)


def phase(**knobs: float) -> PhaseConfig:
    return PhaseConfig.model_validate({"tokens": 4096, "context": 256, "batch_tokens": 256, **knobs})


def yarn(factor: float, fast: float = 32.0, slow: float = 1.0) -> np.ndarray:
    """Frequencies by the paper's section 3.4: a ramp over the dimensions between `fast` and `slow` turns."""
    plain = THETA ** -(np.arange(0, HEAD, 2) / HEAD)

    def dimension(turns: float) -> float:
        return HEAD * math.log(MADE_FOR / (turns * 2 * math.pi)) / (2 * math.log(THETA))

    low, high = max(math.floor(dimension(fast)), 0), min(math.ceil(dimension(slow)), HEAD - 1)
    ramp = np.clip((np.arange(HEAD // 2) - low) / max(high - low, 0.001), 0, 1)
    return plain / factor * ramp + plain * (1 - ramp)


def test_frequencies_are_those_of_the_paper(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    plain = model.model.rotary_emb.inv_freq.clone()
    found = stretch(model, tokenizer, phase(yarn=4.0), tmp_path / "rope")
    rotary = found.model.rotary_emb
    np.testing.assert_allclose(rotary.inv_freq.numpy(), yarn(4.0), rtol=1e-5)
    assert rotary.inv_freq[0] == plain[0] and rotary.inv_freq[-1] == pytest.approx(float(plain[-1]) / 4)
    assert rotary.attention_scaling == pytest.approx(0.1 * math.log(4) + 1)


def test_the_saved_model_carries_it(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    found = stretch(model, tokenizer, phase(yarn=4.0, rope_theta=50_000.0), tmp_path / "rope").eval()
    save_model(found, tokenizer, tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    rope = config["rope_parameters"]
    assert (rope["rope_type"], rope["factor"], rope["rope_theta"]) == ("yarn", 4.0, 50_000.0)
    assert rope["original_max_position_embeddings"] == MADE_FOR and config["max_position_embeddings"] == 256
    ids = torch.arange(200)[None] % 300
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "model").eval()
    with torch.no_grad():
        torch.testing.assert_close(again(ids).logits, found(ids).logits, rtol=1e-4, atol=1e-5)


def test_a_second_stretch_counts_from_the_same_context(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    once = stretch(model, tokenizer, phase(yarn=2.0), tmp_path / "a")
    save_model(once, tokenizer, tmp_path / "model")
    twice = stretch(load_model(tmp_path / "model"), tokenizer, phase(yarn=4.0), tmp_path / "b")
    assert twice.config.rope_parameters["original_max_position_embeddings"] == MADE_FOR
    np.testing.assert_allclose(twice.model.rotary_emb.inv_freq.numpy(), yarn(4.0), rtol=1e-5)


def test_more_positions_alone_change_nothing_else(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    assert stretch(model, tokenizer, phase(), tmp_path / "rope") is model
    assert model.config.max_position_embeddings == 256 and not (tmp_path / "rope").exists()


def test_a_model_without_weights_is_stretched_alike(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several processes a phase gets a model without weights; they are read later from where it was opened."""
    save_model(model, tokenizer, tmp_path / "model")
    found = stretch(load_model(tmp_path / "model"), tokenizer, phase(yarn=4.0), tmp_path / "a")
    monkeypatch.setattr(parallel, "processes", lambda: 2)
    empty = stretch(open_model(tmp_path / "model"), tokenizer, phase(yarn=4.0), tmp_path / "b")
    assert empty.device.type == "meta" and not (tmp_path / "b").exists()
    assert empty.name_or_path == str(tmp_path / "model")
    assert empty.generation_config.to_dict() == found.generation_config.to_dict()
    assert empty.config.rope_parameters == found.config.rope_parameters
    assert torch.equal(empty.model.rotary_emb.inv_freq, found.model.rotary_emb.inv_freq)
    assert empty.model.rotary_emb.attention_scaling == found.model.rotary_emb.attention_scaling
