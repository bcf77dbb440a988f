"""English inflection by rule, with the irregular forms as a table in `grammar/english.yaml`."""

from __future__ import annotations

import re

VOWELS = "aeiou"
SILENT = frozenset({"hour", "honest"})
"""Words whose first letter is not heard."""
OBJECTS = {"I": "me", "we": "us", "he": "him", "she": "her", "they": "them"}
"""Pronouns whose object has a form of its own."""


def plural(noun: str, irregular: dict[str, str]) -> str:
    """The plural of a noun or noun phrase (its last word is inflected)."""
    head, _, last = noun.rpartition(" ")
    if last in irregular:
        last = irregular[last]
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        last += "es"
    elif last.endswith("y") and last[-2] not in VOWELS:
        last = last[:-1] + "ies"
    else:
        last += "s"
    return f"{head} {last}".strip()


def article(phrase: str) -> str:
    """`phrase` with its indefinite article ("a university" and "a uniform" take a)."""
    first = phrase.split()[0].lower()
    vowel = (first[0] in VOWELS and not first.startswith(("uni", "use", "eu", "one"))) or first in SILENT
    return f"{'an' if vowel else 'a'} {phrase}"


def third(verb: str) -> str:
    """Third person singular present."""
    if verb in ("have", "be", "do", "go"):
        return {"have": "has", "be": "is", "do": "does", "go": "goes"}[verb]
    if verb.endswith(("s", "x", "z", "ch", "sh")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ies"
    return verb + "s"


def past(verb: str, irregular: dict[str, list[str]]) -> str:
    """Simple past."""
    if verb in irregular:
        return irregular[verb][0]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ied"
    return _double(verb) + "ed"


def ing(verb: str) -> str:
    """Present participle."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    return _double(verb) + "ing"


DOUBLING = frozenset({"run", "swim", "get", "put", "sit", "plan", "stop", "cut", "chat", "shop", "begin", "forget"})
"""Verbs that double their last consonant (stress is not visible in spelling, so they are listed)."""


def _double(verb: str) -> str:
    return verb + verb[-1] if verb in DOUBLING else verb


def sentence(text: str) -> str:
    """Single spaces, no space before punctuation, a capital at the start of each sentence."""
    text = " ".join(text.split())
    for mark in ".,?!":
        text = text.replace(f" {mark}", mark)
    return re.sub(r"(^|[.!?] )([a-z])", lambda m: m[1] + m[2].upper(), text)
