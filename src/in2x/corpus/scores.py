"""Scores of the documents: models counted on what survived, then one pass that only adds columns."""

from __future__ import annotations

import fnmatch
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import daft
import numpy as np
import pyarrow as pa
from daft import DataType, col
from numpy.typing import NDArray

from in2x.artifact import write_json
from in2x.corpus import engine
from in2x.corpus.classifier import Classifier, ranking_quality
from in2x.corpus.clean import clean, rules
from in2x.corpus.config import CorpusConfig
from in2x.corpus.dedup import member
from in2x.corpus.kernels import folds, scramble
from in2x.corpus.ngram import NgramModel
from in2x.corpus.read import find_files, plan, read_split
from in2x.corpus.sample import reference_texts, sampled_texts
from in2x.corpus.shards import frame, span, survivors, write_shard
from in2x.errors import In2xError
from in2x.language import unspaced
from in2x.language.identify import identify
from in2x.stage import Stage

Ids = NDArray[np.uint64]
Sample = tuple[list[str], list[str], list[bool]]
"""Texts, their languages, and whether they are good."""


def count_ngrams(
    config: CorpusConfig, stage: Stage, folder: Path, prepared: list[Path], gone: Ids, languages: list[str]
) -> dict[str, str]:
    """Two n-gram models a language, each counted on one half (fold) of the documents: path by "<lang>-<fold>".

    Of a reference that the user names one model is made a language, and both halves are scored by it.

    Raises:
        In2xError: the reference holds no text in a language.
    """
    named = bool(config.ngram_reference)
    kinds = languages if named else [f"{lang}-{fold}" for lang in languages for fold in (0, 1)]
    paths = {kind: folder / f"ngram-{kind}.npz" for kind in kinds}
    missing = [kind for kind, path in paths.items() if not path.exists()]
    texts: dict[str, list[str]] = {}
    if missing and named:
        read = (pair for fold in (0, 1) for pair in _given_texts(config, config.ngram_reference, fold))
        texts = reference_texts(read, config.ngram_bytes)
        if absent := [kind for kind in missing if kind not in texts]:
            raise In2xError(f"corpus.ngram_reference holds no text in {absent[0]!r}",
                            mend="name files in every language of the recipe, or none")  # fmt: skip
    elif missing:
        texts = sampled_texts(prepared, gone, config.ngram_bytes // 2, stage.seed)

    def count(kind: str) -> None:
        partial = paths[kind].with_suffix(".partial")
        NgramModel.train([texts.pop(kind, [])], config.ngram_order, sys.maxsize).save(partial)
        partial.rename(paths[kind])

    # The kernels let go of the interpreter's lock, so threads count side by side.
    with ThreadPoolExecutor(max(1, min(len(missing), os.cpu_count() or 1))) as threads:
        list(threads.map(count, missing))
    return {f"{lang}-{fold}": str(paths[lang if named else f"{lang}-{fold}"]) for lang in languages for fold in (0, 1)}


def train_classifiers(
    config: CorpusConfig, stage: Stage, folder: Path, prepared: list[Path], gone: Ids
) -> dict[str, str]:  # fmt: skip
    """Two classifiers, each trained on one fold, so that no document is scored by one that has seen its label.

    Returns:
        path by "<lang>-<fold>", for the languages that have good text; empty where none was asked for.

    Raises:
        In2xError: no good text, or no other text in its languages.
    """
    if not config.classifier.wanted:
        return {}
    note = folder / "classifier.json"
    if not note.exists():
        stage.say("quality classifier")
        good = [list(_given_texts(config, config.classifier.paths, fold)) for fold in (0, 1)]
        folds = [_sample(config, stage, prepared, gone, fold, good[fold]) for fold in (0, 1)]
        langs = sorted(set.intersection(*({x for x, y in zip(f[1], f[2], strict=True) if y} for f in folds)))
        others = set.intersection(*({x for x, y in zip(f[1], f[2], strict=True) if not y} for f in folds))
        if not langs:
            raise In2xError("the quality classifier finds no good text in both halves of the corpus",
                            mend="correct corpus.classifier.sources and paths, or name more")  # fmt: skip
        if missing := [lang for lang in langs if lang not in others]:
            raise In2xError(f"the quality classifier has no other text than good one in {missing[0]!r}",
                            mend="name less under corpus.classifier, or give more raw text")  # fmt: skip
        figures: dict[str, Any] = {"languages": langs}
        for fold in (0, 1):
            texts, flags, labels = _arrays(folds[fold], langs)
            model = Classifier.train(texts, flags, labels, stage.seed, config.classifier.passes)
            model.save(folder / f"classifier-{fold}.npz")
            texts, flags, labels = _arrays(folds[1 - fold], langs)
            area = ranking_quality(model.score(texts, flags), labels)
            figures[f"fold{fold}"] = {"good": int(labels.sum()), "other": int((~labels).sum()), "auc": round(area, 4)}
        write_json(note, figures)
    figures = json.loads(note.read_text(encoding="utf-8"))
    stage.figures["classifier"] = figures
    return {f"{lang}-{f}": str(folder / f"classifier-{f}.npz") for lang in figures["languages"] for f in (0, 1)}


def _arrays(sample: Sample, langs: list[str]) -> tuple[list[str], NDArray[np.bool_], NDArray[np.bool_]]:
    rows = [k for k, lang in enumerate(sample[1]) if lang in langs]
    flags = np.array([unspaced(sample[1][k]) for k in rows], bool)
    return [sample[0][k] for k in rows], flags, np.array([sample[2][k] for k in rows], bool)


def _given_texts(config: CorpusConfig, paths: tuple[str, ...], fold: int) -> Iterator[tuple[str, str]]:
    """(text, language) of every other record of files that the user names, cleaned as the corpus is."""
    limits = engine.limits(config)
    splits = plan(find_files(paths, Path.cwd()), config.split_mb << 20) if paths else []
    texts = (row["text"] for split in splits for row in read_split(split, limits) if row["text"])
    rows = islice(texts, fold, None, 2)
    order = rules(config.ruby, config.personal)
    while some := [clean(text, order)[0] for text in islice(rows, 256)]:
        yield from zip(some, identify(some), strict=True)


def _sample(
    config: CorpusConfig, stage: Stage, prepared: list[Path], gone: Ids, fold: int, given: list[tuple[str, str]]
) -> Sample:  # fmt: skip
    """At most `samples` good and other documents a language: the ones with the smallest seeded numbers."""
    most = config.classifier.samples
    held: dict[tuple[str, bool], list[tuple[int, str]]] = {}
    for k, (text, lang) in enumerate(given):
        held.setdefault((lang, True), []).append((k, text))
    for folder in prepared:
        for batch in survivors(folder, gone, ["text", "lang", "key", "source"]):
            mine = batch.filter(pa.array(folds(batch.column("key").to_numpy()) == fold))
            keys = scramble(mine.column("key").to_numpy().astype(np.uint64), np.uint64(stage.seed))
            rows = (mine.column(name).to_pylist() for name in ("text", "lang", "source"))
            for key, text, lang, source in zip(keys.tolist(), *rows, strict=True):
                good = any(fnmatch.fnmatch(source, pattern) for pattern in config.classifier.sources)
                held.setdefault((lang, good), []).append((key, text))
            for name, found in held.items():
                if len(found) > 2 * most:
                    held[name] = sorted(found)[:most]
    texts, langs, labels = [], [], []
    for (lang, good), found in sorted(held.items()):
        for _, text in sorted(found)[:most]:
            texts.append(text)
            langs.append(lang)
            labels.append(good)
    return texts, langs, labels


def score_shard(
    config: CorpusConfig, prepared: Path, target: Path, gone: Ids, models: dict[str, str], classifiers: dict[str, str]
) -> None:
    """Score the survivors of one shard into `target`; nothing is decided here but the plain rules.

    Args:
        gone: indices of the duplicates, in order.
    """
    if target.exists():
        return
    first, last = span(prepared)
    here = gone[np.searchsorted(gone, np.uint64(first)) : np.searchsorted(gone, np.uint64(last), side="right")]
    here = np.array(here)  # workers of a cluster have no such file

    # Not a join: Daft holds the texts of a whole shard for one.
    @daft.func.batch(return_dtype=DataType.bool(), use_process=False)  # type: ignore[untyped-decorator]
    def stays(index: Any) -> Any:
        return pa.array(~member(index.to_arrow().to_numpy(), here))

    rows = frame([prepared]).where(col("gate").is_null() & stays(col("index")))
    scores = engine.scorer(config, models, classifiers)
    rows = rows.select("index", "key", "id", "lang", "domain", "source", scores)
    write_shard(rows.with_column("id_key", col("id").hash()), target, config)
