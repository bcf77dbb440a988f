"""Knobs of the base model and of continued pretraining."""

from __future__ import annotations

from pydantic import model_validator

from in2x.corpus.view import View
from in2x.knob import Config, knob
from in2x.training.config import (
    CHECKPOINTING_DOC,
    COMPILE_DOC,
    DEVICE_TOKENS_DOC,
    Checkpointing,
    Compile,
    OptimizerConfig,
    ShapeConfig,
)


class PhaseConfig(Config):
    """One phase: its data view, context length and schedule."""

    tokens: int = knob(..., "Positions trained on.", unit="tokens", ge=0)
    context: int = knob(8192, "Block length.", unit="tokens", source="METHOD 1", ge=16)
    batch_tokens: int = knob(4096, "Positions a step.", unit="tokens", ge=16)
    device_tokens: int | None = knob(None, DEVICE_TOKENS_DOC, unit="tokens", ge=16, keyed=False)
    view: View = knob(View(), "Which documents of the corpus are read.")
    chat_share: float = knob(
        0.0, "Share of the blocks that hold instructions in chat form (annealing mixes some in).", ge=0, lt=1
    )
    rope_theta: float | None = knob(None, "Base of the rotary embedding from this phase on, for longer contexts.", gt=0)
    yarn: float | None = knob(
        None, "Factor by which YaRN stretches the context the model was made for, from this phase on.", ge=1
    )
    optimizer: OptimizerConfig = knob(OptimizerConfig(schedule="constant"), "Optimizer and schedule.")

    @model_validator(mode="after")
    def _block_fits(self) -> PhaseConfig:
        if self.batch_tokens < self.context:
            raise ValueError(f"batch_tokens {self.batch_tokens} is less than one block of {self.context} tokens")
        if self.device_tokens is not None and self.device_tokens < self.context:
            raise ValueError(f"device_tokens {self.device_tokens} is less than one block of {self.context} tokens")
        return self


class BaseModelConfig(Config):
    """The model that continued pretraining starts from.

    `model` names an open base model. Without it a small one is trained from scratch on English-heavy documents, so
    that what English brings to the target language can be seen on any machine.
    """

    model: str | None = knob(None, "Folder or hub name of the base model; null trains one from scratch.")
    shape: ShapeConfig = knob(ShapeConfig(), "Shape of a model from scratch.")
    hub_share: float = knob(0.9, "Share of the hub language in the documents of a model from scratch.", ge=0, le=1)
    asked_pairs: int = knob(
        0, "Training pairs, as the prompt asks for them, that the tokenizer of a model from scratch learns from beside "
        "the documents: questions and answers then take fewer tokens.", unit="pairs", ge=0,
    )  # fmt: skip
    train: PhaseConfig = knob(PhaseConfig(tokens=1_000_000, context=128), "Training of a model from scratch.")
    checkpointing: Checkpointing = knob(False, CHECKPOINTING_DOC, keyed=False)
    compile: Compile = knob("auto", COMPILE_DOC)


class PretrainConfig(Config):
    """Three phases of continued pretraining."""

    phase1: PhaseConfig = knob(
        PhaseConfig(tokens=2_000_000, context=128), "Knowledge and creative text, constant rate.", source="METHOD 1"
    )
    phase2: PhaseConfig = knob(
        PhaseConfig(tokens=500_000, context=256, view=View(longest=0.5)), "Long documents, longer context.",
        source="METHOD 1",
    )  # fmt: skip
    phase3: PhaseConfig = knob(
        PhaseConfig(
            tokens=1_000_000, context=256, view=View(best=0.5), chat_share=0.2,
            optimizer=OptimizerConfig(lr=3e-5, schedule="linear"),
        ), "Annealing on the best documents, linear decay.", source="METHOD 1",
    )  # fmt: skip
    new_tokens: int = knob(
        0, "Tokens added to the base vocabulary for the target language before phase 1.", unit="tokens", ge=0
    )
    dev_every: int = knob(200, "Steps between held-out losses.", unit="steps", ge=0, keyed=False)
    dev_blocks: int = knob(16, "Held-out blocks a language, and a domain of it.", unit="blocks", ge=1, keyed=False)
    checkpointing: Checkpointing = knob(False, CHECKPOINTING_DOC, keyed=False)
    compile: Compile = knob("auto", COMPILE_DOC)
