"""What verl 0.9 is started with: prompts, this project's knobs, and a script that holds every setting of verl's.

    FOLDER/
      train.parquet    the prompts, as verl reads them
      val.parquet      those scored every `dev_every` batches
      rl.json          the section `rl`: rewards, judge, lengths
      verl.sh          trains, and writes FOLDER/model; further settings of verl's may follow it

What verl has not and a schedule can do without is said at the head of the script; what would be another objective is
refused.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from transformers import AutoConfig

from in2x.artifact import write_json, write_text
from in2x.chat.profile import FILE as PROFILE
from in2x.chat.render import chat_ids
from in2x.errors import In2xError, UsageError
from in2x.records import Instruction
from in2x.rl.config import RlConfig
from in2x.rl.verl import ADVANTAGE, LOSS_MODE, REWARDS, verl_row
from in2x.rl.verl_scores import CONFIG
from in2x.training.model import load_tokenizer

SCRIPT = """\
#!/usr/bin/env bash
# RL by verl 0.9, on this machine's GPUs. Other machines: bash verl.sh trainer.nnodes=4 trainer.n_gpus_per_node=8
{notes}set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python -c 'import in2x.rl.verl_plugin'  # verl itself does not say why a plugin is missing
python -m verl.trainer.main_ppo \\
  {settings} \\
  "$@"
step=$(cat "$here/checkpoints/latest_checkpointed_iteration.txt")
python -m verl.model_merger merge --backend fsdp \\
  --local_dir "$here/checkpoints/global_step_$step/actor" --target_dir "$here/model"
cp {profile} "$here/model"
"""


def check(config: RlConfig) -> None:
    """Raise UsageError where the recipe asks for another objective than this package brings to verl."""
    knobs = config.objective
    for wrong, what in (
        (knobs.level != "trajectory", f"rl.objective.level {knobs.level} (verl has vanilla and gspo of its own)"),
        (knobs.aggregation != "trajectory_mean", f"rl.objective.aggregation {knobs.aggregation}"),
        (knobs.clip_low is not None, "rl.objective.clip_low"),
        (knobs.dual_clip is None, "rl.objective.dual_clip null"),
        (config.reward_cap is not None, "rl.reward_cap"),
        (config.optimizer.name != "adamw", "rl.optimizer.name other than adamw"),
        (config.sft_weight > 0, "rl.sft_weight"),
        (config.lora.rank > 0, "rl.lora"),
    ):
        if wrong:
            raise UsageError(f"{what} is not for verl", mend="leave it out, or train with rl.backend native or trl")
    if "judged" in config.rewards and not config.judge.llm.base_url:
        raise UsageError("verl scores where no model is: the reward judged needs a server",
                         mend="set rl.judge.llm.base_url")  # fmt: skip


def notes(config: RlConfig) -> list[str]:
    """What the recipe asks for and verl does without, in words."""
    knobs, schedule = config.objective, config.optimizer.schedule
    return [
        words
        for there, words in (
            (config.temperature.start != config.temperature.end,
             f"temperature decay: it stays at {config.temperature.start:g}"),
            (config.entropy_end is not None, f"the course of the entropy bonus: it stays at {knobs.entropy:g}"),
            (schedule not in ("constant", "cosine"), f"the {schedule} schedule of the rate: it is constant"),
            (config.optimizer.ema > 0, "the weight average"),
            (config.refill > 0, "refill: groups of equal reward have no advantage and stay in the mean"),
        )
        if there
    ]  # fmt: skip


def settings(config: RlConfig, source: Path, name: str, seed: int, steps: int, longest: int) -> dict[str, Any]:
    """verl's settings; `$here` in a value is the folder of the script.

    Args:
        config: the recipe's section.
        source: the model that SFT made.
        name: of the run.
        seed: of the order of the prompts and of sampling.
        steps: rollout batches.
        longest: tokens of the longest prompt.
    """
    knobs, optimizer = config.objective, config.optimizer
    actor, rollout = "actor_rollout_ref.actor", "actor_rollout_ref.rollout"
    return {
        "data.train_files": "$here/train.parquet", "data.val_files": "$here/val.parquet",
        "data.train_batch_size": config.prompts, "data.seed": seed,
        "data.max_prompt_length": longest, "data.max_response_length": config.max_new_tokens,
        "actor_rollout_ref.model.path": source.resolve(),
        f"{actor}.policy_loss.loss_mode": LOSS_MODE,
        f"{actor}.clip_ratio_high": knobs.clip_high, f"{actor}.clip_ratio_c": knobs.dual_clip,
        f"{actor}.loss_agg_mode": "seq-mean-token-mean", f"{actor}.entropy_coeff": knobs.entropy,
        f"{actor}.use_kl_loss": knobs.kl > 0, f"{actor}.kl_loss_coef": knobs.kl, f"{actor}.kl_loss_type": "low_var_kl",
        f"{actor}.ppo_mini_batch_size": config.minibatch, f"{actor}.ppo_epochs": 1,
        f"{actor}.use_dynamic_bsz": True,
        f"{actor}.ppo_max_token_len_per_gpu": max(config.device_tokens, longest + config.max_new_tokens),
        f"{actor}.optim.lr": optimizer.lr, f"{actor}.optim.betas": f"[0.9,{optimizer.beta2}]",
        f"{actor}.optim.weight_decay": optimizer.weight_decay, f"{actor}.optim.clip_grad": optimizer.clip,
        f"{actor}.optim.lr_warmup_steps_ratio": optimizer.warmup,
        f"{actor}.optim.lr_scheduler_type": "cosine" if optimizer.schedule == "cosine" else "constant",
        f"{rollout}.name": "vllm", f"{rollout}.n": config.samples, f"{rollout}.seed": seed,
        f"{rollout}.temperature": config.temperature.start, f"{rollout}.tensor_model_parallel_size": 1,
        # Rollout against training log-probabilities: one weight a trajectory, at most 3, as under TRL.
        "algorithm.adv_estimator": ADVANTAGE.format(knobs.advantage),
        "algorithm.rollout_correction.rollout_is": "sequence",
        "algorithm.rollout_correction.rollout_is_threshold": 3.0,
        "reward.num_workers": 1, "reward.reward_manager.name": REWARDS, "+reward.reward_kwargs.in2x": "$here",
        "trainer.project_name": "in2x", "trainer.experiment_name": name, "trainer.logger": "[console]",
        "trainer.total_epochs": 1 if config.steps is None else 1_000_000, "trainer.total_training_steps": steps,
        "trainer.test_freq": config.dev_every or -1, "trainer.val_before_train": config.dev_every > 0,
        "trainer.save_freq": max(1, min(config.trl.save_every * config.minibatch // config.prompts, steps)),
        "trainer.default_local_dir": "$here/checkpoints",
    }  # fmt: skip


def write_job(
    config: RlConfig, name: str, seed: int, source: Path, chosen: Sequence[Instruction], held: Sequence[Instruction],
    folder: Path,
) -> tuple[int, list[str]]:  # fmt: skip
    """Write the files above into `folder`; returns how many prompts, and what verl does without.

    Prompts that leave no room for an answer in the model's context, or that its chat template refuses, are left out.

    Raises:
        UsageError: the recipe asks for what verl has not.
        In2xError: fewer prompts than one batch.
    """
    check(config)
    tokenizer = load_tokenizer(source)
    text = AutoConfig.from_pretrained(source, trust_remote_code=False).get_text_config()
    room = int(getattr(text, "max_position_embeddings", 0) or 1 << 30) - config.max_new_tokens
    lengths: dict[str, int] = {}
    for instruction in (*chosen, *held):
        try:
            lengths[instruction.id] = len(chat_ids(tokenizer, instruction.messages))
        except In2xError:
            continue
    chosen, held = ([i for i in asked if lengths.get(i.id, room + 1) <= room] for asked in (chosen, held))
    if len(chosen) < config.prompts:
        raise In2xError(f"{len(chosen)} prompts for RL are fewer than one batch of {config.prompts}",
                        mend="select more for RL or lower rl.prompts and rl.minibatch")  # fmt: skip
    steps = len(chosen) // config.prompts if config.steps is None else config.steps
    longest = max(lengths[i.id] for i in (*chosen, *held))
    folder.mkdir(parents=True, exist_ok=True)
    for file, asked, answers in (("train", chosen, config.samples), ("val", held or chosen[:1], 1)):
        partial = folder / f"{file}.parquet.partial"
        pq.write_table(pa.Table.from_pylist([verl_row(i, answers) for i in asked]), partial)
        partial.rename(folder / f"{file}.parquet")
    write_json(folder / CONFIG, config.model_dump(mode="json"))
    without = notes(config)
    write_text(folder / "verl.sh", SCRIPT.format(
        notes="".join(f"# Not in verl: {words}.\n" for words in without),
        settings=" \\\n  ".join(_words(settings(config, source, name, seed, steps, longest))),
        profile=shlex.quote(str((source / PROFILE).resolve())),
    ))  # fmt: skip
    return len(chosen), without


def _words(values: Mapping[str, Any]) -> list[str]:
    """Shell words; `$here` is left to the shell."""
    return [
        f'{key}="{value}"' if str(value).startswith("$here") else shlex.quote(f"{key}={value}")
        for key, value in values.items()
    ]
