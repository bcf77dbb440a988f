"""The corpus stage: raw text in, a clean and balanced mix out (METHOD 1).

    corpus/
      documents/part-00000.parquet ...   Document: the mix; repeated documents carry ids "<id>~2", "<id>~3"
      documents/bilingual.parquet        Document with lang "mul", domain "bilingual"
      documents/styled.parquet           Document with domain "styled", where a share of them is asked for
      heldout.parquet                    Document: kept apart by language and domain, for perplexity
      verdicts.parquet                   Verdict of every row that was rejected, with gate, reason, file and line
      parts/, parts.json                 what all of this is made from, kept for the next run (`parts.py`)

Each part leaves finished shards, so that a killed run goes on where it was, and is made again only where its own knobs
or the part before changed: clean (read, clean, identify, decontaminate), dedup (sign, find duplicates on numbers),
score (count n-grams, train the classifier, add columns), mix (select, hold out, decide how often), write. Every input
row ends as kept, held out or rejected; the figures add up.

Memory does not follow the documents, but for 40 bytes each where the mix is decided and 32 for each duplicate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from in2x.contamination.table import NAME, Contamination
from in2x.corpus import engine
from in2x.corpus.clean import rules
from in2x.corpus.config import CorpusConfig
from in2x.corpus.documents import write_bilingual, write_documents, write_heldout, write_styled
from in2x.corpus.duplicates import Duplicates
from in2x.corpus.mixture import choose, lay_down, scored_rows
from in2x.corpus.pairs import clean_pairs
from in2x.corpus.parts import Parts, part_keys
from in2x.corpus.scores import count_ngrams, score_shard, train_classifiers
from in2x.corpus.shards import (
    check_readable,
    encodings,
    plan_shards,
    prepare_shard,
    read_counts,
    sign_shard,
)
from in2x.corpus.verdicts import count_rules, write_verdicts
from in2x.disk import told_when_full
from in2x.records import Pair, read_records, write_records
from in2x.stage import Stage


def run(config: CorpusConfig, stage: Stage) -> None:
    """See the module docstring.

    Raises:
        In2xError: nothing to read, too many unreadable records, an evaluation set that cannot be read, a store that
            gives nothing, a selection that cannot be evaluated, a language of the recipe without any document, or a
            full disk.
    """
    with told_when_full(stage.out), engine.sentences():
        _run(config, stage)


def _run(config: CorpusConfig, stage: Stage) -> None:
    engine.start(config)
    parts = Parts(stage, part_keys(config, stage))
    if stage.resumed and parts.remade:
        stage.say(f"made again, for knobs or what goes in changed: {', '.join(parts.remade)}")
    prepared = _clean(config, stage, parts)
    removed = _dedup(config, stage, parts, prepared)
    _score(config, stage, parts, prepared, removed)
    _mix(config, stage, parts, prepared)
    _write(stage, parts, prepared, removed)
    _make(config, stage, parts, prepared)


def _shards(parts: Parts, part: str, prepared: list[Path], kind: str = "") -> list[Path]:
    """A folder or file of a part for each shard."""
    return [parts.folder(part) / f"{folder.name}{kind}" for folder in prepared]


def _clean(config: CorpusConfig, stage: Stage, parts: Parts) -> list[Path]:
    """The folders of the clean shards; the sound pairs that hold no evaluation text beside them."""
    folder = parts.folder("clean")
    data = stage.input("data")
    sets = data / NAME if (data / NAME).exists() else None
    if sets is None:
        stage.say("the data artifact is older than the gate: no evaluation text is kept out; run data again")
    figures = parts.figures("clean")
    lost: Counter[str] = Counter()
    faulty: Counter[str] = Counter()
    pairs = folder / "pairs.parquet"
    given = kept = 0
    if figures is None and (data / "pairs.train.parquet").exists():

        def counted() -> Iterator[Pair]:
            nonlocal given
            for pair in read_records(data / "pairs.train.parquet", Pair):
                given += 1
                yield pair

        order, gate = rules(config.ruby, config.personal), stage.recipe.pair_gate
        sound = clean_pairs(counted(), order, faulty, gate=gate)
        kept = write_records(pairs, Contamination.load(sets).pairs(sound, lost) if sets else sound, Pair)
        if faulty:
            told = ", ".join(f"{count:,} {reason}" for reason, count in faulty.most_common())
            stage.say(f"{faulty.total():,} of {given:,} pairs are no use and are left out: {told}")
        if given > kept + faulty.total():
            stage.say(f"{given - kept - faulty.total():,} of {given:,} pairs hold evaluation text and are left out")
    shards = plan_shards(config, stage, folder, data, pairs if kept else None)
    files = encodings([split for shard in shards for split in shard])
    stage.figures["encodings"] = {name: len(paths) for name, paths in sorted(files.items())}
    prepared = [folder / "shards" / f"{number:05d}" for number in range(len(shards))]
    (folder / "shards").mkdir(exist_ok=True)
    if figures is None:
        for target, shard in zip(stage.track(prepared, "clean"), shards, strict=True):
            prepare_shard(config, target, shard, list(stage.recipe.languages.all), sets)
        counted_rules = count_rules(prepared, Contamination.load(sets).names if sets else [])
        for name, cost in counted_rules["decontaminated"].items():
            cost["pairs"] = lost[name]
        held = given - kept - faulty.total()
        checked = {"given": given, "hold_evaluation_text": held, "faulty": dict(faulty)} if given else None
        figures = parts.finish("clean", {"read": read_counts(prepared), "pairs": checked, "shown": counted_rules})
    check_readable(config, figures["read"])
    stage.figures |= figures["shown"]
    if figures["pairs"]:
        stage.figures["pairs"] = figures["pairs"]
    return prepared


def _dedup(config: CorpusConfig, stage: Stage, parts: Parts, prepared: list[Path]) -> Duplicates:
    signed = _shards(parts, "dedup", prepared)
    if parts.figures("dedup") is None:
        for shard, target in zip(stage.track(prepared, "sign"), signed, strict=True):
            sign_shard(config, shard, target)
        stage.say("duplicates")
        Duplicates.find(config.dedup, prepared, signed, parts.folder("dedup"), stage.work / "dedup")
        parts.finish("dedup", {})
    return Duplicates(parts.folder("dedup"))


def _score(config: CorpusConfig, stage: Stage, parts: Parts, prepared: list[Path], removed: Duplicates) -> None:
    folder, gone = parts.folder("score"), removed.index
    figures = parts.figures("score")
    if figures is None:
        models = count_ngrams(config, stage, folder, prepared, gone, list(stage.recipe.languages.all))
        classifiers = train_classifiers(config, stage, folder, prepared, gone)
        for shard, target in zip(stage.track(prepared, "score"), _shards(parts, "score", prepared), strict=True):
            score_shard(config, shard, target, gone, models, classifiers)
        figures = parts.finish("score", {n: stage.figures[n] for n in ("classifier",) if n in stage.figures})
    stage.figures |= figures


def _mix(config: CorpusConfig, stage: Stage, parts: Parts, prepared: list[Path]) -> None:
    figures = parts.figures("mix")
    if figures is None:
        rows = scored_rows(config, _shards(parts, "score", prepared))
        found = choose(config, rows, list(stage.recipe.languages.all), stage.seed)
        files = _shards(parts, "mix", prepared, ".parquet")
        lay_down(config, rows, lambda number: files[number])
        figures = parts.finish("mix", found)
    stage.figures |= {name: value for name, value in figures.items() if name not in ("kept", "held", "documents")}


def _write(stage: Stage, parts: Parts, prepared: list[Path], removed: Duplicates) -> None:
    """The mix, the held-out documents and the verdicts."""
    figures = parts.figures("write")
    if figures is None:
        mixed = parts.figures("mix") or {}
        files, apart = (_shards(parts, part, prepared, ".parquet") for part in ("mix", "write"))
        (stage.out / "documents").mkdir(exist_ok=True)
        for number, shard in enumerate(stage.track(prepared, "write")):
            target = stage.out / "documents" / f"part-{number:05d}.parquet"
            write_documents(shard, files[number], target, apart[number])
        write_heldout(stage, apart)
        figures = parts.finish("write", write_verdicts(stage.out / "verdicts.parquet", prepared, files, removed, mixed))
    stage.figures |= figures


def _make(config: CorpusConfig, stage: Stage, parts: Parts, prepared: list[Path]) -> None:
    """Documents made of pairs and of styled passages, in their shares of the whole."""
    figures = parts.figures("made")
    if figures is None:
        mono = sum(cell["got"] for cell in stage.figures["mix"])
        whole = mono / (1 - config.bilingual.share - config.styled.share)
        file = parts.folder("clean") / "pairs.parquet"
        pairs = list(read_records(file, Pair)) if file.exists() else []
        found: dict[str, Any] = {"bilingual": write_bilingual(config, stage, pairs, whole * config.bilingual.share)}
        if config.styled.share:
            files = _shards(parts, "mix", prepared, ".parquet")
            found["styled"] = write_styled(config, stage, prepared, files, whole * config.styled.share)
        figures = parts.finish("made", found)
    stage.figures |= figures
