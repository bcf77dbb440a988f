"""Knobs of supervised fine-tuning."""

from __future__ import annotations

from pydantic import model_validator

from in2x.knob import Config, knob
from in2x.training.config import (
    CHECKPOINTING_DOC,
    COMPILE_DOC,
    DEVICE_TOKENS_DOC,
    Checkpointing,
    Compile,
    LoraConfig,
    OptimizerConfig,
)


class SftConfig(Config):
    """Rounds 1 and 2 of the selection are epochs 1 and 2; loss on the answers only."""

    passes: int = knob(
        1, "Passes over round 1 and round 2 in turn (small models need several).", source="METHOD 4", ge=1
    )
    mixed: bool = knob(
        False, "Shuffle round 1 and round 2 together in every pass: the rounds differ in languages and difficulty, and "
        "of several passes in turn each makes the model forget some of the other.",
    )  # fmt: skip
    temperature: float = knob(1.0, "Loss temperature tau: logits / tau.", source="METHOD 4", gt=0)
    smoothing: float = knob(0.0, "Label smoothing.", ge=0, lt=1)
    subword_dropout: float = knob(
        0.0, "Share of tokens taken apart, anew on each pass (after BPE-dropout): for many passes over few pairs.",
        ge=0, lt=1,
    )  # fmt: skip
    batch_tokens: int = knob(4096, "Positions a step, padding included.", unit="tokens", ge=16)
    device_tokens: int | None = knob(None, DEVICE_TOKENS_DOC, unit="tokens", ge=16, keyed=False)
    max_tokens: int = knob(512, "Longer examples are left out (counted).", unit="tokens", ge=8)
    optimizer: OptimizerConfig = knob(OptimizerConfig(), "Optimizer and schedule.", source="METHOD 4")
    dev_every: int = knob(200, "Steps between held-out losses.", unit="steps", ge=0, keyed=False)
    dev_pairs: int = knob(200, "Held-out pairs for the loss.", unit="pairs", ge=1, keyed=False)
    checkpointing: Checkpointing = knob(False, CHECKPOINTING_DOC, keyed=False)
    compile: Compile = knob("auto", COMPILE_DOC)
    lora: LoraConfig = knob(LoraConfig(), "Low-rank adapters instead of all weights.")

    @model_validator(mode="after")
    def _example_fits(self) -> SftConfig:
        if self.device_tokens is not None and self.device_tokens < self.max_tokens + 3:
            raise ValueError(
                f"device_tokens {self.device_tokens} holds no example of max_tokens {self.max_tokens}: raise one or "
                "lower the other"
            )
        return self
