"""What is seen in a text and where it stands: a finding with its reason, a word with its lemma, a unit of content."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One observation about a text."""

    kind: str
    """What was looked at, for example "keigo", "particle", "person", "drift"."""
    label: str
    """What was found, for example "sonkei", "よ", "俺"."""
    start: int
    """Offset of the first character in the text."""
    end: int
    """Offset behind the last character."""
    en: str
    """The reason in English."""
    ja: str
    """The reason in Japanese."""


class Word(NamedTuple):
    """A word in a text."""

    lemma: str
    start: int
    end: int


LIGHT = 0.15
"""Weight of a unit that only joins others."""


class Unit(NamedTuple):
    """One unit of a text, in the order of the text."""

    key: str
    """What it is compared by: a lemma, a word in lower case, a character."""
    weight: float
    name: bool = False
    """Whether it looks like the name of someone or something."""
    denies: bool = False
    """Whether it negates."""
