"""Training in several processes: FSDP2 shards of parameters, gradients and optimizer state (Zhao et al. 2023).

Each process makes and computes its own rows of a step (`passes`), with weights by which the averaged gradient is that
of the whole step in one process. Collectives are NCCL's on GPUs and gloo's on CPUs. In one process nothing here does
anything.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset
from transformers import PreTrainedModel

from in2x.training.forward import head, layers
from in2x.training.precision import autocast, compute_dtype

T = TypeVar("T")


def start() -> None:
    """Join the other processes, as torchrun or accelerate launch say in the environment (RANK, WORLD_SIZE, ...)."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def stop() -> None:
    """Leave them."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def processes() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """The number of this one, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def device() -> torch.device:
    """Where this process computes, where several train together."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def wait() -> None:
    """Go on when every process is here."""
    if processes() > 1:
        distributed.barrier()


_firsts = 0
"""How often this process came to `main_first`: all do in the same order."""


@contextmanager
def main_first() -> Iterator[None]:
    """Process 0 goes through the block before the others do: it writes what they then find finished.

    They look for its word every so often and hold no collective open: NCCL gives up after ten minutes, and packing a
    large corpus takes hours.
    """
    global _firsts
    if processes() == 1:
        yield
        return
    _firsts += 1
    done, store = f"in2x/first/{_firsts}", distributed.distributed_c10d._get_default_store()
    if rank():
        pause = 0.01
        while not store.check([done]):
            time.sleep(pause)
            pause = min(1.0, 2 * pause)
    yield
    if not rank():
        store.set(done, "1")


def products(device: torch.device) -> AbstractContextManager[object]:
    """In which type matrices are multiplied: by autocast in one process; sharded weights are cast as they are gathered.

    Autocast would keep a cast copy of every gathered weight until the pass is over: the whole model, unsharded.
    """
    return autocast(device) if processes() == 1 else nullcontext()


def shard(loss_of: nn.Module, model: PreTrainedModel) -> None:
    """Shard `model` in place over all processes, one unit a layer; the rest is a unit with `loss_of`, which calls it.

    The shards lie on the GPUs where there are some: the whole model need not fit on one. Masters are sharded in fp32,
    gathered in `compute_dtype` a unit at a time and dropped after its pass, and gradients are summed in fp32. An
    embedding that is not the head's is a unit too.
    """
    mesh = init_device_mesh(device().type, (processes(),))
    policy = MixedPrecisionPolicy(param_dtype=compute_dtype(device()), reduce_dtype=torch.float32)
    for layer in layers(model):
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    words = model.get_input_embeddings()
    if words.weight is not head(model).weight:
        fully_shard(words, mesh=mesh, mp_policy=policy)
    fully_shard(loss_of, mesh=mesh, mp_policy=policy)


def reshard(loss_of: nn.Module) -> None:
    """Drop the whole parameters of the root that a forward pass without a backward one has left.

    The next pass would read them, whatever has become of the shards since.
    """
    if isinstance(loss_of, FSDPModule):
        loss_of.reshard()


def sharded(model: nn.Module) -> bool:
    """Whether the parameters of `model` lie in several processes."""
    return any(isinstance(p, DTensor) for p in model.parameters())


def total(value: Tensor) -> Tensor:
    """The mean of `value` over the processes."""
    if processes() > 1:
        value = value.detach().clone()
        distributed.all_reduce(value)
        value /= processes()
    return value


def agreed(answer: T) -> T:
    """What process 0 answers: clocks differ, and a checkpoint is written by all or none."""
    if processes() == 1:
        return answer
    told = [answer]
    distributed.broadcast_object_list(told, src=0)
    return told[0]


def gathered(answer: T) -> list[T]:
    """What every process answers, in their order."""
    told = [answer] * processes()
    if processes() > 1:
        distributed.all_gather_object(told, answer)
    return told


def local(value: Tensor) -> Tensor:
    """What this process holds of `value`: storage that it may write to."""
    shards: Tensor = value.to_local() if isinstance(value, DTensor) else value
    return shards


def rows(value: Tensor) -> slice:
    """Which rows of `value` (of its first dimension; a number is one row) this process holds."""
    if not isinstance(value, DTensor) or not value.ndim:
        return slice(0, value.shape[0] if value.ndim else 1)
    shape, offset = compute_local_shape_and_global_offset(value.shape, value.device_mesh, value.placements)
    return slice(offset[0], offset[0] + shape[0])


def full(value: Tensor) -> Tensor:
    """The whole of `value`, in every process."""
    whole: Tensor = value.full_tensor() if isinstance(value, DTensor) else value
    return whole


def like(value: Tensor, parameter: Tensor) -> Tensor:
    """A whole `value`, of which every process keeps the part that it holds of `parameter`."""
    if not isinstance(parameter, DTensor):
        return value
    return distribute_tensor(value, parameter.device_mesh, parameter.placements, src_data_rank=None)


def wrap(value: Tensor, parameter: Tensor) -> Tensor:
    """The inverse of `local`: this process's part of a tensor that is sharded as `parameter` is."""
    if not isinstance(parameter, DTensor) or value.shape != parameter.to_local().shape:
        return value
    return DTensor.from_local(
        value, parameter.device_mesh, parameter.placements, shape=parameter.shape, stride=parameter.stride()
    )
