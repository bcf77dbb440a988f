"""The words of a text and their places, for whoever needs no more of its grammar than that.

A grammar (`grammar.py`) knows words too, but who asks it depends on all that the project knows of the language.
"""

from __future__ import annotations

import re
from functools import lru_cache

from in2x.language.finding import Word
from in2x.language.japanese.morphology import tokenise
from in2x.language.language import language
from in2x.language.script import HAN, HIRAGANA, KATAKANA

_WORD = re.compile(rf"[{HAN}]|[{HIRAGANA}]+|[{KATAKANA}]+|[^\W_]+(?:['’][^\W_]+)*")
_SIGNS = ("補助記号", "空白")
_ANALYSED = frozenset({"Jpan"})


@lru_cache(maxsize=1 << 16)
def words(text: str, code: str) -> tuple[Word, ...]:
    """The words of `text` in order: morphemes by lemma, or runs of letters in lower case.

    Where nothing parts the words and they are not known, each Han character is one.
    """
    if language(code).scripts[0] in _ANALYSED:
        return tuple(Word(t.lemma, t.start, t.end) for t in tokenise(text) if t.pos not in _SIGNS)
    return tuple(Word(match[0].lower(), *match.span()) for match in _WORD.finditer(text))
