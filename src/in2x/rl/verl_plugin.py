"""What verl 0.9 loads from this package: importing this module registers loss, advantages and rewards with verl.

verl imports, in every process, what an installed package names under the entry point `verl.plugins`; it calls nothing.
It also hides why a plugin does not load: `python -c "import in2x.rl.verl_plugin"` says it.

    algorithm.adv_estimator=in2x_group
    actor_rollout_ref.actor.policy_loss.loss_mode=in2x_trajectory
    reward.reward_manager.name=in2x  reward.num_workers=1  +reward.reward_kwargs.in2x=FOLDER
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any, get_args

from verl.experimental.reward_loop.reward_manager import register
from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase
from verl.trainer.ppo.core_algos import register_adv_est, register_policy_loss

from in2x.errors import UsageError
from in2x.records import Instruction
from in2x.rl.config import ObjectiveConfig
from in2x.rl.verl import ADVANTAGE, LOSS_MODE, REWARDS, group_advantages, trajectory_loss
from in2x.rl.verl_scores import GroupScores

register_policy_loss(LOSS_MODE)(trajectory_loss)
for kind in get_args(ObjectiveConfig.model_fields["advantage"].annotation):
    register_adv_est(ADVANTAGE.format(kind))(partial(group_advantages, kind))


@register(REWARDS)
class GroupRewards(RewardManagerBase):  # type: ignore[misc]
    """verl's reward manager over `GroupScores`: one worker for all, so that the answers to a prompt meet."""

    def __init__(self, config: Any, tokenizer: Any, compute_score: Any, **_: Any) -> None:
        """Read `rl.json` in the folder `reward.reward_kwargs.in2x`.

        Raises:
            UsageError: more than one reward worker.
        """
        super().__init__(config, tokenizer, compute_score)
        if config.reward.num_workers != 1:
            raise UsageError(f"reward.num_workers is {config.reward.num_workers}: answers to a prompt would not meet",
                             mend="set reward.num_workers=1")  # fmt: skip
        self.scores = GroupScores(Path(config.reward.reward_kwargs.in2x), Path(config.actor_rollout_ref.model.path))

    async def run_single(self, data: Any) -> dict[str, Any]:
        """The reward of one answer, when all answers to its prompt are there."""
        row = data[-1]
        answer = row.batch["responses"]
        ids = answer[: int(row.batch["attention_mask"][-len(answer) :].sum())]
        info = row.non_tensor_batch["extra_info"]
        earned = await self.scores.score(
            str(row.non_tensor_batch["uid"]), Instruction.from_row(json.loads(info["instruction"])),
            int(info["answers"]), self.tokenizer.decode(ids, skip_special_tokens=True), len(ids),
        )  # fmt: skip
        return {"reward_score": earned["score"], "reward_extra_info": earned}
