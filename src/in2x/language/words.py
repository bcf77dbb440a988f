"""The words of a text as the rules of language see them: runs of letters of one script, with where they stand.

Code, addresses, formulas, @names and #tags are no words: their letters say nothing about the language.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from in2x.language.script import WORD, script_group

_NOT_PROSE = re.compile(
    r"```.*?```|`[^`\n]*`|</?[A-Za-z][^<>\n]{0,80}>|https?://\S+|\bwww\.\S+|\$[^$\n]{1,80}\$|#[A-Za-z0-9_]+"
    # Looked for from the beginning of a run alone: from each of 200,000 points it would take minutes.
    r"|(?:(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]*)?@[A-Za-z0-9_][A-Za-z0-9_.-]*"
    r"|(?<![A-Za-z0-9-])[A-Za-z0-9-]+\.(?:com|org|net|edu|gov|info|io|ai|tv|co|jp|de|uk|kr|cn|ru|fr)(?![A-Za-z0-9])"
    r"|\b\w+ dot (?:com|org|net)\b|(?<=\d)(?:st|nd|rd|th)\b",
    re.DOTALL,
)
_PAUSE = re.compile(r"[.!?:;,…\"“”«»„()\[\]\n–—।。、，！？]|[（）「」『』]")
_STOP = re.compile(r"[.!?:…\"“”«»„\n–—।。！？]")
_MARKS = (
    "`",
    "<",
    "://",
    "$",
    "@",
    "#",
    "www",
    ".",
    " dot ",
    "1st",
    "2nd",
    "3rd",
    *(f"{digit}th" for digit in range(10)),
)


class Word(NamedTuple):
    """One word."""

    start: int
    end: int
    text: str
    script: str
    """As of `script_group`: "Latn", "Hani" (with kana), "Cyrl", ..."""
    clause: bool
    """Whether it begins a clause: a mark of punctuation, or nothing, stands before it."""
    sentence: bool
    """Whether it begins a sentence (or what may be one: after a colon, a quotation mark)."""


def prose(text: str) -> str:
    """`text` with spaces in place of code, addresses and formulas: every other character stays where it was."""
    if not any(mark in text for mark in _MARKS):
        return text
    return _NOT_PROSE.sub(lambda match: " " * len(match[0]), text)


def words_of(text: str) -> list[Word]:
    """The words of `text` in order."""
    found: list[Word] = []
    last, bare = 0, prose(text)
    for match in WORD.finditer(bare):
        gap = bare[last : match.start()]
        clause = not found or _PAUSE.search(gap) is not None
        sentence = not found or _STOP.search(gap) is not None
        last = match.end()
        for start, end, script in _runs(bare, match.start(), match.end()):
            found.append(Word(start, end, bare[start:end], script, clause, sentence))
            clause = sentence = False
    return found


def _runs(text: str, start: int, end: int) -> list[tuple[int, int, str]]:
    """Stretches of one script inside a run of letters; accents and vowel signs go with the letter before them."""
    first = script_group(text[start])
    if end - start == 1 or text[start:end].isascii():
        return [(start, end, first)]
    runs, at, script = [], start, first
    for place in range(start + 1, end):
        group = script_group(text[place])
        if group and group != script:
            if script:
                runs.append((at, place, script))
                at = place
            script = group
    return [*runs, (at, end, script)]
