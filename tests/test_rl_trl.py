"""The TRL backend on a tiny model, CPU, without vLLM: same loss, one temperature everywhere, exact resume."""

from __future__ import annotations

import dataclasses
import json
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from in2x.chat.profile import PromptProfile
from in2x.errors import In2xError, UsageError
from in2x.records import Instruction, Pair, read_records, write_records
from in2x.rl.config import RlConfig, TemperatureConfig, TrlConfig
from in2x.rl.objective import ObjectiveConfig, advantages, objective
from in2x.rl.questions import questions
from in2x.rl.rewards.route import Scorer
from in2x.rl.schedule import objective_at, temperature_at
from in2x.rl.stage import run
from in2x.rl.trl import TrajectoryTrainer, grpo_arguments, last_checkpoint
from in2x.stage import Stage
from in2x.training.config import LoraConfig, OptimizerConfig
from in2x.training.model import load_model, save_model
from test_rl_loop import Broken, setup


class Varied:
    """A reward that tells nearly all answers apart: in quarters, by a checksum of the text."""

    name = "varied"

    async def __call__(self, items):
        return [zlib.crc32(item.answer.encode()) % 5 / 4 for item in items]


VARIED = (Varied(),)


def config(**changes) -> RlConfig:
    values = dict(
        steps=3, prompts=4, samples=4, minibatch=2, max_new_tokens=5, overlong_buffer=2, rewards={"varied": 1.0},
        temperature=TemperatureConfig(start=1.0, end=0.6), dev_every=0, backend="trl",
        optimizer=OptimizerConfig(lr=1e-2, schedule="linear", warmup=0.0),
        trl=TrlConfig(vllm="none", device_batch=4, checkpointing=False, save_every=1),
    )  # fmt: skip
    return RlConfig(**{**values, **changes})


def trainer(folder: Path, knobs: RlConfig, rewards=VARIED, held: int = 0) -> TrajectoryTrainer:
    policy, instructions = setup()
    scorer = Scorer(dict.fromkeys((r.name for r in rewards), 1), rewards)
    arguments = grpo_arguments(knobs, folder, knobs.steps, seed=0)
    return TrajectoryTrainer(
        policy.model, policy.tokenizer, instructions, scorer, knobs, arguments, held=instructions[:held]
    )


def batch_of(subject: TrajectoryTrainer) -> dict[str, torch.Tensor]:
    """One generated and scored batch, as `_compute_loss` gets it."""
    subject.model.train()
    rows = [subject.train_dataset[i // 4] for i in range(16)]
    return subject._generate_and_score_completions(rows)


def reference_logprobs(subject: TrajectoryTrainer, batch: dict[str, torch.Tensor], temperature: float) -> torch.Tensor:
    """log-softmax in float64 of a plain forward pass of a copy of the weights, one answer at a time."""
    from transformers import Qwen3ForCausalLM

    plain = Qwen3ForCausalLM(subject.model.config).double().eval()
    plain.load_state_dict(subject.model.state_dict())
    plain.set_attn_implementation("eager")
    out = torch.zeros(batch["completion_ids"].shape, dtype=torch.float64)
    for row in range(len(out)):
        prompt = batch["prompt_ids"][row][batch["prompt_mask"][row].bool()]
        answer = batch["completion_ids"][row][batch["completion_mask"][row].bool()]
        with torch.no_grad():
            logits = plain(torch.cat([prompt, answer])[None]).logits[0, len(prompt) - 1 : -1]
        out[row, : len(answer)] = torch.log_softmax(logits / temperature, -1).gather(1, answer[:, None])[:, 0]
    return out


@pytest.mark.parametrize("level", ("token", "sequence", "trajectory"))
def test_the_loss_of_a_fixed_batch_is_the_native_objective(tmp_path, level):
    knobs = config(objective=ObjectiveConfig(level=level, entropy=0.01))
    subject = trainer(tmp_path, knobs)
    batch = batch_of(subject)
    noise = torch.randn(batch["old_per_token_logps"].shape, generator=torch.Generator().manual_seed(0))
    batch["old_per_token_logps"] = batch["old_per_token_logps"] + 0.2 * noise
    batch["advantages"] = noise[:, 0].contiguous()
    batch["useful"] = torch.arange(16) >= 4  # one group taken for flat
    subject._buffered_inputs = None
    subject.current_gradient_accumulation_steps = 1
    loss = subject._compute_loss(subject.model, batch)

    logprobs = reference_logprobs(subject, batch, 1.0).float()[4:]
    mask = batch["completion_mask"].bool()[4:]
    expected, _ = objective(logprobs, batch["old_per_token_logps"][4:], batch["advantages"][4:], mask,
                            knobs.objective.model_copy(update={"entropy": 0.0}))  # fmt: skip
    entropy = float(subject._metrics["train"]["entropy"][-1])
    assert 0 < entropy < 6
    assert float(loss.detach()) + 0.01 * entropy == pytest.approx(float(expected), abs=5e-3)
    zero = trainer(tmp_path, knobs.model_copy(update={"objective": ObjectiveConfig(level=level, entropy=0.0)}))
    zero._buffered_inputs, zero.current_gradient_accumulation_steps = None, 1
    assert float(zero._compute_loss(zero.model, batch).detach()) == pytest.approx(float(expected), rel=1e-4, abs=1e-6)
    names = subject._metrics["train"]
    assert {"ess", "log_ratio", "clip_high", "entropy", "flat_groups", "reward"} <= names.keys()
    assert ("clip_ratio/high_mean" in names) == (level != "trajectory")


@pytest.mark.parametrize(
    ("level", "clip_low"), [("token", 0.2), ("token", None), ("sequence", 0.1), ("sequence", None)]
)
def test_token_is_trls_grpo_and_sequence_its_gspo(tmp_path, level, clip_low):
    """TRL's own loss, clips and dual clip included, off policy: same value, same gradient on every weight."""
    subject = trainer(tmp_path, config())
    batch = off_policy(batch_of(subject))
    subject.loss_type, subject.importance_sampling_level = "grpo", level
    subject.epsilon_low, subject.epsilon_high, subject.args.delta = clip_low or 1.0, 0.28, 1.5
    knobs = ObjectiveConfig(level=level, clip_low=clip_low, dual_clip=1.5, entropy=0.0)
    compare(subject, batch, knobs)


def test_on_policy_the_trajectory_gradient_is_trls_luspo(tmp_path):
    subject = trainer(tmp_path, config())
    batch = batch_of(subject)
    batch.pop("old_per_token_logps")
    batch["advantages"] = torch.randn(16, generator=torch.Generator().manual_seed(0))
    subject.loss_type, subject.importance_sampling_level = "luspo", "sequence"
    compare(subject, batch, ObjectiveConfig(level="trajectory", entropy=0.0), value=False)


def off_policy(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The batch as after some updates: ratios far enough from 1 that every clip acts."""
    generator = torch.Generator().manual_seed(0)
    old = batch["old_per_token_logps"]
    shift = torch.randn(len(old), 1, generator=generator) + 0.5 * torch.randn(old.shape, generator=generator)
    batch["old_per_token_logps"] = old + shift
    batch["advantages"] = torch.randn(len(old), generator=generator)
    return batch


def compare(subject, batch, knobs: ObjectiveConfig, value: bool = True) -> None:
    """TRL's `_compute_loss` of `batch` against the objective: gradients, and values where asked."""
    from trl import GRPOTrainer

    parameters = [p for p in subject.model.parameters() if p.requires_grad]
    subject._buffered_inputs, subject.current_gradient_accumulation_steps = None, 1
    theirs = GRPOTrainer._compute_loss(subject, subject.model, batch)
    theirs_slope = torch.autograd.grad(theirs, parameters, retain_graph=True)
    logprobs = subject._scored[0]
    old = batch.get("old_per_token_logps", logprobs.detach())
    ours, metrics = objective(logprobs, old, batch["advantages"], batch["completion_mask"].bool(), knobs)
    ours_slope = torch.autograd.grad(ours, parameters)
    if value:
        assert float(ours.detach()) == pytest.approx(float(theirs.detach()), rel=1e-5, abs=1e-7)
        assert metrics["clip_high"] > 0 and metrics["clip_dual"] > 0
    assert sum(float(g.abs().sum()) for g in ours_slope) > 0
    for a, b in zip(ours_slope, theirs_slope, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-7)


def test_the_advantages_are_those_of_the_native_loop(tmp_path):
    subject = trainer(tmp_path, config())
    batch = batch_of(subject)
    rewards, lengths = subject._rewards
    assert batch["advantages"].abs().sum() > 0
    assert torch.equal(batch["advantages"], advantages(rewards.view(4, 4), "group", lengths.view(4, 4)).view(-1))


def test_parts_of_an_update_add_up(tmp_path):
    """Two passes of 8 trajectories, or one of 16: the same gradient."""
    from trl.trainer.utils import split_tensor_dict

    grads = []
    for passes in (1, 2):
        knobs = config(minibatch=4, trl=TrlConfig(vllm="none", device_batch=16 // passes, checkpointing=False))
        subject = trainer(tmp_path, knobs)
        torch.manual_seed(5)
        batch = batch_of(subject)
        batch["useful"] = torch.arange(16) >= 4
        batch["advantages"] = torch.randn(16, generator=torch.Generator().manual_seed(0))
        subject._buffered_inputs = split_tensor_dict(batch, passes)
        subject.current_gradient_accumulation_steps = passes
        for part in subject._buffered_inputs:
            subject._compute_loss(subject.model, part).backward()
            subject._step += 1
        grads.append(torch.cat([p.grad.flatten() for p in subject.model.parameters()]))
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-4, atol=1e-7)


def test_sampled_and_scored_at_one_temperature_before_and_after_a_change(tmp_path):
    subject = trainer(tmp_path, config())
    subject.vllm_generation = SimpleNamespace(temperature=1.0)
    seen = []
    for window in (0, 1, 2):
        subject._step = window * subject._window_steps
        batch = batch_of(subject)
        expected = temperature_at(subject.config.temperature, window, 3)
        reported, _, _ = subject._get_per_token_logps_and_entropies(
            subject.model, torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1),
            torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1), batch["completion_ids"].shape[1],
        )  # fmt: skip
        for logprobs in (reported.detach(), batch["old_per_token_logps"]):
            torch.testing.assert_close(
                logprobs.double(), reference_logprobs(subject, batch, expected), rtol=0, atol=1e-4
            )
        places = (subject.temperature, subject.vllm_generation.temperature, subject.generation_config.temperature,
                  subject.generation_kwargs["temperature"])  # fmt: skip
        assert places == (expected,) * 4
        seen.append(expected)
    assert seen == [1.0, 0.8, 0.6]


def test_a_low_temperature_samples_the_likeliest(tmp_path):
    """The sampler really follows: near 0 all answers to a prompt are its greedy one."""
    subject = trainer(tmp_path, config(temperature=TemperatureConfig(start=1e-3, end=1e-3)))
    batch = batch_of(subject)
    for first in range(0, 16, 4):
        rows = batch["completion_ids"][first : first + 4]
        assert (rows == rows[0]).all()


def weights(subject: TrajectoryTrainer) -> list[torch.Tensor]:
    return [p.detach().clone() for p in subject.model.parameters()]


@pytest.mark.parametrize(("killed_after", "steps"), [(2, 3), (3, 3), (7, 5)])
def test_a_killed_run_ends_in_the_same_weights(tmp_path, killed_after, steps):
    """Killed at a border of a generation window, in the middle of one, and in the second pass over the prompts."""
    from transformers import TrainerCallback

    class Kill(TrainerCallback):
        def on_step_begin(self, args, state, control, **_):
            if state.global_step == killed_after:
                raise KeyboardInterrupt

    whole = trainer(tmp_path / "whole", config(steps=steps))
    whole.train()
    cut = trainer(tmp_path / "cut", config(steps=steps))
    cut.add_callback(Kill())
    with pytest.raises(KeyboardInterrupt):
        cut.train()
    place = last_checkpoint(tmp_path / "cut")
    assert place.name == f"checkpoint-{killed_after}"
    assert json.loads((place / "window-0.json").read_text())["unused"] == (killed_after % 2 == 1)
    (tmp_path / "cut" / "checkpoint-9").mkdir()  # one that a kill cut short
    resumed = trainer(tmp_path / "cut", config(steps=steps))
    resumed.train(resume_from_checkpoint=str(last_checkpoint(tmp_path / "cut")))
    for a, b in zip(weights(whole), weights(resumed), strict=True):
        assert torch.equal(a, b)
    start = weights(trainer(tmp_path / "start", config(steps=steps)))
    assert any(not torch.equal(a, b) for a, b in zip(start, weights(whole), strict=True))


def test_a_failing_reward_is_counted_and_without_any_reward_the_run_ends(tmp_path):
    subject = trainer(tmp_path, config(steps=1, objective=ObjectiveConfig(entropy=0.0)), rewards=(Broken(),))
    before = weights(subject)
    with pytest.raises(In2xError, match=r"the first batch \(broken: RuntimeError: no judge today\)"):
        subject.train()
    assert subject.scorer.failed == {"broken": 16}
    assert all(torch.equal(a, b) for a, b in zip(before, weights(subject), strict=True))


def test_adapters_follow_the_temperature_and_only_they_learn(tmp_path):
    knobs = config(steps=1, lora=LoraConfig(rank=2))
    subject = trainer(tmp_path, knobs, held=4)
    subject.set_temperature(0.5)
    assert "temperature" in subject._fused[0].__code__.co_freevars
    subject.train()
    moved = {n for n, p in subject.model.named_parameters() if p.requires_grad}
    assert moved and all("lora_" in name for name in moved)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"sft_weight": 0.1}, "rl.sft_weight"),
        ({"optimizer": OptimizerConfig(name="muon")}, "adamw"),
        ({"optimizer": OptimizerConfig(ema=0.9)}, "ema"),
        ({"trl": TrlConfig(vllm="none", device_batch=3)}, "device_batch"),
    ],
)
def test_what_it_has_not_is_one_sentence(tmp_path, changes, word):
    with pytest.raises(UsageError, match=word):
        grpo_arguments(config(**changes), tmp_path, 1, 0)


def test_the_entropy_weight_moves_linearly():
    knobs = config(objective=ObjectiveConfig(entropy=0.02), entropy_end=0.0)
    assert [objective_at(knobs, step, 5).entropy for step in (0, 2, 4, 9)] == pytest.approx([0.02, 0.01, 0.0, 0.0])
    assert objective_at(config(), 3, 5) == config().objective


def prepared(folder: Path, knobs: RlConfig) -> Stage:
    """An `rl` stage whose inputs are a tiny SFT model, RL prompts and two held-out pairs."""
    policy, instructions = setup()
    for name in ("sft", "select", "data", "rl"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    save_model(policy.model, policy.tokenizer, folder / "sft" / "model")
    PromptProfile().save(folder / "sft" / "model")
    verifier = {"name": "format", "matches": ".*[a-m]"}
    asked = [dataclasses.replace(i, task="format", verifier=verifier) for i in instructions]
    write_records(folder / "select" / "rl.parquet", asked, Instruction)
    write_records(folder / "data" / "pairs.dev.parquet", [Pair(c, "en", "ja", c, "a a") for c in "bc"], Pair)
    recipe = SimpleNamespace(seed=0, languages=SimpleNamespace(target="ja"))
    inputs = {n: SimpleNamespace(path=folder / n) for n in ("sft", "select", "data")}
    return Stage("rl", recipe, folder / "rl", inputs)


def test_the_stage_runs_it_in_a_process_of_its_own(tmp_path):
    """The whole way, adapters included: a model folder that loads, figures, a log with the native loop's names."""
    knobs = config(steps=2, rewards={"format": 1.0, "chrf": 1.0}, lora=LoraConfig(rank=2), dev_every=1)
    stage = prepared(tmp_path, knobs)
    run(knobs, stage)
    model = load_model(stage.out / "model")
    names = {n for n, _ in model.named_parameters()}
    assert names == {n for n, _ in setup()[0].model.named_parameters()}
    assert not list((stage.out / "model").glob("*.bin"))
    assert stage.figures["trajectories"] == 2 * 4 * 4
    rows = [row for row in stage.log.read() if "ess" in row]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert {"reward", "lr", "temperature", "entropy", "reward/format", "flat_groups"} <= rows[0].keys()
    assert [row["temperature"] for row in rows if "temperature" in row] == [1.0, 0.6]
    assert [row["step"] for row in stage.log.read() if "dev/reward" in row] == [2, 4]


def test_prompts_of_the_sft_set_are_drawn_by_the_seed(tmp_path):
    recipe = prepared(tmp_path, config()).recipe
    select = tmp_path / "select"
    asked = list(read_records(select / "rl.parquet", Instruction))
    seen = [dataclasses.replace(asked[0], id=f"seen{n}") for n in range(40)]
    unchecked = [dataclasses.replace(i, id=f"{i.id}x", verifier=None) for i in seen]
    write_records(select / "round1.parquet", [*seen[:10], *unchecked], Instruction)
    write_records(select / "round2.parquet", seen[10:], Instruction)
    assert questions(config(), select, recipe) == asked
    drawn = questions(config(sft_prompts=8), select, recipe)
    assert drawn[: len(asked)] == asked and len(drawn) == len(asked) + 8
    assert {i.id for i in drawn[len(asked) :]} < {i.id for i in seen}
    assert questions(config(sft_prompts=8), select, recipe) == drawn
    recipe.seed += 1
    assert questions(config(sft_prompts=8), select, recipe) != drawn
    assert len(questions(config(sft_prompts=1000), select, recipe)) == len(asked) + 40


@pytest.mark.slow
def test_two_processes_train_together(tmp_path):
    """Two gloo processes by torchrun: one batch between them, one model, one log."""
    launch = f"{sys.executable} -m torch.distributed.run --nproc_per_node 2 --master_port 29611"
    trl = TrlConfig(vllm="none", device_batch=4, checkpointing=False, launch=launch, save_every=1)
    knobs = config(steps=2, rewards={"format": 1.0}, trl=trl)
    stage = prepared(tmp_path, knobs)
    run(knobs, stage)
    assert stage.figures["processes"] == 2
    assert stage.figures["trajectories"] == 2 * 4 * 4
    assert [row["step"] for row in stage.log.read() if "ess" in row] == [1, 2, 3, 4]
    assert last_checkpoint(stage.work / "trl", 2) is not None
    learned, start = load_model(stage.out / "model"), setup()[0].model
    assert any(not torch.equal(a, b) for a, b in zip(learned.parameters(), start.parameters(), strict=True))


def test_without_vllm_it_says_so_and_a_fault_is_one_sentence(tmp_path, capfd):
    knobs = config(rewards={"format": 1.0}, trl=TrlConfig(vllm="colocate", device_batch=4))
    with pytest.raises(In2xError, match="ended with code 2"):
        run(knobs, prepared(tmp_path, knobs))
    assert "rl.trl.vllm needs vLLM, which is not installed; pip install" in capfd.readouterr().err
