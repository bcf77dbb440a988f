"""Russian: вы against ты.

Where the pronoun is there, it says all. Where it is dropped the verb says it: second persons in -шь (знаешь) and -те
(знаете), and imperatives (скажи, скажите).

What differs from a textbook, and is our choice:

- вы to several people is the polite form to each of them for us: a text rarely shows how many it speaks to.
- A word in -ете, -ите that follows a preposition with its adjective is a noun in the prepositional case (в интернете,
  на старом граните), for that case never stands without one; a short list holds the datives (к планете).
- Familiar imperatives in -и, -ай, -ь look like nouns and plurals, so they are taken from a list of verbs, with any
  prefix; those in -йся, -ись are told by form.

What it cannot tell: a past tense or an adjective whose pronoun is dropped (Рада, что помогла); the general "you" in
proverbs (тише едешь — дальше будешь); вы in a letter to many; familiar imperatives of rare verbs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from in2x.language.address import Address
from in2x.language.address.marks import Mark, settle, words

PRONOUN = 2.0
"""What вы weighs against a verb: знаешь and смотри are said as mere fillers beside it."""
FAMILIAR = 4.0
"""What ты weighs: who says ты to one says вы to that one and friends."""
FRIENDS = 0.5
"""What a polite mark weighs in a text that says вы, ребята or the like."""

_WORD = re.compile(r"[а-яё]+(?:-ка)?", re.I)
_POLITE = re.compile(r"вы|вас|вам|вами|ваш(?:а|е|и|его|ей|ему|ем|им|ими|их|у)?|по-вашему")
_CASUAL = re.compile(r"ты|тебя|тебе|тобо[йю]|тво(?:й|я|ё|е|и|его|ей|ему|ём|ем|им|ими|их|ю)")
_FRIENDS = re.compile(r"\bвы,?\s+(?:ребят|парни|девчонки|пацаны|мужики|братцы|детки|народ)", re.I)
_CRIES = frozenset(("ух", "ах", "эх", "ишь"))
_SECOND_SINGULAR = re.compile(r"[а-яё]+[еёи]шь(?:ся)?|(?:по|про|пере|от|за|с|раз|вы|на)?(?:дашь|ешь)(?:ся)?")
_SECOND_PLURAL = re.compile(r"[а-яё]*(?:[ейь]те|[её]те|ите|[йь]тесь|[её]тесь|итесь)")
_PREFIX = r"(?:по|за|при|от|ото|вы|с|со|пере|под|подо|раз|рас|разо|у|на|до|про|об|о|из|ис|в|во|вз|вос)?"
_REFLEXIVE = re.compile(r"[а-яё]{2,}(?:[аяуюоеэ]йся|[бвгджзкмнпрстфхцчшщ]ись|[нвдтжчшм]ься)")
_NOT_REFLEXIVE = re.compile(r"(?:пис|рыс|выс|мыс|кис)ь|ться|[щш]ейся|шись|[сзй]тись|чись|чься")
_PREPOSITION = {"в", "во", "на", "о", "об", "обо", "при", "по"}
_ADJECTIVE = re.compile(r"[а-яё]*(?:[оеё]м|[ое]й)")


@cache
def _lists() -> dict[str, set[str]]:
    return {name: set(forms.split()) for name, forms in words("ru").items()}


def decide(text: str) -> Address:
    """How a Russian text addresses its reader."""
    text = text.replace("\u0301", "")  # the stress of a dictionary or a primer
    return settle(text, _marks(text))


def _marks(text: str) -> Iterator[Mark]:
    lists = _lists()
    tokens = [(match.start(), match[0].lower().removesuffix("-ка")) for match in _WORD.finditer(text)]
    share = FRIENDS if _FRIENDS.search(text) else 1.0
    for at, (place, word) in enumerate(tokens):
        before = [earlier for _, earlier in tokens[max(0, at - 3) : at]]
        if _POLITE.fullmatch(word):
            yield Mark(place, "polite", share * PRONOUN)
        elif _CASUAL.fullmatch(word):
            if not (word == "ты" and _CRIES.intersection(before[-1:])):
                yield Mark(place, "casual", FAMILIAR)
        elif _SECOND_SINGULAR.fullmatch(word):
            if word not in lists["not_verbs"]:
                yield Mark(place, "casual")
        elif _SECOND_PLURAL.fullmatch(word):
            if word in lists["plural_forms"] or not (word in lists["no_plural_forms"] or _governed(before, lists)):
                yield Mark(place, "polite", share)
        elif _familiar_command(word, lists):
            yield Mark(place, "casual")


def _governed(before: list[str], lists: dict[str, set[str]]) -> bool:
    """Whether a preposition of the prepositional case stands right before, or before one or two adjectives."""
    for word in reversed(before):
        if word in _PREPOSITION:
            return True
        if word in lists["no_adjective"] or not _ADJECTIVE.fullmatch(word):
            return False
    return False


def _familiar_command(word: str, lists: dict[str, set[str]]) -> bool:
    """An imperative to one familiar hearer: a listed verb with or without a prefix, or a reflexive form."""
    if word in lists["no_commands"]:
        return False
    if _REFLEXIVE.fullmatch(word) and not _NOT_REFLEXIVE.search(word):
        return True
    stem = word.removesuffix("ся").removesuffix("сь")
    return any(
        stem[cut:] in lists["commands"] and re.fullmatch(_PREFIX, stem[:cut]) for cut in range(min(6, len(stem)))
    )
