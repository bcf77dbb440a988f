"""A disk that is full: one sentence, nothing half written, and the same command goes on once there is room.

The disk is a tmpfs of a few megabytes, so that every library meets a real ENOSPC; mounting one is for root alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chat_server import ChatServer, source_of

if TYPE_CHECKING:
    from small_disk import Disk

TINY = Path(__file__).parents[1] / "recipes" / "tiny.yaml"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "COLUMNS": "160"}
SIZE = 64 << 20


def in2x(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "in2x", *map(str, arguments)], capture_output=True, text=True,
                          env=ENVIRONMENT, check=False)  # fmt: skip


def test_a_translation_goes_on_once_there_is_room(disk: Disk, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    lines = [f"The cat number {number} sleeps in the garden of its friend." for number in range(300)]
    source.write_text("\n".join(lines) + "\n")

    def reply(body: dict[str, object]) -> str:
        return "庭で寝ている猫は、" + "".join(c for c in source_of(body) if c.isdigit()) + "番です。"

    out, journal = disk.path / "out.txt", disk.path / "out.txt.journal.jsonl"
    with ChatServer(reply) as server:
        command = ("translate", source, "-o", out, "--from", "en", "--to", "ja", "--model", server.url,
                   "--profile", "chat", "--no-probe", "--context", 0, "--checks", "off")  # fmt: skip
        disk.leave(24 << 10)
        done = in2x(*command)
        assert done.returncode == 1 and not out.exists()
        last = done.stderr.splitlines()[-1]
        assert f"{journal.name}: the journal cannot be written (No space left on device); make room" in last
        kept = sum(b'"answer"' in line for line in journal.read_bytes().split(b"\n")[:-1])  # the last line is torn
        assert kept > 20, "what fitted is kept"
        disk.leave(1 << 20)
        before = len(server.asked)
        done = in2x(*command)
        assert done.returncode == 0, done.stderr[-2000:]
        assert len(server.asked) - before == len(lines) - kept, "nothing that is kept is asked again"
    assert out.read_text().splitlines() == [f"庭で寝ている猫は、{number}番です。" for number in range(300)]


@pytest.mark.slow
def test_every_stage_says_that_the_disk_is_full_and_goes_on(disk: Disk, tmp_path: Path) -> None:
    """Room for a little more each time, until the run is through: its model is that of a run that nobody disturbed."""
    command = ("run", TINY, "--out", disk.path / "run")
    stopped = 0
    for free in (200, 700, 1200, 1700, 2200, 3000, SIZE >> 10):
        disk.leave(free << 10)
        done = in2x(*command)
        if done.returncode == 0:
            break
        stopped += 1
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr[-3000:]
        last = done.stderr.splitlines()[-1]
        assert "is full (" in last or "No space left on device" in last, done.stderr[-3000:]
    assert done.returncode == 0 and stopped >= 4
    undisturbed = tmp_path / "run"
    assert in2x("run", TINY, "--out", undisturbed).returncode == 0
    model = Path("model") / "model.safetensors"
    assert (disk.path / "run" / model).read_bytes() == (undisturbed / model).read_bytes()
