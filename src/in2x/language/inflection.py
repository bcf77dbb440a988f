"""The forms that a word may take, by the rules of its pack: for finding an agreed term in running text.

    forms("try", "en")     try, tries, tried, trying, try's

A rule is "ADD", "STRIP>ADD", or "*ADD", which doubles the closing consonant of a short word and drops a closing e
(stopped, making). Forms are made from the term, never by cutting the text, so that "rat" does not find "rating".
Irregular words are listed in the pack. Our choice; a language without rules has no forms but the word itself.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from in2x.language.language import language

_VOWELS = "aeiouy"
_SHORT = re.compile(rf"^[^{_VOWELS}]*[{_VOWELS}][^{_VOWELS}wx]$")
"""One syllable with one closing consonant: its consonant doubles."""


def folded(text: str) -> str:
    """NFKC in small letters, with plain apostrophes: how words are compared."""
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


@lru_cache(maxsize=1 << 14)
def forms(word: str, code: str) -> frozenset[str]:
    """All forms of `word` that the rules of the language make, itself among them, as `folded` has them."""
    pack = language(code).pack
    base = folded(word)
    if not base:
        return frozenset()
    found = {base}
    for row in pack.irregular:
        family = row.split()
        if base in family:
            found.update(family)
    for rule in pack.endings:
        strip, _, add = rule.rpartition(">")
        if add.startswith("*"):
            stem = base + base[-1] if _SHORT.match(base) else base.removesuffix("e")
        elif base.endswith(strip):
            stem = base.removesuffix(strip)
        else:
            continue
        if len(stem) > 1:
            found.add(stem + add.removeprefix("*"))
    return frozenset(found)
