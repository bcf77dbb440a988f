"""Near-duplicates by MinHash over character n-grams, the same for every script.

Characters, not words: some languages have no spaces. 3-grams: a sentence of ten kanji has only
eight of them, and longer n-grams would call two such sentences different for one changed particle.

`groups` is for a whole set at once (the split of SFT and RL), `NearDuplicateIndex` for a growing pool (Self-Instruct).
Letters and digits are compared; the pool also looks at the signs, for "5 > 3" and "5 < 3" are two tasks. In a split
they stay on one side.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numba
import numpy as np
import numpy.typing as npt

from in2x.language.signs import signs

U64 = npt.NDArray[np.uint64]

HASHES = 64
BANDS = 16
ROWS = HASHES // BANDS
"""16 bands of 4 rows: a pair of Jaccard similarity .7 shares a band with probability .988, one of .3 with .12."""

NGRAM = 3

_NOT_WORDS = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """`text` with compatibility forms folded, case folded, and everything but letters and digits dropped."""
    return _NOT_WORDS.sub("", unicodedata.normalize("NFKC", text).casefold())


def _codepoints(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """All characters of `texts` in one array, and where each text begins: shapes [sum of lengths], [n + 1]."""
    chars = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(t) for t in texts], out=offsets[1:])
    return chars, offsets


@numba.njit(cache=True, inline="always")
def _mix(x):  # type: ignore[no-untyped-def]
    """SplitMix64 finaliser."""
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@numba.njit(cache=True)
def _signatures(chars, offsets, ngram, out):  # type: ignore[no-untyped-def]
    count, hashes = out.shape
    for i in range(count):
        begin, end = offsets[i], offsets[i + 1]
        for k in range(hashes):
            out[i, k] = np.uint64(0xFFFFFFFFFFFFFFFF)
        size = min(ngram, end - begin)
        if size == 0:
            continue
        for p in range(begin, end - size + 1):
            h = np.uint64(0x9E3779B97F4A7C15)
            for q in range(p, p + size):
                h = _mix(h ^ np.uint64(chars[q]))
            # Two independent values give a family of hashes (Kirsch and Mitzenmacher); the odd step keeps it full.
            step = _mix(h) | np.uint64(1)
            for k in range(hashes):
                h += step
                value = h ^ (h >> np.uint64(29))
                if value < out[i, k]:
                    out[i, k] = value
    return out


def signatures(texts: Sequence[str], ngram: int = NGRAM) -> U64:
    """MinHash signatures of normalised `texts`: shape [n, HASHES]. The empty text has a signature of all ones."""
    chars, offsets = _codepoints(texts)
    result: U64 = _signatures(chars, offsets, ngram, np.empty((len(texts), HASHES), dtype=np.uint64))
    return result


@numba.njit(cache=True)
def _band_keys(signature, band):  # type: ignore[no-untyped-def]
    """The keys of one band: shape [n]."""
    count, hashes = signature.shape
    rows = hashes // BANDS
    keys = np.empty(count, dtype=np.uint64)
    for i in range(count):
        h = np.uint64(band + 1)
        for k in range(band * rows, (band + 1) * rows):
            h = _mix(h ^ signature[i, k])
        keys[i] = h
    return keys


def _keys_of(texts: Sequence[str]) -> U64:
    """The keys of all bands of normalised texts: shape [n, BANDS]."""
    signature = signatures(texts)
    return np.stack([_band_keys(signature, band) for band in range(BANDS)], axis=1)


@numba.njit(cache=True, inline="always")
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@numba.njit(cache=True)
def _join(keys, order, signature, parent, need, reach):  # type: ignore[no-untyped-def]
    """Union the items of each run of equal keys that agree in at least `need` hashes."""
    count = order.shape[0]
    begin = 0
    while begin < count:
        end = begin + 1
        while end < count and keys[order[end]] == keys[order[begin]]:
            end += 1
        for x in range(begin + 1, end):
            i = order[x]
            for y in range(max(begin, x - reach), x):
                j = order[y]
                a, b = _root(parent, i), _root(parent, j)
                if a == b:
                    continue
                same = 0
                for k in range(signature.shape[1]):
                    same += signature[i, k] == signature[j, k]
                if same >= need:
                    parent[max(a, b)] = min(a, b)
        begin = end


def groups(signature: U64, threshold: float) -> npt.NDArray[np.int64]:
    """Group number of each text (shape [n]): the smallest index of its connected component of near-duplicates.

    Two texts are joined when they share a band and their estimated Jaccard similarity reaches `threshold`. In a bucket
    of more than 256 texts each is compared with the 256 before it only, which bounds the work. Holds some 30 bytes a
    text beside the signatures, which may lie on disk.

    Args:
        signature: of the normalised texts, as `signatures` gives them.
        threshold: 0..1.
    """
    parent = np.arange(len(signature), dtype=np.int64)
    need = int(np.ceil(threshold * HASHES))
    for band in range(BANDS):
        keys = _band_keys(signature, band)
        order = np.argsort(keys, kind="stable")
        _join(keys, order, signature, parent, need, 256)
    return _flatten(parent)  # type: ignore[no-any-return]


@numba.njit(cache=True)
def _flatten(parent):  # type: ignore[no-untyped-def]
    for i in range(parent.shape[0]):
        parent[i] = _root(parent, i)
    return parent


def link(group: npt.NDArray[np.int64], owners: npt.NDArray[np.int64], keys: U64) -> npt.NDArray[np.int64]:
    """Join the groups of items that share a key (shape [n] -> [n]).

    Used for what must stay together although it does not look alike: the two directions of one sentence pair.

    Args:
        group: as `groups` gives it.
        owners, keys: shape [m] each: item `owners[k]` has the key `keys[k]`, a hash.
    """
    parent = group.copy()
    order = np.argsort(keys, kind="stable")
    _link(parent, owners[order], keys[order])
    return _flatten(parent)  # type: ignore[no-any-return]


@numba.njit(cache=True)
def _link(parent, owners, keys):  # type: ignore[no-untyped-def]
    for k in range(1, owners.shape[0]):
        if keys[k] == keys[k - 1]:
            a, b = _root(parent, owners[k]), _root(parent, owners[k - 1])
            parent[max(a, b)] = min(a, b)


@numba.njit(cache=True)
def _lcs(a, b):  # type: ignore[no-untyped-def]
    """Length of the longest common subsequence of two arrays."""
    row = np.zeros(b.shape[0] + 1, dtype=np.int32)
    for i in range(a.shape[0]):
        diagonal = 0
        for j in range(b.shape[0]):
            above = row[j + 1]
            if a[i] == b[j]:
                row[j + 1] = diagonal + 1
            elif row[j] > above:
                row[j + 1] = row[j]
            diagonal = above
    return row[b.shape[0]]


def rouge_l(a: str, b: str) -> float:
    """ROUGE-L F1 (0..1) over the characters of two normalised texts."""
    if not a or not b:
        return float(a == b)
    chars, offsets = _codepoints([a, b])
    return float(2.0 * _lcs(chars[: offsets[1]], chars[offsets[1] :]) / (len(a) + len(b)))


class NearDuplicateIndex:
    """A growing pool that knows its near-duplicates.

    Candidates come from the MinHash bands, and each is then compared exactly by character ROUGE-L, the measure of
    Self-Instruct. Texts are cut to `width` characters before the exact comparison, which is quadratic.
    """

    def __init__(self, threshold: float = 0.7, width: int = 400) -> None:
        self.threshold, self.width = threshold, width
        self._texts: list[str] = []
        self._signs: list[tuple[str, ...]] = []
        self._buckets: dict[int, list[int]] = {}

    def __len__(self) -> int:
        """Texts in the pool."""
        return len(self._texts)

    def extend(self, texts: Sequence[str]) -> None:
        """Add `texts` without asking whether they are new."""
        clean = [normalise(t) for t in texts]
        if not clean:
            return
        keys = _keys_of(clean)
        for text, letters, row in zip(texts, clean, keys.tolist(), strict=True):
            self._insert(letters, signs(text), row)

    def _insert(self, letters: str, found: tuple[str, ...], row: list[int]) -> None:
        number = len(self._texts)
        self._texts.append(letters)
        self._signs.append(found)
        for key in row:
            self._buckets.setdefault(key, []).append(number)

    def nearest(self, text: str) -> tuple[int, float] | None:
        """Number and similarity (0..1) of the most similar text of the pool among those that share a band and signs."""
        clean = normalise(text)
        row = _keys_of([clean])[0].tolist()
        return self._nearest(clean, signs(text), row)

    def _nearest(self, clean: str, found: tuple[str, ...], row: list[int]) -> tuple[int, float] | None:
        shared: dict[int, int] = {}
        for key in row:
            for number in self._buckets.get(key, ()):
                if self._signs[number] == found:
                    shared[number] = shared.get(number, 0) + 1
        # Those that share most bands first; 32 exact comparisons bound the work in a pool of look-alikes.
        best: tuple[int, float] | None = None
        for number in sorted(shared, key=lambda n: (-shared[n], n))[:32]:
            value = rouge_l(clean[: self.width], self._texts[number][: self.width])
            if best is None or value > best[1]:
                best = (number, value)
        return best

    def add(self, text: str) -> tuple[int, float] | None:
        """Add `text` unless the pool holds a near-duplicate; that one's number and similarity are returned then."""
        clean = normalise(text)
        row = _keys_of([clean])[0].tolist()
        found = signs(text)
        near = self._nearest(clean, found, row)
        if near is not None and near[1] >= self.threshold:
            return near
        self._insert(clean, found, row)
        return None
