"""A text for the page: its sentences, who says each, and what stands between their translations.

A sentence is what the page shows findings and alternatives for. The engine gets all of them in one request, as each
other's context.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from in2x.chat.source import Source
from in2x.errors import UsageError
from in2x.formats.document import Segment, Text
from in2x.language.language import language
from in2x.language.split import sentence_spans
from in2x.serve.wish import Wish
from in2x.translate.characters import Character, Characters
from in2x.translate.findings import Finding, Rules, find
from in2x.translate.glossary import Glossary, Term

STRETCH = 16
"""Sentences that are asked for together, as each other's context: they come back at once (our choice)."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the source."""

    text: str
    gap: str
    """What stands before its translation: line breaks as in the source, a space where the target parts words so."""
    speaker: str = ""
    """Who says it, by a name before a colon at the beginning of its line."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the texts of a page's request are to be translated."""

    source_lang: str
    target_lang: str
    register: str | None
    style: str
    synopsis: str
    rules: Rules
    speaker: str
    """Who says what no line names a speaker for."""

    def wish(self, text: str, together: bool = False) -> Wish:
        """What the engine is told: of the glossary only the terms that stand in `text`."""
        agreed = Rules(replace(self.rules.glossary, terms=self.rules.glossary.due(text)), self.rules.characters)
        return Wish(self.target_lang, self.source_lang, self.register, scene=self.synopsis, style=self.style,
                    together=together, agreed=agreed)  # fmt: skip

    def alone(self, sentence: Sentence) -> Wish:
        """The same of a sentence that comes as bare text: its speaker is told with the scene."""
        scene = self.rules.characters.scene(sentence.speaker)
        told = "\n".join(filter(None, (self.synopsis, scene.sentences)))
        names = tuple((name, target) for name, target in self.rules.characters.names.items() if name in sentence.text)
        return replace(self.wish(sentence.text), register=scene.register or self.register, scene=told, terms=names)

    def findings(self, sentence: Sentence, text: str) -> list[Finding]:
        """What is wrong with `text` as its translation."""
        register = self.rules.characters.scene(sentence.speaker).register or self.register
        source = Source(sentence.text, self.source_lang, self.target_lang, register=register)
        return find(source, Text(text), self.rules, Segment(sentence.text, speaker=sentence.speaker))


def stretches(sentences: Sequence[Sentence], manner: Manner) -> Iterator[tuple[Wish, list[Segment]]]:
    """What the engine is asked for a text: some sentences at a time."""
    for start in range(0, len(sentences), STRETCH):
        some = sentences[start : start + STRETCH]
        wish = manner.wish("\n".join(one.text for one in some), together=True)
        yield wish, [Segment(one.text, speaker=one.speaker) for one in some]


@lru_cache(maxsize=8)
def agreed(terms: tuple[Term, ...], people: tuple[Character, ...], source_lang: str, target_lang: str) -> Rules:
    """Glossary and characters of a request; the same ones are made once, as finding terms in a text takes making ready.

    Raises:
        UsageError: a register that the target language does not tell.
    """
    has = language(target_lang).registers
    wrong = next((one for one in people if one.register and one.register not in has), None)
    if wrong is not None:
        raise UsageError(f"{language(target_lang).name} has no register {wrong.register!r} for {wrong.name}",
                         mend=f"it tells {', '.join(has) or 'none'}")  # fmt: skip
    return Rules(Glossary(terms, source_lang, target_lang), Characters(people, target_lang))


def sentences(text: str, source_lang: str, target_lang: str, characters: Characters, speaker: str) -> list[Sentence]:
    """The sentences of a text, in order; a line break always ends one."""
    tongue, spaced = language(source_lang), language(target_lang).spaced
    found: list[Sentence] = []
    at = 0
    for start, end in sentence_spans(text, tongue.ends, tongue.pack.abbreviations):
        between = text[at:start]
        gap = between if "\n" in between or not found else " " if spaced else ""
        line = text[text.rfind("\n", 0, start) + 1 : end]
        found.append(Sentence(text[start:end], gap, characters.spoken_by(line) or speaker))
        at = end
    return found


def paired(text: str, translation: str, manner: Manner) -> list[tuple[Sentence, str]]:
    """A text and a translation from elsewhere, by sentence where a line has as many on both sides, else by line.

    Raises:
        UsageError: the two have different numbers of lines.
    """
    rows = [line for line in text.splitlines() if line.strip()]
    made = [line for line in translation.splitlines() if line.strip()]
    if len(rows) != len(made):
        raise UsageError(f"the text has {len(rows)} lines, its translation {len(made)}", mend="give a line for a line")
    source, target, people = manner.source_lang, manner.target_lang, manner.rules.characters
    found: list[tuple[Sentence, str]] = []
    for row, answer in zip(rows, made, strict=True):
        gap = "\n" if found else ""
        given = sentences(row, source, target, people, manner.speaker)
        parts = language(target).sentences(answer)
        if len(given) != len(parts):
            given = [Sentence(row.strip(), "", people.spoken_by(row) or manner.speaker)]
            parts = [answer.strip()]
        given[0] = replace(given[0], gap=gap)
        found += zip(given, parts, strict=True)
    return found
