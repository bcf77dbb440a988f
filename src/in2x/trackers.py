"""The rows of a stage's log, also sent to experiment trackers (TensorBoard, Weights & Biases, trackio).

`log.jsonl` stays the record that the report reads; a tracker is a second view for those who watch runs there. A run
that was killed sends the steps since its last checkpoint once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from in2x.errors import UsageError

if TYPE_CHECKING:
    from accelerate.tracking import GeneralTracker


@dataclass
class Trackers:
    """The trackers of one stage, started by its first row. Call it with a row of the log."""

    names: tuple[str, ...]
    """Of "tensorboard", "wandb", "trackio"."""
    project: str
    """Name of the run, under which its stages stand."""
    stage: str
    """Name of the stage."""
    out: str
    """Folder of the run; TensorBoard writes to `out/tensorboard/STAGE`."""
    _started: list[GeneralTracker] | None = field(default=None, repr=False)
    _step: int = 0
    _base: int = 0

    @property
    def place(self) -> tuple[tuple[str, ...], str, str, str]:
        """What another process needs to make the same."""
        return self.names, self.project, self.stage, self.out

    def __call__(self, row: Mapping[str, Any]) -> None:
        """Send the numbers of `row`, under the names of its tags ("phase": 1 gives "phase1/loss")."""
        if self._started is None:
            self._started = [_start(name, self.project, self.stage, Path(self.out)) for name in self.names]
        step = int(row.get("step", 0))
        if self._base + step < self._step:  # a next phase counts from 1 again; trackers want steps that grow
            self._base = self._step
        self._step = self._base + step
        tags = "".join(f"{k}{row[k]}/" for k in TAGS if k in row)
        numbers = {
            tags + k: v
            for k, v in row.items()
            if k not in TAGS and k != "step" and isinstance(v, (int, float)) and not isinstance(v, bool)
        }
        for tracker in self._started:
            tracker.log(numbers, step=self._step)

    def close(self) -> None:
        """Flush and end them."""
        for tracker in self._started or ():
            tracker.finish()
        self._started = None


def require(names: Sequence[str]) -> None:
    """Raise UsageError where the package of a tracker is not installed."""
    for name in names:
        if find_spec(name) is None:
            raise UsageError(f"trackers: {name} is not installed", mend=f"pip install {name}, or leave it out")


TAGS = ("phase", "round")
"""Keys of a log row that say which curve it belongs to."""


def _start(name: str, project: str, stage: str, out: Path) -> GeneralTracker:
    from accelerate.tracking import TensorBoardTracker, TrackioTracker, WandBTracker

    tracker: GeneralTracker
    if name == "tensorboard":
        tracker = TensorBoardTracker(stage, logging_dir=str(out / "tensorboard"))
    elif name == "wandb":
        tracker = WandBTracker(project, name=stage, dir=str(out))
    else:
        tracker = TrackioTracker(project, name=stage)
    tracker.start()
    return tracker
