"""The language of a document, and which of its lines are in a language that nobody asked for.

A document is judged by all of its text: a book may have a title page in another language. Its lines may be in any
language of the recipe: a page with a text and its translation, a song with an English chorus are kept whole. Lines in
further languages are dropped, and the document with them where they are many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from in2x.language import unspaced
from in2x.language.identify import UNKNOWN, identify, split_languages
from in2x.language.script import letter_counts

PASSAGE = 400
"""Characters; what the model of languages reads at once."""
PASSAGES = 9


def document_languages(texts: Sequence[str]) -> list[str]:
    """ISO 639-1 code of each text, `UNKNOWN` where none is told.

    Scripts are counted over a whole text. Where only the model can tell, passages from all of it vote.
    """
    langs = identify(list(texts))
    for place, (text, lang) in enumerate(zip(texts, langs, strict=True)):
        if len(text) <= 2 * PASSAGE or unspaced(lang) or lang == "ko":
            continue
        step = max(PASSAGE, (len(text) - PASSAGE) // (PASSAGES - 1))
        votes = Counter(identify([text[at : at + PASSAGE] for at in range(0, len(text) - PASSAGE + 1, step)]))
        votes.pop(UNKNOWN, None)
        if votes:
            langs[place] = max(votes, key=lambda code: (votes[code], code == lang))
    return langs


def own_lines(text: str, lang: str, wanted: Sequence[str]) -> tuple[str, int, float]:
    """`text` without the lines in none of the languages `wanted`; how many were dropped, and their share of letters.

    Args:
        text: of a document.
        lang: the document's language.
        wanted: the languages of the recipe.
    """
    kept, dropped, share = split_languages(text, lang)
    if not dropped:
        return kept, dropped, share
    stay = set(kept.split("\n"))
    foreign = [line for line in text.split("\n") if line not in stay]  # equal lines share one fate
    # Together they are enough to tell a language by; by script, for they may be in several.
    groups: dict[bool, list[str]] = {}
    for line in foreign:
        latin, _, other = letter_counts(line)
        groups.setdefault(latin > other, []).append(line)
    if all(code in wanted for code in identify(["\n".join(lines) for lines in groups.values()])):
        return text, 0, 0.0
    return kept, dropped, share
