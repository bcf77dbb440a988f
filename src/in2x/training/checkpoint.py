"""Checkpoints of a stage at work: weights, optimizer, average and step, as safetensors and JSON, renamed when whole.

Where several processes train together each writes its own part, `NAME.0-of-2.safetensors`: nothing is gathered.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from in2x.errors import In2xError
from in2x.training import parallel
from in2x.training.optimizer import Average, Optimizer


def _file(name: str) -> str:
    count = parallel.processes()
    return f"{name}.safetensors" if count == 1 else f"{name}.{parallel.rank()}-of-{count}.safetensors"


def _learning(model: nn.Module) -> dict[str, nn.Parameter]:
    return {n: p for n, p in model.named_parameters() if p.requires_grad}


def save_checkpoint(
    folder: Path, model: nn.Module, optimizer: Optimizer, average: Average | None, state: dict[str, Any]
) -> None:
    """Write everything an exact resume needs to `folder`, replacing the one before."""
    partial = folder.with_name(folder.name + ".partial")
    with parallel.main_first():
        if parallel.rank() == 0:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
    learning = {n: parallel.local(p.detach()).contiguous() for n, p in _learning(model).items()}
    save_file(learning, partial / _file("model"))
    moments = {n: t.detach().contiguous() for n, t in optimizer.state_tensors().items()}
    save_file(moments, partial / _file("optimizer"))
    if average is not None:
        save_file({str(i): v for i, v in enumerate(average.values)}, partial / _file("average"))
        state = {**state, "average_steps": average.steps}
    parallel.wait()
    if parallel.rank():
        return
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
        In2xError: its parameters are not those of `model`, or other numbers of processes wrote and read it.
    """
    with parallel.main_first():
        old = folder.with_name(folder.name + ".old")
        if parallel.rank() == 0 and not folder.exists() and (old / "state.json").exists():
            old.rename(folder)  # killed between the two renames
    if not folder.exists():
        return None
    if not (folder / _file("model")).exists():
        raise In2xError(f"a checkpoint that other than {parallel.processes()} process(es) wrote", file=folder,
                        mend="start as many as before, or delete it")  # fmt: skip
    weights = load_file(folder / _file("model"))
    parameters = {n: parallel.local(p) for n, p in _learning(model).items()}
    if {n: p.shape for n, p in parameters.items()} != {n: w.shape for n, w in weights.items()}:
        raise In2xError("a checkpoint of another model", file=folder, mend="delete it, or run the recipe it is of")
    for name, weight in weights.items():
        parameters[name].copy_(weight)
    optimizer.load_state_tensors(load_file(folder / _file("optimizer")))
    state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    if average is not None:
        values = load_file(folder / _file("average"))
        average.values = [values[str(i)].to(own.device) for i, own in enumerate(average.values)]
        average.steps = state["average_steps"]
    return state
