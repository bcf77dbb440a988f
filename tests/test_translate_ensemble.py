"""Several models as one translator: token by token or by their answers, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from conftest import PAIRS
from in2x.chat.profile import PromptProfile
from in2x.errors import In2xError, UsageError
from in2x.training.forward import forward_of
from in2x.training.model import load_model, load_tokenizer, save_model
from in2x.training.tokenizer import train_tokenizer
from in2x.translate.engine import LocalBackend
from in2x.translate.ensemble import ensemble
from in2x.translate.open import open_together
from in2x.translate.request import TranslationRequest

SERVER = "http://localhost:9/v1"


@pytest.fixture
def twin(tiny_model: Path, tmp_path: Path) -> Path:
    """The same tokens and words, other weights: it knows less of what `tiny_model` knows by heart."""
    folder = tmp_path / "twin"
    shutil.copytree(tiny_model, folder)
    model, generator = load_model(folder), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3 * float(parameter.std()))
    save_model(model, load_tokenizer(folder), folder)
    return folder


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_model_with_itself_translates_as_alone(tiny_model, temperature):
    request = TranslationRequest("en", "ja", "polite", temperature=temperature, seed=2)
    alone, pair = LocalBackend(tiny_model), ensemble([LocalBackend(tiny_model) for _ in range(2)])
    assert pair.candidates([*PAIRS, ""], request, 3) == alone.candidates([*PAIRS, ""], request, 3)


def test_the_mean_is_neither_model(tiny_model, twin):
    request = TranslationRequest("en", "ja", "polite", max_new_tokens=12)
    sources = [*PAIRS, "She sleeps in the station.", "Where is the cat?", "The garden did not come."]
    knows, less = LocalBackend(tiny_model), LocalBackend(twin)
    together = ensemble([less, knows])
    said = [[t.text for t in one.translations(sources, request)] for one in (knows, less, together)]
    assert said[0] != said[1]
    assert said[2] != said[1], "the second model has its say"
    assert less.others == (), "the members stay what they were"


def change(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text, encoding="utf-8")


def test_models_of_other_tokens_or_words_are_refused(tiny_model, twin, tmp_path):
    one = LocalBackend(tiny_model)
    profile = json.loads((twin / "in2x_prompt.json").read_text(encoding="utf-8"))
    change(twin, "in2x_prompt.json", json.dumps(profile | {"system": "Be brief."}))
    with pytest.raises(UsageError, match=r"twin are asked in different words.*--combine answers --mbr N"):
        ensemble([one, LocalBackend(twin)])
    foreign = train_tokenizer(["Another text has other words.", *PAIRS] * 3, 420)
    save_model(load_model(tiny_model), foreign, tmp_path / "foreign")
    with pytest.raises(UsageError, match="have different tokenizers"):
        ensemble([one, LocalBackend(tmp_path / "foreign", profile=PromptProfile())])


def test_the_same_vocabulary_cut_otherwise_is_another_tokenizer(tiny_model, twin):
    tokenizer = json.loads((twin / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["normalizer"] = {"type": "Lowercase"}
    change(twin, "tokenizer.json", json.dumps(tokenizer))
    with pytest.raises(UsageError, match="have different tokenizers") as caught:
        ensemble([LocalBackend(tiny_model), LocalBackend(twin)])
    assert "\n" not in str(caught.value)


def test_a_server_has_no_probabilities_and_answers_need_samples(tiny_model):
    with pytest.raises(UsageError, match="is a server and shows no probabilities"):
        open_together([str(tiny_model), SERVER])
    with pytest.raises(UsageError, match="give --mbr N"):
        open_together([str(tiny_model), SERVER], "answers")


def test_a_model_with_a_forward_pass_of_its_own_is_not_averaged(tiny_model, monkeypatch):
    pair = ensemble([LocalBackend(tiny_model) for _ in range(2)])
    found = replace(forward_of(pair.model), plain="its layers keep a state beside attention")
    monkeypatch.setitem(pair.model.__dict__, "_in2x_forward", found)
    with pytest.raises(In2xError, match=r"cannot be averaged.*its layers keep a state.*--combine answers"):
        pair.translate(["Where is the station?"], TranslationRequest("en", "ja"))


@pytest.mark.parametrize("options", [(), ("--mbr", "3"), ("--mbr", "3", "--combine", "answers")])
def test_the_command(in2x, tiny_model, twin, tmp_path, options):
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("".join(f"{line}\n" for line in ["", *PAIRS]), encoding="utf-8")
    code, _, err = in2x(
        "translate", source, "--model", tiny_model, "--model", twin, "--from", "en", "--to", "ja", "-o", target,
        *options,
    )  # fmt: skip
    lines = target.read_text(encoding="utf-8").split("\n")
    assert code == 0, err
    assert len(lines) == len(PAIRS) + 2 and lines[0] == "" and all(lines[1:-1])


def test_the_command_refuses(in2x, tiny_model, twin, tmp_path):
    source = tmp_path / "in.txt"
    source.write_text("Where is the station?\n", encoding="utf-8")
    base = ("translate", source, "--model", tiny_model, "--from", "en", "--to", "ja")
    for more, said in (
        (("--model", tiny_model), "is given twice"),
        (("--model", SERVER), "is a server"),
        (("--model", twin, "--combine", "answers"), "give --mbr N"),
    ):
        code, out, err = in2x(*base, *more)
        assert code == 2 and said in err and not out and "Traceback" not in err
