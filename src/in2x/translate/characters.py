"""The characters of a document: who they are, how they speak, to whom in which register, what they call each other.

    characters:
      - name: Kyle
        target: カイル
        aliases: {Captain Kyle: カイル船長}
        gender: male
        age: 17
        first person: 俺
        voice: blunt, short sentences
        register: casual
        to:
          Emma: {register: polite, title: さん, address: あなた}

Everything but the name may be left out. Read by line, so that a fault names its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from in2x.errors import In2xError
from in2x.language.codes import canonical
from in2x.language.inflection import folded
from in2x.language.language import language
from in2x.plain_yaml import look_over

FIELDS = ("name", "target", "aliases", "gender", "age", "first person", "voice", "register", "to")
RELATION = ("register", "title", "address")
GENDERS = ("male", "female", "other")
ANYONE = "anyone"
"""In `to`: whoever is not named."""


@dataclass(frozen=True, slots=True)
class Relation:
    """How one character speaks to another."""

    register: str | None = None
    title: str = ""
    """The honorific behind the other's name; "none" for the bare name."""
    address: str = ""
    """The word for "you"."""


@dataclass(frozen=True, slots=True)
class Character:
    """One person of the document."""

    name: str
    """In the source."""
    target: str = ""
    """In the translation."""
    aliases: tuple[tuple[str, str], ...] = ()
    """(in the source, in the translation, "" where not agreed)."""
    gender: str = ""
    age: str = ""
    first_person: str = ""
    """The word for "I"."""
    voice: str = ""
    """How they speak, in words for a translator."""
    register: str | None = None
    """To whoever `to` does not name."""
    to: tuple[tuple[str, Relation], ...] = ()
    line: int = 0

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """(source, target) of the name and its aliases, as far as agreed."""
        pairs = ((self.name, self.target), *self.aliases)
        return tuple((source, target) for source, target in pairs if target)


@dataclass(frozen=True, slots=True)
class Scene:
    """How a line is to be said."""

    register: str | None = None
    sentences: str = ""
    """For a model's prompt; "" where nothing is known."""


@dataclass(frozen=True)
class Characters:
    """The people of a document."""

    people: tuple[Character, ...] = ()
    target_lang: str = ""
    file: Path | None = field(default=None, compare=False)

    @cached_property
    def _by_name(self) -> Mapping[str, Character]:
        known: dict[str, Character] = {}
        for person in self.people:
            for name in (person.name, person.target, *(n for pair in person.aliases for n in pair)):
                if name:
                    known.setdefault(folded(name), person)
        return known

    def who(self, name: str) -> Character | None:
        """The character of a name, alias or target name, in any case."""
        return self._by_name.get(folded(name.strip()))

    def spoken_by(self, text: str) -> str:
        """The character whose name stands before a colon at the beginning of `text` (a script); "" where none does."""
        name, colon, _ = text.partition(":") if ":" in text else text.partition("：")
        person = self.who(name) if colon and len(name) < 60 else None
        return person.name if person else ""

    @property
    def names(self) -> dict[str, str]:
        """Source name -> name in the translation."""
        return {source: target for person in self.people for source, target in person.names}

    def relation(self, speaker: str, listener: str | None = None) -> Relation:
        """How `speaker` speaks to `listener`: what `to` says, else their own register."""
        person = self.who(speaker)
        if person is None:
            return Relation()
        other = self.who(listener) if listener else None
        table = {folded(name): relation for name, relation in person.to}
        found = table.get(folded(other.name)) if other else table.get(folded(listener or ""))
        found = found or table.get(ANYONE) or Relation()
        return found if found.register else Relation(person.register, found.title, found.address)

    def scene(self, speaker: str, listener: str | None = None) -> Scene:
        """The register of a line and what a model should be told of who says it to whom."""
        person = self.who(speaker)
        if person is None:
            return Scene()
        other = self.who(listener) if listener else None
        relation = self.relation(speaker, listener)
        return Scene(relation.register, " ".join(self._sentences(person, other, relation)))

    def _sentences(self, person: Character, other: Character | None, relation: Relation) -> Iterator[str]:
        facts = [fact for fact in (person.gender, f"aged {person.age}" if person.age else "") if fact]
        shown = f" ({person.target})" if person.target and person.target != person.name else ""
        yield f"The speaker is {person.name}{shown}{', ' + ', '.join(facts) if facts else ''}."
        if person.first_person:
            yield f'The speaker says "{person.first_person}" for "I".'
        if person.voice:
            yield f"Voice of the speaker: {person.voice.rstrip('.')}."
        register = language(self.target_lang).register_words.get(relation.register or "", relation.register)
        if register:
            yield f"Register: {register}."
        if other is not None:
            name = other.target or other.name
            yield (
                f"The listener is {other.name}"
                + (f" ({other.target})" if other.target else "")
                + (f", {other.gender}." if other.gender else ".")
            )
            if relation.title:
                title = "" if relation.title == "none" else relation.title
                yield f'The speaker calls the listener "{name}{title}".'
        if relation.address:
            yield f'The speaker says "{relation.address}" for "you".'


def read_characters(file: Path, target_lang: str) -> Characters:
    """Read a characters file.

    Raises:
        In2xError: not YAML, an unknown field, a register that the language does not tell, a name twice, or a listener
            that is no character; the sentence names the line.
    """
    target_lang = canonical(target_lang)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise In2xError(f"cannot be read ({error.strerror})", file=file, mend="give a characters file") from None
    except UnicodeDecodeError:
        raise In2xError("not UTF-8", file=file, mend="save it as UTF-8") from None
    look_over(text, file)
    return _Reader(file, target_lang).read(yaml.compose(text, Loader=yaml.SafeLoader))


class _Reader:
    """One characters file on the way in."""

    def __init__(self, file: Path, target_lang: str) -> None:
        self.file, self.tongue = file, language(target_lang)

    def read(self, root: Any) -> Characters:
        top = self._map(root, ("characters",), "the file") if isinstance(root, yaml.MappingNode) else {}
        listed = top.get("characters", root)
        if not isinstance(listed, yaml.SequenceNode) or not listed.value:
            raise self._fault("no list of characters", listed, "begin with `characters:` and a list of `- name: ...`")
        people = tuple(self._character(node) for node in listed.value)
        found = Characters(people, self.tongue.code, self.file)
        seen: dict[str, int] = {}
        for person in people:
            key = folded(person.name)
            if key in seen:
                raise In2xError(f"{person.name} stands twice, here and in line {seen[key]}", file=self.file,
                                line=person.line, mend="make one of both")  # fmt: skip
            seen[key] = person.line
        for person in people:
            for name, _ in person.to:
                if found.who(name) is None and folded(name) != ANYONE:
                    raise In2xError(f"{person.name} speaks to {name}, who is no character here", file=self.file,
                                    line=person.line, mend=f"add {name}, or correct the name")  # fmt: skip
        return found

    def _fault(self, what: str, node: Any, mend: str) -> In2xError:
        line = node.start_mark.line + 1 if node is not None else None
        return In2xError(what, file=self.file, line=line, mend=mend)

    def _map(self, node: Any, fields: tuple[str, ...] | None, what: str) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise self._fault(f"{what} is no mapping", node, "write `field: value` lines")
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            name = name.replace("_", " ") if fields else name
            if fields is not None and name not in fields:
                raise self._fault(f"no field {name!r} is known", key, f"known are {', '.join(fields)}")
            if name in found:
                raise self._fault(f"{name!r} stands twice", key, "keep one")
            found[name] = value
        return found

    def _text(self, table: Mapping[str, Any], name: str) -> str:
        node = table.get(name)
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            raise self._fault(f"{name!r} is no text", node, "write it on one line")
        return "" if node.tag.endswith(":null") else str(node.value).strip()

    def _register(self, table: Mapping[str, Any]) -> str | None:
        register = self._text(table, "register")
        if register and register not in self.tongue.registers:
            known = ", ".join(self.tongue.registers) or "none"
            raise self._fault(f"{self.tongue.name} has no register {register!r}", table["register"],
                              f"{self.tongue.name} tells {known}")  # fmt: skip
        return register or None

    def _character(self, node: Any) -> Character:
        table = self._map(node, FIELDS, "a character")
        name = self._text(table, "name")
        if not name:
            raise self._fault("a character without a name", node, "give `name`")
        gender = self._text(table, "gender")
        if gender and gender not in GENDERS:
            raise self._fault(f"no gender {gender!r} is known", table["gender"], f"known are {', '.join(GENDERS)}")
        relations = []
        for other, value in self._map(table["to"], None, "`to`").items() if "to" in table else ():
            row = self._map(value, RELATION, f"how {name} speaks to {other}")
            relation = Relation(self._register(row), self._text(row, "title"), self._text(row, "address"))
            relations.append((other, relation))
        return Character(
            name, self._text(table, "target"), self._aliases(table), gender, self._text(table, "age"),
            self._text(table, "first person"), self._text(table, "voice"), self._register(table), tuple(relations),
            node.start_mark.line + 1,
        )  # fmt: skip

    def _aliases(self, table: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        node = table.get("aliases")
        if node is None:
            return ()
        if isinstance(node, yaml.MappingNode):
            rows = self._map(node, None, "`aliases`")
            return tuple((alias, self._text(rows, alias)) for alias in rows)
        if isinstance(node, yaml.SequenceNode):
            return tuple((str(one.value), "") for one in node.value if isinstance(one, yaml.ScalarNode))
        return ((self._text(table, "aliases"), ""),)
