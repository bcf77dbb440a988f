"""Every command of a page that runs a recipe, which takes minutes to days, is rehearsed: its words and `--shrink`.

So each recipe of ours, with each override that a page shows, goes through its stages. What a rehearsal leaves out
stands at the head of `src/in2x/shrink/recipe.py`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from in2x.cli import STAGES
from in2x.shrink.sentences import sentence
from test_docs import PAGES, ROOT
from test_docs_run import CHANGED, ELSEWHERE, typed

OURS = "test_docs_rehearsed.py"
NOT_AGAIN = ("qwen3-8b-ja", "in2x-72b")
"""Recipes that `test_shrink.py` rehearses as they are."""
PAIRS = 400


def rehearsed(words: list[str]) -> list[str]:
    """The arguments that rehearse a command: up to its stage, from the first one on."""
    command, *rest = words[1:]
    if "--from" in rest:  # what lies before is not there
        at = rest.index("--from")
        del rest[at : at + 2]
    return ["run", *rest, "--shrink", *(["--until", command] if command in STAGES else [])]


def shown() -> list[list[str]]:
    """The commands, each once; of those that differ in their last stage alone the longest."""
    patterns = [pattern for pattern, (_, test) in ELSEWHERE.items() if test == OURS]
    order = [*STAGES, ""]
    found: dict[str, tuple[int, list[str]]] = {}
    for words in (words for page in PAGES if str(page.relative_to(ROOT)) not in CHANGED for words in typed(page)):
        text = shlex.join(words)
        first = next((pattern for pattern in ELSEWHERE if re.match(pattern, text)), None)
        if first in patterns and not any(name in text for name in NOT_AGAIN):
            last = order.index(words[1] if words[1] in STAGES else "")
            key = shlex.join(words[2:])
            if key not in found or last > found[key][0]:
                found[key] = last, rehearsed(words)
    return [words for _, words in found.values()]


def test_there_are_some() -> None:
    recipes = {Path(words[1]).stem for words in shown()}
    assert {"demo", "demo-judge", "enja-cpu", "books-cpu", "select", "instruct-server"} <= recipes


def lay(folder: Path, words: list[str]) -> None:
    """The pairs that the command names (`data.train=...`), made sentences in its languages; the recipes."""
    (folder / "recipes").symlink_to(ROOT / "recipes")
    target = next((word.partition("=")[2] for word in words if word.startswith("languages.target=")), "ja")
    for number, name in enumerate(re.findall(r"data\.(?:train|dev|test)=(\S+\.jsonl)(?= |$)", " ".join(words))):
        count = PAIRS if number == 0 else 24
        rows = [{lang: sentence(lang, 500 * number + n) for lang in ("en", target)} for n in range(count)]
        (folder / name).write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
        )


@pytest.mark.slow
@pytest.mark.parametrize("words", shown(), ids=shlex.join)
def test_it_goes_through(words: list[str], tmp_path: Path) -> None:
    lay(tmp_path, words)
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "IN2X_COMPUTE": "float32"}
    done = subprocess.run([sys.executable, "-m", "in2x", *words], cwd=tmp_path, env=environment, capture_output=True,
                          text=True, timeout=1800, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "rehearsed" in done.stdout
