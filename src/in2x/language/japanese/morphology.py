"""Morphemes and sentences of Japanese text with their place in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from in2x.language.japanese.spelling import as_read
from in2x.language.unidic import rows


class Token(NamedTuple):
    """One morpheme (UniDic short unit)."""

    surface: str
    """As read: in usual spelling (see `spelling.py`)."""
    pos: str
    """Part of speech, level 1 (名詞, 動詞, 助動詞, ...)."""
    pos2: str
    pos3: str
    ctype: str
    """Conjugation type (五段-カ行, 助動詞-マス, ...); "" where there is none."""
    cform: str
    """Conjugation form (終止形-一般, 命令形, ...); "" where there is none."""
    lemma: str
    """UniDic lemma, mostly in kanji (居る for いる and おる alike)."""
    base: str
    """Dictionary form in the script of the text (いる, おる)."""
    start: int
    """Offset of the first character in the text."""
    end: int
    """Offset behind the last character; more than `start` plus the surface where the text draws it out (まーす)."""


_UNREADABLE = re.compile(r"[\x00\ud800-\udfff]")


@lru_cache(maxsize=8192)
def tokenise(text: str) -> tuple[Token, ...]:
    """The morphemes of `text` in order; white space between them is skipped. Cached."""
    tokens: list[Token] = []
    at = 0
    # MeCab ends its input at NUL and cannot take a lone surrogate; a model may write either
    reading = as_read(_UNREADABLE.sub("\ufffd", text))
    readable = reading.text
    for line in readable.splitlines():
        for columns in rows(line):
            start = readable.find(columns[0], at)
            if start < 0:  # the tagger normalises nothing; defensive for control characters
                continue
            surface, pos, pos2, pos3, ctype, cform, lemma, base = columns
            at = start + len(surface)
            # what could not be read is given back as it stands
            shown = text[start:at] if reading.starts is None else surface
            tokens.append(Token(shown, pos, pos2, pos3, ctype, cform, lemma, base, reading.at(start), reading.at(at)))
    return tuple(tokens)


_QUOTATIVE = frozenset(("と", "って", "とか", "など", "という", "の", "を", "は", "が", "に", "も"))
_CLOSERS = frozenset("」』）)】》〉”\"'")


class Sentence(NamedTuple):
    """A sentence: its span in the text and its morphemes, closing marks included."""

    start: int
    end: int
    tokens: tuple[Token, ...]


def _is_ender(token: Token, text: str) -> bool:
    if token.surface[0] in "。．！？!?♪☆♡♥❤":
        # 3.5 and a.m.: a full stop inside a number or word ends nothing
        return token.surface[0] != "．" or not text[token.end : token.end + 1].isdigit()
    return token.surface in ("…", "……", "‥", "...", "・・・") or token.surface.startswith("…")


def sentences(text: str) -> tuple[Sentence, ...]:
    """`text` split at sentence-ending marks and line breaks; quoted speech 「…」 stays within its sentence's tokens."""
    return _sentences(text)


@lru_cache(maxsize=8192)
def _sentences(text: str) -> tuple[Sentence, ...]:
    found: list[Sentence] = []
    current: list[Token] = []
    ended = False
    for token in tokenise(text):
        newline = bool(current) and "\n" in text[current[-1].end : token.start]
        smile = bool(current) and current[-1].surface in (":", ";") and token.surface[0] in ")）("
        ender = smile or _is_ender(token, text)
        quoted = bool(current) and (
            (token.surface in _QUOTATIVE and current[-1].surface[0] in _CLOSERS)
            or (token.surface in ("と", "って") and token.pos == "助詞" and token.start == current[-1].end)
        )
        if current and (newline or (ended and not ender and not quoted and token.surface[0] not in _CLOSERS)):
            found.append(Sentence(current[0].start, current[-1].end, tuple(current)))
            current, ended = [], False
        current.append(token)
        ended = (ended and not quoted) or ender
    if current:
        found.append(Sentence(current[0].start, current[-1].end, tuple(current)))
    return tuple(found)
