"""Twins: one item in two languages, which the sample should show in one of them only (METHOD 3, "orthogonal").

* **Pairs.** The two directions of one sentence pair are twins; and so are two instructions of one task about the two
  sides of a pair of the pool, whatever stands around them.
* **Vectors**, where a model embeds: an instruction and the one nearest to it in each other language, from a cosine of
  `twin` on. They are looked for among the members of the two clusters nearest to each, so that no border parts them.
* **Signs**, where none does: instructions of one task that hold the same numbers, or a name or rare word in Latin
  letters that both show, are compared by what else they share (`alike.py`).

Links join into groups: everything that is linked, directly or through others, counts as one item. What finds twins and
what counts them are two things: `together` looks into a finished sample for vectors of two languages that lie near.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from in2x.selection.alike import fits
from in2x.selection.dedup import ROUNDING, blocks, cut, hashed
from in2x.selection.ngrams import normalise
from in2x.selection.pool import Pool

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
FIT = 1.0
"""Fit from which two texts are one item (our choice, by `benchmarks/selection_twins.py`)."""
BACKDROP = 64
"""Groups of candidates in one comparison, and about as many other texts that say what is common (our choice)."""
CROWD = 32
"""Rows with one sign above which it tells nothing (our choice)."""
SHOWN = 600
"""Characters of a text that are compared by signs."""
LOOKED_AT = 2000
"""Chosen instructions whose twins are looked for in the whole sample (our choice)."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LATIN = re.compile(r"[A-Za-z][A-Za-z'’-]{3,}")
_COLON = re.compile(r"[:：]\s*")


def groups(count: int, links: Iterable[tuple[Ints, Ints]]) -> Ints:
    """int64 [count]: equal for rows that are linked, directly or through others."""
    found = list(links)
    left = np.concatenate([a for a, _ in found]) if found else np.empty(0, np.int64)
    right = np.concatenate([b for _, b in found]) if found else np.empty(0, np.int64)
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def chained(keys: Ints) -> tuple[Ints, Ints]:
    """Links between rows of equal keys [n], each to the next; a negative key is alone."""
    rows = np.flatnonzero(keys >= 0)
    order = rows[np.argsort(keys[rows], kind="stable")]
    same = keys[order][1:] == keys[order][:-1]
    return order[:-1][same], order[1:][same]


def by_pairs(pool: Pool) -> Iterator[tuple[Ints, Ints]]:
    """Links by the sentence pairs that the pool holds."""
    count = len(pool)
    keys, sides = np.full(count, -1, np.int64), np.full((count, 2), -1, np.int64)
    for row, (content, answer, verifier) in enumerate(zip(pool.contents, pool.answers, pool.verifiers, strict=True)):
        if verifier.get("name") == "translation" and answer:
            first, second = sorted((normalise(content), normalise(answer)))
            keys[row] = hashed(first, second)
            sides[row] = hashed(first), hashed(second)
    yield chained(keys)
    of = np.flatnonzero(keys >= 0)
    if not len(of):
        return
    # A sentence of several pairs stands for the first of them: its other translations say the same.
    known, places = np.unique(sides[of].reshape(-1), return_index=True)
    pairs = keys[of[places // 2]]
    others = np.full(count, -1, np.int64)
    for row, (content, task) in enumerate(zip(pool.contents, pool.tasks.values(), strict=True)):
        if keys[row] < 0:
            for part in _parts(content):
                side = hashed(normalise(part))
                place = int(np.searchsorted(known, side))
                if place < len(known) and known[place] == side:
                    others[row] = hashed(task, pairs[place])
                    break
    yield from across(others, pool.langs.codes)


def _parts(text: str) -> list[str]:
    """What an instruction may be about: all of it, its last line, what follows a colon."""
    last = text.strip().rpartition("\n")[2]
    return [text, last, *(_COLON.split(part, maxsplit=1)[-1] for part in (text, last))]


def across(keys: Ints, langs: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Links between rows of equal keys in different languages: all those of a language to the first of the next."""
    rows = np.flatnonzero(keys >= 0)
    for members, starts in blocks((keys[rows],)):
        for low, high in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            mine = rows[members[low:high]]
            spoken, first = np.unique(langs[mine], return_index=True)
            if len(spoken) > 1:
                heads = mine[first]
                yield np.repeat(heads[:1], len(mine)), mine


def by_vectors(near: Ints, take: Callable[[Ints], Floats], langs: Ints, least: float) -> Iterator[tuple[Ints, Ints]]:
    """Links by the vectors of a multilingual model.

    Args:
        near: int64 [n, 2], the two clusters nearest to each row.
        take: unit vectors float32 [m, d] of the given rows.
        langs: int64 [n].
        least: cosine from which two rows are one item.
    """
    count = len(near)
    tongues = int(langs.max(initial=0)) + 1
    best = np.full((count, tongues), least - ROUNDING, np.float32)
    mate = np.full((count, tongues), -1, np.int64)
    for places, starts in blocks((near.reshape(-1),)):
        members = places // 2
        if not (langs[members] != langs[members[0]]).any():
            continue
        vectors = take(members)
        for low, high in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            for piece in cut(vectors[low:high]):
                _mates(members[low + piece], vectors[low + piece], langs, best, mate)
    rows, lang = np.nonzero(mate >= 0)
    yield rows, mate[rows, lang]


def _mates(rows: Ints, vectors: Floats, langs: Ints, best: Floats, mate: Ints) -> None:
    """Put down, by row and language, the nearest of `rows` in that language where it is nearer than what is known."""
    spoken = langs[rows]
    for lang in np.unique(spoken).tolist():
        there, asked = np.flatnonzero(spoken == lang), np.flatnonzero(spoken != lang)
        for start in range(0, len(asked), 1024):
            mine = asked[start : start + 1024]
            cosines = vectors[mine] @ vectors[there].T
            found = cosines.argmax(axis=1)
            score = cosines[np.arange(len(mine)), found]
            better = score > best[rows[mine], lang]
            best[rows[mine[better]], lang] = score[better]
            mate[rows[mine[better]], lang] = rows[there[found[better]]]


def by_signs(pool: Pool, rows: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Links between `rows` by the signs that their texts share. What holds none of them is not looked at."""
    tasks, langs = pool.tasks.codes, pool.langs.codes
    keys, holders, latin = array("q"), array("q"), array("q")  # eight bytes each: there are millions
    for row, text in zip(rows.tolist(), pool.contents.at(rows), strict=True):
        plain = unicodedata.normalize("NFKC", text[:SHOWN])
        of, words = int(tasks[row]), set(_LATIN.findall(plain))
        found = [hashed(of, *numbers)] if (numbers := _numbers(plain)) else []
        if 2 * sum(map(len, words)) > len(plain):
            latin.append(row)
        else:
            found += [hashed(of, word.casefold()) for word in words]
        keys.extend(found)
        holders.extend([row] * len(found))
    # Of a text in Latin letters only those words count that some other text shows among its own letters.
    known = np.unique(np.array(keys, np.int64))
    rest = np.array(latin, np.int64)
    for row, text in zip(latin, pool.contents.at(rest), strict=True):
        words = {word.casefold() for word in _LATIN.findall(text[:SHOWN])}
        made = np.array([hashed(int(tasks[row]), word) for word in words], np.int64)
        place = np.minimum(np.searchsorted(known, made), max(0, len(known) - 1))
        made = made[known[place] == made] if len(known) else made[:0]
        keys.extend(made.tolist())
        holders.extend([row] * len(made))
    if not keys:
        return
    table = np.stack([np.array(keys, np.int64), np.array(holders, np.int64)], axis=1)
    looked: set[tuple[int, ...]] = set()
    asked: dict[tuple[int, int, int], list[tuple[Ints, Ints]]] = {}
    for members, starts in blocks((table[:, 0],)):
        for low, high in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            mine = np.unique(table[members[low:high], 1])
            spoken = np.unique(langs[mine]).tolist() if len(mine) <= CROWD else []
            if len(spoken) < 2 or (once := tuple(mine.tolist())) in looked:
                continue
            looked.add(once)
            for left, right in itertools.combinations(spoken, 2):
                sides = asked.setdefault((int(tasks[mine[0]]), left, right), [])
                sides.append((mine[langs[mine] == left], mine[langs[mine] == right]))
    for (task, left, right), candidates in sorted(asked.items()):
        usual = [rows[(tasks[rows] == task) & (langs[rows] == lang)] for lang in (left, right)]
        backdrop = [side[:: 1 + len(side) // BACKDROP] for side in usual]
        for start in range(0, len(candidates), BACKDROP):
            yield from _fitting(pool, candidates[start : start + BACKDROP], backdrop, (left, right))


def _numbers(text: str) -> tuple[str, ...]:
    """The two largest numbers of `text`, or one that is rare enough to tell something alone; else nothing."""
    found = sorted(set(_NUMBER.findall(text)), key=lambda number: (len(number), number), reverse=True)[:2]
    return tuple(found) if len(found) > 1 or sum(map(len, found)) > 1 else ()


def _fitting(
    pool: Pool, found: list[tuple[Ints, Ints]], backdrop: list[Ints], spoken: tuple[int, int]
) -> Iterator[tuple[Ints, Ints]]:
    """Links between the two sides of each group of candidates that fit each other best, and well.

    What brought them together is no evidence: numbers are left out. How common the rest is, the `backdrop` tells: other
    rows of the same task in the two languages, which stand in the same comparison.
    """
    lines, places = [], []
    for side in (0, 1):
        asked = np.concatenate([pair[side] for pair in found])
        rows = np.concatenate([asked, np.setdiff1d(backdrop[side], asked)])
        lines.append([_NUMBER.sub(" ", text[:SHOWN]) for text in pool.contents.at(rows)])
        places.append(np.concatenate([[0], np.cumsum([len(pair[side]) for pair in found])]))
    scores = fits(lines[0], lines[1], pool.langs.names[spoken[0]], pool.langs.names[spoken[1]])
    for number, (a, b) in enumerate(found):
        mine = scores[places[0][number] : places[0][number + 1], places[1][number] : places[1][number + 1]]
        best, back = mine.argmax(axis=1), mine.argmax(axis=0)
        hit = (mine[np.arange(len(a)), best] >= FIT) & (back[best] == np.arange(len(a)))
        yield a[hit], b[best[hit]]


def together(index: Ints, take: Callable[[Ints], Floats], langs: Ints, least: float, seed: int) -> tuple[int, int]:
    """How many of some chosen rows have a twin in another language among all that are chosen, by their vectors alone.

    Args:
        index: int64 [m], the rows of a sample.
        take, langs, least: as in `by_vectors`.
        seed: draws the `LOOKED_AT` rows that are looked at, where there are more.

    Returns:
        Rows looked at, and those of them that have one.
    """
    lots = np.random.default_rng(seed).permutation(len(index))[:LOOKED_AT]
    asked = index[np.sort(lots)]
    mine, tongue = take(asked), langs[asked]
    best = np.full(len(asked), -1.0, np.float32)
    for start in range(0, len(index), 32_768):
        part = index[start : start + 32_768]
        cosines = mine @ take(part).T
        cosines[tongue[:, None] == langs[part][None, :]] = -1.0
        np.maximum(best, cosines.max(axis=1, initial=-1.0), out=best)
    return len(asked), int((best >= least - ROUNDING).sum())
