"""What `docs/extending.md` shows is done: its changes are applied to a copy of the sources, its commands typed there.

A comment behind a command is what its output must hold. The reward's run of RL is slow, and stands by itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import desk

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "extending.md"
FENCE = re.compile(r"^```(diff|bash)\n(.*?)^```", re.DOTALL | re.MULTILINE)
KINDS = ("language", "principle", "reward", "metric", "format", "page")
LONGEST = 50
"""Lines that a change may add."""
SERVED = """
import httpx
from serve_running import Running, scripted
engine, _ = scripted()
with Running(engine) as server:
    print(httpx.get(server.url + "/principles").text)
"""


def sections() -> dict[str, dict[str, str]]:
    """Kind -> its change and its commands."""
    parts = re.split(r"^## An? (\w+)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {kind: dict(FENCE.findall(body)) for kind, body in zip(parts[::2], parts[1::2], strict=True)}


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with every change of the page, one after the other."""
    folder = tmp_path_factory.mktemp("fork")
    shutil.copytree(ROOT / "src" / "in2x", folder / "src" / "in2x", ignore=shutil.ignore_patterns("__pycache__"))
    for kind in KINDS:
        done = subprocess.run(["git", "apply", "-"], input=sections()[kind]["diff"], text=True, cwd=folder,
                              capture_output=True, check=False)  # fmt: skip
        assert done.returncode == 0, f"{kind}: {done.stderr}"
    return folder


def typed(fork: Path, place: Path, script: str) -> subprocess.CompletedProcess[str]:
    """The end of a shell script that runs in `place`, where in2x is the fork's."""
    paths = os.pathsep.join([str(fork / "src"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": paths, "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    head = f'set -e\nin2x() {{ "{sys.executable}" -m in2x "$@"; }}\n'
    return subprocess.run(["bash", "-c", head + script], cwd=place, env=env, capture_output=True, text=True,
                          timeout=1800, check=False)  # fmt: skip


def test_the_page_has_every_kind_in_few_lines() -> None:
    assert tuple(sections()) == KINDS
    for kind, blocks in sections().items():
        added = [line for line in blocks["diff"].splitlines() if re.match(r"\+(?!\+\+ )", line)]
        assert 0 < len(added) < LONGEST, f"{kind}: {len(added)} lines"


@pytest.mark.parametrize("kind", ["language", "principle", "metric", "format"])
def test_its_commands_show_it(fork: Path, kind: str, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    shutil.copytree(tiny_model, tmp_path / "runs" / "demo" / "model")
    (tmp_path / "reference.ja").write_text(desk.TARGET, encoding="utf-8")
    (tmp_path / "mine.ja").write_text(desk.OTHER, encoding="utf-8")
    commands = sections()[kind]["bash"].strip().splitlines()
    script = "".join(f"echo '== {number}'\n{line}\n" for number, line in enumerate(commands))
    done = typed(fork, tmp_path, script)
    assert done.returncode == 0, done.stderr
    said = re.split(r"^== \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    wanted = [line.rpartition(" # ")[2] if " # " in line else "" for line in commands]
    assert any(wanted)
    for line, words, output in zip(commands, wanted, said, strict=True):
        assert words.strip() in output, f"{line}\n{output}"
    if kind == "format":
        assert said[-1] == "[ar:Nobody]\n[00:12.50]猫は庭で眠る。\n"


def test_the_server_shows_the_page(fork: Path, tmp_path: Path) -> None:
    done = typed(fork, tmp_path, f"\"{sys.executable}\" -c '{SERVED}'")
    assert done.returncode == 0, done.stderr
    assert "<h1>What a translation is checked for</h1>" in done.stdout
    assert "<b>brackets</b>: Brackets and quotation marks are closed." in done.stdout


def test_a_recipe_may_name_the_reward_and_the_audit_knows_it(fork: Path, tmp_path: Path) -> None:
    done = typed(fork, tmp_path, f"""
"{sys.executable}" - <<'END'
import asyncio
from in2x.evaluate.rewarded import covered
from in2x.records import Instruction
from in2x.rl.rewards.base import RewardItem
from in2x.rl.rewards.registry import make_reward
check = {{"name": "translation", "from": "en", "to": "ja", "source": "Why?"}}
asked = Instruction("1", "ja", "translate", [{{"role": "user", "content": "Why?"}}], "なぜ？", check)
items = [RewardItem(asked, text) for text in ("どうして?", "どうして。")]
print(asyncio.run(make_reward("ending")(items)), covered("ending"))
END""")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[1.0, 0.0] frozenset()\n"


@pytest.mark.slow
def test_rl_pays_the_reward(fork: Path, tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    shutil.copy(ROOT / "tests" / "recipes" / "tiny.yaml", tmp_path / "recipes" / "demo.yaml")
    done = typed(fork, tmp_path, sections()["reward"]["bash"])
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "runs" / "ending" / "rl" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    paid = [row["reward/ending"] for row in map(json.loads, rows) if "reward/ending" in row]
    assert paid and all(0 <= value <= 1 for value in paid)
