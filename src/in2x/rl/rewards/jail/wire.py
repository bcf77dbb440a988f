"""What passes between a program and its tests: plain values by value, everything else by handle.

One JSON object a line. The tests' side builds plain Python values from what comes in, so that whatever a program hands
over has no code of its own there: an object that says it equals everything stays a handle, and equals nothing.
"""

from __future__ import annotations

import datetime
import json
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import IO, Any

LONGEST = 1 << 22
"""Bytes of a message."""
DEEPEST = 60

_TEXTUAL: dict[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "fraction": (Fraction, str, Fraction),
    "decimal": (Decimal, str, Decimal),
    "datetime": (datetime.datetime, datetime.datetime.isoformat, datetime.datetime.fromisoformat),
    "date": (datetime.date, datetime.date.isoformat, datetime.date.fromisoformat),
    "time": (datetime.time, datetime.time.isoformat, datetime.time.fromisoformat),
}
_SEQUENCES: dict[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}


def pack(value: Any, by_handle: Callable[[Any], Any], depth: int = 0) -> Any:
    """`value` as JSON; what is not plain goes through `by_handle`, which returns JSON or raises TypeError."""
    if depth > DEEPEST:
        raise TypeError(f"the value is nested more than {DEEPEST} deep")
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [pack(v, by_handle, depth + 1) for v in value]
    if kind is bytes or kind is bytearray:
        return {"t": kind.__name__, "v": value.hex()}
    if kind is complex:
        return {"t": "complex", "v": [value.real, value.imag]}
    if kind is datetime.timedelta:
        return {"t": "timedelta", "v": [value.days, value.seconds, value.microseconds]}
    for name, (cls, write, _) in _TEXTUAL.items():
        if kind is cls:
            return {"t": name, "v": write(value)}
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return _plain(base, value)
    if isinstance(value, dict):
        items = [[pack(k, by_handle, depth + 1), pack(v, by_handle, depth + 1)] for k, v in dict.items(value)]
        return {"t": "dict", "v": items}
    for name, cls in _SEQUENCES.items():
        if isinstance(value, cls):
            return {"t": name, "v": [pack(v, by_handle, depth + 1) for v in cls.__iter__(value)]}
    return by_handle(value)


def _plain(base: type, value: Any) -> Any:
    """The value of an instance of a subclass of int, float or str as one of the base itself."""
    if base is str:
        return str.__str__(value)
    return float.__float__(value) if base is float else int.__int__(value)


def unpack(value: Any, by_handle: Callable[[Any], Any], depth: int = 0) -> Any:
    """The value that `pack` wrote; raises ValueError for what it would not write."""
    if depth > DEEPEST:
        raise ValueError("the message is nested too deep")
    if isinstance(value, list):
        return [unpack(v, by_handle, depth + 1) for v in value]
    if not isinstance(value, dict):
        return value
    kind, inner = value.get("t"), value.get("v")
    if kind in _TEXTUAL:
        return _TEXTUAL[kind][2](str(inner))
    if kind in ("bytes", "bytearray"):
        data = bytes.fromhex(str(inner))
        return data if kind == "bytes" else bytearray(data)
    if kind == "complex" and isinstance(inner, list):
        return complex(*map(float, inner))
    if kind == "timedelta" and isinstance(inner, list):
        return datetime.timedelta(*map(int, inner))
    if kind == "dict" and isinstance(inner, list):
        return {unpack(k, by_handle, depth + 1): unpack(v, by_handle, depth + 1) for k, v in inner}
    if kind in _SEQUENCES and isinstance(inner, list):
        return _SEQUENCES[kind](unpack(v, by_handle, depth + 1) for v in inner)
    return by_handle(value)


class Line:
    """Both ends of a pipe pair, a message a line."""

    def __init__(self, source: IO[bytes], sink: IO[bytes]) -> None:
        self.source, self.sink = source, sink

    def send(self, message: dict[str, Any]) -> None:
        """Write one message. Raises ValueError where it is too long."""
        data = json.dumps(message).encode() + b"\n"
        if len(data) > LONGEST:
            raise ValueError(f"a value of more than {LONGEST:,} bytes")
        self.sink.write(data)
        self.sink.flush()

    def receive(self) -> dict[str, Any]:
        """Read one message. Raises EOFError where the other side has ended, ValueError where it talks nonsense."""
        data = self.source.readline(LONGEST + 1)
        if not data.endswith(b"\n"):
            raise EOFError
        message = json.loads(data)
        if not isinstance(message, dict):
            raise ValueError("no message")
        return message
