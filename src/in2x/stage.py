"""What a stage is given: its place in the run. The contract between `run.py` and the rooms.

A room is a function `run(config, stage)` in `in2x/<room>/stage.py`:

    def run(config: SftConfig, stage: Stage) -> None:
        pairs = stage.input("data") / "pairs.train.parquet"      # read inputs by name
        for item in stage.track(items, "tokenise"): ...          # progress on stderr
        write_records(stage.out / "kept.parquet", ...)           # results into stage.out
        stage.log.write({"step": 1, "loss": 3.2})                # curves, read by the report
        stage.figures["kept"] = 123                              # goes into the manifest

It must be deterministic in (config, inputs, seed), and be able to continue from what an earlier, killed try left in
`stage.out` (finished shards) and `stage.work` (checkpoints; dropped when the stage is done).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from in2x.artifact import Artifact, write_json

if TYPE_CHECKING:
    from in2x.trackers import Trackers

T = TypeVar("T")
console = Console(stderr=True, highlight=False)


PROGRESS = "progress.json"
"""In `stage.work`: how far a stage is, for `in2x status`."""
EVERY = 2.0
"""Seconds between two writings of it."""
NAME_WIDTH = 8
"""Columns of the longest stage name."""


def say(stage: str, text: str) -> None:
    """One line about a stage to the person at the terminal (stderr), the stages' names in one column.

    `text` is shown as it is: brackets in it are no markup.
    """
    console.print(f"[bold]{stage:{NAME_WIDTH}}[/bold] {escape(text)}", soft_wrap=True)


class _Left(ProgressColumn):
    """The time left, while there is any."""

    def render(self, task: Task) -> Text:
        """Hours, minutes and seconds; nothing once the bar is full or while nothing is known."""
        left = task.time_remaining
        if task.finished or left is None:
            return Text("")
        minutes, seconds = divmod(round(left), 60)
        hours, minutes = divmod(minutes, 60)
        return Text(f"eta {hours}:{minutes:02d}:{seconds:02d}", style="cyan")


class Log:
    """`log.jsonl`: one JSON object a line (curves of a stage). Survives a kill: `rewind` drops lines past a step."""

    def __init__(self, path: Path, also: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        """Open the log at `path`; the file comes with the first row. Each row also goes to `also`."""
        self.path, self._also = path, also

    def write(self, row: Mapping[str, Any]) -> None:
        """Append one line."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        if self._also is not None:
            self._also(row)

    def write_once(self, row: Mapping[str, Any]) -> None:
        """Append one line, unless it is the last one: what closes a run is measured again by who goes on from there."""
        if self.read()[-1:] != [json.loads(json.dumps(row))]:
            self.write(row)

    def read(self) -> list[dict[str, Any]]:
        """All whole lines so far (a line cut by a kill is left out)."""
        if not self.path.exists():
            return []
        rows = []
        for line in self.path.read_text(encoding="utf-8").split("\n"):
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return rows

    def rewind(self, step: int, **tags: Any) -> None:
        """Drop the rows of this run (equal in all `tags`) that lie past `step`: called on resume."""
        if not self.path.exists():
            return
        rows = [r for r in self.read() if r.get("step", 0) <= step or any(r.get(k) != v for k, v in tags.items())]
        partial = self.path.with_name(self.path.name + ".partial")
        partial.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
        partial.rename(self.path)


class LanguagesOf(Protocol):
    """The languages of a run, as codes."""

    @property
    def target(self) -> str:
        """The language that the model must become expressive in."""

    @property
    def hub(self) -> str:
        """The language whose strength is carried over."""

    @property
    def others(self) -> tuple[str, ...]:
        """Further languages."""

    @property
    def all(self) -> tuple[str, ...]:
        """Hub, target, then the others."""


class Facts(Protocol):
    """What a stage may know of the recipe beside its own section; the recipe itself stands above all rooms."""

    @property
    def name(self) -> str:
        """Name of the run."""

    @property
    def seed(self) -> int:
        """Seed of everything random."""

    @property
    def languages(self) -> LanguagesOf:
        """Its languages."""

    @property
    def profile(self) -> Any:
        """The prompt profile of the model that it makes (`in2x.chat.profile.PromptProfile`)."""

    @property
    def pair_gate(self) -> bool:
        """Whether training pairs that cannot be translations are left out."""


@dataclass
class Stage:
    """One stage at work."""

    name: str
    recipe: Facts
    out: Path
    """Where results go. Renamed to the artifact when the stage returns."""
    inputs: Mapping[str, Artifact] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    resumed: bool = False
    ground: str = ""
    """Hash of all that its key holds but its own section: for keys of its parts."""
    files: Mapping[str, Any] = field(default_factory=dict)
    """Size and time of the files that its section names, by the text that names them: for keys of its parts."""
    keep: bool = False
    """Its parts are taken as they are, whatever they were made for."""
    trackers: Trackers | None = None
    """Where the rows of its log go as well."""
    unfinished: str = ""
    """Set by the stage itself: why there is more to do. The same command then goes on, where it would change nothing
    else; what is made meanwhile is whole and is read as it is."""
    record: Callable[[str], None] | None = None
    """Takes every line that it says, for the log of the run."""
    rank: int = 0
    """Number of this process where several train together; those after the first are silent and keep no log."""

    @property
    def work(self) -> Path:
        """Scratch that outlives a kill (checkpoints, finished shards) and is dropped when the stage is done."""
        path = self.out / "work"
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self.recipe.seed

    @property
    def log(self) -> Log:
        """The stage's `log.jsonl`."""
        if self.rank:
            return Log(self.work / f"log.{self.rank}.jsonl")
        return Log(self.out / "log.jsonl", self.trackers)

    def input(self, name: str) -> Path:
        """The directory of the artifact of stage `name`."""
        return self.inputs[name].path

    def say(self, text: str) -> None:
        """One line to the person at the terminal (stderr, never stdout)."""
        if not self.rank:
            say(self.name, text)
            if self.record is not None:
                self.record(text)

    def track(self, items: Iterable[T], what: str, total: float | None = None) -> Iterator[T]:
        """`items` with a progress bar named `what`."""
        if total is None and hasattr(items, "__len__"):
            total = len(items)  # type: ignore[arg-type]
        with self.progress(what, total) as advance:
            for item in items:
                yield item
                advance(1, "")

    @contextmanager
    def progress(self, what: str, total: float | None) -> Iterator[Any]:
        """A progress bar; yields `advance(count, note)`, `note` being shown after the bar (for example the loss).

        What it shows also lies in `work/progress.json` every two seconds, for whoever asks from another terminal.
        """
        bar = Progress(
            TextColumn(f"[bold]{self.name:{NAME_WIDTH}}[/bold] {{task.description}}"), BarColumn(24),
            MofNCompleteColumn(), TimeElapsedColumn(), _Left(), TextColumn("{task.fields[note]}"),
            console=console, disable=bool(self.rank) or not sys.stderr.isatty(),
        )  # fmt: skip
        with bar:
            task = bar.add_task(what, total=total, note="")
            began = written = time.monotonic()
            done = first = 0.0

            def advance(count: float = 1, note: str = "") -> None:
                nonlocal done, first, written
                bar.update(task, advance=count, note=note)
                # A stage that goes on jumps to where it was: that says nothing about its pace.
                first = count if not done and count > 1 else first
                done += count
                if not self.rank and (now := time.monotonic()) - written >= EVERY:
                    written = now
                    row = {"what": what, "done": done, "total": total, "pace": (done - first) / (now - began),
                           "note": note, "time": time.time()}  # fmt: skip
                    write_json(self.work / PROGRESS, row)

            yield advance
