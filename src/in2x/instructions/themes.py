"""What tasks and stories are about, by language: lists of our own in `themes/`, or the recipe's (`instruct.themes`).

An entry is a few words that a prompt takes up; a task or a story combines several (who, with whom, when, what, in which
form), so that some hundred entries a language give more combinations than anybody asks for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from in2x.errors import In2xError
from in2x.language.example import HUB
from in2x.plain_yaml import read_yaml
from in2x.records import Instruction

HERE = Path(__file__).parent / "themes"
Entries = Annotated[tuple[str, ...], Field(min_length=1)]


class Kind(BaseModel):
    """A kind of task."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """How a prompt calls it."""
    signs: tuple[str, ...] = ()
    """Words, in small letters, by which a task of this kind is known."""
    judged: Literal["fiction", "reasoning", "text", "general"] = "general"
    """By what its answers are judged."""
    task: str = "chat"
    """What its items are filed under: their share for RL, their reward and their label go by it."""


class Themes(BaseModel):
    """The lists of one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agreed: str
    """What an assistant says to a steering message, where a template has no place for one."""
    registers: Mapping[str, str]
    difficulties: Mapping[str, str]
    kinds: Mapping[str, Kind]
    forms: Entries
    genres: Entries
    styles: Entries
    personas: Entries
    relations: Entries
    seasons: Entries
    topics: Entries


@cache
def themes(lang: str, folder: str | None = None) -> Themes:
    """The lists of `lang`, from `folder` before ours; what neither has is said in English.

    Raises:
        In2xError: a file is no such table; the sentence names file and list.
    """
    fields = _read(HERE / f"{HUB}.yaml")
    ours = fields["kinds"]
    for place in (HERE / f"{lang}.yaml", *([Path(folder) / f"{lang}.yaml"] if folder else [])):
        fields |= _read(place)
    if isinstance(fields["kinds"], dict):
        fields["kinds"] = {key: _with_ours(kind, ours.get(key, {})) for key, kind in fields["kinds"].items()}
    try:
        return Themes.model_validate(fields)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise In2xError(
            f"{where}: {fault['msg']}", file=Path(folder or HERE) / f"{lang}.yaml",
            mend="docs/instructions.md lists the fields",
        ) from None  # fmt: skip


def _with_ours(kind: Any, ours: Mapping[str, Any]) -> Any:
    """A kind with what our kind of that key in the hub's lists says for all languages, and with its signs."""
    if not isinstance(kind, dict) or kind == ours or not isinstance(kind.get("signs", []), list):
        return kind
    said = {key: ours[key] for key in ("judged", "task") if key in ours}
    return {**said, **kind, "signs": [*kind.get("signs", []), *ours.get("signs", [])]}


def _read(path: Path) -> dict[str, Any]:
    try:
        fields = read_yaml(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise In2xError(f"the lists cannot be read ({' '.join(str(error).split())})", file=path) from None
    if not isinstance(fields, dict):
        raise In2xError("not a table of lists", file=path, mend="begin with 'topics: [...]'")
    return fields


def pick(options: Sequence[str], key: str, purpose: str) -> str:
    """One of `options`, always the same for the same `key` and `purpose`."""
    digest = hashlib.blake2b(f"{purpose} {key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return options[int.from_bytes(digest, "big") % len(options)]


def kind_of(text: str, lang: str, folder: str | None = None) -> str:
    """The kind of a task by the words it is put in; the last of the kinds where none tells."""
    head = text.casefold()[:400]
    kinds = themes(lang, folder).kinds
    return next((kind for kind, known in kinds.items() if _any_of(known.signs).search(head)), list(kinds)[-1])


FREE = ("chat", "open")
"""Tasks of items of which nothing is known but their text."""


def filed(item: Instruction, folder: str | None = None) -> Instruction:
    """`item`, and a free one under the task of its kind, so that stories are stories wherever they come from."""
    if item.task not in FREE or item.verifier:
        return item
    prompt = next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "")
    return replace(item, task=themes(item.lang, folder).kinds[kind_of(prompt, item.lang, folder)].task)


@cache
def _any_of(signs: tuple[str, ...]) -> re.Pattern[str]:
    """One of `signs`, in Latin script at the beginning of a word: a history is no story."""
    return re.compile(
        "|".join(("(?<![a-z])" if "a" <= sign[:1] <= "z" else "") + re.escape(sign) for sign in signs) or "(?!)"
    )
