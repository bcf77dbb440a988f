"""The tests' side: runs the tests, in which the names that the program defines stand for it.

A value that the program returns is here a plain value, built anew (`wire.py`), or a `Remote`. A `Remote` can be called,
looked into, indexed and iterated; it equals nothing but another `Remote` whose attributes are equal, and takes no part
in comparison and arithmetic with plain values: there it could say whatever the test wants to hear.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterator, MutableMapping, MutableSequence, MutableSet
from typing import Any

from in2x.rl.rewards.jail.wire import Line, pack, unpack

PASSED, BROKEN, UNFIT = 40, 41, 42
"""Exit codes: the tests passed; they, or the program, failed; the tests cannot be put to a program so."""


class Unfit(Exception):
    """The tests ask for what cannot be sent."""


class Client:
    """Asks the program's side."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.callbacks: list[Any] = []
        self.errors: dict[str, type[BaseException]] = {}

    def ask(self, op: str, on: int | None, *args: Any, **kwargs: Any) -> Any:
        """Send a request, serve the callbacks that come before its reply, and return the value or raise."""
        given = {name: pack(value, self.give) for name, value in kwargs.items()}
        self.line.send({"op": op, "on": on, "args": [pack(arg, self.give) for arg in args], "kwargs": given})
        reply = self.line.receive()
        while "callback" in reply:
            self.line.send(self.serve(reply))
            reply = self.line.receive()
        if "raised" in reply:
            raise self.error(str(reply["raised"]), str(reply.get("text", "")))
        for mine, now in zip(args, reply.get("args", ()), strict=False):
            refresh(mine, unpack(now, self.take))
        return unpack(reply["value"], self.take)

    def give(self, value: Any) -> Any:
        """A `Remote` goes back as its handle, a function as one that calls it here."""
        if isinstance(value, Remote):
            return {"t": "handle", "v": object.__getattribute__(value, "_handle")}
        if callable(value):
            self.callbacks.append(value)
            return {"t": "callback", "v": len(self.callbacks) - 1}
        raise Unfit(f"the tests hand over a {type(value).__name__}")

    def take(self, value: Any) -> Any:
        """The `Remote` of a handle."""
        if value.get("t") == "callback":
            return self.callbacks[value["v"]]
        return Remote(self, int(value["v"]))

    def serve(self, request: dict[str, Any]) -> dict[str, Any]:
        """Call a function of the tests for the program."""
        try:
            args = [unpack(arg, self.take) for arg in request["args"]]
            kwargs = {name: unpack(value, self.take) for name, value in request["kwargs"].items()}
            return {"value": pack(self.callbacks[request["callback"]](*args, **kwargs), self.give)}
        except Exception as error:
            return {"raised": type(error).__name__, "text": str(error)}

    def error(self, name: str, text: str) -> BaseException:
        """The exception to raise here for one that the program raised: never one that ends the process."""
        known = self.errors.get(name) or getattr(builtins, name, None)
        if isinstance(known, type) and issubclass(known, Exception) and not issubclass(known, AssertionError):
            try:
                return known(text)
            except TypeError:  # UnicodeDecodeError and its like want more
                pass
        return RuntimeError(f"{name}: {text}")


def refresh(mine: Any, now: Any) -> None:
    """Bring an argument to what the program has made of it."""
    if isinstance(mine, MutableSequence) and isinstance(now, type(mine)) and mine != now:
        mine[:] = now
    elif isinstance(mine, (MutableMapping, MutableSet)) and isinstance(now, type(mine)) and mine != now:
        mine.clear()
        mine.update(now) if isinstance(mine, MutableMapping) else [mine.add(value) for value in now]


class Remote:
    """Something of the program's that is no plain value."""

    def __init__(self, client: Client, handle: int) -> None:
        object.__setattr__(self, "_client", client)
        object.__setattr__(self, "_handle", handle)

    def _ask(self, op: str, *args: Any, **kwargs: Any) -> Any:
        client: Client = object.__getattribute__(self, "_client")
        return client.ask(op, object.__getattribute__(self, "_handle"), *args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return self._ask("call", *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """An attribute."""
        return self._ask("get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute."""
        self._ask("set", name, value)

    def __getitem__(self, key: Any) -> Any:
        """An item."""
        return self._ask("item", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Set an item."""
        self._ask("put", key, value)

    def __delitem__(self, key: Any) -> None:
        """Delete an item."""
        self._ask("del", key)

    def __len__(self) -> int:
        """Its length."""
        return int(self._ask("len"))

    def __bool__(self) -> bool:
        """True: what it says of itself is not asked."""
        return True

    def __iter__(self) -> Iterator[Any]:
        """Iterate over it."""
        return Reading(self._ask("iter"))

    def __next__(self) -> Any:
        """The next value of an iterator."""
        return self._ask("next")

    def __str__(self) -> str:
        """Its text."""
        return str(self._ask("str"))

    def __repr__(self) -> str:
        """Its representation."""
        return str(self._ask("repr"))

    def __enter__(self) -> Any:
        """Enter its context."""
        return self._ask("enter")

    def __exit__(self, *error: object) -> None:
        """Leave its context."""
        self._ask("exit")

    def __hash__(self) -> int:
        """By its handle."""
        return int(object.__getattribute__(self, "_handle"))

    def __eq__(self, other: object) -> bool:
        """Whether the two are one, or say so and have equal attributes."""
        if not isinstance(other, Remote):
            return False
        if hash(self) == hash(other):
            return True
        mine, theirs = self._ask("state"), other._ask("state")
        return bool(mine) and mine == theirs and self._ask("eq", other) is True

    def _binary(self, name: str, other: object) -> Any:
        if not isinstance(other, Remote):
            raise TypeError(f"{name} of an object of the program and a plain value")
        return self._ask("binary", name, other)


def _operator(name: str) -> Any:
    return lambda self, other: self._binary(name, other)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "xor", "lt", "le", "gt", "ge"):
    setattr(Remote, f"__{_name}__", _operator(_name))
for _name in ("and", "or"):
    setattr(Remote, f"__{_name}__", _operator(f"{_name}_"))


class Reading:
    """An iterator over something of the program's."""

    def __init__(self, source: Any) -> None:
        self.source = source if isinstance(source, Remote) else iter(source)

    def __iter__(self) -> Reading:
        """Iterate over it."""
        return self

    def __next__(self) -> Any:
        """The next value of an iterator."""
        return next(self.source)


def run(text: str, line: Line) -> int:
    """Run the tests; PASSED, BROKEN or UNFIT."""
    try:
        began = line.receive()
    except (EOFError, ValueError):
        return BROKEN
    if not isinstance(began.get("value"), dict):
        return BROKEN
    client = Client(line)
    names: dict[str, Any] = {"__name__": "tests"}
    try:
        for name, kind in began["value"].items():
            if kind == "exception" and not hasattr(builtins, name):
                names[name] = client.errors[name] = type(str(name), (Exception,), {})
            elif not name.startswith("__"):
                names[name] = client.ask("name", None, name)
        exec(compile(text, "tests.py", "exec"), names)
    except Unfit:
        return UNFIT
    except (SyntaxError, ImportError):
        return UNFIT
    except BaseException:
        return BROKEN
    return PASSED


def end(code: int) -> None:
    """End at once: nothing that the tests left behind runs."""
    os._exit(code)
