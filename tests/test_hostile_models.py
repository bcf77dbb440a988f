"""Model folders that are damaged or made to do harm: one sentence when they are opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from in2x.chat.profile import PromptProfile
from in2x.errors import In2xError
from in2x.training.model import load_model, load_tokenizer


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_attention_heads": 0}, "not a model"),
        ({"hidden_size": 64}, "not a model"),
        ({"rms_norm_eps": float("nan")}, "rms_norm_eps is nan"),
        ({"model_type": "klingon", "auto_map": {"AutoModelForCausalLM": "evil.Model"}}, "not a model"),
    ],
)
def test_a_config_that_does_not_fit_is_a_sentence(change: dict, said: str, tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')\n")
    with pytest.raises(In2xError, match=said):
        load_model(folder)
    assert not (tmp_path / "canary").exists()


def test_a_folder_without_tokenizer_or_with_a_broken_one_is_a_sentence(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "m")
    (folder / "tokenizer.json").write_text("12")
    with pytest.raises(In2xError, match="not a model"):
        load_tokenizer(folder)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(In2xError, match="no tokenizer"):
        load_tokenizer(folder)


def test_a_prompt_profile_that_is_nested_deep_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "in2x_prompt.json").write_text("[" * 50_000 + "]" * 50_000)
    with pytest.raises(In2xError, match="not a prompt profile"):
        PromptProfile.load(tmp_path)
