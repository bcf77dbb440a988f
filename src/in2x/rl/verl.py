"""The trajectory-corrected objective and its advantages in verl's signatures, and the rows of its prompts (METHOD 5).

Nothing here imports verl: `rl/verl_plugin.py`, which verl loads, registers what stands here; `rl/verl_job.py` writes
what verl is started with. verl itself adds the entropy bonus (`actor.entropy_coeff`) and the KL term.

The model is one that `in2x` saved: its tokenizer holds the chat contract (`chat/contract.py`), so verl asks as
everywhere here and stops at the same token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from in2x.records import Instruction
from in2x.rl.config import ObjectiveConfig
from in2x.rl.objective import advantages, objective

LOSS_MODE = "in2x_trajectory"
"""Name of the loss in verl."""
ADVANTAGE = "in2x_{}"
"""Name of the advantages in verl, by `rl.objective.advantage`."""
REWARDS = "in2x"
"""Name of the reward manager in verl."""


def trajectory_loss(
    old_log_prob: Tensor,
    log_prob: Tensor,
    advantages: Tensor,  # verl passes it by this name
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


def group_advantages(
    kind: str, token_level_rewards: Tensor, response_mask: Tensor, index: Sequence[Any], **_: Any
) -> tuple[Tensor, Tensor]:
    """verl's advantage signature over `objective.advantages`, group by group.

    Args:
        kind: as `rl.objective.advantage`.
        token_level_rewards: [B, T], the reward of an answer on its last token.
        response_mask: [B, T], 1 on answer tokens.
        index: [B] names of the prompts: equal ones are a group, wherever they stand and however many they are.

    Returns:
        [B, T] twice: advantages and returns, the same on all tokens of an answer.
    """
    rewards, lengths = token_level_rewards.sum(1), response_mask.sum(1)
    groups: dict[Any, list[int]] = {}
    for row, name in enumerate(index):
        groups.setdefault(name, []).append(row)
    gain = torch.zeros_like(rewards)
    for rows in groups.values():
        gain[rows] = advantages(rewards[rows][None], kind, lengths[rows][None])[0].to(gain)
    spread = gain[:, None] * response_mask
    return spread, spread


def verl_row(instruction: Instruction, answers: int) -> dict[str, Any]:
    """One row of verl's prompt Parquet, of which `answers` answers are asked; the instruction travels as JSON text."""
    return {
        "data_source": f"in2x/{instruction.task}",
        "prompt": instruction.messages,
        "ability": instruction.task,
        "reward_model": {"style": "rule", "ground_truth": instruction.answer or ""},
        "extra_info": {
            "instruction": json.dumps(instruction.to_row(), ensure_ascii=False),
            "answers": answers,
        },
    }
