"""Every recipe of the project is valid, and those for large models can be priced without a download."""

from __future__ import annotations

from pathlib import Path

import pytest

from in2x.cost.hardware import Hardware
from in2x.cost.price import costs
from in2x.people.config import CampaignConfig
from in2x.recipe import load_config, load_recipe
from in2x.rl.check import check_trl

RECIPES = Path(__file__).parents[1] / "recipes"


def test_a_name_means_our_recipe_where_there_is_no_such_file(in2x, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = in2x("recipes")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == sorted(
        f.stem for f in RECIPES.glob("*.yaml")
    )
    demo = (RECIPES / "demo.yaml").read_text(encoding="utf-8")
    assert in2x("recipes", "demo") == (0, demo, "")
    for name in ("demo", "demo.yaml", "recipes/demo.yaml"):
        assert load_recipe(Path(name)) == load_recipe(RECIPES / "demo.yaml")
    (tmp_path / "demo").write_text("name: mine\n", encoding="utf-8")
    assert load_recipe(Path("demo")).name == "mine"
    code, _, err = in2x("recipes", "dmo")
    assert code == 2 and "did you mean 'demo'" in err
    for name, mend in (("other/demo.yaml", "did you mean 'demo'"), ("dmo", "'demo'"), ("a/b", "`in2x recipes` lists")):
        code, _, err = in2x("plan", name)
        assert code == 2 and mend in err


@pytest.mark.parametrize(
    "file", sorted(set(RECIPES.glob("*.yaml")) - set(RECIPES.glob("people-*"))), ids=lambda file: file.stem
)
def test_every_recipe_is_valid(file):
    recipe = load_recipe(file)
    assert file.stem.startswith(recipe.name)
    if recipe.rl.backend == "trl":
        check_trl(recipe.rl)


@pytest.mark.parametrize("file", sorted(RECIPES.glob("people-*.yaml")), ids=lambda file: file.stem)
def test_every_campaign_is_valid(file):
    assert load_config(file, CampaignConfig).name == file.stem


def test_the_papers_recipe_has_the_papers_numbers():
    recipe = load_recipe(RECIPES / "in2x-72b.yaml")
    assert recipe.base.model == "Qwen/Qwen2.5-72B"
    phases = recipe.pretrain
    assert (phases.phase1.tokens, phases.phase1.context) == (2_500_000_000_000, 8192)
    assert phases.phase2.context == phases.phase3.context == 32768
    assert (phases.phase3.tokens, phases.phase3.optimizer.lr, phases.phase3.optimizer.schedule) == (
        300_000_000_000, 3e-5, "linear")  # fmt: skip
    assert recipe.select.round1.size + recipe.select.round2.size == 1_500_000
    assert recipe.select.rl.size == 500_000 == pytest.approx(recipe.rl.steps * recipe.rl.prompts, rel=1e-3)
    assert (recipe.sft.optimizer.lr, recipe.sft.optimizer.schedule) == (2e-5, "cosine")
    assert (recipe.rl.prompts, recipe.rl.samples, recipe.rl.minibatch) == (128, 16, 32)
    assert (recipe.rl.objective.level, recipe.rl.objective.clip_low, recipe.rl.objective.entropy) == (
        "trajectory", None, 0.01)  # fmt: skip


def test_a_cache_is_no_input_of_a_stage_and_a_file_of_agreement_is(tmp_path):
    cache, agreement = tmp_path / "answers.sqlite", tmp_path / "agreement.json"
    cache.touch(), agreement.touch()
    named = [f"rl.judge.cache={cache}", f"rl.judge.reliability={agreement}", f"instruct.cache={cache}"]
    recipe = load_recipe(RECIPES / "demo.yaml", named)
    assert list(recipe.input_files("rl")) == [str(agreement)]
    assert recipe.input_files("instruct") == load_recipe(RECIPES / "demo.yaml").input_files("instruct")


@pytest.mark.parametrize(("name", "parameters"), [("in2x-72b", 72.7e9), ("qwen3-8b-ja", 8.19e9)])
def test_large_recipes_are_priced(name, parameters):
    found = {cost.stage: cost for cost in costs(load_recipe(RECIPES / f"{name}.yaml"), Hardware("h100", 64, 0.4))}
    first = found["pretrain phase1"]
    assert first.flops > 6 * parameters * first.tokens * 0.97
    assert found["rl"].device_hours > 0
    sft = found["sft"]
    if name == "in2x-72b":
        assert sft.tokens == 1_500_000 * 512 and "1,500,000 examples, if one is 512 tokens long" in sft.words
        assert 6 * parameters < sft.flops / sft.tokens < 8 * parameters  # activations are recomputed
    assert "128 prompts x 16 rollouts = 2,048 trajectories a batch, 4 updates of 512 each" in found["rl"].words
