"""Names that everybody knows, from CLDR: days, months, languages, countries. They are no terms of a document."""

from __future__ import annotations

from functools import lru_cache

from babel import Locale, UnknownLocaleError


@lru_cache(maxsize=16)
def common_names(code: str) -> frozenset[str]:
    """In small letters; empty where CLDR does not have the language."""
    try:
        locale = Locale.parse(code.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return frozenset()
    found: set[str] = set()
    for table in (locale.days, locale.months):
        for width in ("wide", "abbreviated"):
            found |= {str(name) for name in table["format"][width].values()}
    found |= {str(name) for name in (*locale.languages.values(), *locale.territories.values())}
    return frozenset(name.lower().rstrip(".") for name in found)
