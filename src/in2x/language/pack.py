"""A pack: what the project knows about one language, in one YAML file; read safely, checked field by field.

Twelve packs stand in `packs/`. The environment variable `IN2X_PACKS` names a folder of the user's own (or several,
parted as in PATH): a file there adds a language, or replaces our pack of the same code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from in2x.errors import In2xError
from in2x.plain_yaml import read_yaml

HERE = Path(__file__).parent / "packs"
OWN = "IN2X_PACKS"
"""Environment variable: folders of own packs."""

REGISTERS = ("plain", "polite", "honorific", "casual", "literary")
"""The registers that a language may distinguish ("none" says that a text shows none; it is no register)."""


class NumberWords(BaseModel):
    """How a language says numbers, beyond digits and what CLDR knows. Words are parted by spaces; "-" is a hyphen or a
    space inside one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: Mapping[str, tuple[str, ...]] = {}
    """Number -> its words in all forms."""
    ordinals: Mapping[str, tuple[str, ...]] = {}
    """The same for its ordinals."""
    scales: Mapping[str, tuple[str, ...]] = {}
    """Number -> words that multiply what stands before them; CLDR gives the commonest."""
    fractions: Mapping[str, tuple[str, ...]] = {}
    """Fraction -> its words; "+1/2" is added to what stands before it (rưỡi)."""
    glue: tuple[str, ...] = ()
    """Words inside a number ("and")."""
    joined: bool = False
    """Whether number words are written as one word (zweihundert)."""
    inverted: bool = False
    """Whether ones stand before tens (dreiundzwanzig)."""
    minus: tuple[str, ...] = ()
    point: tuple[str, ...] = ()
    """Words for the decimal mark."""
    percent: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    """What stands behind the hour of a time of day."""
    decades: tuple[str, ...] = ()
    """What stands before or behind the two digits of a decade (années 80, 80er)."""
    unsure: tuple[str, ...] = ()
    """Words and phrases with a number word in them that usually count nothing (一緒, one another)."""
    converted: tuple[str, ...] = ()
    """Units that translators convert (inches)."""

    @field_validator("values", "ordinals", "scales", "fractions", mode="before")
    @classmethod
    def _by_value(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        for value in table:
            try:
                Fraction(str(value))
            except (ValueError, ZeroDivisionError):
                raise ValueError(f"{value!r} is no number") from None
        return {str(value): words.split() if isinstance(words, str) else words for value, words in table.items()}

    @field_validator("glue", "minus", "point", "percent", "hours", "decades", "unsure", "converted", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value


class Pack(BaseModel):
    """The fields of a pack file. A field has a reader in the project, or it is not here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    """As in the file's name: ISO 639, with a script or country where that makes the language ("zh-Hant", "pt-BR")."""
    like: str | None = None
    """Code of a pack whose fields this one takes over where it is silent."""
    scripts: Annotated[tuple[str, ...], Field(min_length=1)]
    """ISO 15924, the usual one first; "Jpan" and "Kore" stand for the mixtures."""
    spaced: bool
    """Whether spaces part the words."""
    verb_last: bool = False
    """Whether a sentence says last what it states (答えは...です)."""
    weight: Annotated[float, Field(gt=0, lt=20)]
    """Letters of English that one letter of the language stands for, measured on parallel text."""
    ends: Annotated[str, Field(min_length=1)]
    """Marks that end a sentence."""
    quotes: tuple[str, str]
    """Opening and closing quotation mark."""
    example: str = ""
    """A plain sentence, the same in every pack: what a model is tried with before it translates."""
    bleu: str
    """sacrebleu's tokeniser for figures that are compared with others' figures."""
    reward_bleu: str | None = None
    """The tokeniser for rewards, where it must not depend on how a broken sentence is cut; default `bleu`."""
    registers: tuple[str, ...] = ()
    register_words: Mapping[str, str] = {}
    """Register -> how a prompt asks for it."""
    register_marks: Mapping[str, str] = {}
    """Register -> regular expression of its marks, where a few words decide; see `language/register.py`."""
    words: frozenset[str] = frozenset()
    """The commonest words in lower case (function words above all), by which the language is known."""
    letters: str = ""
    """Letters outside of a-z that its words are written with (alphabets only)."""
    abbreviations: frozenset[str] = frozenset()
    """Written with a full stop that ends no sentence, without that full stop."""
    endings: tuple[str, ...] = ()
    """How its words inflect: "ADD", "STRIP>ADD" or "*ADD"; see `language/inflection.py`."""
    irregular: tuple[str, ...] = ()
    """Words whose forms no ending makes, a family a row ("take takes took taken taking")."""
    numbers: NumberWords = NumberWords()
    """The number words; see `language/number_words.py`."""
    wording: Mapping[str, tuple[str, ...]] = {}
    """Name -> regular expressions; see `language/wording.py`."""

    @field_validator("words", "abbreviations", "endings", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """A text of words parted by spaces is the readable way to write a long list."""
        return value.split() if isinstance(value, str) else value

    @field_validator("wording")
    @classmethod
    def _patterns(cls, value: Mapping[str, tuple[str, ...]], info: ValidationInfo) -> Mapping[str, tuple[str, ...]]:
        if not (info.context or {}).get("tried"):
            for patterns in value.values():
                for pattern in patterns:
                    _compiles(pattern)
        return value

    @field_validator("register_marks")
    @classmethod
    def _marks(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for pattern in value.values():
            _compiles(pattern)
        return value

    @model_validator(mode="after")
    def _agrees(self) -> Pack:
        for register in (*self.registers, *self.register_words):
            if register not in REGISTERS:
                raise ValueError(f"{register!r} is none of the registers {', '.join(REGISTERS)}")
        if set(self.registers) != set(self.register_words):
            raise ValueError("registers and register_words name different registers")
        return self


def _compiles(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression ({error})") from None


def files() -> Mapping[str, Path]:
    """Code -> pack file, of ours and then of the user's.

    Raises:
        In2xError: a folder in `IN2X_PACKS` does not exist.
    """
    return _files(os.environ.get(OWN, ""))


@cache
def _files(folders: str) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    for folder in (HERE, *(Path(part) for part in folders.split(os.pathsep) if part)):
        if not folder.is_dir():
            raise In2xError(f"there is no folder {folder} of language packs", mend=f"mend the variable {OWN}")
        found |= {path.stem: path for path in sorted(folder.glob("*.yaml")) if path.stem != "any"}
    return found


def packs() -> tuple[str, ...]:
    """The codes that have a pack, sorted."""
    return tuple(sorted(files()))


@cache
def _read(path: Path) -> dict[str, Any]:
    try:
        fields = read_yaml(path.read_text("utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise In2xError(f"the language pack cannot be read ({reason})", file=path) from None
    if not isinstance(fields, dict):
        raise In2xError("a language pack is a table of fields", file=path, mend="begin with 'code: ...'")
    return fields


@cache
def load(path: Path) -> Pack:
    """Read and check one pack file, and the wording for rules of instructions in `instructions/` beside it, if any (a
    name that is in both has the patterns of both).

    Raises:
        In2xError: it is no YAML, lacks a field, or has an unknown or wrong one; the sentence names file and field.
    """
    fields = _read(path)
    if like := fields.get("like"):
        known = files()
        if like not in known or like == path.stem:
            raise In2xError(f"like: there is no other language pack {like!r}", file=path)
        fields = load(known[like]).model_dump(by_alias=True) | fields
    if (more := path.parent / "instructions" / path.name).is_file() and isinstance(fields.get("wording"), dict):
        wording, added = fields["wording"], _read(more)
        joined = {name: [*wording.get(name, ()), *added.get(name, ())] for name in {**wording, **added}}
        fields = fields | {"wording": joined}
    try:
        # Hundreds of patterns take longest; ours are tried in a test.
        pack = Pack.model_validate(fields, context={"tried": path.parent == HERE})
    except ValidationError as error:
        raise In2xError(_first(error), file=path, mend="docs/language.md lists the fields") from None
    if pack.code != path.stem:
        raise In2xError(f"code: {pack.code!r} differs from the name of the file", file=path)
    return pack


def _first(error: ValidationError) -> str:
    """The first fault that pydantic found, as half a sentence."""
    fault = error.errors()[0]
    name = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"the field {name!r} is missing"
    if fault["type"] == "extra_forbidden":
        return f"there is no field {name!r}"
    reason = fault["msg"].removeprefix("Value error, ").replace("Input should be", "the value should be")
    return f"{name}: {reason}" if name else reason
