"""Programs, run against tests in a subprocess with limits. Used only where a recipe names the reward "code".

Verifier: {"name": "code", "tests": "assert add(1, 2) == 3"} in Python; the answer's last fenced block, or the whole
answer, is put before the tests. The process has no environment, an empty folder of its own, and limits on processor
time, memory, file size and output. These stop accidents; they are no prison for hostile code: train on prompts you do
not trust in a container without network only.
"""

from __future__ import annotations

import asyncio
import re
import resource
import secrets
import sys
import tempfile
from collections.abc import Sequence

from in2x.rl.rewards.base import ItemReward, RewardItem, Value

_FENCE = re.compile(r"```(?:python|py)?\s*\n(.*?)```", re.S)
_MEGABYTE = 1 << 20


def program(answer: str) -> str:
    """The program in an answer: its last fenced block, or all of it."""
    blocks = _FENCE.findall(answer)
    return str(blocks[-1]) if blocks else answer


def _limit(seconds: float, megabytes: int) -> None:
    """Runs in the child between fork and exec."""
    cpu = max(1, round(seconds))
    for what, value in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, megabytes * _MEGABYTE),
        (resource.RLIMIT_FSIZE, _MEGABYTE),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (value, value))


class Code(ItemReward):
    """1 where the program passes its tests within the limits, else 0."""

    name = verifier = "code"

    def __init__(self, seconds: float = 4.0, megabytes: int = 512, at_once: int = 2) -> None:
        """`seconds` of processor time, memory, and how many processes run together.

        Waiting (a program that sleeps) ends only after 20 s more, so that a busy machine fails nobody.
        """
        self.seconds, self.megabytes, self.at_once = seconds, megabytes, at_once
        self.patience = 20 + 5 * seconds
        self._slots = asyncio.Semaphore(at_once)

    async def __call__(self, items: Sequence[RewardItem]) -> list[Value]:
        """One verdict per item; the programs run `at_once` at a time."""
        self._slots = asyncio.Semaphore(self.at_once)  # it belongs to one event loop, the reward to a whole run
        return await super().__call__(items)

    async def one(self, item: RewardItem) -> float:
        """The verdict on one item."""
        async with self._slots:
            return float(await self._passes(program(item.answer), str(item.verifier["tests"])))

    async def _passes(self, text: str, tests: str) -> bool:
        # The last line proves that the tests were reached; a program that exits early cannot know what to print.
        mark = secrets.token_hex(16)
        script = f"{text}\n\n{tests}\nimport sys as _sys\n_sys.stdout.write('{mark}')\n"
        with tempfile.TemporaryDirectory() as folder:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-c", script, cwd=folder, env={}, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
                preexec_fn=lambda: _limit(self.seconds, self.megabytes),
            )  # fmt: skip
            try:
                out = await asyncio.wait_for(_tail(process), self.patience)
                await asyncio.wait_for(process.wait(), self.patience)
            except TimeoutError:
                return False
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        return process.returncode == 0 and out.endswith(mark.encode())


async def _tail(process: asyncio.subprocess.Process, keep: int = 64) -> bytes:
    """The last bytes of what the process prints; what comes before is read and dropped."""
    assert process.stdout is not None
    last = b""
    while block := await process.stdout.read(65536):
        last = (last + block)[-keep:]
    return last
