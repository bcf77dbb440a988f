"""Numba kernels of the trie of pieces (`possible`): its table of children is filled, and a text goes through it."""

from __future__ import annotations

from typing import Any

import numpy as np

from in2x.language.kernels import kernel


@kernel
def _hash(key: Any, size: Any) -> Any:
    return (np.uint64(key) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)) & np.uint64(size - 1)


@kernel
def fill(numbers: Any, children: Any, keys: Any, values: Any, root: Any) -> None:
    """Put each child where its number (node and character) hashes to, or behind; of the root by character as well."""
    for n in range(len(numbers)):
        if numbers[n] < len(root):
            root[numbers[n]] = children[n]
        at = _hash(numbers[n], len(keys))
        while keys[at] >= 0:
            at = (at + np.uint64(1)) & np.uint64(len(keys) - 1)
        keys[at], values[at] = numbers[n], children[n]


@kernel
def _child(node: Any, unit: Any, keys: Any, values: Any) -> Any:
    """The node behind `node` by a character; 0 where there is none."""
    key = np.int64(node) << 16 | np.int64(unit)
    at = _hash(key, len(keys))
    while keys[at] >= 0:
        if keys[at] == key:
            return values[at]
        at = (at + np.uint64(1)) & np.uint64(len(keys) - 1)
    return np.int32(0)


@kernel
def walk(
    units: Any, folds: Any, words: Any, root: Any, past: Any, keys: Any, values: Any, end: Any, reached: Any
) -> None:
    """Mark the ends of all pieces in a text: from each place as deep as the trie goes, with and without a boundary."""
    count = len(units)
    folded, edge = np.empty(count, np.uint16), np.zeros(count + 1, np.bool_)
    before = False
    for at in range(count):
        unit = units[at]
        folded[at] = folds[unit]
        pair, word = (unit & 0xF800) == 0xD800, words[unit]
        edge[at] |= pair or word != before  # half a pair: nobody asks which letter it is
        edge[at + 1] |= pair
        before = word
    edge[count] |= before
    nodes, places = np.zeros(64, np.int32), np.zeros(64, np.int64)
    for start in range(count):
        nodes[0], places[0], top = root[folded[start]], start + 1, 1
        if edge[start] and past[0]:
            nodes[1], places[1], top = past[0], start, 2
        while top:
            top -= 1
            node, at = nodes[top], places[top]
            while node:
                if end[node] >= 0:
                    reached[end[node]] = True
                if past[node] and edge[at] and top < 64:
                    nodes[top], places[top] = past[node], at
                    top += 1
                if at == count:
                    break
                node = _child(node, folded[at], keys, values)
                at += 1
