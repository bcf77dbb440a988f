"""A message of a program as segments: its placeholders are tags, the forms of an ICU plural or choice its own segments.

    {n, plural, one {# file} other {# files}} in {folder}     # file | # files | {n, ...} in {folder}

A plural inside another is skipped with that reason. White space around a message stays outside the segment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from in2x.formats import placeholders
from in2x.formats.document import Segment, Text
from in2x.formats.spans import Draft, flat, lettered, replaced

ARGUMENT = re.compile(r"\{\s*[\w.-]+\s*,\s*(?P<kind>plural|selectordinal|select)\s*,(?:\s*offset\s*:\s*\d+)?")
FORM = re.compile(r"\s*(=\d+|[^\s{}'#,]+)\s*\{")
OLD_CHOICE = re.compile(r"\{\s*\w+\s*,\s*choice\s*,")
QUOTED = r"'[{}][^']*'"
"""Braces that are text, as ICU writes them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A plural or select in a message, and the places of its forms."""

    start: int
    end: int
    kind: str
    forms: tuple[tuple[str, int, int], ...]
    """Selector, and where the text begins and ends."""


def choices(message: str) -> list[Choice]:
    """The outermost plurals and selects of a message; [] where it has none, or one that is not closed."""
    found, at = [], 0
    while match := ARGUMENT.search(message, at):
        choice = _choice(message, match)
        if choice is None:
            break
        at = choice.end
        found.append(choice)
    return found


def _choice(message: str, match: re.Match[str]) -> Choice | None:
    forms, at = [], match.end()
    while form := FORM.match(message, at):
        end = _closing(message, form.end())
        if end is None:
            return None
        forms.append((form[1], form.end(), end))
        at = end + 1
    close = re.compile(r"\s*\}").match(message, at)
    return Choice(match.start(), close.end(), match["kind"], tuple(forms)) if close and forms else None


def _closing(message: str, at: int) -> int | None:
    """Where the brace that is open at `at` closes."""
    depth = 1
    for mark in re.compile(rf"{QUOTED}|[{{}}]", re.DOTALL).finditer(message, at):
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.start()
    return None


def add(
    draft: Draft,
    message: str,
    start: int,
    end: int,
    like: Segment,
    put: Callable[[str], str],
    printf: bool = False,
) -> None:
    """Add a message that stands between two offsets to a draft.

    Args:
        message: its text, escapes of the file undone.
        like: place, kind and notes of its segments.
        put: the characters that stand there for a text.
        printf: whether the file says that it is a format of C or Python.
    """
    found = choices(message)
    if OLD_CHOICE.search(message):
        draft.skip(like.place, message, "a choice format, whose texts are parted by numbers")
    elif not found:
        core = message.strip()
        text = placeholders.tagged(core, printf)
        if not lettered(text.text):
            draft.skip(like.place, message, "it has no letter" if not lettered(core) else "it is a placeholder alone")
            return
        before, _, after = message.partition(core)
        segment = replace(like, text=text.text, tags=text.tags)
        draft.add(segment, start, end, lambda new: put(before + flat(new) + after))
    else:
        _add_choices(draft, message, found, start, end, like, put)


def _add_choices(
    draft: Draft, message: str, found: list[Choice], start: int, end: int, like: Segment, put: Callable[[str], str]
) -> None:
    segments: list[Segment] = []
    inner: list[tuple[int, int, int]] = []
    for choice in found:
        for selector, begin, stop in choice.forms:
            body, place = message[begin:stop], f"{like.place} ({selector})"
            number = "" if choice.kind == "select" else "#"
            text = placeholders.tagged(body.strip(), more="|".join(part for part in (QUOTED, number) if part))
            if choices(body):
                draft.skip(place, body, "a plural or choice inside another")
            elif not lettered(text.text):
                draft.skip(place, body, "it has no letter")
            else:
                at = begin + len(body) - len(body.lstrip())
                inner.append((at, at + len(body.strip()), len(segments)))
                segments.append(replace(like, text=text.text, tags=text.tags, place=place, kind="message"))
    outer = _outer(message, found)
    has_outer = lettered(outer.text)
    if has_outer:
        segments.append(replace(like, text=outer.text, tags=outer.tags))
    if not segments:
        return

    def write(texts: Sequence[Text]) -> str:
        edits = [(at, stop, flat(texts[number], _literal)) for at, stop, number in inner]
        if not has_outer:
            return put(replaced(message, edits))
        renewed = {}
        for choice in found:
            own = [(at - choice.start, stop - choice.start, new) for at, stop, new in edits if _in(choice, at)]
            raw = message[choice.start : choice.end]
            renewed[raw] = replaced(raw, own)
        tags = tuple(replace(tag, raw=renewed.get(tag.raw, tag.raw)) for tag in texts[-1].tags)
        return put(flat(Text(texts[-1].text, tags), _literal))

    draft.join(segments, start, end, write)


def _outer(message: str, found: list[Choice]) -> Text:
    """The message with each plural and choice as one tag."""
    spans = [(choice.start, choice.end) for choice in found]
    marks = placeholders.pattern(more=QUOTED).finditer(message)
    spans += [
        (mark.start(), mark.end())
        for mark in marks
        if all(mark.end() <= choice.start or mark.start() >= choice.end for choice in found)
    ]
    return placeholders.cut(message, sorted(spans))


def _in(choice: Choice, at: int) -> bool:
    return choice.start <= at < choice.end


def _literal(text: str) -> str:
    """Braces that a translator wrote are text."""
    return re.sub(r"[{}]+", r"'\g<0>'", text)
