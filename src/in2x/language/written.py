"""Whether a text is written in a language, and which stretches of it are not.

A text is not written in a language where a whole clause or run of words of it is in another one; names, terms, titles
and numbers are no such run. Scripts decide first; inside one script `alphabet.py` and `han.py` do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import groupby

from in2x.language import alphabet, han
from in2x.language.language import Language, Span, language
from in2x.language.pack import packs
from in2x.language.words import Word, prose, words_of

_ALPHABETS = ("Latn", "Cyrl", "Deva")
_LATIN_RUN = 1.5
"""How much a run of Latin words inside another script must speak of prose, to be no name or term; see `_prose`."""
_LATIN_CLAUSE = 1.25
"""The same where it is a whole clause of several words."""
_LATIN_TEXT = 0.5
"""The same where there is nothing else in the text."""
_OPENING = "「『《〈“\"«„‘'"
_QUOTED = re.compile(
    "[“\"„«]([^“”\"„«»\\n]{2,150})[”“\"»]|「([^「」\\n]+)」|『([^『』\\n]+)』|《([^《》\\n]+)》|''([^'\\n]+)''"
)
_BRACKETED = re.compile(r"[(（]([^()（）\n]{2,40})[)）]")
_SUNG = re.compile(r"\b(\w+)(?:,? \1\b){2}", re.IGNORECASE)
"""A word three times over: a song, a cry."""
_CALLED = re.compile('[」』”"]?(?:という|っていう|と呼ばれ|라는|이라는)')
"""What follows a name: "called"."""
_SONG = 4
"""Words up to which a run of small Latin letters, parted by spaces alone, is taken for a line of a song or a slogan."""
_RUN = 12
"""Letters (a Han, kana or Hangul character counts two) from which a run of another script is more than a name; three
words are so from two thirds of that."""


def written(text: str, lang: str, other: str | None = None) -> bool | None:
    """Whether `text` is written in the language `lang`, all of it; None where that cannot be told (no letters, a name).

    Args:
        other: code of the language that strays are likely to be in (a translation's source).
    """
    tongue = language(lang)
    words = words_of(text)
    if not words:
        return None
    if foreign(text, lang, other):
        return False
    own = [word for word in words if word.script == _own(tongue)]
    if not own or (tongue.scripts[0] in _ALPHABETS and not alphabet.tellable(tongue)):
        return None
    if len(own) < 3 and tongue.scripts[0] in _ALPHABETS and not any(w.text.lower() in tongue.pack.words for w in own):
        return None  # a name, a word that many languages have
    return True


def foreign(text: str, lang: str, other: str | None = None) -> list[Span]:
    """The clauses and runs of words of `text` that are in another language than `lang`, in order.

    Single names and terms are none.

    Args:
        other: as for `written`.
    """
    return list(_foreign(text, language(lang), language(other) if other else None))


@lru_cache(maxsize=32)  # who asks how much is foreign asks which stretches next
def _foreign(text: str, tongue: Language, expected: Language | None) -> tuple[Span, ...]:
    words = words_of(text)
    spans = [*_other_scripts(tongue, text, words, expected)]
    own = [word for word in words if word.script == _own(tongue)]
    if tongue.scripts[0] in _ALPHABETS:
        spans += [Span(own[s.first].start, own[s.last - 1].end) for s in alphabet.strays(tongue, own, expected)]
    elif tongue.code == "ja":
        spans += [
            Span(*stretch)
            for stretch in han.chinese_strays(prose(text), expected is not None and expected.code[:2] == "zh")
        ]
    elif tongue.scripts[0] in ("Hans", "Hant"):
        bare = prose(text)
        stretches = {*han.japanese_strays(bare), *han.written_otherwise(bare, tongue.scripts[0])}
        spans += [Span(*stretch) for stretch in stretches]
    joined = _joined(spans)
    return tuple(span for span in joined if not _cited(text, span))


def _cited(text: str, span: Span) -> bool:
    """Whether a stretch is no part of what the text says: a quoted name, a gloss in brackets, la la la.

    A quotation is one where it is a part of the sentence around it: no stop inside, a word right before or behind.
    """
    if _CALLED.match(text, span.end):
        return True
    if span.end - span.start < 0.7 * len(text) and _SUNG.search(text[span.start : span.end + 20]):
        return True
    for match in _BRACKETED.finditer(text):
        if match.start() < span.start and span.end < match.end():
            return len(match[1].split()) <= 5 and match.start() > 0
    for match in _QUOTED.finditer(text):
        if match.start() < span.start and span.end < match.end():
            before, behind = text[: match.start()].rstrip()[-1:], text[match.end() :].lstrip()[:1]
            part = before.isalnum() or (behind.isalnum() and not behind.isupper())
            return part and match[match.lastindex or 0].rstrip()[-1:] not in (*".,!?…。！？、，",)
    return False


def _own(tongue: Language) -> str:
    script = tongue.scripts[0]
    return "Hani" if script in ("Jpan", "Hans", "Hant", "Hani") else script


def _joined(spans: Sequence[Span]) -> list[Span]:
    """In order, with those that touch or overlap made one."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def _other_scripts(tongue: Language, text: str, words: Sequence[Word], expected: Language | None) -> Iterator[Span]:
    """Runs of words of another script that are more than a name or a term."""
    own = _own(tongue)
    native = sum(len(word.text) for word in words if word.script == own)
    kept = _without_bridges(words, own, native)
    at = 0
    for script, group in groupby(kept, key=lambda word: word.script):
        run = list(group)
        at += len(run)
        if script == own:
            continue
        if script == "Latn":
            quoted = text[: run[0].start].rstrip()[-1:] in tuple(_OPENING)
            whole = run[0].clause and not quoted and (at == len(kept) or kept[at].clause)
            clause = whole and len(run) > 2 and any(word.text[0].islower() and len(word.text) > 1 for word in run)
            limit = _LATIN_TEXT if native == 0 else _LATIN_CLAUSE if clause else _LATIN_RUN
            strays = _prose(run, whole) >= limit and not (native >= 4 and _sung(text, run, expected))
        else:
            wide = script in ("Hani", "Kore")
            size = sum(len(word.text) for word in run) * (2 if wide else 1)
            most = size >= 4 and size > 2 * native
            strays = most or (size >= _RUN and (wide or len(run) > 1)) or (3 * size >= 2 * _RUN and len(run) > 2)
        if strays:
            yield Span(run[0].start, run[-1].end)


def _without_bridges(words: Sequence[Word], own: str, native: int) -> list[Word]:
    """The words without those that do not part a run of another script: a letter ("X"), a name inside the clause."""
    kept = []
    for at, word in enumerate(words):
        if word.script == own and len(word.text) == 1 and native <= 8:
            continue
        if 0 < at < len(words) - 1 and word.script == "Latn" and (len(word.text) == 1 or word.text[0].isupper()):
            before, behind = words[at - 1], words[at + 1]
            if before.script == behind.script not in ("Latn", own) and not (word.clause or behind.clause):
                continue
        kept.append(word)
    return kept


def _sung(text: str, run: Sequence[Word], expected: Language | None) -> bool:
    """Whether a few Latin words are a line of a song or a slogan, where nothing else is to be expected in Latin."""
    if len(run) > _SONG or (expected is not None and expected.scripts[0] == "Latn"):
        return False
    start, end = run[0].start, run[-1].end
    alone = text[max(0, start - 1) : start] in ("", " ", "\u3000") and text[end : end + 1] in ("", " ", "\u3000")
    parted = re.search("[.,;:!?]", text[start:end] + text[end:].lstrip()[:1])
    english = language("en").pack.words
    return alone and not parted and text[start:end].islower() and sum(w.text in english for w in run) >= len(run) - 1


@cache
def _latin_words(known: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*(language(code).pack.words for code in known if language(code).scripts[0] == "Latn"))


def _prose(run: Sequence[Word], whole: bool) -> float:
    """How much a run of Latin words is a clause of some language rather than a name, a term or a title.

    A small common word speaks most, then any word in small letters; capitals hardly. A title as English writes it
    ("Gone with the Wind": small words only where they are common, a capital at either side) counts half,
    unless it is a `whole` clause of the text.
    """
    common = _latin_words(packs())
    score = 0.0
    for word in run:
        known = word.text.lower() in common and len(word.text) > 1
        if word.text[0].islower():
            score += 1.0 if known else 0.4 if len(word.text) > 1 else 0.3
        elif word.text.isupper() and len(word.text) > 1:
            score += 0.05
        else:
            score += (0.6 if word.sentence else 0.3) if known else 0.1
    return score / 2 if alphabet.is_title(run) and not whole else score
