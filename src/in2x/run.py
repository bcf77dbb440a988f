"""Order, resume and manifests: a stage reruns only if its config, its code or its inputs changed.

A stage's *key* is the hash of its config section, the sources that it runs (found from its imports, `closure.py`), the
keys of the artifacts it reads and the seed. An artifact whose manifest carries that key is left alone; a partial
directory started for that key is resumed; anything else is made anew.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import platform
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from in2x import __version__, closure, launch
from in2x.artifact import (
    MANIFEST,
    Artifact,
    aside,
    begin,
    borrow,
    finish,
    hash_files,
    hash_values,
    take_up,
    write_text,
)
from in2x.disk import told_when_full
from in2x.errors import In2xError, UsageError
from in2x.language import pack
from in2x.merge.card import write_card
from in2x.principles.fundamental import undecided
from in2x.recipe import Recipe
from in2x.stage import Stage, say
from in2x.trackers import Trackers, require
from in2x.training.config import forced_compute


@dataclass(frozen=True)
class Room:
    """One stage of the run: its name, what it runs and the artifacts that it needs."""

    name: str
    section: str
    """Field of the recipe that configures it."""
    module: str
    """Module with `run(config, stage)`, imported when the stage runs."""
    needs: tuple[str, ...]
    parts: bool = False
    """Its parts have keys of their own: it takes up what is there, and drops what no longer holds."""

    def reads(self, recipe: Recipe) -> tuple[str, ...]:
        """The artifacts it needs under `recipe`, whose section may do without some of them."""
        spared: frozenset[str] = getattr(recipe, self.section).spared
        return tuple(name for name in self.needs if name not in spared)

    def function(self) -> Callable[[Any, Stage], None]:
        """The stage function."""
        function: Callable[[Any, Stage], None] = importlib.import_module(self.module).run
        return function

    def code(self) -> str:
        """Hash of the sources that its result depends on: the closure of its imports, less what only shows."""
        package = self.module.partition(".")[0]
        root = closure.modules(package)[package].parent
        shows = () if self.name == "report" else SHOWS

        def leave(name: str) -> bool:
            inner = name.split(".")[1:]
            return inner[0] in (*GROUND, *shows) or (bool(shows) and inner[-1] == "page")

        names = closure.closure(self.module, leave)
        files = closure.sources(names, lambda file: (file.suffix == ".jinja" and bool(shows)) or file.name in ASIDE)
        return closure.code_hash(files, root)


GROUND = ("artifact", "errors", "knob", "process", "stage", "trackers")
"""What stores, starts and tells: a new progress bar must not undo a long run."""
SHOWS = ("pages", "report")
"""What makes pages of a result; with every room's own `page.py`."""
ASIDE = ("README.md", "py.typed")


ROOMS: tuple[Room, ...] = (
    Room("data", "data", "in2x.data.stage", ()),
    Room("corpus", "corpus", "in2x.corpus.stage", ("data",), parts=True),
    Room("base", "base", "in2x.pretrain.base", ("data", "corpus")),
    Room("pretrain", "pretrain", "in2x.pretrain.stage", ("data", "corpus", "base"), parts=True),
    Room("instruct", "instruct", "in2x.instructions.stage", ("data", "pretrain")),
    Room("select", "select", "in2x.selection.stage", ("instruct",)),
    Room("sft", "sft", "in2x.sft.stage", ("pretrain", "select", "data")),
    Room("rl", "rl", "in2x.rl.stage", ("sft", "select", "data")),
    Room("merge", "merge", "in2x.merge.stage", ("data", "pretrain", "sft", "rl")),
    Room("evaluate", "evaluate", "in2x.evaluate.stage", ("data", "corpus", "base", "pretrain", "sft", "rl", "merge")),
    Room(
        "report",
        "report",
        "in2x.report.stage",
        ("data", "corpus", "base", "pretrain", "instruct", "select", "sft", "rl", "merge", "evaluate"),
    ),
)
STAGES = tuple(room.name for room in ROOMS)


def room(name: str) -> Room:
    """The room called `name`; UsageError with the list of names where there is none."""
    for candidate in ROOMS:
        if candidate.name == name:
            return candidate
    raise UsageError(f"there is no stage {name!r}", mend=f"use one of {', '.join(STAGES)}")


def stage_ground(recipe: Recipe, room: Room, inputs: dict[str, str]) -> str:
    """What the key of `room` rests on beside its own section and the files that this names: `inputs` (keys of the
    artifacts it reads), code, seed.
    """
    ground = {
        "stage": room.name, "languages": recipe.languages.model_dump(), "prompt": recipe.prompt,
        "one_sentence": recipe.one_sentence, "seed": recipe.seed, "code": room.code(), "inputs": inputs,
    }  # fmt: skip
    if recipe.unsure:
        ground["unsure"] = recipe.unsure
    if packs := _own_packs(recipe):
        ground["packs"] = packs
    return hash_values(ground)


def stage_key(recipe: Recipe, room: Room, inputs: dict[str, str]) -> str:
    """The key of `room` under `recipe`: its ground, and the knobs of its section that its result depends on, with the
    files that they name.
    """
    section = room.section
    return hash_values([stage_ground(recipe, room, inputs), recipe.keyed(section), recipe.input_files(section)])


def _own_packs(recipe: Recipe) -> dict[str, str]:
    """Hash of each language pack that is the user's own, of the recipe's languages; ours count as code."""
    own = {code: file for code, file in pack.files().items() if file.parent != pack.HERE}
    return {
        code: hash_files([own[code], *own[code].parent.glob(f"instructions/{code}.yaml")])
        for code in recipe.languages.all if code in own
    }  # fmt: skip


@contextmanager
def _lock(out: Path) -> Iterator[None]:
    """Hold the run directory: two processes never write one run.

    Training processes inherit the lock, so it outlives this one where they do (after `kill -9`).
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as stream:
        os.set_inheritable(stream.fileno(), True)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise In2xError("another in2x is at work in this run", file=out, mend="wait for it or give --out") from None
        yield


def is_at_work(out: Path) -> bool:
    """Whether a process holds the run directory right now."""
    try:
        with (out / ".lock").open() as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def run(
    recipe: Recipe,
    out: Path,
    *,
    first: str | None = None,
    until: str | None = None,
    force: bool = False,
    keep: bool = False,
    earlier: Path | None = None,
) -> dict[str, Artifact]:
    """Run the stages of `recipe` into `out` and return the artifacts by stage; `out/model` is the translator.

    Args:
        first: start here; the stages before it must be finished (their artifacts are taken as they are).
        until: run no further than this stage, and of those before it only the ones that it rests on.
        force: run the stages from `first` (or all) even where nothing changed.
        keep: take what is there, finished or half done, as it is, whatever changed since.
        earlier: another run, from which the stages before `first` are taken that `out` has not.

    Raises:
        In2xError: an input is missing or a stage failed with a sentence.
        UsageError: unknown stage names, or a tracker that is not installed.
    """
    begin_at = STAGES.index(room(first).name) if first else 0
    end_at = STAGES.index(room(until).name) if until else len(STAGES) - 1
    if begin_at > end_at:
        raise UsageError(f"--from {first} comes after --until {until}", mend="swap them")
    require(recipe.trackers)
    forced_compute()  # a word that it does not know ends the run before any hour is spent
    for sentence in undecided(recipe.languages.all):
        say("note", sentence)
    if any(current.name == "rl" for current in ROOMS[begin_at : end_at + 1]):
        from in2x.rl.check import check_rl

        for sentence in check_rl(recipe.rl):
            say("rl", sentence)
    if recipe.base.model is not None and begin_at <= STAGES.index("base") <= end_at:
        from in2x.training.preview import preview

        # Before any hour is spent: a model that cannot be served is refused here.
        found = preview(recipe.base.model, adapters=recipe.sft.lora.rank > 0)
        say("base", f"{found.family}, {found.forward}; {found.chat}")
    wanted = _rests_on(recipe, ROOMS[end_at]) if until else set(STAGES)
    artifacts: dict[str, Artifact] = {}
    with _lock(out), told_when_full(out):
        record(out, "run", recipe=recipe.name, command=_command(), version=__version__)
        for index, current in enumerate(ROOMS[: end_at + 1]):
            if current.name not in wanted:
                continue
            final = out / current.name
            if index < begin_at:
                if earlier is not None and not (final / MANIFEST).exists() and (earlier / current.name).exists():
                    say(current.name, f"taken from {earlier}")
                    artifacts[current.name] = borrow(earlier / current.name, out / ".partial" / current.name, final)
                else:
                    artifacts[current.name] = Artifact.open(final)
                continue
            inputs = {name: artifacts[name] for name in current.reads(recipe)}
            keys = {name: artifact.key for name, artifact in inputs.items()}
            old = Artifact.open(final) if (final / MANIFEST).exists() and not force else None
            if old is not None and (keep or old.key == stage_key(recipe, current, keys)):
                artifacts[current.name] = old
                same = old.key == stage_key(recipe, current, keys)
                say(current.name, "unchanged" if same else f"kept, though changed: {_why(recipe, current, old, keys)}")
            else:
                artifacts[current.name] = _run_stage(recipe, current, inputs, out, keep=keep, force=force)
            if current.name == MODEL_STAGES[0] or index == end_at:
                publish_model(recipe, artifacts, out)
    return artifacts


def _rests_on(recipe: Recipe, last: Room) -> set[str]:
    """`last` and every stage that it reads, directly or through others."""
    found = {last.name}
    for current in reversed(ROOMS):
        if current.name in found:
            found.update(current.reads(recipe))
    return found


def _run_stage(
    recipe: Recipe, current: Room, inputs: dict[str, Artifact], out: Path, *, keep: bool, force: bool
) -> Artifact:
    partial, final = out / ".partial" / current.name, out / current.name
    keys = {name: artifact.key for name, artifact in inputs.items()}
    key = stage_key(recipe, current, keys)
    if current.parts and not force and not partial.exists() and (final / MANIFEST).exists():
        take_up(final, partial)
    started_for = (partial / ".key").read_text(encoding="utf-8") if (partial / ".key").exists() else key
    resumed = begin(partial, key, keep=keep or (current.parts and not force))
    trackers = Trackers(recipe.trackers, recipe.name, current.name, str(out)) if recipe.trackers else None
    stage = Stage(current.name, recipe, partial, inputs, resumed=resumed, trackers=trackers,
                  ground=stage_ground(recipe, current, keys), files=recipe.input_files(current.section), keep=keep,
                  record=lambda text: record(out, "says", current.name, text=text))  # fmt: skip
    record(out, "goes on" if resumed else "begins", current.name, key=key)
    if resumed:
        stage.say("resuming")
    elif started_for != key:
        stage.say(f"begun anew: what was half done rests on other knobs, code or inputs. It lies in {aside(partial)} "
                  "until this is finished; --keep goes on from it")  # fmt: skip
    started = time.monotonic()
    try:
        if recipe.launch and current.name in launch.STAGES:
            launch.run_in_processes(recipe, current.function(), stage)
        else:
            current.function()(getattr(recipe, current.section), stage)
    except (In2xError, OSError) as error:
        record(out, "failed", current.name, why=str(error))
        raise
    finally:
        if trackers is not None:
            trackers.close()
    seconds = time.monotonic() - started
    from in2x.training import precision  # torch; a plan does without it

    manifest = {
        "stage": current.name,
        # What is unfinished is like nothing that is made later: it and what rests on it run again.
        "key": f"{key}-unfinished-{time.time_ns()}" if stage.unfinished else key,
        **({"unfinished": stage.unfinished} if stage.unfinished else {}),
        "recipe": recipe.name,
        "config": recipe.section(current.section),
        "languages": recipe.languages.model_dump(),
        "inputs": {name: {"path": str(a.path), "key": a.key} for name, a in inputs.items()},
        "seed": recipe.seed,
        "figures": stage.figures,
        "seconds": round(seconds, 2),
        "resumed": resumed,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "versions": versions(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "compute": precision.describe(),
        "command": _command(),
    }
    artifact = finish(partial, final, manifest)
    record(out, "done", current.name, seconds=round(seconds, 2))
    stage.say(f"done in {seconds:.0f} s")
    return artifact


LOG = "run.jsonl"


def record(out: Path, event: str, stage: str = "", **more: Any) -> None:
    """Add a line to the log of the run: {"time": seconds since 1970, "event", "stage", ...}.

    Events: run, begins, goes on, says, failed, done. A line is written at once; a kill may cut the last one, and on a
    full disk it is left out: what fails says so itself.
    """
    row = {"time": round(time.time(), 3), "event": event, **({"stage": stage} if stage else {}), **more}
    with suppress(OSError), (out / LOG).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


def _command() -> str:
    return " ".join(["in2x", *sys.argv[1:]])


MODEL_STAGES = ("merge", "rl", "sft")
"""The stages whose model is the run's translator: the last one that is finished."""


def publish_model(recipe: Recipe, artifacts: Mapping[str, Artifact], out: Path) -> Path | None:
    """Lay the model of the last finished of merge, rl and sft down as `out/model`, with its card.

    Files are hard links where the file system allows. The folder is made beside and renamed; one that is already made
    from that artifact is left alone. Returns the folder, or None where no such stage was among `artifacts`.
    """
    stage = next((name for name in MODEL_STAGES if name in artifacts), None)
    if stage is None:
        return None
    source, final = artifacts[stage].path / "model", out / "model"
    mark = out / ".model"
    made_from = f"{stage} {artifacts[stage].key}"
    if final.is_dir() and mark.exists() and mark.read_text(encoding="utf-8") == made_from:
        return final
    partial = out / ".partial" / "model"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for file in sorted(source.rglob("*")):
        target = partial / file.relative_to(source)
        if file.is_dir():
            target.mkdir(exist_ok=True)
        elif file.suffix == ".safetensors":
            try:
                os.link(file, target)
            except OSError:
                shutil.copyfile(file, target)
        else:
            shutil.copyfile(file, target)
    write_card(partial, recipe, {room.name: artifacts[room.name] for room in ROOMS if room.name in artifacts})
    mark.unlink(missing_ok=True)
    if final.exists():
        old = out / ".partial" / "model.old"
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
        partial.rename(final)
        shutil.rmtree(old)
    else:
        partial.rename(final)
    write_text(mark, made_from)
    return final


@dataclass(frozen=True)
class Forecast:
    """What `run` would do with one stage."""

    room: Room
    status: str
    """"unchanged", "resumes", "runs" (nothing there yet) or "runs again"."""
    why: str
    """For "runs again": which of config, code, inputs, seed or files changed, as far as the manifest tells."""
    seconds: float | None
    """Wall time of the artifact that is there, if any."""


def forecast(recipe: Recipe, out: Path) -> list[Forecast]:
    """What `run(recipe, out)` would do, stage by stage. Reads manifests only; writes nothing."""
    keys: dict[str, str] = {}
    found = []
    for current in ROOMS:
        keys[current.name] = key = stage_key(recipe, current, {name: keys[name] for name in current.reads(recipe)})
        final, mark = out / current.name, out / ".partial" / current.name / ".key"
        old = Artifact.open(final) if (final / MANIFEST).exists() else None
        status = "unchanged" if old and old.key == key else "runs again" if old else "runs"
        if status != "unchanged" and mark.exists() and mark.read_text(encoding="utf-8") == key:
            status = "resumes"
        why = _why(recipe, current, old, keys) if old and status == "runs again" else ""
        found.append(Forecast(current, status, why, float(old.manifest["seconds"]) if old else None))
    return found


def _why(recipe: Recipe, current: Room, old: Artifact, keys: Mapping[str, str]) -> str:
    was = old.manifest
    if "unfinished" in was:
        return str(was["unfinished"])
    now, keyed, before = recipe.section(current.section), recipe.keyed(current.section), was.get("config") or {}
    shown = now.keys() - keyed.keys()  # of no consequence
    if names := sorted(k for k in (now.keys() | before.keys()) - shown if now.get(k) != before.get(k)):
        return f"config: {', '.join(names)}"
    if was.get("seed") != recipe.seed:
        return "seed"
    changed = [name for name, seen in was.get("inputs", {}).items() if keys.get(name) != seen["key"]]
    return f"input: {', '.join(changed)}" if changed else "code or input files"


def versions() -> dict[str, str]:
    """Versions of what results depend on."""
    names = ("torch", "transformers", "tokenizers", "daft", "sacrebleu", "numpy", "scikit-learn", "fugashi")
    found = {"in2x": __version__}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
