"""Whether a text is written in a language, and which stretches of it are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from in2x.language.script import written_in

if TYPE_CHECKING:
    from in2x.language.language import Language, Span


def written(tongue: Language, text: str, other: str | None = None) -> bool | None:
    """See `Language.written`."""
    return written_in(text, tongue.code.split("-")[0])


def foreign(tongue: Language, text: str, other: str | None = None) -> list[Span]:
    """See `Language.foreign`."""
    return []
