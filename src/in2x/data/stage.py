"""The data stage: what goes into a run, from the user's files or from the micro-world. Streams; nothing is held whole.

Writes `pairs.{train,dev,test}.parquet`, `raw.json` (paths of the raw documents), `instructions.parquet`, for the
micro-world and for pairs without raw documents `raw/*.jsonl`, and `evaluation.npz`, the texts that must not be learned
from, hashed: every room that takes text in asks it (`in2x/contamination/`). The user's pairs and instructions are asked
about here; the micro-world's own are apart from its held-out ones by their meaning (`sample/world.py`).
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from in2x.artifact import write_json
from in2x.chat.source import Source
from in2x.contamination import meaning
from in2x.contamination.meaning import Meaning
from in2x.contamination.table import NAME, Contamination, heldout_name
from in2x.data import reader
from in2x.data.config import DataConfig
from in2x.data.held import held_out
from in2x.errors import In2xError
from in2x.language.characters import orderly
from in2x.llm.cache import cache_beside
from in2x.llm.embedders import embedder_of
from in2x.records import Aside, Instruction, Pair, content_id, write_records
from in2x.sample import documents, tasks, world
from in2x.sample.lexicon import LANGUAGES
from in2x.stage import Stage

SPLITS = ("train", "dev", "test")
GROUP = 20
"""Sentences per document when raw text is made of the pairs."""
SHARD = 20000
"""Documents per raw/*.jsonl file."""


def run(config: DataConfig, stage: Stage) -> None:
    """Lay down what goes in. Cheap enough to start anew after a kill: files are written beside and renamed.

    Raises:
        In2xError: a file of the user is missing, malformed or empty, a language has no data, or an evaluation set
            cannot be read.
    """
    if config.train is None:
        if config.dev or config.test:
            raise In2xError("data.dev and data.test need data.train", mend="give data.train too, or none of them")
        _micro_world(config, stage)
    else:
        _user_pairs(config, stage, listed(config.train))
    if config.raw:
        write_json(
            stage.out / "raw.json", {"paths": [path for one in listed(config.raw) for path in reader.raw_paths(one)]}
        )
        stage.figures["raw"] = "the user's documents"


def _micro_world(config: DataConfig, stage: Stage) -> None:
    seed = stage.seed
    unknown = [lang for lang in stage.recipe.languages.all if lang not in LANGUAGES]
    if unknown:
        raise In2xError(f"the micro-world does not speak {unknown[0]!r}", mend="give data.train, or use en, ja and zh")
    shares = {kind: getattr(config, f"{kind}_share") for kind in world.SHARES}
    if not sum(shares.values()):
        raise In2xError("all shares of the micro-world are zero", mend="raise one of data.*_share")
    dev, test, banned = world.heldout(seed, config.heldout, shares)
    counts: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    for split, held in (("dev", dev), ("test", test)):
        rng = random.Random(f"{seed}/pairs/{split}")
        made = (pair for item in held for pair in world.pairs(item, rng))
        write_records(stage.out / f"pairs.{split}.parquet", _count(_spoken(made, stage), counts[split]), Pair)
    rng = random.Random(f"{seed}/pairs/train")
    _gate(config, stage)
    _meaning(config, stage, {})
    train = islice(world.train(seed, banned, shares), config.pairs)
    made = (pair for item in stage.track(train, "pairs", config.pairs) for pair in world.pairs(item, rng))
    write_records(stage.out / "pairs.train.parquet", _count(_spoken(made, stage), counts["train"]), Pair)
    raw: Counter[str] = Counter()
    texts = islice(documents.documents(seed, banned), config.documents)
    _write_raw(stage, (d.row() for d in stage.track(texts, "documents", config.documents)), raw)
    tasks_in = islice(tasks.instructions(seed, banned), config.collected)
    origins: Counter[str] = Counter()
    write_records(stage.out / "instructions.parquet", _count_origins(tasks_in, origins), Instruction)
    stage.figures |= {"origin": "micro-world", "pairs": {k: dict(v) for k, v in counts.items()},
                      "documents": dict(raw), "instructions": dict(origins)}  # fmt: skip


def _gate(config: DataConfig, stage: Stage) -> Contamination:
    """The evaluation texts of the run, laid down for every room."""
    found = Contamination.of_run(config.decontaminate, stage.out)
    found.save(stage.out / NAME)
    return found


def _meaning(config: DataConfig, stage: Stage, heldout: Mapping[str, list[Sequence[str]]]) -> Meaning | None:
    """The same by vectors, where a model is given."""
    named = config.decontaminate
    if named.embedder is None:
        return None
    embed = embedder_of(named.embedder, named.embedding_model).embed
    found = Meaning.of_run(named, heldout, embed, cache_beside(stage.out, meaning.MEMORY))
    found.save(stage.out / meaning.NAME)
    return found


def _spoken(made: Iterable[Pair], stage: Stage) -> Iterator[Pair]:
    """Only the languages of the recipe."""
    wanted = set(stage.recipe.languages.all)
    return (pair for pair in made if pair.src_lang in wanted and pair.tgt_lang in wanted)


def _user_pairs(config: DataConfig, stage: Stage, train: Sequence[str]) -> None:
    languages, target = stage.recipe.languages.all, stage.recipe.languages.target
    counts: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    banned: set[str] = set()
    heldout: dict[str, list[Sequence[str]]] = {}
    named = {"dev": config.dev, "test": config.test}
    drawn = _drawn(config, stage, train, [split for split, name in named.items() if not name])
    for split, name in named.items():
        held = list(reader.lines(name, languages, target, columns=config.columns)) if name else drawn[split]
        banned.update(orderly(text) for line in held for text in line.texts.values())
        heldout[heldout_name(split)] = [list(line.texts.values()) for line in held]
        made = (pair for line in held for pair in reader.directions(line, target))
        write_records(stage.out / f"pairs.{split}.parquet", _count(made, counts[split]), Pair)
    gate = _gate(config, stage)
    meant = _meaning(config, stage, heldout if config.decontaminate.heldout else {})
    lost: dict[str, Counter[str]] = {"pairs": Counter(), "instructions": Counter()}
    by_meaning: dict[str, Counter[str]] = {"pairs": Counter(), "instructions": Counter()}
    dropped: Counter[str] = Counter()
    raw: Counter[str] = Counter()
    sentences = _TextWriter(stage, languages) if not config.raw else None

    asides = [Aside(name, config.max_bad_share, "data.max_bad_share") for name in train]

    def read() -> Iterator[reader.Line]:
        for name, aside in zip(train, asides, strict=True):
            yield from reader.lines(name, languages, target, config.max_train, aside, config.columns)

    def own() -> Iterator[reader.Line]:
        for line in stage.track(islice(read(), config.max_train), "pairs"):
            if banned.isdisjoint(line.texts.values()):
                yield line
            else:
                dropped["also in dev or test"] += 1

    def apart() -> Iterator[reader.Line]:
        for line, sets in gate.asked(own(), lambda line: list(line.texts.values())):
            if sets:
                dropped["evaluation text"] += 1
                lost["pairs"].update(sets)
            else:
                yield line

    def kept() -> Iterator[Pair]:
        lines = apart()
        if meant is not None:
            lines = meant.apart(lines, lambda line: list(line.texts.values()), by_meaning["pairs"])
        for line in lines:
            if sentences:
                sentences.add(line)
            yield from reader.directions(line, target)

    spoken: dict[tuple[str, str], set[str | None]] = {}
    write_records(stage.out / "pairs.train.parquet", _noted(_count(kept(), counts["train"]), spoken), Pair)
    if not counts["train"]:
        what = (
            "is also in dev or test"
            if not any((dropped["evaluation text"], by_meaning["pairs"]))
            else "holds held-out or evaluation text"
        )
        raise In2xError(f"every training pair {what}", file=train[0], mend="give other held-out files")
    for lang in (stage.recipe.languages.hub, target):
        if not any(lang in direction.split("-") for direction in counts["train"]):
            raise In2xError(f"no training pair holds the language {lang!r}", file=train[0],
                            mend="name the fields by language code, or change languages in the recipe")  # fmt: skip
    for line in _unasked(spoken, stage.recipe.profile):
        stage.say(line)
    if sentences:
        raw = sentences.close()
        stage.figures["raw"] = "the training pairs' own sentences, grouped (no data.raw given)"
    collected: Iterable[Instruction] = ()
    if config.instructions:
        asides.append(Aside(config.instructions, config.max_bad_share, "data.max_bad_share"))
        collected = _apart(reader.instructions(config.instructions, target, asides[-1]), gate, lost["instructions"])
        if meant is not None:
            collected = meant.apart(collected, meaning.sentences, by_meaning["instructions"])
    origins: Counter[str] = Counter()
    write_records(stage.out / "instructions.parquet", _count_origins(collected, origins), Instruction)
    if meant is not None:
        stage.figures["evaluation_text_by_meaning"] = {
            name: {room: counts[name] for room, counts in by_meaning.items()} for name in meant.names
        }
        alike = sum(counts.total() for counts in by_meaning.values())
        stage.say(f"{alike:,} pairs and instructions say what an evaluation text says and are left out")
    stage.figures["evaluation_text"] = {
        name: {room: counts[name] for room, counts in lost.items()} for name in gate.names
    }
    if gone := dropped["evaluation text"] + lost["instructions"].total():
        stage.say(f"{gone:,} pairs and instructions hold evaluation text and are left out")
    stage.figures["files"] = {Path(one.file).name: one.figures() for one in asides}
    for one in asides:
        if said := one.said():
            stage.say(said)
    stage.figures |= {"origin": ", ".join(train), "pairs": {k: dict(v) for k, v in counts.items()},
                      "documents": dict(raw), "dropped from train": dict(dropped),
                      "instructions": dict(origins)}  # fmt: skip


def _drawn(
    config: DataConfig, stage: Stage, train: Sequence[str], splits: Sequence[str]
) -> dict[str, list[reader.Line]]:
    """Training pairs held out for the splits that no file is named for."""
    if not config.hold_out or not splits:
        return {split: [] for split in splits}
    languages, target = stage.recipe.languages.all, stage.recipe.languages.target
    lines = (
        line
        for name in train
        for line in reader.lines(name, languages, target, config.max_train,
                                 Aside(name, config.max_bad_share, "data.max_bad_share"), config.columns)
    )  # fmt: skip
    found = held_out(islice(lines, config.max_train), config.hold_out, splits, stage.seed)
    for split, held in found.items():
        if not held:
            raise In2xError(f"too few pairs to hold some out as {split}", file=train[0],
                            mend=f"give more, or a file: --set data.{split}=FILE")  # fmt: skip
        stage.say(f"{len(held):,} of the training pairs are held out as {split}, which no file is named for")
    return found


def _apart(items: Iterable[Instruction], gate: Contamination, lost: Counter[str]) -> Iterator[Instruction]:
    """The instructions that hold no evaluation text; `lost` counts the others by set."""
    for item in items:
        if sets := gate.instruction(item):
            lost.update(sets)
        else:
            yield item


def listed(value: str | Sequence[str] | None) -> list[str]:
    """What a knob names that takes one or several."""
    return [value] if isinstance(value, str) else list(value or ())


class _TextWriter:
    """Raw documents made of the monolingual sides of pairs, `GROUP` sentences each, one file a language."""

    def __init__(self, stage: Stage, languages: Iterable[str]) -> None:
        self.folder = stage.out / "raw"
        self.folder.mkdir(exist_ok=True)
        self.out = stage.out
        self.streams = {lang: (self.folder / f"{lang}.jsonl.partial").open("w", encoding="utf-8") for lang in languages}
        self.pending: dict[str, list[str]] = {lang: [] for lang in self.streams}
        self.counts: Counter[str] = Counter()

    def add(self, line: reader.Line) -> None:
        for lang, text in line.texts.items():
            self.pending[lang].append(text)
            if len(self.pending[lang]) == GROUP:
                self._flush(lang)

    def _flush(self, lang: str) -> None:
        text = "\n".join(self.pending[lang])
        row = {"id": content_id(lang, self.counts[lang], text), "text": text, "source": "pairs", "domain": "knowledge"}
        self.streams[lang].write(json.dumps(row, ensure_ascii=False) + "\n")
        self.counts[lang] += 1
        self.pending[lang] = []

    def close(self) -> Counter[str]:
        paths = []
        for lang, stream in self.streams.items():
            if self.pending[lang]:
                self._flush(lang)
            stream.close()
            partial = self.folder / f"{lang}.jsonl.partial"
            if self.counts[lang]:
                partial.rename(self.folder / f"{lang}.jsonl")
                paths.append(f"raw/{lang}.jsonl")
            else:
                partial.unlink()
        write_json(self.out / "raw.json", {"paths": paths})
        return self.counts


def _write_raw(stage: Stage, rows: Iterable[dict[str, str]], counts: Counter[str]) -> None:
    """raw/00000.jsonl ... and raw.json, whose relative paths are relative to the artifact."""
    folder = stage.out / "raw"
    folder.mkdir(exist_ok=True)
    paths: list[str] = []
    iterator = iter(rows)
    while shard := list(islice(iterator, SHARD)):
        name = f"raw/{len(paths):05d}.jsonl"
        partial = stage.out / f"{name}.partial"
        with partial.open("w", encoding="utf-8") as stream:
            for row in shard:
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                counts[row["source"]] += 1
        partial.rename(stage.out / name)
        paths.append(name)
    write_json(stage.out / "raw.json", {"paths": paths})


def _count(pairs: Iterable[Pair], counts: Counter[str]) -> Iterator[Pair]:
    for pair in pairs:
        counts[f"{pair.src_lang}-{pair.tgt_lang}"] += 1
        yield pair


def _noted(pairs: Iterable[Pair], spoken: dict[tuple[str, str], set[str | None]]) -> Iterator[Pair]:
    for pair in pairs:
        spoken.setdefault((pair.src_lang, pair.tgt_lang), set()).add(pair.register)
        yield pair


def _unasked(spoken: Mapping[tuple[str, str], set[str | None]], profile: Any) -> Iterator[str]:
    """A sentence for each direction whose pairs have several registers that the prompt does not tell apart: the model
    would learn several answers to one question."""
    for (source, target), registers in spoken.items():
        with suppress(In2xError):  # a direction that the prompt does not have is refused where it is asked
            asked = {profile.prompt(Source("", source, target, register)) for register in registers}
            if len(registers) > 1 and len(asked) == 1:
                names = ", ".join(sorted(filter(None, registers)))
                add = f'"*-{target}/*": "{{to}} {{register}}: {{source}}"'
                yield f"{source}-{target}: pairs have a register ({names}) that the prompt does not ask for; add {add}"


def _count_origins(items: Iterable[Instruction], counts: Counter[str]) -> Iterator[Instruction]:
    for item in items:
        counts[item.origin] += 1
        yield item
