"""Choosing evenly: of every pile each card comes once before any comes again.

Drawn independently, four draws a row leave a third of the phrasebook's wordings unseen in a register (they are Poisson
distributed); dealt from a deck none is. What is dealt follows from the random numbers alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Deck:
    """Piles of cards, each shuffled again when it is empty."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._piles: dict[Hashable, list[Any]] = {}

    def take(self, pile: Hashable, cards: Callable[[], Sequence[T]]) -> T:
        """The next card of `pile`; an empty pile is made anew of `cards()`, which may not be empty."""
        left: list[T] = self._piles.get(pile) or self._shuffled(pile, cards())
        return left.pop()

    def _shuffled(self, pile: Hashable, cards: Sequence[T]) -> list[T]:
        self._piles[pile] = self.rng.sample(cards, len(cards))
        return self._piles[pile]
