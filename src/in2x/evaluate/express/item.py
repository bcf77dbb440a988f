"""One item of the suite: a source, what it is about, accepted and faulty renderings, and the checks that part them.

Items are JSON Lines, one file a phenomenon in `items/` (CC BY 4.0, written for this project; the README describes the
fields). Everything about an item that can be wrong is found when it is read, and named with file and line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from in2x.errors import In2xError, UsageError

PHENOMENA = (
    "idiom", "slang", "register", "voice", "address", "onomatopoeia", "culture", "names", "wordplay", "integrity",
)  # fmt: skip
"""In the order of tables."""

Text = Annotated[str, Field(min_length=1)]
Phrases = Annotated[tuple[Text, ...], Field(min_length=1)]


def is_pattern(phrase: str) -> bool:
    """Whether a phrase is a regular expression: it stands between slashes. (A tag like </b> or a lone / is not.)"""
    return len(phrase) > 2 and phrase.startswith("/") and phrase.endswith("/")


def _compiles(phrases: Sequence[str]) -> None:
    for phrase in phrases:
        if is_pattern(phrase):
            try:
                re.compile(phrase[1:-1])
            except re.error as error:
                raise ValueError(f"{phrase!r} is not a regular expression ({error})") from None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class WithPhrases(_Part):
    """Phrases that must ("all"), of which one must ("any"), or that must not ("none") occur; "order": all, in order."""

    kind: Literal["none", "any", "all", "order"]
    phrases: Phrases

    @field_validator("phrases")
    @classmethod
    def _patterns(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        _compiles(phrases)
        return phrases


class RegisterIs(_Part):
    """The register of the answer, as `register_of` names it, is one of these."""

    kind: Literal["register"]
    accept: Annotated[tuple[Literal["plain", "polite", "honorific", "casual", "none"], ...], Field(min_length=1)]


class Consistent(_Part):
    """Of each list of spellings exactly one is used throughout the answer."""

    kind: Literal["consistent"]
    variants: Annotated[tuple[Phrases, ...], Field(min_length=1)]


class Count(_Part):
    """A phrase occurs exactly so often."""

    kind: Literal["count"]
    phrase: Text
    times: Annotated[int, Field(ge=0, alias="is")]

    @field_validator("phrase")
    @classmethod
    def _pattern(cls, phrase: str) -> str:
        _compiles([phrase])
        return phrase


class SameLines(_Part):
    """As many lines as the source, empty ones at the same places."""

    kind: Literal["lines"]


class MaxChars(_Part):
    """At most so many characters."""

    kind: Literal["max_chars"]
    limit: Annotated[int, Field(ge=1, alias="is")]


Check = Annotated[
    WithPhrases | RegisterIs | Consistent | Count | SameLines | MaxChars, Field(discriminator="kind")
]  # fmt: skip


class Part(_Part):
    """Something the answer must say: in one of these words, affirmed or denied where that counts."""

    any: Phrases
    denied: bool | None = None

    @field_validator("any")
    @classmethod
    def _patterns(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        _compiles(phrases)
        return phrases


class Item(_Part):
    """See the module docstring; the fields are described in the README."""

    id: Annotated[str, Field(pattern=r"^[a-z]+-\d{3}$")]
    phenomenon: Literal["idiom", "slang", "register", "voice", "address", "onomatopoeia", "culture", "names",
                        "wordplay", "integrity"]  # fmt: skip
    source_lang: Annotated[Literal["en", "zh"], Field(alias="from")]
    source: Text
    context: Text
    register_wanted: Annotated[
        Literal["plain", "polite", "honorific", "casual", "literary"] | None, Field(alias="register")
    ]
    natural: Annotated[tuple[Text, ...], Field(min_length=2, max_length=4)]
    traps: Annotated[tuple[Text, ...], Field(min_length=1, max_length=3)]
    checks: Annotated[tuple[Check, ...], Field(min_length=1)]
    meaning: Annotated[tuple[Part, ...], Field(min_length=1)]
    principles: Annotated[tuple[Text, ...], Field(min_length=1, max_length=3)]
    note: Text

    @model_validator(mode="after")
    def _whole(self) -> Item:
        if not self.id.startswith(f"{self.phenomenon}-"):
            raise ValueError(f"the id {self.id} does not begin with its phenomenon {self.phenomenon}")
        for name in ("natural", "traps", "principles"):
            texts = getattr(self, name)
            if len(set(texts)) < len(texts):
                raise ValueError(f"{name} holds one text twice")
        return self


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("function-after",))
    what = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{place}: {what}" if place else what


def parse_item(row: Any, *, file: str | Path, line: int) -> Item:
    """The item that a JSON object describes.

    Raises:
        In2xError: a field is missing, unknown or wrong.
    """
    try:
        return Item.model_validate(row)
    except ValidationError as error:
        name = row.get("id") if isinstance(row, dict) else None
        raise In2xError(f"{f'item {name}, ' if name else ''}{_sentence(error)}", file=file, line=line,
                        mend="see the fields in src/in2x/evaluate/express/README.md") from None  # fmt: skip


def read_items(file: Path) -> list[Item]:
    """The items of a JSON Lines file, in order; empty lines are skipped.

    Raises:
        In2xError: the file cannot be read, a line is not an item, or an id comes twice.
    """
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise In2xError(f"cannot be read ({reason})", file=file, mend="give a JSON Lines file of items") from None
    items: dict[str, Item] = {}
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            deep = "nested too deep, or a number of too many digits"
            why = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else deep
            raise In2xError(f"not JSON ({why})", file=file, line=number,
                            mend="put one JSON object on each line") from None  # fmt: skip
        item = parse_item(row, file=file, line=number)
        if item.id in items:
            raise In2xError(f"the id {item.id} comes twice", file=file, line=number, mend="give each item its own id")
        items[item.id] = item
    return list(items.values())


@lru_cache(maxsize=1)
def suite() -> tuple[Item, ...]:
    """All items of the suite that are installed, by phenomenon in the order of `PHENOMENA`, then as in their files."""
    folder = Path(str(files("in2x.evaluate.express"))) / "items"
    found = [item for name in PHENOMENA if (folder / f"{name}.jsonl").is_file()
             for item in read_items(folder / f"{name}.jsonl")]  # fmt: skip
    if not found:
        raise In2xError("there are no items here", file=folder, mend="install in2x with its package data")
    return tuple(found)


def choose(phenomena: Sequence[str] = ()) -> list[Item]:
    """The items of `phenomena`, or all.

    Raises:
        UsageError: an unknown phenomenon.
    """
    for name in phenomena:
        if name not in PHENOMENA:
            raise UsageError(f"there is no phenomenon {name!r}", mend=f"use {', '.join(PHENOMENA)}")
    return [item for item in suite() if not phenomena or item.phenomenon in phenomena]
