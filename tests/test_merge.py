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
from in2x.merge.codes import Top, codes_of, histogram, score_of
from in2x.merge.config import MergeConfig
from in2x.merge.engine import Made, Survey
from in2x.merge.importance import hessian, watch
from in2x.merge.methods import linear, saliency, share_out, ties
from in2x.merge.shards import INDEX, Weights, check_same_shape, write_shards
from in2x.merge.stage import run
from in2x.recipe import Recipe, load_recipe
from in2x.records import Pair, write_records
from in2x.stage import Stage
from in2x.training.batches import Example
from in2x.translate.engine import LocalBackend
from in2x.translate.request import TranslationRequest


def deltas(count: int, *shape: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(count)]


# --- methods --------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(0, 35), st.integers(1, 9))
def test_top_takes_exactly_the_largest_first_among_equals_in_any_chunks(values, count, step):
    codes = codes_of(torch.tensor(values, dtype=torch.float32), torch.tensor(values) == 0)
    top = Top(histogram(codes), count)
    taken = [first + i for first in range(0, len(values), step) for i in top.take(codes[first : first + step]).tolist()]
    order = sorted((i for i, v in enumerate(values) if v), key=lambda i: (-values[i], i))
    assert taken == sorted(order[:count])


@given(st.floats(0, 2.0**99, width=32), st.floats(0, 2.0**99, width=32))
def test_codes_order_as_scores_do(a, b):
    code_a, code_b = codes_of(torch.tensor([a, b]), torch.tensor([False, False])).tolist()
    assert min(code_a, code_b) >= 1
    assert code_a == code_b or (code_a > code_b) == (a > b)
    if a > b * (1 + 2**-7) and b > 1e-37:
        assert code_a > code_b


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


def trimmed(changes: list[torch.Tensor], density: float) -> list[torch.Tensor]:
    out = [torch.zeros_like(d) for d in changes]
    for kept, change in zip(out, changes, strict=True):
        codes = codes_of(change.abs(), change == 0)
        places = Top(histogram(codes.reshape(-1)), round(density * change.numel())).take(codes)
        kept.view(-1)[places] = change.reshape(-1)[places]
    return out


@pytest.mark.parametrize("density", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("weights", [(0.5, 0.5, 0.5), (0.7, 0.2, 0.1)])
def test_ties_against_the_reference(weights, density):
    changes = deltas(3, 6, 9, seed=3)
    merged = ties(trimmed(changes, density), weights)
    np.testing.assert_allclose(merged.numpy(), ties_reference(changes, weights, density), rtol=0, atol=1e-14)


def test_ties_of_one_model_with_full_density_is_that_model():
    [change] = deltas(1, 4, 4)
    torch.testing.assert_close(ties(trimmed([change], 1.0), (0.3,)), change)


def test_ties_keeps_out_a_minority_sign():
    a, b, c = (torch.tensor([[x]], dtype=torch.float64) for x in (2.0, 1.0, -1.5))
    assert ties([a, b, c], (1.0, 1.0, 1.0)).item() == pytest.approx(1.5)


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


def codes(count: int, positions: int, seed: int = 0) -> list[torch.Tensor]:
    """Saliencies of models of quite different size, and some changes that are none."""
    found = []
    for index, delta in enumerate(deltas(count, positions, seed=seed)):
        still = torch.arange(positions) % 10 == index
        found.append(codes_of(saliency(delta * 3**index, torch.ones(())), still))
    return found


def share_out_reference(codes, density, iterations):
    """The rounds of `share_out`, over plain lists."""
    total, scores = codes[0].numel(), [score_of(c).double().tolist() for c in codes]
    can = [(c > 0).tolist() for c in codes]
    means = [
        sum(s for s, c in zip(score, able, strict=True) if c) / total for score, able in zip(scores, can, strict=True)
    ]
    owner = [-1] * total

    def round_of(cap):
        bids = {}
        for model, score in enumerate(scores):
            free = [i for i in range(total) if owner[i] < 0 and can[model][i]]
            wanted = sorted(free, key=lambda i: (-score[i], i))[: cap - owner.count(model)]
            for i in wanted:
                bids.setdefault(i, []).append((np.float32(score[i]) / np.float32(means[model]), -model))
        for i, who in bids.items():
            owner[i] = -max(who)[1]
        return bool(bids)

    limit = round(density * total)
    fair = min(limit, total // len(codes))
    for t in range(1, iterations):
        round_of(-(-fair * t // iterations))
    while round_of(fair):
        pass
    while round_of(limit):
        pass
    return owner


@pytest.mark.parametrize("density", [0.1, 0.4, 0.8])
@pytest.mark.parametrize("iterations", [1, 3])
def test_sharing_out_against_the_reference(density, iterations):
    found = codes(3, 97, seed=7)
    wanted = share_out_reference(found, density, iterations)
    assert share_out(found, density, iterations).tolist() == wanted


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("density", [0.05, 0.3, 0.5, 1.0])
def test_every_model_gets_its_fair_share(count, density):
    owner = share_out([codes_of(d.abs() * 9**i, d == 0) for i, d in enumerate(deltas(count, 3000))], density, 10)
    shares = torch.bincount(owner.int() + 1, minlength=count + 1)[1:] / owner.numel()
    fair = min(density, 1 / count)
    assert (shares - fair).abs().max() <= 1 / 1000


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_density_of_one_share_each_parts_the_tensor(count):
    owner = share_out([codes_of(d.abs(), d == 0) for d in deltas(count, 6000)], 1 / count, 10)
    assert torch.bincount(owner.int() + 1, minlength=count + 1).tolist() == [0] + [6000 // count] * count


def test_what_one_model_does_not_change_goes_to_the_others():
    few, many = deltas(2, 1000)
    few[50:] = 0
    owner = share_out([codes_of(d.abs(), d == 0) for d in (few, many)], 0.9, 5)
    assert (owner == 0).sum() <= 50
    assert (owner == 1).sum() == 900


@given(st.integers(0, 10_000), st.floats(0.05, 1.0), st.permutations(range(3)))
def test_the_order_of_the_models_does_not_matter(seed, density, order):
    found = codes(3, 400, seed)
    other = share_out([found[i].clone() for i in order], density, 5)
    one = share_out(found, density, 5)
    same = torch.tensor([-1, *order])[other.int() + 1] == one
    # Exact ties alone may fall otherwise: two models' saliencies that are the same multiple of their means.
    assert same.double().mean() >= 0.99


def test_alike_models_share_evenly_in_any_order():
    [delta] = deltas(1, 3000)
    near = [codes_of((delta * (1 + 0.001 * noise)).square(), delta == 0) for noise in deltas(3, 3000, seed=1)]
    other = share_out([c.clone() for c in near[::-1]], 1 / 3, 10)
    one = share_out(near, 1 / 3, 10)
    assert torch.bincount(one.int()).tolist() == torch.bincount(other.int()).tolist() == [1000] * 3
    assert ((2 - other) == one).double().mean() >= 0.99


def test_saliency_prefers_what_the_inputs_make_matter():
    small_but_hot = saliency(torch.tensor([1.0, 3.0]), torch.tensor([100.0, 1.0]))
    assert share_out([codes_of(small_but_hot, small_but_hot == 0)], 0.5, 1).tolist() == [0, -1]


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
    found = hessian(model, [Example([1, 2, 2, 3], 1), Example([0, 6], 1)])
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

    def rows_of(name):
        made.append(name)
        yield weights.read(name, slice(0, 3)) + 1
        yield weights.read(name, slice(3, 8)) + 1

    target = tmp_path / "target"
    target.mkdir()
    write_shards(target, weights, rows_of, 2 * 8 * 8 * 4)
    files = sorted(f.name for f in target.glob("*.safetensors"))
    assert files == [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
    (target / files[1]).unlink()
    made.clear()
    write_shards(target, weights, rows_of, 2 * 8 * 8 * 4)
    assert made == ["layer.2.weight", "layer.3.weight"]
    index = json.loads((target / INDEX).read_text())
    assert index["metadata"]["total_size"] == 5 * 8 * 8 * 4
    back = {name: tensor for file in files for name, tensor in load_file(target / file).items()}
    assert all(torch.equal(back[name], tensor + 1) for name, tensor in tensors.items())


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.bool]
)
def test_tensors_are_read_and_written_as_the_library_does(tmp_path, dtype):
    generator = torch.Generator().manual_seed(0)
    tensors = {
        f"t{n}": (8 * torch.randn(shape, generator=generator)).to(dtype)
        for n, shape in enumerate([(5, 3), (7,), (), (2, 3, 4), (0, 4)])
    }
    save_file({**tensors, "odd": torch.ones(3, dtype=torch.uint8)}, tmp_path / "model.safetensors")
    weights = Weights(tmp_path)
    for name, tensor in tensors.items():
        assert torch.equal(weights.read(name), tensor)
        parts = [weights.read(name, rows).reshape(-1) for rows in weights.rows(name)]
        assert torch.equal(torch.cat([tensor.new_empty(0), *parts]), tensor.reshape(-1))
    (tmp_path / "out").mkdir()
    write_shards(tmp_path / "out", weights, lambda name: (weights.read(name, r) for r in weights.rows(name)), 10**9)
    back = load_file(tmp_path / "out" / "model.safetensors")
    assert back.keys() == weights.shapes.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())


def test_models_of_other_shape_are_refused(tmp_path):
    for name, shape in {"a": (2, 2), "b": (2, 3)}.items():
        (tmp_path / name).mkdir()
        save_file({"w": torch.zeros(shape)}, tmp_path / name / "model.safetensors")
    with pytest.raises(In2xError, match=r"tensor w is F32 \(2, 3\) there and F32 \(2, 2\) in the base"):
        check_same_shape(Weights(tmp_path / "a"), {"b": Weights(tmp_path / "b")})
    with pytest.raises(In2xError, match="no safetensors weights"):
        Weights(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(In2xError, match="not a safetensors file"):
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
    assert LocalBackend(folder).translate(["Where is the station?"], TranslationRequest("en", "ja", "polite")) == [
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
    (out / "work" / "model.safetensors.json").unlink()
    assert (out / "work" / "importance.0.safetensors").exists(), "calibration must outlive a stop"
    merge(inputs, out, method="obim", calibration=4)
    again = load_file(out / "model" / "model.safetensors")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_survey_knows_orthogonal_changes():
    changes = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.5, 1.0]])
    made = Made([1, 2, 1], (changes @ changes.T).tolist())
    survey = Survey(("sft", "rl"), {"model.layers.10.w": made, "model.layers.9.w": made, "norm": made})
    figures = survey.figures()
    assert figures["cosine/sft/rl"] == 0
    assert figures["norm/rl"] == pytest.approx(2 * 3**0.5)
    assert figures["cosine/rl/merged"] == pytest.approx(1 / np.sqrt(1.25))
    owners = survey.owners()
    assert list(owners) == ["all", "layer 9", "layer 10", "norm"]
    assert owners["layer 9"] == {"base": 0.25, "sft": 0.5, "rl": 0.25}


def test_config_refuses_mismatched_weights(tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("merge:\n  weights: [1.0]\n")
    with pytest.raises(UsageError, match="merge: 1 weights for 2 models"):
        load_recipe(recipe)
