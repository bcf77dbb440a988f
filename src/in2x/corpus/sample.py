"""What the n-gram model of a language counts: a seeded sample of its documents, or text that the user names.

Every source of a language gives alike, as far as it goes (water filling): a model that has read books alone takes every
dialogue for odd. A document is in or out by the hash of its text, so neither the names of the files nor their order
says anything. Sampling by hash is Poisson sampling: a source with `total` bytes of which `quota` are wanted gives each
of its documents with the probability quota / total.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from in2x.corpus.dedup import member
from in2x.corpus.kernels import folds, scramble
from in2x.corpus.ngram import SCORED_CHARS
from in2x.corpus.shards import files_of, survivors

Keys = NDArray[np.uint64]
Stratum = tuple[str, int, str]
"""Language, fold and source."""


def water_filling(totals: dict[Stratum, int], limit: int) -> dict[Stratum, float]:
    """The share of each stratum that is taken, so that its language and fold give about `limit` and all alike."""
    groups: dict[tuple[str, int], list[Stratum]] = defaultdict(list)
    for stratum in totals:
        groups[stratum[:2]].append(stratum)
    shares: dict[Stratum, float] = {}
    for members in groups.values():
        left = float(limit)
        members.sort(key=lambda stratum: totals[stratum])
        for number, stratum in enumerate(members):
            quota = min(float(totals[stratum]), left / (len(members) - number))
            left -= quota
            shares[stratum] = quota / max(1, totals[stratum])
    return shares


def sampled_texts(prepared: list[Path], gone: Keys, limit: int, seed: int) -> dict[str, list[str]]:
    """Texts of each "<lang>-<fold>", about `limit` bytes each, in an order that the texts alone decide.

    Args:
        gone: indices of the duplicates, in order.
    """
    totals: dict[Stratum, int] = defaultdict(int)
    names = ["key", "lang", "source"]
    for folder in prepared:
        for batch in survivors(folder, gone, [*names, "scored_bytes"]):
            table = pa.table({**_strata(batch), "bytes": batch.column("scored_bytes")})
            sums = table.group_by(["lang", "fold", "source"]).aggregate([("bytes", "sum")])
            for row in sums.to_pylist():
                totals[row["lang"], row["fold"], row["source"]] += row["bytes_sum"]
    shares = water_filling(totals, limit)
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for file in (file for folder in prepared for file in files_of(folder)):
        with pq.ParquetFile(file) as parquet:
            for number in range(parquet.num_row_groups):
                rows = parquet.read_row_group(number, columns=["index", "gate", *names])
                keep = pc.is_null(rows["gate"]).to_numpy() & ~member(rows["index"].to_numpy(), gone)
                keys = scramble(rows["key"].to_numpy().astype(np.uint64), np.uint64(seed))
                strata, of = _distinct(rows)
                wanted = np.array([shares.get(stratum, 0.0) for stratum in strata])[of]
                at = np.flatnonzero(keep & (keys.astype(np.float64) / 2.0**64 < wanted))
                if len(at):  # most row groups of a large corpus hold none, and their texts are not read
                    texts = parquet.read_row_group(number, columns=["text"])["text"].take(pa.array(at))
                    drawn = pc.utf8_slice_codeunits(texts, 0, SCORED_CHARS).to_pylist()
                    for row, text in zip(at.tolist(), drawn, strict=True):
                        lang, fold, _ = strata[of[row]]
                        found[f"{lang}-{fold}"].append((int(keys[row]), text))
    return {name: [text for _, text in sorted(texts)] for name, texts in found.items()}


def _strata(rows: pa.RecordBatch | pa.Table) -> dict[str, Any]:
    fold = folds(rows.column("key").to_numpy())
    return {"lang": rows.column("lang"), "fold": pa.array(fold), "source": rows.column("source")}


def _distinct(rows: pa.Table) -> tuple[list[Stratum], NDArray[np.int64]]:
    """The strata of `rows`, each once, and for each row its place among them: no object of Python a row."""
    codes, names = np.zeros(len(rows), np.int64), []
    for column in _strata(rows).values():
        encoded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        encoded = encoded.dictionary_encode()
        names.append(encoded.dictionary.to_pylist())
        codes = codes * max(1, len(names[-1])) + encoded.indices.to_numpy()
    present, of = np.unique(codes, return_inverse=True)
    places = np.unravel_index(present, [max(1, len(known)) for known in names])
    strata = [tuple(known[k] for known, k in zip(names, at, strict=True)) for at in zip(*places, strict=True)]
    return strata, of.astype(np.int64)  # type: ignore[return-value]


def reference_texts(texts: Iterable[tuple[str, str]], limit: int) -> dict[str, list[str]]:
    """Of (text, language) about `limit` bytes a language: those with the smallest hashes, which are all if they fit."""
    held: dict[str, list[tuple[int, str]]] = defaultdict(list)
    size: dict[str, int] = defaultdict(int)
    below: dict[str, int] = defaultdict(lambda: 1 << 64)  # the smallest hash that did not fit
    for text, lang in texts:
        text = text[:SCORED_CHARS]
        key = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
        if key >= below[lang]:
            continue
        heapq.heappush(held[lang], (-key, text))  # the largest hash lies on top
        size[lang] += len(text.encode())
        while size[lang] > limit and len(held[lang]) > 1:
            key, out = heapq.heappop(held[lang])
            below[lang] = -key
            size[lang] -= len(out.encode())
    return {lang: [text for _, text in sorted(found)] for lang, found in held.items()}
