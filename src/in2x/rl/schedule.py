"""Temperature decay, the course of the entropy bonus, and the soft length penalty (METHOD 5)."""

from __future__ import annotations

import math

from in2x.rl.config import ObjectiveConfig, RlConfig, TemperatureConfig


def temperature_at(config: TemperatureConfig, step: int, steps: int) -> float:
    """Sampling temperature at 0-based `step` of `steps`: `start` at the first, `end` at the last."""
    if config.decay == "none" or steps <= 1:
        return config.start
    done = min(1.0, step / (steps - 1))
    if config.decay == "linear":
        return config.start + (config.end - config.start) * done
    if config.decay == "cosine":
        return config.end + (config.start - config.end) * 0.5 * (1.0 + math.cos(math.pi * done))
    return float(config.start * (config.end / config.start) ** done)


def objective_at(config: RlConfig, step: int, steps: int) -> ObjectiveConfig:
    """The objective at 0-based `step` of `steps`: the entropy weight moves linearly to `entropy_end`."""
    if config.entropy_end is None:
        return config.objective
    done = min(1.0, step / (steps - 1)) if steps > 1 else 0.0
    entropy = config.objective.entropy + (config.entropy_end - config.objective.entropy) * done
    return config.objective.model_copy(update={"entropy": entropy})


def length_penalty(length: int, longest: int, buffer: int) -> float:
    """DAPO equation 13: 0 up to `longest - buffer` tokens, then linearly to -1 at `longest`."""
    over = length - (longest - buffer)
    return 0.0 if over <= 0 else -min(1.0, over / buffer) if buffer else -1.0
