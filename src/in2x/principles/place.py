"""Where a phrase stands in an answer, when wording counts and spelling variants do not.

Both are compared after NFKC, in lower case, without white space and punctuation; places are those of the answer as it
was written.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

Span = tuple[int, int]
"""Code points, half-open; (-1, -1) where something is there but at no single place."""
NOWHERE: Span = (-1, -1)


def counts(char: str) -> bool:
    """Whether a character is part of the wording: no white space, punctuation or symbol."""
    return unicodedata.category(char)[0] not in "PZCS" or char == "%"


@lru_cache(maxsize=1 << 15)
def normalise(text: str) -> str:
    """NFKC, lower case, without white space and punctuation: what is compared when wording counts."""
    return "".join(filter(counts, unicodedata.normalize("NFKC", text).lower()))


def _letters(text: str) -> tuple[str, list[int]]:
    """`text` by NFKC, character by character, with the place that each one comes from.

    Where normalisation joins characters (a letter and its accent), this differs from NFKC of the whole: a phrase may
    then not be found, and there is no place.
    """
    letters, places = [], []
    for place, char in enumerate(text):
        for letter in unicodedata.normalize("NFKC", char):
            letters.append(letter)
            places.append(place)
    return "".join(letters), places


def place_of(text: str, phrase: str) -> Span:
    """Where `phrase` stands in `text`, as `normalise` reads both; (-1, -1) where it does not, or cannot be told."""
    letters, origins = _letters(text)
    counted = [(lower, place) for letter, place in zip(letters, origins, strict=True) for lower in letter.lower()]
    counted = [(letter, place) for letter, place in counted if counts(letter)]
    wanted = normalise(phrase)
    at = "".join(letter for letter, _ in counted).find(wanted) if wanted else -1
    return (counted[at][1], counted[at + len(wanted) - 1][1] + 1) if at >= 0 else NOWHERE


def place_of_pattern(text: str, pattern: re.Pattern[str]) -> Span:
    """Where `pattern` matches `text` after NFKC; (-1, -1) where it does not, or matches the empty text."""
    letters, places = _letters(text)
    match = pattern.search(letters)
    if match is None or match.start() == match.end():
        return NOWHERE
    return places[match.start()], places[match.end() - 1] + 1
