"""The register of a segment; "none" where it shows none.

How it is told differs by language: Japanese by grammar (`japanese/register.py`); where a few words of address and
request decide (English, Chinese), by the pack's `register_marks`; where a form of address does (du or Sie), by
`address`. A language with none of these has no registers that the project can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from in2x.errors import UsageError
from in2x.language import address, japanese
from in2x.language.language import Language, language
from in2x.language.pack import packs
from in2x.language.script import has_letters


def register_of(text: str, lang: str) -> str:
    """The register of `text`, written in `lang`: one that the language tells, or "none" where the text shows none.

    Raises:
        UsageError: no such language.
    """
    tongue = language(lang)
    if tongue.code == "ja":
        return japanese.register_of(text)
    if tongue.pack.register_marks:
        return _by_marks(tongue, text)
    return address.decide(tongue.code, text) if tongue.registers else "none"


@cache
def _marks(tongue: Language) -> Mapping[str, re.Pattern[str]]:
    flags = re.IGNORECASE if tongue.scripts[0] == "Latn" else 0
    return {register: re.compile(marks, flags) for register, marks in tongue.pack.register_marks.items()}


def _by_marks(tongue: Language, text: str) -> str:
    """Any honorific mark decides; then the more of casual and polite ones; then a hint; else plain (our choice)."""
    if not has_letters(text, tongue.scripts[0]):
        return "none"
    marks = _marks(tongue)

    def count(register: str) -> int:
        return len(marks[register].findall(text)) if register in marks else 0

    if count("honorific"):
        return "honorific"
    polite, casual = count("polite"), count("casual")
    if casual > polite:
        return "casual"
    if polite:
        return "polite"
    return "casual" if count("casual_hint") else "plain"


def label_lines(lines: Iterable[str], lang: str) -> list[str]:
    """One register label per line; an empty line is "none".

    Raises:
        UsageError: no such language, or one without registers that can be told.
    """
    tongue = _told(lang)
    return [register_of(line.rstrip("\r\n"), tongue.code) for line in lines]


def describe_lines(lines: Iterable[str], lang: str) -> list[dict[str, Any]]:
    """One JSON-ready object per line: "text", "register" and, for Japanese, "formality", "keigo", "politeness" and
    "findings".

    Raises:
        UsageError: no such language, or one without registers that can be told.
    """
    tongue = _told(lang)
    described: list[dict[str, Any]] = []
    for line in lines:
        text = line.rstrip("\r\n")
        row: dict[str, Any] = {"text": text, "register": register_of(text, tongue.code)}
        if tongue.code == "ja":
            row |= {
                "formality": japanese.formality(text),
                "keigo": japanese.keigo_class(text),
                "politeness": round(japanese.politeness(text), 3),
                "findings": [finding._asdict() for finding in japanese.analyse(text)],
            }
        described.append(row)
    return described


def _told(lang: str) -> Language:
    tongue = language(lang)
    if not tongue.registers:
        known = ", ".join(code for code in packs() if language(code).registers)
        raise UsageError(f"the registers of {tongue.name} ({lang}) are not known", mend=f"use one of {known}")
    return tongue
