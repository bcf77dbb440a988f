"""How much a text says, whatever its script."""

from __future__ import annotations

from in2x.language.script import letter_counts


def weight(text: str) -> float:
    """Length in Latin letters: a character of another script says about as much as 2.6 of them (parallel text, our
    choice)."""
    latin, digit, other = letter_counts(text)
    return latin + digit + 2.6 * other
