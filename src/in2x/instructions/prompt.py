"""The prompts of the instruct stage: the files in `prompts/`, English where a language has none of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from in2x.language import language
from in2x.llm.prompt_files import Prompt, prompt_of, versions_of

FOLDER = Path(__file__).parent / "prompts"


def prompt(name: str, lang: str = "") -> Prompt:
    """The bundled prompt called `name`, in the words of `lang` where it has any."""
    return prompt_of(FOLDER, name, lang)


def asked_in(lang: str, name: str, **values: Any) -> str:
    """The text of the prompt `name` for work in `lang`; `values` are its inputs but for the name of the language."""
    found = prompt(name, lang)
    if "language" in found.inputs:
        values["language"] = language(lang).name
    return found.render(**values)


def versions() -> dict[str, str]:
    """Name ("critic", or "LANG/critic") -> "version hash" of every bundled prompt, for the manifest."""
    return versions_of(FOLDER)
