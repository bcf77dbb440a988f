"""Each benchmark still names what the project has: its imports resolve, without running it."""

from __future__ import annotations

import ast
import importlib
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
