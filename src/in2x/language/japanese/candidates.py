"""What in a Japanese text may be a name or a term of its document: proper nouns, katakana words, compounds of nouns."""

from __future__ import annotations

import re

from in2x.language.finding import Word
from in2x.language.japanese.morphology import Token, tokenise
from in2x.language.japanese.surface import onomatopoeia

_KATAKANA = re.compile("[ァ-ヴー・＝]{2,}")
_NAMED = re.compile("-[A-Z]")
"""In a lemma: the foreign word that it was taken from is a name (カイル-Kyle)."""
_HIRAGANA = re.compile("[ぁ-ゖー]+")
_HAN = re.compile(r"[\u3400-\u9fff々]")
_LATIN = re.compile("[A-Za-z][A-Za-z0-9-]+")
_COUNTED = frozenset(("数詞", "助数詞可能", "副詞可能", "助動詞語幹"))


def names(text: str) -> list[Word]:
    """Runs of nouns that hold a proper noun or several nouns, and katakana words that are no everyday loans.

    A run is as long as the text has it (魔導騎士団); the lemma is "name", "term" or "katakana" by what it holds.
    """
    found: list[Word] = []
    run: list[Token] = []
    for token in [*tokenise(text), None]:
        joined = not run or (token is not None and run[-1].end == token.start)
        if token is not None and joined and _noun(token, bool(run)):
            run.append(token)
            continue
        if run:
            found += _candidate(text, run)
        run = [token] if token is not None and _noun(token, False) else []
    return found


def _noun(token: Token, inside: bool) -> bool:
    if _KATAKANA.fullmatch(token.surface):
        return True
    if token.pos == "名詞":
        return token.pos3 not in _COUNTED and token.pos2 not in _COUNTED and not token.surface.isdigit()
    return (
        inside
        and token.pos == "接尾辞"
        and token.pos2 == "名詞的"
        and token.pos3 == "一般"
        and bool(_HAN.match(token.surface))
    )


def _candidate(text: str, run: list[Token]) -> list[Word]:
    while len(run) > 1 and _HIRAGANA.fullmatch(run[0].surface):
        run = run[1:]  # そら來た: what stands before a name, misread
    start, end = run[0].start, run[-1].end
    shown = text[start:end]
    proper = any(token.pos2 == "固有名詞" or _NAMED.search(token.lemma) for token in run)
    if proper and len(shown) > 1:
        # hiragana alone is rather a word that the dictionary takes for a name: it must come again
        return [Word("term" if _HIRAGANA.fullmatch(shown) else "name", start, end)]
    if _KATAKANA.fullmatch(shown):
        # an everyday loan has its foreign word in the dictionary (ゴール-goal)
        loans = ["-" in token.lemma for token in run]
        if len(run) == 1 and (loans[0] or onomatopoeia(shown)):
            return []
        return [Word("term" if all(loans) else "katakana", start, end)]
    if len(run) == 1:
        return []
    if all(_HAN.match(token.surface) or _KATAKANA.fullmatch(token.surface) for token in run) and len(shown) > 2:
        return [Word("term", start, end)]
    return []
