"""The express suite as tasks of lm-evaluation-harness: the files, what they call, and the harness itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from in2x.evaluate.express.harness import dataset, process_results
from in2x.evaluate.express.item import PHENOMENA, choose, suite


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!function", lambda loader, node: f"!{loader.construct_scalar(node)}")


def test_the_files_name_every_item_once(in2x: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    folder = tmp_path / "tasks"
    code, out, _ = in2x("evaluate", "harness", folder)
    assert code == 0 and len(out.split()) == len(PHENOMENA) + 3
    group = yaml.load((folder / "in2x_express.yaml").read_text(), _Loader)
    seen = []
    for task in group["task"]:
        one = yaml.load((folder / f"{task}.yaml").read_text(), _Loader)
        shared = yaml.load((folder / one["include"]).read_text(), _Loader)
        assert one["task"] == task and shared["process_results"] == "!utils.process_results"
        seen += [row["id"] for row in dataset(**one["dataset_kwargs"], version=1)["test"]]
    assert seen == [item.id for item in suite()]
    assert in2x("evaluate", "harness", folder)[0] == 0, "its own files are written again"
    (folder / "mine.txt").touch()
    code, _, err = in2x("evaluate", "harness", folder)
    assert code == 2 and "mine.txt" in err


@pytest.mark.parametrize("phenomenon", ["idiom", "register"])
def test_a_score_there_is_a_score_here(phenomenon: str) -> None:
    rows = list(dataset(phenomenon)["test"])
    items = choose([phenomenon])
    assert all(item.source in row["prompt"] for item, row in zip(items, rows, strict=True))
    assert all(process_results(row, [f" {row['reference']}\n"]) == {"passed": 1.0} for row in rows)
    assert all(process_results(row, [item.source]) == {"passed": 0.0} for row, item in zip(rows, items, strict=True))


SOURCES = Path(__file__).resolve().parents[1] / "src"
NEEDED = """
lm_eval evaluate rouge-score sqlitedict word2number more_itertools pytablewriter DataProperty mbstrdecoder pathvalidate
tabledata tcolorpy typepy absl-py
"""
"""The harness and what it imports that is not ours. Its own list does not go beside ours: typepy wants chardet < 7."""


def python_with_the_harness(folder: Path) -> Path:
    """This Python, or one that has the harness beside what this one has."""
    if find_spec("lm_eval") is not None:
        return Path(sys.executable)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    command = [python, "-m", "pip", "install", "-q", "--no-deps", *NEEDED.split()]
    if subprocess.run(command, capture_output=True, timeout=600, check=False).returncode:
        pytest.skip("no package index can be reached")
    [place] = folder.glob("lib/python*/site-packages")
    (place / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return python


@pytest.mark.slow
def test_the_harness_runs_the_tasks(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "in2x", "evaluate", "harness", tmp_path / "tasks"], check=True)
    done = subprocess.run(
        [python_with_the_harness(tmp_path / "venv"), "-m", "lm_eval", "run", "--model", "dummy", "--include_path",
         tmp_path / "tasks", "--tasks", "in2x_express", "--limit", "2", "--output_path", tmp_path / "out"],
        env={**os.environ, "HF_HOME": str(tmp_path / "hf"), "PYTHONPATH": str(SOURCES)},
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    [file] = (tmp_path / "out").rglob("results*.json")
    results = json.loads(file.read_text())["results"]
    assert results["in2x_express_idiom"]["passed,none"] == 0.0 and "in2x_express" in results
