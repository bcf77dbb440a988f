"""Single Latin words in an answer of another script: which are left from the source, and which may stay.

May stay: what is no word of a language (units behind a number, abbreviations without a vowel, brands, NASA, iPhone),
names and titles that stand so in the source, and what the source spells in kana (コスプレ given as cosplay).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from in2x.language import wording
from in2x.language.alphabet import is_title
from in2x.language.japanese.sound import spelt_in_kana
from in2x.language.language import Language
from in2x.language.script import LATIN
from in2x.language.units import unit_symbols
from in2x.language.words import Word, words_of

_WORD = re.compile(rf"[{LATIN}][{LATIN}'\u2019-]+")
_TOKEN = re.compile(rf"[{LATIN}0-9_'\u2019-]+")
_SUNG = re.compile(rf"^[{LATIN}' ]+(?= )|(?<= )[{LATIN}' ]+$", re.MULTILINE)
_VOWEL = re.compile("[aeiouyà-öø-ÿ]", re.IGNORECASE)


def latin_word_left(source: Language, asked: str, answer: str, allowed: str) -> str | None:
    """The first Latin word that is left over.

    Of a source in Latin letters: one in small letters, or a capitalised one that the source has as an ordinary word.
    Of any other source: one in small letters that the source has not.

    Args:
        asked: the source's text.
        answer: by NFKC, without code and addresses.
        allowed: texts whose words may stand in any answer.
    """
    known, words = _words(allowed), _words(asked)
    titles = list(_titles(asked, answer))
    brand = wording.any_of("brands")
    latin_source = source.scripts[0] == "Latn"
    for match in _WORD.finditer(answer):
        word, small = match[0], match[0].lower()
        if small in known or not word[1:].islower() or any(a <= match.start() < b for a, b in titles):
            continue
        if _identifier(answer, match.start(), asked):
            continue
        unit = word in unit_symbols() and answer[: match.start()].rstrip(" /")[-1:].isdigit()
        if unit or not _VOWEL.search(word) or brand.fullmatch(small):
            continue
        if latin_source:
            if word[0].islower() or _ordinary(word, asked, words, source):
                return word
        elif (
            word[0].islower()
            and small not in words
            and not spelt_in_kana(small, asked)
            and not _sung(answer, match.start())
        ):
            return word
    return None


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(unicodedata.normalize("NFKC", text))}


def _ordinary(word: str, asked: str, words: set[str], source: Language) -> bool:
    """Whether a capitalised word is an ordinary one of the source: it has it in small letters as well, or it is common.

    A word that the source only has in small letters, and the answer with a capital, is a name spelt better (Tailwind).
    """
    small = word.lower()
    if word in asked:
        return small in _WORD.findall(asked)
    return small not in words or small in source.pack.words


def _identifier(answer: str, at: int, asked: str) -> bool:
    """Whether a word is a part of what has a digit and stands so in the source: user26, cpe210."""
    token = next(match[0] for match in _TOKEN.finditer(answer) if match.start() <= at < match.end())
    return any(char.isdigit() for char in token) and token.lower() in unicodedata.normalize("NFKC", asked).lower()


def _sung(answer: str, at: int) -> bool:
    """Whether a word is of a line of a song: Latin words that open or close the text, parted from it by a space."""
    return any(match.start() <= at < match.end() for match in _SUNG.finditer(answer))


def _titles(asked: str, answer: str) -> Iterator[tuple[int, int]]:
    """Places of names and titles of several words (Game of Thrones) that stand so in the source, in any case."""
    wanted = asked.lower()
    run: list[Word] = []
    for word in [*words_of(answer), None]:
        if word is not None and word.script == "Latn" and (not run or not word.clause):
            run.append(word)
            continue
        if len(run) > 1 and is_title(run) and answer[run[0].start : run[-1].end].lower() in wanted:
            yield run[0].start, run[-1].end
        run = [word] if word is not None and word.script == "Latn" else []
