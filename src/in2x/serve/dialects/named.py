"""Languages as clients name them: by code in any spelling, or by name in any language with a pack."""

from __future__ import annotations

from in2x.language import canonical
from in2x.language.codes import named

_NONE = frozenset(("", "auto", "auto-detect", "detect", "unknown", "und"))


def code_of(name: str | None) -> str | None:
    """The code of a language; None where it is to be told from the text.

    Raises:
        UsageError: no such language.
    """
    if name is None or name.strip().lower() in _NONE:
        return None
    return named(name) or canonical(name)
