"""The program's side: runs it, then does what the tests ask of its names, one request at a time, until they end.

The program may do with this process what it likes. All that leaves it are answers, and it sees neither the tests nor
what they expect.

Requests: {"op": "name", "args": [NAME]}, or an operation of `Server.do` {"op": ..., "on": HANDLE, "args": [...],
"kwargs": {...}}. Replies: {"value": ..., "args": [... as they are now]} or {"raised": NAME, "text": ...}, before which
{"callback": N, "args": [...]} may come. The first message says what names there are.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Callable
from typing import Any

from in2x.rl.rewards.jail.wire import Line, pack, unpack

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    name: getattr(operator, name)
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lt", "le",
                 "gt", "ge")
}  # fmt: skip


class Server:
    """Answers requests about the names that a program has defined."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.held: list[Any] = []
        self.names: dict[str, Any] = {"__name__": "solution"}

    def run(self, text: str) -> None:
        """Run the program, then answer until the tests end."""
        try:
            exec(compile(text, "solution.py", "exec"), self.names)
        except BaseException as error:
            self.line.send({"raised": type(error).__name__, "text": str(error)[:1000]})
            return
        self.line.send({"value": {name: self.kind(value) for name, value in self.names.items()}})
        while True:
            try:
                request = self.line.receive()
            except EOFError:
                return
            self.line.send(self.answer(request))

    @staticmethod
    def kind(value: Any) -> str:
        """What a name stands for: "exception" (a class that can be caught), or "other"."""
        return "exception" if isinstance(value, type) and issubclass(value, BaseException) else "other"

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to one request; whatever is raised becomes one."""
        try:
            args = [self.take(value) for value in request.get("args", [])]
            kwargs = {name: self.take(value) for name, value in request.get("kwargs", {}).items()}
            value = self.give(self.do(request["op"], request.get("on"), args, kwargs))
            return {"value": value, "args": [self.give(arg) for arg in args]}
        except BaseException as error:
            return {"raised": type(error).__name__, "text": str(error)[:1000]}

    def do(self, op: str, on: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Carry out one request."""
        if op == "name":
            return self.names[args[0]]
        target = self.held[on]
        simple: dict[str, Callable[..., Any]] = {
            "call": target, "get": lambda name: getattr(target, name), "set": lambda name, v: setattr(target, name, v),
            "item": lambda key: target[key], "put": lambda key, v: operator.setitem(target, key, v),
            "del": lambda key: operator.delitem(target, key), "iter": lambda: iter(target),
            "next": lambda: next(target), "len": lambda: len(target),
            "str": lambda: str(target), "repr": lambda: repr(target),
            "eq": lambda other: bool(target == other), "state": lambda: state(target),
            "enter": lambda: target.__enter__(), "exit": lambda: target.__exit__(None, None, None),
            "binary": lambda name, other: BINARY[name](target, other),
        }  # fmt: skip
        return simple[op](*args, **kwargs)

    def give(self, value: Any) -> Any:
        """`value` for the other side."""
        return pack(value, self.hold)

    def hold(self, value: Any) -> Any:
        """A handle for `value`; the same object keeps its handle."""
        for number, known in enumerate(self.held):
            if known is value:
                return {"t": "handle", "v": number}
        self.held.append(value)
        return {"t": "handle", "v": len(self.held) - 1}

    def take(self, value: Any) -> Any:
        """What the other side sent."""
        return unpack(value, self.known)

    def known(self, value: Any) -> Any:
        """The object behind a handle, or a function that calls one of the tests'."""
        if value["t"] == "callback":
            return lambda *args, **kwargs: self.call_back(value["v"], args, kwargs)
        return self.held[value["v"]]

    def call_back(self, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function of the tests."""
        given = {name: self.give(value) for name, value in kwargs.items()}
        self.line.send({"callback": number, "args": [self.give(arg) for arg in args], "kwargs": given})
        reply = self.line.receive()
        if "raised" in reply:
            raise RuntimeError(reply["text"])
        return self.take(reply["value"])


def state(value: Any) -> Any:
    """The attributes of an object, by which two objects are compared beside what they say of themselves."""
    if isinstance(value, (type, types.FunctionType)):
        return None
    slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ()) if hasattr(value, name)]
    return {**getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots}}
