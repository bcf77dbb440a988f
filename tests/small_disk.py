"""A small file system of its own for these tests: it can be full, and it can be read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SIZE = 64 << 20


class Disk:
    """A small file system; `leave` fills it until so many bytes are free, `lock` lets nobody write there."""

    def __init__(self, path: Path) -> None:
        self.path, self._fill = path, path / "fill"

    def leave(self, free: int) -> None:
        """Leave `free` bytes of it."""
        self._fill.unlink(missing_ok=True)
        there = os.statvfs(self.path)
        self._fill.write_bytes(bytes(max(0, there.f_bavail * there.f_frsize - free)))

    def lock(self, locked: bool = True) -> None:
        """Make it read-only, for root as well; or writable again."""
        subprocess.run(["mount", "-o", f"remount,{'ro' if locked else 'rw'}", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    try:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)], capture_output=True,
                              text=True, check=False)  # fmt: skip
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted here ({made.stderr.strip()})")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=False)
