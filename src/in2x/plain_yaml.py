"""YAML of users, read as plain data: what is wrong is one sentence with its line, and nothing in it can flood or run.

Before anything is built, the events are looked over: a few lines of aliases stand for more values than there is memory,
brackets in each other end the stack, and a key that stands twice hides what was meant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from in2x.errors import In2xError

DEEPEST = 100
"""Levels of lists and mappings in each other (our choice; a recipe has six)."""
MOST = 100_000
"""Values that a text may stand for, aliases written out (our choice; a recipe has some hundreds)."""
DIGITS = 1_000
"""Characters of the longest number (our choice; Python itself writes none of more than 4,300 digits)."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MEND = "mend the indentation or the quotes"


def read_yaml(text: str, file: Path) -> Any:
    """The value of a YAML text: dicts, lists, texts, numbers, dates, None.

    Raises:
        In2xError: it is no YAML, names a type that is not plain data, is nested or grows beyond measure, or has a key
            twice in one mapping.
    """
    look_over(text, file)
    try:
        return yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise _fault(error, file) from None
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        # What PyYAML lets through of a value that is not of the type that it looks like or is tagged with: 2024-99-99.
        why = str(error).partition(";")[0]
        raise In2xError(f"a value cannot be read ({why})", file=file, mend="put it in quotes") from None


@dataclass(slots=True)
class _Open:
    """A collection that is not closed yet."""

    anchor: str | None
    mapping: bool
    values: int = 1
    keys: set[str] = field(default_factory=set)
    on_key: bool = True


def look_over(text: str, file: Path) -> None:
    """Refuse what must not be built; see the head of this file and `read_yaml`."""
    stack: list[_Open] = []
    sizes: dict[str, int] = {}
    total, documents = 0, 0

    def fault(what: str, event: Any, mend: str) -> In2xError:
        return In2xError(what, file=file, line=event.start_mark.line + 1, mend=mend)

    def ended(values: int) -> None:
        if stack:
            stack[-1].values += values
            stack[-1].on_key = not stack[-1].on_key

    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise fault("a second document begins", event, "give one a file")
            elif isinstance(event, yaml.CollectionStartEvent):
                if len(stack) == DEEPEST:
                    raise fault(f"more than {DEEPEST} levels in each other", event, "write it flatter")
                stack.append(_Open(event.anchor, isinstance(event, yaml.MappingStartEvent)))
            elif isinstance(event, yaml.CollectionEndEvent):
                done = stack.pop()
                if done.anchor:
                    sizes[done.anchor] = done.values
                ended(done.values)
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor in (one.anchor for one in stack):
                    raise fault(f"*{event.anchor} stands inside of what it names", event, "write it out")
                if event.anchor not in sizes:
                    raise fault(f"*{event.anchor} names nothing before it", event, "write it out")
                size = sizes[event.anchor]
                total += size
                ended(size)
            elif isinstance(event, yaml.ScalarEvent):
                if stack and stack[-1].mapping and stack[-1].on_key:
                    if event.value in stack[-1].keys and event.value != "<<":
                        raise fault(f"the key {event.value[:40]!r} stands twice", event, "keep one")
                    stack[-1].keys.add(event.value)
                if event.implicit[0] and len(event.value) > DIGITS and event.value[:1] in "+-.0123456789":
                    raise fault(f"a number of {len(event.value):,} characters", event, "write fewer, or quote it")
                if event.anchor:
                    sizes[event.anchor] = 1
                total += 1
                ended(1)
            if total > MOST:
                raise fault(f"it stands for more than {MOST:,} values", event, "write less, or without aliases")
    except yaml.YAMLError as error:
        raise _fault(error, file) from None


def _fault(error: yaml.YAMLError, file: Path) -> In2xError:
    mark = getattr(error, "problem_mark", None)
    if isinstance(error, yaml.reader.ReaderError):
        return In2xError(f"not YAML ({error.reason})", file=file, mend="take the control character out")
    what = getattr(error, "problem", None) or str(error).split("\n")[0]
    return In2xError(f"not YAML: {what}", file=file, line=mark.line + 1 if mark else None, mend=_MEND)
