"""Prompts as files: `NAME.md` in a folder of a room, a typed head and a Jinja body, rendered in a sandbox.

Work in a language is asked for in its own words where there are any: `LANG/NAME.md` comes before `NAME.md`, whose
wording is English and serves every language that has none of its own. Text of others goes in behind a fence
(`| fenced("task")`): a pair of marks that nobody can write who does not know the whole text.

    ---
    version: 2
    inputs: {language: str, text: str, steps: int}
    ---
    Rewrite in {{ language }}: {{ text }}

Every prompt carries a hash of its file, which goes into the manifest and the cache key of what was asked with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

from in2x.errors import In2xError
from in2x.plain_yaml import read_yaml

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "str": str, "int": int, "float": (int, float), "bool": bool, "list": (list, tuple), "dict": dict,
}  # fmt: skip


def _fenced(text: str, label: str) -> str:
    """`text` between two marks of its own: letters of its hash, which a text cannot hold."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    mark = digest.translate(_LETTERS)
    return f"<{label} {mark}>\n{text}\n</{label} {mark}>"


_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
_ENVIRONMENT.filters["fenced"] = _fenced


@dataclass(frozen=True)
class Prompt:
    """One prompt file."""

    name: str
    version: int
    inputs: Mapping[str, str]
    """Input name -> type name."""
    hash: str
    """Of the file's text: 12 hex digits."""
    template: Template

    def render(self, **values: Any) -> str:
        """The prompt's text, stripped. Raises In2xError for inputs that are missing, unknown or of another type."""
        if values.keys() != self.inputs.keys():
            odd = sorted(values.keys() ^ self.inputs.keys())
            raise In2xError(f"prompt {self.name!r}: wrong inputs {odd}", mend=f"give {sorted(self.inputs)}")
        for key, kind in self.inputs.items():
            value = values[key]
            if not isinstance(value, _TYPES[kind]) or (kind in ("int", "float") and isinstance(value, bool)):
                raise In2xError(f"prompt {self.name!r}: {key} is {type(value).__name__}", mend=f"give {kind}")
        try:
            return self.template.render(**values).strip()
        except (UndefinedError, SecurityError) as error:
            raise In2xError(f"prompt {self.name!r} cannot be rendered ({error})", mend="mend the file") from None


def read_prompt(path: Path) -> Prompt:
    """The prompt in `path`. Raises In2xError where the head, the body or the declared inputs are wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise In2xError("there is no such prompt", file=path, mend="give the path of a .md file") from None
    parts = text.split("---\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise In2xError("a prompt starts with a head between two lines ---", file=path, line=1, mend="add one")
    try:
        head = read_yaml(parts[1], path)
        version, inputs = int(head["version"]), dict(head.get("inputs") or {})
    except (KeyError, TypeError, ValueError) as error:
        raise In2xError(f"the head is not version and inputs ({error})", file=path, line=1, mend="mend it") from None
    unknown = sorted(set(map(str, inputs.values())) - set(_TYPES))
    if unknown:
        raise In2xError(f"unknown types {unknown}", file=path, mend=f"use {sorted(_TYPES)}")
    try:
        used = meta.find_undeclared_variables(_ENVIRONMENT.parse(parts[2]))
        template = _ENVIRONMENT.from_string(parts[2])
    except TemplateSyntaxError as error:
        line = error.lineno + text[: len(text) - len(parts[2])].count("\n")
        raise In2xError(f"not a template ({error.message})", file=path, line=line, mend="mend it") from None
    if odd := sorted(used ^ set(inputs)):
        raise In2xError(f"inputs and body disagree on {odd}", file=path, mend="declare each input and use it")
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Prompt(path.stem, version, inputs, digest, template)


@cache
def prompt_of(folder: Path, name: str, lang: str = "") -> Prompt:
    """The prompt called `name` in `folder`, in the words of `lang` where it has any."""
    own = folder / lang / f"{name}.md"
    return read_prompt(own if lang and own.exists() else folder / f"{name}.md")


@cache
def versions_of(folder: Path) -> dict[str, str]:
    """Name ("critic", or "LANG/critic") -> "version hash" of every prompt in `folder`, for the manifest."""
    found = {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.md")}
    return {name: f"{read.version} {read.hash}" for name in sorted(found) for read in [read_prompt(found[name])]}
