"""Scores of the documents: models counted on what survived, then one pass that only adds columns."""

from __future__ import annotations

import fnmatch
import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import daft
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from daft import col
from numpy.typing import NDArray

from in2x.artifact import write_json
from in2x.corpus import engine
from in2x.corpus.classifier import Classifier, ranking_quality
from in2x.corpus.clean import clean, rules
from in2x.corpus.config import CorpusConfig
from in2x.corpus.kernels import scramble
from in2x.corpus.ngram import NgramModel
from in2x.corpus.read import Limits, find_files, plan, read_split
from in2x.corpus.shards import frame, survivors, write_shard
from in2x.errors import In2xError
from in2x.language import unspaced
from in2x.language.identify import identify
from in2x.stage import Stage

Sample = tuple[list[str], list[str], list[bool]]
"""Texts, their languages, and whether they are good."""


def count_ngrams(
    config: CorpusConfig, stage: Stage, prepared: list[Path], removed: dict[str, Any], languages: list[str]
) -> dict[str, str]:
    """Two n-gram models a language, each counted on one half (fold) of the documents: path by "<lang>-<fold>"."""
    models = {f"{lang}-{fold}": str(stage.work / f"ngram-{lang}-{fold}.npz") for lang in languages for fold in (0, 1)}
    missing = {name: Path(path) for name, path in models.items() if not Path(path).exists()}
    texts = _first_texts(prepared, removed, list(missing), config.ngram_bytes // 2)

    def count(name: str) -> None:
        partial = missing[name].with_suffix(".partial")
        NgramModel.train(texts.pop(name), config.ngram_order, config.ngram_bytes // 2).save(partial)
        partial.rename(missing[name])

    # The kernels let go of the interpreter's lock, so threads count side by side.
    with ThreadPoolExecutor(max(1, min(len(missing), os.cpu_count() or 1))) as threads:
        list(threads.map(count, missing))
    return models


def _first_texts(
    prepared: list[Path], removed: dict[str, Any], names: list[str], limit: int
) -> dict[str, list[pa.Array]]:
    """The first survivors of each "<lang>-<fold>", up to the batch that reaches `limit` bytes, in one pass."""
    found: dict[str, list[pa.Array]] = {name: [] for name in names}
    room = dict.fromkeys(names, limit)
    for batch in chain.from_iterable(survivors(folder, removed, ["text", "lang", "fold"]) for folder in prepared):
        wanting = [name for name, left in room.items() if left > 0]
        if not wanting:
            break
        for name in wanting:
            lang, _, fold = name.partition("-")
            mine = pc.and_(pc.equal(batch.column("lang"), lang), pc.equal(batch.column("fold"), int(fold)))
            texts = batch.column("text").filter(mine)
            found[name].append(texts)
            room[name] -= pc.sum(pc.binary_length(texts)).as_py() or 0
    return found


def train_classifiers(
    config: CorpusConfig, stage: Stage, prepared: list[Path], removed: dict[str, Any]
) -> dict[str, str]:  # fmt: skip
    """Two classifiers, each trained on one fold, so that no document is scored by one that has seen its label.

    Returns:
        path by "<lang>-<fold>", for the languages that have good text; empty where none was asked for.

    Raises:
        In2xError: no good text, or no other text in its languages.
    """
    if not config.classifier.wanted:
        return {}
    note = stage.work / "classifier.json"
    if not note.exists():
        stage.say("quality classifier")
        good = [_good_files(config, fold) for fold in (0, 1)]
        folds = [_sample(config, stage, prepared, removed, fold, good[fold]) for fold in (0, 1)]
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
            model.save(stage.work / f"classifier-{fold}.npz")
            texts, flags, labels = _arrays(folds[1 - fold], langs)
            area = ranking_quality(model.score(texts, flags), labels)
            figures[f"fold{fold}"] = {"good": int(labels.sum()), "other": int((~labels).sum()), "auc": round(area, 4)}
        write_json(note, figures)
    figures = json.loads(note.read_text(encoding="utf-8"))
    stage.figures["classifier"] = figures
    return {f"{lang}-{f}": str(stage.work / f"classifier-{f}.npz") for lang in figures["languages"] for f in (0, 1)}


def _arrays(sample: Sample, langs: list[str]) -> tuple[list[str], NDArray[np.bool_], NDArray[np.bool_]]:
    rows = [k for k, lang in enumerate(sample[1]) if lang in langs]
    flags = np.array([unspaced(sample[1][k]) for k in rows], bool)
    return [sample[0][k] for k in rows], flags, np.array([sample[2][k] for k in rows], bool)


def _good_files(config: CorpusConfig, fold: int) -> list[tuple[str, str]]:
    """(text, language) of every other record of the files named as good text, cleaned as the corpus is."""
    if not config.classifier.paths:
        return []
    files = find_files(config.classifier.paths, Path.cwd())
    limits = Limits(config.max_record_mb << 20, config.max_document_chars)
    texts = [row["text"] for split in plan(files, config.split_mb << 20) for row in read_split(split, limits)]
    cleaned = [clean(text, rules(config.ruby))[0] for text in texts[fold::2] if text]
    return list(zip(cleaned, identify(cleaned), strict=True))


def _sample(
    config: CorpusConfig, stage: Stage, prepared: list[Path], removed: dict[str, Any], fold: int,
    given: list[tuple[str, str]],
) -> Sample:  # fmt: skip
    """At most `samples` good and other documents a language: the ones with the smallest seeded numbers."""
    most = config.classifier.samples
    held: dict[tuple[str, bool], list[tuple[int, str]]] = {}
    for k, (text, lang) in enumerate(given):
        held.setdefault((lang, True), []).append((k, text))
    for folder in prepared:
        for batch in survivors(folder, removed, ["text", "lang", "fold", "source"]):
            mine = batch.filter(pc.equal(batch.column("fold"), fold))
            keys = scramble(mine.column("index").to_numpy().astype(np.uint64), np.uint64(stage.seed))
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
    config: CorpusConfig, stage: Stage, number: int, folder: Path, removed: dict[str, Any],
    models: dict[str, str], classifiers: dict[str, str],
) -> None:  # fmt: skip
    """Score the survivors of one shard into `work/scored/<number>`; nothing is decided here but the plain rules."""
    target = stage.work / "scored" / f"{number:05d}"
    if target.exists():
        return
    gone = daft.from_arrow(pa.table({"index": np.union1d(removed["exact"], removed["near"])}))
    rows = frame([folder]).where(col("gate").is_null()).join(gone, on="index", how="anti")
    scores = engine.scorer(config, models, classifiers)
    write_shard(rows.select("index", "id", "lang", "domain", "source", scores), target)
