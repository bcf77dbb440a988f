"""Data views: which documents of a corpus a phase reads. All scores are columns; a view is an expression over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from in2x.corpus.columns import chosen
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

    "Best" is the mean of two ranks inside the language, by perplexity (low is good) and by quality (high is good);
    a document without a score takes the middle rank. Shares are cut in order of the score until they are filled, so
    at least one document of each language stays.

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
    at = 0
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(1024):
                rows = batch.num_rows
                if kept is not None:
                    batch = batch.filter(np.asarray(kept[at : at + rows]))
                at += rows
                for row in batch.to_pylist():
                    yield Document.from_row(row)


def _chosen(files: list[Path], view: View) -> np.ndarray | None:
    """Which rows of the files, in order, the view keeps; None for all."""
    if view == View():
        return None
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = []
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(1024):
                chars = pc.utf8_length(batch.column("text"))
                parts.append(pa.Table.from_batches([batch]).drop_columns(["text"]).append_column("chars", chars))
    table = pa.concat_tables(parts)
    kept = np.ones(table.num_rows, bool)
    if view.where:
        kept = chosen(table, view.where, "view.where")
    lang = np.array(table["lang"].to_pylist())
    tokens = np.array([t or 1 for t in table["tokens"].to_pylist()], float)
    if view.longest < 1:
        kept &= _share(lang, tokens, -tokens, kept, view.longest)
    if view.best < 1:
        perplexity = np.array([np.nan if v is None else v for v in table["perplexity"].to_pylist()], float)
        quality = np.array([np.nan if v is None else v for v in table["quality"].to_pylist()], float)
        score = np.zeros(len(lang))
        for name in np.unique(lang):
            here = (lang == name) & kept
            score[here] = _rank(perplexity[here]) + _rank(-quality[here])
        kept &= _share(lang, tokens, score, kept, view.best)
    return kept


def _rank(values: np.ndarray) -> np.ndarray:
    """Rank 0 .. 1 of each value (low first, ties alike); 0.5 for NaN."""
    ranks = np.full(len(values), 0.5)
    known = np.flatnonzero(~np.isnan(values))
    if len(known) > 1:
        _, inverse, counts = np.unique(values[known], return_inverse=True, return_counts=True)
        middle = np.cumsum(counts) - (counts + 1) / 2
        ranks[known] = middle[inverse] / (len(known) - 1)
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
