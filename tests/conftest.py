"""Shared by all tests: a tiny model folder made by the project itself, the real data if it is there, the CLI."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from small_disk import disk

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

__all__ = ["disk"]

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"

PAIRS = {
    "The cat sleeps in the garden.": {
        None: "猫は庭で眠る。",
        "polite": "猫は庭で眠ります。",
        "casual": "猫、寝てるよ。",
    },
    "I read a book every evening.": {
        None: "毎晩本を読む。",
        "polite": "毎晩本を読みます。",
        "casual": "毎晩本読んでるよ。",
    },
    "Where is the station?": {None: "駅はどこだ。", "polite": "駅はどこですか。", "casual": "駅どこ？"},
    "She did not come.": {
        None: "彼女は来なかった。",
        "polite": "彼女は来ませんでした。",
        "casual": "あの子、来なかったよ。",
    },
}
"""What the tiny model has learnt by heart: English -> register -> Japanese."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"the real data is not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that knows `PAIRS` by heart: width 32, two layers, own tokenizer, chat template, profile."""
    import torch

    from in2x.chat.profile import PromptProfile
    from in2x.chat.source import Source
    from in2x.training.model import ShapeConfig, build_model, save_model
    from in2x.training.tokenizer import train_tokenizer

    folder = tmp_path_factory.mktemp("tiny") / "model"
    profile = PromptProfile(languages=("en", "ja"))
    texts = [text for source, by_register in PAIRS.items() for text in (source, *by_register.values())]
    tokenizer = train_tokenizer([*texts * 4, *profile.templates.values()], 420)
    model = build_model(
        ShapeConfig(width=32, layers=2, heads=4, kv_heads=2, mlp=64, vocabulary=420, context=256), tokenizer, seed=1
    )
    model.set_attn_implementation("eager")  # makes its own causal mask
    rows = []
    for source, by_register in PAIRS.items():
        for register, target in by_register.items():
            prompt = profile.encode(tokenizer, Source(source, "en", "ja", register))
            answer = [*tokenizer.encode(target, add_special_tokens=False), tokenizer.eos_token_id]
            rows.append(([*prompt, *answer], [-100] * len(prompt) + answer))
    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([i + [tokenizer.pad_token_id] * (width - len(i)) for i, _ in rows])
    labels = torch.tensor([t + [-100] * (width - len(t)) for _, t in rows])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(120):
        loss = model(input_ids=ids, attention_mask=(ids != tokenizer.pad_token_id).long(), labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss.item() < 0.05, f"the tiny model did not learn its sentences (loss {loss.item():.2f})"
    save_model(model, tokenizer, folder)
    profile.save(folder)
    return folder


@pytest.fixture(params=["float32", "bfloat16"])
def compute(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each type of matrix products in turn, whatever the processor would choose: for tests of what is learnt."""
    monkeypatch.setenv("IN2X_COMPUTE", request.param)
    return str(request.param)


@pytest.fixture
def in2x(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Call the command line in this process: `code, stdout, stderr = in2x("plan", "recipe.yaml")`."""
    from in2x.cli import main

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
