"""Codes of languages as other services spell them (`codes.yaml`), and as they are asked for."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from in2x.errors import UsageError
from in2x.language import canonical, language
from in2x.web.guard import Fault


@cache
def _table() -> dict[str, Any]:
    with (Path(__file__).parent / "codes.yaml").open(encoding="utf-8") as stream:
        table: dict[str, Any] = yaml.safe_load(stream)
    return table


def known(code: str, field: str, languages: Collection[str]) -> str:
    """The code of ours for a client's `code`.

    Args:
        code: as the client spells it ("EN-US", "zh-Hans", "es-419").
        field: what the client calls it.
        languages: those that the model knows.

    Raises:
        Fault: 400, there is no such language, or the model does not know it.
    """
    try:
        found = canonical(code)
    except UsageError:
        found = ""
    if found not in languages:
        raise Fault(400, "bad-request", f"{field} {code[:20]!r} is not supported; known are {', '.join(languages)}")
    return found


def deepl_targets(code: str) -> dict[str, str]:
    """DeepL's codes for a target language -> its name."""
    targets: dict[str, str] | None = _table()["deepl"]["targets"].get(code)
    return targets or {code.upper(): language(code).name}


def deepl_source(code: str) -> str:
    """DeepL's code for the language that a text is in."""
    return str(_table()["deepl"]["sources"].get(code, code)).upper()


def libretranslate(code: str) -> str:
    """LibreTranslate's code for a language."""
    return str(_table()["libretranslate"].get(code, code))
