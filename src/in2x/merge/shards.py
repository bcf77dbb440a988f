"""Tensors of a model folder, whole or by rows, without loading the model; and a folder written the same way.

The safetensors library reads by mapping whole files into memory and writes what is wholly there. Merging needs
neither: rows are read from their place in the file, and written to it as they come. The format is eight bytes of
length, a JSON header and the tensors end to end (https://huggingface.co/docs/safetensors, "Format").
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from in2x.artifact import write_json
from in2x.errors import In2xError
from in2x.merge.codes import CHUNK

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
MERGED = ("F64", "F32", "BF16", "F16")
"""What has changes that can be combined; tensors of other types must be equal in all models."""
LONGEST_HEADER = 100_000_000
"""Bytes; the library's own limit."""


class Weights:
    """The tensors of a Hugging Face folder, or of one safetensors file.

    Raises:
        In2xError: there are no safetensors weights, a shard is missing, or a file is damaged or cut off.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, str] = {}
        self._where: dict[str, tuple[Path, int]] = {}
        index = place / INDEX
        wanted: dict[str, str] = {}
        if index.is_file():
            try:
                wanted = dict(json.loads(index.read_text(encoding="utf-8"))["weight_map"])
            except (ValueError, KeyError, TypeError):
                raise In2xError("not an index of shards", file=index, mend="copy the model anew") from None
        self.files = sorted({place / Path(file).name for file in wanted.values()})
        if not wanted:
            self.files = [place if place.is_file() else place / SINGLE]
        for file in self.files:
            if not file.is_file():
                what = "a shard that the index names is missing" if wanted else "no safetensors weights here"
                mend = "copy the model anew" if wanted else f"give a model folder with {SINGLE} or an index of shards"
                raise In2xError(what, file=file, mend=mend)
            self._read_header(file)
        if lost := sorted(wanted.keys() - self.shapes.keys()):
            raise In2xError(f"the shards lack the tensor {lost[0]}, which the index names", file=index,
                            mend="copy the model anew")  # fmt: skip

    def _read_header(self, file: Path) -> None:
        size = file.stat().st_size
        try:
            with file.open("rb") as stream:
                length = int.from_bytes(stream.read(8), "little")
                if not 0 < length <= LONGEST_HEADER:
                    raise ValueError("no header")
                header: dict[str, Any] = json.loads(stream.read(length))
            end = 8 + length
            for name, about in header.items():
                if name != "__metadata__":
                    self.shapes[name], self.dtypes[name] = tuple(about["shape"]), about["dtype"]
                    self._where[name] = file, 8 + length + int(about["data_offsets"][0])
                    end = max(end, 8 + length + int(about["data_offsets"][1]))
        except (ValueError, KeyError, TypeError):
            raise In2xError("not a safetensors file", file=file, mend="copy the model anew") from None
        if size != end:
            raise In2xError(f"{size:,} bytes where its header says {end:,}", file=file, mend="copy the model anew")

    def dtype(self, name: str) -> torch.dtype:
        """The type of a tensor. Raises In2xError for one that is not known here."""
        if self.dtypes[name] not in DTYPES:
            raise In2xError(f"{name} is stored as {self.dtypes[name]}, which cannot be merged", file=self.place,
                            mend="give models in bfloat16, float16 or float32")  # fmt: skip
        return DTYPES[self.dtypes[name]]

    def bytes(self, name: str) -> int:
        """Size of a tensor in its file."""
        return math.prod(self.shapes[name]) * self.dtype(name).itemsize

    def rows(self, name: str) -> list[slice]:
        """Slices of the first dimension that cover a tensor, of about `CHUNK` elements each (all of one row at least).

        A tensor without dimensions is one row.
        """
        shape = self.shapes[name]
        count = shape[0] if shape else 1
        step = max(1, CHUNK // max(1, math.prod(shape[1:])))
        return [slice(first, min(first + step, count)) for first in range(0, count, step)]

    def read(self, name: str, rows: slice | None = None) -> Tensor:
        """A tensor, or some of its rows, as stored."""
        shape, dtype = self.shapes[name], self.dtype(name)
        file, offset = self._where[name]
        width = math.prod(shape[1:]) * dtype.itemsize
        count = shape[0] if shape else 1
        first, last, _ = (rows or slice(None)).indices(count)
        raw = np.fromfile(file, np.uint8, (last - first) * width, offset=offset + first * width)
        if not raw.size:
            return torch.empty((last - first, *shape[1:]), dtype=dtype)
        return torch.from_numpy(raw).view(dtype).reshape((last - first, *shape[1:]) if shape else ())


def write_shards(
    folder: Path,
    like: Weights,
    rows_of: Callable[[str], Iterator[Tensor]],
    shard_bytes: int,
    done: Callable[[str], None] = lambda file: None,
) -> None:
    """Write a model with the tensors of `like`, in shards of at most `shard_bytes`; no tensor is ever held whole.

    A tensor that alone is larger gets its own shard. Shards are written beside and renamed; those that an earlier,
    killed try finished are kept, so `rows_of` must be a pure function.

    Args:
        folder: where.
        like: names, shapes and types.
        rows_of: of a tensor's name, its rows in order, in any chunks, in the type of `like`.
        shard_bytes: largest size of a file.
        done: called with the name of each shard before it gets that name.
    """
    shards: list[list[str]] = [[]]
    size = 0
    for name in sorted(like.shapes):
        if shards[-1] and size + like.bytes(name) > shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append(name)
        size += like.bytes(name)
    total = len(shards)
    where: dict[str, str] = {}
    for number, names in enumerate(shards, start=1):
        file = SINGLE if total == 1 else f"model-{number:05d}-of-{total:05d}.safetensors"
        where |= dict.fromkeys(names, file)
        target = folder / file
        if target.exists():
            continue
        partial = target.with_name(file + ".partial")
        _write_shard(partial, like, names, rows_of)
        done(file)
        partial.replace(target)
    if total > 1:
        size = sum(like.bytes(name) for name in like.shapes)
        write_json(folder / INDEX, {"metadata": {"total_size": size}, "weight_map": where})


def _write_shard(file: Path, like: Weights, names: list[str], rows_of: Callable[[str], Iterator[Tensor]]) -> None:
    # The widest types first: every tensor then lies at a multiple of its element size, as the library wants it.
    names = sorted(names, key=lambda name: (-like.dtype(name).itemsize, name))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in names:
        begin, end = end, end + like.bytes(name)
        header[name] = {"dtype": like.dtypes[name], "shape": list(like.shapes[name]), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for name in names:
            for rows in rows_of(name):
                stream.write(rows.contiguous().reshape(-1).view(torch.uint8).numpy().data)


def check_same_shape(base: Weights, others: Mapping[str, Weights]) -> None:
    """Raise In2xError unless all models have the same tensors, shapes and types, and equal ones that are no floats."""
    for label, other in others.items():
        for name in sorted(base.shapes.keys() | other.shapes.keys()):
            ours, theirs = _form(base, name), _form(other, name)
            if ours != theirs:
                raise In2xError(
                    f"{label} cannot be merged: tensor {name} is {theirs} there and {ours} in the base",
                    file=other.place, mend="merge models that come from one base, stored alike",
                )  # fmt: skip
            base.dtype(name)
            if base.dtypes[name] not in MERGED and not torch.equal(base.read(name), other.read(name)):
                raise In2xError(f"{label} cannot be merged: tensor {name} holds whole numbers other than the base's",
                                file=other.place, mend="merge models that are not quantised")  # fmt: skip


def _form(weights: Weights, name: str) -> str:
    return f"{weights.dtypes[name]} {weights.shapes[name]}" if name in weights.shapes else "absent"
