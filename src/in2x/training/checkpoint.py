"""Checkpoints of a stage at work: weights, optimizer, average and step, as safetensors and JSON, renamed when whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from in2x.errors import In2xError
from in2x.training.optimizer import Average, Optimizer


def save_checkpoint(
    folder: Path, model: nn.Module, optimizer: Optimizer, average: Average | None, state: dict[str, Any]
) -> None:
    """Write everything an exact resume needs to `folder`, replacing the one before."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    learning = {n: p.detach().contiguous() for n, p in model.named_parameters() if p.requires_grad}
    save_file(learning, partial / "model.safetensors")
    save_file(
        {n: t.detach().contiguous() for n, t in optimizer.state_tensors().items()}, partial / "optimizer.safetensors"
    )
    if average is not None:
        save_file({str(i): v for i, v in enumerate(average.values)}, partial / "average.safetensors")
        state = {**state, "average_steps": average.steps}
    (partial / "state.json").write_text(json.dumps(state), encoding="utf-8")
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


@torch.no_grad()
def load_checkpoint(
    folder: Path, model: nn.Module, optimizer: Optimizer, average: Average | None
) -> dict[str, Any] | None:
    """Put back what `save_checkpoint` wrote and return its state; None where there is no checkpoint.

    Raises:
        In2xError: its parameters are not those of `model`.
    """
    if not folder.exists():
        old = folder.with_name(folder.name + ".old")
        if not (old / "state.json").exists():
            return None
        old.rename(folder)  # killed between the two renames
    weights = load_file(folder / "model.safetensors")
    parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
    if {n: p.shape for n, p in parameters.items()} != {n: w.shape for n, w in weights.items()}:
        raise In2xError("a checkpoint of another model", file=folder, mend="delete it, or run the recipe it is of")
    for name, weight in weights.items():
        parameters[name].copy_(weight)
    optimizer.load_state_tensors(load_file(folder / "optimizer.safetensors"))
    state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    if average is not None:
        values = load_file(folder / "average.safetensors")
        average.values = [values[str(i)] for i in range(len(values))]
        average.steps = state["average_steps"]
    return state
