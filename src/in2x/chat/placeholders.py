"""Inline tags as placeholders that a model reads and writes: `<1>…</1>` around words, `<2/>` between them.

Plain ASCII, so that every tokenizer has it in three or four tokens that it knows, and a base model has seen the like.
Tags at the edges of a text are no business of the model: they are taken off and put back. Tags at one place are one
placeholder. A number whose placeholder stands in the text itself is never given out, so what looks like a placeholder
is one exactly where its number is in use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Literal

from in2x.formats.document import Tag, Text

PLACEHOLDER = re.compile(
    r"(?:[<＜〈⟨]|&lt;)[ \u3000]?([/／]?)[ \u3000]?([0-9０-９]{1,5})[ \u3000]?([/／]?)[ \u3000]?(?:[>＞〉⟩]|&gt;)"
)
"""What is read as a placeholder, beside what is written: full-width signs, spaces inside, escaped brackets."""
_WRITTEN = re.compile(r"<(/?)(\d{1,5})(/?)>")


@dataclass(frozen=True, slots=True)
class Holder:
    """One placeholder: a pair around words, or a mark between them."""

    number: int
    start: int
    """Where it opens, in the body of its `Layout`."""
    end: int
    """Where it closes; `start` for a mark."""
    opening: tuple[Tag, ...]
    closing: tuple[Tag, ...]
    parent: int | None
    """Number of the pair right around it."""
    pair: bool

    @property
    def names(self) -> tuple[str, ...]:
        """How it is written."""
        return (f"<{self.number}>", f"</{self.number}>") if self.pair else (f"<{self.number}/>",)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a placeholder stands in a translation."""

    at: int
    number: int
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A text taken apart: white space and tags at its edges, the body, and the placeholders in the body."""

    head: str
    body: str
    tail: str
    before: tuple[Tag, ...]
    after: tuple[Tag, ...]
    holders: tuple[Holder, ...]
    """In the order in which they open."""

    def places(self) -> list[Place]:
        """Where the placeholders stand in the body itself, in order."""
        return nested(self, {holder.number: (holder.start, holder.end) for holder in self.holders})

    def text(self, body: str, places: Sequence[Place]) -> Text:
        """`body` in place of the own one, with all tags: `places` says, in order, where the placeholders stand."""
        by_number = {holder.number: holder for holder in self.holders}
        shift = len(self.head)
        tags = [Tag(min(tag.at, shift), tag.raw, tag.number, tag.kind) for tag in self.before]
        for place in places:
            holder = by_number[place.number]
            group = holder.closing if place.closes else holder.opening
            tags += [Tag(shift + place.at, tag.raw, tag.number, tag.kind) for tag in group]
        whole = self.head + body + self.tail
        back = len(self.head) + len(self.body) + len(self.tail)  # trailing tags keep their distance from the end
        tags += [Tag(len(whole) - min(back - tag.at, len(self.tail)), tag.raw, tag.number, tag.kind)
                 for tag in self.after]  # fmt: skip
        return Text(whole, tuple(tags))


def nested(layout: Layout, spans: Mapping[int, tuple[int, int]]) -> list[Place]:
    """The order of all placeholders that stand at `spans` and are nested as in the source.

    Spans of one parent must not overlap, and lie inside their parent's.
    """
    children: dict[int | None, list[Holder]] = {}
    for holder in layout.holders:
        children.setdefault(holder.parent, []).append(holder)

    def inside(parent: int | None) -> Iterator[Holder]:
        # A stable sort: where spans touch, the order of the source decides.
        return iter(sorted(children.get(parent, ()), key=lambda one: spans[one.number]))

    places: list[Place] = []
    walk: list[tuple[Holder | None, Iterator[Holder]]] = [(None, inside(None))]
    while walk:  # no recursion: a hostile file may nest as deep as it likes
        around, rest = walk[-1]
        following = next(rest, None)
        if following is not None:
            places.append(Place(spans[following.number][0], following.number))
            if following.pair:
                walk.append((following, inside(following.number)))
            continue
        walk.pop()
        if around is not None:
            places.append(Place(spans[around.number][1], around.number, closes=True))
    return places


@lru_cache(maxsize=1 << 12)
def layout(source: Text) -> Layout:
    """`source` taken apart. What is opened and never closed, or closes across another pair, is a mark by itself."""
    text, tags = source.text, source.tags
    partner = _partners(tags)
    head = len(text) - len(text.lstrip())
    tail = len(text.rstrip()) if head < len(text) else len(text)
    first, last = _edges(tags, partner, head, tail)
    inner = [(tag, partner[n]) for n, tag in enumerate(tags)][first:last]
    body = text[head:tail]
    return Layout(
        text[:head], body, text[tail:], tags[:first], tags[last:], _holders(inner, partner, tags, head, tail, body)
    )


def marked(text: Text) -> str:
    """What a model is asked: the body of `text` with placeholders for its inner tags, without white space around.

    An opening one stands before the space in front of its words (`Press<1> OK</1> now`): so the words are the same
    tokens as without it.
    """
    found = layout(text)
    return _woven(found.body, [place.at for place in found.places()], placeholders(text))


def _woven(body: str, places: Sequence[int], names: Sequence[str]) -> str:
    out, at = [], 0
    for place, name in zip(places, names, strict=True):
        if body[place - 1 : place] == " " and place > at and "/" not in name:
            place -= 1
        out += [body[at:place], name]
        at = place
    return "".join([*out, body[at:]])


def parsed(question: str) -> Text:
    """The text that `question` is `marked` of, each placeholder a tag by itself."""
    out, tags, at = "", list[Tag](), 0
    for match in _WRITTEN.finditer(question):
        out, at = out + question[at : match.start()], match.end()
        kind: Literal["open", "close", "alone"] = "close" if match[1] else "alone" if match[3] else "open"
        behind = kind == "open" and question.startswith(" ", at)  # see `marked`
        out, at = out + " " * behind, at + behind
        tags.append(Tag(len(out), match[0], int(match[2]), kind))
    return Text(out + question[at:], tuple(tags))


def remarked(translation: Text, source: Text) -> str:
    """A translation that holds the tags of `source`, as a model asked with `marked(source)` would have written it."""
    found = layout(source)
    names: dict[tuple[int, str], tuple[str, bool]] = {}
    for holder in found.holders:
        names |= {(tag.number, tag.kind): (holder.names[0], tag == holder.opening[0]) for tag in holder.opening}
        names |= {(tag.number, tag.kind): (holder.names[-1], tag == holder.closing[0]) for tag in holder.closing}
    written = [(tag.at, names[tag.number, tag.kind]) for tag in translation.tags if (tag.number, tag.kind) in names]
    firsts = [(at, name) for at, (name, first) in written if first]
    return _woven(translation.text, [at for at, _ in firsts], [name for _, name in firsts]).strip()


def placeholders(text: Text) -> tuple[str, ...]:
    """The placeholders in `marked(text)`, in order; () where the model sees none (`Source.tagged` is False then)."""
    found = layout(text)
    pairs = {holder.number for holder in found.holders if holder.pair}
    return tuple(f"<{'/' * place.closes}{place.number}{'/' * (place.number not in pairs)}>" for place in found.places())


def _partners(tags: Sequence[Tag]) -> list[int | None]:
    """For each tag the index of the other one of its pair; None where it stands alone."""
    partner: list[int | None] = [None] * len(tags)
    stack: list[int] = []
    for n, tag in enumerate(tags):
        if tag.kind == "open":
            stack.append(n)
        elif tag.kind == "close" and any(tags[opened].number == tag.number for opened in stack):
            while tags[stack[-1]].number != tag.number:
                stack.pop()  # opened inside and not closed there: a mark
            opened = stack.pop()
            partner[opened], partner[n] = n, opened
    return partner


def _edges(tags: Sequence[Tag], partner: Sequence[int | None], head: int, tail: int) -> tuple[int, int]:
    """[first, last) of the tags that stand inside the body; the others are balanced among themselves."""
    first = next((n for n, tag in enumerate(tags) if tag.at > head), len(tags))
    last = max(first, next((n + 1 for n in range(len(tags) - 1, -1, -1) if tags[n].at < tail), 0))
    while True:
        outside = {*range(first), *range(last, len(tags))}
        broken = [n for n in outside if partner[n] is not None and partner[n] not in outside]
        if not broken:
            return first, last
        opened = [n for n in broken if n < first]
        closed = [n for n in broken if n >= last]
        first, last = min(opened, default=first), max((n + 1 for n in closed), default=last)


def _holders(
    inner: Sequence[tuple[Tag, int | None]], partner: Sequence[int | None], tags: Sequence[Tag], head: int, tail: int,
    body: str,
) -> tuple[Holder, ...]:  # fmt: skip
    """The placeholders of the tags inside the body."""

    def place(at: int) -> int:
        return min(max(at, head), tail) - head

    groups: list[tuple[tuple[int, int, str], list[Tag]]] = []
    """(start, end, "open" | "close" | "alone") of a placeholder, and its tags, in order."""
    at_one: list[tuple[Tag, tuple[int, int, str]]] = []
    for tag, other in inner:
        at = place(tag.at)
        there = at if other is None else place(tags[other].at)
        kind: str = "alone" if other is None or at == there else tag.kind
        at_one.append((tag, (min(at, there), max(at, there), kind)))
    pending: list[Tag] = []
    for n, (tag, key) in enumerate(at_one):
        at = place(tag.at)
        if key[2] == "alone":
            if groups and not pending and _stands(groups[-1][0]) == at:
                groups[-1][1].append(tag)  # behind a tag at this place
            else:
                pending.append(tag)
                following = at_one[n + 1] if n + 1 < len(at_one) else None
                if following is None or place(following[0].at) != at:
                    groups.append(((at, at, "alone"), pending))
                    pending = []
        elif groups and groups[-1][0] == key and not pending:
            groups[-1][1].append(tag)
        else:
            groups.append((key, [*pending, tag]))
            pending = []
    closings = {key[:2]: tuple(group) for key, group in groups if key[2] == "close"}
    taken = {int(match[2]) for match in PLACEHOLDER.finditer(body)}
    numbers = (number for number in count(1) if number not in taken)
    holders: list[Holder] = []
    around: list[Holder] = []
    for (start, end, kind), group in groups:
        if kind == "close":
            around.pop()
            continue
        closing = closings[start, end] if kind == "open" else ()
        parent = around[-1].number if around else None
        holder = Holder(next(numbers), start, end, tuple(group), closing, parent, kind == "open")
        holders.append(holder)
        if holder.pair:
            around.append(holder)
    return tuple(holders)


def _stands(key: tuple[int, int, str]) -> int:
    return key[1] if key[2] == "close" else key[0]
