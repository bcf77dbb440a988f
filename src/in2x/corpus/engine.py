"""Daft as the room uses it: which runner, and the user-defined functions of the pipeline.

Kernel functions work on Arrow buffers and release the GIL, so they run in Daft's own threads; the cleaning rules are
plain Python, and Daft may give them processes. None of them raises for what is wrong with a text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import daft
import numpy as np
import pyarrow as pa
from daft import DataType, col
from daft.exceptions import DaftCoreException

from in2x.contamination.table import Contamination
from in2x.corpus.causal import causal_perplexity
from in2x.corpus.classifier import Classifier
from in2x.corpus.clean import UNREADABLE, Ruby, clean, rules
from in2x.corpus.config import CorpusConfig
from in2x.corpus.dedup import band_column
from in2x.corpus.kernels import folds, signatures
from in2x.corpus.ngram import NgramModel
from in2x.corpus.personal import Kind
from in2x.corpus.quality import heuristics
from in2x.corpus.read import Limits, Split, read_split
from in2x.corpus.readers import LEFT_OUT
from in2x.corpus.tokens import estimate_tokens
from in2x.corpus.tongues import document_languages, own_lines
from in2x.errors import In2xError
from in2x.language import unspaced
from in2x.language.identify import UNKNOWN
from in2x.language.kernels import column
from in2x.language.signs import signs

_ROW = DataType.struct({
    "index": DataType.uint64(), "id": DataType.string(), "source": DataType.string(), "domain": DataType.string(),
    "text": DataType.string(), "file": DataType.string(), "line": DataType.int64(), "fault": DataType.string(),
})  # fmt: skip


MOST_LOST = (3, 0.005)
"""Characters that could not be decoded, and their share, from which a document is rejected (our choice)."""


def start(config: CorpusConfig) -> None:
    """Choose the runner. In one process it cannot be changed any more once a frame was computed."""
    if config.engine == "ray":
        try:
            daft.set_runner_ray(address=config.ray_address, noop_if_initialized=True)
        except ImportError:
            raise In2xError("corpus.engine is ray, but Ray is not installed", mend='pip install "in2x[ray]"') from None
    elif daft.get_or_infer_runner_type() != "native":
        daft.set_runner_native()


@daft.func(return_dtype=_ROW, use_process=False)  # type: ignore[untyped-decorator]
def _read(
    file: int, path: str, kind: str, encoding: str, start: int, stop: int, line: int, size: int,
    record_bytes: int, document_chars: int, fields: str, ruby: str,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    limits = Limits(record_bytes, document_chars, json.loads(fields), ruby)
    yield from read_split(Split(file, path, kind, encoding, start, stop, line, size), limits)


def limits(config: CorpusConfig) -> Limits:
    """What the knobs allow a record."""
    return Limits(config.max_record_mb << 20, config.max_document_chars, config.fields, config.ruby)


def read(splits: list[Split], config: CorpusConfig) -> Any:
    """DataFrame of the raw rows of `splits`: the columns of `read_split`."""
    frame = daft.from_pydict({name: [getattr(s, name) for s in splits] for name in Split.__slots__})
    if len(splits) > 1:
        frame = frame.into_batches(1)
    asked = (config.max_record_mb << 20, config.max_document_chars, json.dumps(config.fields), config.ruby)
    row = _read(*(col(name) for name in Split.__slots__), *asked)
    # A split without a record gives one row of nulls.
    return frame.select(row.alias("row")).select(col("row").unnest()).where(col("index").not_null())


def each(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """`function(item)` of each item, in order, by Daft's workers; items and results are plain JSON values."""
    if len(items) < 2:
        return [function(item) for item in items]

    @daft.func(return_dtype=DataType.string(), use_process=False)  # type: ignore[untyped-decorator]
    def asked(item: str) -> str:
        return json.dumps(function(json.loads(item)))

    given = {"at": list(range(len(items))), "item": [json.dumps(item) for item in items]}
    frame = daft.from_pydict(given).into_batches(1).select("at", asked(col("item")).alias("got")).to_pydict()
    got = dict(zip(frame["at"], frame["got"], strict=True))
    return [json.loads(got[k]) for k in range(len(items))]


@contextmanager
def sentences() -> Iterator[None]:
    """What a worker has to say to the user comes out of Daft inside a longer message: say that alone."""
    try:
        yield
    except DaftCoreException as error:
        if told := _SENTENCE.search(str(error)):
            raise In2xError(told[1]) from None
        raise


_SENTENCE = re.compile(r"\bIn2xError: ([^\n]+?)\.?$", re.M)

PIECE = 16 << 20
"""Bytes that one machine reads ahead of cleaning."""
EXPANSION = 6
"""How much longer a compressed file is taken to be than it looks."""
_ROWS = {"index": pa.uint64(), "line": pa.int64()}


def pieces(splits: list[Split], config: CorpusConfig) -> Iterator[Any]:
    """DataFrames as `read` gives them, in order, none of which holds much more than `PIECE` bytes of text.

    Daft holds all rows of a split. A file that cannot be cut is therefore read here, ahead of cleaning by one piece.
    """
    together: list[Split] = []
    for split in splits:
        long = EXPANSION * split.size > 2 * PIECE and not split.stop
        if together and (long or sum(s.size for s in together) + split.size > PIECE):
            yield read(together, config)
            together = []
        if long:
            yield from map(daft.from_arrow, _ahead(_tables(split, config)))
        else:
            together.append(split)
    if together:
        yield read(together, config)


def _tables(split: Split, config: CorpusConfig) -> Iterator[pa.Table]:
    """The rows of one split as tables of about `PIECE` bytes."""
    schema = pa.schema([(f.name, _ROWS.get(f.name, pa.large_string())) for f in _ROW.to_arrow_dtype()])
    held: list[dict[str, Any]] = []
    size = 0
    for row in read_split(split, limits(config)):
        held.append(row)
        size += 2 * len(row["text"] or "")
        if size >= PIECE:
            yield pa.Table.from_pylist(held, schema)
            held, size = [], 0
    if held:
        yield pa.Table.from_pylist(held, schema)


def _ahead(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """`tables`, each made while the one before is at work."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, tables, None)
        while (table := coming.result()) is not None:
            coming = thread.submit(next, tables, None)
            yield table


@daft.func.batch(
    return_dtype=DataType.struct({
        "text": DataType.string(), "raw_chars": DataType.int64(), "rules": DataType.list(DataType.int32()),
        "lang": DataType.string(), "foreign_lines": DataType.int32(), "gate": DataType.string(),
        "reason": DataType.string(), "touched": DataType.list(DataType.string()), "cut_lines": DataType.int32(),
    }),
    unnest=True, batch_size=64,
)  # type: ignore[untyped-decorator]  # fmt: skip
def prepare(
    text: Any, fault: Any, ruby: Ruby, personal: list[Kind], languages: list[str], max_foreign: float, sets: str
) -> Any:
    """Clean each text, find its language, drop foreign and contaminated lines.

    `gate` and `reason` say why a row was rejected; `touched` names the evaluation sets it shares text with.

    Args:
        sets: path of the saved `Contamination`, "" for none.
    """
    order = rules(ruby, tuple(personal))
    raw, faults = text.to_pylist(), fault.to_pylist()
    cleaned = [clean(t or "", order) for t in raw]
    texts = [t for t, _ in cleaned]
    langs = document_languages(texts)
    types = {"text": pa.large_string(), "raw_chars": pa.int64(), "rules": pa.large_list(pa.int32()),
             "lang": pa.large_string(), "foreign_lines": pa.int32(), "gate": pa.large_string(),
             "reason": pa.large_string(), "touched": pa.large_list(pa.large_string()),
             "cut_lines": pa.int32()}  # fmt: skip
    out: dict[str, list[Any]] = {name: [] for name in types}
    for k, (new, counts) in enumerate(cleaned):
        gate = reason = None
        lines = 0
        if faults[k] is not None:
            left_out = faults[k].startswith(LEFT_OUT)
            gate, reason = ("no_text", faults[k].removeprefix(LEFT_OUT)) if left_out else ("read", faults[k])
        elif not new:
            gate, reason = "clean", "nothing is left"
        elif (lost := new.count(UNREADABLE)) >= MOST_LOST[0] and lost > MOST_LOST[1] * len(new):
            gate, reason = "clean", "characters that could not be decoded"
        elif langs[k] not in languages:
            gate, reason = "language", langs[k] if langs[k] != UNKNOWN else "not told"
        else:
            kept, lines, share = own_lines(new, langs[k], languages)
            if share > max_foreign:
                gate, reason = "language", "mixed"
            else:
                new = kept.strip("\n")
        values: tuple[Any, ...] = (new, len(raw[k] or ""), counts, langs[k], lines, gate, reason, [], 0)
        for name, value in zip(out, values, strict=True):
            out[name].append(value)
    if sets:
        _drop_contaminated(out, _contamination(sets))
    return pa.StructArray.from_arrays([pa.array(out[n], t) for n, t in types.items()], names=list(types))


def _drop_contaminated(out: dict[str, list[Any]], found: Contamination) -> None:
    """Cut matched lines out of the rows that are still kept; a row that is mostly match is rejected."""
    rows = [k for k, gate in enumerate(out["gate"]) if gate is None]
    matches = found.documents([out["text"][k] for k in rows])
    for k, (left, names, share, lines) in zip(rows, matches, strict=True):
        if names:
            out["touched"][k] = names
            if share > found.config.max_share or not left:
                out["gate"][k], out["reason"][k] = "decontaminate", ", ".join(names)
            else:
                out["text"][k], out["cut_lines"][k] = left, lines


def signer(config: CorpusConfig) -> Any:
    """Expression over `text` and `lang`: a struct `exact_a, exact_b, signs` and one `band_column` a band."""
    near = config.dedup
    names = ["exact_a", "exact_b", "signs", *(band_column(b) for b in range(near.bands))]
    fields = {n: DataType.uint64() for n in names}

    @daft.func.batch(return_dtype=DataType.struct(fields), unnest=True, use_process=False)  # type: ignore[untyped-decorator]
    def sign(text: Any, lang: Any) -> Any:
        by_char = np.array([unspaced(code) for code in lang.to_pylist()], bool)
        exact, keys = signatures(
            *column(text.to_arrow()), by_char, near.char_size, near.word_size, near.bands, near.rows
        )
        columns = [*exact.T, np.array([_hash(signs(t or "")) for t in text.to_pylist()], np.uint64), *keys.T]
        arrays = [pa.array(np.ascontiguousarray(values)) for values in columns]
        return pa.StructArray.from_arrays(arrays, names=names)

    return sign(col("text"), col("lang"))


def _hash(found: tuple[str, ...]) -> int:
    return int.from_bytes(blake2b("\0".join(found).encode(), digest_size=8).digest(), "big") if found else 0


SCORES = {
    "perplexity": DataType.float64(), "quality": DataType.float64(), "tokens": DataType.int64(),
    "classifier": DataType.float64(), "lm_perplexity": DataType.float64(), "rule": DataType.string(),
}  # fmt: skip
"""Columns of scores; `rule` names the heuristic rule that rejects the text, if one does."""


def scorer(config: CorpusConfig, models: dict[str, str], classifiers: dict[str, str]) -> Any:
    """Expression over `text, lang, key`: a struct of `SCORES`.

    Args:
        models, classifiers: path of the n-gram model and of the classifier of "<lang>-<fold>"; a document of one fold
            (`folds` of its key) is scored by the one made from the other, so that none is scored by a model that has
            seen it. A language without a classifier gets nulls.
    """

    @daft.func.batch(return_dtype=DataType.struct(SCORES), unnest=True, use_process=False, batch_size=64)  # type: ignore[untyped-decorator]
    def score(text: Any, lang: Any, key: Any) -> Any:
        texts = text.to_arrow()
        langs = np.array(lang.to_pylist())
        halves = folds(key.to_arrow().to_numpy(zero_copy_only=False))
        by_char = np.array([unspaced(code) for code in langs], bool)
        perplexity, good, causal = (np.full(len(langs), np.nan) for _ in range(3))
        for name in np.unique(langs):
            for k in (0, 1):
                rows = np.flatnonzero((langs == name) & (halves == k))
                if not len(rows):
                    continue
                mine, other = texts.take(pa.array(rows)), f"{name}-{1 - k}"
                perplexity[rows] = _model(models[other]).perplexity(mine)
                if other in classifiers:
                    good[rows] = _classifier(classifiers[other]).score(mine, by_char[rows])
        if config.causal.model:
            causal = causal_perplexity(
                config.causal.model, texts.to_pylist(), context=config.causal.context, chars=config.causal.chars
            )
        quality, rules = heuristics(texts, by_char, config.min_chars)
        arrays = [
            pa.array(perplexity, from_pandas=True), pa.array(quality), pa.array(estimate_tokens(texts)),
            pa.array(good, from_pandas=True), pa.array(causal, from_pandas=True), pa.array(rules, pa.large_string()),
        ]  # fmt: skip
        return pa.StructArray.from_arrays(arrays, names=list(SCORES))

    return score(col("text"), col("lang"), col("key"))


def _model(path: str) -> NgramModel:
    return cast(NgramModel, _loaded(NgramModel, path, Path(path).stat().st_mtime_ns))


def _classifier(path: str) -> Classifier:
    return cast(Classifier, _loaded(Classifier, path, Path(path).stat().st_mtime_ns))


def _contamination(path: str) -> Contamination:
    return cast(Contamination, _loaded(Contamination, path, Path(path).stat().st_mtime_ns))


@lru_cache(maxsize=64)
def _loaded(kind: Any, path: str, written: int) -> Any:
    """What was saved at `path`, read once a process for each time it was written."""
    return kind.load(Path(path))
