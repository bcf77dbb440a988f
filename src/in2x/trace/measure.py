"""What a step holds and does, watched operation by operation: bytes by kind over time, FLOPs, bytes a collective.

torch has such a watcher (`torch.distributed._tools.fsdp2_mem_tracker`), but it takes one pass of a sharded model over
one optimizer; ours counts the same storages without hooks in modules, so any step of `training/` serves. A storage
counts from its making to its end, in multiples of 512 bytes as CUDA's allocator gives them. Left out: what libraries
and the CUDA context keep for themselves, and what is lost between blocks (`cost.hardware.USABLE` leaves room for both).
Operations are counted by torch's own formulas, but not by its `FlopCounterMode`: that keeps the recomputed tensors of
every layer alive.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Literal, get_args
from unittest import mock

import torch
from torch import Tensor, UntypedStorage
from torch.distributed.tensor import DTensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, shape_wrapper

Kind = Literal["parameters", "gradients", "optimizer", "gathered", "activations"]
"""gathered: buffers of collectives and the whole weights that FSDP puts together for a while."""
KINDS: tuple[Kind, ...] = get_args(Kind)
BLOCK = 512
"""Bytes: an allocation is a multiple of it."""


class Watch(TorchDispatchMode):
    """Follows every storage that is made or resized while it is on."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sent: Counter[str] = Counter()
        """Bytes of collectives by operation: of an all-gather what comes in, of a reduce-scatter what goes out."""
        self.flops = 0.0
        """Floating-point operations of products; of causal attention the half that a kernel computes."""
        self._events: list[tuple[int, int]] = []  # (number of the storage, bytes it grew by), in the order of time
        self._kinds: dict[int, Kind] = {}
        self._living: dict[int, tuple[int, int]] = {}  # the storage's address -> its number, its bytes
        self._count = 0

    def mark(self, kind: Kind, tensors: Iterable[Tensor]) -> None:
        """Say of what kind `tensors` are (of a sharded one: this process's part)."""
        for tensor in tensors:
            local = tensor.to_local() if isinstance(tensor, DTensor) else tensor
            self._kinds[self._see(local.untyped_storage())] = kind

    def resizes(self) -> AbstractContextManager[Any]:
        """Follow storages that change in size, too: so FSDP gives and takes whole weights, without an operation."""
        resize = UntypedStorage.resize_

        def seen(memory: UntypedStorage, size: int) -> UntypedStorage:
            resize(memory, size)
            self._kinds.setdefault(self._see(memory), "gathered")
            return memory

        return mock.patch.object(UntypedStorage, "resize_", seen)

    def peak(self) -> dict[Kind, int]:
        """Bytes by kind at the moment when the most was held."""
        total = most = best = 0
        for at, (_, change) in enumerate(self._events, 1):
            total += change
            if total > most:
                most, best = total, at
        found = dict.fromkeys(KINDS, 0)
        for number, change in self._events[:best]:
            found[self._kinds.get(number, "activations")] += change
        return found

    def _see(self, memory: UntypedStorage) -> int:
        address = memory._cdata
        if address not in self._living:
            weakref.finalize(memory, self._end, address)
            self._living[address] = self._count, 0
            self._count += 1
        number, held = self._living[address]
        size = -(-memory.nbytes() // BLOCK) * BLOCK
        if size != held:
            self._events.append((number, size - held))
            self._living[address] = number, size
        return number

    def _end(self, address: int) -> None:
        number, held = self._living.pop(address)
        self._events.append((number, -held))

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Do the operation, and see what it made."""
        if any(issubclass(kind, DTensor) for kind in types):
            return NotImplemented  # what it does to its shards comes here, too
        out = func(*args, **(kwargs or {}))
        if (formula := FORMULAS.get(func.overloadpacket)) is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        for tensor in pytree.tree_leaves(out):
            if isinstance(tensor, Tensor):
                self._see(tensor.untyped_storage())
        if func.namespace in ("c10d", "_c10d_functional") and "wait" not in func._schema.name:
            given = [t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
            for tensor in given:
                self._kinds.setdefault(self._see(tensor.untyped_storage()), "gathered")
            if given:
                self.sent[_plain(func._schema.name)] += max(tensor.numel() * tensor.element_size() for tensor in given)
        return out


def _plain(name: str) -> str:
    """`c10d::_allgather_base_` is an all-gather, and so is `_c10d_functional::all_gather_into_tensor`."""
    letters = name.partition("::")[2].replace("_", "")
    kinds = {"allgather": "all-gather", "reducescatter": "reduce-scatter", "allreduce": "all-reduce"}
    return next((plain for start, plain in kinds.items() if letters.startswith(start)), letters)


def _attention(query: Any, key: Any, value: Any, borders: Any, _: Any, span: int, *__: Any, **___: Any) -> float:
    """Two products of [tokens, H, D] queries with the half of `span` keys, as if all documents were that long."""
    return _half(query, span) * 2


def _attention_backward(grad: Any, query: Any, *rest: Any, **__: Any) -> float:
    """Five: scores once more, and the gradients of weights, queries, keys and values."""
    return _half(query, next(number for number in rest if isinstance(number, int))) * 5


def _fused(query: Any, key: Any, *rest: Any, is_causal: bool = False, **_: Any) -> float:
    """The same of [B, H, T, D] in models that keep torch's own attention; under a mask all products are made."""
    return _products(query, key, rest[2] if len(rest) > 2 else is_causal) * 2


def _fused_backward(grad: Any, query: Any, key: Any, *rest: Any, **_: Any) -> float:
    return _products(query, key, rest[4]) * 5


def _products(query: Any, key: Any, causal: bool) -> float:
    batch, heads, length, size = query
    return float(batch * heads * length * key[2] * size * (1 if causal else 2))


def _half(query: Any, span: int) -> float:
    tokens, heads, size = query
    return float(tokens * heads * size * span)


def _grouped(rows: Any, weights: Any, *_: Any, **__: Any) -> float:
    """Rows in turn through one of several matrices: [M, K] x [E, K, N]; as much for [K, M] x [M, N]."""
    return float(2 * rows[-2] * rows[-1] * weights[-1])


FORMULAS = {
    **flop_registry,
    torch.ops.torch_attn._varlen_attn: shape_wrapper(_attention),
    torch.ops.torch_attn._varlen_attn_backward: shape_wrapper(_attention_backward),
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: shape_wrapper(_fused),
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: shape_wrapper(_fused_backward),
    torch.ops.aten._grouped_mm: shape_wrapper(_grouped),
}
"""Operation -> its floating-point operations; what torch itself has, and what of ours it has not."""
