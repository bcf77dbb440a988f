"""The trajectory-corrected objective and its relatives, as a pure function (METHOD 5; TIC-GRPO, arXiv 2508.02833).

    log rho_i = sum_t [log pi(o_it) - log pi_old(o_it)]          one ratio per trajectory, differentiable
    A >= 0:  J_i = min(rho_i, 1 + eps_high) * A_i                upper clip only
    A <  0:  J_i = max(rho_i * A_i, c * A_i)                     dual clip at the level of the ratio

The ratio may also be taken per token (GRPO) or as the geometric mean over the sequence (GSPO). The variance of a
product ratio grows with length, so sums run in fp32, the log is clamped before exp, and every figure is given by
length bucket.
"""

from __future__ import annotations

import torch
from torch import Tensor

from in2x.rl.config import ObjectiveConfig

LOG_RATIO_LIMIT = 20.0
"""|log rho| is clamped here before exp: e^20 is far outside any clip and still finite in fp32."""
BUCKETS = (16, 32, 64, 128, 256, 512)
"""Upper length (tokens) of each bucket of the metrics; the last bucket is open."""


def advantages(rewards: Tensor, kind: str = "group", lengths: Tensor | None = None, eps: float = 1e-6) -> Tensor:
    """Advantages within groups.

    Args:
        rewards: [P, G], one row a prompt; NaN marks an answer without reward, which gets advantage 0 and is left out
            of its group's statistics.
        kind: "group" (r - mean) / (std + eps); "leave_one_out" r minus the mean of the others; "length_corrected" as
            group, on r / |o| (TIC-GRPO).
        lengths: [P, G] tokens of each answer, for "length_corrected".
        eps: added to the standard deviation (population).

    Returns:
        [P, G] fp32. A group of equal rewards gives exact zeros.
    """
    values = rewards.double()
    if kind == "length_corrected":
        if lengths is None:
            raise ValueError("length_corrected needs lengths")
        values = values / lengths.clamp(min=1)
    there = ~values.isnan()
    count = there.sum(1, keepdim=True).clamp(min=1)
    filled = values.nan_to_num(0.0)
    mean = filled.sum(1, keepdim=True) / count
    centred = torch.where(there, values - mean, 0.0)
    spread = torch.where(there, values, -torch.inf).amax(1) - torch.where(there, values, torch.inf).amin(1)
    if kind == "leave_one_out":
        result = centred * count / (count - 1).clamp(min=1)
    else:
        result = centred / ((centred.square().sum(1, keepdim=True) / count).sqrt() + eps)
    return torch.where((spread > 0)[:, None], result, 0.0).float()


def objective(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantage: Tensor,
    mask: Tensor,
    config: ObjectiveConfig,
    *,
    trajectories: float | None = None,
    tokens: float | None = None,
    entropy: Tensor | None = None,
    reference_logprobs: Tensor | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Loss (to minimise) and metrics of one minibatch, or of a part of one.

    Args:
        logprobs: [B, T] log pi of the sampled tokens under the current weights and the sampling temperature.
        old_logprobs: [B, T] the same when they were sampled; no gradient.
        advantage: [B].
        mask: [B, T] bool, True on answer tokens.
        config: see `ObjectiveConfig`.
        trajectories: trajectories of the whole minibatch, where this is a part of it (default B).
        tokens: answer tokens of the whole minibatch (default: those of `mask`).
        entropy: [B, T] entropy of the policy at each token, for the bonus.
        reference_logprobs: [B, T] under the reference model, for the KL term.

    Returns:
        A scalar and {"log_ratio", "ess", "clip_high", "clip_dual", "length"}, each also as "NAME/<=L" by bucket.
        The parts of a minibatch add up to its loss exactly (given its `trajectories` and `tokens`).
    """
    lengths = mask.sum(1)
    trajectories = trajectories or len(mask)
    tokens = tokens or int(lengths.sum())
    log_ratio = torch.where(mask, (logprobs - old_logprobs.detach()).float(), 0.0)
    if config.level == "trajectory":
        unit_log = log_ratio.sum(1, keepdim=True)
    elif config.level == "sequence":
        unit_log = log_ratio.sum(1, keepdim=True) / lengths.clamp(min=1)[:, None]
    else:
        unit_log = log_ratio
    ratio = unit_log.clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT).exp()  # [B, 1] or [B, T]
    gain = advantage.float()[:, None]
    upper = ratio.clamp(max=1.0 + config.clip_high) * gain
    lower = (ratio if config.clip_low is None else ratio.clamp(min=1.0 - config.clip_low)) * gain
    if config.dual_clip is not None:
        lower = torch.maximum(lower, config.dual_clip * gain)
    value = torch.where(gain >= 0, upper, lower)

    def mean(per_token: Tensor) -> Tensor:
        """The declared mean of a [B, T] quantity (0 where masked)."""
        if config.aggregation == "token_mean":
            return per_token.sum() / tokens
        return (per_token.sum(1) / lengths.clamp(min=1)).sum() / trajectories

    if config.level == "token" or config.aggregation == "token_mean":
        loss = -mean(torch.where(mask, value.expand_as(log_ratio), 0.0))
    else:
        loss = -value.sum() / trajectories
    if entropy is not None and config.entropy:
        loss = loss - config.entropy * mean(torch.where(mask, entropy.float(), 0.0))
    if reference_logprobs is not None and config.kl:
        gap = torch.where(mask, (reference_logprobs.detach() - logprobs).float(), 0.0)
        loss = loss + config.kl * mean(torch.where(mask, gap.exp() - 1.0 - gap, 0.0))
    with torch.no_grad():
        metrics = _metrics(log_ratio.sum(1), ratio, gain, mask, lengths, config)
    return loss, metrics


def _metrics(
    total_log: Tensor, ratio: Tensor, gain: Tensor, mask: Tensor, lengths: Tensor, config: ObjectiveConfig
) -> dict[str, float]:
    """Figures of the whole part and by length bucket; clip fractions are over the units of the ratio."""
    valid = mask if ratio.shape[1] > 1 else torch.ones_like(ratio, dtype=torch.bool)
    high = (ratio > 1.0 + config.clip_high) & (gain > 0) & valid
    dual = (ratio > (config.dual_clip or torch.inf)) & (gain < 0) & valid
    weight = total_log.clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT).exp().double()
    found: dict[str, float] = {}

    def add(rows: Tensor, suffix: str) -> None:
        units = valid[rows].sum().clamp(min=1)
        held = weight[rows]
        found["log_ratio" + suffix] = float(total_log[rows].abs().mean())
        found["ess" + suffix] = float(held.sum().square() / (len(held) * held.square().sum()))
        found["clip_high" + suffix] = float(high[rows].sum() / units)
        found["clip_dual" + suffix] = float(dual[rows].sum() / units)
        found["length" + suffix] = float(lengths[rows].float().mean())

    if len(lengths) == 0:
        return found
    add(torch.ones_like(lengths, dtype=torch.bool), "")
    floor = 0
    for top in (*BUCKETS, 1 << 30):
        rows = (lengths > floor) & (lengths <= top)
        if rows.any():
            add(rows, f"/<={top}" if top < 1 << 30 else f"/>{floor}")
        floor = top
    return found
