"""The texts of what was decided, read and written as a stream: no more than a few megabytes are held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from in2x.corpus.bilingual import bilingual_documents
from in2x.corpus.config import BilingualConfig, CorpusConfig
from in2x.corpus.kernels import scramble
from in2x.corpus.shards import BATCH, batches
from in2x.corpus.styled import styled_documents
from in2x.records import Document, Pair, read_records, write_records
from in2x.stage import Stage

SCORES = ("perplexity", "quality", "classifier", "lm_perplexity")
WRITTEN = ("index", "id", "lang", "domain", "source", "tokens", "bucket", *SCORES, "count", "held")


def decided(file: Path, columns: Iterable[str]) -> Iterator[pa.RecordBatch]:
    """Columns of the rows of one shard that were decided upon (`mixture.DECIDED`), in order of "index".

    The first batch is empty: whoever reads knows the columns even where there is no row.
    """
    names = ["index", *(c for c in columns if c != "index")]
    with pq.ParquetFile(file) as parquet:
        schema = pa.schema([parquet.schema_arrow.field(name) for name in names])
        yield pa.RecordBatch.from_pylist([], schema)
        for batch in parquet.iter_batches(1 << 14, columns=names):
            yield batch.select(names)


def beside(
    left: Iterable[pa.RecordBatch], right: Iterable[pa.RecordBatch]
) -> Iterator[tuple[pa.RecordBatch, pa.Table, Any]]:
    """Each batch of `left` with the rows of `right` that belong to it, and their places in the batch, int64 `[rows]`.

    Both are in order of "index", and every row of `right` has one in `left`; `right` has a batch, be it empty.
    """
    coming = iter(right)
    held = pa.Table.from_batches([next(coming)])
    for batch in left:
        if not batch.num_rows:
            continue
        index = batch.column("index").to_numpy()
        while not held.num_rows or held["index"][-1].as_py() < index[-1]:
            more = next(coming, None)
            if more is None:
                break
            held = pa.concat_tables([held, pa.Table.from_batches([more])])
        count = int(np.searchsorted(held["index"].to_numpy(), index[-1], side="right"))
        mine, held = held.slice(0, count), held.slice(count)
        yield batch, mine, np.searchsorted(index, mine["index"].to_numpy())


def write_documents(prepared: Path, file: Path, target: Path, heldout: Path) -> None:
    """The mix of one shard in order of `index`, and its held-out documents; what is there is not written again."""
    if target.exists():
        return
    paths = [path.with_name(path.name + ".partial") for path in (target, heldout)]
    with (
        pq.ParquetWriter(paths[0], Document.SCHEMA, compression="zstd") as mixed,
        pq.ParquetWriter(paths[1], Document.SCHEMA, compression="zstd") as apart,
    ):
        sinks = [_Sink(mixed), _Sink(apart)]
        for texts, rows, at in beside(batches(prepared, ["index", "text"]), decided(file, WRITTEN)):
            counts = rows["count"].to_numpy(), rows["held"].to_numpy().astype(np.int32)
            for sink, count in zip(sinks, counts, strict=True):
                sink.add(texts, rows, at, count)
        for sink in sinks:
            sink.flush()
    paths[1].rename(heldout)
    paths[0].rename(target)


_NOTHING = pa.scalar("", pa.large_string())


class _Sink:
    """Documents on their way into a file, written some megabytes at a time."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self.writer, self.held, self.size = writer, list[pa.Table](), 0

    def add(self, texts: pa.RecordBatch, rows: pa.Table, at: Any, count: Any) -> None:
        """Take row k `count[k]` times, later copies under ids of their own."""
        taken = np.flatnonzero(count)
        if not len(taken):
            return
        copies = np.repeat(taken, count[taken])
        number = np.arange(len(copies)) - np.repeat(np.cumsum(count[taken]) - count[taken], count[taken]) + 1
        rows = rows.take(pa.array(copies))
        values = {name: rows[name] for name in ("lang", "domain", "source", "tokens", "bucket")}
        values |= {name: pc.round(rows[name], 4) for name in SCORES}
        suffix = pa.array([f"~{n}" if n > 1 else "" for n in number.tolist()], pa.large_string())
        values["id"] = pc.binary_join_element_wise(rows["id"], suffix, _NOTHING)
        values["text"] = texts.column("text").take(pa.array(at[copies]))
        table = pa.table({f.name: values[f.name].cast(f.type) for f in Document.SCHEMA}, schema=Document.SCHEMA)
        self.held.append(table)
        self.size += table.nbytes
        if self.size >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        if self.held:
            self.writer.write_table(pa.concat_tables(self.held))
        self.held, self.size = [], 0


def write_heldout(stage: Stage, pieces: list[Path]) -> None:
    """`heldout.parquet`: the held-out documents of all shards, and bilingual ones of the development pairs."""

    def documents() -> Iterator[Document]:
        for piece in pieces:
            yield from read_records(piece, Document)
        dev = stage.input("data") / "pairs.dev.parquet"
        if dev.exists():
            pairs = list(read_records(dev, Pair))[:400]
            yield from bilingual_documents(pairs, 1e9, BilingualConfig(epochs=1.0), stage.seed)

    write_records(stage.out / "heldout.parquet", documents(), Document)


def write_bilingual(config: CorpusConfig, stage: Stage, pairs: list[Pair], wanted: float) -> dict[str, Any]:
    """`documents/bilingual.parquet`, about `wanted` tokens; figures wanted against got, documents by layout."""
    used: Counter[str] = Counter()
    tokens = 0

    def documents() -> Iterator[Document]:
        nonlocal tokens
        for document in bilingual_documents(pairs, wanted, config.bilingual, stage.seed):
            used[document.source.split(":", 1)[1]] += 1
            tokens += document.tokens or 0
            yield document

    count = write_records(stage.out / "documents" / "bilingual.parquet", documents(), Document)
    return {"wanted": int(wanted), "got": tokens, "documents": count, "pairs": len(pairs),
            "layouts": dict(sorted(used.items()))}  # fmt: skip


def write_styled(
    config: CorpusConfig, stage: Stage, prepared: list[Path], files: list[Path], wanted: float
) -> dict[str, Any]:
    """`documents/styled.parquet` from documents of the mix in the target language, about `wanted` tokens.

    Args:
        files: of each shard in `prepared`, what was decided.
    """
    lang = stage.recipe.languages.target
    available = 0
    for file in files:
        for batch in decided(file, ["lang", "tokens", "count"]):
            mine = pc.and_(pc.equal(batch.column("lang"), lang), pc.greater(batch.column("count"), 0))
            available += pc.sum(batch.column("tokens").filter(mine)).as_py() or 0
    # Half of the passages may show no register: read twice what is wanted, so that little is read for nothing.
    share = min(1.0, 2 * wanted / max(1, available))
    tags: Counter[str] = Counter()
    tokens = 0

    def texts() -> Iterator[tuple[str, str]]:
        for folder, file in zip(prepared, files, strict=True):
            rows = decided(file, ["id", "lang", "count"])
            for batch, row, at in beside(batches(folder, ["index", "text"]), rows):
                draw = scramble(row["index"].to_numpy().astype(np.uint64), np.uint64(stage.seed + 1))
                mine = pc.and_(pc.equal(row["lang"], lang), pc.greater(row["count"], 0)).to_numpy()
                wanted_rows = np.flatnonzero(mine & (draw.astype(np.float64) / 2.0**64 < share))
                for k in wanted_rows.tolist():
                    yield row["id"][k].as_py(), batch.column("text")[int(at[k])].as_py()

    def documents() -> Iterator[Document]:
        nonlocal tokens
        for document, found in styled_documents(texts(), lang, wanted, config.styled):
            tags.update(found)
            tokens += document.tokens or 0
            yield document

    count = write_records(stage.out / "documents" / "styled.parquet", documents(), Document)
    return {"wanted": int(wanted), "got": tokens, "documents": count, "passages": dict(tags.most_common())}
