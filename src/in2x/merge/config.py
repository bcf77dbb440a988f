"""Knobs of merging."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from in2x.knob import Config, knob

Method = Literal["linear", "ties", "obim"]
Saliency = Literal["hessian", "fisher", "magnitude"]


class MixConfig(Config):
    """How the changes of several models from one base become one change; the stage and `in2x merge-models` share it."""

    method: Method = knob(
        "linear",
        'How the changes from the base are combined: "linear" (weighted sum), "ties" (trim, elect a sign, mean of '
        'those that agree) or "obim" (each position takes the change of one model, chosen by saliency).',
        source="METHOD 6",
    )
    weights: tuple[float, ...] = knob(
        (), "Weight of each model's change, in their order (obim does not use them); empty: equal ones that sum to 1."
    )
    density: float = knob(
        0.5,
        "Share of a tensor's positions that each model may change: ties keeps the largest changes, obim the most "
        "salient ones, fewer where the models want more than there is (linear does not use it).",
        gt=0,
        le=1,
    )
    scale: float = knob(1.0, "Factor of the merged change.", gt=0)
    saliency: Saliency = knob(
        "hessian",
        'What obim weighs a squared change by: "hessian" (2 X X^T of its layer), "fisher" (squared gradients of the '
        'loss, for which the model is differentiated) or "magnitude" (nothing).',
        source="METHOD 6",
    )
    iterations: int = knob(10, "Rounds in which obim gives the positions away.", ge=1)

    def shares(self, models: int) -> tuple[float, ...]:
        """The weight of each of `models` models. Raises ValueError where `weights` has another number."""
        if self.weights and len(self.weights) != models:
            raise ValueError(f"{len(self.weights)} weights for {models} models")
        return self.weights or (1 / models,) * models


class MergeConfig(MixConfig):
    """Which models of the run become one, and how."""

    models: tuple[Literal["sft", "rl"], ...] = knob(
        ("sft", "rl"), "The stages whose models are merged over the pretrained one, in this order.", min_length=1
    )
    calibration: int = knob(
        128, "Held-out pairs whose activations or gradients give the saliency of obim.", unit="sentences", gt=0
    )
    shard_mb: int = knob(2000, "Largest weight file written.", unit="MB", gt=0)

    @model_validator(mode="after")
    def _matching(self) -> MergeConfig:
        if len(set(self.models)) != len(self.models):
            raise ValueError("models names a stage twice")
        self.shares(len(self.models))
        return self
