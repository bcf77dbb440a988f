"""What XML formats with source and target side by side share: inline codes, and targets that are made or replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from in2x.errors import UsageError
from in2x.formats.document import Text
from in2x.formats.entities import escape, unescaped
from in2x.formats.inline import Item, Passage, passage
from in2x.formats.markup import attributes
from in2x.formats.part import Draft, Render
from in2x.formats.spans import flat
from in2x.formats.xml_file import Elements


@dataclass(frozen=True, slots=True)
class Codes:
    """The inline elements of a format, by local name; those that are not named stand alone with what is in them."""

    pairs: frozenset[str]
    """Elements around text."""
    opens: Mapping[str, tuple[str, ...]]
    """Empty elements that open a pair -> attributes that name it."""
    closes: Mapping[str, tuple[str, ...]]
    """Those that close one."""
    kept: Callable[[str, Mapping[str, str]], bool] = field(default=lambda name, values: False)
    """Whether an element around text says that it is not to be translated."""


def value(xml: Elements, index: int, *names: str) -> str:
    """The value of the first of these attributes that an element has, "" where it has none."""
    found = attributes(xml.text, xml.tokens[index])
    for name in names:
        if name in found:
            return unescaped(xml.text[found[name].start : found[name].end])[0]
    return ""


def content(xml: Elements, index: int, codes: Codes) -> tuple[list[Item], dict[str, str], list[str]]:
    """The pieces of an element, the references that it spells characters with, and texts that are not translated."""
    items: list[Item] = []
    spelt: dict[str, str] = {}
    hidden: list[str] = []
    parents = [index]
    at, end = index + 1, xml.close[index]
    while at < end:
        token = xml.tokens[at]
        name = xml.local(at)
        if token.kind == "text":
            text, found = unescaped(xml.text[token.start : token.end])
            spelt |= found
            items.append(Item("text", token.start, token.end, text))
        elif token.kind == "cdata":
            inner = xml.text[token.start + 9 : token.end - 3]
            items.append(Item("text", token.start, token.end, inner, fixed=True))
        elif token.kind == "close":
            items.append(Item("close", token.start, token.end, name=f"<{parents.pop()}"))
        elif token.kind in ("open", "empty"):
            names = attributes(xml.text, token)
            values = {key: xml.text[one.start : one.end] for key, one in names.items()}
            if name in codes.pairs and token.kind == "open" and not codes.kept(name, values):
                items.append(Item("open", token.start, token.end, name=f"<{at}"))
                parents.append(at)
            else:
                ids = codes.opens.get(name) or codes.closes.get(name) or ()
                key = next((values[one] for one in ids if one in values), "")
                kind = "open" if key and name in codes.opens else "close" if key and name in codes.closes else "alone"
                # Codes of different parents are no pair: a pair of elements must stay whole.
                items.append(Item(kind, *xml.outer(at), name=f"{parents[-1]} {key}", word=True))  # type: ignore[arg-type]
                hidden += _texts(xml, at) if kind == "alone" else []
                at = xml.close[at]
        at += 1
    return items, spelt, hidden


def _texts(xml: Elements, index: int) -> list[str]:
    tokens = xml.tokens[index + 1 : xml.close[index]]
    return [unescaped(xml.text[token.start : token.end])[0] for token in tokens if token.kind == "text"]


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a source and how its target is written."""

    text: Text
    put: Callable[[Text, Render], str]
    """The content of a target: the translation, with what stands around it in the source."""


def source(xml: Elements, index: int, codes: Codes, draft: Draft, place: str) -> Source | None:
    """The text in an element; None where it has none. What is not translated of it is listed in `draft`."""
    items, spelt, hidden = content(xml, index, codes)
    found: Passage | None = passage(items, xml.source.slice, collapse=False)
    for text in hidden:
        draft.skip(place, text, "an inline code, or marked as not to be translated")
    if found is None:
        return None
    start, end = xml.inner(index)
    write = found.put(escape(spelt))
    first, last = found.start, found.end

    def put(text: Text, render: Render) -> str:
        return render(start, first) + write(text, render) + render(last, end)

    return Source(found.text, put)


def plain(xml: Elements, index: int, codes: Codes) -> str:
    """The text in an element without its codes."""
    found = passage(content(xml, index, codes)[0], xml.source.slice, collapse=False)
    return found.text.text if found else ""


def spelt_out(xml: Elements, index: int, codes: Codes) -> str:
    """The text in an element with its codes as they stand there (`Segment.done`)."""
    found = passage(content(xml, index, codes)[0], xml.source.slice, collapse=False)
    return flat(found.text) if found else ""


def indent(xml: Elements, index: int) -> str:
    """The white space before an element, to be put before one that is written behind it."""
    before = xml.tokens[index - 1]
    raw = xml.text[before.start : before.end] if before.kind == "text" else ""
    return raw if not raw.strip() else ""


def is_language(label: str, code: str) -> bool:
    """Whether a file's name of a language is the one asked for: the same, or one of them with a region besides."""
    one, other = label.lower().replace("_", "-"), code.lower().replace("_", "-")
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")


def check_language(declared: str, asked: str, name: str, role: str) -> None:
    """Refuse to write one language where a file says that another stands.

    Raises:
        UsageError: they differ.
    """
    if declared and asked and not is_language(declared, asked):
        what = f"its {role} language is {declared}, not {asked}"
        raise UsageError(what, file=name, mend=f"give {declared} as the {role} language, or another file")
