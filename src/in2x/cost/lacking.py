"""What a recipe lacks: all that would stop a run, or leave it with next to nothing, told before any hour is spent.

`in2x plan` lists it and `in2x run` refuses to start with it. Only what is sure is a *lack*: a file that is not there, a
key that is not set, a quota that is out of reach by more than `SLACK`. What lies at the hub or behind a server is asked
by `plan --check` (`servers.py`).
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from in2x import hub, store
from in2x.contamination.evaluation import evaluation_rows
from in2x.corpus.config import CorpusConfig
from in2x.corpus.mixture import check_select
from in2x.corpus.read import find_files
from in2x.corpus.view import check_view
from in2x.cost.servers import named
from in2x.cost.supply import items_of, text_of
from in2x.data.reader import raw_paths
from in2x.data.stage import listed
from in2x.errors import In2xError
from in2x.instructions.collect import sets_of
from in2x.instructions.themes import themes
from in2x.llm.config import LlmConfig, is_address
from in2x.recipe import Recipe
from in2x.rl.rewards.reliability import read_reliability

SLACK = 2.0
"""How many times more than the estimate says must be wanted before a quota counts as out of reach (our choice)."""


@dataclass(frozen=True)
class Lack:
    """One thing that stands against a stage, and what mends it."""

    stage: str
    what: str
    mend: str

    def __str__(self) -> str:
        """As one sentence."""
        return f"{self.stage}: {self.what}; {self.mend}"


def lacks(recipe: Recipe, stages: Collection[str], *, stores: bool = False) -> list[Lack]:
    """What stands against running `stages` of `recipe`, in their order; with `stores` raw text in stores is looked
    into, and not only listed.
    """
    checks: dict[str, Callable[[Recipe], Iterator[Lack]]] = {
        "data": _data, "corpus": partial(_corpus, stores=stores), "base": _base, "pretrain": _pretrain,
        "instruct": _instruct, "select": _select, "rl": _rl,
    }  # fmt: skip
    found: list[Lack] = []
    for stage, check in checks.items():
        # What is not there has no size: the corpus is looked at where its text can be found.
        if stage in stages and not (stage == "corpus" and found):
            try:
                found += list(check(recipe))
            except In2xError as error:
                found.append(_said(stage, error))
    return found + [lack for lack in _keys(recipe) if lack.stage in stages]


def refuse(recipe: Recipe, stages: Collection[str]) -> None:
    """Raise In2xError where anything stands against running `stages`."""
    if found := lacks(recipe, stages):
        raise summary(found)


def summary(found: Sequence[Lack]) -> In2xError:
    """The first of `found` as an error, and how many more there are."""
    more = f" (and {len(found) - 1} more: `in2x plan` lists them)" if len(found) > 1 else ""
    return In2xError(f"{found[0].stage}: {found[0].what}{more}", mend=found[0].mend)


def _said(stage: str, error: In2xError) -> Lack:
    what = f"{error.file}: {error.what}" if error.file is not None else error.what
    return Lack(stage, what, error.mend or "mend it")


def _here(stage: str, knob: str, name: str, *, folder: bool = False) -> Iterator[Lack]:
    """A lack where `name` is no file, no object in a store, no data set of the hub and, if one may be, no folder."""
    if store.is_url(name):
        try:
            store.find(name)
        except In2xError as error:
            yield _said(stage, error)
        return
    path = Path(name)
    if not (name.startswith(hub.PREFIX) or path.is_file() or (path.is_dir() and folder)):
        yield Lack(stage, f"{name}: no such file", f"give {knob} a file that is there, or hub:owner/name")


def _data(recipe: Recipe) -> Iterator[Lack]:
    data = recipe.data
    if data.train is None and (data.dev or data.test):
        yield Lack("data", "data.dev and data.test need data.train", "give data.train too, or none of them")
    for knob in ("train", "dev", "test", "instructions"):
        for name in listed(getattr(data, knob)):
            yield from _here("data", f"data.{knob}", name, folder=knob != "instructions")
    for name in listed(data.raw):
        try:
            raw_paths(name)
        except In2xError as error:
            yield _said("data", error)
    for place in data.decontaminate.sets.values():
        try:
            if not place.startswith(hub.PREFIX):
                next(evaluation_rows(place, Path.cwd()), None)
        except In2xError as error:
            yield _said("data", error)
    if (gate := data.decontaminate).embedder:
        yield from _embedder("data", "data.decontaminate", gate.embedder, gate.embedding_model)


def _corpus(recipe: Recipe, stores: bool) -> Iterator[Lack]:
    corpus = recipe.corpus
    yield from _scores(recipe, "corpus", "corpus.select", corpus.select)
    if corpus.select and corpus.select != CorpusConfig().select:
        check_select(corpus.select)
    named_by = {"corpus.ngram_reference": corpus.ngram_reference, "corpus.classifier.paths": corpus.classifier.paths}
    for knob, places in named_by.items():
        for place in places:
            try:
                if not place.startswith(hub.PREFIX):
                    find_files([place], Path.cwd())
            except In2xError as error:
                yield Lack("corpus", f"{place}: {error.what}", f"correct the path in {knob}")
    if (model := corpus.causal.model) and not (Path(model).is_dir() or hub.is_name(model)):
        yield Lack("corpus", f"{model}: no such model", "correct corpus.causal.model")
    mix, languages = recipe.corpus.mix, recipe.languages.all
    weights = {lang: mix.languages.get(lang, 0.0) if mix.languages else 1.0 for lang in languages}
    if sum(weights.values()) <= 0:
        yield Lack("corpus", "corpus.mix.languages gives no language of the recipe a weight", "raise one above 0")
        return
    text = text_of(recipe, stores=stores)
    if text.away:
        return
    for lang in languages:
        held = text.of(lang)
        if text.whole and not held:
            yield Lack("corpus", f"no raw text is in {lang}", "give some in data.raw, or drop it from languages")
        wanted = int((mix.tokens or 0) * weights[lang] / sum(weights.values()))
        most = held * mix.epochs
        if mix.short != "shrink" and wanted > SLACK * most and (held or not text.whole):
            there = (
                f"some {held:,}, {int(most):,} with each document {mix.epochs:g} times" if held else "none to speak of"
            )
            yield Lack(
                "corpus", f"corpus.mix wants {wanted:,} tokens in {lang}, and the text that is here holds {there}",
                "give more raw text, lower corpus.mix.tokens, or set corpus.mix.short to shrink",
            )  # fmt: skip


def _base(recipe: Recipe) -> Iterator[Lack]:
    model = recipe.base.model
    if model is not None and not (Path(model).is_dir() or hub.is_name(model)):
        yield Lack(
            "base", f"{model}: no such model", "give base.model a folder that is there, or OWNER/NAME of the hub"
        )


def _pretrain(recipe: Recipe) -> Iterator[Lack]:
    phases = {f"pretrain.{name}": getattr(recipe.pretrain, name) for name in ("phase1", "phase2", "phase3")}
    if recipe.base.model is None:
        phases["base.train"] = recipe.base.train
    for knob, phase in phases.items():
        yield from _scores(recipe, "pretrain", f"{knob}.view.where", phase.view.where)
        check_view(phase.view, f"{knob}.view")


def _scores(recipe: Recipe, stage: str, knob: str, where: str | None) -> Iterator[Lack]:
    """An expression over a score that nobody makes keeps nothing."""
    classifier, causal = recipe.corpus.classifier, recipe.corpus.causal
    made = {"classifier": (classifier.sources or classifier.paths, "corpus.classifier.sources or paths"),
            "lm_perplexity": (causal.model, "corpus.causal.model")}  # fmt: skip
    for column, (by, needed) in made.items():
        if where and not by and re.search(rf"\b{column}\b", where, re.I):
            yield Lack(stage, f"{knob} asks for {column}, which no document has", f"give {needed}")


def _instruct(recipe: Recipe) -> Iterator[Lack]:
    instruct = recipe.instruct
    if instruct.themes is not None:
        if not Path(instruct.themes).is_dir():
            yield Lack("instruct", f"{instruct.themes}: no such folder", "correct instruct.themes")
        for lang in recipe.languages.all:
            themes(lang, instruct.themes)
    for one in instruct.sets:
        if Path(one.path).exists():
            sets_of(one)
        elif not hub.is_name(one.path.removeprefix(hub.PREFIX)) or Path(one.path).suffix in (".jsonl", ".parquet"):
            yield Lack("instruct", f"{one.path}: no such instruction set", "correct its path in instruct.sets")
    if items_of(recipe) == 0:
        yield Lack("instruct", "nothing makes an instruction: no pairs, no sets, nothing written by a model",
                   "give data.train, instruct.sets, or let instruct.magpie or self_instruct write some")  # fmt: skip
    template = instruct.llm.template
    if instruct.llm.base_url and instruct.synthesize and instruct.magpie.turns and template:
        if Path(template).is_dir():
            from in2x.llm.client import Client
            from in2x.llm.open import template_of

            template_of(Client(instruct.llm), instruct.llm)
        elif not hub.is_name(template) and "/" in template:
            yield Lack("instruct", f"{template}: no such tokenizer", "correct instruct.llm.template")


def _select(recipe: Recipe) -> Iterator[Lack]:
    select, most = recipe.select, items_of(recipe)
    sizes = {name: getattr(select, name).size or 0 for name in ("round1", "round2", "rl")}
    if most is not None and sum(sizes.values()) > most:
        asked = ", ".join(f"{name} {size:,}" for name, size in sizes.items() if size)
        yield Lack("select", f"{sum(sizes.values()):,} instructions are wanted ({asked}), and instruct makes {most:,} "
                   "at most", "lower select.*.size, or let instruct collect and write more")  # fmt: skip
    if select.llm is not None and not select.llm.base_url:
        yield Lack("select", "the model that labels has no server", "give select.llm.base_url, or leave select.llm out")
    if select.fields:
        from in2x.selection.teacher import read_fields

        read_fields(Path(select.fields))
    if select.embedder != "hashing":
        yield from _embedder("select", "select", select.embedder, select.embedding_model)


def _embedder(stage: str, section: str, name: str, model: str) -> Iterator[Lack]:
    if is_address(name):
        if not model:
            yield Lack(stage, "the embeddings server is not told a model", f"give {section}.embedding_model")
    elif importlib.util.find_spec("sentence_transformers") is None:
        yield Lack(stage, f"the embedder {name} needs the package sentence-transformers",
                   "install it, or give the address of an embeddings server")  # fmt: skip


def _rl(recipe: Recipe) -> Iterator[Lack]:
    if (file := recipe.rl.judge.reliability) and "judged" in recipe.rl.rewards:
        read_reliability(Path(file))
    instruct, rl = recipe.instruct, recipe.select.rl
    if not instruct.rl_share and not any(instruct.rl_shares.values()):
        yield Lack("rl", "no instruction is set aside for it", "raise instruct.rl_share or instruct.rl_shares")
    elif rl.size == 0 or (rl.size is None and rl.share == 0):
        yield Lack("rl", "select.rl takes no prompt", "raise select.rl.size or select.rl.share")


def _keys(recipe: Recipe) -> Iterator[Lack]:
    """A key that the recipe names is needed; the usual one may be: a server of one's own asks for none."""
    usual = LlmConfig.model_fields["key_variable"].default
    for server in named(recipe):
        variable = server.config.key_variable
        if variable != usual and not os.environ.get(variable, "").strip():
            yield Lack(server.stage, f"the key of {server.config.base_url} is not there ({variable} is not set)",
                       f"export {variable}=..., or leave key_variable out where no key is needed")  # fmt: skip
