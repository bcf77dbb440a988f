"""The processes of a run: the environment they live in, and how a command of several is started and heard."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from in2x.disk import told_when_full
from in2x.errors import In2xError
from in2x.stage import Stage

QUIET = {
    "GOMP_SPINCOUNT": "10000",
    "TOKENIZERS_PARALLELISM": "true",
    "DAFT_ANALYTICS_ENABLED": "0",
    "DAFT_PROGRESS_BAR": "0",
    "DAFT_SHOW_QUERY_ID": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""Defaults of the environment, set before torch or Daft load: idle threads spin for less than a millisecond and then
sleep, nothing phones home, no foreign progress bars. What the user has set stays."""


def be_quiet() -> None:
    """Put the defaults of `QUIET` into the environment; called before torch or Daft load."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def give_back() -> None:
    """Give freed memory back to the system. glibc keeps what many small arrays took, and what comes after them does not
    fit into the holes; another C library does as it likes."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return


def start(command: Sequence[str], stage: Stage, figures: Path) -> dict[str, Any]:
    """Run `command`, whose last word is its job file, and return what it left in the JSON file `figures`.

    Raises:
        In2xError: it ended with another code than 0.
    """
    stage.say(shlex.join(command))
    # Open files stay open: the processes keep the lock of the run.
    code = subprocess.run(command, check=False, close_fds=False).returncode
    if code:
        raise In2xError(f"the training processes ended with code {code}", file=command[-1],
                        mend="see their message above; the same command resumes from the last checkpoint")  # fmt: skip
    found: dict[str, Any] = json.loads(figures.read_text(encoding="utf-8"))
    return found


def work_on(job: str, work: Callable[[Path], None]) -> int:
    """Do the work of a job file in a process that was started for it; a fault is one sentence on stderr.

    Returns the exit code.
    """
    be_quiet()
    try:
        with told_when_full(Path(job).parent):
            work(Path(job))
    except In2xError as error:
        print(f"in2x: {error}", file=sys.stderr)
        return error.code
    return 0


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's collector of cycles while large packages are imported.

    Importing makes many objects that stay, and the collector goes through all of them again and again: a quarter of
    the time that torch and transformers take.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
