"""The corpus stage: raw text in, a clean and balanced mix out (METHOD 1).

    corpus/
      documents/part-00000.parquet ...   Document: the mix; repeated documents carry ids "<id>~2", "<id>~3"
      documents/bilingual.parquet        Document with lang "mul", domain "bilingual"
      documents/styled.parquet           Document with domain "styled", where a share of them is asked for
      heldout.parquet                    Document: kept apart by language and domain, for perplexity
      verdicts.parquet                   Verdict of every row that was rejected, with gate, reason, file and line

Steps (each leaves finished files in `work/`, so that a killed run goes on where it was): plan splits, prepare shards
(read, clean, identify, decontaminate, sign), find duplicates on ids, count n-grams and train the classifier, score
shards, select and mix on ids, write. Every input row ends as kept, held out or rejected; the figures add up.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import daft
import numpy as np
import pyarrow as pa
from daft import col

from in2x.contamination.table import NAME, Contamination
from in2x.corpus import engine
from in2x.corpus.config import CorpusConfig
from in2x.corpus.dedup import exact_duplicates, near_duplicates
from in2x.corpus.mixture import choose, scored_table, write_bilingual, write_documents, write_styled
from in2x.corpus.scores import count_ngrams, score_shard, train_classifiers
from in2x.corpus.shards import (
    check_readable,
    encodings,
    frame,
    group,
    plan_splits,
    prepare_shard,
    told_when_full,
)
from in2x.corpus.verdicts import count_documents, count_rules, write_verdicts
from in2x.records import Pair, read_records
from in2x.stage import Stage


def run(config: CorpusConfig, stage: Stage) -> None:
    """See the module docstring.

    Raises:
        In2xError: nothing to read, too many unreadable records, an evaluation set that cannot be read, a selection that
            cannot be evaluated, a language of the recipe without any document, or a full disk.
    """
    with told_when_full(stage.out):
        _run(config, stage)


def _run(config: CorpusConfig, stage: Stage) -> None:
    engine.start(config)
    languages = list(stage.recipe.languages.all)
    data = stage.input("data")
    pairs = list(read_records(data / "pairs.train.parquet", Pair)) if (data / "pairs.train.parquet").exists() else []
    sets = data / NAME if (data / NAME).exists() else None
    if sets is None:
        stage.say("the data artifact is older than the gate: no evaluation text is kept out; run data again")
    lost: Counter[str] = Counter()
    if sets and pairs:
        given, pairs = len(pairs), list(Contamination.load(sets).pairs(pairs, lost))
        stage.figures["pairs"] = {"given": given, "hold_evaluation_text": given - len(pairs)}
        if given > len(pairs):
            stage.say(f"{given - len(pairs):,} of {given:,} pairs hold evaluation text and are left out")
    splits = plan_splits(config, stage, data, pairs, languages)
    stage.figures["encodings"] = {name: len(files) for name, files in sorted(encodings(splits).items())}
    shards = group(splits, config.shard_mb << 20)
    for number, shard in enumerate(stage.track(shards, "clean")):
        prepare_shard(config, stage, number, shard, languages, sets)
    prepared = [stage.work / "prepared" / f"{n:05d}" for n in range(len(shards))]
    check_readable(config, prepared)
    removed = deduplicate(config, stage, prepared)
    models = count_ngrams(config, stage, prepared, removed, languages)
    classifiers = train_classifiers(config, stage, prepared, removed)
    for number, folder in enumerate(stage.track(prepared, "score")):
        score_shard(config, stage, number, folder, removed, models, classifiers)
    table = scored_table(config, [stage.work / "scored" / folder.name for folder in prepared])
    choice = choose(config, table, languages, stage.seed)
    write_documents(stage, prepared, table, choice)
    mono = sum(cell.got for cell in choice.cells)
    whole = mono / (1 - config.bilingual.share - config.styled.share)
    write_bilingual(config, stage, pairs, whole * config.bilingual.share)
    write_styled(config, stage, prepared, table, choice, whole * config.styled.share)
    write_verdicts(stage, prepared, removed, table, choice)
    count_rules(stage, prepared, Contamination.load(sets).names if sets else [], lost)
    count_documents(stage, table, choice)


def deduplicate(config: CorpusConfig, stage: Stage, prepared: list[Path]) -> dict[str, Any]:
    """`exact` and `near`, each with its `_of`: sorted arrays of the index, and of the document that it repeats."""
    file = stage.work / "duplicates.npz"
    if not file.exists():
        stage.say("duplicates")
        kept = frame(prepared).where(col("gate").is_null())
        exact = exact_duplicates(kept)
        near = (np.zeros(0, np.uint64), np.zeros(0, np.uint64))
        if config.dedup.near:
            gone = daft.from_arrow(pa.table({"index": exact[0]}))
            near = near_duplicates(kept.join(gone, on="index", how="anti"), config.dedup, stage.work / "shingles.bin")
        partial = file.with_suffix(".partial")
        with partial.open("wb") as stream:
            np.savez(stream, exact=exact[0], exact_of=exact[1], near=near[0], near_of=near[1])
        partial.rename(file)
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
