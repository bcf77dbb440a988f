"""Signs that change what a text says while its words stay: C and C++, 5 > 3 and 5 < 3, 7 - 2 and 7 + 2, 3.5 and 35.

Who compares texts by their letters (for copies) compares these as well. Punctuation, typographic dashes between words,
bullets and the stars of Markdown are no such signs.
"""

from __future__ import annotations

import re
import unicodedata

_SUPERSCRIPTS = str.maketrans({char: f"^{n}" for n, char in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")})
_DASHES = str.maketrans("−–‐‑﹣", "-----")
_SIGN = re.compile(
    r"[+<>=^%‰°√♯♭±×÷¬\u2190-\u21ff\u2200-\u22ff]+|!=+"
    r"|(?<=[a-z])#(?![a-z0-9_#])"
    r"|(?<=\d)(?:[.,]| ?[-*/:] ?)(?=\d)"
    r"|(?<![a-z0-9_.\-])-(?=\.?\d|[a-z](?![a-z]))|(?<=[a-z0-9])-(?![a-z0-9_\-\n])"
    r"|[$€£¥₩₹₽](?= ?\d)"
)


def signs(text: str) -> tuple[str, ...]:
    """The signs of `text` in order, each with the character on either side of it where that is a letter or digit."""
    text = text.translate(_SUPERSCRIPTS)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_DASHES)
    text = text.casefold()
    found = []
    for match in _SIGN.finditer(text):
        before, after = text[max(0, match.start() - 2) : match.start()].rstrip(), text[match.end() : match.end() + 2]
        left, right = before[-1:], after.lstrip()[:1]
        sign = match[0].strip()
        found.append((left if left.isalnum() else "") + sign + (right if right.isascii() and right.isalnum() else ""))
    return tuple(found)
