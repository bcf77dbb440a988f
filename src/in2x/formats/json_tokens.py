"""Where the strings of a JSON text are, and by which path: a scanner that keeps offsets and does not recurse.

The grammar is that of RFC 8259, no comments, no trailing commas; what is wrong is said with its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from in2x.formats.paths import Path
from in2x.formats.spans import Decoded

STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
TOKEN = re.compile(
    r"[ \t\n\r]*(?:(?P<mark>[{}\[\],:])|(?P<string>" + STRING.pattern + r")"
    r"|(?P<other>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null)(?![\w.]))"
)
DEEPEST = 250
"""Nesting that is followed (our choice): files of people have ten."""


@dataclass(frozen=True, slots=True)
class Value:
    """A string, or an object or list as a whole."""

    path: Path
    start: int
    end: int
    """Of its characters, quotes or braces included."""
    kind: str
    """"string", "object", "list" or "other"."""


@dataclass(slots=True)
class _Open:
    start: int
    kind: str
    keys: set[str] = field(default_factory=set)
    key: str | int = 0
    state: str = "first"
    """"first" (value or key, or the end), "next" (a comma or the end), "more" (a value or key), "colon", "value"."""


def values(source: Decoded, start: int = 0, end: int | None = None) -> Iterator[Value]:
    """All values between two offsets, each when it ends.

    Raises:
        In2xError: it is no JSON; a key stands twice in an object; more than `DEEPEST` levels.
    """
    text, at = source.text, start
    end = len(text) if end is None else end
    top, stack = _Open(start, "top", state="value"), list[_Open]()
    while True:
        inner = stack[-1] if stack else top
        match = TOKEN.match(text, at, end)
        if not match:
            if not text[at:end].strip(" \t\n\r"):
                break
            raise _fault(source, at, end)
        at, kind = match.end(), match.lastgroup
        begin = match.start(str(kind))
        mark = match["mark"] or ""
        if inner.state == "colon":
            if mark != ":":
                raise source.fault("a key without a colon behind it", begin, "give a value to each key")
            inner.state = "value"
        elif inner.state == "done":
            raise source.fault("more behind the end of the JSON value", begin, "one value a file; use jsonl for many")
        elif mark in ("}", "]") and mark:
            if inner.kind != {"}": "object", "]": "list"}[mark] or inner.state not in ("first", "next"):
                raise source.fault(f"{mark} where none may stand", begin, "check the commas and brackets before it")
            stack.pop()
            outer = stack[-1] if stack else top
            yield Value(_path(stack), inner.start, at, inner.kind)
            _ended(outer)
        elif inner.state == "next":
            if mark != ",":
                raise source.fault("a comma is missing", begin, "part the values by commas")
            inner.state = "more"
        elif inner.kind == "object" and inner.state in ("first", "more"):
            if kind != "string":
                raise source.fault("a key is expected here", begin, 'write keys as strings: "key": value')
            key = json.loads(match["string"])
            if key in inner.keys:
                raise source.fault(f"the key {key!r} stands twice in one object", begin, "remove one of them")
            inner.keys.add(key)
            inner.key, inner.state = key, "colon"
        elif mark in ("{", "["):
            if len(stack) >= DEEPEST:
                raise source.fault(f"more than {DEEPEST} levels of nesting", begin, "no document of text needs them")
            stack.append(_Open(begin, "object" if mark == "{" else "list"))
        elif mark:
            raise source.fault(f"{mark} where a value is expected", begin, "check the commas and brackets before it")
        else:
            yield Value(_path(stack), begin, at, "string" if kind == "string" else "other")
            _ended(inner)
    if stack or top.state != "done":
        what = "the file ends inside a value" if stack else "there is no JSON value"
        raise source.fault(what, max(start, end - 1), "it may have been cut off")


def _ended(outer: _Open) -> None:
    if outer.kind == "list":
        assert isinstance(outer.key, int)
        outer.key += 1
    outer.state = "done" if outer.kind == "top" else "next"


def _path(stack: list[_Open]) -> Path:
    return tuple(level.key for level in stack)


def _fault(source: Decoded, at: int, end: int) -> Exception:
    while at < end and source.text[at] in " \t\n\r":
        at += 1
    if source.text[at] == '"':
        what, mend = "a string that does not end, or with an escape that JSON does not have", "check its quotes"
    elif source.text.startswith(("//", "/*", "#"), at):
        what, mend = "a comment, which JSON does not have", "remove it"
    else:
        what, mend = f"{source.text[at : at + 10]!r} is no JSON", "check the quotes and commas before it"
    return source.fault(what, at, mend)


def string(source: Decoded, value: Value) -> str:
    """The text of a string value; a lone surrogate stays one."""
    text: Any = json.loads(source.text[value.start : value.end])
    return str(text)


def writer(source: Decoded) -> Callable[[str], str]:
    """How the file writes a string: escaped to ASCII, and with `\\/`, where all of its own are."""
    text = source.text
    ascii_only = text.isascii() and re.search(r"\\u(?!00[01])[0-9a-fA-F]{4}", text) is not None
    slashed = r"\/" in text and re.search(r"(?<!\\)/", text) is None

    def quoted(new: str) -> str:
        out = json.dumps(new, ensure_ascii=ascii_only)
        out = out.replace("/", r"\/") if slashed else out
        return re.sub("[\ud800-\udfff]", lambda match: rf"\u{ord(match[0]):04x}", out)

    return quoted
