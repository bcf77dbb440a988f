"""Two real steps of a small model on this CPU; prints the bytes by which their peak is above what stood before.

python trace_worker.py CHECKPOINTING(0|1)
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from in2x.cost.shape import Shape
from in2x.trace.fake import config_of
from in2x.training.batches import Batch
from in2x.training.config import OptimizerConfig
from in2x.training.loss import LanguageModelingLoss
from in2x.training.model import for_device
from in2x.training.optimizer import Optimizer
from in2x.training.step import Part, train_step

SHAPE, ROWS, LENGTH = Shape(4, 512, 8, 4, 1536, 2048, 64, False), 6, 512


# A small vocabulary: the sparse gradient of the logits is zeros that a CPU never writes, but a GPU does.


def held() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak() -> int:
    # Not getrusage: its peak is handed on by the process that started this one, a test runner that may be larger.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main(checkpointing: bool) -> None:
    torch.manual_seed(0)
    torch.ones(64, 64).requires_grad_().matmul(torch.ones(64, 64)).sum().backward()  # libraries are loaded now
    before = held()
    model = for_device(AutoModelForCausalLM.from_config(config_of(SHAPE), dtype=torch.float32)).train()
    if checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    loss_of, optimizer = LanguageModelingLoss(model), Optimizer(model, OptimizerConfig())
    ids = torch.randint(3, 2000, (ROWS, LENGTH))
    where = torch.arange(ids.numel()).view(ROWS, LENGTH)[:, :-1].flatten()
    batch = loss_of.prepared(Batch(ids, where, ids.flatten()[where + 1]))
    for _ in range(2):
        train_step(loss_of, [Part(batch, 1.0, 1.0)], optimizer, 1.0)
    print(peak() - before)


if __name__ == "__main__":
    main(sys.argv[1] == "1")
