"""Copies: two instructions of one cluster that teach the same thing.

They agree in kind (language, task, direction, register) and in every number and sign they hold, their vectors have a
cosine of at least `near`, and prompts as well as answers share at least `overlap` of their character bigrams. So
"Translate, polite: X" and "Translate, casual: X" are not copies, nor are two sums with other numbers. One item in two
languages is no copy but a twin (`twins.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from in2x.language.signs import signs
from in2x.selection.cells import coarse_cells, grouped, nearest
from in2x.selection.ngrams import normalise
from in2x.selection.texts import Texts

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
ROUNDING = 2e-3
"""What float16 vectors may take off the cosine of two equal texts."""
LARGEST = 4096
"""A group with more members is cut into cells before all pairs are compared (copies stay together)."""
BLOCK = 32_768
"""Rows whose vectors are in hand at once, and pairs whose texts are."""
_NUMBER = re.compile(r"\d+")


def hashed(*parts: object) -> int:
    """A number of 63 bits that stands for `parts`: equal for equal ones on every machine."""
    raw = "\0".join(str(part) for part in parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "little") >> 1


def kinds(
    langs: Sequence[str], tasks: Sequence[str], verifiers: Iterable[dict[str, Any]], texts: Iterable[str]
) -> Ints:
    """int64 [n]: equal where language, task, direction, register and the numbers and signs in the text are equal."""
    out = np.empty(len(langs), np.int64)
    for i, (lang, task, verifier, text) in enumerate(zip(langs, tasks, verifiers, texts, strict=True)):
        out[i] = hashed(lang, task, verifier.get("from"), verifier.get("to"), verifier.get("register"),
                        sorted(_NUMBER.findall(text)), signs(text))  # fmt: skip
    return out


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _bigrams(codes, offsets):  # type: ignore[no-untyped-def]
    """The distinct character bigrams of each text, sorted, one after the other, and where each text's begin."""
    out = np.empty(max(1, len(codes)), np.uint64)
    ends = np.zeros(len(offsets), np.int64)
    used = 0
    for i in range(len(offsets) - 1):
        size = offsets[i + 1] - offsets[i]
        if size == 1:
            out[used] = codes[offsets[i]]
            used += 1
        elif size > 1:
            pairs = np.empty(size - 1, np.uint64)
            for k in range(size - 1):
                pairs[k] = (np.uint64(codes[offsets[i] + k]) << np.uint64(32)) | np.uint64(codes[offsets[i] + k + 1])
            pairs.sort()
            out[used] = pairs[0]
            used += 1
            for k in range(1, size - 1):
                if pairs[k] != pairs[k - 1]:
                    out[used] = pairs[k]
                    used += 1
        ends[i + 1] = used
    return out[:used], ends


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _overlaps(grams, ends, left, right, out):  # type: ignore[no-untyped-def]
    for p in range(len(left)):
        a, b = ends[left[p]], ends[right[p]]
        end_a, end_b = ends[left[p] + 1], ends[right[p] + 1]
        whole, shared = end_a - a + end_b - b, 0
        while a < end_a and b < end_b:
            if grams[a] == grams[b]:
                shared += 1
                a += 1
                b += 1
            elif grams[a] < grams[b]:
                a += 1
            else:
                b += 1
        out[p] = 1.0 if whole == 0 else shared / (whole - shared)


def overlaps(texts: Sequence[str], left: Ints, right: Ints) -> npt.NDArray[np.float64]:
    """float64 [m]: the Jaccard index of the character bigrams of the texts `left` [m] and `right` [m]; 1 where both
    are empty."""
    plain = [normalise(text) for text in texts]
    codes = np.frombuffer("".join(plain).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    grams, ends = _bigrams(codes, np.concatenate([[0], np.cumsum([len(text) for text in plain])]).astype(np.int64))
    out = np.empty(len(left))
    _overlaps(grams, ends, left, right, out)
    return out


def near_pairs(
    clusters: Ints, take: Callable[[Ints], Floats], near: float, classes: Ints
) -> Iterator[tuple[Ints, Ints]]:
    """Pairs (i < j) of one cluster and one class with cosine >= near, batch by batch.

    Args:
        clusters: int64 [n].
        take: unit vectors float32 [m, d] of the given indices.
        classes: int64 [n]; only members of one class are compared.
    """
    for members, starts in blocks((clusters, classes)):
        vectors = take(members)
        for low, high in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            for left, right in _alike(vectors[low:high], near):
                yield (
                    np.minimum(members[low + left], members[low + right]),
                    np.maximum(members[low + left], members[low + right]),
                )


def blocks(keys: tuple[Ints, ...], least: int = 2) -> Iterator[tuple[Ints, Ints]]:
    """The groups of rows that agree in all `keys`, of `least` members or more, `BLOCK` rows or one group at a time.

    Yields:
        The rows, group by group and ascending inside, and where each group begins among them, with the end.
    """
    order = np.lexsort(keys[::-1])
    change = np.zeros(len(order), bool)
    for codes in keys:
        change[1:] |= codes[order][1:] != codes[order][:-1]
    starts = np.append(np.flatnonzero(np.append(True, change[1:])) if len(order) else [], len(order)).astype(np.int64)
    sizes = np.diff(starts)
    starts, sizes = starts[:-1][sizes >= least], sizes[sizes >= least]
    done = 0
    ends = np.cumsum(sizes)
    while done < len(sizes):
        before = ends[done - 1] if done else 0
        stop = max(done + 1, int(np.searchsorted(ends, before + BLOCK, side="right")))
        places = np.concatenate([np.arange(a, a + n) for a, n in zip(starts[done:stop], sizes[done:stop], strict=True)])
        yield order[places], np.concatenate([[0], np.cumsum(sizes[done:stop])])
        done = stop


def cut(vectors: Floats) -> list[Ints]:
    """Places among `vectors` [m, d]: all, or more than `LARGEST` of them in cells of neighbours."""
    if len(vectors) <= LARGEST:
        return [np.arange(len(vectors))]
    cells = coarse_cells(vectors[:: 1 + len(vectors) // 16384], len(vectors) // (LARGEST // 4))
    return grouped(nearest(vectors, cells), len(cells))


def _alike(vectors: Floats, near: float) -> Iterator[tuple[Ints, Ints]]:
    for piece in cut(vectors):
        for start in range(0, len(piece), 1024):
            rows, columns = piece[start : start + 1024], piece[start:]
            left, right = np.nonzero(vectors[rows] @ vectors[columns].T >= near - ROUNDING)
            later = right > left
            if later.any():
                yield rows[left[later]], columns[right[later]]


def copies(
    clusters: Ints, take: Callable[[Ints], Floats], classes: Ints, texts: tuple[Texts, Texts], rank: Ints,
    near: float, overlap: float,
) -> Ints:  # fmt: skip
    """For each item the better item that it is a copy of, or -1 when it stays; `texts` are prompts and answers.

    Equal texts are found first, by hashes: a thousand of one sentence would make half a million pairs.
    """
    prompts, answers = texts
    keys = np.fromiter(
        (hashed(normalise(prompt), normalise(answer)) for prompt, answer in zip(prompts, answers, strict=True)),
        np.int64, len(rank),
    )  # fmt: skip
    order = np.lexsort((rank, keys, classes))
    new = np.append(True, (keys[order][1:] != keys[order][:-1]) | (classes[order][1:] != classes[order][:-1]))
    firsts = order[new]
    first_of = np.empty(len(rank), np.int64)
    first_of[order] = np.repeat(firsts, np.diff(np.append(np.flatnonzero(new), len(order))))
    alone = np.sort(firsts)
    pairs = near_pairs(clusters[alone], lambda places: take(alone[places]), near, classes[alone])
    found = drop_copies(pairs, prompts.at(alone), answers.at(alone), rank[alone], overlap)
    of = np.full(len(rank), -1, np.int64)
    of[alone[found >= 0]] = alone[found[found >= 0]]
    others = np.flatnonzero(first_of != np.arange(len(rank)))
    of[others] = np.where(of[first_of[others]] >= 0, of[first_of[others]], first_of[others])
    return of


def drop_copies(
    pairs: Iterator[tuple[Ints, Ints]],
    prompts: Sequence[str] | Texts,
    answers: Sequence[str] | Texts,
    rank: Ints,
    overlap: float,
) -> Ints:
    """For each item the better item that it is a copy of, or -1 when it stays.

    Items are met best first (`rank` [n], 0 is best); one that is a copy of an item that stays, goes.
    """
    found = [np.empty((2, 0), np.int64)]
    for left, right in _batched(pairs):
        rows, places = np.unique(np.stack([left, right]), return_inverse=True)
        a, b = places.reshape(2, -1)
        hit = np.ones(len(left), bool)
        for texts in (prompts, answers):
            hit[hit] = overlaps(_of(texts, rows), a[hit], b[hit]) >= overlap
        swap = rank[left] < rank[right]
        found.append(np.stack([np.where(swap, left, right), np.where(swap, right, left)])[:, hit])
    better, worse = np.concatenate(found, axis=1)
    of = np.full(len(prompts), -1, np.int64)
    order = np.lexsort((rank[better], rank[worse]))
    _settle(better[order], worse[order], of)
    return of


def _batched(pairs: Iterable[tuple[Ints, Ints]]) -> Iterator[tuple[Ints, Ints]]:
    held: list[tuple[Ints, Ints]] = []
    count = 0
    for left, right in pairs:
        held.append((left, right))
        count += len(left)
        if count >= BLOCK:
            yield np.concatenate([a for a, _ in held]), np.concatenate([b for _, b in held])
            held, count = [], 0
    if held:
        yield np.concatenate([a for a, _ in held]), np.concatenate([b for _, b in held])


def _of(texts: Sequence[str] | Texts, rows: Ints) -> list[str]:
    return texts.at(rows)[:] if isinstance(texts, Texts) else [texts[i] for i in rows.tolist()]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _settle(better, worse, of):  # type: ignore[no-untyped-def]
    """Pairs come in the order of the worse one's rank, then of the better one's."""
    for p in range(len(better)):
        if of[worse[p]] < 0 and of[better[p]] < 0:
            of[worse[p]] = better[p]
