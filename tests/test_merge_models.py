"""`in2x merge-models` on folders: what it makes, what it refuses, and what a kill or a full disk leaves."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn import functional

from in2x.artifact import Artifact, write_json
from in2x.cli import main
from in2x.merge import shards
from in2x.merge.config import MergeConfig
from in2x.merge.importance import fisher, hessian, write_importance
from in2x.merge.methods import saliency
from in2x.merge.shards import Weights
from in2x.merge.stage import run
from in2x.recipe import Recipe
from in2x.stage import Stage
from in2x.training.batches import Example
from in2x.translate.engine import LocalBackend
from in2x.translate.request import TranslationRequest

MODELS = ("north", "south", "east")


def noisy(source: Path, folder: Path, seed: int, size: float = 0.002) -> Path:
    """A copy of a model folder with other weights."""
    shutil.copytree(source, folder)
    generator = torch.Generator().manual_seed(seed)
    weights = {
        name: tensor + size * torch.randn(tensor.shape, generator=generator)
        for name, tensor in load_file(source / "model.safetensors").items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def folders(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("folders")
    for seed, name in enumerate(("base", *MODELS)):
        noisy(tiny_model, root / name, seed)
    (root / "texts.txt").write_text("Where is the station?\n\n駅はどこですか。\n", encoding="utf-8")
    rows = [
        {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "こんにちは"}]},
        {"text": "The station is near."},
    ]
    (root / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return root


def arguments(root: Path, out: Path, *more: str, models: tuple[str, ...] = MODELS) -> list[str]:
    return ["merge-models", *(str(root / name) for name in models), "--base", str(root / "base"), "-o", str(out), *more]


def weights_of(folder: Path) -> dict[str, Tensor]:
    return {name: tensor for file in folder.glob("*.safetensors") for name, tensor in load_file(file).items()}


OBIM = ("--method", "obim", "--saliency", "magnitude", "--density", "0.3")


@pytest.mark.parametrize(
    "more",
    [
        ("--method", "linear", "--weights", "0.5,0.25,0.25"),
        ("--method", "ties", "--density", "0.4", "--scale", "1.5"),
        ("--method", "obim", "--density", "0.3", "--calibration", "texts.txt"),
        ("--method", "obim", "--saliency", "fisher", "--calibration", "chats.jsonl"),
    ],
    ids=lambda more: " ".join(more[1:4]),
)
def test_the_new_folder_is_a_model_and_tells_how_it_was_made(folders, tmp_path, more):
    out = tmp_path / "merged"
    more = tuple(str(folders / word) if "." in word and not word[0].isdigit() else word for word in more)
    assert main(arguments(folders, out, *more)) == 0
    assert LocalBackend(out).translate(["Where is the station?"], TranslationRequest("en", "ja", "polite"))
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert list(manifest["models"]) == list(MODELS)
    assert set(manifest["base"]["sha256"]) == {file.name for file in (folders / "base").iterdir()}
    assert manifest["versions"]["torch"]
    assert f"cosine/{MODELS[0]}/{MODELS[1]}" in manifest["figures"]
    assert "mergedmerging" not in (out / "README.md").read_text(encoding="utf-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["merged"]
    assert not (out / "work").exists()
    assert {p.name for p in (folders / "base").iterdir()} <= {p.name for p in out.iterdir()} | {"README.md"}


def test_obim_takes_each_position_from_one_model_and_says_from_which(folders, tmp_path):
    (folders / MODELS[-1] / "pytorch_model.bin").write_bytes(b"the unmerged weights")
    assert main(arguments(folders, tmp_path / "merged", *OBIM)) == 0
    assert not (tmp_path / "merged" / "pytorch_model.bin").exists()
    base, merged, *models = (
        weights_of(p) for p in (folders / "base", tmp_path / "merged", *(folders / m for m in MODELS))
    )
    counts = torch.zeros(4)
    for name, tensor in merged.items():
        same = torch.stack([tensor == models[0][name], tensor == models[1][name], tensor == models[2][name]])
        assert ((same.sum(0) == 1) | (tensor == base[name])).all(), "a position is an average"
        counts += torch.tensor([float((same.sum(0) == 0).sum()), *same.flatten(1).sum(1).tolist()])
    owners = json.loads((tmp_path / "merged" / "manifest.json").read_text(encoding="utf-8"))["owners"]
    assert list(owners["all"].values()) == pytest.approx((counts / counts.sum()).tolist(), abs=1e-4)
    assert list(owners["layer 1"]) == ["base", *MODELS]
    assert owners["layer 1"]["south"] == pytest.approx(0.3, abs=0.01)


def test_the_stage_and_the_command_are_one_engine(folders, tmp_path):
    artifacts = {}
    for name, folder in {"pretrain": "base", "sft": "north", "rl": "south"}.items():
        (tmp_path / name).mkdir()
        shutil.copytree(folders / folder, tmp_path / name / "model")
        write_json(tmp_path / name / "manifest.json", {"stage": name, "key": name})
        artifacts[name] = Artifact.open(tmp_path / name)
    (tmp_path / "stage").mkdir()
    stage = Stage("merge", Recipe(name="test"), tmp_path / "stage", artifacts)
    run(MergeConfig(method="obim", saliency="magnitude", density=0.3), stage)
    assert main(arguments(folders, tmp_path / "command", *OBIM, models=MODELS[:2])) == 0
    one, other = weights_of(tmp_path / "stage" / "model"), weights_of(tmp_path / "command")
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert stage.figures["owners"]["all"] == pytest.approx({"base": 0.4, "sft": 0.3, "rl": 0.3}, abs=0.001)


def test_models_that_changed_alike_are_said_to(folders, tmp_path, capsys):
    noisy(folders / "north", tmp_path / "twin", 9, 1e-6)
    assert main(["merge-models", str(folders / "north"), str(tmp_path / "twin"), "--base", str(folders / "base"),
                 "-o", str(tmp_path / "out")]) == 0  # fmt: skip
    assert "they changed the same way" in capsys.readouterr().err


# --- what is refused ------------------------------------------------------------------------------------------------


def shard(folder: Path) -> None:
    """The weights of a folder in two files and an index."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    (folder / "model.safetensors").unlink()
    where = {}
    for number, part in enumerate((names[:3], names[3:])):
        save_file({name: tensors[name] for name in part}, folder / f"part-{number}.safetensors")
        where |= dict.fromkeys(part, f"part-{number}.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))


def missing_shard(folder: Path) -> None:
    shard(folder)
    (folder / "part-1.safetensors").unlink()


def cut_off(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-100])


def other_tokenizer(folder: Path) -> None:
    text = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = text["model"]["vocab"]
    a, b = list(vocabulary)[100:102]
    vocabulary[a], vocabulary[b] = vocabulary[b], vocabulary[a]
    (folder / "tokenizer.json").write_text(json.dumps(text), encoding="utf-8")


def other_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.5}))


def other_type(folder: Path) -> None:
    weights = {name: tensor.bfloat16() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors")


def not_finite(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    next(iter(weights.values())).view(-1)[0] = torch.nan
    save_file(weights, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (missing_shard, "part-1.safetensors: a shard that the index names is missing"),
        (cut_off, "bytes where its header says"),
        (other_tokenizer, "another tokenizer: "),
        (other_config, "another architecture: rms_norm_eps is 0.5 here and 1e-06 in the base"),
        (other_type, "is BF16"),
        (not_finite, "not finite"),
    ],
)
def test_a_model_that_does_not_fit_is_one_sentence(folders, tmp_path, capsys, spoil, said):
    shutil.copytree(folders / "north", tmp_path / "bad")
    spoil(tmp_path / "bad")
    words = ["merge-models", str(folders / "south"), str(tmp_path / "bad"), "--base", str(folders / "base")]
    assert main([*words, "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_wrong_words_are_refused_before_any_work(folders, tmp_path, capsys):
    north, base, out = str(folders / "north"), str(folders / "base"), str(tmp_path / "out")
    (tmp_path / "there").mkdir()
    shutil.copytree(folders / "north", tmp_path / "copy")
    for words, said in [
        ([north, base, "-o", out], "this model is the base itself"),
        ([north, north, "-o", out], "a model is given twice"),
        ([north, str(tmp_path / "copy"), "-o", out], "copy has the weights of north"),
        ([north, "-o", str(tmp_path / "there")], "this is there already"),
        ([north, "-o", str(tmp_path / "no" / "out")], "there is no folder to make this in"),
        ([north, str(tmp_path), "-o", out], "not a model folder"),
        ([north, "-o", out, "--weights", "1,2"], "2 weights for 1 models"),
        ([north, "-o", out, "--weights", "a"], "could not convert"),
        ([north, "-o", out, "--density", "0"], "--density"),
        ([north, "-o", out, "--method", "obim"], "0 calibration files for 1 models"),
        ([north, "-o", out, "--calibration", north], "--calibration is read by --method obim alone"),
        ([north, "-o", out, "--method", "obim", "--calibration", out], "no such file"),
    ]:
        assert main(["merge-models", *words, "--base", base]) in (1, 2)
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1, error
        assert sorted(p.name for p in tmp_path.iterdir()) == ["copy", "there"]


def test_too_little_room_is_said_before_work(folders, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    assert main(arguments(folders, tmp_path / "out", *OBIM)) == 1
    assert "GB and the disk has 1e-06 GB left" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# --- what a stop leaves ---------------------------------------------------------------------------------------------

SHARDS = ("--shard-mb", "1")


@pytest.fixture(scope="module")
def wide(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same folders with a tensor more each (no model of any use), so that there are several weight files."""
    root = tmp_path_factory.mktemp("wide")
    generator = torch.Generator().manual_seed(0)
    for name in ("base", *MODELS):
        shutil.copytree(folders / name, root / name)
        more = {f"more.{n}": torch.randn(300, 500, generator=generator) for n in range(4)}
        save_file({**load_file(root / name / "model.safetensors"), **more}, root / name / "model.safetensors")
    return root


@pytest.fixture(scope="module")
def undisturbed(wide: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    assert main(arguments(wide, out, *OBIM, *SHARDS)) == 0
    assert len(list(out.glob("*.safetensors"))) >= 4
    return out


def same_result(out: Path, wanted: Path) -> bool:
    a, b = (
        {f.name: f.read_bytes() for f in p.iterdir() if f.name not in ("manifest.json", "README.md")}
        for p in (out, wanted)
    )
    told = [json.loads((p / "manifest.json").read_text(encoding="utf-8")) for p in (out, wanted)]
    return a == b and told[0]["owners"] == told[1]["owners"] and told[0]["figures"] == told[1]["figures"]


def killed(words: list[str], after: int) -> None:
    """Run the command in a process that is killed with -9 once `after` weight files are written."""
    script = textwrap.dedent(f"""
        import os, signal, sys
        from in2x.merge import shards
        write, count = shards._write_shard, 0
        def counted(*arguments):
            global count
            if count == {after}:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            write(*arguments)
        shards._write_shard = counted
        from in2x.cli import main
        main(sys.argv[1:])
    """)
    assert subprocess.run([sys.executable, "-c", script, *words], check=False).returncode == -9


def test_a_killed_merge_goes_on_where_it_stopped(wide, undisturbed, tmp_path, monkeypatch):
    words = arguments(wide, tmp_path / "out", *OBIM, *SHARDS)
    killed(words, 2)
    assert [p.name for p in tmp_path.iterdir()] == [".out.merging"]
    made = []
    write = shards._write_shard
    monkeypatch.setattr(shards, "_write_shard", lambda file, *rest: (made.append(file.name), write(file, *rest)))
    assert main(words) == 0
    assert len(made) == len(list(undisturbed.glob("*.safetensors"))) - 2
    assert same_result(tmp_path / "out", undisturbed)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_half_done_merge_of_other_inputs_is_not_taken_up(wide, undisturbed, tmp_path):
    other = arguments(wide, tmp_path / "out", *OBIM[:-1], "0.1", *SHARDS)
    killed(other, 1)
    assert main(arguments(wide, tmp_path / "out", *OBIM, *SHARDS)) == 0
    assert same_result(tmp_path / "out", undisturbed)


def test_a_full_disk_is_a_sentence_and_the_rest_is_made_later(wide, undisturbed, tmp_path, capsys, monkeypatch):
    words = arguments(wide, tmp_path / "out", *OBIM, *SHARDS)
    write, count = shards._write_shard, iter(range(100))

    def full(*given):
        if next(count) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(*given)

    monkeypatch.setattr(shards, "_write_shard", full)
    assert main(words) == 1
    assert "the disk is full (no space is left); make room, and give the same command again" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(shards, "_write_shard", write)
    assert main(words) == 0
    assert same_result(tmp_path / "out", undisturbed)


# --- memory ---------------------------------------------------------------------------------------------------------

MEASURE = """
import resource, sys
from contextlib import contextmanager
from pathlib import Path
from in2x.merge.config import MixConfig
from in2x.merge.engine import merge

@contextmanager
def silent(what, total):
    yield lambda count: None

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

root, how = Path(sys.argv[1]), MixConfig(method=sys.argv[2], saliency="magnitude", iterations=3)
for size in ("small", "large"):  # the small one first: what libraries take at their first use is not the merge's
    place = root / size / sys.argv[2]
    (place / "work").mkdir(parents=True)
    before = peak()
    models = {name: root / size / name for name in ("a", "b")}
    merge(place, place / "work", root / size / "base", models, how, lambda name: [], 10**10, silent)
print(peak() - before)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("large")
    generator = torch.Generator().manual_seed(0)
    for size, rows in {"small": 1200, "large": 12_000}.items():
        for name in ("base", "a", "b"):
            (root / size / name).mkdir(parents=True)
            tensor = torch.randn(rows, 1000, generator=generator).bfloat16()
            save_file({"w": tensor, "v": tensor[:10].clone()}, root / size / name / "model.safetensors")
    return root


@pytest.mark.parametrize("method", ["ties", "obim"])
def test_it_takes_no_more_memory_than_the_largest_tensor_of_all_models(large, method):
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(large), method], check=True, capture_output=True, text=True
    )
    largest = 3 * 2 * 12_000 * 1000
    assert int(done.stdout) <= 1.3 * largest


# --- saliency against the true change of the loss -------------------------------------------------------------------


def undone(loss, trained: Tensor, change: Tensor) -> Tensor:
    """The loss without the change at each position alone, less the loss with all of it."""
    out = torch.empty_like(trained)
    for place in range(trained.numel()):
        weight = trained.clone()
        weight.view(-1)[place] -= change.view(-1)[place]
        out.view(-1)[place] = loss(weight)
    return out - loss(trained)


class Layer(nn.Module):
    """A layer over fixed vectors of tokens, as a causal language model: `logits` for token ids."""

    def __init__(self, vectors: Tensor, weight: Tensor) -> None:
        super().__init__()
        self.vectors = nn.Embedding.from_pretrained(vectors)
        self.head = nn.Linear(vectors.shape[1], vectors.shape[0], bias=False)
        self.head.weight = nn.Parameter(weight.clone())

    def forward(self, ids):
        self.logits = self.head(self.vectors(ids))
        return self


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_saliency_ranks_changes_as_the_loss_does(seed):
    """A softmax layer fine-tuned from a base on its own kind of text: what does undoing each change cost?

    Inputs differ in scale, as those of a network's layers do; the truth is the mean cross-entropy over the texts.
    """
    generator = torch.Generator().manual_seed(seed)
    tokens, width = 12, 8
    scales = torch.logspace(-1, 0.5, width)
    vectors = torch.randn(tokens, width, generator=generator) * scales
    base = 0.3 * torch.randn(tokens, width, generator=generator)
    target = base + 0.3 * torch.randn(tokens, width, generator=generator) / scales.sqrt()
    first = torch.randint(tokens, (4000,), generator=generator)
    second = torch.multinomial((vectors[first] @ target.T).softmax(-1), 1, generator=generator)[:, 0]

    def loss(weight: Tensor) -> Tensor:
        return functional.cross_entropy(vectors[first].to(weight.dtype) @ weight.T, second)

    trained = base.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([trained], max_iter=300, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimizer.zero_grad()
        value = loss(trained)
        value.backward()
        return value

    optimizer.step(step)
    trained = trained.detach()
    change = trained - base
    truth = undone(loss, trained.double(), change.double())
    model = Layer(vectors, trained)
    texts = [Example([a, b], 1) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    ranks = {
        "fisher": saliency(change, fisher(model, texts)["head.weight"]),
        "hessian": saliency(change, hessian(model, texts)["head.weight"]),
        "magnitude": saliency(change, torch.ones(())),
    }
    found = {name: spearmanr(score.flatten(), truth.flatten()).statistic for name, score in ranks.items()}
    print(found)
    assert found["fisher"] >= 0.9
    assert found["hessian"] >= 0.9
    assert found["magnitude"] < found["hessian"]


def test_the_fisher_diagonal_is_the_mean_square_of_gradients(tmp_path):
    generator = torch.Generator().manual_seed(0)
    model = Layer(torch.randn(5, 3, generator=generator), torch.randn(5, 3, generator=generator))
    texts = [Example([0, 1, 2], 1), Example([3, 4, 0, 1], 3)]
    squares = []
    for text in texts:
        weight = model.head.weight.detach().clone().requires_grad_()
        ids = torch.tensor(text.tokens)
        logits = model.vectors(ids) @ weight.T
        wanted = slice(text.answer_start - 1, -1)
        functional.cross_entropy(logits[wanted], ids[text.answer_start :], reduction="sum").backward()
        squares.append(weight.grad.square())
    found = fisher(model, texts)
    torch.testing.assert_close(found["head.weight"], torch.stack(squares).mean(0))
    assert not any(parameter.grad is not None for parameter in model.parameters())
    write_importance({**found, "never": torch.zeros(3)}, tmp_path / "importance")
    assert "never" not in Weights(tmp_path / "importance").shapes, "zeros say nothing"
