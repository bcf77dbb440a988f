"""Python and calls over HTTP that pages show, run as they stand: what a comment says of a value, the value is.

`docs/language.md` has tests of its own (`test_language_pack.py`).
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from in2x.formats.document import Tag
from in2x.serve.config import Config
from in2x.serve.engine import Engine
from in2x.translate.translator import Translator
from serve_running import Running
from test_docs import PAGES, ROOT, fenced, simple_commands

ELSEWHERE = "docs/language.md"
SERVER = "http://127.0.0.1:8080"
NEEDED = {"openai", "deepl", "libretranslatepy"}
"""What an example may import that is not ours: the clients that it is about."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def shown_values(script: str) -> list[tuple[str, str]]:
    """(expression, value) of lines `expression  # value` where both are Python."""
    found = []
    for line in script.splitlines():
        expression, mark, value = line.partition("  # ")
        try:
            ast.parse(expression, mode="eval"), ast.parse(value, mode="eval")
        except SyntaxError:
            continue
        if mark and not line.startswith((" ", "print(")):
            found.append((expression, value))
    return found


@pytest.fixture(scope="module")
def server(tiny_model: Path) -> Any:
    translator = Translator.load(str(tiny_model))
    with Running(Engine(translator, "en", checks="off"), Config(target_lang="ja")) as running:
        yield running


@pytest.mark.parametrize(
    "page", [p for p in PAGES if fenced(p, "python") and name_of(p) != ELSEWHERE], ids=name_of
)  # fmt: skip
def test_the_python_of_a_page_runs(
    page: Path, server: Running, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for client in NEEDED & set(re.findall(r"^(?:from|import) (\w+)", "\n".join(fenced(page, "python")), re.MULTILINE)):
        pytest.importorskip(client)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_model, tmp_path / "runs" / "demo" / "model")
    np.save("vectors.npy", np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32))
    names: dict[str, Any] = {}
    for script in fenced(page, "python"):
        exec(script.replace(SERVER, server.url), names)
        for expression, value in shown_values(script):
            assert eval(expression, names) == eval(value, {**names, "Tag": Tag}), expression
    if any("print(" in script for script in fenced(page, "python")):
        assert capsys.readouterr().out.strip()


def test_a_call_by_curl_is_answered(server: Running) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    calls = [words for page in PAGES for block in fenced(page, "bash") for words in simple_commands(block)
             if words[0] == "curl"]  # fmt: skip
    assert calls
    for words in calls:
        there = [word.replace(SERVER, server.url) for word in words]
        done = subprocess.run(there, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, shlex.join(words)
        assert json.loads(done.stdout)["choices"][0]["message"]["content"], done.stdout
