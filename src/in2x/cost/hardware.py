"""The accelerators that a plan can be made for."""

from __future__ import annotations

from dataclasses import dataclass

from in2x.errors import UsageError

USABLE = 0.9
"""Share of a device's memory that a step may fill: the rest is for CUDA's context, the buffers of NCCL and of the
libraries, and what the allocator loses between blocks (our choice)."""


@dataclass(frozen=True)
class Device:
    """One accelerator: dense bf16 peak in FLOP/s and memory in bytes, as its maker gives them."""

    peak: float
    memory: float


DEVICES = {
    "a100": Device(312e12, 80e9),
    "h100": Device(989e12, 80e9),
    "h200": Device(989e12, 141e9),
    "b200": Device(2250e12, 180e9),
    "l40s": Device(362e12, 48e9),
    "cpu": Device(0.4e12, 16e9),
}


@dataclass(frozen=True)
class Hardware:
    """What a plan is made for."""

    device: str
    count: int
    utilisation: float
    """Share of the peak that training reaches, recomputed operations counted in."""
    price: float | None = None
    """Money that one device costs for an hour."""

    @property
    def kind(self) -> Device:
        """The device's figures. Raises UsageError for an unknown name."""
        if self.device not in DEVICES:
            raise UsageError(f"--device {self.device!r} is not known", mend=f"use one of {', '.join(DEVICES)}")
        return DEVICES[self.device]

    @property
    def usable(self) -> float:
        """Bytes of a device that a step may fill."""
        return USABLE * self.kind.memory
