"""Whether an answer says what its source says: the parts of its meaning, each named by the item.

A part is something that every good rendering says, with the words that may say it, and whether it is affirmed or
denied of what is spoken of (`polarity.py`). The words ("any") are found by characters or by lemma: 話す is found in
話してくれた. A regular expression between slashes tells who does what to whom: /父(が|は)/. A part is kept where one of
its words stands in the answer and, where polarity counts, one stands there with it. A set phrase of thanks or apology
is not what an answer is about, and is no part.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from in2x.evaluate.express.item import Item, is_pattern
from in2x.language.japanese import tokenise
from in2x.language.japanese.polarity import denied
from in2x.principles.place import Span
from in2x.principles.verdict import KEPT, Verdict


def says(item: Item, answer: str) -> Verdict:
    """Whether every part of the item's meaning is said; the verdict names the first that is not."""
    text = unicodedata.normalize("NFKC", answer)
    for part in item.meaning:
        spans = [span for phrase in part.any for span in places(text, phrase)]
        words = "/".join(part.any[:3])
        if not spans:
            return Verdict(False, f"nothing says {words}")
        if part.denied is not None and all(denied(text, *span) is not part.denied for span in spans):
            return Verdict(False, f"{words} is {'affirmed' if part.denied else 'denied'}")
    return KEPT


def places(text: str, phrase: str) -> Iterator[Span]:
    """Every place of a phrase in NFKC text: by characters, else by lemmas; a pattern by what it matches."""
    if is_pattern(phrase):
        yield from (match.span() for match in re.finditer(phrase[1:-1], text) if match[0])
        return
    at = text.find(phrase)
    if at >= 0:
        while at >= 0:
            yield at, at + len(phrase)
            at = text.find(phrase, at + 1)
        return
    wanted = _lemmas(phrase)
    tokens = tokenise(text)
    for first in range(len(tokens) - len(wanted) + 1):
        if all(tokens[first + i].lemma == lemma for i, lemma in enumerate(wanted)):
            yield tokens[first].start, tokens[first + len(wanted) - 1].end


@lru_cache(maxsize=1 << 14)
def _lemmas(phrase: str) -> tuple[str, ...]:
    return tuple(token.lemma for token in tokenise(phrase)) or ("",)
