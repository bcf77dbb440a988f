"""Data views: which documents of a corpus a phase reads. All scores are columns; a view is an expression over them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from in2x.corpus.columns import Names, chosen, strata
from in2x.errors import In2xError
from in2x.knob import Config, knob
from in2x.records import Document


class View(Config):
    """A choice of documents, made without recomputing any score."""

    where: str | None = knob(None, "SQL expression over id, lang, domain, source, perplexity, quality, tokens, "
                             "classifier, lm_perplexity, bucket, chars; for example "
                             "\"domain = 'creative' AND quality > 0.5\".")  # fmt: skip
    longest: float = knob(1.0, "Keep this share of each language's tokens, longest documents first (phase 2).",
                          source="METHOD 1", gt=0, le=1)  # fmt: skip
    best: float = knob(1.0, "Keep this share of each language's tokens, best perplexity and quality first (phase 3).",
                       source="METHOD 1", gt=0, le=1)  # fmt: skip


def select_documents(folder: Path, view: View | None = None) -> Iterator[Document]:
    """Stream the documents of `folder` (a corpus artifact, or its `documents/`) that a view chooses, in stored order.

    "Best" is the mean of two ranks: by perplexity (low is good) inside the language and its source, as buckets are, and
    by quality (high is good) inside the language. A document without a score takes the middle rank. Shares are cut in
    order of the score until they are filled, so at least one document of each language stays.

    Raises:
        In2xError: there are no documents, the expression is wrong, or the view leaves nothing.
    """
    view = view or View()
    folder = folder / "documents" if (folder / "documents").is_dir() else folder
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else [folder]
    if not files or not files[0].exists():
        raise In2xError("no documents here", file=folder, mend="run the corpus stage")
    kept = _chosen(files, view)
    if kept is not None and not kept.any():
        raise In2xError(f"the data view {view.model_dump(exclude_defaults=True)} leaves no document", file=folder,
                        mend="loosen it")  # fmt: skip
    for part, batch in _rows(files, None):
        if kept is not None:
            batch = batch.filter(pa.array(kept[part]))
        for row in batch.to_pylist():
            yield Document.from_row(row)


def check_view(view: View, knob: str) -> None:
    """Raise In2xError where the expression of `view`, which stands in `knob`, cannot be evaluated."""
    if view.where:
        columns: dict[str, pa.DataType] = {name: Document.SCHEMA.field(name).type for name in _COLUMNS}
        table = pa.table({name: pa.array([], kind) for name, kind in {**columns, "chars": pa.int32()}.items()})
        chosen(table, view.where, f"{knob}.where")


def _rows(files: list[Path], columns: list[str] | None) -> Iterator[tuple[slice, pa.RecordBatch]]:
    """The rows of the files, each batch with its place among all; of long texts few at a time."""
    at = 0
    for file in files:
        with pq.ParquetFile(file) as parquet:
            groups = range(parquet.metadata.num_row_groups)
            size = sum(parquet.metadata.row_group(k).total_byte_size for k in groups)
            whole = columns is None or "text" in columns
            many = min(1024, max(16, (8 << 20) * parquet.metadata.num_rows // max(1, size))) if whole else 1 << 16
            for batch in parquet.iter_batches(many, columns=columns):
                yield slice(at, at + batch.num_rows), batch
                at += batch.num_rows


_COLUMNS = [name for name in Document.SCHEMA.names if name != "text"]


def _chosen(files: list[Path], view: View) -> np.ndarray | None:
    """Which rows of the files, in order, the view keeps; None for all. Holds some 30 bytes a row."""
    if view == View():
        return None
    kept = np.ones(sum(pq.read_metadata(file).num_rows for file in files), bool)
    if view.where:
        chars = re.search(r"\bchars\b", view.where, re.I)
        for part, batch in _rows(files, [*_COLUMNS, "text"] if chars else _COLUMNS):
            table = pa.Table.from_batches([batch])
            if chars:
                table = table.append_column("chars", pc.utf8_length(table["text"])).drop_columns(["text"])
            kept[part] = chosen(table, view.where, "view.where")
    if view.longest == 1 and view.best == 1:
        return kept
    langs, sources = Names(), Names()
    names = ["lang", "source", "tokens", "perplexity", "quality"]
    lang, source = np.zeros((2, len(kept)), np.int32)
    tokens, perplexity, quality = (np.zeros(len(kept)) for _ in range(3))
    for part, batch in _rows(files, names):
        lang[part], source[part] = langs.codes(batch.column("lang")), sources.codes(batch.column("source"))
        tokens[part] = pc.fill_null(batch.column("tokens"), 1).to_numpy(zero_copy_only=False)
        perplexity[part] = batch.column("perplexity").to_numpy(zero_copy_only=False)
        quality[part] = batch.column("quality").to_numpy(zero_copy_only=False)
    if view.longest < 1:
        kept &= _share(lang, tokens, -tokens, kept, view.longest)
    if view.best < 1:
        score = np.full(len(kept), np.inf)
        score[kept] = _rank(strata(lang, source, kept)[kept], perplexity[kept]) + _rank(lang[kept], -quality[kept])
        kept &= _share(lang, tokens, score, kept, view.best)
    return kept


def _rank(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Rank 0 .. 1 of each value inside its group (low first, ties alike); 0.5 for NaN and for one alone."""
    ranks = np.full(len(values), 0.5)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.lexsort((values[known], group[known]))]
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        if len(rows) > 1:
            _, inverse, counts = np.unique(values[rows], return_inverse=True, return_counts=True)
            middle = np.cumsum(counts) - (counts + 1) / 2
            ranks[rows] = middle[inverse] / (len(rows) - 1)
    return ranks


def _share(lang: np.ndarray, tokens: np.ndarray, score: np.ndarray, kept: np.ndarray, share: float) -> np.ndarray:
    """In each language the rows with the lowest score, until `share` of its tokens is filled."""
    chosen = np.zeros(len(lang), bool)
    for name in np.unique(lang):
        rows = np.flatnonzero((lang == name) & kept)
        rows = rows[np.argsort(score[rows], kind="stable")]
        run = np.cumsum(tokens[rows])
        if len(rows):
            chosen[rows[run - tokens[rows] < share * run[-1] - 1e-9]] = True
    return chosen
