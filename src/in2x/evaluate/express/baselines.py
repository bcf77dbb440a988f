"""Systems that need no model: what the suite gives to copying, to word for word, and to good Japanese about nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from in2x.evaluate.express.item import Item


def copy(items: Sequence[Item]) -> list[str]:
    """The source as it is."""
    return [item.source for item in items]


def literal(items: Sequence[Item]) -> list[str]:
    """The first trap: a fluent rendering with the typical fault."""
    return [item.traps[0] for item in items]


def shuffle(items: Sequence[Item], by: int = 1) -> list[str]:
    """A good rendering of the `by`-th next item of the same phenomenon: how much the checks see of the meaning."""
    by_phenomenon: dict[str, list[Item]] = {}
    for item in items:
        by_phenomenon.setdefault(item.phenomenon, []).append(item)
    following = {
        item.id: group[(place + by) % len(group)]
        for group in by_phenomenon.values()
        for place, item in enumerate(group)
    }
    return [following[item.id].natural[0] for item in items]


BASELINES: dict[str, Callable[[Sequence[Item]], list[str]]] = {"copy": copy, "literal": literal, "shuffle": shuffle}
