"""How processor time and memory of a stage grow: each size in a process of its own. Shared by the scripts beside it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path


def grow(
    script: str, sizes: Sequence[int], folder: Path | None, make: Callable[[Path, int], object], *, told: bool = False
) -> None:
    """Print a line a size, and what the child said.

    Args:
        script: is started with `--child INPUT OUTPUT`; its last line is JSON with "cpu", "wall" and "peak_mb".
        sizes: items.
        folder: where inputs are made.
        make: makes the input of so many items.
        told: whether the child is told the size.
    """
    last: tuple[int, float] | None = None
    with tempfile.TemporaryDirectory(dir=folder) as root:
        for count in sizes:
            given, out = Path(root) / f"in-{count}", Path(root) / f"out-{count}"
            make(given, count)
            out.mkdir()
            child = [sys.executable, script, "--child", str(given), str(out), *([str(count)] if told else [])]
            done = subprocess.run(child, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr[-3000:])
            found = json.loads(done.stdout.splitlines()[-1])
            power = math.log(found["cpu"] / last[1]) / math.log(count / last[0]) if last else None
            print(f"{count:,} items: {found['cpu']} s processor, {found['wall']} s, {found['peak_mb']:,} MB peak"
                  f"{'' if power is None else f', exponent {power:.2f}'}")  # fmt: skip
            print(json.dumps(found), flush=True)
            last = (count, found["cpu"])
