"""Each benchmark still names what the project has: its imports resolve, without running it.

The one for GPUs runs here with tiny models: nobody would see it break before the first day with a GPU.
"""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from in2x import closure

FOLDER = Path(__file__).parents[1] / "benchmarks"
KNOWN = closure.modules("in2x")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.name)
def test_what_a_benchmark_imports_is_there(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("in2x"):
            assert node.module in KNOWN, node.module
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                known = hasattr(module, alias.name) or f"{node.module}.{alias.name}" in KNOWN
                assert known, f"{node.module} has no {alias.name}"


def gpu(*options: str) -> subprocess.CompletedProcess[str]:
    """Run `benchmarks/gpu.py` on a machine without a GPU."""
    alone = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, str(FOLDER / "gpu.py"), *options], env=alone, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_without_a_gpu_the_gpu_benchmark_says_so() -> None:
    done = gpu()
    assert done.returncode == 1
    assert done.stdout == ""
    assert "needs a GPU" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_the_gpu_benchmark_runs_whole_on_a_cpu() -> None:
    done = gpu("--quick")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("#")] == ["## losses", "## step", "## sft", "## rl"]
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 14 + 6 + 5 + 5  # heads and rules included
    assert not any("nan" in row or "out of memory" in row for row in rows)
