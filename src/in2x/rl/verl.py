"""The trajectory-corrected objective and the rewards for verl, on Ray clusters (METHOD 5).

verl (0.9) loads what an installed package names under the entry point `verl.plugins`, in every process; this package
names `register`, which adds a policy loss called `in2x_trajectory`. Nothing here imports verl unless verl calls it.

    actor_rollout_ref.actor.policy_loss.loss_mode=in2x_trajectory
    actor_rollout_ref.actor.clip_ratio_high=0.28  actor_rollout_ref.actor.clip_ratio_c=3.0
    actor_rollout_ref.actor.loss_agg_mode=seq-mean-token-mean
    reward.custom_reward_function.path=.../in2x/rl/verl.py  reward.custom_reward_function.name=compute_score

The model is one that `in2x` saved: its tokenizer holds the chat contract (`chat/contract.py`), so verl asks as
everywhere here and stops at the same token.

verl itself adds the entropy bonus (`actor.entropy_coeff`) and the KL term. verl and TRL 1.16 need different versions of
transformers: two environments (`docs/training.md`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from in2x.records import Instruction
from in2x.rl.config import ObjectiveConfig
from in2x.rl.objective import objective
from in2x.rl.rewards.base import RewardItem
from in2x.rl.rewards.route import Scorer

LOSS_MODE = "in2x_trajectory"
_scorers: dict[str, Scorer] = {}


def trajectory_loss(
    old_log_prob: Tensor,
    log_prob: Tensor,
    advantages: Tensor,
    response_mask: Tensor,
    loss_agg_mode: str = "seq-mean-token-mean",
    config: Any = None,
    rollout_is_weights: Tensor | None = None,
) -> tuple[Tensor, dict[str, Any]]:
    """verl's policy-loss signature over `rl/objective.py`, one ratio a trajectory.

    Args:
        old_log_prob: [B, T] when the answers were sampled.
        log_prob: [B, T] now.
        advantages: [B, T], the same on all tokens of an answer (outcome rewards).
        response_mask: [B, T], 1 on answer tokens.
        loss_agg_mode: taken for granted: a ratio of whole trajectories has one mean, that over trajectories.
        config: verl's actor config; `clip_ratio_high` (or `clip_ratio`), `clip_ratio_c`, and in `global_batch_info`
            the trajectories of the whole update and the number of data-parallel processes.
        rollout_is_weights: [B, T] or [B, 1] weights of rollout against training log-probabilities; their value on an
            answer's first token stands for it (verl's sequence level gives one value an answer).

    Returns:
        The loss of this part (verl averages over processes) and metrics under "actor/".
    """
    mask = response_mask.bool()
    first = mask.int().argmax(1, keepdim=True)
    gain = advantages.expand_as(log_prob).gather(1, first)[:, 0]
    if rollout_is_weights is not None:
        gain = gain * rollout_is_weights.expand_as(log_prob).gather(1, first)[:, 0]
    high, dual = None, None
    info: Mapping[str, Any] = {}
    if config is not None:
        high = getattr(config, "clip_ratio_high", None) or getattr(config, "clip_ratio", None)
        dual = getattr(config, "clip_ratio_c", None)
        info = getattr(config, "global_batch_info", None) or {}
    defaults = ObjectiveConfig(entropy=0.0)
    knobs = ObjectiveConfig(entropy=0.0, clip_high=high or defaults.clip_high, dual_clip=dual or defaults.dual_clip)
    whole = info.get("global_batch_size")
    loss, metrics = objective(
        log_prob, old_log_prob, gain, mask, knobs,
        trajectories=None if whole is None else float(whole) / float(info.get("dp_size") or 1),
    )  # fmt: skip
    # Without the length buckets: which of them occur differs from process to process, and verl wants the same names.
    found = {f"actor/{name}": value for name, value in metrics.items() if "/" not in name}
    found |= {"actor/pg_clipfrac": metrics["clip_high"], "actor/pg_clipfrac_lower": metrics["clip_dual"]}
    return loss, found | {"actor/ppo_kl": float((old_log_prob - log_prob).detach()[mask].mean())}


async def compute_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: dict[str, Any] | None = None, **_: Any
) -> dict[str, float]:
    """verl's custom reward: the weighted rewards of this project for one answer.

    Args:
        data_source: unused; rewards know their business by the instruction's verifier.
        solution_str: the answer.
        ground_truth: unused; the instruction holds the reference.
        extra_info: as `verl_row` writes it.

    Returns:
        "score" (the total), "unscored" and each part (-1 where it does not apply). verl knows no missing reward: an
        answer that nothing could judge scores 0, and "unscored" is 1 so that the run's metrics show how many.
    """
    info = extra_info or {}
    instruction = Instruction.from_row(json.loads(info["instruction"]))
    weights: dict[str, float] = json.loads(info["rewards"])
    scorer = _scorers.setdefault(info["rewards"], Scorer(weights))
    scores = await scorer.score([RewardItem(instruction, solution_str.strip())])
    total = scores.total[0]
    parts = {name: -1.0 if values[0] is None else values[0] for name, values in scores.parts.items()}
    return {"score": 0.0 if total is None else total, "unscored": float(total is None), **parts}


def verl_row(instruction: Instruction, weights: Mapping[str, float]) -> dict[str, Any]:
    """One row of verl's prompt Parquet; what the rewards need travels as JSON text in `extra_info`."""
    return {
        "data_source": f"in2x/{instruction.task}",
        "prompt": instruction.messages,
        "ability": instruction.task,
        "reward_model": {"style": "rule", "ground_truth": instruction.answer or ""},
        "extra_info": {
            "instruction": json.dumps(instruction.to_row(), ensure_ascii=False),
            "rewards": json.dumps(dict(weights), sort_keys=True),
        },
    }


def register() -> None:
    """Add the loss to verl's registry; called by verl through the entry point."""
    from verl.trainer.ppo.core_algos import register_policy_loss

    register_policy_loss(LOSS_MODE)(trajectory_loss)
