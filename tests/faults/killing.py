"""kill -9 at random moments of a run: one stage at a time, on what the stages before it left in a calm run.

A moment is a share of the processor time that the stage takes undisturbed (so that a busy machine changes nothing), or
the n-th change of a file in its folder: what is torn, is torn there.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parent / "recipes" / "tiny.yaml"
STAGES = ("data", "corpus", "base", "pretrain", "instruct", "select", "sft", "rl", "merge", "evaluate")
PATIENCE = 3600.0
"""Seconds for which one command may be waited for on a busy machine."""


@dataclass
class Row:
    """What became of the work that was killed in one room."""

    room: str
    kills: int = 0
    compared: int = 0
    """Files or records held against a calm run's, or against what was acknowledged."""
    different: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Files that a calm run does not leave."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.different or self.lost or self.doubled or self.left)

    def add(self, other: Row) -> None:
        """Take up the counts of a series in the same room."""
        self.kills += other.kills
        self.compared += other.compared
        for name in ("different", "lost", "doubled", "left"):
            getattr(self, name).extend(getattr(other, name))


class Starter:
    """Commands, one after the other, each forked by `starter.py` in a process group of its own."""

    def __enter__(self) -> Self:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "COLUMNS": "160",
                       "IN2X_SERVE_TOKENS": ""}  # fmt: skip
        self._process = subprocess.Popen([sys.executable, str(HERE / "starter.py")], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, bufsize=0, env=environment)  # fmt: skip
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._read, self.pid = b"", 0
        self._answer(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self.kill()
        self._process.stdin.close()
        self._process.wait()

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """The next line from the starter; None where none comes in time."""
        assert self._process.stdout is not None
        until = time.monotonic() + seconds
        while b"\n" not in self._read:
            self._read += self._process.stdout.read() or b""
            if b"\n" in self._read:
                break
            if self._process.poll() is not None:
                raise RuntimeError("the starter has ended")
            if time.monotonic() > until:
                return None
            time.sleep(min(0.005, seconds))
        line, _, self._read = self._read.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def start(self, log: Path, *arguments: object) -> None:
        """Begin a command; what it says goes to the end of `log`."""
        assert self._process.stdin is not None and not self.pid
        asked = {"arguments": [str(a) for a in arguments], "log": str(log)}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        said = self._answer(PATIENCE)
        assert said is not None
        self.pid = said["pid"]

    def ended(self, seconds: float = 0.0) -> int | None:
        """The exit code of the command; None while it runs."""
        said = self._answer(seconds)
        if said is None:
            return None
        self.pid = 0
        return int(said["code"])

    def kill(self) -> bool:
        """SIGKILL to the whole group; False where the command had ended by itself."""
        if not self.pid:
            return False
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # it has no group of its own yet
            os.kill(self.pid, signal.SIGKILL)
        return self.ended(PATIENCE) == -signal.SIGKILL

    def whole(self, log: Path, *arguments: object) -> None:
        """Run a command to its end, which must be a good one."""
        self.start(log, *arguments)
        code = self.ended(PATIENCE)
        assert code == 0, f"{code}: {log.read_text()[-3000:]}"

    def processor(self) -> float:
        """Seconds of processor that the command has taken."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder that is being written: size and time."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                told = os.stat(os.path.join(place, name))
            except FileNotFoundError:
                continue
            found[os.path.join(place, name)] = (told.st_size, told.st_mtime_ns)
    return found


# What a stage takes undisturbed ---------------------------------------------------------------------------------------


@dataclass
class Calm:
    """An undisturbed run."""

    out: Path
    seconds: dict[str, float]
    """Stage -> seconds of processor."""
    changes: dict[str, int]
    """Stage -> changes of its files that were seen."""


MEASURED = "calm.json"


def calm_before(out: Path) -> Calm | None:
    """What was measured there before."""
    return Calm(out, *json.loads((out / MEASURED).read_text())) if (out / MEASURED).exists() else None


def calm_run(starter: Starter, out: Path) -> Calm:
    """Run the recipe undisturbed and measure its stages."""
    starter.start(out.with_suffix(".log"), "run", RECIPE, "--out", out)
    seconds, changes = dict.fromkeys(STAGES, 0.0), dict.fromkeys(STAGES, 0)
    code, before, seen = None, 0.0, {}
    while code is None:
        now, taken = _at_work(out), starter.processor()
        if now in seconds:
            seconds[now] += max(0.0, taken - before)
            there = state(out / ".partial" / now)
            changes[now] += there != seen
            seen = there
        before = taken
        code = starter.ended(0.01)
    assert code == 0, out.with_suffix(".log").read_text()[-3000:]
    (out / MEASURED).write_text(json.dumps([seconds, changes]))
    return Calm(out, seconds, changes)


def _at_work(out: Path) -> str:
    """The stage whose folder is there."""
    return next((name for name in STAGES if (out / ".partial" / name).exists()), "")


# A stage that is killed -----------------------------------------------------------------------------------------------


def kill_stage(starter: Starter, calm: Calm, stage: str, kills: int, folder: Path, rng: random.Random) -> Row:
    """Kill one stage so often, then let it end, and hold what it left against the calm run's."""
    row = Row(f"run: {stage}")
    out, log = folder / stage, folder / f"{stage}.log"
    out.mkdir(parents=True)
    for earlier in STAGES[: STAGES.index(stage)]:
        shutil.copytree(calm.out / earlier, out / earlier, symlinks=True)
    command = ("run", RECIPE, "--out", out, "--until", stage)
    partial, tries = out / ".partial" / stage, 0
    while row.kills < kills:
        tries += 1
        share = rng.random() / max(1, tries - row.kills)  # one that came too late is followed by an earlier one
        by_files = tries % 2 == 0
        starter.start(log, *command)
        if _killed_at(starter, partial, share * (calm.changes if by_files else calm.seconds)[stage], by_files):
            row.kills += 1
        else:  # it came to its end before: once more from its beginning
            shutil.rmtree(out / stage, ignore_errors=True)
    starter.whole(log, *command)
    compare(calm.out / stage, out / stage, row)
    row.left += [str(file.relative_to(out)) for file in (out / ".partial").rglob("*")]
    row.left += [str(file.relative_to(out)) for file in out.rglob("*.partial") if file != out / ".partial"]
    shutil.rmtree(out)
    return row


def _killed_at(starter: Starter, partial: Path, moment: float, by_files: bool) -> bool:
    """Kill the command that works in `partial` at a moment of its work; False where it ended before.

    Args:
        moment: seconds of processor, or changes of files, since the stage began.
        by_files: which of them.
    """
    first = starter.processor()
    begun, seen, changes = False, state(partial), 0
    while True:
        code = starter.ended(0.005)
        if code is not None:
            assert code == 0, f"the command ended with {code}"
            return False
        if not begun:
            # The key is read before the stage goes on: from here on what it takes is its own.
            begun = (partial / ".key").exists()
            first = starter.processor()
            continue
        if by_files:
            there = state(partial)
            changes += there != seen
            seen = there
        if (changes if by_files else starter.processor() - first) >= moment:
            return starter.kill()


# Comparing ------------------------------------------------------------------------------------------------------------

TIMES = ("seconds", "time", "resumed", "peak_rss_mb", "command", "path", "tokens_per_s", "versions", "llm")
"""Fields that differ from run to run: times, places, and what a start asked of a model or found in the cache."""
ROUGH = re.compile(r"\b\d+(?:\.\d+)?(?= (?:s|ms|min|h|seconds?|minutes?)\b)|/[\w./-]*/(?=[\w.-]+\b)")
"""Times and folders on a page."""


def compare(calm: Path, after: Path, row: Row) -> None:
    """Hold an artifact against a calm run's: files by their bytes, but for times and places in manifests and pages."""
    mine, theirs = ({str(f.relative_to(d)): f for f in d.rglob("*") if f.is_file()} for d in (after, calm))
    row.lost += sorted(set(theirs) - set(mine))
    row.left += sorted(set(mine) - set(theirs))
    for name in sorted(set(mine) & set(theirs)):
        if name.endswith(".html") and f"{name[:-5]}.json" in theirs:
            continue  # the page of figures that are compared themselves
        row.compared += 1
        if content(mine[name]) != content(theirs[name]):
            row.different.append(f"{row.room} {name}")
        if name.endswith(".jsonl"):
            lines = mine[name].read_text().splitlines()
            row.doubled += [f"{name}: {line[:80]}" for line in lines if lines.count(line) > 1]


def content(file: Path) -> str:
    """Hash of what must be the same in a file after any kill."""
    raw = file.read_bytes()
    if file.suffix in (".json", ".jsonl"):
        rows = [json.loads(line) for line in raw.splitlines()] if file.suffix == ".jsonl" else [json.loads(raw)]
        raw = json.dumps([_without_times(one) for one in rows], sort_keys=True).encode()
    elif file.suffix == ".parquet" and any(c in ("file", "evidence") for c in pq.read_schema(file).names):
        rows = pq.read_table(file).to_pylist()  # names the files that it was read from, by their whole path
        raw = ROUGH.sub("_", json.dumps(rows, default=str)).encode()
    elif file.suffix in (".html", ".md"):
        raw = ROUGH.sub("_", raw.decode()).encode()
    return hashlib.sha256(raw).hexdigest()


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(one) for name, one in value.items() if name not in TIMES}
    return [_without_times(one) for one in value] if isinstance(value, list) else value
