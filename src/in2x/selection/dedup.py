"""Copies: two instructions of one cluster that teach the same thing, and the same item in two languages.

*Copies* agree in kind (language, task, direction, register) and in every number and sign they hold, their vectors have
a cosine of at least `near`, and prompts as well as answers share at least `overlap` of their character bigrams. So
"Translate, polite: X" and "Translate, casual: X" are not copies, nor are two sums with other numbers.

*Twins* are one item in two languages: the two directions of one sentence pair, or, with a multilingual embedder,
instructions of different languages in one cluster whose vectors have a cosine of at least `near`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from in2x.language.signs import signs
from in2x.selection.birch import coarse_cells, grouped, nearest
from in2x.selection.ngrams import normalise

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
ROUNDING = 2e-3
"""What float16 vectors may take off the cosine of two equal texts."""
LARGEST = 4096
"""A cluster with more members is cut into cells before all pairs are compared (copies stay together)."""
_NUMBER = re.compile(r"\d+")


def kinds(
    langs: Sequence[str], tasks: Sequence[str], verifiers: Sequence[dict[str, Any]], texts: Sequence[str]
) -> Ints:
    """int64 [n]: equal where language, task, direction, register and the numbers and signs in the text are equal."""
    known: dict[tuple[Any, ...], int] = {}
    out = np.empty(len(langs), np.int64)
    for i, (lang, task, verifier, text) in enumerate(zip(langs, tasks, verifiers, texts, strict=True)):
        key = (lang, task, verifier.get("from"), verifier.get("to"), verifier.get("register"),
               tuple(sorted(_NUMBER.findall(text))), signs(text))  # fmt: skip
        out[i] = known.setdefault(key, len(known))
    return out


@lru_cache(maxsize=65_536)
def _bigrams(text: str) -> frozenset[str]:
    text = normalise(text)
    return frozenset(map(add, text, text[1:])) or frozenset((text,))


def bigram_overlap(a: str, b: str) -> float:
    """Jaccard index of the character bigrams of two texts (1 when both are empty)."""
    # Pairs come cluster by cluster, so a text's bigrams are asked for again and again within a short time.
    left, right = _bigrams(a), _bigrams(b)
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def near_pairs(
    clusters: Ints, take: Callable[[Ints], Floats], near: float, classes: Ints
) -> Iterator[tuple[Ints, Ints]]:
    """Pairs (i < j) of one cluster and one class with cosine >= near, batch by batch.

    Args:
        clusters: int64 [n].
        take: unit vectors float32 [m, d] of the given indices.
        classes: int64 [n]; only members of one class are compared.
    """
    for members in grouped(clusters, int(clusters.max()) + 1 if len(clusters) else 1):
        if len(members) < 2:
            continue
        vectors = take(members)
        pieces = [np.arange(len(members))]
        if len(members) > LARGEST:
            cells = coarse_cells(vectors[:: 1 + len(vectors) // 16384], len(members) // (LARGEST // 4))
            pieces = grouped(nearest(vectors, cells), len(cells))
        for piece in pieces:
            for start in range(0, len(piece), 1024):
                rows = piece[start : start + 1024]
                columns = piece[start:]
                hit = vectors[rows] @ vectors[columns].T >= near - ROUNDING
                hit &= classes[members[rows]][:, None] == classes[members[columns]][None, :]
                left, right = np.nonzero(hit)
                later = right > left
                left, right = members[rows[left[later]]], members[columns[right[later]]]
                if len(left):
                    yield np.minimum(left, right), np.maximum(left, right)


def drop_copies(
    pairs: Iterator[tuple[Ints, Ints]],
    prompts: Sequence[str],
    answers: Sequence[str],
    rank: Ints,
    overlap: float,
) -> Ints:
    """For each item the better item that it is a copy of, or -1 when it stays.

    Items are met best first (`rank` [n], 0 is best); one that is a copy of an item that stays, goes.
    """
    copies: dict[int, list[int]] = {}
    for left, right in pairs:
        for i, j in zip(left.tolist(), right.tolist(), strict=True):
            if bigram_overlap(prompts[i], prompts[j]) >= overlap and bigram_overlap(answers[i], answers[j]) >= overlap:
                better, worse = (i, j) if rank[i] < rank[j] else (j, i)
                copies.setdefault(worse, []).append(better)
    of = np.full(len(prompts), -1, np.int64)
    for worse in sorted(copies, key=lambda i: int(rank[i])):
        stays = [better for better in copies[worse] if of[better] < 0]
        if stays:
            of[worse] = min(stays, key=lambda i: int(rank[i]))
    return of


def twins(contents: Sequence[str], answers: Sequence[str], verifiers: Sequence[dict[str, Any]]) -> Ints:
    """int64 [n]: equal for the two directions of one sentence pair; every other item has a number of its own."""
    known: dict[tuple[str, str], int] = {}
    out = np.arange(len(contents), dtype=np.int64)
    for i, (content, answer, verifier) in enumerate(zip(contents, answers, verifiers, strict=True)):
        if verifier.get("name") == "translation" and answer:
            first, second = sorted((normalise(content), normalise(answer)))
            out[i] = known.setdefault((first, second), i)
    return out
