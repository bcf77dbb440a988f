"""Programs, run against tests behind walls. Used only where a recipe names the reward "code".

Verifier: {"name": "code", "tests": "assert add(1, 2) == 3"} in Python; the answer's last fenced block, or the whole
answer, is the program. Two processes: the program's answers what the tests' asks of its names, and the verdict is the
exit code of the second, of which the first sees nothing. Results cross as plain values, so an object that equals
everything equals nothing there (`jail/wire.py`, `jail/tests.py`). Programs have Python's standard library only.

Each process has no environment, no network, no file but Python's own (read only) and what it writes into a small folder
in memory, cannot make another process, ends with its parent, and is limited in time, memory and files: by bubblewrap
where it is installed, else by Linux namespaces of our own, with seccomp in both (`jail/confine.py`). Where neither can
be had it is refused, unless `rl.run_code_unconfined` says that programs may do to this machine what they like.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from in2x.errors import UsageError
from in2x.rl.rewards.base import CannotJudge, ItemReward, RewardItem, Value
from in2x.rl.rewards.jail import confine, tests

_FENCE = re.compile(r"```(?:python|py)?\s*\n(.*?)```", re.S)
_SOURCES = Path(__file__).parents[3]
_BOOT = "import sys; sys.path.insert(0, {!r}); from in2x.rl.rewards.jail.confine import main; main()"


def program(answer: str) -> str:
    """The program in an answer: its last fenced block, or all of it."""
    blocks = _FENCE.findall(answer)
    return str(blocks[-1]) if blocks else answer


def command(walls: str, role: str, seconds: int, megabytes: int) -> list[str]:
    """The command of one process, "program" or "tests"; `walls` is "bubblewrap", "namespaces" or "bare"."""
    python = getattr(sys, "_base_executable", sys.executable)
    run = [python, "-I", "-S", "-B", "-c", _BOOT.format(str(_SOURCES))]
    if walls != "bubblewrap":
        return [*run, walls, str(seconds), str(megabytes), role]
    jail = Path(confine.__file__).parent
    parts = [*confine.needed(), python, str(jail), *(str(p / "__init__.py") for p in list(jail.parents)[:3])]
    binds = [word for path in dict.fromkeys(parts) for word in ("--ro-bind", path, path)]
    linked = [path for path in ("/lib", "/lib64") if os.path.islink(path)]
    links = [word for path in linked for word in ("--symlink", os.readlink(path), path)]
    size = str(confine.DISK * confine.MEGABYTE)
    return ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
            "--size", size, "--tmpfs", "/", *binds, *links, "--dev", "/dev", "--remount-ro", "/dev",
            "--size", size, "--tmpfs", "/box", "--remount-ro", "/", "--chdir", "/box",
            *run, "inside", str(seconds), str(megabytes), role]  # fmt: skip


@cache
def walls() -> str:
    """The walls that this machine has: "bubblewrap", "namespaces", or "" where there are none."""
    if os.uname().machine not in confine.ARCHITECTURES or sys.platform != "linux":
        return ""
    kinds = ("bubblewrap", "namespaces") if shutil.which("bwrap") else ("namespaces",)
    for kind in kinds:
        trial = _verdict(kind, "x = 1", "assert x == 1", 2, 512, 20.0)
        with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop of its own
            if thread.submit(asyncio.run, trial).result() == tests.PASSED:
                return kind
    return ""


class Code(ItemReward):
    """1 where the program passes its tests within the limits, else 0; failed where its tests cannot be put to it."""

    name = verifier = "code"

    def __init__(
        self, seconds: float = 4.0, megabytes: int = 512, at_once: int = 2, *, unconfined: bool = False
    ) -> None:
        """`seconds` of processor time, memory, and how many programs run together.

        Waiting (a program that sleeps) ends only after 20 s more, so that a busy machine fails nobody.

        Raises:
            UsageError: this machine cannot confine programs, and `unconfined` is not set.
        """
        self.walls = walls() or ("bare" if unconfined else "")
        if not self.walls:
            raise UsageError(
                "the reward 'code' runs programs that a model writes, and this machine has no way to confine them",
                mend="install bubblewrap or allow user namespaces; or set rl.run_code_unconfined: true in a machine "
                "that has nothing to lose",
            )
        self.seconds, self.megabytes, self.at_once = max(1, round(seconds)), megabytes, at_once
        self.patience = 20 + 5 * seconds
        self._slots = asyncio.Semaphore(at_once)

    async def __call__(self, items: Sequence[RewardItem]) -> list[Value]:
        """One verdict per item; the programs run `at_once` at a time."""
        self._slots = asyncio.Semaphore(self.at_once)  # it belongs to one event loop, the reward to a whole run
        return await super().__call__(items)

    async def one(self, item: RewardItem) -> float:
        """The verdict on one item."""
        async with self._slots:
            code = await _verdict(self.walls, program(item.answer), str(item.verifier["tests"]), self.seconds,
                                  self.megabytes, self.patience)  # fmt: skip
        if code == tests.UNFIT:
            raise CannotJudge("the tests do not compile, or hand the program what cannot be sent to another process")
        if code == confine.NO_WALLS:
            raise CannotJudge("the walls around a program could not be built this time")
        return float(code == tests.PASSED)


async def _verdict(kind: str, text: str, checks: str, seconds: int, megabytes: int, patience: float) -> int:
    """Exit code of the tests' process, `tests.BROKEN` where it runs past `patience` seconds."""
    ask, asked = os.pipe()
    reply, replied = os.pipe()
    made: list[asyncio.subprocess.Process] = []
    try:
        for role, given, stdin, stdout in (("program", text, ask, replied), ("tests", checks, reply, asked)):
            made.append(await _start(command(kind, role, seconds, megabytes), given, stdin, stdout))
        for descriptor in (ask, asked, reply, replied):
            os.close(descriptor)
        ask = -1
        return await asyncio.wait_for(made[1].wait(), patience)
    except TimeoutError:
        return tests.BROKEN
    finally:
        if ask >= 0:
            for descriptor in (ask, asked, reply, replied):
                os.close(descriptor)
        for process in made:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _start(words: list[str], text: str, stdin: int, stdout: int) -> asyncio.subprocess.Process:
    """A process that is told, as last word, the descriptor on which it finds `text`."""
    given = os.memfd_create("text")
    try:
        os.write(given, text.encode("utf-8", "replace"))
        os.lseek(given, 0, os.SEEK_SET)
        return await asyncio.create_subprocess_exec(
            *words, str(given), stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL, env={}, cwd="/",
            start_new_session=True, pass_fds=(given,),
        )  # fmt: skip
    finally:
        os.close(given)
