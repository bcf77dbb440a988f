"""Knobs of reinforcement learning."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from in2x.knob import Config, knob
from in2x.llm.config import LlmConfig
from in2x.principles.fundamental import PRINCIPLES
from in2x.training.config import LoraConfig, OptimizerConfig


class ObjectiveConfig(Config):
    """Knobs of the objective."""

    level: Literal["token", "sequence", "trajectory"] = knob(
        "trajectory", "Unit of the importance ratio: GRPO, GSPO, or the product over the answer.", source="METHOD 5"
    )
    clip_high: float = knob(0.28, "eps_high: a ratio above 1 + eps_high earns nothing more.", source="METHOD 5", gt=0)
    clip_low: float | None = knob(
        None,
        "eps_low: lower bound 1 - eps_low for negative advantages; none in the paper.",
        source="METHOD 5",
        gt=0,
        lt=1,
    )
    dual_clip: float | None = knob(3.0, "c > 1: loss of one bad answer is at most c * |A|.", source="METHOD 5", gt=1)
    advantage: Literal["group", "leave_one_out", "length_corrected"] = knob(
        "group",
        "Baseline and scale of the advantage; length_corrected (r/|o|) favours short answers.",
        source="METHOD 5",
    )
    aggregation: Literal["trajectory_mean", "sequence_mean", "token_mean"] = knob(
        "trajectory_mean",
        "Over what the loss is averaged. token level: sequence_mean (GRPO) or token_mean (DAPO).",
        source="METHOD 5",
    )
    entropy: float = knob(0.01, "Weight of the entropy bonus.", source="METHOD 5", ge=0)
    kl: float = knob(0.0, "Weight of the KL divergence to the reference model (k3 estimator).", ge=0)


class TemperatureConfig(Config):
    """Sampling temperature over training; training scores at the very same temperature."""

    start: float = knob(1.0, "At the first step.", source="METHOD 5", gt=0)
    end: float = knob(1.0, "At the last step.", source="METHOD 5", gt=0)
    decay: Literal["none", "linear", "cosine", "exponential"] = knob(
        "linear", "Course from start to end (the paper does not give it).", source="METHOD 5"
    )


class TrlConfig(Config):
    """The `trl` backend: TRL's GRPOTrainer with this project's objective and rewards, and vLLM for the rollouts."""

    launch: str = knob(
        "",
        "Command that starts the training processes, for example `accelerate launch --num_processes 8`; empty: one.",
    )
    device_batch: int = knob(16, "Trajectories a forward and backward pass on one device.", unit="trajectories", ge=1)
    vllm: Literal["none", "colocate", "server"] = knob(
        "colocate", "Rollouts by vLLM on the training devices, by a vLLM server, or by transformers."
    )
    vllm_memory: float = knob(0.3, "colocate: share of a device's memory for vLLM.", gt=0, lt=1)
    vllm_url: str = knob("http://127.0.0.1:8000", "server: its address.")
    checkpointing: bool = knob(
        True, "Recompute activations in the backward pass (less memory, more time).", keyed=False
    )
    save_every: int = knob(20, "Updates between checkpoints.", unit="updates", ge=1, keyed=False)


class JudgeConfig(Config):
    """Reward "judged": principles that a language model decides."""

    llm: LlmConfig = knob(LlmConfig(), "The judge; without base_url the model that SFT made, in process.")
    principles: int = knob(
        0, "Principles that the judge writes for each prompt; 0 leaves the fundamental ones.", source="METHOD 5", ge=0
    )
    mode: Literal["group", "answer"] = knob("group", "Show it all answers to a prompt together, or one by one.")
    group: int = knob(16, "Most answers in one request.", unit="answers", ge=1)
    reference: bool = knob(False, "Show it the accepted answer.")


_BLIND = frozenset({"principles", "consensus", *(principle.name for principle in PRINCIPLES)})
"""Rewards that see form, or agreement among answers, and never what is meant."""


class RlConfig(Config):
    """One epoch over the RL set with the trajectory-corrected objective.

    The tasks named in `tasks` are trained; each is scored by the rewards that speak for it.
    """

    steps: int | None = knob(None, "Rollout batches; null: one epoch over the RL set.", unit="batches", ge=0)
    prompts: int = knob(128, "Prompts a rollout batch.", unit="prompts", source="METHOD 5", ge=1)
    samples: int = knob(16, "Answers a prompt.", source="METHOD 5", ge=2)
    minibatch: int = knob(32, "Prompts an update.", unit="prompts", source="METHOD 5", ge=1)
    tasks: tuple[str, ...] = knob((), "Tasks of the RL set that are trained; empty: all that have a verifier.")
    sft_prompts: int = knob(
        0,
        "Prompts of the SFT set asked too, where the RL set, disjoint from it in the paper, is too small.",
        unit="prompts",
        ge=0,
    )
    target_only: bool = knob(False, "Train only prompts whose answer is in the target language.")
    max_new_tokens: int = knob(64, "Longest answer.", unit="tokens", ge=1)
    overlong_buffer: int = knob(
        16,
        "Soft length penalty: grows from 0 to 1 over the last so many tokens.",
        unit="tokens",
        source="METHOD 5",
        ge=0,
    )
    rewards: dict[str, float] = knob(
        {"principles": 1.0, "adequacy": 1.0},
        "Weight of each reward. Principles are gates: an answer that breaks one is below all that break none, and what "
        "pays is the rest.",
        source="METHOD 5",
    )
    run_code_unconfined: bool = knob(
        False, "Run the programs of the reward code where this machine cannot confine them: they may do anything."
    )
    judge: JudgeConfig = knob(JudgeConfig(), "The judge of the reward judged.")
    refill: int = knob(
        0,
        "Tries to put other prompts in the place of those whose answers all earn the same (DAPO's dynamic sampling); "
        "native backend.",
        unit="tries",
        source="METHOD 5",
        ge=0,
    )
    reward_cap: float | None = knob(
        None, "Advantages are limited to +- this many standard deviations.", source="METHOD 5", gt=0
    )
    temperature: TemperatureConfig = knob(TemperatureConfig(), "Sampling temperature.", source="METHOD 5")
    objective: ObjectiveConfig = knob(ObjectiveConfig(), "Objective.", source="METHOD 5")
    sft_weight: float = knob(
        0.0, "Weight of the cross-entropy on the prompts' own answers, which anchors greedy decoding.", ge=0
    )
    sft_smoothing: float = knob(0.0, "Label smoothing of that cross-entropy.", ge=0, lt=1)
    optimizer: OptimizerConfig = knob(OptimizerConfig(lr=1e-6, schedule="constant"), "Optimizer and schedule.")
    compile: bool = knob(
        False,
        "Compile sampling and updates where a compiler is found: some two minutes, won back after about 120 batches.",
    )
    device_tokens: int = knob(
        8192, "Positions that one pass holds, padding included.", unit="tokens", ge=16, keyed=False
    )
    dev_every: int = knob(10, "Rollout batches between held-out scores.", unit="batches", ge=0, keyed=False)
    dev_pairs: int = knob(100, "Held-out pairs for these scores.", unit="pairs", ge=1, keyed=False)
    shown: int = knob(10, "Trajectories kept for the report at each held-out score.", ge=0, keyed=False)
    entropy_end: float | None = knob(
        None, "Weight of the entropy bonus at the last step, reached linearly; null: it stays.", ge=0
    )
    lora: LoraConfig = knob(LoraConfig(), "Low-rank adapters instead of all weights.")
    backend: Literal["native", "trl"] = knob(
        "native", "This project's loop (one machine, small models), or TRL with vLLM (GPUs)."
    )
    trl: TrlConfig = knob(TrlConfig(), "Knobs of the trl backend.")

    @model_validator(mode="after")
    def _arithmetic(self) -> RlConfig:
        if self.prompts % self.minibatch:
            raise ValueError(f"prompts {self.prompts} is not a multiple of minibatch {self.minibatch}")
        if self.overlong_buffer > self.max_new_tokens:
            raise ValueError("overlong_buffer is longer than max_new_tokens")
        if self.rewards and _BLIND.issuperset(self.rewards):
            raise ValueError(
                f"rewards holds only {', '.join(self.rewards)}, and none of these sees what an answer means: a fluent "
                "sentence about something else would earn as much as a translation. Add adequacy (needs references), "
                "judged (asks a judge) or comet-src:MODEL"
            )
        if self.refill and self.backend == "trl":
            raise ValueError("refill needs backend native: TRL takes its prompts in a fixed order")
        if self.objective.kl and self.backend == "native":
            raise ValueError("objective.kl needs backend trl: the native loop keeps no reference model")
        return self
