"""From scores to documents: select, hold out, mix on ids, and write what was chosen."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from in2x.corpus.bilingual import bilingual_documents
from in2x.corpus.columns import buckets, chosen
from in2x.corpus.config import BilingualConfig, CorpusConfig
from in2x.corpus.kernels import scramble
from in2x.corpus.mix import Cell, mix
from in2x.corpus.shards import batches
from in2x.corpus.styled import styled_documents
from in2x.errors import In2xError
from in2x.records import Document, Pair, read_records, write_records
from in2x.stage import Stage

NAMES = ("id", "lang", "domain", "source", "rule")
NUMBERS = ("index", "perplexity", "quality", "tokens", "classifier", "lm_perplexity")
Table = dict[str, Any]
"""Columns of the scored rows, `[rows]` each, in order of `index`: `NAMES` as objects, `NUMBERS`, `bucket`, and `gate`
and `reason` (None for a row that is selected)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How often each scored row goes in, int64 `[rows]`; which are held out, bool `[rows]`; the cells of the mix."""

    count: NDArray[np.int64]
    held: NDArray[np.bool_]
    cells: list[Cell]


def scored_table(config: CorpusConfig, folders: list[Path]) -> Table:
    """The scored rows of all shards, with bucket, gate and reason.

    Raises:
        In2xError: `config.select` cannot be evaluated.
    """
    names = [*NAMES, *NUMBERS]
    found = [b for folder in folders for b in batches(folder, names)]
    rows = (pa.Table.from_batches(found) if found else pa.table({n: [] for n in names})).sort_by("index")
    table: Table = {n: np.array(rows[n].to_pylist(), object) for n in NAMES}
    table |= {n: rows[n].to_numpy() for n in NUMBERS}
    _domains(table, config)
    _unique_ids(table)
    table["gate"] = np.array([None if rule is None else "quality" for rule in table["rule"]], object)
    table["reason"] = table.pop("rule")
    table["bucket"] = np.full(len(table["id"]), None, object)
    sound = np.flatnonzero(table["gate"] == None)  # noqa: E711 -- elementwise
    table["bucket"][sound] = buckets(table["lang"][sound], table["perplexity"][sound])
    if config.select and len(sound):
        columns = ("id", "lang", "domain", "source", "bucket", *NUMBERS[1:])
        shown = pa.table({n: pa.array(table[n][sound], from_pandas=True, type=_TYPES[n]) for n in columns})
        left_out = sound[~chosen(shown, config.select, "corpus.select")]
        table["gate"][left_out], table["reason"][left_out] = "select", f"not {config.select}"
    return table


_TYPES: dict[str, Any] = {n: pa.string() for n in ("id", "lang", "domain", "source", "bucket")} | {
    n: pa.float64() for n in ("perplexity", "quality", "classifier", "lm_perplexity")
} | {"tokens": pa.int64()}  # fmt: skip


def _domains(table: Table, config: CorpusConfig) -> None:
    """Fill in the domain of documents that name none."""
    by_source: dict[str, str] = {}
    for k, domain in enumerate(table["domain"]):
        if domain is None:
            source = table["source"][k]
            if source not in by_source:
                hits = [d for pattern, d in config.domains.items() if fnmatch.fnmatch(source, pattern)]
                by_source[source] = hits[0] if hits else config.domain
            table["domain"][k] = by_source[source]


def _unique_ids(table: Table) -> None:
    """Two records of one id are two documents: the later ones carry their index behind it."""
    seen: set[str] = set()
    for k, name in enumerate(table["id"]):
        if name in seen:
            table["id"][k] = f"{name}#{int(table['index'][k]):x}"
        seen.add(table["id"][k])


def choose(config: CorpusConfig, table: Table, languages: list[str], seed: int) -> Choice:
    """Hold out and mix, on numbers only.

    Raises:
        In2xError: a language of the recipe has no document left, or misses its target and may not.
    """
    kept = np.flatnonzero(table["gate"] == None)  # noqa: E711
    present = set(table["lang"][kept])
    for lang in languages:
        if lang not in present:
            raise In2xError(f"no document in {lang!r} is left for the corpus",
                            mend="give raw text or sentence pairs of it, or drop it from languages")  # fmt: skip
    # A seeded random number a document that depends on nothing but its index.
    order = scramble(table["index"].astype(np.uint64), np.uint64(seed))
    held = _heldout(table, kept, order, config)
    pool = kept[~held[kept]]
    caps = np.array([_cap(source, config) for source in table["source"][pool]], float)
    copies, cells = mix(
        table["lang"][pool], table["domain"][pool], table["tokens"][pool], caps, order[pool], languages, config.mix
    )
    count = np.zeros(len(table["index"]), np.int64)
    count[pool] = copies
    return Choice(count, held, cells)


def _heldout(table: Table, rows: Any, order: Any, config: CorpusConfig) -> NDArray[np.bool_]:
    """Rows kept apart: by (language, domain) the first in seeded order, up to a number and a share."""
    held = np.zeros(len(table["index"]), bool)
    keys = np.array([f"{table['lang'][k]}\0{table['domain'][k]}" for k in rows], object)
    for key in sorted(set(keys)):
        here = rows[keys == key]
        most = min(config.heldout, int(config.heldout_share * len(here)))
        held[here[np.argsort(order[here], kind="stable")][:most]] = True
    return held


def _cap(source: str, config: CorpusConfig) -> float:
    hits = [cap for pattern, cap in config.mix.sources.items() if fnmatch.fnmatch(source, pattern)]
    return max(1.0, hits[0]) if hits else config.mix.epochs


def _document(table: Table, k: int, text: str, copy: int = 1) -> Document:
    scores = {n: float(table[n][k]) for n in ("perplexity", "quality", "classifier", "lm_perplexity")}
    return Document(
        id=table["id"][k] + (f"~{copy}" if copy > 1 else ""), text=text, lang=table["lang"][k],
        domain=table["domain"][k], source=table["source"][k], tokens=int(table["tokens"][k]),
        bucket=table["bucket"][k], **{n: None if np.isnan(v) else round(v, 4) for n, v in scores.items()},
    )  # fmt: skip


def _texts(folder: Path, table: Table, wanted: NDArray[np.bool_]) -> dict[int, str]:
    """Text by row of the table, of the wanted rows in one shard."""
    texts: dict[int, str] = {}
    for batch in batches(folder, ["index", "text"]):
        rows = np.searchsorted(table["index"], batch.column("index").to_numpy())
        inside = rows < len(table["index"])
        inside[inside] = table["index"][rows[inside]] == batch.column("index").to_numpy()[inside]
        for at in np.flatnonzero(inside):
            if wanted[int(rows[at])]:
                texts[int(rows[at])] = batch.column("text")[int(at)].as_py()
    return texts


def write_documents(stage: Stage, prepared: list[Path], table: Table, choice: Choice) -> None:
    """The mix, shard by shard in order of `index`, and the held-out documents."""
    apart: list[Document] = []
    wanted = (choice.count > 0) | choice.held
    for number, folder in enumerate(stage.track(prepared, "write")):

        def documents(folder: Path = folder) -> Iterator[Document]:
            for k, text in sorted(_texts(folder, table, wanted).items()):
                if choice.held[k]:
                    apart.append(_document(table, k, text))
                for copy in range(1, int(choice.count[k]) + 1):
                    yield _document(table, k, text, copy)

        write_records(stage.out / "documents" / f"part-{number:05d}.parquet", documents(), Document)
    dev = stage.input("data") / "pairs.dev.parquet"
    if dev.exists():
        apart.extend(
            bilingual_documents(list(read_records(dev, Pair))[:400], 1e9, BilingualConfig(epochs=1.0), stage.seed)
        )
    write_records(stage.out / "heldout.parquet", apart, Document)
    stage.figures["mix"] = [asdict(cell) for cell in choice.cells]


def write_bilingual(config: CorpusConfig, stage: Stage, pairs: list[Pair], wanted: float) -> None:
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
    stage.figures["bilingual"] = {"wanted": int(wanted), "got": tokens, "documents": count, "pairs": len(pairs),
                                  "layouts": dict(sorted(used.items()))}  # fmt: skip


def write_styled(
    config: CorpusConfig, stage: Stage, prepared: list[Path], table: Table, choice: Choice, wanted: float
) -> None:
    """`documents/styled.parquet` from documents of the mix in the target language; nothing where no share is asked."""
    if not config.styled.share:
        return
    lang = stage.recipe.languages.target
    rows = np.flatnonzero((choice.count > 0) & (table["lang"] == lang))
    rows = rows[np.argsort(scramble(table["index"][rows].astype(np.uint64), np.uint64(stage.seed + 1)), kind="stable")]
    # Half of the passages may show no register: read twice what is wanted, so that few shards are read for nothing.
    enough = np.cumsum(table["tokens"][rows]) - table["tokens"][rows] < 2 * wanted
    chosen_rows = np.zeros(len(table["index"]), bool)
    chosen_rows[rows[enough]] = True
    tags: Counter[str] = Counter()
    tokens = 0

    def documents() -> Iterator[Document]:
        nonlocal tokens
        texts = (
            (table["id"][k], text)
            for folder in prepared
            for k, text in sorted(_texts(folder, table, chosen_rows).items())
        )
        for document, found in styled_documents(texts, lang, wanted, config.styled):
            tags.update(found)
            tokens += document.tokens or 0
            yield document

    count = write_records(stage.out / "documents" / "styled.parquet", documents(), Document)
    stage.figures["styled"] = {"wanted": int(wanted), "got": tokens, "documents": count,
                               "passages": dict(tags.most_common())}  # fmt: skip
