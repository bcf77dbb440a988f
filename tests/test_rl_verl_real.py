"""verl itself, where it is installed (`make test-verl`): its registries, config, data, rewards and one of its steps.

verl 0.9 has no engine for a CPU; what runs here is all that stands between its engine and this package.
"""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("verl", reason="verl has an environment of its own: make test-verl")

import numpy as np
import verl
from hydra import compose, initialize_config_dir
from tensordict import TensorDict
from transformers import AutoModelForCausalLM, AutoTokenizer
from verl import DataProto
from verl.experimental.reward_loop.reward_loop import RewardLoopWorker
from verl.trainer.main_ppo import need_critic, need_reference_policy
from verl.trainer.ppo.core_algos import get_adv_estimator_fn, get_policy_loss_fn
from verl.utils import tensordict_utils as tu
from verl.utils.config import omega_conf_to_dataclass, validate_config
from verl.utils.dataset.rl_dataset import RLHFDataset
from verl.workers.config import FSDPActorConfig
from verl.workers.utils.losses import ppo_loss

from chat_server import ChatServer
from in2x.errors import UsageError
from in2x.records import Instruction
from in2x.rl.config import JudgeConfig, ObjectiveConfig, RlConfig, TemperatureConfig
from in2x.rl.objective import advantages, objective
from in2x.rl.verl import LOSS_MODE
from in2x.rl.verl_job import write_job
from in2x.training.config import OptimizerConfig
from judge_reply import judge_reply
from test_rl_objective import batch

SOURCES = {"a": "The cat sleeps in the garden.", "b": "Where is the station?"}
REFERENCES = {"a": "猫は庭で眠る。", "b": "駅はどこですか。"}


def asked(name: str) -> Instruction:
    return Instruction(
        name, "ja", "translate", [{"role": "user", "content": f"Translate into Japanese: {SOURCES[name]}"}],
        answer=REFERENCES[name],
        verifier={"name": "translation", "source": SOURCES[name], "from": "en", "to": "ja"},
    )  # fmt: skip


def knobs(**changes) -> RlConfig:
    values = dict(
        backend="trl", steps=3, prompts=2, samples=4, minibatch=1, max_new_tokens=12, overlong_buffer=4, dev_every=1,
        rewards={"chrf": 1.0, "consensus": 1.0}, temperature=TemperatureConfig(start=1.0, end=0.5),
        optimizer=OptimizerConfig(lr=1e-6, schedule="cosine"), objective=ObjectiveConfig(kl=0.01, entropy=0.02),
    )  # fmt: skip
    return RlConfig(**{**values, **changes})


def given(folder: Path, model: Path, config: RlConfig, *more: str):
    """verl's config, of the settings that the written script has."""
    write_job(config, "test", 7, model, [asked("a"), asked("b")], [asked("b")], folder)
    text = (folder / "verl.sh").read_text().replace("$here", str(folder))
    words = [word for word in shlex.split(text, comments=True) if "=" in word and "." in word.partition("=")[0]]
    place = Path(verl.__file__).parent / "trainer" / "config"
    with initialize_config_dir(str(place), version_base=None):
        return compose("ppo_trainer", overrides=[*words, *more])


@pytest.fixture
def job(tmp_path, tiny_model):
    return given(tmp_path / "verl", tiny_model, knobs())


def test_verls_own_loading_finds_what_is_registered():
    """In a process that only imports verl."""
    look = (
        "import verl; from verl.trainer.ppo.core_algos import POLICY_LOSS_REGISTRY, ADV_ESTIMATOR_REGISTRY; "
        "from verl.experimental.reward_loop.reward_manager.registry import REWARD_MANAGER; "
        "print(*[name for names in (POLICY_LOSS_REGISTRY, ADV_ESTIMATOR_REGISTRY, REWARD_MANAGER) for name in names])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    found = done.stdout.split()
    assert {LOSS_MODE, "in2x", "in2x_group", "in2x_leave_one_out", "in2x_length_corrected"} <= set(found)


def test_verl_takes_the_settings_of_the_script(job):
    validate_config(job, use_reference_policy=need_reference_policy(job), use_critic=need_critic(job))
    actor = omega_conf_to_dataclass(job.actor_rollout_ref.actor)
    assert isinstance(actor, FSDPActorConfig)
    assert (actor.clip_ratio_high, actor.clip_ratio_c, actor.entropy_coeff) == (0.28, 3.0, 0.02)
    assert (actor.use_kl_loss, actor.kl_loss_coef, actor.rollout_n) == (True, 0.01, 4)
    assert actor.optim.lr_scheduler_type == "cosine" and tuple(actor.optim.betas) == (0.9, 0.98)
    assert (job.trainer.total_training_steps, job.data.train_batch_size, actor.ppo_mini_batch_size) == (3, 2, 1)
    rollout = omega_conf_to_dataclass(job.actor_rollout_ref.rollout)
    assert (rollout.n, rollout.temperature, rollout.response_length, rollout.val_kwargs.n) == (4, 1.0, 12, 1)
    assert not need_critic(job) and need_reference_policy(job)
    script = Path(job.data.train_files).with_name("verl.sh")
    assert "# Not in verl: temperature decay: it stays at 1.\n" in script.read_text()
    subprocess.run(["bash", "-n", script], check=True)


def test_the_loss_of_verls_registry_is_the_objective(job):
    actor = omega_conf_to_dataclass(job.actor_rollout_ref.actor)
    loss_of = get_policy_loss_fn(actor.policy_loss.loss_mode)
    expected_knobs = ObjectiveConfig(entropy=0.0, clip_high=0.28, dual_clip=3.0)
    for seed in range(10):
        new, old, gain, mask = batch(seed)
        new = new + seed / 20  # far enough off policy that the clips act
        loss, metrics = loss_of(
            old_log_prob=old, log_prob=new, advantages=gain[:, None] * mask, response_mask=mask,
            loss_agg_mode=actor.loss_agg_mode, config=actor, rollout_is_weights=None,
        )  # fmt: skip
        expected, figures = objective(new, old, gain, mask, expected_knobs)
        assert float(loss) == pytest.approx(float(expected), rel=1e-6)
        assert metrics["actor/ess"] == figures["ess"]


@pytest.mark.parametrize("kind", ("group", "leave_one_out", "length_corrected"))
def test_the_advantages_of_verls_registry_are_those_of_the_native_loop(kind):
    generator = torch.Generator().manual_seed(0)
    rewards = torch.rand(3, 4, generator=generator)
    rewards[2] = 0.5
    lengths = torch.randint(1, 6, (3, 4), generator=generator)
    order = torch.randperm(12, generator=generator)  # verl balances lengths over processes: groups are torn apart
    mask = torch.arange(6)[None] < lengths.view(-1, 1)
    tokens = torch.zeros(12, 6).scatter(1, lengths.view(-1, 1) - 1, rewards.view(-1, 1))
    names = np.array([f"prompt {n // 4}" for n in range(12)], dtype=object)
    gain, _ = get_adv_estimator_fn(f"in2x_{kind}")(
        token_level_rewards=tokens[order], response_mask=mask[order].long(), config=None, index=names[order.numpy()]
    )
    expected = advantages(rewards, kind, lengths).view(-1)[order]
    torch.testing.assert_close(gain, expected[:, None] * mask[order])


def answers(worker: RewardLoopWorker, data: RLHFDataset, texts: list[tuple[int, str, str]]) -> list[dict]:
    """What verl's worker gives for (row of the data, name of the prompt, answer), sent one by one as its agents do."""

    async def send(row: int, uid: str, text: str) -> dict:
        item = data[row]
        ids = [*worker.input_tokenizer.encode(text, add_special_tokens=False), worker.input_tokenizer.eos_token_id]
        whole = torch.tensor([[1, 2, *ids]])
        tensors = {"prompts": whole[:, :2], "responses": whole[:, 2:], "attention_mask": torch.ones_like(whole)}
        fields = {**{k: np.array([v], dtype=object) for k, v in item.items() if k != "dummy_tensor"},
                  "uid": np.array([uid], dtype=object)}  # fmt: skip
        return await worker.compute_score(DataProto(batch=TensorDict(tensors, batch_size=1), non_tensor_batch=fields))

    async def all_of_them() -> list[dict]:
        return list(await asyncio.gather(*(send(*text) for text in texts)))

    return asyncio.new_event_loop().run_until_complete(all_of_them())


def opened(job) -> tuple[RewardLoopWorker, RLHFDataset]:
    tokenizer = AutoTokenizer.from_pretrained(job.actor_rollout_ref.model.path)
    return RewardLoopWorker(job), RLHFDataset(job.data.train_files, tokenizer, job.data)


def test_verls_reward_worker_scores_whole_groups_with_length_penalty(job):
    worker, data = opened(job)
    sent = {
        "a": ["猫は庭で眠る。", "猫は庭で眠る。", "犬は走る。", "猫は庭で眠ります。" * 3],
        "b": ["駅はどこですか。"] * 4,
    }
    texts = [(("a", "b").index(name), f"{name} of step 1", answer) for name in sent for answer in sent[name]]
    found = answers(worker, data, texts[::2] + texts[1::2])
    parts = dict(zip(texts[::2] + texts[1::2], (row["reward_extra_info"] for row in found), strict=False))
    exact = parts[0, "a of step 1", "猫は庭で眠る。"]
    assert exact["chrf"] == 1.0 and 0 < exact["consensus"] < 1 and exact["unscored"] == 0
    assert exact["score"] == pytest.approx((exact["chrf"] + exact["consensus"]) / 2 + exact["length_penalty"])
    long, other = parts[0, "a of step 1", "猫は庭で眠ります。" * 3], parts[0, "a of step 1", "犬は走る。"]
    assert long["length_penalty"] < 0 and exact["consensus"] > other["consensus"]
    assert {row["consensus"] for row in parts.values() if row["chrf"] == 1.0 and row is not exact} == {1.0}
    worker.reward_manager.scores.close()


def test_the_judge_sees_a_group_together_and_is_asked_over_http(tmp_path, tiny_model):
    texts = ["猫は眠る。", "犬。", "猫。", "魚。"]
    with ChatServer(judge_reply("猫")) as server:
        judge = JudgeConfig(llm={"base_url": server.url, "model": "thinker"}, group=4)
        job = given(tmp_path / "verl", tiny_model, knobs(rewards={"judged": 1.0}, judge=judge))
        worker, data = opened(job)
        found = answers(worker, data, [(0, "x", text) for text in texts])
        again = answers(worker, data, [(0, "y", text) for text in texts])
        worker.reward_manager.scores.close()
    assert [row["reward_extra_info"]["judged"] for row in found] == [1.0, 0.0, 1.0, 0.0]
    assert [row["reward_score"] for row in again] == [row["reward_score"] for row in found]
    asked = [str(body) for body in server.asked if "<answer" in str(body)]
    assert len(asked) == 1 and all(text in asked[0] for text in texts)


def test_a_second_reward_worker_and_a_judge_without_a_server_are_refused(tmp_path, tiny_model):
    with pytest.raises(UsageError, match=r"reward\.num_workers"):
        RewardLoopWorker(given(tmp_path / "verl", tiny_model, knobs(), "reward.num_workers=2"))
    with pytest.raises(UsageError, match="needs a server"):
        given(tmp_path / "other", tiny_model, knobs(rewards={"judged": 1.0}))


def test_a_step_of_verls_loss_moves_the_model_as_the_objective_does(job, tiny_model):
    """`ppo_loss` on verl's tensors without padding, actor config and data of an update in two parts on one process."""
    actor = omega_conf_to_dataclass(job.actor_rollout_ref.actor)
    actor = FSDPActorConfig(**{**{k: getattr(actor, k) for k in ("strategy", "policy_loss", "loss_agg_mode")},
                               "clip_ratio_high": 0.28, "clip_ratio_c": 3.0, "entropy_coeff": 0.0,
                               "use_dynamic_bsz": True, "rollout_n": 4})  # fmt: skip
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    generator = torch.Generator().manual_seed(3)
    sizes = [(3, 4), (5, 2), (2, 6), (4, 3)]  # tokens of prompt and answer
    rows = [torch.randint(5, 300, (sum(size),), generator=generator) for size in sizes]
    gain = torch.randn(4, generator=generator)
    shift = 0.3 * torch.randn(4, generator=generator)

    def logprobs(row: torch.Tensor) -> torch.Tensor:
        """[T]: the log-probability of each token's successor, as verl's engine gives it; the last one is of no use."""
        logits = torch.log_softmax(model(row[None]).logits[0], -1)
        return logits.gather(1, row.roll(-1)[:, None])[:, 0]

    def nested(parts: list[torch.Tensor]) -> torch.Tensor:
        return torch.nested.as_nested_tensor(parts, layout=torch.jagged)

    def part(which: list[int]) -> torch.Tensor:
        now = [logprobs(rows[n]) for n in which]
        old = [(now[i][sizes[n][0] - 1 : -1].detach() - shift[n] / sizes[n][1]) for i, n in enumerate(which)]
        ones = [torch.ones(sizes[n][1]) for n in which]
        data = TensorDict({
            "prompts": nested([rows[n][: sizes[n][0]] for n in which]),
            "responses": nested([rows[n][sizes[n][0] :] for n in which]),
            "input_ids": nested([rows[n] for n in which]),
            "response_mask": nested(ones), "old_log_probs": nested(old),
            "advantages": nested([gain[n] * one for n, one in zip(which, ones, strict=True)]),
        }, batch_size=len(which))  # fmt: skip
        tokens = sum(size for _, size in sizes)
        tu.assign_non_tensor(data, dp_size=1, batch_num_tokens=tokens, global_batch_size=4)
        loss, metrics = ppo_loss(actor, {"log_probs": nested(now)}, data)
        assert "actor/ess" in metrics
        return loss

    whole = part([0, 1]) + part([2, 3])
    slope = torch.autograd.grad(whole, list(model.parameters()))
    width = max(size for _, size in sizes)
    now = torch.stack([
        torch.nn.functional.pad(logprobs(row)[size[0] - 1 : -1], (0, width - size[1]))
        for row, size in zip(rows, sizes, strict=True)
    ])  # fmt: skip
    mask = torch.arange(width)[None] < torch.tensor([size for _, size in sizes])[:, None]
    old = now.detach() - (shift / mask.sum(1))[:, None]
    expected, _ = objective(now, old, gain, mask, ObjectiveConfig(entropy=0.0))
    assert float(whole.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert sum(float(g.abs().sum()) for g in slope) > 0
    for ours, theirs in zip(torch.autograd.grad(expected, list(model.parameters())), slope, strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-7)
