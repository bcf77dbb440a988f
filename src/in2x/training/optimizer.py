"""Optimizers and learning-rate schedules.

Muon (orthogonalised momentum) on the matrices of the layers and AdamW on the rest: in short runs of small models it
beat AdamW clearly (`docs/log.md`). Large models use AdamW alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedModel

from in2x.training import parallel
from in2x.training.config import OptimizerConfig, Schedule
from in2x.training.muon import Muon


def learning_rate_factor(schedule: Schedule, step: int, steps: int, warmup: float = 0.0, decay: float = 0.3) -> float:
    """Factor in (0, 1] on the peak rate at 0-based `step` of `steps`."""
    rise = int(warmup * steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    done = (step - rise) / max(1, steps - rise)
    if schedule == "linear":
        return 1.0 - done
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    if schedule == "trapezoid":
        return min(1.0, (steps - step) / max(1.0, decay * steps))
    return 1.0


class Optimizer:
    """One or two torch optimizers behind one face: `step(factor)`, and a flat state for checkpoints.

    Args:
        model: its parameters are optimised; matrices inside `model.model.layers` go to Muon where it is chosen.
        config: see `OptimizerConfig`.
    """

    def __init__(self, model: PreTrainedModel, config: OptimizerConfig) -> None:
        self.config = config
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        matrices = [p for n, p in model.named_parameters() if p.requires_grad and p.ndim == 2 and ".layers." in n]
        inside = {id(p) for p in matrices}
        rest = [p for p in self.parameters if id(p) not in inside]
        betas = (0.9, config.beta2)
        self.parts: list[torch.optim.Optimizer] = []
        self.rates: list[float] = []
        if config.name == "muon" and matrices:
            self._add(Muon(matrices, lr=config.matrix_lr, weight_decay=config.weight_decay))
            groups = [{"params": rest, "weight_decay": 0.0}]
        else:
            groups = [
                {"params": matrices, "weight_decay": config.weight_decay},
                {"params": rest, "weight_decay": 0.0},
            ]
        groups = [g for g in groups if g["params"]]
        self._add(torch.optim.AdamW(groups, lr=config.lr, betas=betas, fused=True))

    def _add(self, part: torch.optim.Optimizer) -> None:
        self.parts.append(part)
        self.rates.append(part.param_groups[0]["lr"])

    def step(self, factor: float) -> torch.Tensor:
        """Clip, step with the peak rates times `factor`, drop the gradients. Returns the gradient norm before clip."""
        norm = parallel.full(nn.utils.clip_grad_norm_(self.parameters, self.config.clip))
        for part, rate in zip(self.parts, self.rates, strict=True):
            for group in part.param_groups:
                group["lr"] = rate * factor
            part.step()
            part.zero_grad(set_to_none=True)
        return norm

    def state_tensors(self) -> dict[str, torch.Tensor]:
        """Every tensor of the optimizers' state, sharded as its parameter, by a name that is stable for the model."""
        found = {}
        for number, part in enumerate(self.parts):
            for index, state in part.state_dict()["state"].items():
                for key, value in state.items():
                    found[f"{number}.{index}.{key}"] = torch.as_tensor(value)
        return found

    def parameter_of(self, name: str) -> torch.Tensor:
        """The parameter that a tensor of `state_tensors` belongs to."""
        number, index, _ = name.split(".", 2)
        parameters: list[torch.Tensor] = [p for group in self.parts[int(number)].param_groups for p in group["params"]]
        return parameters[int(index)]

    def load_state_tensors(self, tensors: dict[str, torch.Tensor]) -> None:
        """Put back what `state_tensors` gave, of each sharded tensor this process's part."""
        for number, part in enumerate(self.parts):
            whole = part.state_dict()
            state: dict[int, dict[str, torch.Tensor]] = {}
            for name, value in tensors.items():
                owner, index, key = name.split(".", 2)
                if int(owner) == number:
                    parameter = self.parameter_of(name)
                    state.setdefault(int(index), {})[key] = value if key == "step" else parallel.wrap(value, parameter)
            part.load_state_dict({"state": state, "param_groups": whole["param_groups"]})


class Average:
    """Exponential moving average of parameters (this process's part), in fp32, corrected for its start as usual."""

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = list(parameters), decay
        self.values = [parallel.local(p.detach()).float().clone() for p in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take the parameters of this step in; early steps weigh more (decay is at most (1+t)/(10+t))."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.values, [parallel.local(p.detach()).float() for p in self.parameters], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange parameters and average (call twice to come back)."""
        for parameter, value in zip(self.parameters, self.values, strict=True):
            own = parallel.local(parameter.detach())
            held = own.clone()
            own.copy_(value)
            value.copy_(held)
