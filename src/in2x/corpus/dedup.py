"""Exact and near duplicates, on numbers alone.

Texts are compared by their letters. Two that differ in nothing but a sign (C and C++, 5 > 3 and 5 < 3) are two.

A MinHash key shared by two documents makes them candidates; candidates are *verified* by the exact Jaccard similarity
of their shingles, and connected components of verified pairs keep their first document. So the survivors depend on the
order of the input only, never on the number of workers.

Memory: signatures are spread over files by their key and sorted a file at a time (`spill.py`); shingles lie on disk.
What is held grows with the duplicates alone: 16 bytes for each, and 16 for each pair of candidates.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from in2x.corpus.config import DedupConfig
from in2x.corpus.kernels import components, jaccard, scramble, shingle_sets
from in2x.corpus.spill import Rows, Spill
from in2x.language import unspaced
from in2x.language.kernels import column

Ids = NDArray[np.uint64]
READ_ROWS = 1 << 16
"""Signatures that are read at a time."""
VERIFIED_BYTES = 64 << 20
"""Shingles that are compared before their pages are given back."""


def band_column(band: int) -> str:
    """Name of the column that holds the keys of one band."""
    return f"band_{band:02d}"


def exact_duplicates(signed: list[Path], scratch: Path) -> tuple[Ids, Ids]:
    """`(index, of)`: each document that repeats an earlier one, and the first of its kind, in order of `index`.

    Args:
        signed: Parquet files with `index`, `exact_a`, `exact_b`, `signs`.
        scratch: folder for 32 bytes a document.
    """
    spill = Spill(scratch, "exact", 4, _count(signed))
    for rows in _columns(signed, ["index", "exact_a", "exact_b", "signs"]):
        spill.add(rows[:, 1], rows)
    found = [np.zeros((0, 2), np.uint64), *map(_repeats, spill.parts())]
    pairs = np.concatenate(found)
    pairs = pairs[np.argsort(pairs[:, 0])]
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def _repeats(rows: Rows) -> Rows:
    """`(index, of)` of the rows `(index, a, b, signs)` that repeat an earlier one."""
    few = rows[_shared(rows[:, 1])]
    few = few[np.lexsort((few[:, 0], few[:, 3], few[:, 2], few[:, 1]))]
    if not len(few):
        return np.zeros((0, 2), np.uint64)
    fresh = np.ones(len(few), bool)
    fresh[1:] = (few[1:, 1:] != few[:-1, 1:]).any(axis=1)
    first = np.maximum.accumulate(np.where(fresh, np.arange(len(few)), 0))
    return np.stack((few[:, 0], few[first, 0]), axis=1)[~fresh]


def _shared(keys: Ids) -> NDArray[np.int64]:
    """Places of the keys that occur more than once, in order of the key, then as they came."""
    order = np.argsort(keys, kind="stable")
    alike = keys[order[1:]] == keys[order[:-1]]
    more = np.zeros(len(keys), bool)
    more[1:] |= alike
    more[:-1] |= alike
    return order[more]


def candidate_pairs(signed: list[Path], gone: Ids, bands: int, scratch: Path) -> tuple[Ids, Ids]:
    """Pairs of documents that share a band's key, each pair once, `left < right`.

    In a bucket every document is paired with the first one and with the one before it: linear in the bucket's size,
    and a bucket that holds two clusters still joins the members of each.

    Args:
        signed: Parquet files with `index` and one `band_column` a band (key 0: no shingles, never a candidate), whose
            rows are in order of `index`, as the files are.
        gone: documents that are no candidates, in order.
        scratch: folder for 16 bytes a document and band.
    """
    count = _count(signed)
    spills = [Spill(scratch, band_column(band), 2, count) for band in range(bands)]
    for rows in _columns(signed, ["index", *map(band_column, range(bands))]):
        rows = rows[~member(rows[:, 0], gone)]
        for band, spill in enumerate(spills):
            keyed = rows[:, (1 + band, 0)]
            keyed = keyed[keyed[:, 0] != 0]
            spill.add(keyed[:, 0], keyed)
    found = Spill(scratch, "pairs", 2, count)
    for spill in spills:
        for rows in spill.parts():
            pairs = _bucket_pairs(rows)
            found.add(scramble(pairs[:, 0], np.uint64(1)) ^ pairs[:, 1], pairs)
    pairs = np.concatenate([np.zeros((0, 2), np.uint64), *(_distinct(part) for part in found.parts())])
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def _bucket_pairs(rows: Rows) -> Rows:
    """Star and chain pairs of each bucket of rows `(key, index)`, uint64 `[pairs, 2]`."""
    rows = rows[_shared(rows[:, 0])]
    if not len(rows):
        return np.zeros((0, 2), np.uint64)
    fresh = np.ones(len(rows), bool)
    fresh[1:] = rows[1:, 0] != rows[:-1, 0]
    first = np.maximum.accumulate(np.where(fresh, np.arange(len(rows)), 0))
    at = np.flatnonzero(~fresh)
    longer = at[first[at] < at - 1]  # in a bucket of two, star and chain are one pair
    left, right = np.concatenate((first[at], longer - 1)), np.concatenate((at, longer))
    return np.stack((rows[left, 1], rows[right, 1]), axis=1)


def _distinct(pairs: Rows) -> Rows:
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    fresh = np.ones(len(pairs), bool)
    fresh[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return pairs[fresh]


def member(values: Ids, of: Ids) -> NDArray[np.bool_]:
    """Which of `values` are among the sorted numbers `of` (an array, or one that lies on disk), bool `[values]`."""
    if not len(of):
        return np.zeros(len(values), bool)
    found: NDArray[np.bool_] = of[np.minimum(np.searchsorted(of, values), len(of) - 1)] == values
    return found


def verified_pairs(
    texts: Iterable[pa.RecordBatch], left: Ids, right: Ids, config: DedupConfig, scratch: Path
) -> tuple[Ids, Ids]:  # fmt: skip
    """The pairs whose shingles are at least `config.similarity` alike.

    Args:
        texts: `index`, `text` and `lang` of all documents, gone through once.
        scratch: folder for the shingles of the candidates (4 bytes a shingle); they are removed afterwards.
    """
    nodes = np.unique(np.concatenate((left, right)))
    if not len(nodes):
        return left, right
    order: list[Any] = []
    sizes: list[Any] = []
    file = scratch / "shingles.partial"
    with file.open("wb") as stream:
        for batch in texts:
            mine = batch.filter(pa.array(member(batch.column("index").to_numpy(), nodes)))
            if not mine.num_rows:
                continue
            flags = np.array([unspaced(code) for code in mine.column("lang").to_pylist()], bool)
            values, bounds = shingle_sets(*column(mine.column("text")), flags, config.char_size, config.word_size)
            sizes.append(np.diff(bounds))
            order.append(mine.column("index").to_numpy())
            stream.write(np.ascontiguousarray(values, np.uint32).data)
    ids, lengths = np.concatenate(order), np.concatenate(sizes)
    bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    place = np.argsort(ids)
    a, b = (place[np.searchsorted(ids, side, sorter=place)] for side in (left, right))
    alike = np.zeros(len(left), bool)
    if bounds[-1]:
        values = np.memmap(file, np.uint32, mode="r")
        for block in _blocks(4 * (lengths[a] + lengths[b]), VERIFIED_BYTES):
            alike[block] = jaccard(a[block], b[block], values, bounds) >= config.similarity
            values._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined] # read pages are not kept
        del values
    file.unlink()
    return left[alike], right[alike]


def _blocks(sizes: NDArray[np.int64], most: int) -> Iterator[slice]:
    """Runs of items of about `most` bytes together."""
    run = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = run[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(run, before + most)))
        yield slice(start, stop)
        start = stop


def near_duplicates(
    signed: list[Path], texts: Iterable[pa.RecordBatch], gone: Ids, config: DedupConfig, scratch: Path
) -> tuple[Ids, Ids]:  # fmt: skip
    """`(index, of)`: each document that nearly repeats an earlier one, and the first of its cluster.

    Args:
        signed: Parquet files with `index`, `exact_a`, `signs` and the band columns, in order of `index`.
        texts: `index`, `text` and `lang` of all documents.
        gone: exact duplicates, in order: they are no candidates.
        scratch: folder for what is sorted and compared on disk.
    """
    left, right = candidate_pairs(signed, gone, config.bands, scratch)
    left, right = verified_pairs(texts, left, right, config, scratch)
    left, right = _not_by_sign(signed, left, right)
    nodes = np.unique(np.concatenate((left, right)))
    roots = components(np.searchsorted(nodes, left), np.searchsorted(nodes, right), len(nodes))
    repeats = roots != np.arange(len(nodes))
    return nodes[repeats], nodes[roots[repeats]]


def _not_by_sign(signed: list[Path], left: Ids, right: Ids) -> tuple[Ids, Ids]:
    """The pairs without those that have the same letters and other signs."""
    nodes = np.unique(np.concatenate((left, right)))
    found = [np.zeros((0, 3), np.uint64)]
    found += [rows[member(rows[:, 0], nodes)] for rows in _columns(signed, ["index", "exact_a", "signs"])]
    rows = np.concatenate(found)
    rows = rows[np.argsort(rows[:, 0])]
    a, b = np.searchsorted(nodes, left), np.searchsorted(nodes, right)
    stay = (rows[a, 1] != rows[b, 1]) | (rows[a, 2] == rows[b, 2])
    return left[stay], right[stay]


def _count(files: list[Path]) -> int:
    return sum(pq.read_metadata(file).num_rows for file in files)


def _columns(files: list[Path], names: list[str]) -> Iterator[Rows]:
    """Columns of numbers of Parquet files, batch by batch, uint64 `[rows, columns]`."""
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(READ_ROWS, columns=names):
                yield np.stack([batch.column(name).to_numpy() for name in names], axis=1)
