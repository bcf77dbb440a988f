"""From scores to a mix: select, hold out, and decide how often each document goes in, on numbers alone.

A row of the corpus is some 40 bytes here: 8 GB for 200 million documents. Ids, sources and texts stay on disk; what is
decided is laid down shard by shard beside the scores, and read as a stream where documents are written.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from in2x.corpus.columns import BUCKETS, Names, buckets, chosen, strata
from in2x.corpus.config import CorpusConfig
from in2x.corpus.kernels import scramble
from in2x.corpus.mix import mix
from in2x.corpus.shards import batches, write_batches
from in2x.errors import In2xError

SCORES = ("perplexity", "quality", "tokens", "classifier", "lm_perplexity")
KEPT, QUALITY, SELECT, MIX = range(4)
GATES = (None, "quality", "select", "mix")
DECIDED = pa.schema(
    [
        ("index", pa.uint64()), ("id", pa.large_string()), ("lang", pa.large_string()), ("domain", pa.large_string()),
        ("source", pa.large_string()), ("perplexity", pa.float64()), ("quality", pa.float64()), ("tokens", pa.int64()),
        ("classifier", pa.float64()), ("lm_perplexity", pa.float64()), ("bucket", pa.large_string()),
        ("gate", pa.large_string()), ("reason", pa.large_string()), ("count", pa.int32()), ("held", pa.bool_()),
    ]
)  # fmt: skip
"""A scored row with what became of it: `count` copies in the mix, or `held` out, or rejected by `gate`."""


@dataclass
class Rows:
    """The scored rows of all shards, one number a row and column; `*_names` name the codes."""

    folders: list[Path]
    ends: list[int]
    """Row behind the last of each shard."""
    key: NDArray[np.uint64]
    lang: NDArray[np.int32]
    domain: NDArray[np.int32]
    source: NDArray[np.int32]
    perplexity: NDArray[np.float64]
    tokens: NDArray[np.int64]
    gate: NDArray[np.int8]
    repeated: NDArray[np.bool_]
    """The id was used before."""
    langs: Names = field(default_factory=Names)
    domains: Names = field(default_factory=Names)
    sources: Names = field(default_factory=Names)
    bucket: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    count: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    held: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def batches(self, columns: list[str]) -> Iterator[tuple[slice, pa.RecordBatch]]:
        """Columns of the scored shards again, each batch with its place among the rows."""
        at = 0
        for folder in self.folders:
            for batch in batches(folder, columns):
                yield slice(at, at + batch.num_rows), batch
                at += batch.num_rows


def scored_rows(config: CorpusConfig, folders: list[Path]) -> Rows:
    """The scored rows, with bucket, and the gates of the plain rules and of the selection.

    Raises:
        In2xError: `config.select` cannot be evaluated.
    """
    langs, domains, sources = Names(), Names(), Names()
    columns: dict[str, list[Any]] = {}
    ends = []
    at = 0
    for folder in folders:
        for batch in batches(folder, ["key", "id_key", "lang", "domain", "source", "perplexity", "tokens", "rule"]):
            got = {
                "key": batch.column("key").to_numpy(), "id_key": batch.column("id_key").to_numpy(),
                "lang": langs.codes(batch.column("lang")), "domain": domains.codes(batch.column("domain")),
                "source": sources.codes(batch.column("source")),
                "perplexity": batch.column("perplexity").to_numpy(zero_copy_only=False),
                "tokens": batch.column("tokens").to_numpy(),
                "gate": np.where(batch.column("rule").is_null(), KEPT, QUALITY).astype(np.int8),
            }  # fmt: skip
            for name, values in got.items():
                columns.setdefault(name, []).append(values.copy())
            at += batch.num_rows
        ends.append(at)
    whole = {name: np.concatenate(columns.pop(name)) for name in list(columns)}
    if not whole:
        whole = {name: np.zeros(0, np.int64) for name in ("key", "id_key", *DECIDED.names[2:7], "gate")}
    repeated = _repeated(whole.pop("id_key"))
    _fill_domains(whole["domain"], whole["source"], domains, sources, config)
    named = {name: whole[name] for name in ("key", "lang", "domain", "source", "perplexity", "tokens", "gate")}
    rows = Rows(folders, ends, repeated=repeated, langs=langs, domains=domains, sources=sources, **named)
    sound = rows.gate == KEPT
    group = strata(rows.lang, rows.source, sound)
    rows.bucket = buckets(group, np.where(sound, rows.perplexity, np.nan))
    if config.select and sound.any():
        _select(config.select, rows)
    return rows


def _repeated(ids: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which rows have an id that an earlier row has, by the hash of the id."""
    order = np.argsort(ids, kind="stable")
    found = np.zeros(len(ids), bool)
    found[order[1:]] = ids[order[1:]] == ids[order[:-1]]
    return found


def _fill_domains(
    domain: NDArray[np.int32], source: NDArray[np.int32], domains: Names, sources: Names, config: CorpusConfig
) -> None:
    """Name the domain of documents that name none, by their source."""
    none = domains.code(None)
    by_source = [domains.code(_first(config.domains, name or "", config.domain)) for name in sources.values]
    empty = domain == none
    domain[empty] = np.array([*by_source, none], np.int32)[source[empty]]


def _first(patterns: dict[str, Any], name: str, otherwise: Any) -> Any:
    return next((value for pattern, value in patterns.items() if fnmatch.fnmatch(name, pattern)), otherwise)


def _select(select: str, rows: Rows) -> None:
    bucket, domain = np.array([*BUCKETS, None], object), rows.domains.array()
    for part, batch in rows.batches(["id", "lang", "source", *SCORES]):
        sound = np.flatnonzero(rows.gate[part] == KEPT)
        shown = {name: batch.column(name).take(pa.array(sound)) for name in ("id", "lang", "source", *SCORES)}
        shown["bucket"] = pa.array(bucket[rows.bucket[part][sound]], pa.string())
        shown["domain"] = pa.array(domain[rows.domain[part][sound]], pa.string())
        columns = ("id", "lang", "domain", "source", "bucket", *SCORES)
        table = pa.table({name: shown[name].cast(_SHOWN.get(name, pa.string())) for name in columns})
        rows.gate[part][sound[~chosen(table, select, "corpus.select")]] = SELECT


_SHOWN = {name: DECIDED.field(name).type for name in SCORES}


def check_select(select: str) -> None:
    """Raise In2xError where `corpus.select` cannot be evaluated."""
    columns = ("id", "lang", "domain", "source", "bucket", *SCORES)
    chosen(pa.table({name: pa.array([], _SHOWN.get(name, pa.string())) for name in columns}), select, "corpus.select")


def choose(config: CorpusConfig, rows: Rows, languages: list[str], seed: int) -> dict[str, Any]:
    """Hold out and mix: fills `rows.count` and `rows.held`; returns the figures of the mix.

    Raises:
        In2xError: a language of the recipe has no document left, or misses its target and may not.
    """
    kept = np.flatnonzero(rows.gate == KEPT)
    present = {rows.langs.values[code] for code in np.unique(rows.lang[kept])}
    for lang in languages:
        if lang not in present:
            raise In2xError(f"no document in {lang!r} is left for the corpus",
                            mend="give raw text or sentence pairs of it, or drop it from languages")  # fmt: skip
    # A seeded random number a document that depends on nothing but its text.
    order = scramble(rows.key.astype(np.uint64), np.uint64(seed))
    rows.held = _heldout(rows, kept, order, config)
    pool = kept[~rows.held[kept]]
    caps = np.array([max(1.0, _first(config.mix.sources, name or "", config.mix.epochs))
                     for name in rows.sources.values] or [1.0])  # fmt: skip
    copies, cells = mix(
        rows.langs.array()[rows.lang[pool]], rows.domains.array()[rows.domain[pool]], rows.tokens[pool],
        caps[rows.source[pool]], order[pool], languages, config.mix,
    )  # fmt: skip
    rows.count = np.zeros(len(rows.gate), np.int32)
    rows.count[pool] = copies
    rows.gate[pool[copies == 0]] = MIX
    return {
        "mix": [asdict(cell) for cell in cells], "kept": int((rows.count > 0).sum()), "held": int(rows.held.sum()),
        "documents": int(rows.count.sum()), **_counted(rows),
    }  # fmt: skip


def _heldout(rows: Rows, kept: NDArray[np.int64], order: NDArray[np.uint64], config: CorpusConfig) -> Any:
    """Rows kept apart, bool `[rows]`: by (language, domain) the first in seeded order, up to a number and a share."""
    held = np.zeros(len(rows.gate), bool)
    cell = rows.lang[kept].astype(np.int64) * len(rows.domains.values) + rows.domain[kept]
    for number in np.unique(cell):
        here = kept[cell == number]
        most = min(config.heldout, int(config.heldout_share * len(here)))
        held[here[np.argsort(order[here], kind="stable")][:most]] = True
    return held


def _counted(rows: Rows) -> dict[str, Any]:
    """Figures of what got in: by language, domain and source; quantiles of perplexity; documents by bucket."""
    taken = np.flatnonzero(rows.count)
    figures: dict[str, Any] = {}
    for label, codes, names in (
        ("languages", rows.lang, rows.langs), ("domains", rows.domain, rows.domains),
        ("sources", rows.source, rows.sources),
    ):  # fmt: skip
        size = len(names.values)
        sums = [np.bincount(codes[taken], weights, size) for weights in
                (None, rows.count[taken], rows.count[taken] * rows.tokens[taken])]  # fmt: skip
        cells = {str(name): {"documents": int(sums[0][k]), "copies": int(sums[1][k]), "tokens": int(sums[2][k])}
                 for k, name in enumerate(names.values) if sums[0][k]}  # fmt: skip
        figures[label] = dict(sorted(cells.items(), key=lambda item: -item[1]["tokens"])[:50])
    figures["perplexity"], figures["buckets"] = {}, {}
    for code, lang in sorted(enumerate(rows.langs.values), key=lambda item: str(item[1])):
        here = taken[rows.lang[taken] == code]
        if len(here):
            quantiles = np.nanquantile(rows.perplexity[here], (0.05, 0.25, 0.5, 0.75, 0.95))
            figures["perplexity"][lang] = [round(float(q), 2) for q in quantiles]
            counts = Counter(rows.bucket[here].tolist())
            figures["buckets"][lang] = {BUCKETS[k]: counts[k] for k in range(len(BUCKETS)) if counts[k]}
    return figures


def lay_down(config: CorpusConfig, rows: Rows, target: Callable[[int], Path]) -> None:
    """Write what was decided of the rows of each shard as `DECIDED`, to the file `target(number of the shard)`."""
    starts = [0, *rows.ends]
    for number, folder in enumerate(rows.folders):
        file = target(number)
        if file.exists():
            continue
        partial = file.with_suffix(".partial")
        write_batches(partial, DECIDED, _decided(config, rows, folder, starts[number]))
        partial.rename(file)


def _decided(config: CorpusConfig, rows: Rows, folder: Path, at: int) -> Iterator[pa.RecordBatch]:
    gates, bucket, domains = np.array(GATES, object), np.array([*BUCKETS, None], object), rows.domains.array()
    langs = rows.langs.array()
    over = np.array([[f"over the target of {lang}/{domain}" for domain in domains] for lang in langs], object)
    for batch in batches(folder, ["index", "id", "lang", "source", *SCORES, "rule"]):
        part = slice(at, at + batch.num_rows)
        at += batch.num_rows
        gate = rows.gate[part]
        ids = batch.column("id")
        if rows.repeated[part].any():  # two records of one id are two documents: the later ones carry their index
            index, again = batch.column("index").to_pylist(), rows.repeated[part]
            ids = pa.array([f"{name}#{index[k]:x}" if again[k] else name for k, name in enumerate(ids.to_pylist())])
        reason = np.full(batch.num_rows, None, object)
        reason[gate == SELECT] = f"not {config.select}"
        reason[gate == MIX] = over[rows.lang[part], rows.domain[part]][gate == MIX]
        values = {
            **{name: batch.column(name) for name in ("index", "lang", "source", *SCORES)}, "id": ids,
            "domain": pa.array(domains[rows.domain[part]], pa.string()),
            "bucket": pa.array(bucket[rows.bucket[part]], pa.string()), "gate": pa.array(gates[gate], pa.string()),
            "reason": pa.array(np.where(gate == QUALITY, np.array(batch.column("rule").to_pylist(), object), reason),
                               pa.string()),
            "count": pa.array(rows.count[part]), "held": pa.array(rows.held[part]),
        }  # fmt: skip
        yield pa.RecordBatch.from_arrays([values[f.name].cast(f.type) for f in DECIDED], schema=DECIDED)
