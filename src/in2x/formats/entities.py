"""Characters of XML and HTML as they are written: references to characters and back.

A character that a text wrote as a reference is written so again in its translation (`&nbsp;`, `&#x3000;`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping

from in2x.errors import In2xError

REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*;?)")
"""A reference of HTML; in XML the semicolon is always there."""
_FIXED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_NEVER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def unescaped(raw: str) -> tuple[str, dict[str, str]]:
    """The characters of `raw`, and how it wrote those that are references: character -> reference.

    What looks like a reference and is none stays as it is.
    """
    if "&" not in raw:
        return raw, {}
    spelt: dict[str, str] = {}

    def character(match: re.Match[str]) -> str:
        plain = html.unescape(match[0])
        if len(plain) == 1 and match[0].endswith(";") and not plain.isalnum() and plain != "\ufffd":
            spelt.setdefault(plain, match[0])
        return plain

    return REFERENCE.sub(character, raw), spelt


def unknown(raw: str) -> Iterator[re.Match[str]]:
    """The references in `raw` to entities that no standard names (a document's own)."""
    return (m for m in REFERENCE.finditer(raw) if m[0].endswith(";") and html.unescape(m[0]) == m[0])


def escaped(text: str, spelt: Mapping[str, str], quote: str = "") -> str:
    """`text` as it stands between tags, or in an attribute in `quote` (`"` or `'`).

    Raises:
        In2xError: a control character, which no reference can stand for.
    """
    if bad := _NEVER.search(text):
        raise In2xError(f"the translation holds {bad[0]!a}, which XML and HTML cannot hold", mend="remove it")
    table = {ord(char): raw for char, raw in {**_FIXED, **spelt}.items()}
    if quote:
        table[ord(quote)] = spelt.get(quote, "&quot;" if quote == '"' else "&#39;")
    return text.translate(table)


def escape(spelt: Mapping[str, str]) -> Callable[[str], str]:
    """`escaped` for texts between tags, with these references."""
    return lambda text: escaped(text, spelt)
