"""What the page asks: a text, and how it is wanted, with the glossary and the characters that its browser keeps."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from in2x.errors import UsageError
from in2x.language import canonical
from in2x.language.language import language
from in2x.serve.engine import MOST_ALTERNATIVES, Engine
from in2x.serve.sentences import Manner, agreed
from in2x.translate.characters import Character
from in2x.translate.glossary import Term
from in2x.web.guard import Fault

Short = Annotated[str, Field(max_length=200)]
Long = Annotated[str, Field(max_length=2000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Entry(_Body):
    """A line of the glossary."""

    source: Annotated[str, Field(min_length=1, max_length=200)]
    target: Short = ""
    forbidden: Annotated[list[Short], Field(max_length=20)] = []
    note: Long = ""


class Person(_Body):
    """A character."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    target: Short = ""
    register_: Annotated[Short | None, Field(alias="register")] = None
    first_person: Short = ""
    voice: Short = ""


class Asked(_Body):
    """A text and how it is wanted."""

    text: Annotated[str, Field(max_length=100_000)]
    target_lang: Short
    source_lang: Short | None = None
    register_: Annotated[Short | None, Field(alias="register")] = None
    style: Short = ""
    synopsis: Long = ""
    terms: Annotated[list[Entry], Field(max_length=5000)] = []
    characters: Annotated[list[Person], Field(max_length=200)] = []
    speaker: Short = ""


class More(Asked):
    """A sentence for which alternatives are wanted."""

    count: Annotated[int, Field(ge=1, le=MOST_ALTERNATIVES)] = 4


class Made(Asked):
    """A text and a translation of it."""

    translation: Annotated[str, Field(max_length=200_000)]


def manner_of(asked: Asked, engine: Engine) -> Manner:
    """How the text is to be translated.

    Raises:
        UsageError: languages or registers that cannot be.
        Fault: 400, the text is in the language wanted already.
    """
    known, target = engine.languages(), canonical(asked.target_lang)
    source = canonical(asked.source_lang) if asked.source_lang else engine.detect(asked.text, target)
    for code in (source, target):
        if code not in known:
            names = ", ".join(language(one).name for one in known)
            raise UsageError(f"the model does not know {language(code).name}", mend=f"it knows {names}")
    if source == target:
        raise Fault(400, "same-language", f"the text is in {language(source).name} already")
    tongue = language(target)
    if asked.register_ and asked.register_ not in tongue.registers:
        raise UsageError(f"{tongue.name} has no register {asked.register_!r}", mend=", ".join(tongue.registers))
    terms = tuple(Term(one.source, one.target, tuple(one.forbidden), one.note) for one in asked.terms)
    people = tuple(
        Character(one.name, one.target, first_person=one.first_person, voice=one.voice, register=one.register_ or None)
        for one in asked.characters
    )
    rules = agreed(terms, people, source, target)
    return Manner(source, target, asked.register_ or None, asked.style, asked.synopsis, rules, asked.speaker)
