"""Checkpoints of a training at work: weights, optimizer, average and step, with which any number of processes go on.

    FOLDER/step-00000120/
      0-of-2.safetensors  1-of-2.safetensors   what each process holds: its rows of every tensor
      0-of-2.json         1-of-2.json          written last: the state, the shape of every tensor and which rows
                                               are here, size and SHA-256 of the file beside it; then a line
                                               with the SHA-256 of the line before

A checkpoint counts where all its JSON files are there, so that nobody must wait for anybody: each process copies its
part to main memory and a thread writes it while training goes on (the next save waits for it). On resume each process
reads the rows that it needs from the files that hold them.

Why not `torch.distributed.checkpoint`: its own format is pickled (`.metadata`), which this project reads from no disk;
its safetensors writer knows neither hashes nor fsync nor a sign that all parts are there; and its planner solves what
is one comparison for FSDP's layout, rows of the first dimension.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from in2x.errors import In2xError
from in2x.training import parallel
from in2x.training.optimizer import Average, Optimizer

KEEP = 2
"""Whole checkpoints that stay beside the one that is being written."""
TYPES = {torch.float32: "F32", torch.float64: "F64", torch.bfloat16: "BF16", torch.float16: "F16", torch.int64: "I64"}
"""Names of the number formats of a training's state in safetensors."""
BLOCK = 1 << 24

_thread = ThreadPoolExecutor(1, "checkpoint")


@dataclass(frozen=True)
class _Part:
    """What one process holds of a tensor of `shape`: `rows` of it, in main memory."""

    rows: Tensor
    at: tuple[int, int]
    """The first of them and the first behind them."""
    shape: tuple[int, ...]


class Checkpoints:
    """The checkpoints of one training in `folder`.

    Args:
        folder: made where it is missing; on a disk that all processes see.
        model: those of its parameters that learn are kept.
        optimizer: of the same model.
        average: of the same parameters, or None.
        say: told of a checkpoint that is damaged and passed over.
    """

    def __init__(
        self, folder: Path, model: nn.Module, optimizer: Optimizer, average: Average | None, say: Callable[[str], None]
    ) -> None:
        self.folder, self.model, self.optimizer, self.average, self.say = folder, model, optimizer, average, say
        self._writing: Future[None] | None = None

    def save(self, state: dict[str, Any]) -> None:
        """Copy everything an exact resume needs, as of `state["step"]`, and begin to write it.

        Raises:
            In2xError: this one or the one before cannot be written (no room, no right); what was whole stays.
        """
        self.wait()
        if self.average is not None:
            state = {**state, "average_steps": self.average.steps}
        parts = {name: _part(value) for name, value in self._tensors()}
        if parallel.rank() == 0:
            for step in self._steps()[KEEP:]:
                shutil.rmtree(self._place(step), ignore_errors=True)
        self._writing = _thread.submit(_write, self._place(int(state["step"])), parts, state)

    def wait(self) -> None:
        """Go on when what `save` began is on the disk. Raises In2xError where it could not be written."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            writing.result()
        except OSError as error:
            whole = self._steps()
            raise In2xError(
                f"a checkpoint cannot be written ({error.strerror})", file=error.filename or self.folder,
                mend="make room or give the right to write, and start again: "
                + (f"it goes on from step {whole[0]}" if whole else "from its beginning"),
            ) from None  # fmt: skip

    @torch.no_grad()
    def load(self) -> dict[str, Any] | None:
        """Put back the newest whole checkpoint and return its state; None where there is none. What is newer goes.

        Raises:
            In2xError: it is of another model.
        """
        _thread.submit(lambda: None).result()  # what an earlier training in this process began to write
        parallel.wait()
        state = None
        steps = parallel.agreed(self._steps())
        for number, step in enumerate(steps):
            if not (damage := self._damage(step)):
                state = self._restore(self._place(step))
                break
            older = steps[number + 1 :]
            self.say(damage + (f": going on from step {older[0]}" if older else ": starting from the beginning"))
        parallel.wait()
        if parallel.rank() == 0:
            for place in self.folder.glob("step-*"):
                if state is None or place.name > self._place(int(state["step"])).name:
                    shutil.rmtree(place)
        parallel.wait()
        return state

    def _place(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}"

    def _steps(self) -> list[int]:
        """The steps of the checkpoints whose parts are all there, newest first."""
        return sorted((int(p.name[5:]) for p in self.folder.glob("step-*") if _marks(p)), reverse=True)

    def _damage(self, step: int) -> str | None:
        """What is wrong with the files of a checkpoint, of which each process looks at some."""
        marks = _marks(self._place(step))[parallel.rank() :: parallel.processes()]
        found = next((why for why in map(_damage_of, marks) if why), None)
        return next((why for why in parallel.gathered(found) if why), None)

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor of the training by its name; sharded where the parameters are."""
        yield from ((f"model/{n}", p) for n, p in self.model.named_parameters() if p.requires_grad)
        yield from ((f"optimizer/{n}", t) for n, t in self.optimizer.state_tensors().items())
        if self.average is not None:
            pairs = zip(self.average.values, self.average.parameters, strict=True)
            yield from ((f"average/{i}", parallel.wrap(v, p)) for i, (v, p) in enumerate(pairs))

    def _restore(self, place: Path) -> dict[str, Any]:
        reader = _Reader(place)
        own = {n: t for n, t in self._tensors() if not n.startswith("optimizer/")}
        if {n: tuple(t.shape) for n, t in own.items()} != {
            n: s for n, s in reader.shapes.items() if not n.startswith("optimizer/")
        }:
            raise In2xError("a checkpoint of another model", file=place,
                            mend="delete it, or run the recipe it is of")  # fmt: skip
        for name, tensor in own.items():
            reader.read(name, parallel.rows(tensor), parallel.local(tensor))
        moments = {}
        for name, shape in reader.shapes.items():
            kind, _, key = name.partition("/")
            if kind == "optimizer":
                parameter = self.optimizer.parameter_of(key)
                alike = tuple(parameter.shape) == shape
                rows = parallel.rows(parameter) if alike else slice(0, shape[0] if shape else 1)
                moments[key] = torch.empty_like(parallel.local(parameter)) if alike else torch.empty(shape)
                reader.read(name, rows, moments[key])
        self.optimizer.load_state_tensors(moments)
        if self.average is not None:
            self.average.steps = reader.state["average_steps"]
        return reader.state


def _part(value: Tensor) -> _Part:
    rows = parallel.rows(value)
    own = parallel.local(value).detach().to("cpu", copy=True).contiguous()
    return _Part(own, (rows.start, rows.stop), tuple(value.shape))


class _Reader:
    """The tensors of a checkpoint, whoever wrote which rows."""

    def __init__(self, place: Path) -> None:
        marks = [_told(mark) for mark in _marks(place)]
        self.state: dict[str, Any] = marks[0]["state"]
        self.shapes = {n: tuple(t["shape"]) for mark in marks for n, t in mark["tensors"].items()}
        self._files: list[tuple[Path, dict[str, Any]]] = [(place / mark["file"], mark["tensors"]) for mark in marks]

    def read(self, name: str, rows: slice, into: Tensor) -> None:
        """Copy `rows` of a tensor into `into`, from as many files as hold some."""
        for file, tensors in self._files:
            first, end = tensors[name]["rows"]
            here = slice(max(rows.start, first), min(rows.stop, end))
            if here.start >= here.stop:
                continue
            with safe_open(file, framework="pt") as held:
                if not into.ndim:
                    into.copy_(held.get_tensor(name))
                else:
                    part = held.get_slice(name)[here.start - first : here.stop - first]
                    into[here.start - rows.start : here.stop - rows.start].copy_(part)


def _marks(place: Path) -> list[Path]:
    """The JSON files of a checkpoint in the order of its processes; none where one of them is missing."""
    named = {}
    for file in place.glob("*.json"):
        if match := re.fullmatch(r"(\d+)-of-(\d+)\.json", file.name):
            named[int(match[2]), int(match[1])] = file
    for count in sorted({count for count, _ in named}):
        if all((count, number) in named for number in range(count)):
            return [named[count, number] for number in range(count)]
    return []


def _told(mark: Path) -> dict[str, Any]:
    """What a JSON file of a checkpoint says. Raises ValueError where it is not what was written."""
    text, _, digest = mark.read_text(encoding="utf-8").partition("\n")
    if hashlib.sha256(text.encode()).hexdigest() != digest.strip():
        raise ValueError
    told: dict[str, Any] = json.loads(text)
    return told


def _damage_of(mark: Path) -> str | None:
    """What is wrong with one part of a checkpoint; None where its bytes are those that were written."""
    try:
        told = _told(mark)
    except (OSError, ValueError):
        return f"{mark} is damaged"
    file = mark.with_name(told["file"])
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
    except OSError as error:
        return f"{file} cannot be read ({error.strerror})"
    if size != told["bytes"]:
        return f"{file} has {size:,} bytes of {told['bytes']:,}"
    return None if digest == told["sha256"] else f"{file} is damaged: its hash is not that which was written"


def _write(place: Path, parts: dict[str, _Part], state: dict[str, Any]) -> None:
    """Write the part of this process, then the JSON file that makes it count. Nothing stays where that fails."""
    name = f"{parallel.rank()}-of-{parallel.processes()}"
    file, mark = place / f"{name}.safetensors", place / f"{name}.json"
    try:
        place.mkdir(parents=True, exist_ok=True)
        mark.unlink(missing_ok=True)
        size, digest = _write_tensors(file, {n: part.rows for n, part in parts.items()})
        tensors = {n: {"shape": part.shape, "rows": part.at} for n, part in parts.items()}
        told = {"state": state, "file": file.name, "bytes": size, "sha256": digest, "tensors": tensors}
        partial, text = mark.with_suffix(".partial"), json.dumps(told)
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(f"{text}\n{hashlib.sha256(text.encode()).hexdigest()}\n")
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(mark)
        for folder in (place, place.parent):
            _sync(folder)
    except OSError:
        for left in (file, mark.with_suffix(".partial"), mark):
            left.unlink(missing_ok=True)
        raise


def _write_tensors(file: Path, tensors: dict[str, Tensor]) -> tuple[int, str]:
    """Write a safetensors file and wait for the disk. Returns its bytes and their SHA-256.

    The format is a header and the bytes behind it; safetensors' own writer holds Python's lock throughout, so that
    training would stand still, and must be read again for the hash.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    size = 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [size, size + tensor.nbytes]
        }  # fmt: skip
        size += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    digest = hashlib.sha256()
    with file.open("wb") as stream:
        for block in _blocks(struct.pack("<Q", len(text)) + text, tensors):
            digest.update(block)
            stream.write(block)
        stream.flush()
        os.fsync(stream.fileno())
        return stream.tell(), digest.hexdigest()


def _blocks(head: bytes, tensors: dict[str, Tensor]) -> Iterator[memoryview]:
    yield memoryview(head)
    for tensor in tensors.values():
        if tensor.numel():
            whole = tensor.reshape(-1).view(torch.uint8).numpy().data
            yield from (whole[i : i + BLOCK] for i in range(0, len(whole), BLOCK))


def _sync(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
