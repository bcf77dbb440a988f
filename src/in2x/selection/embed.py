"""From texts to vectors: the embedder that needs no model, and the float16 shards that they are streamed to.

    embeddings/
      meta.json        embedder, dimension, rows, shard size, key of the texts
      00000.npy        float16 [rows of the shard, dimension], unit rows
      00001.npy        ...

A shard is written beside and renamed, so after a kill the finished ones are kept and the rest is made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numba import njit

from in2x.artifact import write_json
from in2x.errors import In2xError
from in2x.llm.embedders import Embedder
from in2x.records import content_id
from in2x.selection.ngrams import BUCKETS, LONGEST, MAX_CHARS, NgramCounts, bag, encode, mix64

Floats = npt.NDArray[np.float32]
SPREAD = 8
"""Coordinates that one n-gram bucket is projected to (a sparse Johnson-Lindenstrauss transform)."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _project(codes, offsets, idf, tf_weight, out):  # type: ignore[no-untyped-def]
    dimension = np.uint64(out.shape[1])
    counts = np.zeros(BUCKETS, np.int32)
    touched = np.empty((MAX_CHARS + 2) * LONGEST, np.int64)
    for i in range(len(offsets) - 1):
        used = bag(codes, offsets[i], offsets[i + 1], counts, touched)
        for k in range(used):
            bucket = touched[k]
            weight = idf[bucket] * tf_weight[min(counts[bucket], len(tf_weight) - 1)]
            counts[bucket] = 0
            if weight == 0.0:
                continue
            state = np.uint64(bucket) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
            for _ in range(SPREAD):
                state = mix64(state + np.uint64(0x9E3779B97F4A7C15))
                place = np.int64((state >> np.uint64(1)) % dimension)
                out[i, place] += weight if state & np.uint64(1) else -weight


class HashingEmbedder:
    """The offline default: weighted hashed character n-grams, reduced by a sparse random projection.

    No model, no download, any language, the same vectors on every machine. It sees wording, not meaning: texts that
    share words and phrases are near, translations of each other are not.

    Args:
        counts: document frequencies of the n-grams (from a first pass over the texts).
        dimension: of the vectors.
    """

    def __init__(self, counts: NgramCounts, dimension: int = 128) -> None:
        self.dimension = dimension
        self.name = f"hashing-{dimension}-{content_id(counts.texts, int(counts.frequencies.astype(np.uint64).sum()))}"
        self._idf = counts.idf
        # 1 + log2(tf), rounded to sixteenths like the idf, for the same reason.
        raw = 1 + np.log2(np.maximum(np.arange(256), 1))
        self._tf_weight = (np.round(raw * 16) / 16).astype(np.float32)

    def embed(self, texts: Sequence[str]) -> Floats:
        """float32 [n, dimension]. Texts whose every n-gram is in all texts give a zero row."""
        out = np.zeros((len(texts), self.dimension), np.float32)
        codes, offsets = encode(texts)
        _project(codes, offsets, self._idf, self._tf_weight, out)
        return out


class Shards:
    """Finished embeddings, read back in slices.

    Raises:
        In2xError: the folder holds no finished embeddings.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            raise In2xError("no finished embeddings here", file=folder, mend="run the stage again") from None
        self.rows, self.dimension, self.shard = int(meta["rows"]), int(meta["dimension"]), int(meta["shard"])

    def __len__(self) -> int:
        """Number of rows."""
        return self.rows

    def chunks(self) -> Iterator[tuple[int, Floats]]:
        """(first row, float32 [rows, dimension]) shard by shard."""
        for start in range(0, self.rows, self.shard):
            yield start, np.load(self.folder / f"{start // self.shard:05d}.npy").astype(np.float32)

    def take(self, indices: npt.NDArray[np.int64]) -> Floats:
        """float32 [len(indices), dimension], in the order of `indices`; only those rows are read."""
        out = np.empty((len(indices), self.dimension), np.float32)
        which = indices // self.shard
        for number in np.unique(which):
            mine = np.flatnonzero(which == number)
            shard = np.load(self.folder / f"{number:05d}.npy", mmap_mode="r")
            out[mine] = shard[indices[mine] - number * self.shard]
        return out


def embed_to_shards(
    embedder: Embedder,
    texts: Sequence[str],
    folder: Path,
    *,
    shard: int = 32_768,
    batch: int = 4_096,
    advance: Callable[[int, str], None] = lambda count, note: None,
) -> Shards:
    """Embed `texts` into float16 shards of unit rows in `folder`, continuing what an earlier try left there.

    A row that cannot be scaled (all zero) becomes the first unit vector, so that no text is lost.

    Args:
        shard: rows per file.
        batch: texts handed to the embedder at once.
        advance: progress callback (count, note).

    Raises:
        In2xError: the embedder gave NaN, infinite values, or another dimension than before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(f"{embedder.name}\0{shard}".encode(), digest_size=16)
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    plan, key = folder / "plan.json", digest.hexdigest()
    known = json.loads(plan.read_text(encoding="utf-8")) if plan.exists() else {}
    if known.get("key") != key:
        for old in folder.glob("*.npy"):
            old.unlink()
        (folder / "meta.json").unlink(missing_ok=True)
        known = {"key": key}
        write_json(plan, known)
    for number, start in enumerate(range(0, len(texts), shard)):
        file = folder / f"{number:05d}.npy"
        stop = min(start + shard, len(texts))
        if file.exists():
            advance(stop - start, "kept")
            continue
        parts = []
        for low in range(start, stop, batch):
            vectors = _unit(embedder.embed(texts[low : min(low + batch, stop)]), embedder.name, low)
            dimension = known.setdefault("dimension", vectors.shape[1])
            if vectors.shape[1] != dimension:
                raise In2xError(
                    f"the embedder {embedder.name} changed its dimension from {dimension} to {vectors.shape[1]} "
                    f"at text {low + 1}",
                    mend="give one model for all texts, or delete the embeddings and start anew",
                )
            parts.append(vectors.astype(np.float16))
            advance(len(vectors), "")
        write_json(plan, known)
        partial = folder / f"{number:05d}.partial"
        with partial.open("wb") as stream:
            np.save(stream, np.concatenate(parts))
        partial.rename(file)
    write_json(folder / "meta.json", {
        "embedder": embedder.name, "dimension": known.get("dimension", 0), "rows": len(texts), "shard": shard,
        "key": key,
    })  # fmt: skip
    return Shards(folder)


def _unit(vectors: Floats, name: str, first: int) -> Floats:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise In2xError(
            f"the embedder {name} gave NaN or infinite values for text {first + int(bad[0]) + 1}",
            mend="mend or change the embedder; the finished shards are kept",
        )
    norms = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True, dtype=np.float64))
    zero = norms[:, 0] == 0
    unit = (vectors / np.where(norms == 0, 1, norms)).astype(np.float32)
    unit[zero, 0] = 1.0
    return unit
