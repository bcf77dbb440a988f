"""Languages whose grammar the project has code for: what their code offers to rooms, whatever the language.

    grammar("ja").words(text)      its words as lemmas with their places
    grammar("de")                  None: packs alone say what is known of it

One module a language: `language/japanese/grammar.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Literal, Protocol, cast

from in2x.language.finding import Finding, Unit, Word
from in2x.language.voices import Gender, SpeakerVoice

_MODULES: Mapping[str, str] = {"ja": "in2x.language.japanese.grammar"}


class Grammar(Protocol):
    """What a grammar module offers. All of it is decided by form, for any text."""

    def words(self, text: str) -> Sequence[Word]:
        """The words of `text` with their lemmas, without punctuation."""
        ...

    def units(self, text: str) -> Sequence[Unit]:
        """The units of content of `text` (`language/content.py`)."""
        ...

    def is_whole(self, text: str) -> bool:
        """Whether `text` begins and ends with what a sentence may begin and end with."""
        ...

    def phrase(self, text: str) -> tuple[str, ...]:
        """The lemmas by which a phrase is known in any inflection: without what closes it (auxiliaries, particles)."""
        ...

    def keeps(self, register: str, text: str) -> bool:
        """Whether `text`, which shows some register, keeps the register asked for; border cases included."""
        ...

    def formality(self, text: str) -> str:
        """ "formal" or "informal"."""
        ...

    def politeness(self, text: str) -> float:
        """A number that grows with politeness."""
        ...

    def styles(self, text: str) -> list[str]:
        """The style, "polite" or "plain", of each full sentence outside quotations."""
        ...

    def residue(self, text: str, source: str) -> list[Finding]:
        """What is left in a foreign script, or as it was in the source."""
        ...

    def punctuation(self, text: str) -> list[Finding]:
        """Breaks of the language's typesetting."""
        ...

    def name_drift(self, sources: Sequence[str], texts: Sequence[str]) -> list[tuple[int, Finding]]:
        """(index in `texts`, what stands there) for each name that is written otherwise in the rest of the document."""
        ...

    def swapped_name(self, source: str, text: str, reference: str | None = None) -> Finding | bool | None:
        """A name in `text` that stands for another one of the source; True where all are there, None where it is not
        sure."""
        ...

    def ruby_use(self, base: str, ruby: str, after: str = "") -> Literal["reading", "context", "double"]:
        """What small characters above `base` are: its reading, a reading by context, a second meaning."""
        ...

    def traits(self, text: str) -> list[str]:
        """What else the passage shows: "literary", "role language"."""
        ...

    def misuse(self, text: str) -> list[Finding]:
        """Honorific forms that are wrong whoever speaks to whom; the label is the kind of misuse."""
        ...

    def persons(self, text: str) -> list[Finding]:
        """Words for "I" (kind "first person") and "you" ("second person"); the label is the word."""
        ...

    def titles(self, text: str) -> list[Finding]:
        """Titles behind names; the label is the title."""
        ...

    def ruby(self, text: str) -> list[Finding]:
        """Readings that stand beside their words; the label is the reading."""
        ...

    def gender(self, text: str) -> Gender:
        """How gendered the speech is by convention."""
        ...

    def speakers(
        self, turns: Sequence[str], speakers: Sequence[str], listeners: Sequence[str | None] | None = None
    ) -> list[SpeakerVoice]:
        """The voice of each speaker (to each listener) over a document, with the turns that break it."""
        ...

    def narrator(self, paragraphs: Sequence[str]) -> SpeakerVoice:
        """The style of the narration, quoted speech left out, with the sentences that break it."""
        ...

    def loans(self, text: str) -> set[str]:
        """The foreign words, in small letters, that words of `text` were taken from."""
        ...

    def names(self, text: str) -> list[Word]:
        """What may be a name or term of the document (`in2x terms`): the lemma is as the text has it."""
        ...


@cache
def grammar(code: str) -> Grammar | None:
    """The grammar of a language, by its canonical code; None where there is none."""
    name = _MODULES.get(code)
    return cast(Grammar, import_module(name)) if name else None
