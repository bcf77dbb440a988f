"""What a language without subject pronouns says with its verb endings: sets of forms by the person they can be.

Spanish, Italian and Portuguese drop the subject, so the ending is the address: *tienes* is "you" among friends, *tiene*
is "he", "she" or the polite "you". A language module conjugates the common verbs (`<code>.yaml`) by its rules, and
every form goes into the sets of this file. A verb that is not listed is not seen: a closed list of common verbs is
right more often than endings, which nouns share (*casas*, *amici*, *lugares*).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Forms:
    """Verb forms of a language by what they can say about the addressed person."""

    second: set[str] = field(default_factory=set)
    """Familiar "you" and nobody else."""
    third: set[str] = field(default_factory=set)
    """"he", "she" or polite "you", never "I": present, past, future."""
    past: set[str] = field(default_factory=set)
    """Those of `third` that tell stories: the preterite."""
    shared: set[str] = field(default_factory=set)
    """"I" as well as "he" or polite "you": imperfect, conditional, subjunctive."""
    polite_commands: set[str] = field(default_factory=set)
    casual_commands: set[str] = field(default_factory=set)
    future_subjunctives: set[str] = field(default_factory=set)
    """Third persons after "if" and "when": Portuguese *se quiser*."""
    infinitives: set[str] = field(default_factory=set)
    lemma: dict[str, str] = field(default_factory=dict)
    """Form -> infinitive; a form of two verbs has the one that was added first."""

    def add(self, infinitive: str, into: Iterable[tuple[set[str], Iterable[str]]]) -> None:
        """Put the forms of one verb into sets of this object and remember the verb they are of."""
        self.infinitives.add(infinitive)
        for target, forms in into:
            for form in forms:
                target.add(form)
                self.lemma.setdefault(form, infinitive)

    def settle(self) -> None:
        """What is also a third person is no sure second (*come* of *comer*; *ami* of *amare*, "I love" elsewhere)."""
        self.second -= self.third | self.shared


def irregular(data: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The irregular verbs of a language with their stems, and those made of them by a prefix (*tener*, *obtener*)."""
    yield from data["irregular"].items()
    for base, prefixes in data["compounds"].items():
        for prefix in prefixes.split():
            stems = {name: _prefixed(prefix, value) for name, value in data["irregular"][base].items()}
            yield prefix + base, stems


def _prefixed(prefix: str, value: str | list[str]) -> str | list[str]:
    if isinstance(value, list):
        return [prefix + form for form in value]
    return " ".join(prefix + form for form in value.split())


def bare(word: str) -> str:
    """The word without accents, as it stands in a form with a pronoun hung on (*cuénta-me* of *cuenta*)."""
    return unicodedata.normalize("NFC", re.sub("[\u0300\u0301\u0302]", "", unicodedata.normalize("NFD", word)))
