"""The instruct stage: collect, rewrite, synthesize, verify, balance, split (METHOD 2).

    instruct/
      pool.sft.parquet, pool.rl.parquet   records.Instruction, verified; no near-duplicate stands on both sides
      rejected.parquet                    records.Instruction of every item that was not kept, for review
      verdicts.parquet                    one records.Verdict for every item that came in, kept or not, with evidence
      funnel.json, funnel.html            where items went, by origin, gate and reason, with examples

Every answer of a model is kept in a cache beside the run, so a killed run asks nothing twice and a rerun nothing.
"""

from __future__ import annotations

import dataclasses
import random
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from in2x.artifact import write_json, write_text
from in2x.chat.translation import translation
from in2x.contamination import meaning
from in2x.contamination.config import DecontaminateConfig
from in2x.contamination.table import NAME, Contamination
from in2x.corpus.clean import rules
from in2x.corpus.pairs import judged
from in2x.errors import In2xError
from in2x.instructions import magpie, prompt
from in2x.instructions.balance import split, surplus
from in2x.instructions.candidate import Candidate
from in2x.instructions.collect import read_set, sets_of
from in2x.instructions.config import InstructConfig
from in2x.instructions.from_pairs import DrawnPairs, register_rewritings
from in2x.instructions.ledger import Ledger
from in2x.instructions.page import page
from in2x.instructions.rewrite import REWRITERS, rewrite
from in2x.instructions.self_instruct import PER_REQUEST, Pool, Steering, answered, self_instruct
from in2x.instructions.shelf import OnShelf, Shelf
from in2x.instructions.tagged import with_tags
from in2x.instructions.themes import filed, kind_of, themes
from in2x.instructions.verify import Gates
from in2x.language.codes import known_name
from in2x.llm.cache import Cache, cache_beside
from in2x.llm.embedders import embedder_of
from in2x.llm.open import open_model, template_of
from in2x.llm.request import Asker
from in2x.records import Aside, Instruction, Pair, RecordWriter, Verdict, read_records
from in2x.stage import Stage

SEEDS = 20_000
"""Collected tasks of a language that Self-Instruct begins with, at most (our choice): its pool lies in memory."""


def run(config: InstructConfig, stage: Stage) -> None:
    """See the module docstring. Raises In2xError where nothing is left to train on."""
    with (
        RecordWriter(stage.out / "verdicts.parquet", Verdict) as verdicts,
        RecordWriter(stage.out / "rejected.parquet", Instruction) as lost,
    ):
        ledger = Ledger(verdicts, lost)
        table = stage.input("data") / NAME
        if not table.exists():
            stage.say("the data artifact is older than the gate: no evaluation text is kept out; run data again")
        contamination = Contamination.load(table) if table.exists() else None
        gates = Gates(config, contamination, ledger, _meaning(stage))
        shelf = Shelf(stage.work / "shelf")
        with Cache(Path(config.cache) if config.cache else cache_beside(stage.out, "llm-cache.sqlite")) as cache:
            models = _Models(config, stage, cache)
            kept = _kept(config, stage, gates, models, shelf)
            usage = models.usage()
        if unasked := sum(used.get("unasked", 0) for used in usage.values()):
            stage.unfinished = f"a budget left {unasked:,} questions unasked"
            stage.say(f"{stage.unfinished}: the same command goes on with them, and pays for nothing twice")
        pool = _balanced(config, stage, ledger, shelf, kept)
    if not pool:
        raise In2xError("no instruction is left", file=stage.input("data"),
                        mend="give sentence pairs or instructions, or loosen instruct.rules")  # fmt: skip
    if gates.contamination is not None:
        stage.figures["evaluation_text"] = {
            name: {"instructions": gates.held[name]} for name in gates.contamination.names
        }
    if gates.meaning is not None:
        stage.figures["evaluation_text_by_meaning"] = {
            name: {"instructions": gates.meant[name]} for name in gates.meaning.names
        }
    stage.figures["tidied"] = dict(gates.tidied.most_common())
    _write(config, stage, ledger, OnShelf(shelf, pool), usage)


def _kept(config: InstructConfig, stage: Stage, gates: Gates, models: _Models, shelf: Shelf) -> array[int]:
    """The places on the shelf of what passed every gate."""
    for candidate in gates.by_code(map(Candidate, _collected(config, stage))):
        shelf.add(candidate.item)
    collected = array("q", range(len(shelf)))
    stage.say(f"{gates.ledger.entered:,} collected, {len(collected):,} of them sound as far as code can see")
    judged: list[Candidate] = []
    if config.answer_collected:
        bare = [Candidate(item) for item in OnShelf(shelf, [p for p in collected if not shelf.answered(p)])]
        collected = array("q", (place for place in collected if shelf.answered(place)))
        judged = list(gates.by_code(_answered(config, stage, models, bare), entered=True))
    sources = OnShelf(shelf, array("q", (*collected, *(shelf.add(c.item) for c in judged))))
    of_pairs = array("q", (shelf.add(c.item) for c in gates.by_code(_from_pairs(config, stage))))
    judged += gates.by_code(_written(config, stage, models, sources))
    if config.judges.collected:
        judged += map(Candidate, OnShelf(shelf, collected))
        collected = array("q")
    passed: list[tuple[Candidate, dict[str, object]]] = [(c, {}) for c in judged]
    if judged and config.judges.on:
        passed = gates.by_judges(judged, models.author, models.judge, stage)
    # What was judged is laid down once more, with what the judges said.
    return array("q", (
        *collected, *of_pairs,
        *(shelf.add(c.item, {**said, **({"trace": c.trace} if c.trace else {})}) for c, said in passed),
    ))  # fmt: skip


def _meaning(stage: Stage) -> meaning.Meaning | None:
    """What tells translations of evaluation texts, where the data stage was given a model for it."""

    def embedder(config: DecontaminateConfig) -> meaning.Embed:
        return embedder_of(str(config.embedder), config.embedding_model).embed

    vectors = stage.input("data") / meaning.NAME
    memory = cache_beside(stage.out, meaning.MEMORY)
    return meaning.Meaning.load(vectors, embedder, memory) if vectors.exists() else None


class _Models:
    """The models of a run, loaded when first asked."""

    def __init__(self, config: InstructConfig, stage: Stage, cache: Cache) -> None:
        self._config, self._stage, self._cache = config, stage, cache
        self._author: Asker | None = None
        self._judge: Asker | None = None

    @property
    def author(self) -> Asker:
        if self._author is None:
            folder = None if self._config.llm.base_url else self._stage.input("pretrain") / "model"
            self._author = open_model(self._config.llm, self._cache, folder)
        return self._author

    @property
    def judge(self) -> Asker:
        if self._config.judges.llm is None:
            return self.author
        if self._judge is None:
            llm = self._config.judges.llm
            folder = None if llm.base_url else self._stage.input("pretrain") / "model"
            self._judge = open_model(llm, self._cache, folder)
        return self._judge

    def usage(self) -> dict[str, Any]:
        """Who was asked how much."""
        used = {"author": self._author, "judge": self._judge}
        return {role: {"model": a.name, **a.usage.figures()} for role, a in used.items() if a is not None}


def _collected(config: InstructConfig, stage: Stage) -> Iterator[Instruction]:
    """The instructions of the data artifact and of the open sets."""
    given = _sets(config, stage)
    if config.collected is not None:
        given = _some(given, config.collected, f"{stage.seed} collected", stage.work / "given")
    yield from (filed(item, config.themes) for item in given)


def _sets(config: InstructConfig, stage: Stage) -> Iterator[Instruction]:
    file = stage.input("data") / "instructions.parquet"
    if file.exists():
        yield from read_records(file, Instruction)
    for source in (one for named in config.sets for one in sets_of(named)):
        aside = Aside(source.path, source.max_bad_share, "instruct.sets.max_bad_share")
        read = 0

        def counted(items: Iterable[Instruction]) -> Iterator[Instruction]:
            nonlocal read
            for item in items:
                read += 1
                yield item

        found = counted(read_set(source, aside))
        if source.most is None:
            yield from found
        else:
            yield from _some(found, source.most, f"{stage.seed} {source.path}", stage.work / "set")
        stage.figures.setdefault("sets", {})[Path(source.path).name] = {**aside.figures(), "read": read}
        if said := aside.said():
            stage.say(said)


def _some(items: Iterable[Instruction], most: int, seed: str, scratch: Path) -> Iterator[Instruction]:
    """`most` of `items`, drawn by `seed`, in their order; all where there are no more."""
    shelf = Shelf(scratch)
    for item in items:
        shelf.add(item)
    places = range(len(shelf))
    drawn = sorted(random.Random(seed).sample(places, most)) if len(shelf) > most else places
    yield from OnShelf(shelf, drawn)


def _from_pairs(config: InstructConfig, stage: Stage) -> Iterator[Candidate]:
    """What code makes from sentence pairs: translations and register rewritings. A pair that is no translation is an
    item with a fault, so that the funnel counts it."""
    pairs = DrawnPairs(stage.input("data") / "pairs.train.parquet", config.pairs_per_direction, stage.seed)
    profile = stage.recipe.profile
    tracked = stage.track(pairs, "pairs")
    gated = judged(tracked, rules()) if stage.recipe.pair_gate else ((pair, pair, None) for pair in tracked)
    sound: list[Pair] = []
    faulty: Counter[str] = Counter()
    for pair, _, fault in gated:
        yield Candidate(translation(pair, profile), fault=fault, gate="pairs")
        if fault is not None:
            faulty[fault] += 1
        elif pair.register:
            sound.append(pair)
    for item in register_rewritings(sound, config.rewritten, stage.seed):
        yield Candidate(item)
    if len(pairs):
        stage.figures["pairs"] = {"read": len(pairs), "faulty": dict(faulty.most_common())}
    if faulty:
        told = ", ".join(f"{reason} {count:,}" for reason, count in faulty.most_common(4))
        stage.say(f"{faulty.total():,} of {len(pairs):,} pairs are no use and are left out: {told}")


def _answered(config: InstructConfig, stage: Stage, models: _Models, bare: Sequence[Candidate]) -> Iterator[Candidate]:
    """The collected instructions without an answer, with one by the model."""
    with stage.progress("answer collected", len(bare)) as advance:
        yield from answered(models.author, bare, stage.seed, advance) if bare else ()


def _written(config: InstructConfig, stage: Stage, models: _Models, collected: OnShelf) -> Iterator[Candidate]:
    """What a model writes: rewritings, Magpie's turns, Self-Instruct's tasks."""
    target = stage.recipe.languages.target
    for name, most in config.rewrite.model_dump().items():
        rewriter = REWRITERS[name]
        fitting = array("q", (n for n, item in enumerate(collected) if rewriter.fits(item)) if most else ())
        if fitting:
            places = random.Random(f"{stage.seed} {name}").sample(range(len(fitting)), min(most, len(fitting)))
            chosen = list(collected.at([fitting[place] for place in sorted(places)]))
            with stage.progress(f"rewrite: {name}", len(chosen)) as advance:
                lists = themes(target, config.themes)
                made = list(rewrite(models.author, rewriter, chosen, target, stage.seed, advance, lists=lists))
            bare = sum(c.fault is None and c.item.answer is None for c in made)
            with stage.progress(f"answer: {name}", bare) as advance:
                yield from answered(models.author, made, stage.seed, advance)
    if not config.synthesize:
        return
    if config.magpie.turns:
        yield from (_licensed(c, config.license) for c in _magpie(config, stage, models.author))
    if config.self_instruct.tasks:
        new = _self_instruct(config, stage, models.author, collected)
        yield from (_licensed(c, config.license) for c in new)


def _licensed(candidate: Candidate, name: str | None) -> Candidate:
    return dataclasses.replace(candidate, item=dataclasses.replace(candidate.item, license=name))


def _magpie(config: InstructConfig, stage: Stage, author: Asker) -> Iterator[Candidate]:
    openings = magpie.Openings(
        partial(template_of, author, config.llm), config.magpie.systems,
        stage.recipe.languages.all if config.magpie.steer else (), stage.seed, config.themes,
    )  # fmt: skip
    interpreter = magpie.Interpreter(stage.recipe.profile)
    with stage.progress("magpie", config.magpie.turns) as advance:
        for turn in magpie.sample_turns(author, openings, config.magpie, stage.seed, advance):
            item = filed(interpreter.instruction(turn.text, turn.answer, "magpie"), config.themes)
            notes = {
                "agreement": turn.agreement, "reasoning": turn.thought or None,
                "steered": dataclasses.asdict(turn.steer) if turn.steer else None,
            }  # fmt: skip
            if turn.steer and turn.fault is None and not turn.failed:
                written = stage.figures.setdefault("steered", {}).setdefault(turn.steer.lang, {})
                written[item.lang] = written.get(item.lang, 0) + 1
            fault = turn.fault
            if fault is None and turn.agreement is not None and turn.agreement < config.magpie.agreement:
                fault = "two answers disagree"
            yield Candidate(item, {k: v for k, v in notes.items() if v is not None} or None, fault, turn.failed)

    for lang, written in stage.figures.get("steered", {}).items():
        if 2 * written.get(lang, 0) < sum(written.values()):
            stage.say(
                f"of {sum(written.values()):,} turns that were steered to {known_name(lang)} {written.get(lang, 0):,} "
                "are in it: the template or its system role does not steer this model (instruct.magpie.systems)"
            )


def _self_instruct(config: InstructConfig, stage: Stage, author: Asker, collected: OnShelf) -> Iterator[Candidate]:
    wanted = config.self_instruct
    languages = stage.recipe.languages.all
    of_lang = Counter(map(collected.shelf.lang, collected.places))
    share = min(1.0, SEEDS / max(of_lang.values(), default=1))
    rng = random.Random(f"{stage.seed} seeds")
    begun = (Candidate(item) for item in collected if share == 1 or rng.random() < share)
    known = [(c.item.lang, c.prompt, kind_of(c.prompt, c.item.lang, config.themes)) for c in begun]
    for lang in languages:
        # A language without seeds starts from those of the others: the prompt asks for its own language all the same.
        seeds = [(text, kind) for of, text, kind in known if of == lang] or [(text, kind) for _, text, kind in known]
        if not seeds:
            raise In2xError("Self-Instruct has no task to start from", mend="give instruction sets (instruct.sets)")
        lists = themes(lang, config.themes)
        pool = Pool(seeds, tuple(lists.kinds), wanted.near_duplicate)
        steering = Steering(lang, lists, wanted.topics, wanted.difficulties)
        count = -(-wanted.tasks // len(languages))
        with stage.progress(f"self-instruct: {lang}", -(-count // PER_REQUEST)) as advance:
            made = list(self_instruct(author, pool, steering, count, stage.seed, advance))
        with stage.progress(f"answer: {lang}", sum(c.fault is None for c in made)) as advance:
            yield from answered(author, made, stage.seed, advance)


def _balanced(
    config: InstructConfig, stage: Stage, ledger: Ledger, shelf: Shelf, kept: Sequence[int]
) -> array[int]:  # fmt: skip
    """The places of what is kept in the end."""
    out: set[int] = set()
    if config.balance == "answer":
        langs, plenty = [shelf.lang(place) for place in kept], [shelf.origin(place) == "pairs" for place in kept]
        out = set(surplus(langs, plenty, stage.recipe.languages.all, stage.seed))
    if 4 * len(out) > len(kept):
        stage.say(
            f"{len(out):,} of {len(kept):,} are left out, so that each language has as many answers as the smallest; "
            'instruct.balance="off" keeps them'
        )
    pool = array("q")
    for number, (item, notes) in enumerate(shelf.take(kept)):
        if number in out:
            ledger.reject(item, "balance", "surplus of its language")
        else:
            ledger.keep(item, notes or None)
            pool.append(kept[number])
    return pool


def _write(config: InstructConfig, stage: Stage, ledger: Ledger, pool: OnShelf, usage: dict[str, Any]) -> None:
    stage.say(f"splitting {len(pool):,} instructions")
    parts = split(pool, config.rl_share, config.near_duplicate, stage.seed, config.rl_shares, stage.work)
    in_sft = array("q", (place for n, place in enumerate(pool.places) if n not in parts.rl))
    in_rl = array("q", (place for n, place in enumerate(pool.places) if n in parts.rl))
    tagged, tasks = 0, dict[str, dict[str, int]]()
    with RecordWriter(stage.out / "pool.sft.parquet", Instruction) as sft:
        profile, seed = stage.recipe.profile, stage.seed
        for item, tags in with_tags(OnShelf(pool.shelf, in_sft), profile, config.tagged, seed):
            sft.append(item)
            tagged += tags
            tasks.setdefault(item.task, {"sft": 0, "rl": 0})["sft"] += 1
    with RecordWriter(stage.out / "pool.rl.parquet", Instruction) as rl:
        for item in OnShelf(pool.shelf, in_rl):
            rl.append(item)
            tasks.setdefault(item.task, {"sft": 0, "rl": 0})["rl"] += 1
    if parts.threshold != config.near_duplicate:
        stage.say(
            f"near-duplicates hang together at similarity {config.near_duplicate}: SFT and RL are disjoint at "
            f"{parts.threshold}"
        )
    funnel = ledger.funnel()
    funnel["split"] = {
        "sft": sft.count, "rl": rl.count, "near_duplicate": parts.threshold, "groups": parts.groups,
        "tasks": dict(sorted(tasks.items(), key=lambda one: (-sum(one[1].values()), one[0]))),
    }  # fmt: skip
    if "steered" in stage.figures:
        funnel["steered"] = stage.figures["steered"]
    write_json(stage.out / "funnel.json", funnel)
    tidied = stage.figures["tidied"]
    write_text(
        stage.out / "funnel.html",
        page(funnel, stage.recipe.name, usage, prompt.versions(), tidied, stage.unfinished),
    )
    # The examples of each reason stay in funnel.json: a manifest holds figures.
    counts = {
        **{name: value for name, value in funnel.items() if name not in ("examples", "steered")},
        "tagged": tagged,
        "reasons": {f"{r['gate']}: {r['reason']}": r["count"] for r in funnel["reasons"]},
    }
    stage.figures.update(
        {"funnel": counts, "sft": sft.count, "rl": rl.count, "llm": usage, "prompts": prompt.versions()}
    )
    stage.say(f"{funnel['in']:,} in, {funnel['kept']:,} kept, {funnel['rejected']:,} rejected, "
              f"{funnel['failed']:,} failed; SFT {sft.count:,} ({tagged:,} with tags), RL {rl.count:,}")  # fmt: skip
    # The artifact is renamed when the stage returns: this is where the page will be.
    stage.say(f"where each item went: {stage.out.parent.parent / stage.name / 'funnel.html'}")
