"""`in2x status RUN`: what of a run is done, what is at work and for how long yet, and its last figures."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from in2x.commands.show import AsJson, duration, emit, show
from in2x.errors import UsageError

SHOWN = ("loss", "dev_loss", "reward", "entropy")
"""What is shown of the last row of a stage's log."""
COUNTS = 3
"""Counts shown of a finished stage that keeps no log."""


@dataclass
class StageState:
    """One stage of a run, as it lies on the disk."""

    stage: str
    state: str
    """"done", "at work", "half done" (nobody is at it), "not yet"."""
    seconds: float | None = None
    """What it took."""
    what: str = ""
    """The part that it is in."""
    share: float | None = None
    """Of that part, 0 to 1."""
    left: float | None = None
    """Seconds that the part still takes at the pace so far, as of now."""
    figures: dict[str, Any] = field(default_factory=dict)
    failed: str = ""
    """Why it stopped, where it said so."""


def status(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, for example runs/demo.")],
    as_json: AsJson = False,
) -> None:
    """Say how far a run is: what is done, what is at work, how long yet, the last figures."""
    from rich.table import Table

    states = states_of(run)
    if as_json:
        emit([dataclasses.asdict(state) for state in states])
        return
    table = Table("stage", "state", "took", "now", "left", "last figures")
    for s in states:
        now = s.what + (f" {s.share:.0%}" if s.share is not None else "")
        figures = ", ".join(f"{name} {_told(value)}" for name, value in s.figures.items())
        table.add_row(s.stage, s.state, duration(s.seconds) if s.seconds is not None else "", now,
                      duration(s.left) if s.left is not None else "", s.failed or figures)  # fmt: skip
    show(table)


def _told(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def states_of(run: Path) -> list[StageState]:
    """Every stage of the run in `run`, in order.

    Raises UsageError where the folder is no run: no stage in it is begun.
    """
    from in2x.artifact import MANIFEST, Artifact
    from in2x.run import STAGES, is_at_work

    busy = is_at_work(run)
    told = _failures(run)
    states = []
    for name in STAGES:
        final, partial = run / name, run / ".partial" / name
        if (partial / ".key").exists():
            state = StageState(name, "at work" if busy else "half done", figures=_last(partial))
            _progress(state, partial / "work", busy)
            state.failed = "" if busy else told.get(name, "")
        elif (final / MANIFEST).exists():
            manifest = Artifact.open(final).manifest
            state = StageState(name, "unfinished" if manifest.get("unfinished") else "done",
                               seconds=manifest.get("seconds"), figures=_last(final) or _counts(manifest))  # fmt: skip
        else:
            state = StageState(name, "not yet", failed=told.get(name, ""))
        states.append(state)
    if all(state.state == "not yet" and not state.failed for state in states):
        raise UsageError("no stage of a run is begun in this folder", file=run, mend="give the folder of a run, like "
                         "runs/demo")  # fmt: skip
    return states


def _progress(state: StageState, work: Path, busy: bool) -> None:
    from in2x.stage import PROGRESS

    try:
        row = json.loads((work / PROGRESS).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):  # nothing is told in the first seconds
        return
    state.what = str(row["what"])
    if row["total"]:
        state.share = min(1.0, row["done"] / row["total"])
        if busy and row["pace"] > 0:
            since = max(0.0, time.time() - row["time"])  # a clock that was set back meanwhile
            left = (row["total"] - row["done"]) / row["pace"] - since
            state.left = max(0.0, left)


def _last(folder: Path) -> dict[str, Any]:
    """The figures of the last row of the log that has them."""
    from in2x.report.training import read_log

    rows = read_log(folder)
    found: dict[str, Any] = {"step": rows[-1]["step"]} if rows and "step" in rows[-1] else {}
    for row in reversed(rows):
        for name in SHOWN:
            if name not in found and isinstance(row.get(name), int | float):
                found[name] = row[name]
    return found


def _counts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The first counts of a stage; of evaluation the last model's chrF, direction by direction."""
    given = manifest.get("figures", {})
    begin, end = f"{(given.get('systems') or [''])[-1]} ", " chrF"
    main = given.get("main", {}).items()
    scores = {f"chrF {name.removeprefix(begin).removesuffix(end)}": value
              for name, value in main if name.startswith(begin) and name.endswith(end)}  # fmt: skip
    figures = (scores or given).items()
    return dict([(n, v) for n, v in figures if isinstance(v, int | float) and not isinstance(v, bool)][:COUNTS])


def _failures(run: Path) -> dict[str, str]:
    """Stage -> why it failed, by the log of the run, where it did not go on since."""
    from in2x.report.rows import rows_of
    from in2x.run import LOG

    found: dict[str, str] = {}
    for row in rows_of(run / LOG):
        found.pop(row.get("stage", ""), None)
        if row["event"] == "failed":
            found[row["stage"]] = row["why"]
    return found
