"""Text cut at what was found in it, for a template that marks each piece by its kind."""

from __future__ import annotations

from collections.abc import Iterable

Piece = tuple[str, str, str]
"""(text, kind, tip): the pieces of a text in order, all of it; kind is "" between the spans."""


def cut(text: str, spans: Iterable[tuple[int, int, str, str]]) -> list[Piece]:
    """Cut `text` at `spans` of (start, end, kind, tip), ends exclusive; of two that overlap the first one stays.

    Empty spans and those outside the text are left out. The pieces joined are `text`.
    """
    pieces: list[Piece] = []
    at = 0
    for start, end, kind, tip in sorted(spans):
        if start < at or not start < end <= len(text):
            continue
        pieces += [(text[at:start], "", ""), (text[start:end], kind, tip)]
        at = end
    return [piece for piece in [*pieces, (text[at:], "", "")] if piece[0]]
