"""Templates of prompts: which one asks a source best, and what stands in its slots.

The key of a template is PAIR, PAIR/REGISTER, or either with +NEED behind it, as often as there are needs that all must
be there (`NEEDS`). PAIR is "en-ja", "zh-*", "*-zh" or "*"; REGISTER may be "*", any. Of those that fit, the one
wins that has words for most needs, then the most specific pair, then the one with the register.

A value is never read as a template: braces in a text to translate stay braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import groupby

from in2x.chat.source import Source
from in2x.errors import In2xError

NEEDS = ("tags", "terms", "before", "scene", "style")
"""What a source may bring beside text, languages and register; the first ones are answered first."""

GUARD = "\u2060"
"""Word joiner: put into control tokens that a text spells out where a server would read them as such."""

Pieces = list[tuple[str, bool]]
"""A text in pieces, each with whether it is the template's own."""

_CONTROL = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|</?s>|<(?:bos|eos|pad|unk)>|</?(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>", re.IGNORECASE
)
"""Control tokens of the families that servers serve; a model in this process has its tokenizer's own list."""
_SLOT = re.compile(r"\{([^{}]*)\}")


def brings(source: Source, need: str) -> bool:
    """Whether `source` has something of `need`."""
    return source.tagged if need == "tags" else bool(getattr(source, need))


def chosen(templates: Mapping[str, str], source: Source) -> str:
    """The key of the template that asks `source` best (see the module docstring).

    Raises:
        In2xError: none fits.
    """
    here, there = source.source_lang, source.target_lang
    pairs = (f"{here}-{there}", f"{here}-*", f"*-{there}", "*")
    best: tuple[tuple[int, int, int], str] | None = None
    for key, template in templates.items():
        pair, register, needs = _key(key)
        spoken = register in ("", source.register) or (register == "*" and source.register is not None)
        if pair not in pairs or not spoken or not all(brings(source, need) for need in needs):
            continue
        met = sum(1 << (len(NEEDS) - NEEDS.index(n)) for n in met_by(key, template) if brings(source, n))
        fit = (met, -pairs.index(pair), ("", "*").index(register) if register in ("", "*") else 2)
        if best is None or fit > best[0]:
            best = fit, key
    if best is None:
        raise In2xError(f"the prompt profile has no template for {here}-{there}", mend='add one for "*"')
    return best[1]


def met_by(key: str, template: str) -> tuple[str, ...]:
    """The needs that a template has words for: those of its key, and those it has a slot for."""
    slots = {slot for _, slot in parsed(template)}
    return tuple(need for need in NEEDS if need in slots or need in _key(key)[2])


def filled(template: str, value: Callable[[str], str | Pieces | None]) -> Iterator[tuple[str, bool]]:
    """`template` in pieces, `value(slot)` in the place of each slot.

    Raises:
        In2xError: `value` knows a slot not (None).
    """
    for text, slot in parsed(template):
        if text:
            yield text, True
        if slot is None:
            continue
        found = value(slot)
        if found is None:
            raise In2xError(f"the prompt template {template!r} uses {{{slot}}}", mend="docs/models.md lists the slots")
        if isinstance(found, str):
            yield found, False
        else:
            yield from found


def merged(pieces: Iterator[tuple[str, bool]]) -> Pieces:
    """`pieces`, with neighbours of one kind made one."""
    return [("".join(text for text, _ in run), own) for own, run in groupby(pieces, key=lambda piece: piece[1])]


def joined(pieces: Iterator[tuple[str, bool]]) -> str:
    """The text of `pieces`."""
    return "".join(text for text, _ in pieces)


def guarded(source: Source) -> Source:
    """`source` for a server: control tokens that it spells out are broken by `GUARD`, so that they stay text."""

    def plain(text: str) -> str:
        return _CONTROL.sub(lambda found: found[0][0] + GUARD + found[0][1:], text)

    return replace(
        source, text=plain(source.text), scene=plain(source.scene), style=plain(source.style),
        attempt=plain(source.attempt), finding=plain(source.finding),
        terms=tuple((plain(a), plain(b)) for a, b in source.terms),
        before=tuple((plain(a), plain(b)) for a, b in source.before),
    )  # fmt: skip


@lru_cache(maxsize=256)
def parsed(template: str) -> tuple[tuple[str, str | None], ...]:
    """`template` as (text, the slot behind it), the last one without a slot."""
    found: list[tuple[str, str | None]] = []
    at = 0
    for match in _SLOT.finditer(template):
        found.append((template[at : match.start()], match[1]))
        at = match.end()
    return (*found, (template[at:], None))


@lru_cache(maxsize=256)
def _key(key: str) -> tuple[str, str, tuple[str, ...]]:
    """Pair, register ("" for any) and needs of a template's key."""
    head, *needs = key.split("+")
    pair, _, register = head.partition("/")
    return pair, register, tuple(needs)
