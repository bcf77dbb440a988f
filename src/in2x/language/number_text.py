"""A text as the reader of numbers sees it: one way to write each digit and sign, and where each character came from.

NFKC character by character, but for what NFKC would make another number of: 10² is "10^2" and 3½ is "3 1⁄2" (U+2044),
not 102 and "31⁄2"; circled numbers stand alone; spaces that group digits are U+2009; characters without width are gone.
"""

from __future__ import annotations

import unicodedata

GROUP_SPACE = "\u2009"
"""Any space that keeps its neighbours together."""
_TIGHT = "\u00a0\u202f\u2009\u2007\u2008"
_RAISED = "\ue001"
"""In the place of a superscript that is no exponent (m²)."""
_SIGNS = str.maketrans({"−": "-", "‐": "-", "‑": "-", "’": "'", "ʼ": "'", "∶": ":", "〜": "~", "～": "~", "–": "–"})


def _one(char: str, before: str) -> str:
    if char in _TIGHT:
        return GROUP_SPACE
    decimal = unicodedata.decimal(char, None)
    if decimal is not None:
        return str(decimal)
    if unicodedata.category(char) == "Cf":
        return ""
    kind = unicodedata.decomposition(char).partition(" ")[0]
    plain = unicodedata.normalize("NFKC", char).translate(_SIGNS)
    if kind == "<super>" and plain.isdigit():
        return plain if before == "^" else "^" + plain if before.isdigit() else _RAISED
    if kind == "<fraction>":
        return f" {plain}" if before.isdigit() else plain
    if kind == "<circle>":
        return f" {plain} "
    return plain


def folded(text: str) -> tuple[str, list[int]]:
    """`text` as described above, and for each of its characters the place in `text` that it came from."""
    if text.isascii():
        return text, list(range(len(text)))
    letters: list[str] = []
    places: list[int] = []
    power = False
    for place, char in enumerate(text):
        before = "^" if power else letters[-1] if letters else ""
        made = _one(char, before)
        power = bool(made) and made[-1].isdigit() and (made[0] == "^" or before == "^") and not char.isascii()
        power = power and unicodedata.decomposition(char).startswith("<super>")
        letters.extend(made)
        places.extend([place] * len(made))
    return "".join(letters), places
