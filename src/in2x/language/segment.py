"""The words of a text and their places, for whoever needs no more of its grammar than that.

A grammar (`grammar.py`) knows words too, but the key of who asks it follows all that the project knows of the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from in2x.language.finding import Word
from in2x.language.language import language
from in2x.language.script import HAN, HIRAGANA, KATAKANA
from in2x.language.unidic import rows

_WORD = re.compile(rf"[{HAN}]|[{HIRAGANA}]+|[{KATAKANA}]+|[^\W_]+(?:['’][^\W_]+)*")
_SIGNS = ("補助記号", "空白")
_ANALYSED = frozenset({"Jpan"})
"""Scripts whose words a dictionary knows."""
_UNREADABLE = re.compile(r"[\x00\ud800-\udfff]")


@lru_cache(maxsize=1 << 16)
def words(text: str, code: str) -> tuple[Word, ...]:
    """The words of `text` in order: morphemes by lemma, or runs of letters in lower case.

    Where nothing parts the words and they are not known, each Han character is one.
    """
    if language(code).scripts[0] in _ANALYSED:
        return tuple(_morphemes(text))
    return tuple(Word(match[0].lower(), *match.span()) for match in _WORD.finditer(text))


def _morphemes(text: str) -> Iterator[Word]:
    at = 0
    for line in _UNREADABLE.sub("\ufffd", text).splitlines():
        for surface, pos, _, _, _, _, lemma, _ in rows(line):
            start = text.find(surface, at)
            if start >= 0:
                at = start + len(surface)
                if pos not in _SIGNS:
                    yield Word(lemma, start, at)
