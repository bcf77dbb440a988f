"""Exact and near duplicates, on ids: Daft groups, numpy decides.

Texts are compared by their letters. Two that differ in nothing but a sign (C and C++, 5 > 3 and 5 < 3) are two.

A MinHash key shared by two documents makes them candidates; candidates are *verified* by the exact Jaccard similarity
of their shingles, and connected components of verified pairs keep their first document. So the survivors depend on the
order of the input only, never on the number of workers. Memory: one band of keys (16 bytes a document) at a time, plus
the candidate pairs; shingles lie on disk.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import daft
import numpy as np
import pyarrow as pa
from daft import DataType, col
from numpy.typing import NDArray

from in2x.corpus.config import DedupConfig
from in2x.corpus.kernels import components, jaccard, shingle_sets
from in2x.language.kernels import column

Ids = NDArray[np.uint64]


def band_column(band: int) -> str:
    """Name of the column that holds the keys of one band."""
    return f"band_{band:02d}"


def exact_duplicates(documents: Any) -> tuple[Ids, Ids]:
    """`(index, of)`: each document that repeats an earlier one, and the first of its kind.

    Args:
        documents: DataFrame with `index`, `exact_a`, `exact_b`, `signs`.
    """
    first = (
        documents.groupby("exact_a", "exact_b", "signs")
        .agg(col("index").min().alias("of"), col("index").count().alias("n"))
        .where(col("n") > 1)
    )
    found = (
        documents.select("index", "exact_a", "exact_b", "signs")
        .join(first, on=["exact_a", "exact_b", "signs"])
        .where(col("index") != col("of"))
        .select("index", "of")
        .to_arrow()
    )
    return _sorted(_numpy(found["index"]), _numpy(found["of"]))


def candidate_pairs(documents: Any, bands: int) -> tuple[Ids, Ids]:
    """Pairs of documents that share a band's key, each pair once, `left < right`.

    In a bucket every document is paired with the first one and with the one before it: linear in the bucket's size,
    and a bucket that holds two clusters still joins the members of each.

    Args:
        documents: DataFrame with `index` and one `band_column` a band (key 0: no shingles, never a candidate).
    """
    pairs = np.zeros((0, 2), np.uint64)
    for band in range(bands):
        name = band_column(band)
        buckets = (
            documents.select("index", name)
            .where(col(name) != 0)
            .groupby(name)
            .agg(col("index").list_agg().alias("members"), col("index").count().alias("n"))
            .where(col("n") > 1)
            .select("members")
        )
        found = [pairs]
        for batch in buckets.to_arrow_iter():
            found.append(_bucket_pairs(batch.column(0)))
        pairs = np.unique(np.concatenate(found), axis=0) if len(found) > 1 else pairs
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def _bucket_pairs(members: Any) -> NDArray[np.uint64]:
    """Star and chain pairs of each bucket of a list array, uint64 `[pairs, 2]`."""
    sizes = np.diff(members.offsets.to_numpy())
    values = members.flatten().to_numpy(zero_copy_only=False).astype(np.uint64)
    bucket = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((values, bucket))
    values, bucket = values[order], bucket[order]
    begins = (np.cumsum(sizes) - sizes).astype(np.int64)
    inner = np.ones(len(values), bool)
    inner[begins] = False
    at = np.flatnonzero(inner)
    star = np.stack((values[begins[bucket[at]]], values[at]), axis=1)
    chain = np.stack((values[at - 1], values[at]), axis=1)
    both = np.concatenate((star, chain))
    return np.unique(both[both[:, 0] != both[:, 1]], axis=0)


@daft.func.batch(return_dtype=DataType.list(DataType.uint32()), use_process=False)  # type: ignore[untyped-decorator]
def _shingle_set(text: Any, by_char: Any, char_size: int, word_size: int) -> Any:
    flags = by_char.to_arrow().to_numpy(zero_copy_only=False).astype(bool)
    values, bounds = shingle_sets(*column(text.to_arrow()), flags, char_size, word_size)
    return pa.LargeListArray.from_arrays(pa.array(bounds), pa.array(values))


def verified_pairs(documents: Any, left: Ids, right: Ids, config: DedupConfig, scratch: Path) -> tuple[Ids, Ids]:
    """The pairs whose shingles are at least `config.similarity` alike.

    Args:
        documents: DataFrame with `index`, `text`, `by_char`.
        scratch: file for the shingles of the candidates (4 bytes a shingle); removed afterwards.
    """
    nodes = np.unique(np.concatenate((left, right)))
    if not len(nodes):
        return left, right
    wanted = daft.from_arrow(pa.table({"index": nodes}))
    sets = documents.join(wanted, on="index", how="semi").select(
        "index", _shingle_set(col("text"), col("by_char"), config.char_size, config.word_size).alias("shingles")
    )
    order: list[Any] = []
    sizes: list[Any] = []
    with scratch.open("wb") as stream:
        for batch in sets.to_arrow_iter():
            shingles = batch.column(1)
            sizes.append(np.diff(shingles.offsets.to_numpy()))
            order.append(_numpy(batch.column(0)))
            stream.write(np.ascontiguousarray(shingles.flatten().to_numpy(zero_copy_only=False), np.uint32).data)
    ids, lengths = np.concatenate(order), np.concatenate(sizes)
    bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    place = np.argsort(ids)
    a = place[np.searchsorted(ids, left, sorter=place)]
    b = place[np.searchsorted(ids, right, sorter=place)]
    alike = np.zeros(len(left), bool)
    if bounds[-1]:
        values = np.memmap(scratch, np.uint32, mode="r")
        for start in range(0, len(left), 100_000):
            block = slice(start, start + 100_000)
            alike[block] = jaccard(a[block], b[block], values, bounds) >= config.similarity
            values._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined] # read pages are not kept
        del values
    scratch.unlink()
    return left[alike], right[alike]


def near_duplicates(documents: Any, config: DedupConfig, scratch: Path) -> tuple[Ids, Ids]:
    """`(index, of)`: each document that nearly repeats an earlier one, and the first of its cluster.

    Args:
        documents: DataFrame with `index`, `text`, `by_char`, `exact_a`, `signs` and the band columns; without
            exact duplicates.
    """
    left, right = candidate_pairs(documents, config.bands)
    left, right = verified_pairs(documents, left, right, config, scratch)
    left, right = _not_by_sign(documents, left, right)
    nodes = np.unique(np.concatenate((left, right)))
    roots = components(np.searchsorted(nodes, left), np.searchsorted(nodes, right), len(nodes))
    repeats = roots != np.arange(len(nodes))
    return nodes[repeats], nodes[roots[repeats]]


def _not_by_sign(documents: Any, left: Ids, right: Ids) -> tuple[Ids, Ids]:
    """The pairs without those that have the same letters and other signs."""
    nodes = np.unique(np.concatenate((left, right)))
    wanted = daft.from_arrow(pa.table({"index": nodes}))
    rows = documents.join(wanted, on="index", how="semi").select("index", "exact_a", "signs").sort("index").to_arrow()
    a, b = np.searchsorted(nodes, left), np.searchsorted(nodes, right)
    letters, signs = _numpy(rows["exact_a"]), _numpy(rows["signs"])
    stay = (letters[a] != letters[b]) | (signs[a] == signs[b])
    return left[stay], right[stay]


def _numpy(array: Any) -> Ids:
    values: Ids = array.to_numpy() if isinstance(array, pa.ChunkedArray) else array.to_numpy(zero_copy_only=False)
    return values.astype(np.uint64)


def _sorted(index: Ids, of: Ids) -> tuple[Ids, Ids]:
    order = np.argsort(index)
    return index[order], of[order]
