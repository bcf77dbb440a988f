"""Why a text cannot be in a language. Certain rather than complete.

Used by rule gates, where a wrong rejection costs a good sample: a text fails only where most of it is in another
language (a prompt may well quote one), and a text with too few letters to tell ("42", "OK") passes.
"""

from __future__ import annotations

from in2x.language.language import language
from in2x.language.script import letter_counts
from in2x.language.words import prose
from in2x.language.written import foreign

LOOKED_AT = 1500
"""Characters of a text that are read: a text that begins in its language for so long is in it."""
MOST = 0.5
"""Share of the letters in another language from which the text is no longer its own (a Han character counts three)."""


def misfit(text: str, lang: str) -> str | None:
    """Why `text` cannot be in `lang`, or None where it may be.

    Either writing of Chinese passes as "zh": users of that code mean both.
    """
    bare = prose(text)[:LOOKED_AT]
    reasons = [_misfit(bare, code) for code in (("zh", "zh-Hant") if lang == "zh" else (lang,))]
    return None if None in reasons else reasons[0]


def _misfit(text: str, lang: str) -> str | None:
    tongue = language(lang)
    total = _size(text)
    if total < 4:
        return None
    strays = foreign(text, lang)
    size = sum(_size(text[start:end]) for start, end in strays)
    if size <= MOST * total:
        return None
    start, end = max(strays, key=lambda span: span.end - span.start)
    return f"{size / total:.0%} of the letters are not {tongue.name} ({text[start:end][:40]!r})"


def _size(text: str) -> int:
    latin, _, other = letter_counts(text)
    return latin + 3 * other
