"""YAML: string scalars in all five styles, in files of messages above all; keys, numbers and booleans never.

A plain scalar whose translation cannot be plain (`key: No`, a colon, a hash) gets quotes; a block keeps its header and
its indentation. Duplicate keys are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from in2x.formats import messages
from in2x.formats.document import Document, Options, Segment
from in2x.formats.json_tokens import DEEPEST
from in2x.formats.paths import Chosen, Path, shown
from in2x.formats.spans import BREAK, Decoded, Draft, decoded, lettered

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where it is there: 20 times as fast; only events are read, nothing is constructed."""
PROPERTY = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]+|[&!][^\s,\[\]{}]*(?:\r\n|\n)\s*)*")
UNSAFE = re.compile(r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What may only stand escaped."""
TEXT = "tag:yaml.org,2002:str"


@dataclass(slots=True)
class _Open:
    kind: str
    keys: set[str] = field(default_factory=set)
    key: str | int | None = None
    """The key whose value comes next, None where a key comes next."""


def read(raw: bytes, name: str, options: Options) -> Document:
    """The strings of a YAML text."""
    draft = Draft(decoded(raw, name))
    chosen = Chosen(options)
    for path, event, flow in _scalars(draft.source):
        place = shown(path)
        text, start, end = event.value, _index(event.start_mark), _index(event.end_mark)
        start += PROPERTY.match(draft.source.text, start, end).end() - start  # type: ignore[union-attr]
        if not event.style and event.tag is None and _resolved(text) != TEXT:
            if lettered(text):
                draft.skip(place, text, "a value, no text (quote it if it is one)")
        elif event.tag not in (None, "!", TEXT):
            draft.skip(place, text, f"it has the tag {event.tag}")
        elif why := chosen.why_not(path, text):
            draft.skip(place, text, why)
        else:
            like = Segment("", place=place, kind="message", group=shown(path[:2]), note=_note(draft.source, start))
            if event.style in ("|", ">"):
                _block(draft, start, end, text, event.style, like)
            else:
                messages.add(draft, text, start, end, like, scalar_writer(event.style or "", flow))
    return draft.document(raw)


def _note(source: Decoded, at: int) -> str:
    """The comments above the line of an offset, ten lines at most."""
    out: list[str] = []
    for number in range(source.line(at) - 2, max(-1, source.line(at) - 12), -1):
        line = source.text[source.starts[number] : source.starts[number + 1]].strip()
        if not line.startswith("#"):
            break
        out.insert(0, line.lstrip("# "))
    return " ".join(out)


def _scalars(source: Decoded) -> Iterator[tuple[Path, yaml.ScalarEvent, bool]]:
    """Every scalar that is a value: its path, its event and whether it stands in a flow collection."""
    stack: list[_Open] = []
    flow: list[bool] = []
    try:
        for event in yaml.parse(source.text, Loader=LOADER):
            top = stack[-1] if stack else None
            if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                stack.pop()
                flow.pop()
                _ended(stack[-1] if stack else None)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                if len(stack) >= DEEPEST:
                    raise source.fault(f"more than {DEEPEST} levels of nesting", _index(event.start_mark))
                if top and top.kind == "map" and top.key is None:
                    top.key = "?"  # a collection as a key: what is in it is no text
                    top.kind = "odd"
                stack.append(_Open("map") if isinstance(event, yaml.MappingStartEvent) else _Open("list", key=0))
                flow.append(bool(event.flow_style))
            elif isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)):
                if top and top.kind == "map" and top.key is None:
                    key = event.value if isinstance(event, yaml.ScalarEvent) else f"*{event.anchor}"
                    if key in top.keys and key != "<<":
                        raise source.fault(f"the key {key!r} stands twice", _index(event.start_mark), "remove one")
                    top.keys.add(key)
                    top.key = key
                    continue
                if isinstance(event, yaml.ScalarEvent) and all(level.kind != "odd" for level in stack):
                    yield tuple(level.key for level in stack if level.key is not None), event, any(flow)
                _ended(top)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.index if error.problem_mark else 0
        why = " ".join(part for part in (error.context, error.problem) if part)
        raise source.fault(f"no YAML: {why}", at, "check indentation and quotes there") from None
    except yaml.reader.ReaderError as error:
        at = error.position if isinstance(error.position, int) else 0
        raise source.fault(f"a control character, {error.character!r}", at, "remove it, or escape it") from None


def _ended(top: _Open | None) -> None:
    if top and top.kind == "list" and isinstance(top.key, int):
        top.key += 1
    elif top and top.kind == "map":
        top.key = None


def _resolved(text: str) -> str:
    """The tag of a plain scalar."""
    return str(_RESOLVER.resolve(yaml.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]


def _index(mark: Any) -> int:
    """The offset of a mark (events have one; only the stubs say that they may not)."""
    return int(mark.index)


_RESOLVER = yaml.resolver.Resolver()


def scalar_writer(style: str, flow: bool) -> Callable[[str], str]:
    """How a text is written in place of a scalar of a style ("" for plain); `flow` inside `[...]` or `{...}`."""

    def put(new: str) -> str:
        if UNSAFE.search(new) or "\n" in new or "\t" in new or style == '"':
            out = json.dumps(new, ensure_ascii=False)
            return UNSAFE.sub(lambda match: f"\\U{ord(match[0]):08x}", out)
        if style == "" and _plain(new, flow):
            return new
        return "'" + new.replace("'", "''") + "'"

    return put


def _plain(new: str, flow: bool) -> bool:
    """Whether a text may stand without quotes."""
    if not new.strip() or new != new.strip() or re.search(r": |:$| #|^[-?:](?=\s|$)|^(?:---|\.\.\.)", new):
        return False
    if new[0] in ",[]{}#&*!|>'\"%@`" or (flow and re.search(r"[,\[\]{}?:]", new)):
        return False
    return _resolved(new) == TEXT


def _block(draft: Draft, start: int, end: int, value: str, style: str, like: Segment) -> None:
    """A block scalar: its header and the margin of its lines stay, what is between them changes."""
    source = draft.source.text
    head = BREAK.search(source, start, end)
    assert head is not None
    core = source[head.end() : end]
    begin = head.end() + len(core) - len(core.lstrip())
    stop = head.end() + len(core.rstrip())
    line_start = max(source.rfind("\n", 0, begin), source.rfind("\r", 0, begin)) + 1
    margin = source[line_start:begin]
    newline = draft.source.newline

    def put(new: str) -> str:
        if bad := UNSAFE.search(new):
            raise draft.source.fault(f"{bad[0]!r} cannot stand in a block of YAML", start, "remove it")
        lines = new.strip().split("\n")
        if style == ">":  # n breaks of the text are n + 1 here, and what begins with a space is not folded
            lines = re.sub("\n+", lambda breaks: breaks[0] + "\n", "\n".join(map(str.strip, lines))).split("\n")
        return newline.join([lines[0], *(margin + line if line.strip() else "" for line in lines[1:])])

    messages.add(draft, value.strip(), begin, stop, like, put)
