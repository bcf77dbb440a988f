"""A name in a text of an alphabet with capitals that stands where an accepted translation has another one.

Told only where the accepted translation has a capitalised word that is not common and that the text lacks in any form,
and the text has one of its own beside the same word: a paraphrase may leave a name out, or put it elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from in2x.language.finding import Finding
from in2x.language.language import Language

_WORD = re.compile(r"[^\W\d_]+")
_STEM = 3
"""Letters that two forms of one name share (Том, Тома)."""


class _Name(NamedTuple):
    text: str
    start: int
    end: int
    before: str
    """The word before it, "" at the start of a sentence."""
    behind: str


def swapped_name(source: str, text: str, reference: str, tongue: Language) -> Finding | bool | None:
    """The name that stands for another; True where the text has every name of the reference, None where it has none.

    Args:
        tongue: the language of text and reference.
    """
    wanted = _names(reference, tongue)
    have = [_bare(word) for word in _WORD.findall(text)]
    missing = [name for name in wanted if not any(_alike(_bare(name.text), word) for word in have)]
    known = [_bare(word) for word in _WORD.findall(f"{source} {reference}")]
    for name in _names(text, tongue) if missing else ():
        if any(_alike(_bare(name.text), word) for word in known):
            continue
        for lost in missing:
            if (name.before and name.before == lost.before) or (name.behind and name.behind == lost.behind):
                why = f"{name.text} stands for {lost.text}", f"「{lost.text}」が「{name.text}」になっている"
                return Finding("name", name.text, name.start, name.end, *why)
    return None if missing or not wanted else True


def _names(text: str, tongue: Language) -> list[_Name]:
    """Capitalised words that are not common."""
    words = list(_WORD.finditer(text))
    found = []
    for at, word in enumerate(words):
        if not word[0][0].isupper() or len(word[0]) < _STEM or word[0].lower() in tongue.pack.words:
            continue
        gap = text[words[at - 1].end() : word.start()] if at else "."
        after = text[word.end() : words[at + 1].start()] if at + 1 < len(words) else "."
        before = "" if re.search(r"[.!?:\n]", gap) else words[at - 1][0].lower()
        behind = "" if re.search(r"[.!?:\n]", after) else words[at + 1][0].lower()
        found.append(_Name(word[0], word.start(), word.end(), before, behind))
    return found


def _bare(word: str) -> str:
    """In small letters, without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(c))


def _alike(one: str, other: str) -> bool:
    """Forms of one word: the same beginning, and endings of up to three letters."""
    stem = max(_STEM, min(len(one), len(other)) - 3)
    return one[:stem] == other[:stem] and abs(len(one) - len(other)) <= _STEM
