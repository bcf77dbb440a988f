"""Merging against dense float64 references, and the merge stage on real folders."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from in2x.artifact import Artifact, write_json
from in2x.errors import In2xError, UsageError
from in2x.merge.config import MergeConfig
from in2x.merge.hessian import calibrate, watch
from in2x.merge.methods import linear, obim, saliency, ties, top_mask
from in2x.merge.shards import INDEX, Weights, check_same_shape, write_sharded
from in2x.merge.stage import Survey, run
from in2x.recipe import Recipe, load_recipe
from in2x.records import Pair, write_records
from in2x.stage import Stage
from in2x.translate.engine import LocalTranslator
from in2x.translate.request import TranslationRequest


def deltas(count: int, *shape: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(count)]


# --- methods --------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.integers(0, 35))
def test_top_mask_takes_exactly_the_largest_first_among_equals(values, count):
    mask = top_mask(torch.tensor(values, dtype=torch.float64), count)
    order = sorted(range(len(values)), key=lambda i: (-values[i], i))
    assert set(mask.nonzero()[:, 0].tolist()) == set(order[:count])


def test_linear_is_the_mean_of_models_when_weights_sum_to_one():
    base, *changes = deltas(4, 5, 7)
    merged = base + linear(changes, (0.5, 0.3, 0.2))
    reference = 0.5 * (base + changes[0]) + 0.3 * (base + changes[1]) + 0.2 * (base + changes[2])
    torch.testing.assert_close(merged, reference, rtol=0, atol=1e-14)


def ties_reference(changes: list[torch.Tensor], weights: tuple[float, ...], density: float) -> np.ndarray:
    """Position by position, as the paper words it."""
    flat = [d.numpy().ravel() for d in changes]
    count = round(density * flat[0].size)
    kept = []
    for values in flat:
        largest = sorted(range(values.size), key=lambda i: (-abs(values[i]), i))[:count]
        kept.append({i: values[i] for i in largest})
    out = np.zeros(flat[0].size)
    for i in range(out.size):
        votes = [(w, k.get(i, 0.0)) for w, k in zip(weights, kept, strict=True)]
        sign = np.sign(sum(w * v for w, v in votes))
        agreeing = [(w, v) for w, v in votes if v != 0 and np.sign(v) == sign]
        if agreeing:
            out[i] = sum(w * v for w, v in agreeing) / sum(w for w, _ in agreeing)
    return out.reshape(changes[0].shape)


@pytest.mark.parametrize("density", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("weights", [(0.5, 0.5, 0.5), (0.7, 0.2, 0.1)])
def test_ties_against_the_reference(weights, density):
    changes = deltas(3, 6, 9, seed=3)
    merged = ties(changes, weights, density)
    np.testing.assert_allclose(merged.numpy(), ties_reference(changes, weights, density), rtol=0, atol=1e-14)


def test_ties_of_one_model_with_full_density_is_that_model():
    [change] = deltas(1, 4, 4)
    torch.testing.assert_close(ties([change], (0.3,), 1.0), change)


def test_ties_keeps_out_a_minority_sign():
    a, b, c = (torch.tensor([[x]], dtype=torch.float64) for x in (2.0, 1.0, -1.5))
    assert ties([a, b, c], (1.0, 1.0, 1.0), 1.0).item() == pytest.approx(1.5)


def test_saliency_is_the_squared_output_error_of_undoing_one_weight():
    x = torch.randn(11, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))  # [N, in]
    [delta] = deltas(1, 3, 4, seed=5)  # [out, in]
    hessian = 2 * x.square().sum(0)
    scores = saliency(delta, hessian)
    for row, column in itertools.product(range(3), range(4)):
        undone = torch.zeros_like(delta)
        undone[row, column] = delta[row, column]
        error = (x @ undone.T).square().sum()
        assert scores[row, column].item() == pytest.approx(error.item(), rel=1e-12)


def obim_reference(changes, hessians, density):
    """Greedy over plain lists: each model in turn claims its most salient free positions."""
    flat = [d.numpy().ravel() for d in changes]
    scores = [(0.5 * d.square() * h).numpy().ravel() for d, h in zip(changes, hessians, strict=True)]
    owner = [-1] * flat[0].size
    for index, score in enumerate(scores):
        free = [i for i, o in enumerate(owner) if o < 0]
        for i in sorted(free, key=lambda i: (-score[i], i))[: round(density * len(owner))]:
            owner[i] = index
    return np.array([flat[o][i] if o >= 0 else 0.0 for i, o in enumerate(owner)]), owner


@pytest.mark.parametrize("density", [0.25, 0.4, 0.8])
def test_obim_against_the_reference(density):
    changes = deltas(3, 6, 8, seed=7)
    hessians = [d[0].square() + 0.1 for d in deltas(3, 1, 8, seed=8)]
    merged, owner = obim(changes, hessians, density)
    values, owners = obim_reference(changes, hessians, density)
    np.testing.assert_array_equal(merged.numpy().ravel(), values)
    assert owner.flatten().tolist() == owners


@given(st.integers(0, 1000), st.floats(0.05, 1.0), st.integers(1, 4))
def test_obim_never_averages_and_never_exceeds_its_share(seed, density, count):
    changes = deltas(count, 5, 6, seed=seed)
    merged, owner = obim(changes, [torch.ones(6, dtype=torch.float64)] * count, density)
    for index, change in enumerate(changes):
        mine = owner == index
        assert mine.sum() <= round(density * change.numel())
        assert torch.equal(merged[mine], change[mine])
    assert torch.equal(merged[owner < 0], torch.zeros_like(merged[owner < 0]))


def test_obim_prefers_what_the_inputs_make_matter():
    small_but_hot = torch.tensor([[1.0, 3.0]], dtype=torch.float64)
    _, owner = obim([small_but_hot], [torch.tensor([100.0, 1.0], dtype=torch.float64)], 0.5)
    assert owner.tolist() == [[0, -1]]


# --- the diagonal Hessian -------------------------------------------------------------------------------------------


class TwoLayers(nn.Module):
    def __init__(self, tied: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.middle = nn.Linear(4, 4, bias=False)
        self.head = nn.Linear(4, 7, bias=False)
        if tied:
            self.head.weight = self.embed.weight
        self.double()

    def forward(self, ids):
        return self.head(torch.tanh(self.middle(self.embed(ids))))


@pytest.mark.parametrize("tied", [False, True])
def test_diagonals_are_those_of_the_layerwise_squared_error(tied):
    torch.manual_seed(0)
    model = TwoLayers(tied)
    texts = [[1, 2, 2, 3], [0, 6]]
    found = calibrate(model, texts)
    ids = torch.tensor([1, 2, 2, 3, 0, 6])
    with torch.no_grad():
        x_middle = model.embed(ids)
        x_head = torch.tanh(model.middle(x_middle))
    one_hot = nn.functional.one_hot(ids, 7).double()

    def full(x, out):
        """The Hessian diagonal of ||dW X||^2 by autograd, [out, in]."""

        def error(w):
            return (x @ w.T).square().sum()

        zero = torch.zeros(out, x.shape[1], dtype=torch.float64)
        return torch.autograd.functional.hessian(error, zero).flatten(2).flatten(0, 1).diagonal().reshape(zero.shape)

    torch.testing.assert_close(found["middle.weight"].expand(4, 4), full(x_middle, 4))
    embedding = full(one_hot, 4).T  # an embedding stores its weight transposed
    head = full(x_head, 7)
    if tied:
        assert set(found) == {"embed.weight", "middle.weight"}
        torch.testing.assert_close(found["embed.weight"], embedding + head)
    else:
        torch.testing.assert_close(found["embed.weight"].expand(7, 4), embedding)
        torch.testing.assert_close(found["head.weight"].expand(7, 4), head)


def test_watching_leaves_no_hook_behind():
    model = TwoLayers(False)
    with watch(model):
        pass
    assert not any(module._forward_pre_hooks for module in model.modules())


# --- shards -----------------------------------------------------------------------------------------------------------


def test_sharded_writing_reads_back_and_resumes(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    tensors = {f"layer.{i}.weight": torch.full((8, 8), float(i)) for i in range(5)}
    save_file(tensors, source / "model.safetensors")
    weights = Weights(source)
    made = []

    def make(name):
        made.append(name)
        return weights.read(name) + 1

    target = tmp_path / "target"
    target.mkdir()
    write_sharded(target, weights, make, 2 * 8 * 8 * 4)
    files = sorted(f.name for f in target.glob("*.safetensors"))
    assert files == [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
    (target / files[1]).unlink()
    made.clear()
    write_sharded(target, weights, make, 2 * 8 * 8 * 4)
    assert made == ["layer.2.weight", "layer.3.weight"]
    index = json.loads((target / INDEX).read_text())
    assert index["metadata"]["total_size"] == 5 * 8 * 8 * 4
    back = Weights(target)
    assert all(torch.equal(back.read(name), tensor + 1) for name, tensor in tensors.items())


def test_models_of_other_shape_are_refused(tmp_path):
    for name, shape in {"a": (2, 2), "b": (2, 3)}.items():
        (tmp_path / name).mkdir()
        save_file({"w": torch.zeros(shape)}, tmp_path / name / "model.safetensors")
    with pytest.raises(In2xError, match=r"tensor w is \(2, 3\) there and \(2, 2\) in the base"):
        check_same_shape(Weights(tmp_path / "a"), {"b": Weights(tmp_path / "b")})
    with pytest.raises(In2xError, match="no safetensors weights"):
        Weights(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(In2xError, match="cannot be read"):
        Weights(tmp_path)


# --- the stage --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inputs(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """A pretrained model (the tiny one with noise), and two models that differ from it."""
    root = tmp_path_factory.mktemp("inputs")
    weights = load_file(tiny_model / "model.safetensors")
    generator = torch.Generator().manual_seed(0)
    for index, name in enumerate(("pretrain", "sft", "rl")):
        folder = root / name / "model"
        folder.mkdir(parents=True)
        for file in tiny_model.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        noisy = {
            key: value + 0.002 * (1 + index) * torch.randn(value.shape, generator=generator)
            for key, value in weights.items()
        }
        save_file(noisy, folder / "model.safetensors", metadata={"format": "pt"})
    (root / "data").mkdir()
    pairs = [Pair(str(i), "en", "ja", "Where is the station?", "駅はどこですか。", register="polite") for i in range(6)]
    write_records(root / "data" / "pairs.dev.parquet", pairs, Pair)
    for name in ("data", "pretrain", "sft", "rl"):
        write_json(root / name / "manifest.json", {"stage": name, "key": name, "figures": {"loss": 1.25}})
    return {name: Artifact.open(root / name) for name in ("data", "pretrain", "sft", "rl")}


def merge(inputs: dict[str, Artifact], out: Path, **knobs) -> Stage:
    out.mkdir(exist_ok=True)
    stage = Stage("merge", Recipe(name="test"), out, inputs)
    run(MergeConfig(**knobs), stage)
    return stage


@pytest.mark.parametrize("method", ["linear", "ties", "obim"])
def test_stage_writes_a_model_that_transformers_loads(inputs, tmp_path, method):
    stage = merge(inputs, tmp_path / "out", method=method, calibration=4)
    folder = tmp_path / "out" / "model"
    base, sft, rl, merged = (
        load_file(path / "model" / "model.safetensors")
        for path in (*(inputs[n].path for n in ("pretrain", "sft", "rl")), tmp_path / "out")
    )
    assert merged.keys() == base.keys()
    for name, tensor in merged.items():
        if method == "linear":
            torch.testing.assert_close(tensor, (sft[name] + rl[name]) / 2, rtol=0, atol=1e-6)
        if method == "obim":
            change = tensor - base[name]
            owned = [torch.isclose(change, m[name] - base[name], rtol=0, atol=1e-6) for m in (sft, rl)]
            assert (owned[0] | owned[1] | torch.isclose(change, torch.zeros(()), atol=1e-6)).all()
    assert LocalTranslator(folder).translate(["Where is the station?"], TranslationRequest("en", "ja", "polite")) == [
        "駅はどこですか。"
    ]
    assert (folder / "in2x_prompt.json").exists() and (folder / "chat_template.jinja").exists()
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "loss | 1.25" in card and "- ja" in card
    assert stage.figures["method"] == method
    assert -1 <= stage.figures["cosine/sft/rl"] <= 1


def test_stage_gives_the_same_bytes_in_shards_after_a_stop(inputs, tmp_path):
    merge(inputs, tmp_path / "a", method="obim", calibration=4)
    whole = load_file(tmp_path / "a" / "model" / "model.safetensors")
    out = tmp_path / "b"
    merge(inputs, out, method="obim", calibration=4)
    (out / "model" / "model.safetensors").unlink()
    assert (out / "work" / "hessian.sft.safetensors").exists(), "calibration must outlive a stop"
    merge(inputs, out, method="obim", calibration=4)
    again = load_file(out / "model" / "model.safetensors")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_survey_knows_orthogonal_changes():
    survey = Survey(("sft", "rl"))
    survey.add([torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]), torch.tensor([0.5, 1.0])])
    figures = survey.figures()
    assert figures["cosine/sft/rl"] == 0
    assert figures["norm/rl"] == 2
    assert figures["cosine/rl/merged"] == pytest.approx(1 / np.sqrt(1.25))


def test_config_refuses_mismatched_weights(tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("merge:\n  weights: [1.0]\n")
    with pytest.raises(UsageError, match="merge: 1 weights for 2 models"):
        load_recipe(recipe)
