"""A name in a Japanese text that its source does not have, in the place of one that it has (ジョン for Tom).

Told only where both sides are sure: a person's name by the dictionary that sounds like no word of the source and that
no accepted translation has, and a name of the source that nothing in the text sounds like. A name left out is none
(彼), nor is a place (ドイツ for Germany).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from in2x.language.finding import Finding
from in2x.language.han_sounds import FOREIGN_NAME
from in2x.language.japanese.morphology import Token, tokenise
from in2x.language.japanese.sound import sounds_like, spelt_like
from in2x.language.language import language
from in2x.language.script import LATIN, make_up

_HEARD = 0.5
"""Likeness in sound and letters from which a form may be a name's (.96 of true pairs, .03 of others; our choice)."""
_SURE = 0.7
"""The same where an accepted translation shows how the name is written, or the source writes the word small."""
_LATIN_WORD = re.compile(rf"[{LATIN}]{{2,}}")
_NAME = re.compile(r"(?<![\w'’-])[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ]{2,}")
_KATAKANA = re.compile(r"[ァ-ヴー]{2,}")
_LONGEST = 6
_LONGER = 3
"""Letters that a name in the place of another may be longer: more is a compound."""


def swapped_name(source: str, text: str, reference: str | None = None) -> Finding | bool | None:
    """The name that stands for another; True where every name of the source is heard, None where nothing is sure."""
    names = _names(source, sure=reference is None) + (_chinese(source) if reference is not None else [])
    forms = _KATAKANA.findall(text)
    least = _HEARD if reference is None else _SURE
    missing = [name for name in names if name not in text and not _heard(name, forms, least)]
    if reference is not None:
        accepted = _KATAKANA.findall(reference)
        missing = [
            name for name in missing if (own := _heard(name, accepted)) and not any(form in text for form in own)
        ]
        found = _in_its_place(source, text, reference, missing) or _lost(source, text, reference)
        if found is not None:
            return found
        names = names if accepted else []
    for token in _persons(text) if missing else ():
        fresh = token.surface in forms and (reference is None or token.surface not in reference)
        if fresh and not _heard_from(token.surface, token.lemma.partition("-")[2], source):
            return _finding(token.surface, token.start, token.end, missing[0])
    return True if names and not missing else None


def _in_its_place(source: str, text: str, reference: str, missing: list[str]) -> Finding | None:
    """A katakana word of the text's own beside the letters that a missing person has beside the name in the reference.

    It need be no name by the dictionary, which takes マイク and ビル for things.
    """
    persons = {token.surface for token in _persons(reference)} if missing else set()
    forms = [form for form in _KATAKANA.finditer(reference) if form[0] in persons]
    places = [(name, form) for form in forms for name in missing if _heard(name, [form[0]])]
    for match in _KATAKANA.finditer(text):
        if match[0] in reference or any(
            _alike(word, match[0]) >= _SURE for word in _words(source) if not word[0].islower()
        ):
            continue
        for name, form in places:
            variant = match[0][0] == form[0][0] and sounds_like(name, match[0]) >= _HEARD  # ショー for ショウ
            if variant or abs(len(match[0]) - len(form[0])) > _LONGER:
                continue
            behind, before = reference[form.end() : form.end() + 2], reference[max(0, form.start() - 2) : form.start()]
            after = len(behind) == 2 and text.startswith(behind, match.end())
            if after or (len(before) == 2 and text.endswith(before, 0, match.start())):
                return _finding(match[0], match.start(), match.end(), name)
    return None


def _finding(form: str, start: int, end: int, name: str) -> Finding:
    return Finding("name", form, start, end, f"{form} stands for {name}", f"「{name}」が「{form}」になっている")


def _heard_from(form: str, spelling: str, source: str) -> bool:
    """Whether some word of the source sounds like a form, or is its spelling by the dictionary (バッハ-Bach)."""
    if spelling and spelling.lower() in source.lower():
        return True
    return any(_alike(word, form) >= (_SURE if word[0].islower() else _HEARD) for word in _words(source))


def _alike(name: str, form: str) -> float:
    if FOREIGN_NAME.match(name):
        return sounds_like(name, form)
    return (sounds_like(name, form) + spelt_like(name, form)) / 2


def _names(source: str, sure: bool) -> list[str]:
    """Names of the source that are written by their sound in Japanese: capitalised words that are not common ones.

    Where it must be sure, the first word of a sentence is one if a small word follows it (Tom likes), no mark (Whoa,).
    """
    common = language("en").pack.words
    found = []
    for match in _NAME.finditer(source):
        inside = re.search(r"[\w,;]['’\")]* ['‘\"(]?$", source[: match.start()])
        if match[0].lower() not in common and (
            inside or not sure or re.match("(?:['’]s)? [a-z]", source[match.end() :])
        ):
            found.append(match[0])
    return found


def _chinese(source: str) -> list[str]:
    """What may be a foreign name in Chinese: by its characters alone that is not sure."""
    return [run for run in FOREIGN_NAME.findall(source) if len(run) > 1]


def _words(source: str) -> Iterator[str]:
    """What a katakana word may be the sound of."""
    yield from _LATIN_WORD.findall(source)
    for run in FOREIGN_NAME.findall(source):
        for start in range(len(run)):
            yield from (run[start:end] for end in range(start + 1, min(len(run), start + _LONGEST) + 1))


def _heard(name: str, forms: list[str], least: float = _HEARD) -> list[str]:
    """The forms that may be a name's."""
    return [form for form in forms if _alike(name, form) >= least]


def _persons(text: str) -> list[Token]:
    return [token for token in tokenise(text) if token.pos3 == "人名" and len(token.surface) > 1]


def _lost(source: str, text: str, reference: str) -> Finding | None:
    """A person's name in Han that neither source nor reference has, where the text lacks one of the reference."""
    lost = (token.surface for token in _persons(reference) if token.surface not in text)
    name = next((name for name in lost if make_up(name).han == len(name)), None)
    for token in _persons(text) if name else ():
        if make_up(token.surface).han and token.surface not in source + reference:
            return _finding(token.surface, token.start, token.end, str(name))
    return None
